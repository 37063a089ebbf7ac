"""Functions to functions: gradients, Jacobians, Hessians, and their products with vectors.

Each transform gives every differentiated argument a fresh node (an alias of the outer value where
that is tracked, an input otherwise), runs the function, and sweeps back or forth over what was
recorded since. A result that depends on something tracked outside is swept on Tensors and stays
tracked; all else leaves as plain arrays. That is the whole of nesting.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple

import numpy as np

from autodiff import pytree, tape
from autodiff.batching import Batch
from autodiff.errors import DtypeError, GradientError, StructureError
from autodiff.primitives import MASKING, SINGULAR
from autodiff.pytree import Structure
from autodiff.tape import ALIAS, NO_KEYWORDS, Node, Walk, next_number, set_recording
from autodiff.tensors import Tensor, lift, seed

Function = Callable[..., Any]

class _Argument(NamedTuple):
    """One differentiated argument: its structure, the values as given, and a fresh node for each."""

    structure: Structure
    leaves: list[Any]
    nodes: list[Node]


class _Recording(NamedTuple):
    """What a call of the function left behind."""

    arguments: list[_Argument]
    output: Any

    @property
    def nodes(self) -> list[Node]:
        """The fresh nodes of all arguments."""
        return [n for a in self.arguments for n in a.nodes]

    @property
    def leaves(self) -> list[Any]:
        """The values of all arguments, as given."""
        return [v for a in self.arguments for v in a.leaves]

    @property
    def gives_tensors(self) -> bool:
        """Whether a Tensor went in, so that Tensors come out."""
        return any(isinstance(v, Tensor) for v in self.leaves)


# --- recording a call -----------------------------------------------------------------------------


def _fresh(value: Any, path: str) -> Tensor:
    """The value under a fresh node."""
    if isinstance(value, Tensor):
        data, outer = value._data, value._node
    elif isinstance(value, (np.ndarray, np.generic)):
        data, outer = value, None
    elif isinstance(value, (float, complex)):
        data, outer = np.array(value)[()], None
    elif isinstance(value, int):
        data, outer = np.array(value), None
    else:
        raise GradientError(
            f"{path} is a {type(value).__name__}; only numbers, arrays and Tensors (and dicts, lists and tuples of them) "
            f"can be differentiated. Choose the arguments with argnums=."
        )
    if data.dtype.kind not in "fc":
        raise GradientError(
            f"{path} has dtype {data.dtype}, and a derivative with respect to an integer or boolean does not exist. Pass it "
            f"as a float (2.0 for 2, or x.astype(float)), or choose other arguments with argnums=."
        )
    if outer is None:
        return lift(data, Node(next_number(), None, (), (), NO_KEYWORDS, data))
    return lift(data, Node(next_number(), ALIAS, (data,), (outer,), NO_KEYWORDS, data))


def _title(f: Function) -> str:
    name = getattr(f, "__name__", type(f).__name__)
    return "the function" if name == "<lambda>" else f"`{name}`"


def _parameter_names(f: Function, n: int) -> list[str]:
    code = getattr(f, "__code__", None)
    names = list(code.co_varnames[: code.co_argcount]) if code is not None else []
    if names and getattr(f, "__self__", None) is not None:
        names = names[1:]
    return [names[i] if i < len(names) else f"argument {i}" for i in range(n)]


def recording_on() -> Any:
    """Context manager: recording is on, whatever the caller's switch says."""
    return nullcontext() if not tape.special or tape.is_recording() else set_recording(True)


def _record(f: Function, args: tuple[Any, ...], kwargs: dict[str, Any], argnums: Sequence[int]) -> _Recording:
    """Call `f` with fresh nodes under the chosen arguments."""
    if not callable(f):
        raise GradientError(f"the first argument is the function to differentiate; {type(f).__name__} was given.")
    names = _parameter_names(f, len(args))
    call = list(args)
    arguments = []
    for i in argnums:
        if not -len(args) <= i < len(args):
            raise GradientError(f"argnums={i}, but {_title(f)} was called with {len(args)} positional argument(s).")
        i %= len(args)
        leaves, structure = pytree.flatten(args[i])
        fresh = [_fresh(v, p) for v, p in zip(leaves, pytree.paths(structure, names[i]), strict=True)]
        call[i] = pytree.unflatten(structure, list(fresh))
        nodes = [t._node for t in fresh if t._node is not None]
        if structure.kind is None:
            nodes[0].name = names[i]
        arguments.append(_Argument(structure, leaves, nodes))
    with recording_on():
        output = f(*call, **kwargs)
    return _Recording(arguments, output)


def _tracked_node(y: Any, floor: int) -> Node | None:
    """The node of an output that was recorded by this call, else None."""
    node = y._node if isinstance(y, Tensor) else None
    return node if node is not None and node.number >= floor else None


def _leave(value: Any, targets: set[Node], tensors: bool) -> Any:
    """A result as it leaves the transform: tracked only by what is outside of it."""
    if not isinstance(value, Tensor):
        return value
    node = value._node
    if node is not None and tape.is_recording() and tape.depends_outside(node, targets):
        return value
    return value.detach() if tensors else value._data


