"""Running a function once, for real, while its NumPy calls are written down."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from typing import Any, NamedTuple

import numpy as np

from autodiff import pytree, tape
from autodiff.compiler.buffers import apart
from autodiff.compiler.naming import name_results, variables
from autodiff.compiler.program import Program, Value
from autodiff.compiler.reaching import Surroundings, entries_of, surroundings
from autodiff.compiler.tracer import Trace, Tracer
from autodiff.errors import CompileError
from autodiff.primitives import Primitive
from autodiff.tape import Leaf, Node, Watcher, next_number
from autodiff.tensors import Tensor, lift

Argument = tuple[str, Any]  # how it is passed on, and what must not change


class Traced(NamedTuple):
    """What a trace found.

    Attributes
    ----------
    program : Program
    structure : object
        Of what the function returned.
    kinds : list of str
        For each leaf of it ``"array"``, ``"tensor"`` or ``"constant"``.
    answer : object
        What the function returned in this call.
    around : Surroundings
    states : list of (Tensor, array)
        The Tensors that the program reads, and the arrays in which it looks.
    begun : list of Leaf
        Those that had no gradient when it began, and were given one without being cleared first.
    containers : list of (str, list or dict, list)
        Those that can be reached, under a name, and what they held when it had run.
    """

    program: Program
    structure: Any
    kinds: list[str]
    answer: Any
    around: Surroundings
    states: list[tuple[Tensor, Any]]
    begun: list[Leaf]
    containers: list[tuple[str, Any, list[Any]]]


class _NoneYet:
    """Stands in a leaf that has no gradient when a trace begins: who cleared it is told from who found it so."""


_NONE_YET: Any = _NoneYet()


class Writer(Watcher, Trace):
    """A trace, as the tape knows it: it is told of gradients that arrive, of assignments and of effects."""

    def __init__(self) -> None:
        super().__init__()
        self.states: dict[int, tuple[Tensor, Any, Value]] = {}
        self.leaves: dict[Leaf, tuple[Any, Value | None]] = {}
        self.begun: list[Leaf] = []
        self.cotangents: dict[Value, Value] = {}
        self.titles: dict[Node, str] = {}

    # --- what is there before ---

    def take(self, t: Tensor) -> None:
        """Put a Tracer into a Tensor that the function can reach, and one in place of its gradient."""
        array = t._data
        if id(t) in self.states or isinstance(array, Tracer):
            return
        var = Value("state", array.shape, array.dtype, t, t.name or "")
        self.states[id(t)] = (t, array, var)
        t._data = self.tracer(array, var)
        leaf = t._node
        if isinstance(leaf, Leaf) and leaf not in self.leaves:
            grad = leaf.grad
            known = None if grad is None else Value("gradient", grad.shape, grad.dtype, leaf)
            self.leaves[leaf] = (grad, known)
            leaf.grad = _NONE_YET if known is None else self.tracer(grad, known)  # type: ignore[assignment]

    def received(self, leaf: Leaf, ct: Any) -> Any:
        """What a leaf holds after one more gradient."""
        grad: Any = leaf.grad
        if grad is _NONE_YET:
            self.begun.append(leaf)
            return ct
        return ct if grad is None else grad + ct

    def gradient_of(self, leaf: Leaf) -> Any:
        """What a user is shown of it: an array, even of a single number."""
        grad: Any = leaf.grad
        if isinstance(grad, Tracer) and grad.is_traced_number:
            return np.copy(grad)
        return None if grad is _NONE_YET else grad

    # --- what changes ---

    def assigned(self, t: Tensor, value: Any) -> None:
        """A Tensor was given another value."""
        if not isinstance(value, Tracer):
            constant = np.array(value, t.dtype)
            value = self.tracer(constant, Value("constant", constant.shape, constant.dtype, constant))
        if value.dtype != t.dtype:
            value = value.astype(t.dtype)
        array, var = self.states[id(t)][1], value._var
        if (
            var.kind != "result" or var in self.shared or var.strides != array.strides
        ):  # numbers of its own, laid out alike
            value = value.copy("F" if np.ndim(array) and array.flags.fnc else "C")
        t._data = value if value.ndim else value[()]

    def do(self, function: Callable[[], object], tensors: Iterable[Tensor]) -> None:
        """Something happens to some Tensors: gradients are handed over before, values are read anew after it."""
        touched = [t for t in tensors if id(t) in self.states]
        for t in touched:
            if isinstance(t._node, Leaf):
                self._hand_over(t._node)
        before = tape.set_tracer(None)
        held = [(t, t._data) for t in touched]
        try:
            for t in touched:
                t._data = self.states[id(t)][1]
            function()
        finally:
            tape.set_tracer(before)
            for t, data in held:
                t._data = data
        self.effect("effect", function)
        for t in touched:
            array = self.states[id(t)][1]
            t._data = self.tracer(array, Value("state", array.shape, array.dtype, t, t.name or ""))
            leaf = t._node
            if isinstance(leaf, Leaf) and leaf.grad is not None:
                var = Value("gradient", leaf.grad.shape, leaf.grad.dtype, leaf)
                self.leaves[leaf] = (leaf.grad, var)
                leaf.grad = self.tracer(leaf.grad, var)  # type: ignore[assignment]

    def _hand_over(self, leaf: Leaf) -> None:
        """Bring a gradient to where it lives, now and in the program."""
        real, var = self.leaves.get(leaf, (None, None))
        new: Any = leaf.grad
        if new is _NONE_YET:
            leaf.grad = None
            return
        if isinstance(new, Tracer) and new._var is var:
            leaf.grad = real
            return
        if new is None:
            if real is not None:
                self.effect("store", leaf, (None,))
            return
        self.effect("store", leaf, (new,))
        before = tape.set_tracer(None)
        leaf.grad = None
        leaf.receive(np.asarray(new._value if isinstance(new, Tracer) else new).conj())
        tape.set_tracer(before)

    def release(self, *, failed: bool) -> list[tuple[Tensor, Any]]:
        """Take all Tracers out again; what was assigned stays."""
        for leaf in self.leaves:
            if failed:
                real, _ = self.leaves[leaf]
                leaf.grad = real
            else:
                self._hand_over(leaf)
        states = []
        for t, array, _ in self.states.values():
            data = t._data
            if isinstance(data, Tracer) and data._var.kind != "state" and not failed:
                self.effect("assign", t, (data,))
                if isinstance(array, np.ndarray) and array.ndim:
                    array[...] = data._value
                else:
                    array = data._value[()]
            t._data = array
            states.append((t, array))
        return states

    # --- looking on ---

    def recorded(self, node: Node) -> None:
        """Note in which layer it was."""
        scopes = tape.open_scopes()
        if scopes and isinstance(node.primitive, Primitive):
            self.titles[node] = f"{scopes[-1]} ({node.primitive.name})"

    def swept(
        self, nodes: Iterable[Node], values: dict[Node, Any], targets: Set[Node] | None, *, reverse: bool
    ) -> Iterator[Node]:
        for node in nodes:
            ct, y = values.get(node), node.output
            if reverse and isinstance(ct, Tracer) and isinstance(y, Tracer):
                self.cotangents.setdefault(ct._var, y._var)
            outer, self.rule = self.rule, self.titles.get(node, str(getattr(node.primitive, "name", "")))
            yield node
            self.rule = outer


def trace(f: Callable[..., Any], name: str, leaves: Sequence[Any], rebuild: Callable[[list[Any]], Any]) -> Traced:
    """Call a function, and write down what it does.

    Parameters
    ----------
    f : callable
    name : str
        For messages and the source.
    leaves : sequence
        The arguments, flat.
    rebuild : callable
        From leaves to ``(args, kwargs)``.

    Raises
    ------
    CompileError
        If what it does depends on values.
    """
    if tape.tracer() is not None:
        raise CompileError(
            f"compile: {name} is derived inside of a function that is being compiled; derive it before, or outside."
        )
    start = next_number()
    around = surroundings(f)
    writer = Writer()
    arguments: list[Value] = []
    call: list[Any] = []
    for i, x in enumerate(leaves):
        if isinstance(x, Tensor) and isinstance(x._node, Leaf):
            around.tensors.append(x)
            call.append(x)
        elif isinstance(x, (Tensor, np.ndarray, np.generic)):
            array = x._data if isinstance(x, Tensor) else x
            if not isinstance(array, np.generic) and type(array) is not np.ndarray:
                raise writer.unknown(type(array), f"argument {i} of {name}")
            var = Value("argument", array.shape, array.dtype, i)
            arguments.append(var)
            tracer = writer.tracer(array, var)
            call.append(lift(tracer, None) if isinstance(x, Tensor) else tracer)  # type: ignore[arg-type]
        else:
            call.append(x)
    failed = True
    with tape.watching(writer), variables() as known:
        tape.set_tracer(writer)
        try:
            for t in around.tensors:
                writer.take(t)
            args, kwargs = rebuild(call)
            output = f(*args, **kwargs)
            failed = False
        finally:
            tape.set_tracer(None)
            states = writer.release(failed=failed)
    flat, structure = pytree.flatten(output)
    given = [y._data if isinstance(y, Tensor) and id(y) not in writer.states else y for y in flat]
    fixed = {id(data): writer.value_of(data) for data in given if type(data) is np.ndarray}
    outside = [*around.arrays, *(array for _, array in states)]
    for v in writer.constants.values():
        if not any(np.may_share_memory(v.payload, array) for array in outside):
            v.kind = "made"
    if any(isinstance(y, Tensor) and y._node is not None and _is_differentiated_outside(y._node, start) for y in flat):
        raise CompileError(
            f"compile: what {name} returns depends on a Tensor that it reads from outside, and that is tracked as the "
            f"result of something or by a transform; a program does not give the gradient by it. Pass it as an "
            f"argument, detach it, or compile the outermost function, with the gradient in it."
        )
    kinds, outputs, answers = [], [], []
    for y in flat:
        data = y._data if isinstance(y, Tensor) else y
        found = data._var if isinstance(data, Tracer) else fixed.get(id(data))
        if found is None:
            kinds.append("constant")
            outputs.append(y)
            answers.append(y)
            continue
        kinds.append("tensor" if isinstance(y, Tensor) else "array")
        outputs.append(found)
        value = data._value if isinstance(data, Tracer) else data
        value = apart(value) if value.ndim else value.copy()
        answers.append(lift(value, None) if isinstance(y, Tensor) else value)  # type: ignore[arg-type]
    _name_arguments(f, arguments)
    name_results(writer.ops, known.names, writer.cotangents)
    writer.titles.clear()  # the nodes hold all arrays of this run, in a ring that only the collector would find
    writer.cotangents.clear()
    program = Program(name, arguments, writer.ops, outputs)
    containers = [(key, container, entries_of(container)) for key, container in around.containers]
    answer = pytree.unflatten(structure, answers)
    return Traced(program, structure, kinds, answer, around, states, writer.begun, containers)


def _is_differentiated_outside(node: Node, start: int) -> bool:
    """Whether a result leads back to something tracked from before the call, parameters and the like apart."""
    outside = tape.outside_nodes([node], set(), start)
    return any(not isinstance(n, Leaf) for n in outside)


def _name_arguments(f: Any, arguments: list[Value]) -> None:
    """By the signature, where it is the function's own."""
    code = getattr(f, "__code__", None)
    names = list(code.co_varnames[: code.co_argcount]) if code is not None else []
    for v in arguments:
        if v.payload < len(names):
            v.name = names[v.payload]
