"""The Python around the C: what C cannot do, and the calls of what it can."""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from autodiff.compiler.buffers import Plan, apart, new_buffer
from autodiff.compiler.identifiers import comment
from autodiff.compiler.native import building, calling, updates
from autodiff.compiler.native.expansions import expansions
from autodiff.compiler.native.expressions import c_type
from autodiff.compiler.native.lowering import Function, has_c
from autodiff.compiler.native.names import c_identifier
from autodiff.compiler.native.part import NoC, Part
from autodiff.compiler.native.places import layout
from autodiff.compiler.native.repeats import repeats
from autodiff.compiler.native.target import Target, this_machine
from autodiff.compiler.program import Program
from autodiff.compiler.source import Writer, _effect_name, _heading
from autodiff.compiler.values import EFFECTS, Op, Value, row_strides
from autodiff.core.tape import Leaf
from autodiff.errors import CompileError

_INCLUDES = """#include <math.h>
#include <stdint.h>
#include <string.h>
"""
_START = """typedef unsigned char bool_;
#define TEXT(...) #__VA_ARGS__
#ifdef USE_SIMD
#define SIMD(...) _Pragma(TEXT(omp simd __VA_ARGS__))
#else
#define SIMD(...)
#endif
"""
_PYTHON = """
/* How Python calls: the beginnings of its objects, and four functions of its own. */
typedef struct {
    intptr_t references;
    void *type;
    char *data;
    int dimensions;
    intptr_t *shape, *strides;
    void *base, *dtype;
} Array;
typedef struct { intptr_t references; void *type; intptr_t size; Array *table; } Owner;
extern void *PyLong_FromLong(long);
extern double PyFloat_AsDouble(void *);
extern unsigned long long PyLong_AsUnsignedLongLongMask(void *);
extern int PyObject_IsTrue(void *);
extern void *PyBool_FromLong(long);
"""


class Stretch(NamedTuple):
    """Operations that become one C function."""

    ops: list[Op]


def stretches(program: Program, in_python: set[Op]) -> list[Op | Stretch]:
    """The program in the order in which it runs: stretches in C, and single operations in Python.

    What Python does comes before the C that is waiting, unless it needs a result of it or has an effect; so a draw of
    random numbers does not cut a stretch in two.
    """
    done: list[Op | Stretch] = []
    waiting: list[Op] = []
    made: set[Value] = set()
    for op in program.ops:
        if op not in in_python and (op.form not in EFFECTS or op.form == "check") and has_c(op):
            waiting.append(op)
            made.update(op.outputs)
            continue
        if waiting and (op.form in ("store", "assign", "effect") or not made.isdisjoint(op.inputs())):
            done.append(Stretch(waiting))
            waiting, made = [], set()
        done.append(op)
    return [*done, Stretch(waiting)] if waiting else done