def _leave_tree(tree: Any, targets: set[Node], tensors: bool) -> Any:
    leaves, structure = pytree.flatten(tree)
    return pytree.unflatten(structure, [_leave(v, targets, tensors) for v in leaves])


# --- the sweeps, as transforms use them -----------------------------------------------------------


def _quiet(flags: int) -> Any:
    """Infinite slopes are answers (see the conventions), not accidents to warn of."""
    return np.errstate(all="ignore") if flags & SINGULAR else nullcontext()


def _pull(found: Walk, cts: dict[Node, Any], targets: set[Node], lifted: bool, lives: dict[Node, Any]) -> dict[Node, Any]:
    masked = bool(found.flags & (SINGULAR if lives else 0)) or found.masked or (lifted and bool(found.flags & MASKING))
    with _quiet(found.flags), recording_on() if lifted else nullcontext():
        return tape.pull_back(
            found, cts, targets, lift=lift if lifted else None, masked=masked, lives=lives if masked else None
        )


def _push(
    found: Walk, tangents: dict[Node, Any], outputs: set[Node], lifted: bool, lives: dict[Node, Any]
) -> dict[Node, Any]:
    masked = bool(found.flags & (SINGULAR if lives else 0)) or found.masked
    with _quiet(found.flags), recording_on() if lifted else nullcontext():
        return tape.push_forward(
            found, tangents, outputs, lift=lift if lifted else None, masked=masked, lives=lives if masked else None
        )


def pull_recorded(roots: list[Node | None], cts: tuple[Any, ...], targets: list[Node]) -> list[Any]:
    """Cotangents of `targets`, which the walk does not pass, from those of `roots`; None where nothing arrives."""
    given: dict[Node, Any] = {}
    for node, ct in zip(roots, cts, strict=True):
        if node is not None and ct is not None:
            given[node] = ct if node not in given else given[node] + ct
    wanted = set(targets)
    found = tape.walk(given, wanted, through=False)
    swept = _pull(found, given, wanted, found.outside or any(isinstance(c, Tensor) for c in cts), {})
    return [swept.get(t) for t in targets]


def push_recorded(roots: list[Node | None], ts: tuple[Any, ...], sources: list[Node], values: tuple[Any, ...]) -> list[Any]:
    """Tangents of `roots` from those of `sources`; zeros where nothing arrives."""
    outputs = {n for n in roots if n is not None}
    found = tape.walk(outputs, set(sources), through=False)
    swept = _push(found, dict(zip(sources, ts, strict=True)), outputs, found.outside or any(isinstance(t, Tensor) for t in ts), {})
    return [np.zeros_like(v) if n is None or n not in swept else swept[n] for n, v in zip(roots, values, strict=True)]


def _like(result: Any, original: Any, shared: Iterable[Any] = ()) -> Any:
    """A (co)tangent as its owner expects it: an array of its own, a scalar for a number, a Tensor for a Tensor."""
    if isinstance(result, Tensor):
        if result._node is not None:
            return result
        result = result._data
    if isinstance(original, Tensor):
        return Tensor(_own(result, shared))
    if isinstance(original, np.ndarray):
        return _own(np.asarray(result), shared)
    return result[()] if isinstance(result, np.ndarray) else result


def _own(array: Any, shared: Iterable[Any]) -> Any:
    """The array itself where nothing else can see it, else a copy."""
    if not isinstance(array, np.ndarray):
        return array
    return array.copy() if array.base is not None or any(array is s for s in shared) else array


def _conjugated(g: Any) -> Any:
    return g.conj() if g.dtype.kind == "c" else g


def _zeros(value: Any) -> Any:
    data = value._data if isinstance(value, Tensor) else value
    return np.zeros_like(data)[()] if isinstance(data, np.generic) else np.zeros_like(data, subok=False)


def _results(
    recording: _Recording, found: dict[Node, Any], targets: set[Node], shared: list[Any], conjugate: bool = True
) -> list[Any]:
    """One tree of results for every argument; zeros where nothing arrived."""
    trees = []
    for argument in recording.arguments:
        out = []
        for value, node in zip(argument.leaves, argument.nodes, strict=True):
            g = found.get(node)
            if g is None:
                data = value._data if isinstance(value, Tensor) else np.asarray(value)
                g = np.zeros(data.shape, data.dtype)
            else:
                g = _leave(_conjugated(g) if conjugate else g, targets, isinstance(value, Tensor))
            out.append(_like(g, value, shared))
            shared.append(out[-1])
        trees.append(pytree.unflatten(argument.structure, out))
    return trees


# --- reverse mode ---------------------------------------------------------------------------------


def _numbers(argnums: int | Sequence[int]) -> tuple[int, ...]:
    if isinstance(argnums, int):
        return (argnums,)
    if isinstance(argnums, (tuple, list)) and argnums and all(isinstance(i, int) for i in argnums):
        return tuple(argnums)
    raise GradientError(f"argnums is an int or a tuple of ints; {argnums!r} was given.")


