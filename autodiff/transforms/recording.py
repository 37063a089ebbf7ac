"""Recording a call: what every transform does before and after its sweep.

Each differentiated argument gets a fresh node: an alias if the argument is tracked outside, otherwise an
input. Then the function runs, and the sweep goes over what was recorded since. If a result depends on
something tracked outside, the sweep runs on Tensors and the result stays tracked. All other results are
returned untracked. Nesting needs nothing more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol, overload

import numpy as np

from autodiff import pytree
from autodiff.arrays.others import kind_of, operand
from autodiff.arrays.plain import data_of
from autodiff.arrays.tensors import Tensor, lift, met, number, plain
from autodiff.core import switches, walks
from autodiff.core.forward import push_forward
from autodiff.core.primitives import MASKING
from autodiff.core.sweeps import all_finite, pull_back, with_masks_if_needed
from autodiff.core.switches import is_traced, set_recording
from autodiff.core.tape import Held, Node, opened
from autodiff.core.walks import Walk
from autodiff.errors import DtypeError, GradientError
from autodiff.pytree import Structure
from autodiff.transforms.calling import explain_call
from autodiff.typing import Array

Function = Callable[..., Any]


class Derivative(Protocol):
    """A derivative by the first argument: a Tensor for a Tensor, a container of the same structure for a container.

    For an array it is an array, unless the function closes over a tracked Tensor, which no type can express.
    """

    @overload
    def __call__(self, x: Tensor, /, *args: Any, **kwargs: Any) -> Tensor: ...
    @overload
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...


# --- recording a call -----------------------------------------------------------------------------


class Argument:
    """One differentiated argument: its structure, the values as given, and a fresh node for each value."""

    __slots__ = ("leaves", "nodes", "structure")

    def __init__(self, structure: Structure, leaves: list[Any], nodes: list[Held]) -> None:
        self.structure, self.leaves, self.nodes = structure, leaves, nodes


class Recording:
    """A recorded call: the differentiated arguments and the output."""

    __slots__ = ("arguments", "output")

    def __init__(self, arguments: list[Argument], output: Any) -> None:
        self.arguments, self.output = arguments, output

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
        """Whether results are Tensors: if an argument is one."""
        return any(isinstance(v, Tensor) for v in self.leaves)


def title(f: Function) -> str:
    """The name of a function in messages."""
    name = getattr(f, "__name__", type(f).__name__)
    return "the function" if name == "<lambda>" else f"`{name}`"


def parameter_names(f: Function, n: int) -> list[str]:
    """The names of a function's first n arguments; ``argument 0`` and so on where there is none."""
    code = getattr(f, "__code__", None)
    names = list(code.co_varnames[: code.co_argcount]) if code is not None else []
    if names and getattr(f, "__self__", None) is not None:
        names = names[1:]
    return [names[i] if i < len(names) else f"argument {i}" for i in range(n)]


def argument_numbers(argnums: int | Sequence[int]) -> tuple[int, ...]:
    """The positions of the chosen arguments, as a tuple."""
    if isinstance(argnums, int):
        return (argnums,)
    if isinstance(argnums, (tuple, list)) and argnums and all(isinstance(i, int) for i in argnums):
        return tuple(argnums)
    raise GradientError(f"argnums must be an int or a tuple of ints; {argnums!r} was given.")


def _fresh(value: Any, path: str) -> Tensor:
    """A Tensor of the value, with a fresh node."""
    if isinstance(value, Tensor):
        data, outer = value._data, value._node
    elif isinstance(value, (np.ndarray, np.generic)) or is_traced(value):
        data, outer = met(plain(value)), None
    elif isinstance(value, (float, complex)):
        data, outer = np.array(value)[()], None
    elif isinstance(value, int):
        data, outer = np.array(value), None
    else:
        raise GradientError(
            f"{path} is a {kind_of(value)}; only numbers, arrays and Tensors (and dicts, lists and tuples of "
            "them) can be differentiated. Choose the arguments with argnums=."
        )
    if data.dtype.kind not in "fc" or data.dtype.isbuiltin == 2:  # another library has registered it
        raise GradientError(
            f"{path} has dtype {data.dtype}, but only real and complex floating numbers have derivatives. Pass it as "
            "a float (2.0 for 2, or x.astype(float)), or choose other arguments with argnums=."
        )
    return lift(data, Held(data, outer))


def recording_on() -> AbstractContextManager[None]:
    """Context manager: recording is on, even inside `no_grad`."""
    return nullcontext() if not switches.active or switches.is_recording() else set_recording(True)