class NativeWriter(Writer):
    """Writes a program of which as much as possible is C."""

    def __init__(self, program: Program, target: Target | None = None) -> None:
        _look_at_python()
        program = expansions(program)
        super().__init__(repeats(program, set(), has_c), Plan())
        self._whole, self._unrolled = program, set[Op]()
        self.inlined = {}  # every value has a name, since a stretch may pass it
        self.target = target or this_machine()
        self.c_source = ""
        self.updates: dict[Op, list[tuple[updates.Update, Part]]] = {}
        self.parts: list[Part] = []
        self.homes = _homes(program)
        self._arrays: dict[Value, Any] = {}  # kept arrays of results of C
        self._from_c: set[Value] = set()  # results of C in new arrays
        self._in_python: set[Op] = set()
        self._fits: tuple[str, list[tuple[str, Value]]] = ("", [])

    def body(self) -> Iterator[str]:
        """All lines between the guard and the return."""
        items, texts = self.cut()
        lines = [*_INCLUDES.splitlines(), *self.c_lines(texts), *_PYTHON.splitlines()]
        for part in self.parts:
            lines += indented(_wrapper(part))
        if self._fits[1]:
            lines += indented(self._fits_text())
        self.c_source = "\n".join(lines) + "\n"
        built = building.library(self.c_source, self.target)
        if self._fits[1]:
            name, checks = self._fits
            objects = [np.ndarray, *(np.dtype(v.dtype) for _, v in checks)]
            self.namespace[name] = calling.bound(built, f"call_{c_identifier(name)}", 0, [id(x) for x in objects])
            self.namespace[f"{name}_of"] = objects  # kept: their addresses are compared
        yield from self._lines(items, built)

    def cut(self) -> tuple[list[Op | Part], dict[Part, list[str]]]:
        """The program as parts in C and single operations in Python, and the C of every part."""
        while True:
            self._arrays.clear()
            self._from_c.clear()
            try:
                cut = stretches(self.program, self._in_python)
                items = [self._part(i, cut) if isinstance(x, Stretch) else x for i, x in enumerate(cut)]
                texts = {x: x.body() for x in items if isinstance(x, Part)}
                break
            except NoC as found:
                if found.op.form != "repeat":
                    self._in_python.add(found.op)
                    continue
                self._unrolled.add(found.op.function.originals[0])
                self.program = repeats(self._whole, self._unrolled, has_c)
                for op in self.program.ops:
                    for v in op.outputs:
                        if v not in self.names:
                            self.names[v] = self.unique(v.name or "v")
        for op in self.program.ops:
            if op.form == "effect":
                texts |= {part: part.body() for part in self._update(op)}
        self.parts = list(texts)
        return items, texts

    @property
    def whereabouts(self) -> str:
        """Where its operations run, in words."""
        count = sum(len(op.function.originals) if op.form == "repeat" else 1 for p in self.parts for op in p.ops)
        inside = {op for p in self.parts for op in p.ops}
        in_numpy = sum(op not in inside for op in self.program.ops if op.form not in EFFECTS or op.form == "live")
        kib = sum(p.nbytes for p in self.parts) / 1024
        return f"{count} in {len(self.parts)} functions of C with {kib:.0f} KiB, {in_numpy} in NumPy"

    @property
    def in_c(self) -> list[str]:
        """The names of the functions in C."""
        return [part.name for part in self.parts]

    # --- the parts in C ---

    def _update(self, op: Op) -> list[Part]:
        """The parts of an effect that updates arrays; none if it does something else."""
        before = self.program.ops[: self.program.ops.index(op)]
        stores = {o.function: o.args[0] for o in before if o.form == "store"}  # the last one of each leaf counts
        found = updates.updates_of(op.function, {leaf for leaf, v in stores.items() if v is not None})
        if not found:
            return []
        parts = []
        name = _effect_name(op.function)
        for update in found:
            part = updates.part_of(update, self.unique(f"{name}_in_c"), self.target)
            if part is None:
                return []
            parts.append(part)
        self.updates[op] = list(zip(found, parts))
        return parts

    def _part(self, number: int, items: list[Op | Stretch]) -> Part:
        stretch = items[number]
        assert isinstance(stretch, Stretch)
        made = {v for op in stretch.ops for v in op.outputs}
        needed: dict[Value, None] = {}
        for item in items[number + 1 :]:
            for op in item.ops if isinstance(item, Stretch) else [item]:
                needed |= dict.fromkeys(v for v in op.inputs() if v in made)
        results = set(self.program.results)
        exported: dict[Value, Any] = {}
        for v in (*needed, *(v for v in self.program.results if v in made)):
            if v in exported:
                continue
            leaf = self.homes.get(v)
            if v in results and v.shape and leaf is None:
                exported[v] = None
                self._from_c.add(v)
            else:
                exported[v] = leaf.home if leaf is not None else new_buffer((v.shape, np.dtype(v.dtype), _strides(v)))
                self._arrays[v] = exported[v]
                if v.shape:
                    self.plan.place[v] = leaf if leaf is not None else self.names[v]  # type: ignore[union-attr]
        name = self.unique(f"{self.title or 'step'}_in_c")
        return Function(name, stretch.ops, self.target, exported, self._kept_array, self.names, self._from_c)

    def _kept_array(self, v: Value) -> Any:
        """The array in which a value from outside always lies; None if each call passes it."""
        if v.kind == "state" and v.shape:
            return v.payload._data
        if v.kind in ("constant", "made"):
            return v.payload
        return self._arrays.get(v)

    def c_lines(self, texts: dict[Part, list[str]]) -> list[str]:
        """The C of the parts, behind the helping functions that they call."""
        helpers: dict[str, str] = {}
        for part in self.parts:
            helpers |= part.helpers()
        lines = [*_START.splitlines(), *"".join(helpers.values()).splitlines(), ""]
        for body in texts.values():
            lines += indented(body)
        return lines

    def quick_guard(self, checks: list[tuple[str, Value]]) -> str:
        """The call of a C function that looks at the types, shapes and layouts of array arguments, or nothing.

        Parameters
        ----------
        checks : list of (str, Value)
            The parameters that are arrays, and their values.
        """
        if not checks:
            return ""
        self._fits = f"{self.title}_fits", checks
        return f"{self.unique(self._fits[0])}({', '.join(name for name, _ in checks)})"

    def _fits_text(self) -> list[str]:
        name, checks = self._fits
        lines = [f"void *call_{c_identifier(name)}(void *self, void *const *given, intptr_t count)", "{"]
        lines += ["void **p = (void **)((Owner *)self)->table->data;", "(void)count;"]
        for i, (_, v) in enumerate(checks):
            lines.append(f"const Array *a{i} = given[{i}];")
            found = [f"a{i}->type == p[0]", f"a{i}->dimensions == {len(v.shape)}", f"a{i}->dtype == p[{i + 1}]"]
            found += [f"a{i}->shape[{k}] == {n}" for k, n in enumerate(v.shape)]
            found += [f"a{i}->strides[{k}] == {s}" for k, s in enumerate(v.strides or ())]
            # the type first: nothing else is an array object
            lines.append(f"if (!({' && '.join(found)})) return PyBool_FromLong(0);")
        return [*lines, "return PyBool_FromLong(1);", "}"]

    # --- lines ---

    def _lines(self, parts: list[Op | Part], built: Any) -> Iterator[str]:
        self._own(parts)
        results = list(self.program.results)
        read: set[Value] = set()
        lines: list[tuple[str, Any]] = []
        heading = None
        for item in parts:
            if isinstance(item, Part):
                lines += [(line, None) for line in self._call(item, built, read)]
                heading = None
                continue
            wanted = [*item.inputs(), *(results if item.form == "assign" else ())]
            found = [(line, None) for line in self.reads(wanted, read)]
            own = self._updated(item, built) if item in self.updates else list(self.line(item))
            if item.form in EFFECTS and item.form != "check":
                self.changing.update(line.strip() for line in own)
            found += [(line, item.errors) for line in own]
            now = _heading(item)
            if found and now != heading:
                lines.append((f"# {comment(now)}", found[0][1]))
                heading = now
            lines += found
        lines += [(line, None) for line in self.reads(results, read)]
        yield from self.silenced(lines)

    def _updated(self, op: Op, built: Any) -> list[str]:
        """The lines of an effect that C carries out, unless this time another update is due."""
        name = _effect_name(op.function)
        numbers, before, after = [], [], []
        for update, part in self.updates[op]:
            self.namespace[part.name] = self._function(part, built)
            numbers.append(self.unique("settings"))
            before.append(f"{numbers[-1]} = {self.bind(f'{name}_begins', update.begin)}()")
            after += [f"    {part.name}(*{numbers[-1]})", f"    {self.bind(f'{name}_ends', update.end)}()"]
        known = " or ".join(f"{n} is None" for n in numbers)
        return [*before, f"if {known}:", f"    {self.bind(name, op.function)}()", "else:", *after]

    def _function(self, part: Part, built: Any) -> Callable[..., int]:
        return calling.bound(built, f"call_{c_identifier(part.name)}", len(part.passed), part.table())

    def _new_array(self, v: Value) -> str:
        """The expression for a new array, into which C writes a result."""
        kind = self.text(np.dtype(v.dtype))
        if _strides(v) == row_strides(v.shape, np.dtype(v.dtype).itemsize):
            return f"{self.bind('empty', np.empty, reserved=True)}({self.text(v.shape)}, {kind})"
        return f"{self.bind('new_buffer', new_buffer)}(({self.text(v.shape)}, {kind}, {_strides(v)}))"

    def _own(self, items: list[Op | Part]) -> None:
        """Note who owns the memory of each value here: what C writes lies in an array of its own, also a view."""
        for item in items:
            if isinstance(item, Part):
                self.roots |= {v: frozenset((v,)) for v in item.exported}
                continue
            for out, operands in zip(item.outputs, item.shares):
                if operands:
                    self.roots[out] = frozenset().union(*(self.roots[v] for v in operands))

    def _call(self, part: Part, built: Any, read: set[Value]) -> Iterator[str]:
        """The lines that call a C function."""
        yield from self.reads([*part.passed, *part.numbers], read)
        function = self._function(part, built)
        self.namespace[part.name] = function
        again = _Again(function, part)
        self.namespace[f"{part.name}_again"] = again
        for v in part.passed:
            if v in part.exported:
                yield f"{self.names[v]} = {self._new_array(v)}"
        for v in part.passed:  # NumPy lays out a result after its operands, which C may have laid out otherwise
            if v.kind == "result" and v not in part.exported and v.shape:
                name, laid_out = self.names[v], self.bind("laid_out", _laid_out)
                yield f"if {name}.strides != {v.strides}:"
                yield f"    {name} = {laid_out}({name}, {v.strides})"
        passed = ", ".join(self.names[v] for v in (*part.passed, *part.numbers))
        yield f"if {part.name}({passed}):"
        yield f"    {part.name}_again({passed})"
        for v, array in part.exported.items():
            if array is None:
                continue
            if v.shape:
                self.namespace[self.names[v]] = array
            else:
                name = self.unique(f"{self.names[v]}_at")
                self.namespace[name] = array
                yield f"{self.names[v]} = {name}[()]" if v.number else f"{self.names[v]} = {name}.copy()"