def _split_aux(f: Function, output: Any, has_aux: bool) -> tuple[Any, Any]:
    if not has_aux:
        return output, None
    if not isinstance(output, tuple) or len(output) != 2:
        raise StructureError(
            f"has_aux=True: {_title(f)} must return a pair (value, aux); it returned a {type(output).__name__}."
        )
    return output


def _check_scalar(who: str, f: Function, y: Any) -> None:
    if isinstance(y, (dict, list, tuple)) or y is None:
        raise GradientError(
            f"{who} needs a scalar; {_title(f)} returned a {type(y).__name__}. Return one number (extra results go with "
            f"has_aux=True), or use ad.jacobian or ad.vjp."
        )
    dtype = y.dtype if isinstance(y, (Tensor, np.ndarray, np.generic)) else np.asarray(y).dtype
    if np.size(y._data if isinstance(y, Tensor) else y) != 1:
        raise GradientError(
            f"{who} needs a scalar; {_title(f)} returned shape {np.shape(y)}. Reduce it with .mean() or .sum(), or use "
            f"ad.jacobian (all derivatives) or ad.vjp (their product with a cotangent)."
        )
    if dtype.kind == "c":
        raise GradientError(
            f"{who} needs a real scalar; {_title(f)} returned a complex one. Take its real part or magnitude, or use ad.vjp "
            f"or ad.jacobian."
        )
    if dtype.kind not in "f":
        raise GradientError(
            f"{who} needs a real scalar; {_title(f)} returned dtype {dtype}, which has no derivative. Convert with "
            f".astype(float) before functions such as argmax or comparisons cut the graph, or use ad.jacobian or ad.vjp."
        )


def value_and_grad(f: Function, argnums: int | Sequence[int] = 0, *, has_aux: bool = False) -> Function:
    """The function that returns a scalar function's value and its gradient.

    Parameters
    ----------
    f : callable
        Returns one real number (an array with one element, of any shape).
    argnums : int or tuple of int, default 0
        The positional arguments to differentiate by: arrays, numbers, Tensors, or nested dicts, lists
        and tuples of them. Keyword arguments pass through.
    has_aux : bool, default False
        `f` returns a pair ``(value, aux)``; `aux` is handed through.

    Returns
    -------
    callable
        ``(*args, **kwargs) -> (value, gradient)``, or ``((value, aux), gradient)``. The gradient has
        the structure, shapes and dtypes of the argument (a tuple of them for several `argnums`): arrays for
        arrays, NumPy scalars for numbers, Tensors for Tensors. What depends on a tracked Tensor that
        `f` closes over is a tracked Tensor.

    Raises
    ------
    GradientError
        If the value is not one real number, or an argument is not of a real or complex type.

    Notes
    -----
    One reverse sweep: the cost is a small multiple of that of `f`, whatever the number of arguments.
    The gradient by a complex argument is dL/dRe + i dL/dIm, the direction of steepest ascent.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> value, g = ad.value_and_grad(lambda x: (x**2).sum())(np.array([1.0, 3.0]))
    >>> float(value), g
    (10.0, array([2., 6.]))
    """
    return _value_and_grad("value_and_grad", f, argnums, has_aux)


def grad(f: Function, argnums: int | Sequence[int] = 0, *, has_aux: bool = False) -> Function:
    """The function that returns a scalar function's gradient.

    Parameters, errors and notes as in `value_and_grad`.

    Returns
    -------
    callable
        ``(*args, **kwargs) -> gradient``, or ``(gradient, aux)`` with `has_aux`.

    Examples
    --------
    >>> import autodiff as ad
    >>> float(ad.grad(lambda x: x**3)(2.0))
    12.0
    >>> float(ad.grad(ad.grad(lambda x: x**3))(2.0))
    12.0
    """
    both = _value_and_grad("grad", f, argnums, has_aux)

    @functools.wraps(f, assigned=("__module__", "__name__", "__qualname__", "__doc__"), updated=())
    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, g = both(*args, **kwargs)
        return (g, value[1]) if has_aux else g

    return gradient


def _value_and_grad(who: str, f: Function, argnums: int | Sequence[int], has_aux: bool) -> Function:
    numbers = _numbers(argnums)
    single = isinstance(argnums, int)

    def both(*args: Any, **kwargs: Any) -> Any:
        recording = _record(f, args, kwargs, numbers)
        y, aux = _split_aux(f, recording.output, has_aux)
        _check_scalar(who, f, y)
        targets = set(recording.nodes)
        tensors = recording.gives_tensors
        root = _tracked_node(y, recording.nodes[0].number if targets else next_number())
        cts: dict[Node, Any] = {}
        if root is not None:
            found = tape.walk((root,), targets)
            cts = _pull(found, {root: seed(y, None, who)}, targets, found.outside and tape.is_recording(), {})
        grads = _results(recording, cts, targets, [])
        value = _leave(y, targets, tensors)
        g = grads[0] if single else tuple(grads)
        return ((value, _leave_tree(aux, targets, tensors)), g) if has_aux else (value, g)

    return both