def expect_function(f: Any, whose: str) -> None:
    """Raise GradientError if the first argument is no function."""
    if not callable(f):
        raise GradientError(f"the first argument is the function {whose}; {type(f).__name__} was given.")


def record(f: Function, args: tuple[Any, ...], kwargs: dict[str, Any], argnums: Sequence[int]) -> Recording:
    """Call `f`, with fresh nodes for the chosen arguments."""
    expect_function(f, "to differentiate")
    names = parameter_names(f, len(args))
    call = list(args)
    arguments = []
    for i in argnums:
        if not -len(args) <= i < len(args):
            raise GradientError(f"argnums={i}, but {title(f)} was called with {len(args)} positional argument(s).")
        i %= len(args)
        if call[i] is not args[i]:
            raise GradientError(f"argnums={tuple(argnums)} names argument {i} twice; name it once.")
        leaves, structure = pytree.flatten(pytree.point(args[i]))
        leaves = [v if isinstance(v, (Tensor, np.ndarray, float, int)) else operand(v) for v in leaves]
        fresh = [_fresh(v, p) for v, p in zip(leaves, pytree.paths(structure, names[i]), strict=True)]
        call[i] = pytree.unflatten(structure, list(fresh))
        nodes = [t._node for t in fresh if isinstance(t._node, Held)]
        if structure.kind is None:
            nodes[0].name = names[i]
        arguments.append(Argument(structure, leaves, nodes))
    with recording_on(), opened([n for a in arguments for n in a.nodes]):
        try:
            output = f(*call, **kwargs)
        except (TypeError, ValueError) as error:
            explain_call(f, call, kwargs, error)
            raise
    return Recording(arguments, output)


def tracked_node(y: Any, floor: int) -> Node | None:
    """The node of an output if this call recorded it, otherwise None."""
    node = y._node if isinstance(y, Tensor) else None
    return node if node is not None and node.number >= floor else None


def matching(value: Any, like: Any, what: str) -> Tensor | Array:
    """A given tangent or cotangent as an array or Tensor, with the dtype of `like`; its shape is checked."""
    data = data_of(like)
    shape, dtype = data.shape, data.dtype
    if not isinstance(value, Tensor):
        value = data_of(value)
        if value.dtype.kind not in "fciub":
            raise DtypeError(f"{what} has dtype {value.dtype}; expected numbers.")
    if value.shape != shape:
        raise GradientError(f"{what} has shape {value.shape}; expected {shape}, that of what it belongs to.")
    if value.dtype != dtype and dtype.kind in "fc":
        if value.dtype.kind == "c" and dtype.kind == "f":
            raise DtypeError(f"{what} is complex, but its value is real, of dtype {dtype}.")
        value = value.astype(dtype)
    return value if isinstance(value, Tensor) or value.ndim else value[()]


# --- running the sweeps ---------------------------------------------------------------------------


def _quiet(found: Walk) -> Any:
    """Silence NumPy's warnings: infinite slopes are valid results, and a sweep without masks may be repeated."""
    return np.errstate(all="ignore") if found.is_quiet else nullcontext()


def pull(
    found: Walk, cts: dict[Node, Any], targets: set[Node], lifted: bool, lives: dict[Node, Any]
) -> dict[Node, Any]:
    """The reverse sweep as transforms run it: no warnings about infinite slopes, and masks if they are needed."""
    return _swept(pull_back, found, cts, targets, lifted, lives)


def push(
    found: Walk, tangents: dict[Node, Any], outputs: set[Node], lifted: bool, lives: dict[Node, Any]
) -> dict[Node, Any]:
    """The forward sweep as transforms run it."""
    return _swept(push_forward, found, tangents, outputs, lifted, lives)


def _swept(
    sweep: Callable[..., dict[Node, Any]],
    found: Walk,
    given: dict[Node, Any],
    wanted: set[Node],
    lifted: bool,
    lives: dict[Node, Any],
) -> dict[Node, Any]:
    """One of the sweeps from `given` to `wanted`."""
    if lives:
        found = found._replace(flags=found.flags | MASKING)  # the zeros of unit vectors are masks
    masked = found.masked
    with _quiet(found), recording_on() if lifted else nullcontext():
        traced = switches.tracer() is not None
        if switches.is_watched() and not traced:  # a watcher should see only the final sweep, not an attempt
            return sweep(
                found, given, wanted, lift=lift if lifted else None, masked=masked, lives=lives if masked else None
            )
        if lifted or traced:

            def later(given: dict[Node, Any], **masks: Any) -> dict[Node, Any]:
                return sweep(found, given, wanted, lift=lift if lifted else None, **masks)

            return with_masks_if_needed(later, found, given, lives, recorded=lifted)
        results = sweep(found, dict(given) if masked else given, wanted)
        if masked and not all_finite(map(results.get, wanted)):
            results = sweep(found, given, wanted, masked=True, lives=lives)
        return results


