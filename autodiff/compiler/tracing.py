"""Tracing: a function runs once, for real, while its NumPy calls are recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from enum import Enum
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from autodiff import pytree
from autodiff.arrays.afar import fetch, lock
from autodiff.arrays.tensors import Tensor, lift
from autodiff.compiler.backwards import Backwards, swept_back
from autodiff.compiler.buffers import apart
from autodiff.compiler.naming import name_results
from autodiff.compiler.program import Program
from autodiff.compiler.reading.following import Reading
from autodiff.compiler.reading.holders import ATOMS
from autodiff.compiler.record import Trace, untraced
from autodiff.compiler.standins import bind_data, drawing, real_data, real_grad, stand_in, step_back
from autodiff.compiler.state import State, owner_of
from autodiff.compiler.tracer import Tracer
from autodiff.compiler.values import Op, Value
from autodiff.core import switches, walks
from autodiff.core.primitives import Primitive
from autodiff.core.sweeps import receive
from autodiff.core.tape import Leaf, Node, Watcher, next_number
from autodiff.errors import CompileError
from autodiff.watchers.places import Place


class Traced(NamedTuple):
    """The result of a trace.

    Attributes
    ----------
    program : Program
    structure : object
        The structure of the function's answer.
    kinds : list of str
        For each leaf of the answer ``"array"``, ``"tensor"`` or ``"constant"``.
    answer : object
        The function's answer in this call.
    reading : Reading
        What the function has read from outside.
    states : list of (Tensor, array)
        The Tensors that the program reads, and the arrays in which it reads them.
    begun : list of Leaf
        The leaves that had no gradient at the start and were given one without being cleared first.
    back : Backwards or None
        The backward pass from the answer to the leaves that were read. The program also returns what this pass needs.
    undo : State or None
        The state from before, to restore if no program can be written.
    """

    program: Program
    structure: Any
    kinds: list[str]
    answer: Any
    reading: Reading
    states: list[tuple[Tensor, Any]]
    begun: list[Leaf]
    back: Backwards | None
    undo: State | None

    def state(self) -> State:
        """The state of everything that a run of the program, or of the function, may change."""
        state = State()
        for t, _ in self.states:
            state.add(t)
        for op in self.program.ops:
            state.add(owner_of(op.function))
            if op.form in ("store", "assign"):
                state.add(op.function)
            if op.form == "live":
                for x in drawn_from(op.function, op.args):
                    state.add(x)
        for x in self.reading.movable():
            state.add(x)
        return state


class _NoneYet:
    """Marks a leaf without a gradient at the start of a trace. A leaf that the function clears has None instead."""


_NONE_YET: Any = _NoneYet()


class Writer(Watcher, Trace):
    """A trace that watches the tape: the tape tells it about gradients, assignments and effects."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.title, self.is_finished = title, False
        self.is_outside: Callable[[Any], bool] = lambda x: False
        self.states: dict[int, tuple[Tensor, Any, Value, Any]] = {}
        self.standing: dict[int, Any] = {}
        self.leaves: dict[Leaf, tuple[Any, Value | None]] = {}
        self.begun: list[Leaf] = []
        self.cotangents: dict[Value, Value] = {}
        self.titles: dict[Node, str] = {}
        self.uses: dict[int, int] = {}
        self.undo = State()

    def value_of(self, x: Any) -> Any:
        """The record's stand-in for an operand. Uses of outside arrays are counted, since such arrays are live."""
        if isinstance(x, np.ndarray):
            self.uses[id(x)] = self.uses.get(id(x), 0) + 1
        return super().value_of(x)

    def adopt(self, array: Any) -> Any:
        """A Tracer for an array from outside, so that every computation with it is recorded."""
        return self.tracer(array, self.value_of(array)) if self.is_outside(array) else array

    def record(self, *call: Any) -> Any:
        """Make a call and record it. A Tracer that was kept after its trace is refused: there is no record any more."""
        if self.is_finished:
            raise self.refused("", "")
        form, function, run, args, keywords = call
        if form == "live":
            self.keep(*drawn_from(function, args))
        return super().record(form, function, _untraced(run) if form == "live" else run, args, keywords)

    def refused(self, what: str, instead: str) -> CompileError:
        """The error about something that a record cannot hold."""
        if self.is_finished:
            return CompileError(
                f"compile: this value was kept from the call of {self.title} in which its program was written. It "
                f"stands for numbers of that call only. Return what you need from {self.title}."
            )
        return super().refused(what, instead)

    # --- Tensors and gradients from before the trace ---

    def take(self, t: Tensor) -> None:
        """Replace the data and the gradient of a Tensor from outside by Tracers, for this thread."""
        if id(t) in self.states:
            return
        with lock:  # no other thread takes it to a device between
            fetch(t)
            array = real_data(t)
            if isinstance(array, Tracer):
                return
            stand_in(t)
        var = Value("state", array.shape, array.dtype, t, t.name or "")
        self.states[id(t)] = (t, array, var, t._node)
        self.standing[id(t)] = self.tracer(array, var)
        leaf = t._node
        if isinstance(leaf, Leaf) and leaf not in self.leaves:
            with lock:
                fetch(leaf)
                stand_in(leaf)
            grad = real_grad(leaf)
            known = None if grad is None else Value("gradient", grad.shape, grad.dtype, leaf)
            self.leaves[leaf] = (grad, known)
            self.standing[id(leaf)] = _NONE_YET if known is None else self.tracer(grad, known)

    def received(self, leaf: Leaf, ct: Any) -> Any:
        """The gradient of a leaf after one more cotangent arrived; conjugated, as the user sees it."""
        self.has_swept = True
        grad: Any = leaf.grad
        if ct.dtype.kind == "c":
            ct = ct.conj()
        if grad is _NONE_YET:
            self.begun.append(leaf)
            return ct
        return ct if grad is None else grad + ct

    def gradient_of(self, leaf: Leaf) -> Any:
        """The gradient as the user sees it: an array, even for a single number."""
        grad: Any = leaf.grad
        if isinstance(grad, Tracer) and grad.is_traced_number:
            return np.copy(grad)
        return None if grad is _NONE_YET else grad

    def given(self, leaf: Leaf, value: Any, dtype: Any) -> None:
        """Record that the user has assigned a gradient."""
        leaf.grad = value if value is None or value.dtype == dtype else value.astype(dtype)

    # --- changes ---

    def assigned(self, t: Tensor, value: Any) -> None:
        """Record that a Tensor was given another value."""
        if not isinstance(value, Tracer):
            constant = np.array(value, t.dtype)
            value = self.tracer(constant, Value("constant", constant.shape, constant.dtype, constant))
        if value.dtype != t.dtype:
            value = value.astype(t.dtype)
        # One that the function has made itself is no state: its new values end with the call.
        before = self.states[id(t)][1] if id(t) in self.states else real_data(t)
        array, var = before._value if isinstance(before, Tracer) else before, value._var
        own = var.kind == "result" and var not in self.shared
        if not own or var.strides != array.strides:  # copy, so that the Tensor shares nothing and keeps its strides
            order = sorted(range(value.ndim), key=lambda i: -abs(array.strides[i]))
            plain_order = order == sorted(order)
            value = value.copy() if plain_order else value.transpose(order).copy().transpose(np.argsort(order).tolist())
        value = value if value.ndim else value[()]
        t._data = self.tracer(value._value, value._var)  # a new Tracer, since the other one may be written to

    def do(self, function: Callable[[], object], tensors: Iterable[Tensor]) -> None:
        """Call a function that changes Tensors: before it, gradients are stored; after it, values are read anew."""
        touched = list(tensors)
        for t in touched:
            self.take(t)
        none_yet = {t._node for t in touched if isinstance(t._node, Leaf) and t._node.grad is _NONE_YET}
        self.keep(*touched, owner_of(function))
        for t in touched:
            self._assign(t)
            if isinstance(t._node, Leaf):
                self._hand_over(t._node)
        with untraced():
            function()
        self.effect("effect", function)
        for t in touched:
            array = real_data(t)
            _, _, var, node = self.states[id(t)]
            self.states[id(t)] = (t, array, var, node)
            t._data = self.tracer(array, Value("state", array.shape, array.dtype, t, t.name or ""))
            leaf = t._node
            if isinstance(leaf, Leaf) and real_grad(leaf) is not None:
                grad = real_grad(leaf)
                var = Value("gradient", grad.shape, grad.dtype, leaf)
                self.leaves[leaf] = (grad, var)
                leaf.grad = self.tracer(grad, var)  # type: ignore[assignment]  # a Tracer while the trace runs
            elif leaf in none_yet:
                leaf.grad = _NONE_YET

    def is_state(self, array: Any) -> bool:
        """Whether an array may share memory with a traced Tensor, which a program may change."""
        return any(np.may_share_memory(array, held) for _, held, _, _ in self.states.values())

    def keep(self, *things: Any) -> None:
        """Save the state of things that are about to be changed, to restore it if the trace fails."""
        with untraced():
            for x in things:
                self.undo.add(x)

    def _assign(self, t: Tensor) -> None:
        """Give a Tensor the value that was assigned to it, now and in the program."""
        _, array, var, node = self.states[id(t)]
        data = t._data
        if not isinstance(data, Tracer) or data._var.kind == "state":
            return
        self.effect("assign", t, (data,))
        if isinstance(array, np.ndarray) and array.ndim:
            array[...] = data._value
        else:
            array = data._value[()]
            bind_data(t, array)
            self.states[id(t)] = (t, array, var, node)

    def _hand_over(self, leaf: Leaf) -> None:
        """Store a gradient in its leaf, now and in the program."""
        real, var = self.leaves.get(leaf, (None, None))
        new: Any = leaf.grad
        if new is _NONE_YET or (isinstance(new, Tracer) and new._var is var):
            return
        if new is None:
            if real is not None:
                self.effect("store", leaf, (None,))
        else:
            self.effect("store", leaf, (new,))
        with untraced():
            leaf.grad = None
            if new is not None:  # `receive` conjugates too
                receive(leaf, np.asarray(new._value if isinstance(new, Tracer) else new).conj())

    def release(self, *, failed: bool) -> list[tuple[Tensor, Any]]:
        """Remove all Tracers. Assigned values stay, unless the trace has failed."""
        states = []
        try:
            if not failed:
                for leaf in self.leaves:
                    self._hand_over(leaf)
                for t, *_ in self.states.values():
                    self._assign(t)
                    states.append((t, self.states[id(t)][1]))
        finally:
            switches.set_tracer(None)
            for t, _, _, _ in self.states.values():
                step_back(t)
            for leaf in self.leaves:
                step_back(leaf)
            self.standing.clear()
            if failed:
                self.undo.restore()
        return states

    def check_frozen(self, title: str) -> None:
        """Refuse a function that freezes or unfreezes Tensors."""
        for t, _, _, node in self.states.values():
            if t._node is not node:
                name = t.name or getattr(node, "name", None) or "a tensor"
                raise CompileError(
                    f"compile: {title} changes requires_grad of {name!r}, which a program would not do again. Freeze "
                    f"outside the function."
                )

    # --- watching the tape ---

    def recorded(self, node: Node) -> None:
        """Note the layer in which a node was recorded."""
        scopes = switches.open_scopes()
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


