"""The exercises, a module for each chapter of the curriculum."""

CHAPTERS = {
    "derivatives": "Derivatives",
    "integration": "Integration",
    "multivariable": "Multivariable calculus",
    "vector_calculus": "Vector calculus",
    "optimisation": "Optimisation",
    "networks": "Neural networks",
    "information": "Information theory",
}
"""The modules in the curriculum's order, and what the chapters are called."""
