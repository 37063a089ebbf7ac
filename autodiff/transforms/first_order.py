"""First derivatives of functions: gradients, pullbacks, pushforwards."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, Literal, Never, Protocol, TypeVar, overload

import numpy as np

from autodiff import pytree
from autodiff.arrays.plain import data_of, untracked
from autodiff.arrays.tensors import Tensor, number, seed
from autodiff.core import switches, walks
from autodiff.core.tape import Node, next_number
from autodiff.errors import GradientError, StructureError
from autodiff.names import refuse_for_tensors
from autodiff.transforms.recording import (
    Derivative,
    Function,
    argument_numbers,
    conjugated,
    leave,
    leave_tree,
    matching,
    own,
    pull,
    push,
    record,
    results_by_argument,
    title,
    tracked_node,
)

T = TypeVar("T")
Y = TypeVar("Y")
Y_co = TypeVar("Y_co", covariant=True)


class ValueAndGradient(Protocol[Y_co]):
    """A function's value and its gradient; the gradient's type is as in `Derivative`."""

    @overload
    def __call__(self, x: Tensor, /, *args: Any, **kwargs: Any) -> tuple[Y_co, Tensor]: ...
    @overload
    def __call__(self, *args: Any, **kwargs: Any) -> tuple[Any, Any]: ...


def _split_aux(f: Function, output: Any, has_aux: bool) -> tuple[Any, Any]:
    if not has_aux:
        return output, None
    if not isinstance(output, tuple) or len(output) != 2:
        raise StructureError(
            f"has_aux=True: {title(f)} must return a pair (value, aux); it returned a {type(output).__name__}."
        )
    return output


def _check_scalar(who: str, f: Function, y: Any) -> None:
    if isinstance(y, (dict, list, tuple)) or y is None:
        raise GradientError(
            f"{who} needs a scalar; {title(f)} returned a {type(y).__name__}. Return one number (and extra results "
            f"with has_aux=True), or use ad.jacobian or ad.vjp."
        )
    dtype = data_of(y).dtype
    if np.size(untracked(y)) != 1:
        raise GradientError(
            f"{who} needs a scalar; {title(f)} returned shape {np.shape(y)}. Reduce it with .mean() or .sum(), or use "
            f"ad.jacobian (all derivatives) or ad.vjp (their product with a cotangent)."
        )
    if dtype.kind == "c":
        raise GradientError(
            f"{who} needs a real scalar; {title(f)} returned a complex one. Take its real part or magnitude, or use "
            "ad.vjp or ad.jacobian."
        )
    if dtype.kind not in "f":
        raise GradientError(
            f"{who} needs a real scalar; {title(f)} returned dtype {dtype}, which has no derivative. Convert integers "
            "with .astype(float). Functions such as argmax and comparisons cut the graph: compute the result without "
            "them."
        )


@overload
def value_and_grad(
    f: Callable[..., Y], argnums: Literal[0] = ..., *, has_aux: Literal[False] = ...
) -> ValueAndGradient[Y]: ...
@overload
def value_and_grad(
    f: Function, argnums: Sequence[int], *, has_aux: Literal[False] = ...
) -> Callable[..., tuple[Any, tuple[Any, ...]]]: ...
@overload
def value_and_grad(
    f: Function, argnums: int | Sequence[int] = ..., *, has_aux: Literal[True]
) -> Callable[..., tuple[tuple[Any, Any], Any]]: ...
@overload
def value_and_grad(
    f: Function, argnums: int | Sequence[int] = ..., *, has_aux: bool = ...
) -> Callable[..., tuple[Any, Any]]: ...
def value_and_grad(f: Function, argnums: int | Sequence[int] = 0, *, has_aux: bool = False, **unknown: Never) -> Any:
    """The function that returns a scalar function's value and its gradient.

    Parameters
    ----------
    f : callable
        Returns one real number (an array with one element, of any shape).
    argnums : int or tuple of int, default 0
        The positional arguments to differentiate by: arrays, numbers, Tensors, or nested dicts, lists
        and tuples of them. Keyword arguments pass through.
    has_aux : bool, default False
        `f` returns a pair ``(value, aux)``; `aux` is passed through.

    Returns
    -------
    callable
        ``(*args, **kwargs) -> (value, gradient)``, or ``((value, aux), gradient)``. The gradient has
        the structure, shapes and dtypes of the argument (a tuple of them for several `argnums`): arrays for
        arrays, NumPy scalars for numbers, Tensors for Tensors. Results that depend on a tracked Tensor
        that `f` closes over are tracked Tensors.

    Raises
    ------
    GradientError
        If the value is not one real number, or an argument does not have a real or complex dtype.

    Notes
    -----
    ``g_i = df/dx_i``, by one reverse sweep: a small multiple of the cost of `f`, whatever the number of arguments. The
    gradient by a complex argument is ``dL/dRe + i dL/dIm``, the direction of steepest ascent.

    References
    ----------
    A. Griewank, A. Walther, "Evaluating Derivatives", 2nd edition, SIAM 2008, section 3.2.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> value, g = ad.value_and_grad(lambda x: (x**2).sum())(np.array([1.0, 3.0]))
    >>> float(value), g
    (10.0, array([2., 6.]))
    """
    if unknown:
        refuse_for_tensors("value_and_grad", "ad.value_and_grad(f, {})", value_and_grad, unknown)
    return _value_and_grad("value_and_grad", f, argnums, has_aux)


@overload
def grad(f: Function, argnums: Literal[0] = ..., *, has_aux: Literal[False] = ...) -> Derivative: ...
@overload
def grad(f: Function, argnums: Sequence[int], *, has_aux: Literal[False] = ...) -> Callable[..., tuple[Any, ...]]: ...
@overload
def grad(
    f: Function, argnums: int | Sequence[int] = ..., *, has_aux: Literal[True]
) -> Callable[..., tuple[Any, Any]]: ...
@overload
def grad(f: Function, argnums: int | Sequence[int] = ..., *, has_aux: bool = ...) -> Function: ...
def grad(f: Function, argnums: int | Sequence[int] = 0, *, has_aux: bool = False, **unknown: Never) -> Any:
    """The function that returns a scalar function's gradient.

    Parameters
    ----------
    f : callable
        Returns one real number (an array with one element, of any shape).
    argnums : int or tuple of int, default 0
        The positional arguments to differentiate by: arrays, numbers, Tensors, or nested dicts, lists and tuples of
        them. Keyword arguments pass through.
    has_aux : bool, default False
        `f` returns a pair ``(value, aux)``; `aux` is passed through.

    Returns
    -------
    callable
        ``(*args, **kwargs) -> gradient``, or ``(gradient, aux)`` with `has_aux`. The gradient has the structure,
        shapes and dtypes of the argument (a tuple of them for several `argnums`), as in `value_and_grad`.

    Raises
    ------
    GradientError
        If the value is not one real number, or an argument does not have a real or complex dtype.

    Notes
    -----
    ``g_i = df/dx_i``, by one reverse sweep: a small multiple of the cost of `f`, whatever the number of arguments.

    References
    ----------
    A. Griewank, A. Walther, "Evaluating Derivatives", 2nd edition, SIAM 2008, section 3.2.

    Examples
    --------
    >>> import autodiff as ad
    >>> float(ad.grad(lambda x: x**3)(2.0))
    12.0
    >>> float(ad.grad(ad.grad(lambda x: x**3))(2.0))
    12.0
    """
    if unknown:
        refuse_for_tensors("grad", "ad.grad(f, {})", grad, unknown)
    both = _value_and_grad("grad", f, argnums, has_aux)

    @functools.wraps(f, assigned=("__module__", "__name__", "__qualname__", "__doc__"), updated=())
    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, g = both(*args, **kwargs)
        return (g, value[1]) if has_aux else g

    return gradient


def _value_and_grad(who: str, f: Function, argnums: int | Sequence[int], has_aux: bool) -> Function:
    numbers = argument_numbers(argnums)
    single = isinstance(argnums, int)

    def both(*args: Any, **kwargs: Any) -> Any:
        recording = record(f, args, kwargs, numbers)
        y, aux = _split_aux(f, recording.output, has_aux)
        _check_scalar(who, f, y)
        targets = set(recording.nodes)
        tensors = recording.gives_tensors
        root = tracked_node(y, recording.nodes[0].number if targets else next_number())
        cts: dict[Node, Any] = {}
        if root is not None:
            found = walks.walk((root,), targets)
            cts = pull(found, {root: seed(y, None, who)}, targets, found.outside and switches.is_recording(), {})
        grads = results_by_argument(recording, cts, targets, [])
        value = leave(y, targets, tensors)
        g = grads[0] if single else tuple(grads)
        return ((value, leave_tree(aux, targets, tensors)), g) if has_aux else (value, g)

    return both


def gradients(y: Tensor, xs: Sequence[Tensor], ct: Any = None, *, create_graph: bool = False) -> tuple[Tensor, ...]:
    """The gradients of a Tensor by Tensors that it was computed from; no ``.grad`` is changed.

    Parameters
    ----------
    y : Tensor
        One element, or any shape if a cotangent is given.
    xs : sequence of Tensor
        Leaves or results; all tracked.
    ct : array_like, optional
        The cotangent, with the shape of `y`; 1 by default.
    create_graph : bool, default False
        Record the sweep, so that the gradients can be differentiated again.

    Returns
    -------
    tuple of Tensor
        With the shapes of `xs`; zeros for those on which `y` does not depend.

    Raises
    ------
    GradientError
        If `y` or one of `xs` is not tracked, or `y` has several elements and no cotangent is given.

    Notes
    -----
    ``dy/dx`` for each x, summed with the weights `ct` over the entries of `y`.

    References
    ----------
    A. Griewank, A. Walther, "Evaluating Derivatives", 2nd edition, SIAM 2008, section 3.2.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> t = ad.tensor(0.0, requires_grad=True)
    >>> (first,) = ad.gradients(np.exp(2 * t), [t], create_graph=True)
    >>> (second,) = ad.gradients(first, [t])
    >>> second.item()
    4.0
    """
    if isinstance(xs, Tensor):
        raise GradientError("gradients: xs must be a list of Tensors; write ad.gradients(y, [x]).")
    for who, t in [("y", y), *((f"xs[{i}]", x) for i, x in enumerate(xs))]:
        if not isinstance(t, Tensor) or t._node is None:
            given = "is not tracked" if isinstance(t, Tensor) else f"is a {type(t).__name__}"
            raise GradientError(
                f"gradients: {who} {given}; it must be a Tensor with requires_grad=True, or computed from one."
            )
    root = y._node
    targets = {x._node for x in xs if x._node is not None}
    assert root is not None
    found = walks.walk((root,), targets)
    start = seed(y, ct, "gradients")
    if isinstance(ct, Tensor) and ct._node is not None and create_graph:
        start = conjugated(ct.astype(y.dtype) if ct.dtype != y.dtype else ct)
    results = pull(found, {root: start}, targets, create_graph, {})
    out: list[Tensor] = []
    for x in xs:
        g = results.get(x._node) if x._node is not None else None
        if g is None:
            if not x.is_leaf and x._node is not None and x._node.number > root.number:
                raise GradientError(
                    "gradients: an entry of xs was computed after y, so y cannot depend on it. The result comes first: "
                    "ad.gradients(y, [x])."
                )
            out.append(Tensor(np.zeros(x.shape, x.dtype)))
        elif isinstance(g, Tensor):
            out.append(conjugated(g))
        else:
            out.append(Tensor(own(data_of(conjugated(g)), [start, *(o._data for o in out)])))
    return tuple(out)


def vjp(f: Function, *xs: Any, **kwargs: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """The value of a function and its pullback, which multiplies a cotangent by the Jacobian.

    Parameters
    ----------
    f : callable
        Takes and returns arrays, or nested dicts, lists and tuples of them.
    *xs : array_like
        The arguments; `f` is differentiated by all of them.
    **kwargs
        Passed through.

    Returns
    -------
    y
        ``f(*xs)``.
    pullback : callable
        ``pullback(ct)`` takes a cotangent with the structure of `y`, and returns a tuple with J^H ct for
        each argument. It may be called any number of times.

    Raises
    ------
    GradientError
        If an argument has no real or complex dtype; in the pullback, if the cotangent has another shape than `y`.

    Notes
    -----
    ``ct_j = sum_i ct_i df_i/dx_j``, conjugated for complex numbers, by one reverse sweep.

    References
    ----------
    A. Griewank, A. Walther, "Evaluating Derivatives", 2nd edition, SIAM 2008, section 3.2.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> y, pullback = ad.vjp(lambda x: x**2, np.array([1.0, 2.0]))
    >>> pullback(np.array([1.0, 10.0]))
    (array([ 2., 40.]),)
    """
    recording = record(f, xs, kwargs, range(len(xs)))
    targets = set(recording.nodes)
    floor = min((n.number for n in targets), default=next_number())
    leaves, structure = pytree.flatten(recording.output)
    nodes = [tracked_node(y, floor) for y in leaves]
    found = walks.walk([n for n in nodes if n is not None], targets)

    def pullback(ct: Any) -> tuple[Any, ...]:
        parts = pytree.flatten_like(structure, ct, "the cotangent")
        cts: dict[Node, Any] = {}
        lifted = found.outside
        shared: list[Any] = []
        for i, (y, node, c) in enumerate(zip(leaves, nodes, parts, strict=True)):
            start = matching(c, y, f"the cotangent of output {i}" if len(leaves) > 1 else "the cotangent")
            if node is None:
                continue
            lifted = lifted or (isinstance(start, Tensor) and start._node is not None)
            start = conjugated(start)
            cts[node] = start if node not in cts else cts[node] + start
            shared.append(start)
        lifted = lifted and switches.is_recording()
        if not lifted:
            cts = {n: untracked(c) for n, c in cts.items()}
            shared = [untracked(c) for c in shared]
        return tuple(
            results_by_argument(recording, pull(found, cts, targets, lifted, {}) if cts else {}, targets, shared)
        )

    return leave_tree(recording.output, targets, recording.gives_tensors), pullback


def linearize(f: Function, *xs: Any, **kwargs: Any) -> tuple[Any, Function]:
    """The value of a function and its pushforward, which multiplies the Jacobian by tangents.

    The function is run and recorded once; each product is one forward sweep.

    Parameters
    ----------
    f : callable
        Takes and returns arrays, or nested dicts, lists and tuples of them.
    *xs : array_like
        The arguments.
    **kwargs
        Passed through.

    Returns
    -------
    y
        ``f(*xs)``.
    pushforward : callable
        ``pushforward(*ts)`` takes a tangent for each argument, with its structure, and returns J t with
        the structure of `y`.

    Raises
    ------
    GradientError
        If the pushforward is not given one tangent for each argument.

    Notes
    -----
    ``f(x + t) = y + J t``, up to terms of second order in t.

    References
    ----------
    A. Griewank, A. Walther, "Evaluating Derivatives", 2nd edition, SIAM 2008, section 3.1.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> y, pushforward = ad.linearize(np.sin, np.array([0.0, 1.0]))
    >>> pushforward(np.array([1.0, 0.0]))
    array([1., 0.])
    """
    recording = record(f, xs, kwargs, range(len(xs)))
    targets = set(recording.nodes)
    floor = min((n.number for n in targets), default=next_number())
    leaves, structure = pytree.flatten(recording.output)
    nodes = [tracked_node(y, floor) for y in leaves]
    outputs = {n for n in nodes if n is not None}
    found = walks.walk(outputs, targets)
    tensors = recording.gives_tensors

    def pushforward(*ts: Any) -> Any:
        if len(ts) != len(recording.arguments):
            raise GradientError(f"the pushforward takes {len(recording.arguments)} tangent(s); {len(ts)} were given.")
        tangents: dict[Node, Any] = {}
        lifted = found.outside
        for i, (argument, t) in enumerate(zip(recording.arguments, ts, strict=True)):
            parts = pytree.flatten_like(argument.structure, t, f"the tangent of argument {i}")
            for value, node, part in zip(argument.leaves, argument.nodes, parts, strict=True):
                start = matching(part, value, f"the tangent of argument {i}")
                lifted = lifted or (isinstance(start, Tensor) and start._node is not None)
                tangents[node] = start
        lifted = lifted and switches.is_recording()
        if not lifted:
            tangents = {n: untracked(t) for n, t in tangents.items()}
        shared = list(tangents.values())
        swept = push(found, tangents, outputs, lifted, {})
        return pytree.unflatten(structure, _tangents_out(leaves, nodes, swept, targets, tensors, shared))

    return leave_tree(recording.output, targets, tensors, found), pushforward


def _tangents_out(
    leaves: list[Any],
    nodes: list[Node | None],
    swept: dict[Node, Any],
    targets: set[Node],
    tensors: bool,
    shared: list[Any],
) -> list[Any]:
    out = []
    inside: set[Node] = set()
    for y, node in zip(leaves, nodes, strict=True):
        t = None if node is None else swept.get(node)
        if t is None:
            zero = np.zeros_like(untracked(y))[()]
            out.append(Tensor(zero) if tensors else zero)
            continue
        t = leave(t, targets, tensors, inside)
        if not isinstance(t, Tensor):
            t = own(number(t), shared)
            t = Tensor(t) if tensors else t
        shared.append(t)
        out.append(t)
    return out


def jvp(f: Function, xs: Sequence[Any], ts: Sequence[Any], **kwargs: Any) -> tuple[Any, Any]:
    """The value of a function and its derivative along a direction.

    Parameters
    ----------
    f : callable
        Takes and returns arrays, or nested dicts, lists and tuples of them.
    xs : tuple of array_like
        The arguments.
    ts : tuple of array_like
        A tangent for each argument, with its structure.
    **kwargs
        Passed through.

    Returns
    -------
    y, dy
        ``f(*xs)`` and J t, with the same structure.

    Raises
    ------
    GradientError
        If there is not one tangent, of the same shape, for each argument.

    Notes
    -----
    ``dy_i = sum_j df_i/dx_j t_j``, by one forward sweep.

    References
    ----------
    A. Griewank, A. Walther, "Evaluating Derivatives", 2nd edition, SIAM 2008, section 3.1.

    Examples
    --------
    >>> import autodiff as ad
    >>> y, dy = ad.jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 0.0))
    >>> float(y), float(dy)
    (6.0, 3.0)
    """
    if not isinstance(xs, (tuple, list)) or not isinstance(ts, (tuple, list)) or len(xs) != len(ts):
        raise GradientError(
            "jvp: give two tuples of one length, the arguments and their tangents: ad.jvp(f, (x,), (t,))."
        )
    y, pushforward = linearize(f, *xs, **kwargs)
    return y, pushforward(*ts)


@overload
def stop_gradient(x: Tensor) -> Tensor: ...
@overload
def stop_gradient(x: T) -> T: ...
def stop_gradient(x: Any) -> Any:
    """The same values as constants: no derivative flows through them.

    Parameters
    ----------
    x : array_like or container
        Tensors are detached, everything else passes through.

    Returns
    -------
    array_like or container
        With the structure of `x`.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> ad.grad(lambda t: (t * ad.stop_gradient(t)).sum())(np.array([3.0]))
    array([3.])
    """
    leaves, structure = pytree.flatten(x)
    return pytree.unflatten(structure, [v.detach() if isinstance(v, Tensor) else v for v in leaves])
