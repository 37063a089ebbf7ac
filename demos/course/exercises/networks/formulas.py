"""Formulas that several exercises of this chapter need."""

from __future__ import annotations

import numpy as np

from demos.course.records import Array


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x))."""
    return 1 / (1 + np.exp(-x))


def softmax(x: Array) -> Array:
    """exp(x) divided by its sum over the last axis."""
    powers = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return powers / np.sum(powers, axis=-1, keepdims=True)