def pull_recorded(roots: list[Node | None], cts: Sequence[Any], targets: list[Node], *, lifted: bool) -> list[Any]:
    """Cotangents of `targets`, at which the walk stops, from those of `roots`; None if a target receives none."""
    given: dict[Node, Any] = {}
    for node, ct in zip(roots, cts, strict=True):
        if node is not None and ct is not None:
            given[node] = ct if node not in given else given[node] + ct
    wanted = set(targets)
    swept = pull(walks.walk(given, wanted, through=False), given, wanted, lifted, {})
    return [swept.get(t) for t in targets]


def push_recorded(
    roots: list[Node | None], ts: Sequence[Any], sources: list[Node], values: Sequence[Any], *, lifted: bool
) -> list[Any]:
    """Tangents of `roots` from those of `sources`; zeros for roots that depend on no source."""
    outputs = {n for n in roots if n is not None}
    found = walks.walk(outputs, set(sources), through=False)
    swept = push(found, dict(zip(sources, ts, strict=True)), outputs, lifted, {})
    return [np.zeros_like(v) if n is None or n not in swept else swept[n] for n, v in zip(roots, values, strict=True)]


# --- returning results ----------------------------------------------------------------------------


@overload
def conjugated(g: Tensor) -> Tensor: ...
@overload
def conjugated(g: Array) -> Array: ...
def conjugated(g: Tensor | Array) -> Tensor | Array:
    """The complex conjugate; a real value is returned itself."""
    return g.conj() if g.dtype.kind == "c" else g


def own(array: Array, shared: Iterable[Any]) -> Array:
    """The array itself if nothing else shares its memory, otherwise a copy."""
    if isinstance(array, np.ndarray):
        is_view = array.base is not None
    elif getattr(array, "is_traced_array", False):
        is_view = array.is_view
    else:
        return array
    return array.copy() if is_view or any(array is s for s in shared) else array


def like(result: Any, original: Any, shared: Iterable[Any] = ()) -> Tensor | Array:
    """A derivative in the form of `original`: an unshared array, a scalar for a number, a Tensor for a Tensor."""
    if isinstance(result, Tensor):
        if result._node is not None:
            return result
        result = result._data
    if isinstance(original, Tensor):
        return Tensor(own(result, shared))
    if isinstance(original, np.ndarray) or getattr(original, "is_traced_array", False):
        array = own(data_of(result), shared)
        return np.copy(array) if getattr(array, "is_traced_number", False) else array
    return number(result)


def leave(value: Any, targets: set[Node], tensors: bool, inside: set[Node] | None = None) -> Any:
    """A result of the transform: tracked only if it depends on something tracked outside.

    `inside` is the set of `depends_outside`; several results share one.
    """
    if not isinstance(value, Tensor):
        return value
    node = value._node
    if (
        node is not None
        and switches.is_recording()
        and walks.depends_outside(node, targets, set() if inside is None else inside)
    ):
        return value
    return value.detach() if tensors else value._data


def leave_tree(tree: Any, targets: set[Node], tensors: bool, found: Walk | None = None) -> Any:
    """`leave` for every leaf of a tree, whose nodes are those that a walk has `found`."""
    leaves, structure = pytree.flatten(tree)
    inside = set(found.nodes) if found is not None and found.needed is None else set()  # then it met only the targets
    return pytree.unflatten(structure, [leave(v, targets, tensors, inside) for v in leaves])


def results_by_argument(
    recording: Recording, found: dict[Node, Any], targets: set[Node], shared: list[Any], conjugate: bool = True
) -> list[Any]:
    """One tree of results for every argument; zeros where the sweep found none."""
    trees = []
    inside: set[Node] = set()
    for argument in recording.arguments:
        out = []
        for value, node in zip(argument.leaves, argument.nodes, strict=True):
            g = found.get(node)
            if g is None:
                data = data_of(value)
                g = np.zeros(data.shape, data.dtype)
            else:
                g = leave(conjugated(g) if conjugate else g, targets, isinstance(value, Tensor), inside)
            out.append(like(g, value, shared))
            shared.append(out[-1])
        trees.append(pytree.unflatten(argument.structure, out))
    return trees
