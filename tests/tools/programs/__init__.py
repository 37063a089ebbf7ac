"""Random programs over NumPy and autodiff, written as Python source from a seed, and what is asked of them compiled.

`templates` says what a step may be and `filling` what may stand in it; `drawing` draws steps, `composing` makes a
`Program` of them, `writing` its source; `running` runs it eagerly and compiled and compares, `reducing` makes a failing
one small. `training` and `training_runs` are the same for whole training runs; `command` is the command line of both.
"""
