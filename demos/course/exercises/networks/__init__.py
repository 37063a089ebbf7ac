"""Neural networks: a module for each subject, whose exercises come in this order."""

from demos.course.exercises.networks import (  # isort: skip  # the order of the chapter
    activations,
    losses,
    layers,
    training,
    engine,
)

__all__ = ["activations", "engine", "layers", "losses", "training"]
