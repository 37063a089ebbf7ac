"""The methods of ufuncs: `reduce`, `accumulate` and `outer` are replaced by functions with rules that do the same."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.core.primitives import full_name
from autodiff.errors import MutationError, UnsupportedError
from autodiff.ops.exponentials import logsumexp_over
from autodiff.ops.missing import nanmax, nanmin
from autodiff.ops.reductions import max_, min_, prod, sum_
from autodiff.ops.running import EXTREMES_SO_FAR, cumulative_logaddexp
from autodiff.ops.scans import cumprod, cumsum
from autodiff.ops.shapes import canonical_axes, in_single, operand, reshape_to


def _log_of_sum(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    a = operand(a)
    axes = canonical_axes(axis, a.ndim, "logaddexp.reduce")
    if 0 in (a.shape if axes is None else [a.shape[i] for i in axes]):  # the logarithm of an empty sum is -inf
        return sum_(a, axes, keepdims=keepdims) - math.inf
    return in_single(logsumexp_over, a, axis=axes, keepdims=bool(keepdims))


REDUCE: dict[np.ufunc, Callable[..., Any]] = {
    np.add: sum_,
    np.multiply: prod,
    np.maximum: max_,
    np.minimum: min_,
    np.fmax: nanmax,
    np.fmin: nanmin,
    np.logaddexp: _log_of_sum,
}
"""The functions in place of ``ufunc.reduce``."""

ACCUMULATE: dict[np.ufunc, Callable[..., Any]] = {
    np.add: cumsum,
    np.multiply: cumprod,
    np.logaddexp: cumulative_logaddexp,
    **EXTREMES_SO_FAR,
}
"""The functions in place of ``ufunc.accumulate``."""

_INSTEAD = {
    "reduce": "reduce it in a loop, y = f(y, x[i])",
    "accumulate": "loop over the entries and join the results by np.stack",
    "reduceat": "reduce the parts, x[a:b].sum(), and join the results by np.stack",
}


def through_method(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """``getattr(ufunc, method)(*inputs, **keywords)`` with Tensors among the inputs."""
    name = f"{full_name(ufunc)}.{method}"
    if method == "at":
        how = ".add(v)" if ufunc is np.add else ".add(-v)" if ufunc is np.subtract else ".set(...)"
        raise MutationError(
            f"{name} would write in place and lose the gradient; use x.at[i]{how}, which returns a copy."
        )
    if method == "outer" and ufunc.nin == 2 and ufunc.signature is None:
        if keywords:
            raise UnsupportedError(f"{name} on a Tensor does not take {_listed(keywords)}.")
        a, b = (operand(x) for x in inputs)
        return ufunc(reshape_to(a, shape=a.shape + (1,) * b.ndim), b)
    function = {"reduce": REDUCE, "accumulate": ACCUMULATE}.get(method, {}).get(ufunc)
    if function is None:
        table = {"reduce": REDUCE, "accumulate": ACCUMULATE}.get(method, {})
        known = ", ".join(f"np.{f.__name__}.{method}" for f in table)
        raise UnsupportedError(
            f"{name} has no derivative rule here. "
            + (f"Supported: {known}. " if known else "")
            + f"Or {_INSTEAD.get(method, 'write it with supported functions')}."
        )
    given = {k: v for k, v in keywords.items() if v is not None or k == "axis"}
    given.setdefault("axis", 0 if operand(inputs[0]).ndim else None)
    odd = given.keys() - inspect.signature(function).parameters
    if odd and not (odd == {"keepdims"} and not given.pop("keepdims")):
        raise UnsupportedError(f"{name} on a Tensor does not take {_listed(odd)}.")
    return function(*inputs, **given)


def _listed(keywords: Any) -> str:
    return ", ".join(f"{k}=" for k in sorted(keywords))
