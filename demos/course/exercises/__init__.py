"""The exercises, a module or a package for each chapter of the curriculum.

To add one, write the reference function with its title and task as docstring, and above it the decorator `exercise`
with what the arguments are, an example, the solution, hints, and the mistakes that learners make, each as a wrong
function with the hint that it deserves. tests/test_course_exercises.py spoils the solution in all usual ways and says
what is not told apart; ``python docs/tools/exercises.py`` puts the exercise into the table of the manual.
"""

CHAPTERS = {
    "derivatives": "Derivatives",
    "integration": "Integration",
    "multivariable": "Multivariable calculus",
    "vector_calculus": "Vector calculus",
    "optimisation": "Optimisation",
    "networks": "Neural networks",
    "information": "Information theory",
}
"""The chapters' modules in the curriculum's order, and what the chapters are called."""