def gradients(
    y: Tensor, xs: Sequence[Tensor], ct: Any = None, *, create_graph: bool = False
) -> tuple[Tensor, ...]:
    """The gradients of a Tensor by others it was computed from, without touching any ``.grad``.

    Parameters
    ----------
    y : Tensor
        One element, or any shape if a cotangent is given.
    xs : sequence of Tensor
        Leaves or results; all tracked.
    ct : array_like, optional
        Cotangent in the shape of `y`; 1 by default.
    create_graph : bool, default False
        Record the sweep, so that the gradients can be differentiated again.

    Returns
    -------
    tuple of Tensor
        In the shapes of `xs`; zeros where `y` does not depend on one.

    Raises
    ------
    GradientError
        If `y` or one of `xs` is not tracked, or `y` has several elements and no cotangent is given.

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
        raise GradientError("gradients: xs is a list of Tensors; write ad.gradients(y, [x]).")
    for who, t in [("y", y), *((f"xs[{i}]", x) for i, x in enumerate(xs))]:
        if not isinstance(t, Tensor) or t._node is None:
            given = "is not tracked" if isinstance(t, Tensor) else f"is a {type(t).__name__}"
            raise GradientError(f"gradients: {who} {given}; it must be a Tensor that requires_grad or was computed from one.")
    root = y._node
    targets = {x._node for x in xs if x._node is not None}
    assert root is not None
    found = tape.walk((root,), targets)
    start = seed(y, ct, "gradients")
    if isinstance(ct, Tensor) and ct._node is not None and create_graph:
        start = _conjugated(ct.astype(y.dtype) if ct.dtype != y.dtype else ct)
    results = _pull(found, {root: start}, targets, create_graph, {})
    out: list[Tensor] = []
    for x in xs:
        g = results.get(x._node) if x._node is not None else None
        if g is None:
            out.append(Tensor(_zeros(x)))
        elif isinstance(g, Tensor):
            out.append(_conjugated(g))
        else:
            out.append(Tensor(_own(np.asarray(_conjugated(g)), [start, *(o._data for o in out)])))
    return tuple(out)


def vjp(f: Function, *xs: Any, **kwargs: Any) -> tuple[Any, Function]:
    """Value of a function and its pullback: products of cotangents with the Jacobian.

    Parameters
    ----------
    f : callable
        Takes and returns arrays, or nested dicts, lists and tuples of them.
    *xs : array_like
        Where to differentiate; all of them are differentiated by.
    **kwargs
        Passed through.

    Returns
    -------
    y
        ``f(*xs)``.
    pullback : callable
        ``pullback(ct)`` takes a cotangent of the structure of `y` and returns a tuple with J^H ct for each
        argument. It may be called any number of times.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> y, pullback = ad.vjp(lambda x: x**2, np.array([1.0, 2.0]))
    >>> pullback(np.array([1.0, 10.0]))
    (array([ 2., 40.]),)
    """
    recording = _record(f, xs, kwargs, range(len(xs)))
    targets = set(recording.nodes)
    floor = min((n.number for n in targets), default=next_number())
    leaves, structure = pytree.flatten(recording.output)
    nodes = [_tracked_node(y, floor) for y in leaves]
    found = tape.walk([n for n in nodes if n is not None], targets)

    def pullback(ct: Any) -> tuple[Any, ...]:
        parts = pytree.flatten_like(structure, ct, "the cotangent")
        cts: dict[Node, Any] = {}
        lifted = found.outside
        shared: list[Any] = []
        for i, (y, node, c) in enumerate(zip(leaves, nodes, parts, strict=True)):
            start = _matching(c, y, f"the cotangent of output {i}" if len(leaves) > 1 else "the cotangent")
            if node is None:
                continue
            lifted = lifted or (isinstance(start, Tensor) and start._node is not None)
            start = _conjugated(start)
            cts[node] = start if node not in cts else cts[node] + start
            shared.append(start)
        lifted = lifted and tape.is_recording()
        if not lifted:
            cts = {n: c._data if isinstance(c, Tensor) else c for n, c in cts.items()}
            shared = [c._data if isinstance(c, Tensor) else c for c in shared]
        return tuple(_results(recording, _pull(found, cts, targets, lifted, {}) if cts else {}, targets, shared))

    return _leave_tree(recording.output, targets, recording.gives_tensors), pullback


def _matching(value: Any, like: Any, what: str) -> Any:
    """A given (co)tangent as an array (or Tensor) with the shape and dtype of what it belongs to."""
    data = like._data if isinstance(like, Tensor) else np.asarray(like)
    shape, dtype = data.shape, data.dtype
    if not isinstance(value, Tensor):
        value = np.asarray(value)
        if value.dtype.kind not in "fciub":
            raise DtypeError(f"{what} has dtype {value.dtype}; expected numbers.")
    if value.shape != shape:
        raise GradientError(f"{what} has shape {value.shape}; expected {shape}.")
    if value.dtype != dtype and dtype.kind in "fc":
        if value.dtype.kind == "c" and dtype.kind == "f":
            raise DtypeError(f"{what} is complex, but belongs to something real of dtype {dtype}.")
        value = value.astype(dtype)
    return value if isinstance(value, Tensor) or value.ndim else value[()]


# --- forward mode ---------------------------------------------------------------------------------


def linearize(f: Function, *xs: Any, **kwargs: Any) -> tuple[Any, Function]:
    """Value of a function and its pushforward: products of the Jacobian with tangents.

    The function is run and recorded once; every further product is one forward sweep.

    Parameters
    ----------
    f : callable
        Takes and returns arrays, or nested dicts, lists and tuples of them.
    *xs : array_like
        Where to differentiate.
    **kwargs
        Passed through.

    Returns
    -------
    y
        ``f(*xs)``.
    pushforward : callable
        ``pushforward(*ts)`` takes a tangent of the structure of each argument and returns J t in the
        structure of `y`.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> y, pushforward = ad.linearize(np.sin, np.array([0.0, 1.0]))
    >>> pushforward(np.array([1.0, 0.0]))
    array([1., 0.])
    """
    recording = _record(f, xs, kwargs, range(len(xs)))
    targets = set(recording.nodes)
    floor = min((n.number for n in targets), default=next_number())
    leaves, structure = pytree.flatten(recording.output)
    nodes = [_tracked_node(y, floor) for y in leaves]
    outputs = {n for n in nodes if n is not None}
    found = tape.walk(outputs, targets)
    tensors = recording.gives_tensors

    def pushforward(*ts: Any) -> Any:
        if len(ts) != len(recording.arguments):
            raise GradientError(f"the pushforward takes {len(recording.arguments)} tangent(s); {len(ts)} were given.")
        tangents: dict[Node, Any] = {}
        lifted = found.outside
        for i, (argument, t) in enumerate(zip(recording.arguments, ts, strict=True)):
            parts = pytree.flatten_like(argument.structure, t, f"the tangent of argument {i}")
            for value, node, part in zip(argument.leaves, argument.nodes, parts, strict=True):
                start = _matching(part, value, f"the tangent of argument {i}")
                lifted = lifted or (isinstance(start, Tensor) and start._node is not None)
                tangents[node] = start
        lifted = lifted and tape.is_recording()
        if not lifted:
            tangents = {n: t._data if isinstance(t, Tensor) else t for n, t in tangents.items()}
        shared = list(tangents.values())
        swept = _push(found, tangents, outputs, lifted, {})
        return pytree.unflatten(structure, _tangents_out(leaves, nodes, swept, targets, tensors, shared))

    return _leave_tree(recording.output, targets, tensors), pushforward


def _tangents_out(
    leaves: list[Any],
    nodes: list[Node | None],
    swept: dict[Node, Any],
    targets: set[Node],
    tensors: bool,
    shared: list[Any],
) -> list[Any]:
    out = []
    for y, node in zip(leaves, nodes, strict=True):
        t = None if node is None else swept.get(node)
        if t is None:
            zero = np.zeros_like(y._data if isinstance(y, Tensor) else y)[()]
            out.append(Tensor(zero) if tensors else zero)
            continue
        t = _leave(t, targets, tensors)
        if not isinstance(t, Tensor):
            t = _own(t, shared)
            t = Tensor(t) if tensors else t
        shared.append(t)
        out.append(t)
    return out


def jvp(f: Function, xs: Sequence[Any], ts: Sequence[Any], **kwargs: Any) -> tuple[Any, Any]:
    """Value of a function and its derivative along a direction.

    Parameters
    ----------
    f : callable
        Takes and returns arrays, or nested dicts, lists and tuples of them.
    xs : tuple of array_like
        The arguments.
    ts : tuple of array_like
        A tangent of the structure of each argument.
    **kwargs
        Passed through.

    Returns
    -------
    y, dy
        ``f(*xs)`` and J t, in the same structure.

    Examples
    --------
    >>> import autodiff as ad
    >>> y, dy = ad.jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 0.0))
    >>> float(y), float(dy)
    (6.0, 3.0)
    """
    if not isinstance(xs, (tuple, list)) or not isinstance(ts, (tuple, list)) or len(xs) != len(ts):
        raise GradientError("jvp: give two tuples of one length, ad.jvp(f, (x,), (t,)): the arguments and their tangents.")
    y, pushforward = linearize(f, *xs, **kwargs)
    return y, pushforward(*ts)


def directional_derivative(f: Function, x: Any, v: Any) -> Any:
    """The derivative of `f` at `x` along `v`, J v; `v` is not normalised.

    Parameters
    ----------
    f : callable
        Of one argument, an array or a nested container.
    x, v : array_like
        The point and the direction, of one structure and shape.

    Returns
    -------
    array or container
        In the structure of ``f(x)``.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> float(ad.directional_derivative(lambda x: (x**2).sum(), np.array([1.0, 2.0]), np.array([1.0, 0.0])))
    2.0
    """
    return jvp(f, (x,), (v,))[1]


def derivative(f: Function, n: int = 1) -> Function:
    """The n-th derivative of a function of one number, or entry by entry of an elementwise function.

    Parameters
    ----------
    f : callable
        Of one number; may return an array. Given an array it must act entry by entry.
    n : int, default 1
        Order, 0 or more.

    Returns
    -------
    callable
        The derivative, in forward mode; it nests.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> round(float(ad.derivative(np.sin, n=2)(1.0) + np.sin(1.0)), 12)
    0.0
    """
    if not isinstance(n, int) or isinstance(n, bool) or n < 0:
        raise GradientError(f"derivative: the order n is a whole number, 0 or more; {n!r} was given.")
    for _ in range(n):
        f = _first_derivative(f)
    return f


def _first_derivative(f: Function) -> Function:
    @functools.wraps(f, assigned=("__module__", "__name__", "__qualname__", "__doc__"), updated=())
    def slope(x: Any, **kwargs: Any) -> Any:
        one = np.ones(np.shape(x), x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype)
        return jvp(f, (x,), (one,), **kwargs)[1]

    return slope


# --- whole matrices -------------------------------------------------------------------------------

_DIRECTIONS_AT_ONCE = 512  # bounds the memory of one sweep; a multiple of it costs a further sweep


def jacobian(f: Function, argnums: int | Sequence[int] = 0, *, mode: str = "auto") -> Function:
    """The function that returns all first derivatives.

    Parameters
    ----------
    f : callable
        Returns an array, or a nested dict, list or tuple of arrays.
    argnums : int or tuple of int, default 0
        The arguments to differentiate by; they may be nested containers.
    mode : {"auto", "forward", "reverse"}
        Forward pushes a basis of the input space, reverse pulls one of the output space; "auto" takes
        the smaller of the two.

    Returns
    -------
    callable
        ``(*args, **kwargs) -> J``, an array of shape ``output.shape + input.shape``. With containers:
        the structure of the output, in place of each array the structure of the input. Several
        `argnums` give a tuple in the innermost place.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> ad.jacobian(lambda x: np.stack([x[0] * x[1], x[0]]))(np.array([2.0, 3.0]))
    array([[3., 2.],
           [1., 0.]])
    """
    if mode not in ("auto", "forward", "reverse"):
        raise GradientError(f'jacobian: mode is "auto", "forward" or "reverse"; {mode!r} was given.')
    numbers = _numbers(argnums)
    single = isinstance(argnums, int)

    def matrix(*args: Any, **kwargs: Any) -> Any:
        recording = _record(f, args, kwargs, numbers)
        targets = set(recording.nodes)
        floor = min((n.number for n in targets), default=next_number())
        outputs, structure = pytree.flatten(recording.output)
        for y in outputs:
            kind = (y.dtype if isinstance(y, (Tensor, np.ndarray, np.generic)) else np.asarray(y).dtype).kind
            if kind not in "fc":
                raise GradientError(
                    f"jacobian: {_title(f)} returned an output of an integer or boolean type, which has no derivative."
                )
        nodes = [_tracked_node(y, floor) for y in outputs]
        found = tape.walk([n for n in nodes if n is not None], targets)
        lifted = found.outside and tape.is_recording()
        n_in = sum(np.size(v._data if isinstance(v, Tensor) else v) for v in recording.leaves)
        n_out = sum(np.size(y._data if isinstance(y, Tensor) else y) for y in outputs)
        forward = mode == "forward" or (mode == "auto" and n_in <= n_out)
        blocks = (_forward_blocks if forward else _reverse_blocks)(recording, outputs, nodes, found, targets, lifted)
        tensors = recording.gives_tensors
        rows = []
        for y, row in zip(outputs, blocks, strict=True):
            leaves = iter(row)
            trees = []
            for argument in recording.arguments:
                out = []
                for v in argument.leaves:
                    block = _leave(next(leaves), targets, tensors)
                    if block is None:
                        block = np.zeros(np.shape(y) + np.shape(v), np.result_type(_data(y), _data(v)))
                    out.append(Tensor(block) if tensors and not isinstance(block, Tensor) else block)
                trees.append(pytree.unflatten(argument.structure, out))
            rows.append(trees[0] if single else tuple(trees))
        return pytree.unflatten(structure, rows)

    return matrix


def _data(value: Any) -> Any:
    return value._data if isinstance(value, Tensor) else np.asarray(value)


def _basis(shapes: list[tuple[int, ...]], dtypes: list[Any], start: int, stop: int) -> list[tuple[Batch, Batch]]:
    """Unit vectors number `start` to `stop` of the space of all these arrays, as batches, and where each is alive."""
    out = []
    offset = 0
    for shape, dtype in zip(shapes, dtypes, strict=True):
        size = int(np.prod(shape, dtype=int))
        unit = np.zeros((stop - start, size), bool)
        own = np.arange(max(start, offset), min(stop, offset + size))
        unit[own - start, own - offset] = True
        unit = unit.reshape((stop - start, *shape))
        out.append((Batch(unit.astype(dtype)), Batch(unit)))
        offset += size
    return out


def _sweeps(total: int) -> list[tuple[int, int]]:
    return [(i, min(i + _DIRECTIONS_AT_ONCE, total)) for i in range(0, total, _DIRECTIONS_AT_ONCE)]


def _joined(parts: list[Any]) -> Any:
    """The values of several batches behind each other, or None if there are none."""
    if any(p is None for p in parts) or not parts:
        return None
    values = [p.values for p in parts]
    return values[0] if len(values) == 1 else np.concatenate(values)


def _forward_blocks(
    recording: _Recording,
    outputs: list[Any],
    nodes: list[Node | None],
    found: Walk,
    targets: set[Node],
    lifted: bool,
) -> list[list[Any]]:
    """For every output a list with the block of each input, from forward sweeps along all basis directions."""
    inputs = [_data(v) for v in recording.leaves]
    shapes, dtypes = [x.shape for x in inputs], [x.dtype for x in inputs]
    total = sum(x.size for x in inputs)
    parts: list[list[Any]] = [[] for _ in outputs]
    wanted = {n for n in nodes if n is not None}
    for start, stop in _sweeps(total):
        basis = _basis(shapes, dtypes, start, stop)
        tangents = {n: t for n, (t, _) in zip(recording.nodes, basis, strict=True)}
        lives = {n: live for n, (_, live) in zip(recording.nodes, basis, strict=True)}
        swept = _push(found, tangents, wanted, lifted, lives)
        for part, node in zip(parts, nodes, strict=True):
            part.append(None if node is None else _as_batch(swept.get(node), stop - start))
    blocks = []
    for y, part in zip(outputs, parts, strict=True):
        values = _joined(part)
        row = []
        offset = 0
        for x in inputs:
            block = None
            if values is not None:
                block = values[offset : offset + x.size]
                block = block.reshape((*x.shape, *np.shape(_data(y))))
                block = block.transpose((*range(x.ndim, block.ndim), *range(x.ndim)))
                block = block if isinstance(block, Tensor) else np.ascontiguousarray(block)
            row.append(block)
            offset += x.size
        blocks.append(row)
    return blocks


def _reverse_blocks(
    recording: _Recording,
    outputs: list[Any],
    nodes: list[Node | None],
    found: Walk,
    targets: set[Node],
    lifted: bool,
) -> list[list[Any]]:
    """The same from reverse sweeps of a basis of the output space."""
    datas = [_data(y) for y in outputs]
    shapes, dtypes = [y.shape for y in datas], [y.dtype for y in datas]
    total = sum(y.size for y in datas)
    parts: list[list[Any]] = [[] for _ in recording.nodes]
    for start, stop in _sweeps(total):
        cts: dict[Node, Any] = {}
        lives: dict[Node, Any] = {}
        for node, (ct, live) in zip(nodes, _basis(shapes, dtypes, start, stop), strict=True):
            if node is not None:
                cts[node] = ct if node not in cts else cts[node] + ct
                lives[node] = live if node not in lives else lives[node] | live
        swept = _pull(found, cts, targets, lifted, lives) if cts else {}
        for part, target in zip(parts, recording.nodes, strict=True):
            part.append(_as_batch(swept.get(target), stop - start))
    blocks = []
    offset = 0
    joined = [_joined(part) for part in parts]
    for y in datas:
        row = []
        for x, values in zip(recording.leaves, joined, strict=True):
            block = None
            if values is not None:
                block = values[offset : offset + y.size].reshape((*y.shape, *np.shape(_data(x))))
            row.append(block if block is None or isinstance(block, Tensor) else np.ascontiguousarray(block))
        blocks.append(row)
        offset += y.size
    return blocks


def _as_batch(value: Any, n: int) -> Any:
    """A swept value as a batch, also where no direction reached it."""
    if value is None or isinstance(value, Batch):
        return value
    return Batch(np.broadcast_to(value, (n, *value.shape)))


def hessian(f: Function, argnums: int | Sequence[int] = 0) -> Function:
    """The function that returns all second derivatives of a scalar function.

    Parameters
    ----------
    f : callable
        Returns one real number.
    argnums : int or tuple of int, default 0
        The arguments to differentiate by; they may be nested containers.

    Returns
    -------
    callable
        ``(*args, **kwargs) -> H`` of shape ``x.shape + x.shape``; with containers, a container of
        containers. It is not symmetrised: where mixed partials differ, it shows that.

    Notes
    -----
    One forward sweep over the recorded gradient, along all basis directions at once.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> ad.hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 3.0]))
    array([[6., 2.],
           [2., 0.]])
    """
    return jacobian(grad(f, argnums), argnums, mode="forward")


def hvp(f: Function, x: Any, v: Any) -> Any:
    """The product of the Hessian of a scalar function with a vector.

    Parameters
    ----------
    f : callable
        Of one argument, returns one real number.
    x : array_like or container
        Where.
    v : array_like or container
        The vector, in the structure and shapes of `x`.

    Returns
    -------
    array or container
        H v, in the structure of `x`.

    See Also
    --------
    hessian_operator : many products at one point, recorded once.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> ad.hvp(lambda x: (x**3).sum(), np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 6., 12.])
    """
    return jvp(grad(f), (x,), (v,))[1]


class HessianOperator:
    """The Hessian of a scalar function at a point, as a linear operator that is never formed.

    Made by `hessian_operator`. SciPy's iterative solvers accept it.

    Attributes
    ----------
    shape : tuple of int
        ``(n, n)`` for n numbers in the point.
    dtype : dtype
        Of its entries.
    value : scalar
        The function's value at the point.
    gradient : array or container
        The gradient at the point, in the structure of the point.
    """

    def __init__(self, x: Any, value: Any, gradient: Any, product: Function) -> None:
        self._leaves, self._structure = pytree.flatten(x)
        self.value = value
        self.gradient = gradient
        self._product = product
        datas = [_data(v) for v in self._leaves]
        self._sizes = [d.size for d in datas]
        self.shape = (sum(self._sizes), sum(self._sizes))
        self.dtype = np.result_type(*datas) if datas else np.dtype(float)

    def matvec(self, v: Any) -> Any:
        """H v. A flat vector gives a flat vector; x's own structure and shape gives the same."""
        if isinstance(v, (dict, list, tuple)):
            return self._product(v)
        if self._structure.kind is None and np.shape(v) == np.shape(_data(self._leaves[0])):
            return self._product(v)
        v = v if isinstance(v, Tensor) else np.asarray(v)
        if v.shape == (self.shape[0], 1):
            return self.matvec(v.reshape(-1)).reshape(-1, 1)
        if v.shape != (self.shape[0],):
            raise GradientError(
                f"the Hessian has shape {self.shape}; a vector of shape {v.shape} was given. Give a flat vector of length "
                f"{self.shape[0]}, or one in the structure of x."
            )
        parts, start = [], 0
        for x, size in zip(self._leaves, self._sizes, strict=True):
            data = _data(x)
            parts.append(v[start : start + size].reshape(data.shape).astype(data.dtype))
            start += size
        out = pytree.flatten(self._product(pytree.unflatten(self._structure, parts)))[0]
        return np.concatenate([np.reshape(o, (-1,)) for o in out])

    def __matmul__(self, v: Any) -> Any:
        return self.matvec(v)

    def __repr__(self) -> str:
        return f"HessianOperator(shape={self.shape}, dtype={self.dtype})"


