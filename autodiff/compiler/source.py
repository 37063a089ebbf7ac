"""A program as Python source that a person can read and run."""

from __future__ import annotations

import builtins
import itertools
import keyword
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import numpy as np

from autodiff.compiler.buffers import Plan, apart, new_buffer, plan_buffers, takes_out
from autodiff.compiler.identifiers import comment, identifier
from autodiff.compiler.naming import own_name
from autodiff.compiler.passes.blocks import BLOCK, joined
from autodiff.compiler.program import Program, roots_of
from autodiff.compiler.values import EFFECTS, OPERATORS, ROUNDED, Op, Value, is_dot, row_strides
from autodiff.core import tape
from autodiff.core.primitives import Primitive

_FULL = range(64, 1 << 20)
"""The numbers of entries for which a constant operand is kept as an array full of it."""
_SIGNS = (np.add, np.subtract, np.multiply, np.divide, np.negative)
_MIXED = (np.float_power, np.ldexp)  # with a Python number they compute in a type other than the array's


class Writer:
    """Writes one program.

    Parameters
    ----------
    program : Program
    plan : Plan, optional
        Without one, every line is an expression, to be read; with one, results go where the plan says.
    """

    def __init__(self, program: Program, plan: Plan | None = None) -> None:
        self.program, self.plan = program, plan
        self.names: dict[Any, str] = {}
        self.used: set[str] = set()  # the names taken, in addition to those that `identifier` never gives
        self.title = ""  # the name of the function that is written: nothing that it calls may have the same name
        self.changing: set[str] = set()  # the lines that change something or draw random numbers
        self.namespace: dict[str, Any] = {"__changing__": self.changing}
        self.legend: list[str] = []
        self._numbers: dict[Any, str] = {}
        self._buffers: dict[int, str] = {}
        self._rooms: dict[Any, Any] = {}
        self._in_blocks = False
        self.values: set[str] = set()
        self.roots = roots_of(program)
        uses = Counter(v for op in program.ops for v in op.inputs())
        uses.update(program.results)
        self.inlined = {
            op.outputs[0]: op.args[0]
            for op in program.ops
            if op.form == "attribute" and op.function == "T" and uses[op.outputs[0]] == 1
        }

    # --- names ---

    def unique(self, wish: str) -> str:
        """A free name, as close as possible to the wish."""
        wish = identifier(wish)
        for name in itertools.chain([wish], (f"{wish}_{i}" for i in itertools.count(2))):
            if name not in self.used:
                self.used.add(name)
                return name
        raise AssertionError

    def bind(self, wish: str, thing: Any, *, reserved: bool = False) -> str:
        """The name of an object in the program's namespace; each object has one name."""
        key = ("bound", id(thing))
        wish = identifier(wish, "f")
        if key not in self.names:
            free = reserved and wish not in (self.title, *self.values) and self.namespace.get(wish, thing) is thing
            self.names[key] = wish if free else self.unique(wish)
            self.namespace[self.names[key]] = thing
        return self.names[key]

    def name_values(self) -> None:
        """Name the arguments, states and constants, then the results in the order in which they are made."""
        for v in self.program.arguments:
            self.names[v] = self.unique(v.name or f"x{v.payload}")
        for v in self.program.values():
            if v in self.names or v.kind == "result":
                continue
            if v.kind == "state":
                self.names[v] = self.unique(own_name(v.name or "w"))
                self._know(v, f"{v.name or 'a tensor'}, read at every call")
                if v.shape:
                    self.namespace[self.names[v]] = v.payload._data
            elif v.kind in ("constant", "made"):
                full = v.kind == "made" and v.payload.size and (v.payload == v.payload.flat[0]).all()
                self.names[v] = self.unique(v.name or ("ones" if full and v.payload.flat[0] == 1 else "c"))
                self.namespace[self.names[v]] = v.payload
                made = f"full of {v.payload.flat[0]}" if full else "an array made while tracing"
                self._know(v, "an array from outside" if v.kind == "constant" else made)
            elif v.kind == "gradient":
                self.names[v] = self.unique(f"grad_{own_name(getattr(v.payload, 'name', '') or 'w')}")
        every = [o for op in self.program.ops for o in (op.function.ops if op.form == "blocks" else [op])]
        for op in every:  # functions have their own names; results are numbered
            title = identifier(op.title, "f")
            self.used.update((title, f"{title}_reduce"))
        counts: dict[str, int] = {}
        for op in every:
            for v in op.outputs:
                if v in self.inlined:
                    continue
                wish = f"{'ct_' if op.rule else ''}{_short(op)}"
                counts[wish] = counts.get(wish, 0) + (not v.name)
                self.names[v] = self.unique(v.name or f"{wish}_{counts[wish]}")
        self.values = set(self.names.values())

    def _know(self, v: Value, what: str) -> None:
        self.legend.append(f"{self.names[v]}: {np.dtype(v.dtype).name}{list(v.shape)}, {what}")

    # --- expressions ---

    def text(self, x: Any) -> str:
        """An operand as Python."""
        if isinstance(x, Value):
            return f"{self.text(self.inlined[x])}.T" if x in self.inlined else self.names[x]
        if isinstance(x, tuple):
            inner = ", ".join(map(self.text, x))
            return f"({inner},)" if len(x) == 1 else f"({inner})"
        if isinstance(x, list):
            return f"[{', '.join(map(self.text, x))}]"
        if isinstance(x, slice):
            return f"slice({self.text(x.start)}, {self.text(x.stop)}, {self.text(x.step)})"
        if x is None or x is Ellipsis or type(x) in (bool, str):
            return "..." if x is Ellipsis else repr(x)
        if type(x) in (int, float) and x == x and abs(x) != np.inf:
            return repr(x)
        if isinstance(x, np.dtype):
            return self.bind(x.name, x)
        if isinstance(x, type):
            name = x.__name__
            return name if getattr(builtins, name, None) is x else self.bind(name, x)
        return self.bind(f"k_{type(x).__name__}", x)

    def index(self, x: Any) -> str:
        """An index as Python, without the brackets."""
        if isinstance(x, tuple):
            return ", ".join(map(self.index, x)) + ("," if len(x) == 1 else "") or "()"
        if isinstance(x, slice):
            ends = [("" if v is None else self.text(v)) for v in (x.start, x.stop)]
            return ":".join(ends) + (f":{self.text(x.step)}" if x.step is not None else "")
        return self.text(x)

    def number(self, x: Any, other: Any) -> str:
        """A Python number as the operand next to an array: a 0-d array of the array's dtype is faster and equal."""
        if not isinstance(other, Value) or np.dtype(other.dtype).kind != "f" or not other.shape:
            return self.text(x)
        same = type(x) in (int, float) or (isinstance(x, np.floating) and x.dtype == other.dtype)
        if not same or self.plan is None:
            return str(x) if same and isinstance(x, np.floating) and np.isfinite(x) else self.text(x)
        key = (repr(float(x)), np.dtype(other.dtype))  # repr distinguishes 0.0 and -0.0
        if key not in self._numbers:
            name = self.unique("c_" + re.sub(r"[^0-9a-z]", "_", f"{float(x):g}".replace("-", "minus_")))
            self._numbers[key] = name
            self.namespace[name] = np.array(x, other.dtype)
            self.legend.append(f"{name} = {x}")
        return self._numbers[key]

    def filled(self, x: Any, like: Value) -> str:
        """An array full of a number: with it NumPy's maximum and minimum take half the time."""
        which = (repr(float(x)), np.dtype(like.dtype))
        key = ("full", which, like.shape, like.strides)
        if key not in self._numbers:
            room = self._rooms.get(which)
            if room is None or room.size < like.size:
                room = self._rooms[which] = np.full(like.size, x, like.dtype)
            wish = {0.0: "zeros", 1.0: "ones"}.get(float(x), f"full_{float(x):g}".replace("-", "minus_"))
            self._numbers[key] = name = self.unique(wish)
            self.namespace[name] = np.ndarray(like.shape, like.dtype, room, 0, like.strides)
            self.legend.append(f"{name}: {np.dtype(like.dtype).name}{list(like.shape)}, full of {float(x)}")
        return self._numbers[key]

    def operands(self, op: Op) -> list[str]:
        """The operands of a ufunc."""
        if len(op.args) == 2 and op.form == "ufunc":
            a, b = op.args
            if op.function in (np.maximum, np.minimum) and not self._in_blocks:
                for x, other in ((a, b), (b, a)):
                    number = self.plan and type(x) in (int, float) and isinstance(other, Value)
                    if number and _may_fill(op.function, x, other, op.outputs[0]):
                        texts = {id(x): self.filled(x, other), id(other): self.text(other)}
                        return [texts[id(a)], texts[id(b)]]
            if op.function not in _MIXED:
                return [self.number(a, b), self.number(b, a)]
        return [self.text(a) for a in op.args]

    def keyword_list(self, op: Op) -> list[str]:
        """The keywords of a call."""
        plain = {k for k in op.keywords if k.isidentifier() and k.isascii() and not keyword.iskeyword(k)}
        return [f"{k}={self.text(v)}" if k in plain else f"**{{{k!r}: {self.text(v)}}}" for k, v in op.keywords.items()]

    def place(self, v: Value) -> str | None:
        """The place in the plan of a result; None if NumPy allocates it."""
        where = None if self.plan is None else self.plan.place.get(v)
        return None if where is None else self._place(where, self.plan)

    def _place(self, where: Any, plan: Any) -> str:
        if isinstance(where, str):
            return where
        if isinstance(where, int):
            if where not in self._buffers:
                self._buffers[where] = self.unique(f"b{where}")  # the user may have a variable of this name
                self.namespace[self._buffers[where]] = new_buffer(plan.buffers[where])
            return self._buffers[where]
        return self.bind(owner_name("home", where), where.home)

    def expression(self, op: Op) -> str:
        """The right-hand side of a line."""
        operands = self.operands(op)
        out = op.outputs[0] if op.outputs else None
        place = None if out is None else self.place(out)
        if op.form == "ufunc":
            small = out is not None and not out.shape and all(not isinstance(a, Value) or not a.shape for a in op.args)
            if op.function in _SIGNS and (self.plan is None or (small and _is_real(op))):
                return OPERATORS[op.function][0].format(*map(self._atom, operands))
            if op.function is np.matmul and self.plan is None:
                return " @ ".join(operands)
            flat = op.function is np.matmul and is_dot(*op.args)
            name = self.function("dot" if flat else op.function.__name__, np.dot if flat else op.function)
            if place and op.function in (np.maximum, np.minimum):  # NumPy requires the keyword here
                place = f"out={place}"
            return f"{name}({', '.join(operands + ([place] if place else []))})"
        if op.form == "operator":
            return OPERATORS[op.function][0].format(*map(self._atom, operands))
        if op.form == "reduce":
            axis, keepdims = op.keywords.get("axis"), op.keywords.get("keepdims", False)
            if self.plan is None:
                fold = {"add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min"}
                folding = fold.get(op.function.__name__)
                if folding:
                    return f"{operands[0]}.{folding}(axis={self.text(axis)}{', keepdims=True' if keepdims else ''})"
            name = self.function(f"{op.function.__name__}_reduce", op.function.reduce)
            rest = [self.text(axis), "None", place or "None"] + (["True"] if keepdims else [])
            return f"{name}({', '.join([operands[0], *rest])})"
        if op.form == "method":
            rest = [*operands[1:], *self.keyword_list(op)]
            return f"{operands[0]}.{op.function}({', '.join(rest)})"
        if op.form == "attribute":
            return f"{operands[0]}.{op.function}"
        if op.form == "index":
            return f"{operands[0]}[{self.index(op.args[1])}]"
        thing = op.function.fn if isinstance(op.function, Primitive) else op.function
        name = self.function(op.title, thing)
        into = [f"out={place}"] if place and takes_out(op) else []
        return f"{name}({', '.join([*operands, *self.keyword_list(op), *into])})"

    @staticmethod
    def _atom(text: str) -> str:
        return text if re.fullmatch(r"[\w.]+", text) else f"({text})"

    def function(self, wish: str, thing: Any) -> str:
        """The name of a function."""
        if self.plan is None and getattr(np, wish, None) is thing:
            return f"np.{wish}"
        return self.bind(wish, thing, reserved=True)

    # --- lines ---

    def line(self, op: Op) -> Iterator[str]:
        """The lines of one operation."""
        if op.form == "store":
            yield from self._store(op)
        elif op.form == "effect":
            yield f"{self.bind(_effect_name(op.function), op.function)}()"
        elif op.form == "check":
            yield f"{self.bind(op.title.strip('_') or 'check', op.function)}({', '.join(map(self.text, op.args))})"
        elif op.form == "assign":
            yield from self._assign(op)
        elif op.form == "blocks":
            yield from self._blocks(op)
        else:
            left = ", ".join(self.names[v] for v in op.outputs) + ("," if op.listed and len(op.outputs) == 1 else "")
            yield f"{left} = {self.expression(op)}"

    def _store(self, op: Op) -> Iterator[str]:
        leaf, (v,) = op.function, op.args
        if self.plan is None:
            name = f"grad_{own_name(getattr(leaf, 'name', '') or 'w')}"
            if v is not None and not self.text(v).startswith(name):
                yield f"{self.unique(name)} = {self.text(v)}"
            return
        name = self.bind(owner_name("leaf", leaf), leaf)
        if v is None:
            yield f"{name}.grad = None"
        elif leaf.home is None:
            yield f"{name}.grad = {self.owned(v)}"
        else:
            home = self.bind(owner_name("home", leaf), leaf.home)
            if not isinstance(v, Value) or self.plan.place.get(v) is not leaf:
                yield f"{home}[...] = {self.text(v)}"
            yield f"{name}.grad = {home}"

    def _assign(self, op: Op) -> Iterator[str]:
        t, (v,) = op.function, op.args
        if self.plan is None:
            yield f"{self.unique(t.name or 'w')} = {self.text(v)}"
        elif op.args[0].shape:
            yield f"{self.bind('copyto', np.copyto)}({self.bind(owner_name('tensor', t), t)}._data, {self.text(v)})"
        else:
            yield f"{self.bind(owner_name('tensor', t), t)}._data = {self.boxed(v)}"
        if self.plan is not None and isinstance(t._node, tape.Leaf):
            yield f"{self.bind(owner_name('leaf', t), t._node)}.stamp = {self.bind('next_number', tape.next_number)}()"

    def _blocks(self, op: Op) -> Iterator[str]:
        """A loop over blocks: slices of the operands and outputs, and a few small arrays for intermediate results.

        Each block passes through all operations before the next begins, so intermediate results stay in the cache.
        Sums are collected block by block in a list, and `joined` adds them as NumPy's pairwise sum would. The slices
        are views of the flattened arrays: without a common shape and layout they would be copies, or misaligned.
        """
        loop, plan, names = op.function, self.plan, dict(self.names)
        assert plan is not None
        like, bounds = loop.like, loop.bounds
        i, j = self.unique("i"), self.unique("j")
        inner = Program("", [], loop.ops, op.outputs)
        self.plan, self._in_blocks = plan_buffers(inner), True
        small = []
        for k, (_, dtype, _) in enumerate(self.plan.buffers):
            small.append(self.unique(f"t{k}"))
            length = max(stop - start for start, stop in bounds)
            self.namespace[whole := self.unique(f"whole_t{k}")] = np.empty(length, dtype)
            small[-1] += f" = {whole}[:{j} - {i}]"
        self.plan.place = {v: small[k].split(" = ")[0] for v, k in self.plan.place.items()}
        sliced = []
        flat = f".transpose({like.order}).reshape(-1)" if like.order != (*range(len(like.shape)),) else ".reshape(-1)"
        for v in (v for v in (*op.args, *op.outputs) if v.shape):
            name = self.names[v]
            if v in op.outputs:
                where = plan.place.get(v)
                fresh = f"{self.bind('new_buffer', new_buffer)}({self.text((v.shape, np.dtype(v.dtype), v.strides))})"
                yield f"{name} = {fresh if where is None else self._place(where, plan)}"
            line = name
            if len(v.shape) > 1:
                line = self.unique(f"{name}_flat")
                yield f"{line} = {name}{flat}"
            self.names[v] = self.unique(f"{name}_i")
            sliced.append(f"{self.names[v]} = {line}[{i}:{j}]")
            if v in op.outputs:
                self.plan.place[v] = self.names[v]
        folds = [o for o in loop.ops if o.form == "reduce"]
        parts = {o: self.unique(f"parts_{names[o.outputs[0]]}") for o in folds}
        for o in folds:
            yield f"{parts[o]} = []"
        yield f"for {i}, {j} in {self.bind('blocks', bounds)}:  # of {BLOCK // 8} entries at most"
        for line in (*sliced, *small):
            yield f"    {line}"
        lines: list[tuple[str, Any]] = []
        for o in loop.ops:
            if o in folds:
                part = [f"{parts[o]}.append({self.expression(o)})"]
            elif o.outputs[0] in op.outputs and not takes_out(o):
                part = [f"{self.names[o.outputs[0]]}[...] = {self.expression(o)}"]
            else:
                part = list(self.line(o))
            lines += [(line, o.errors) for line in part]
        for line in self.silenced(lines):
            yield f"    {line}"
        for o in folds:
            name = names[o.outputs[0]]
            yield f"{name} = {self.bind('joined', joined)}(iter({parts[o]}), {like.size}, {loop.numbers})"
        self._in_blocks = False
        self.plan, self.names = plan, {**self.names, **{v: names[v] for v in (*op.args, *op.outputs)}}

    @property
    def whereabouts(self) -> str:
        """Where its operations run, in words."""
        plan = self.plan or Plan()
        return f"{len(plan.buffers)} buffers of {plan.nbytes / 1024:.0f} KiB (b0, b1, ...)"

    def quick_guard(self, checks: list[tuple[str, Value]]) -> str:
        """A quicker condition for the types and layouts of array arguments, if there is one."""
        return ""

    def owned(self, v: Any) -> str:
        """A gradient as an array that shares no memory."""
        return f"{self.bind('array', np.array)}({self.text(v)})"

    def boxed(self, v: Any) -> str:
        """A single number as a NumPy scalar."""
        return self.text(v)

    def body(self) -> Iterator[str]:
        """All lines between the guard and the return."""
        yield from self.lines(self.program, self.program.results)

    def lines(self, program: Program, results: Iterable[Value]) -> Iterator[str]:
        """The operations of a program, block by block."""
        read: set[Value] = set()
        results = list(results)
        lines: list[tuple[str, Any]] = []
        heading = None
        for op in program.ops:
            if op.outputs and op.outputs[0] in self.inlined:
                continue
            wanted = [*op.inputs(), *(results if op.form == "assign" else ())]  # read results before the change
            found = [(line, None) for line in self.reads(wanted, read)]
            own = list(self.line(op))
            if op.form in EFFECTS and op.form != "check":
                self.changing.update(line.strip() for line in own)
            found += [(line, op.errors) for line in own]
            now = _heading(op)
            if found and now != heading:
                lines.append((f"# {comment(now)}", found[0][1]))
                heading = now
            lines += found
        lines += [(line, None) for line in self.reads(results, read)]
        yield from self.silenced(lines)

    def silenced(self, lines: Iterable[tuple[str, Any]]) -> Iterator[str]:
        """The lines, inside ``errstate`` where the function had changed NumPy's handling of infinities and NaN."""
        for errors, group in itertools.groupby(lines, lambda pair: pair[1]):
            if errors is not None and self.plan is not None:
                settings = f"all={errors['divide']!r}" if len(set(errors.values())) == 1 else f"**{errors}"
                yield f"with {self.bind('errstate', np.errstate, reserved=True)}({settings}):"
            indent = "    " if errors is not None and self.plan is not None else ""
            yield from (f"{indent}{line}" for line, _ in group)

    def reads(self, values: Iterable[Value], read: set[Value]) -> Iterator[str]:
        """Lines that read gradients and single numbers of Tensors at first use: an earlier effect may rebind them."""
        for v in values:
            if (
                v not in read
                and self.plan is not None
                and (v.kind == "gradient" or (v.kind == "state" and not v.shape))
            ):
                read.add(v)
                yield f"{self.names[v]} = {self.where(v)}"

    def gradient(self, leaf: Any) -> str:
        """The expression for the gradient of a leaf."""
        return f"{self.bind(owner_name('leaf', leaf), leaf)}.grad"

    def fits(self, data: str, v: Value) -> Iterator[str]:
        """The conditions under which an array has the shape, dtype and layout of a value."""
        kind = np.dtype(v.dtype)
        yield f"{data}.shape == {tuple(v.shape)} and {data}.dtype == {self.bind(kind.name, kind)}"
        if v.shape:
            yield f"{data}.strides == {v.strides}"

    def ready(self) -> str:
        """A last guard, if this backend has one."""
        return ""

    def where(self, v: Value) -> str:
        """The expression for a gradient, or for the data of a Tensor."""
        if v.kind == "gradient":
            return self.gradient(v.payload)
        return f"{self.bind(owner_name('tensor', v), v.payload)}._data"

    def returned_parts(self) -> list[str]:
        """The returned expressions. A result that lies in a buffer, a parameter or another result is copied."""
        parts = []
        given: set[Value] = set()  # the memory that the caller can already see
        for v in self.program.outputs:
            text = self.text(v)
            if isinstance(v, Value) and self.plan is not None:
                fresh = all(r.kind == "result" and r not in self.plan.place and r not in given for r in self.roots[v])
                given |= self.roots[v]
                if not fresh:
                    plain = not v.shape or v.strides == row_strides(v.shape, np.dtype(v.dtype).itemsize)
                    text = f"{text}.copy()" if plain else f"{self.bind('apart', apart)}({text})"
            parts.append(text)
        return parts