def drawn_from(function: Any, args: Sequence[Any]) -> list[Any]:
    """The arguments, owner and named generators of a draw, whose state it may advance."""
    asked = getattr(function, "draws_from", None)
    return [*args, owner_of(function), *([] if asked is None else [asked(*args)])]


def _untraced(call: Callable[..., Any]) -> Callable[..., Any]:
    """A call that is recorded as a whole; nothing inside it is recorded."""

    def quietly(*args: Any, **keywords: Any) -> Any:
        with untraced():
            return call(*args, **keywords)

    return quietly


def trace(
    f: Callable[..., Any],
    name: str,
    leaves: Sequence[Any],
    rebuild: Callable[[list[Any]], Any],
    places: dict[Op, Place] | None = None,
    check: Callable[[Writer], object] | None = None,
) -> Traced:
    """Call a function and record what it does.

    Parameters
    ----------
    f : callable
    name : str
        Its name in messages and in the source.
    leaves : sequence
        The arguments, flattened.
    rebuild : callable
        Makes ``(args, kwargs)`` from leaves.
    places : dict, optional
        Is given the user's line of every operation.
    check : callable, optional
        May refuse the record while what the function has changed can still be restored.

    Raises
    ------
    CompileError
        If what the function does depends on values.
    """
    if switches.tracer() is not None:
        raise CompileError(
            f"compile: {name} is derived inside a function that is being compiled; derive it before, or outside."
        )
    start = next_number()
    writer = Writer(name)
    if places is not None:
        writer.places, writer.numbers = places, []
    reading = Reading(writer, name)
    writer.is_outside = reading.is_old
    arguments: list[Value] = []
    call: list[Any] = []
    static: list[Any] = []
    for i, x in enumerate(leaves):
        is_leaf = isinstance(x, Tensor) and isinstance(x._node, Leaf)
        if isinstance(x, (Tensor, np.ndarray, np.generic)) and not isinstance(x, (str, bytes)) and not is_leaf:
            array = x._data if isinstance(x, Tensor) else x
            if not isinstance(array, np.generic) and type(array) is not np.ndarray:
                raise writer.unknown(type(array), f"argument {i} of {name}")
            var = Value("argument", array.shape, array.dtype, i)
            arguments.append(var)
            tracer = writer.tracer(array, var)
            call.append(lift(tracer, None) if isinstance(x, Tensor) else tracer)
        else:
            static.append(x)
            call.append(drawing(x) if type(x) is np.random.Generator else x)
    args, kwargs = rebuild(call)
    failed = True
    states = []
    try:
        with switches.watching(writer):
            switches.set_tracer(writer)
            reading.begin(f, static, _containers_in((args, kwargs)))
            try:
                try:
                    with reading:
                        output = f(*args, **kwargs)
                except Exception as error:
                    other = _as_of_compile(error, writer, name)
                    if other is error:
                        raise
                    raise other from error
                if writer.refusal is not None:
                    raise writer.refusal
                writer.check_frozen(name)
                if check is not None:
                    check(writer)
                flat, structure = pytree.flatten(output)
                _check_results(flat, name, writer, reading, start)
                back = swept_back(writer, output, start)
                failed = False
            finally:
                states = writer.release(failed=failed)
    finally:
        switches.set_tracer(None)
        writer.is_finished = True
    given = [y._data if isinstance(y, Tensor) and id(y) not in writer.states else y for y in flat]
    fixed = {id(data): writer.value_of(data) for data in given if type(data) is np.ndarray}
    outside = [*reading.arrays, *(array for _, array in states)]
    for v in writer.constants.values():
        if not any(np.may_share_memory(v.payload, array) for array in outside):
            v.kind = "made"
    kinds, outputs, answers = [], [], []
    for y in flat:
        data = y._data if isinstance(y, Tensor) else y
        found = data._var if isinstance(data, Tracer) else fixed.get(id(data))
        if found is None and isinstance(y, Tensor) and isinstance(data, np.generic) and not reading.is_old(y):
            found = data  # a number that the function has computed from nothing traced
        if found is None:
            kinds.append("constant")
            outputs.append(y)
            answers.append(y)
            continue
        kinds.append("tensor" if isinstance(y, Tensor) else "array")
        outputs.append(found)
        value = data._value if isinstance(data, Tracer) else data
        value = apart(value) if value.ndim else value.copy()
        answers.append(lift(value, None) if isinstance(y, Tensor) else value)
    _name_arguments(f, arguments)
    swept = back.program.ops if back is not None and back.program is not None else []
    name_results([*writer.ops, *swept], reading.names, writer.cotangents)
    writer.titles.clear()  # the nodes hold all arrays of this run, in a cycle that only the collector would free
    writer.cotangents.clear()
    kept = back.kept if back is not None else []
    program = Program(name, arguments, writer.ops, [*outputs, *kept], kept=len(kept))
    reading.done()
    del writer.is_outside
    answer = pytree.unflatten(structure, answers)
    return Traced(program, structure, kinds, answer, reading, states, writer.begun, back, writer.undo)


