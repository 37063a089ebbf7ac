"""One C function in the making: where its values lie, which names and helping functions it uses, its memory."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from autodiff.compiler.native import blas
from autodiff.compiler.native.expressions import Expressions, c_type, cast, literal, loop_dtypes, math_name
from autodiff.compiler.native.names import Names, c_comment
from autodiff.compiler.native.places import Memory, Place, layout
from autodiff.compiler.native.target import Target
from autodiff.compiler.values import Op, Value, copied, row_strides
from autodiff.errors import CompileError

_STEPS = 30  # steps of one C function: compilers need more than twice the time for twice as many
_ALIGNED = 64


class NoC(CompileError):  # noqa: N818 - not an error: it asks for another cut
    """An operation turned out to have no C, once the layout of its operands was known."""

    def __init__(self, op: Op) -> None:
        super().__init__(f"compile: {op.title} cannot be written in C.")
        self.op = op


class Step:
    """A part of the C function: a loop, a product, a pattern, a copy, a repeated stretch.

    Parameters
    ----------
    part : Part
    ops : list of Op
        What it carries out.
    """

    def __init__(self, part: Part, ops: list[Op]) -> None:
        self.part, self.ops = part, ops

    def prepare(self) -> None:
        """Say where the results lie."""

    def memories(self) -> Iterator[Memory]:
        """What is read and written."""
        raise NotImplementedError

    def overwrite(self, at: int) -> None:
        """Let results take the places of operands that nobody reads after this step, which has the number `at`."""

    def text(self) -> list[str]:
        """The C text."""
        raise NotImplementedError


class Part:
    """A stretch of operations as one C function.

    Parameters
    ----------
    name : str
        Of the function.
    ops : list of Op
    target : Target
    exported : dict of Value to array
        The results that Python needs, and the arrays into which they go; None for one that each call passes.
    kept_array : function of Value
        The array in which a value from outside always lies; None if each call passes it.
    names : dict of Value to str
        The names in the Python around it.
    from_c : collection of Value, optional
        Values that other C functions have made, in new arrays.
    """

    def __init__(
        self, name: str, ops: list[Op], target: Target, exported: dict[Value, Any],
        kept_array: Callable[[Value], Any], names: dict[Value, str], from_c: Collection[Value] = (),
    ) -> None:  # fmt: skip
        self.name, self.ops, self.target = name, ops, target
        self.exported, self._kept_array, self._value_names = exported, kept_array, names
        self.from_c = from_c
        self.passed: list[Value] = []
        self.numbers: list[Value] = []
        self.kept: list[Any] = []
        self.outputs: list[Any] = []
        self.repeating: list[Op] = []  # the repeated stretch that is being written
        self.codes: list[Any] = []  # for each code that is not 0 what Python then does
        self.literals: dict[Value, Any] = {}
        self.places: dict[Value, Place] = {}
        self.steps: list[Step] = []
        self._memories: list[Memory] = []
        self._kept_index: dict[int, int] = {}
        self._kept_memories: dict[int, Memory] = {}
        self._addresses: list[int] = []
        self._names = Names()
        self._local = Names()
        self._names_of: dict[Value, str] = {}
        self._expressions = Expressions()
        self._needed: dict[str, str] = {}
        self._scratch_now = self._scratch_most = 0
        self._arena = 0
        self._made = {v for op in ops for v in op.outputs}
        self._made.update(v for op in ops if op.form == "repeat" for v in op.function.results)
        for op in ops:
            for v in op.inputs():
                if v.kind == "made" and v.size and (v.payload == v.payload.flat[0]).all():
                    self.literals[v] = v.payload.flat[0]
        self.steps = self.scheduled(ops)
        for v in exported:
            self.place_of(v)
        for step in self.steps:
            step.prepare()
        self._plan()

    # --- places ---

    def place_of(self, v: Value) -> Place:
        """Where a value lies; from now on it does lie in memory."""
        place = self.places.get(v)
        if place is None:
            place = self.places[v] = self._new_place(v)
        return place

    def _new_place(self, v: Value) -> Place:
        if v in self._made:
            if v in self.exported:
                array = self.exported[v]
                if array is None:
                    memory = self._memory("passed", v, v)
                    self.passed.append(v)
                    return Place(memory, v.shape, layout(v))
                steps = tuple(s // array.itemsize for s in array.strides)
                return Place(self._keep(v, array), v.shape, steps)
            return Place(self._memory("arena", v), v.shape, layout(v))
        array = self._kept_array(v)
        if array is not None:
            return Place(self._keep(v, array), v.shape, tuple(s // array.itemsize for s in array.strides))
        if not v.shape:
            self.numbers.append(v)
            return Place(self._memory("number", v, v), (), ())
        self.passed.append(v)
        return Place(self._memory("passed", v, v), v.shape, layout(v) if v in self.from_c else v.steps)

    def _memory(self, kind: Any, v: Value, payload: Any = None) -> Memory:
        memory = Memory(kind, self.name_of(v), v.dtype, max(v.size, 1), payload)
        self._memories.append(memory)
        return memory

    def _keep(self, v: Value, array: Any) -> Memory:
        memory = self._kept_memories.get(id(array))
        if memory is None:
            memory = self._kept_memories[id(array)] = self._memory("kept", v, array)
            self._kept_index[id(array)] = len(self.kept)
            self.kept.append(array)
        return memory

    def is_exported(self, v: Value) -> bool:
        """Whether Python needs a result."""
        return v in self.exported

    def is_within(self, v: Value) -> bool:
        """Whether the entries of a value were made here as indices, so that they need no check."""
        return any(v in op.outputs and op.title == "first_largest" for op in self.ops)

    def new_arena(self, v: Value) -> Place:
        """A place in C order, where only C sees it."""
        return Place(self._memory("arena", v), v.shape, row_strides(v.shape, 1))

    def no_c(self, op: Op) -> NoC:
        """The exception that leaves an operation to NumPy, or a repeated stretch to be written out."""
        return NoC(self.repeating[0] if self.repeating else op)

    def keep_array(self, wish: str, array: Any) -> Memory:
        """An array of the program's own, such as a table."""
        memory = Memory("kept", self._names.unique(wish), array.dtype, array.size, array)
        self._kept_index[id(array)] = len(self.kept)
        self.kept.append(array)
        return memory

    def scratch(self, dtype: Any, size: int) -> str:
        """The expression for the start of memory that one step alone uses."""
        start = f"(({c_type(dtype)} *)(scratch + {self._scratch_now}))"
        self._scratch_now += -(-size * np.dtype(dtype).itemsize // _ALIGNED) * _ALIGNED + _ALIGNED
        self._scratch_most = max(self._scratch_most, self._scratch_now)
        return start

    # --- text that steps ask for ---

    def name_of(self, v: Value) -> str:
        """The name of a value in C."""
        if v not in self._names_of:
            self._names_of[v] = self._names.unique(self._value_names.get(v) or v.name or "x")
        return self._names_of[v]

    def local(self, wish: str) -> str:
        """A free name for a variable."""
        return self._local.unique(f"{wish}_")

    def pointer(self, memory: Memory) -> str:
        """The name of a piece of memory."""
        return memory.root.name

    def pointers(self, memories: Iterable[Memory], written: set[Memory]) -> Iterator[str]:
        """Declarations of the pointers that a step uses."""
        changing = {memory.root for memory in written}
        for memory in dict.fromkeys(m.root for m in memories):
            const = "" if memory in changing else "const "
            kind = c_type(memory.dtype)
            yield f"{const}{kind} *restrict {memory.name} = {self._start(memory)};"

    def _start(self, memory: Memory) -> str:
        memory = memory.root
        if memory.kind == "moving":
            return str(memory.payload())
        if memory.kind == "arena":
            return f"({c_type(memory.dtype)} *)(arena + {self.offset_of(memory)})"
        return f"p[{self._index(memory)}]"

    def start(self, memory: Memory) -> str:
        """The expression for the first entry of a piece of memory."""
        return f"(({c_type(memory.dtype)} *){self._start(memory)})"

    def offset_of(self, memory: Memory) -> int:
        """Where in the arena a piece of memory begins, in bytes."""
        return self._offsets[memory.root]

    def stacked(self, v: Value, times: int) -> Memory:
        """Memory in the arena for several values of one kind."""
        memory = self._memory("arena", v)
        memory.size = max(v.size, 1) * times
        return memory

    def step_text(self, steps: Sequence[Step]) -> list[str]:
        """The C of some steps, one after the other."""
        lines: list[str] = []
        for step in steps:
            lines += [f"{{ /* {c_comment(_heading(step.ops))} */", *step.text(), "}"]
        return lines

    def _index(self, memory: Memory) -> int:
        """Its number in the table of pointers: passed arrays, numbers, kept arrays, then arena, scratch, addresses."""
        if memory.kind == "passed":
            return self.passed.index(memory.payload)
        if memory.kind == "number":
            return len(self.passed) + self.numbers.index(memory.payload)
        return len(self.passed) + len(self.numbers) + self._kept_index[id(memory.payload)]

    def pointer_to(self, address: int) -> int:
        """The number in the table of an address."""
        if address not in self._addresses:
            self._addresses.append(address)
        return len(self.passed) + len(self.numbers) + len(self.kept) + 2 + self._addresses.index(address)

    def blas(self, kind: Any) -> int:
        """The address of a BLAS routine, or 0."""
        return blas.address(kind) if self.target.name != "portable" else 0

    def need(self, key: str, text: str) -> None:
        """Note that a helping function is used."""
        self._needed.setdefault(key, text)

    def need_text(self, name: str, dtype: Any = None) -> None:
        """Note that a text of the folder `text` is used, perhaps for a dtype."""
        text = _text(name)
        if dtype is None:
            self.need(name, text)
        else:
            kind = np.dtype(dtype).name
            self.need(f"{name}_{kind}", text.replace("TYPE", c_type(dtype)).replace("SUFFIX", kind))

    def expression(self, op: Op, operand: Callable[[Value], str]) -> str:
        """An elementwise operation as an expression of its operands."""
        source = copied(op)
        out = op.outputs[0]
        if source is not None:
            return cast(operand(source), source.dtype, out.dtype)
        if op.form == "function":  # where
            c, a, b = (self._argument(x, d, operand) for x, d in zip(op.args, (bool, out.dtype, out.dtype)))
            return f"({c} ? {a} : {b})"
        found = loop_dtypes(op)
        assert found is not None
        dtypes, result = found
        args = [self._argument(a, d, operand) for a, d in zip(op.args, dtypes)]
        constants = [None if isinstance(a, Value) and a not in self.literals else self._constant(a) for a in op.args]
        power = self._power(op, dtypes[0], args, constants)
        if power:
            return power
        if math_name(op):
            return f"{math_name(op)}{'f' if np.dtype(result).char == 'f' else ''}({', '.join(args)})"
        text = self._expressions.plain(op.function, dtypes[0], args, constants)
        assert text is not None
        return text

    def _constant(self, a: Any) -> Any:
        return self.literals[a] if isinstance(a, Value) else a

    def _argument(self, a: Any, dtype: Any, operand: Callable[[Value], str]) -> str:
        if isinstance(a, Value):
            if a in self.literals:
                return literal(self.literals[a], dtype)
            return cast(operand(a), a.dtype, dtype)
        return literal(a, dtype)

    def _power(self, op: Op, kind: Any, args: list[str], constants: list[Any]) -> str:
        """A power by a small number as products."""
        if op.function not in (np.power, np.float_power) or constants[1] is None:
            return ""
        a, exponent = args[0], constants[1]
        whole = {1: a, 2: f"{a} * {a}", 3: f"{a} * {a} * {a}", 4: f"({a} * {a}) * ({a} * {a})"}.get(exponent, "")
        if whole or op.form != "operator" or np.dtype(kind).kind != "f":
            return whole
        f = "f" if np.dtype(kind).char == "f" else ""
        return {0.5: f"sqrt{f}({a})", -1: f"{literal(1, kind)} / {a}", 0: literal(1, kind)}.get(exponent, "")

    def combined(self, function: Any, kind: Any, a: str, b: str) -> str:
        """Two parts of a fold, put together."""
        text = self._expressions.plain(function, kind, [a, b], [None, None])
        assert text is not None
        return text

    # --- the vectorised library ---

    def calls(self, op: Op) -> bool:
        """Whether an operation calls an elementary function that there is for whole vectors."""
        if not math_name(op):
            return False
        found = loop_dtypes(op)
        if found is None or any(isinstance(a, Value) and np.dtype(a.dtype) != found[1] for a in op.args):
            return False
        args = ["a", "b"][: len(op.args)]
        constants = [None if isinstance(a, Value) and a not in self.literals else self._constant(a) for a in op.args]
        if self._power(op, found[0][0], args, constants):
            return False
        return all(isinstance(a, Value) and a.shape and a not in self.literals for a in op.args)

    def call(self, op: Op, count: str, operands: Sequence[str], result: str) -> str:
        """The call of such a function on `count` entries."""
        own = self.vectorised(math_name(op), op.outputs[0].dtype, len(operands))
        return f"{own}({count}, {', '.join(operands)}, {result});"

    def vectorised(self, name: str, dtype: Any, operands: int) -> str:
        """The name of the C function that applies an elementary function to many entries."""
        kind = np.dtype(dtype)
        f = "f" if kind.char == "f" else ""
        own = f"all_{name}{f}"
        lanes, letter = self.target.lanes(kind), self.target.letter
        self.need(own, _vectorised(own, f"{name}{f}", c_type(kind), lanes, letter, operands))
        return own

    # --- the order of steps ---

    def scheduled(self, ops: list[Op]) -> list[Step]:
        """The steps that carry out some operations."""
        raise NotImplementedError

    # --- memory ---

    def _plan(self) -> None:
        """Give each piece of the arena its place for the time of its use."""
        for i, step in enumerate(self.steps):
            for memory in step.memories():
                memory.first = i if memory.first < 0 else memory.first
                memory.last = i
        for i, step in enumerate(self.steps):
            step.overwrite(i)
        self._offsets: dict[Memory, int] = {}
        taken: list[Memory] = []
        arena = [m for m in self._memories if m.kind == "arena" and m.owner is None]
        for memory in sorted(arena, key=lambda m: (m.first, -m.nbytes)):
            taken = [m for m in taken if m.last >= memory.first]
            at = 0
            for other in sorted(taken, key=self._offsets.__getitem__):
                if at + _room(memory) <= self._offsets[other]:
                    break
                at = max(at, self._offsets[other] + _room(other))
            self._offsets[memory] = at
            taken.append(memory)
            self._arena = max(self._arena, at + _room(memory))

    # --- the function ---

    def body(self) -> list[str]:
        """The C functions of the steps, and the one that calls them all."""
        chunks: list[list[str]] = []
        for k in range(0, len(self.steps), _STEPS):
            lines: list[str] = []
            for step in self.steps[k : k + _STEPS]:
                self._scratch_now = 0
                self._local = Names()
                lines += self.step_text([step])
            chunks.append(lines)
        n = len(self.passed) + len(self.numbers) + len(self.kept)
        text: list[str] = []
        for k, lines in enumerate(chunks):
            title = self.name if len(chunks) == 1 else f"{self.name}_part_{k + 1}"
            text += [f"static int {title}(void **p)", "{", f"char *const arena = p[{n}], *const scratch = p[{n + 1}];"]
            text += ["(void)arena, (void)scratch;", *lines, "return 0;", "}", ""]
        if len(chunks) != 1:
            text += [f"static int {self.name}(void **p)", "{", "int code = 0;"]
            text += [f"if ((code = {self.name}_part_{k + 1}(p))) return code;" for k in range(len(chunks))]
            text += ["return code;", "}", ""]
        return text

    def helpers(self) -> dict[str, str]:
        """The texts of the helping functions, by name."""
        return {**self._needed, **{f"{a}_{b}": text for (a, b), text in self._expressions.used.items()}}

    def table(self) -> list[Any]:
        """The arrays and addresses that the function keeps, in the order of its table, after what is passed."""
        slots = [np.zeros(1, v.dtype) for v in self.numbers]
        arena = _room_for(self._arena)
        scratch = _room_for(self._scratch_most)
        return [*slots, *self.kept, arena, scratch, *self._addresses]

    @property
    def nbytes(self) -> int:
        """Bytes of its own memory."""
        return self._arena + self._scratch_most


@functools.cache
def _text(name: str) -> str:
    return (Path(__file__).parent / "text" / f"{name}.h").read_text(encoding="ascii")


def _room(memory: Memory) -> int:
    """Bytes in the arena: a vector more than its entries, since a row may be read to the end of its last vector."""
    return -(-memory.nbytes // _ALIGNED) * _ALIGNED + _ALIGNED


def _room_for(nbytes: int) -> Any:
    """Aligned memory."""
    room = np.zeros(nbytes + 2 * _ALIGNED, np.uint8)
    start = -room.__array_interface__["data"][0] % _ALIGNED
    return room[start:]


def _heading(ops: list[Op]) -> str:
    """What a step belongs to."""
    found: dict[str, None] = {}
    for op in ops:
        forward = f"forward through {op.scope[-1]}" if op.scope else "forward"
        found[f"backwards through {op.rule}" if op.rule else forward] = None
    return "; ".join(found)


def _vectorised(own: str, name: str, kind: str, lanes: int, letter: str, operands: int) -> str:
    """A function that applies an elementary function to many entries."""
    xs = ["x", "y"][:operands]
    given = ", ".join(f"const {kind} *{x}" for x in xs)
    if not letter:
        call = f"{name}({', '.join(f'{x}[i]' for x in xs)})"
        return (
            f"static void {own}(long n, {given}, {kind} *to) {{\n    for (long i = 0; i < n; i++) to[i] = {call};\n}}\n"
        )
    vector = f"_ZGV{letter}N{lanes}{'v' * operands}_{name}"
    loaded = ", ".join(f"*(const U *)({x} + i)" for x in xs)
    ends = " ".join(f"V {x}_end = {{0}};" for x in xs)
    copies = " ".join(f"memcpy(&{x}_end, {x} + i, (n - i) * sizeof *{x});" for x in xs)
    rest = ", ".join(f"{x}_end" for x in xs)
    v = f"V_{own}"
    return f"""typedef {kind} {v} __attribute__((vector_size({lanes} * sizeof({kind}))));
{v} {vector}({", ".join([v] * operands)});
static void {own}(long n, {given}, {kind} *to) {{
    typedef {v} V;
    typedef {kind} U __attribute__((vector_size({lanes} * sizeof({kind})), aligned(sizeof({kind})), may_alias));
    long i = 0;
    for (; i + {lanes} <= n; i += {lanes}) *(U *)(to + i) = {vector}({loaded});
    if (i < n) {{
        {ends}
        {copies}
        x_end = {vector}({rest});
        memcpy(to + i, &x_end, (n - i) * sizeof *to);
    }}
}}
"""
