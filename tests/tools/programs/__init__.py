"""Random programs over NumPy and autodiff, written as Python source from a seed, and what is asked of them compiled.

`templates` says what a step may be, `drawing` composes steps to a `Program`, `running` runs one eagerly and compiled and
compares, `reducing` makes a failing one small.
"""