def _containers_in(tree: Any) -> list[Any]:
    """The lists and dicts in nested arguments."""
    inner = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, (list, tuple)) else ()
    own = [tree] if isinstance(tree, (list, dict)) else []
    return own + [c for x in inner for c in _containers_in(x)]


def _as_of_compile(error: Exception, writer: Writer, name: str) -> Exception:
    """The error that ends a trace: a refusal, even a caught one; a CompileError about Tracers; or the user's own."""
    if writer.refusal is not None and error is not writer.refusal:
        return writer.refusal
    if isinstance(error, CompileError) or not _is_about_tracers(error):
        return error
    return CompileError(
        f"compile: {name} does something with a traced value that cannot be traced ({type(error).__name__}: "
        f"{error}). Do it outside the compiled function."
    )


def _is_about_tracers(error: Exception) -> bool:
    return isinstance(getattr(error, "obj", None), Tracer) or any(
        word in str(error) for word in ("Tracer", "traced ", "_NoneYet")
    )


def _check_results(flat: list[Any], name: str, writer: Writer, reading: Reading, start: int) -> None:
    """Refuse results that a program cannot return, while everything that was changed can still be restored."""
    if any(isinstance(y, Tensor) and y._node is not None and _is_differentiated_outside(y._node, start) for y in flat):
        raise CompileError(
            f"compile: what {name} returns depends on an outside Tensor that is tracked as a result or by a "
            f"transform; a program does not give the gradient with respect to it. Pass it as an argument, detach it, "
            f"or compile the outermost function, with the gradient in it."
        )
    for y in flat:
        data = y._data if isinstance(y, Tensor) else y
        is_array = isinstance(data, Tracer) or type(data) is np.ndarray or isinstance(data, ATOMS)
        if not is_array and not reading.is_old(y) and not isinstance(y, (type, ModuleType, Enum)):
            raise CompileError(
                f"compile: {name} returns a {type(y).__name__} that it makes, which a program would not make again. "
                f"Return arrays, Tensors, numbers and strings, alone or in tuples, lists and dicts."
            )


def _is_differentiated_outside(node: Node, start: int) -> bool:
    """Whether a result depends on something that was tracked before the call and is not a leaf."""
    outside = walks.outside_nodes([node], set(), start)
    return any(not isinstance(n, Leaf) for n in outside)


def _name_arguments(f: Any, arguments: list[Value]) -> None:
    """Name positional arguments by the function's own signature."""
    code = getattr(f, "__code__", None)
    names = list(code.co_varnames[: code.co_argcount]) if code is not None else []
    names = names[1:] if getattr(f, "__self__", None) is not None else names
    for v in arguments:
        if v.payload < len(names):
            v.name = names[v.payload]
