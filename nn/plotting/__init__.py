"""Plots of networks and of their training.

A run by epoch, confusion matrices, gradient flow, distributions of activations and weights, slices of the loss,
decision boundaries.

Matplotlib draws them (the extra ``plot``). Each function returns the Figure it drew on; those that fill a single Axes
take ``ax=``.
"""

from __future__ import annotations

from typing import Any

from autodiff import names as _names
from nn.plotting.boundaries import decision_boundary, draw_regions
from nn.plotting.flow import gradient_flow, lost_units
from nn.plotting.histograms import activation_histograms, weight_histograms
from nn.plotting.landscapes import filter_directions, loss_slice, losses_along
from nn.plotting.training import confusion, history

__all__ = [
    "activation_histograms",
    "confusion",
    "decision_boundary",
    "draw_regions",
    "filter_directions",
    "gradient_flow",
    "history",
    "losses_along",
    "loss_slice",
    "lost_units",
    "weight_histograms",
]


def __getattr__(name: str) -> Any:
    """Say what a name of another library is called here."""
    raise _names.not_in_module("nn.plotting", name, _row_of, __all__)


def _row_of(name: str) -> _names.Row | None:
    from nn.names import of_plotting

    return of_plotting(name)