def _homes(program: Program) -> dict[Value, Leaf]:
    """The gradients that are computed where they stay: in the flat home of their leaf.

    Not if the program reads a gradient that was there before: it might be read after it was overwritten.
    """
    if any(v.kind == "gradient" for v in program.values()):
        return {}
    found: dict[Value, Leaf] = {}
    for op in program.ops:
        if op.form != "store" or not isinstance(op.args[0], Value):
            continue
        v, home = op.args[0], op.function.home
        alike = home is not None and (v.shape, np.dtype(v.dtype)) == (home.shape, home.dtype)
        if alike and v.kind == "result" and v not in found and op.function not in found.values():
            found[v] = op.function
    return found


def _laid_out(x: Any, strides: tuple[int, ...]) -> Any:
    """A copy with the given strides."""
    low = sum(min((n - 1) * s, 0) for n, s in zip(x.shape, strides))
    high = sum(max((n - 1) * s, 0) for n, s in zip(x.shape, strides))
    room = np.empty((high - low) // x.itemsize + 1, x.dtype)
    copy: Any = np.ndarray(x.shape, x.dtype, room, -low, strides)
    copy[...] = x
    return copy


def _strides(v: Value) -> tuple[int, ...]:
    """The strides of a new array for a value, in bytes."""
    return tuple(s * int(np.dtype(v.dtype).itemsize) for s in layout(v))


def _wrapper(part: Part) -> list[str]:
    """The function that Python calls: it fills in the table of pointers."""
    name = c_identifier(part.name)
    n = len(part.passed)
    lines = [f"void *call_{name}(void *self, void *const *given, intptr_t count)", "{"]
    lines += ["void **p = (void **)((Owner *)self)->table->data;", "(void)given, (void)count;"]
    lines += [f"p[{i}] = ((Array *)given[{i}])->data;" for i in range(n)]
    sizes: dict[int, list[int]] = {}
    for i, v in enumerate(part.passed):
        sizes.setdefault(int(np.dtype(v.dtype).itemsize), []).append(i)
    for size, numbers in sizes.items():
        if size > 1:
            every = " | ".join(f"(uintptr_t)p[{i}]" for i in numbers)
            lines.append(f"if (({every}) % {size}) return PyLong_FromLong(-1);")
    for i, v in enumerate(part.passed):
        if (
            v.kind == "result" and v not in part.exported and v not in part.from_c and v.size
        ):  # NumPy chose its layout, in this call
            other = [f"steps[{k}] != {s}" for k, (n, s) in enumerate(zip(v.shape, v.strides or ())) if n > 1]
            if other:
                steps = f"const intptr_t *steps = ((Array *)given[{i}])->strides;"
                lines.append(f"{{ {steps} if ({' || '.join(other)}) return PyLong_FromLong(-1); }}")
    for i, v in enumerate(part.numbers, n):
        kind = np.dtype(v.dtype).kind
        convert = {"f": "PyFloat_AsDouble", "b": "PyObject_IsTrue"}.get(kind, "PyLong_AsUnsignedLongLongMask")
        lines.append(f"*({c_type(v.dtype)} *)p[{i}] = ({c_type(v.dtype)}){convert}(given[{i}]);")
    return [*lines, f"return PyLong_FromLong({name}(p));", "}"]


class _Again:
    """What Python does when a C function did not do its work.

    It was given an array that does not begin at a multiple of its item's size, or a result of NumPy's with other
    strides than in the call that was recorded: then it is called again with a copy. Or it found something that is an
    error, or needs another program.
    """

    def __init__(self, function: Callable[..., int], part: Part) -> None:
        self._function, self._codes = function, part.codes
        self._passed = [None if v in part.exported or v in part.from_c else v.strides for v in part.passed]

    def __call__(self, *args: Any) -> None:
        ready = list(args)
        for i, strides in enumerate(self._passed):
            if strides is not None and not (args[i].flags.aligned and args[i].strides == strides):
                ready[i] = apart(args[i], strides)
        code = self._function(*ready)
        if code > 0:
            self._codes[code - 1](*ready)
        if code:
            raise CompileError(f"compile: the C function stopped with code {code}. This is a fault of compile.")


def _look_at_python() -> None:
    """Refuse interpreters whose objects begin otherwise."""
    if sys.implementation.name != "cpython" or sysconfig.get_config_var("Py_GIL_DISABLED"):
        raise CompileError('ad.compile(backend="native") needs CPython with its global lock.')
    if hasattr(sys, "getobjects") or sys.maxsize < 2**32:
        raise CompileError('ad.compile(backend="native") needs a 64-bit CPython that is no debug build.')


def indented(lines: Iterable[str]) -> Iterator[str]:
    """Lines of C, indented by their braces."""
    depth = 0
    for line in lines:
        if line.startswith("}"):
            depth -= 1
        yield f"{'    ' * depth}{line}" if line else ""
        if line.startswith("}"):
            depth += 1
        depth += line.count("{") - line.count("}")