@cache
def _zeros_agree(ufunc: np.ufunc, number: float, dtype: Any) -> bool:
    """Whether this machine's loop over two arrays returns the same one of 0.0 and -0.0 as its loop with a number."""
    zeros = np.tile(np.array([0.0, -0.0], dtype), 40)
    full = np.full_like(zeros, number)
    return all(
        np.array_equal(np.signbit(ufunc(a, b)), np.signbit(ufunc(c, d)))
        for a, b, c, d in ((zeros, full, zeros, number), (full, zeros, number, zeros))
    )


def _may_fill(ufunc: np.ufunc, number: float, other: Value, out: Value) -> bool:
    """Whether the number in a maximum or minimum with an array may become an array full of it."""
    alike = other.size in _FULL and other.order is not None and other.shape == out.shape
    real = np.dtype(other.dtype).kind == "f"
    return alike and real and (number != 0 or _zeros_agree(ufunc, float(number), np.dtype(other.dtype)))


def _is_real(op: Op) -> bool:
    """Whether Python's operator on single numbers gives the same bits as the ufunc."""
    return op.function in ROUNDED and all(np.dtype(v.dtype).kind != "c" for v in op.inputs())


def owner_name(what: str, thing: Any) -> str:
    """The name in a program of an object that owns a value, such as a leaf."""
    return f"{what}_{getattr(thing, 'name', None) or 'w'}"


def _effect_name(function: Any) -> str:
    owner = getattr(function, "__self__", None)
    name = str(getattr(function, "__name__", "effect")).strip("_") or "effect"
    return name if owner is None else f"{re.sub(r'(?<=[a-z0-9])(?=[A-Z])', '_', type(owner).__name__).lower()}_{name}"


def _short(op: Op) -> str:
    name = identifier(op.title)
    return {"getitem": "part", "T": "transposed", "add": "sum", "multiply": "product", "matmul": "dot"}.get(name, name)


def _heading(op: Op) -> str:
    """The heading of a group of lines."""
    if op.form == "store":
        return "gradients"
    if op.form == "blocks":
        return f"block by block: {', '.join(dict.fromkeys(o.rule or 'forward' for o in op.function.ops))}"
    if op.form == "effect":
        return "what changes the parameters"
    if op.rule:
        return f"backwards through {op.rule}"
    return f"forward through {op.scope[-1]}" if op.scope else "forward"
