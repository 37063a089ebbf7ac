"""Trading time for memory: drop the intermediate values of a function, and recompute them for a derivative."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numpy as np

from autodiff import pytree
from autodiff.arrays.plain import untracked
from autodiff.arrays.tensors import Tensor, lift
from autodiff.core import switches, walks
from autodiff.core.kinds import primitive
from autodiff.core.primitives import Primitive
from autodiff.core.tape import Held, Leaf, Node, item_node, next_number, opened
from autodiff.errors import RuleError, UnsupportedError
from autodiff.transforms.recording import pull_recorded, push_recorded, recording_on

P = ParamSpec("P")
T = TypeVar("T")


def checkpoint(f: Callable[P, T]) -> Callable[P, T]:
    """The same function, but its intermediate values are dropped, and recomputed when a derivative needs them.

    Parameters
    ----------
    f : callable
        Deterministic. It takes and returns arrays or nested containers of them, and may close over
        tracked Tensors.

    Returns
    -------
    callable
        Takes the same arguments. Between the passes only its inputs and outputs are kept: less memory,
        at the cost of a second evaluation.

    Raises
    ------
    RuleError
        In the sweep, if the second evaluation gives another value than the first.

    Notes
    -----
    The gradient is the same: ``dL/dx = J' dL/dy``, with J from the second evaluation.

    References
    ----------
    A. Griewank, A. Walther, "Algorithm 799: revolve", ACM TOMS 26 (2000), in the simplest case.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> g = ad.checkpoint(lambda x: np.sin(np.exp(x)))
    >>> abs(float(ad.grad(g)(0.5) - np.cos(np.exp(0.5)) * np.exp(0.5))) < 1e-15
    True
    """

    @functools.wraps(f, assigned=("__module__", "__name__", "__qualname__", "__doc__"), updated=())
    def forgetful(*args: P.args, **kwargs: P.kwargs) -> T:
        leaves, structure = pytree.flatten(args)
        places = [i for i, v in enumerate(leaves) if isinstance(v, Tensor) and v._node is not None]
        held = [v.detach() if i in places else v for i, v in enumerate(leaves)]
        call = _Call(f, structure, held, places, kwargs)
        if not switches.is_recording():
            return f(*args, **kwargs)
        floor = next_number()
        roots, ys, out_structure = call([leaves[i]._data for i in places])[1:]
        captured = walks.outside_nodes([r for r in roots if r is not None], set(), floor)
        operands = [leaves[i] for i in places]
        for node, value in captured.items():
            if type(value) is tuple:
                operands += [lift(v, item_node(node, i)) for i, v in enumerate(value)]
            else:
                operands.append(lift(value, node))
        values = {i: ys[i]._data for i, root in enumerate(roots) if root is not None}  # the tracked outputs
        if values:
            out = _recomputed(call, list(captured), values)(*operands)
            for i, y in zip(values, out if isinstance(out, tuple) else (out,), strict=True):
                ys[i] = y
        return pytree.unflatten(out_structure, ys)

    return forgetful


class _Call:
    """A call of `f` that can be repeated with other values in the tracked places."""

    __slots__ = ("f", "held", "kwargs", "places", "structure")

    def __init__(
        self, f: Callable[..., Any], structure: Any, held: list[Any], places: list[int], kwargs: dict[str, Any]
    ) -> None:
        self.f, self.structure, self.held, self.places, self.kwargs = f, structure, held, places, kwargs

    def __call__(self, moving: list[Any]) -> tuple[list[Held], list[Node | None], list[Any], Any]:
        """Return the fresh nodes of the moving arguments, the nodes and values of the outputs, and their structure."""
        leaves = list(self.held)
        fresh: list[Held] = []
        for i, v in zip(self.places, moving, strict=True):
            data = untracked(v)
            node = Held(data, v._node if isinstance(v, Tensor) else None)
            fresh.append(node)
            leaves[i] = lift(data, node)
        with recording_on(), opened(fresh):
            output = self.f(*pytree.unflatten(self.structure, leaves), **self.kwargs)
        ys, structure = pytree.flatten(output)
        return fresh, [y._node if isinstance(y, Tensor) else None for y in ys], ys, structure


def _recomputed(call: _Call, captured: list[Node], outputs: dict[int, Any]) -> Primitive:
    """The primitive whose rules run the function again, record it, and sweep; `outputs` maps positions to values."""
    values = tuple(outputs.values())
    several = len(values) > 1

    def again(operands: tuple[Any, ...]) -> tuple[list[Node], list[Node | None]]:
        from autodiff.arrays.series import Series  # imported here, since most programs never need it

        if any(isinstance(x, Series) for x in operands[len(call.places) :]):
            raise UnsupportedError(
                "checkpoint: a power series (taylor) must enter a function by its arguments, not by what it closes "
                "over. Pass that as an argument."
            )
        floor = next_number()
        fresh, roots, ys, _ = call(list(operands[: len(call.places)]))
        met = walks.outside_nodes([r for r in roots if r is not None], set(), floor)
        if not all(node in met or isinstance(node, Leaf) for node in captured):  # a leaf may be made inside
            raise RuleError(
                "checkpoint: in the sweep the function does not read the tensors that it read when it was called, so "
                "their gradients would be lost: an attribute or a variable has changed, or stand-ins of "
                "nn.functional_call are no longer there. Pass what it reads as arguments: ad.checkpoint(f)(x, w)."
            )
        for i, before in outputs.items():
            now = ys[i]
            if switches.tracer() is not None:  # a program computes equal calls only once: there is nothing to compare
                continue
            if not np.array_equal(before, untracked(now), equal_nan=True):
                raise RuleError(
                    "checkpoint: the second evaluation gave other values than the first. The function must be "
                    "deterministic (no fresh random numbers) and must not change what it reads."
                )
        return fresh + captured, [roots[i] for i in outputs]

    def vjp(ct: Any, y: Any, *operands: Any) -> tuple[Any, ...]:
        targets, roots = again(operands)
        found = pull_recorded(roots, ct if several else (ct,), targets, lifted=_lifted(operands))
        gs: list[Any] = []
        for node, g in zip(targets, found, strict=True):
            gs += [g] if type(node.output) is not tuple else [None] * len(node.output) if g is None else g
        return tuple(gs)

    def jvp(ts: tuple[Any, ...], y: Any, *operands: Any) -> Any:
        sources, roots = again(operands)
        parts = iter(ts)
        grouped = [[next(parts) for _ in n.output] if type(n.output) is tuple else next(parts) for n in sources]
        out = push_recorded(roots, grouped, sources, values, lifted=_lifted(operands))
        return tuple(out) if several else out[0]

    return primitive(lambda *_: values if several else values[0], vjp=vjp, jvp=jvp, name="checkpoint")


def _lifted(operands: tuple[Any, ...]) -> bool:
    """Whether the sweep that calls a rule is recorded; then the sweep inside the rule must be recorded too."""
    return any(isinstance(v, Tensor) for v in operands)