def hessian_operator(f: Function | Tensor, x: Any) -> HessianOperator:
    """The Hessian of a scalar function at a point as a linear operator, for many products.

    Parameters
    ----------
    f : callable, or Tensor
        A function of one argument that returns one real number; or such a number already recorded.
    x : array_like or container
        The point. For a recorded number: the list of tracked Tensors it was computed from.

    Returns
    -------
    HessianOperator
        With ``.shape``, ``.dtype``, ``.matvec(v)`` and ``op @ v``; `v` is a flat vector, or has the
        structure of `x`, and the answer is of the same kind.

    Notes
    -----
    The gradient is recorded once; a product is one forward sweep along it, about twice the cost of
    a gradient.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> op = ad.hessian_operator(lambda x: (x**3).sum(), np.array([1.0, 2.0]))
    >>> op.shape, op @ np.array([1.0, 0.0])
    ((2, 2), array([6., 0.]))
    """
    if isinstance(f, Tensor):
        return _recorded_hessian(f, list(x))
    both = value_and_grad(f)
    (value, gradient), pushforward = linearize(lambda p: both(p), x)
    return HessianOperator(x, value, gradient, lambda v: pushforward(v)[1])


def _recorded_hessian(loss: Tensor, xs: list[Tensor]) -> HessianOperator:
    gradient = gradients(loss, xs, create_graph=True)
    nodes = [x._node for x in xs]
    targets = {n for n in nodes if n is not None}
    roots = [g._node for g in gradient]
    outputs = {n for n in roots if n is not None}
    found = tape.walk(outputs, targets)

    def product(vs: Any) -> list[Any]:
        tangents = {n: _matching(v, x, "the vector") for n, v, x in zip(nodes, vs, xs, strict=True) if n is not None}
        swept = _push(found, tangents, outputs, False, {})
        return [
            np.zeros_like(g._data) if n is None or n not in swept else swept[n] for n, g in zip(roots, gradient, strict=True)
        ]

    return HessianOperator(xs, loss.item(), [g._data for g in gradient], product)


# --- holding back --------------------------------------------------------------------------------


def stop_gradient(x: Any) -> Any:
    """The same values, held constant: nothing flows back through them.

    Parameters
    ----------
    x : array_like or container
        Tensors are detached, everything else passes through.

    Returns
    -------
    array_like or container
        In the structure of `x`.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> ad.grad(lambda t: (t * ad.stop_gradient(t)).sum())(np.array([3.0]))
    array([3.])
    """
    leaves, structure = pytree.flatten(x)
    return pytree.unflatten(structure, [v.detach() if isinstance(v, Tensor) else v for v in leaves])
