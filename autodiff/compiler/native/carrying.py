"""A compiled function as C that stands alone: no Python, no library but C's, no memory from a heap.

Parameters, the state of optimisers and all intermediate results are static arrays, which begin with the values of now.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from autodiff.arrays.afar import fetch_all
from autodiff.compiler.native.expressions import c_type, literal
from autodiff.compiler.native.names import Names, c_comment, c_identifier
from autodiff.compiler.native.part import Part
from autodiff.compiler.native.target import PORTABLE, Target
from autodiff.compiler.native.updates import numbers_part
from autodiff.compiler.native.writer import _INCLUDES, NativeWriter, indented
from autodiff.compiler.program import Program
from autodiff.compiler.values import Op, Value
from autodiff.errors import CompileError

_NEWLINE = "\\n"
_ALIGN = "__attribute__((aligned(64)))"


def write_c(
    programs: dict[str, Program], folder: str | os.PathLike[str], examples: Sequence[Any], target: Target = PORTABLE
) -> list[Path]:
    """Write the C of some programs: ``NAME.c``, ``NAME.h`` and a ``main.c`` that calls the first one.

    Parameters
    ----------
    programs : dict of str to Program
        By the names of their C functions; the first one names the files.
    folder : path
    examples : sequence of array
        Arguments for which ``main.c`` calls the first function three times.
    target : Target
    """
    for v in (v for program in programs.values() for v in program.values()):
        if v.kind in ("state", "gradient"):
            fetch_all(v.payload)  # with all that lies in the same array of C
    carried = [_Carried(name, program, target) for name, program in programs.items()]
    storage = _Storage()
    title = carried[0].name
    bodies = [line for one in carried for line in one.lines(storage)]
    helpers = carried[0].writer
    for one in carried[1:]:
        helpers.parts += one.writer.parts
    texts = {part: text for one in carried for part, text in one.texts.items()}
    lines = [f"/* {', '.join(one.name for one in carried)}: written by wengert from recorded programs. */"]
    lines += [f'#include "{title}.h"', *_INCLUDES.splitlines(), *helpers.c_lines(texts), *storage.lines(), *bodies]
    header = [f"#ifndef {title.upper()}_H", f"#define {title.upper()}_H", "#include <stdint.h>", ""]
    for one in carried:
        header += [*one.about(), f"{one.signature()};", ""]
    header += ["#endif"]
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    files = {f"{title}.c": lines, f"{title}.h": header, "main.c": list(carried[0].main(examples))}
    paths = []
    for name, content in files.items():
        path = out / name
        path.write_text("\n".join(content) + "\n", encoding="ascii")
        paths.append(path)
    return paths


class _Storage:
    """The static arrays, each once: two views of one vector of parameters lie in one C array."""

    def __init__(self) -> None:
        self._names = Names()
        self._known: dict[int, tuple[str, Any]] = {}

    def at(self, array: Any, wish: str) -> str:
        """The expression for the first entry of an array."""
        root = array
        while isinstance(base := getattr(root.base, "home", root.base), np.ndarray) and base.dtype == root.dtype:
            root = base
        if not root.flags.c_contiguous:
            root = array
        if id(root) not in self._known:
            self._known[id(root)] = self._names.unique(f"kept_{wish}"), root
        name = self._known[id(root)][0]
        if root is array:  # perhaps a number, which has no address of its own
            return name
        step = (array.__array_interface__["data"][0] - root.__array_interface__["data"][0]) // array.itemsize
        return f"{name} + {step}" if step else name

    def lines(self) -> Iterator[str]:
        """Their definitions, with the values of now."""
        for name, x in self._known.values():
            low = (
                x.reshape(-1)
                if x.flags.c_contiguous
                else np.lib.stride_tricks.as_strided(x, (_span(x),), (x.itemsize,))
            )
            start = "" if not low.any() else " = {" + ", ".join(literal(v, x.dtype) for v in low) + "}"
            yield f"static {c_type(x.dtype)} {name}[{max(low.size, 1)}] {_ALIGN}{start};"


def _span(x: Any) -> int:
    return 1 + sum((n - 1) * s // x.itemsize for n, s in zip(x.shape, x.strides))


class _Carried:
    """One function."""

    def __init__(self, name: str, program: Program, target: Target) -> None:
        self.name = c_identifier(name)
        self.writer = NativeWriter(program, target)
        self.writer.title = self.name
        self.writer.name_values()
        self.items, self.texts = self.writer.cut()
        self.inputs = list(self.writer.program.arguments)
        self._read: set[Value] = set()
        self.results = [v for v in dict.fromkeys(self.writer.program.results) if v.kind == "result"]
        names = Names()
        self._c_names = {v: names.unique(self.writer.names[v]) for v in dict.fromkeys((*self.inputs, *self.results))}
        self._settings: dict[Part, Part] = {}
        for found in self.writer.updates.values():
            for update, part in found:
                numbers = numbers_part(update, self.writer.unique(f"{part.name}_settings"), target)
                self._settings[part] = numbers
                self.texts[numbers] = numbers.body()
                self.writer.parts.append(numbers)

    def signature(self) -> str:
        """The declaration of the function."""
        given = [f"const {_own_type(v.dtype)} *{self._c_names[v]}" for v in self.inputs]
        given += [f"{_own_type(v.dtype)} *{self._c_names[v]}_out" for v in self.results]
        return f"int {self.name}({', '.join(given) or 'void'})"

    def about(self) -> Iterator[str]:
        """A comment on the arguments."""
        yield "/* Returns 0; another number if an argument is not valid, such as a label of no class."
        for v in self.inputs:
            yield f"   {self._c_names[v]}: {list(v.shape)}, from the caller"
        for v in self.results:
            yield f"   {self._c_names[v]}_out: {list(v.shape)}, a result"
        yield "*/"

    def lines(self, storage: _Storage) -> Iterator[str]:
        """The definition of the function."""
        body = []
        for item in self.items:
            if isinstance(item, Part):
                body += self._call(item, storage)
            elif item in self.writer.updates:
                for update, part in self.writer.updates[item]:
                    body += self._update(update, part, storage)
            elif item.form == "assign" and isinstance(item.args[0], Value):
                to, of = storage.at(item.function._data, "state"), self._pointer(item.args[0], storage)
                body.append(f"memcpy({to}, {of}, sizeof({c_type(item.args[0].dtype)}) * {max(item.args[0].size, 1)});")
            elif item.form == "store":
                body += self._store(item, storage)
            else:
                raise CompileError(
                    f"write_c: {c_comment(item.title or item.form)} runs in Python at every call; only what is written "
                    "in C, the update of an optimiser and running statistics can be carried."
                )
        for v in self.results:
            array = next((p.exported[v] for p in self.texts if v in p.exported), None)
            if array is not None:
                name = f"{self._c_names[v]}_out"
                body.append(f"memcpy({name}, {storage.at(array, 'result')}, sizeof *{name} * {max(v.size, 1)});")
        unread = [f"(void){self._c_names[v]};" for v in self.inputs if v not in self._read]
        yield from indented([self.signature(), "{", "int code = 0;", *unread, *body, "return code;", "}", ""])

    def _store(self, op: Op, storage: _Storage) -> list[str]:
        """The line that puts a gradient where the optimiser reads it, if it was not computed there."""
        v, leaf = op.args[0], op.function
        if leaf.home is None or self.writer.homes.get(v) is leaf:
            return []
        if v.strides != leaf.home.strides or np.dtype(v.dtype) != leaf.home.dtype:
            raise CompileError("write_c: a gradient lies in memory in another order than its parameter.")
        to = storage.at(leaf.home, "gradient")
        return [f"memcpy({to}, {self._pointer(v, storage)}, sizeof({c_type(v.dtype)}) * {max(v.size, 1)});"]

    def _pointer(self, v: Value, storage: _Storage) -> str:
        if v in self.inputs:
            self._read.add(v)
            return f"(void *){self._c_names[v]}"
        for part in self.texts:
            if v in part.exported:
                array = part.exported[v]
                return f"{self._c_names[v]}_out" if array is None else storage.at(array, self.writer.names[v])
        if v.kind in ("state", "constant", "made"):
            return storage.at(v.payload._data if v.kind == "state" else v.payload, v.name or "constant")
        raise CompileError(f"write_c: {self.writer.names.get(v, 'a value')} is known to Python only.")

    def _call(self, part: Part, storage: _Storage, numbers: Sequence[str] = ()) -> list[str]:
        pointers = [self._pointer(v, storage) for v in part.passed]
        pointers += numbers or [self._pointer(v, storage) for v in part.numbers]
        for array in part.table()[len(part.numbers) :]:
            if isinstance(array, int):
                raise CompileError("write_c: the program calls a library.")
            pointers.append(storage.at(array, "constant" if array.size else "room"))
        call = f"if ((code = {c_identifier(part.name)}(p))) return code;"
        return ["{", f"void *p[] = {{{', '.join(pointers)}}};", call, "}"]

    def _update(self, update: Any, part: Part, storage: _Storage) -> list[str]:
        settings = self._settings[part]
        step = storage.at(np.array([float(update.step())]), f"{part.name}_steps")
        lines = ["{", f"{step}[0] += 1;", *self._call(settings, storage, [step])]
        kind = c_type(update.vectors[0].dtype)
        slots = []
        for k, v in enumerate(settings.outputs):
            value = (
                f"{storage.at(settings.exported[v], 'setting')}[0]" if isinstance(v, Value) else literal(v, np.float64)
            )
            lines.append(f"{kind} setting_{k} = ({kind}){value};")
            slots.append(f"&setting_{k}")
        wanted = [slots[v.payload - len(update.vectors)] for v in part.numbers]
        return [*lines, *self._call(part, storage, wanted), "}"]

    def main(self, examples: Sequence[Any]) -> Iterator[str]:
        """A program that calls the function three times."""
        arrays = [np.asarray(getattr(x, "data", x)) for x in examples]
        if [(x.shape, x.dtype) for x in arrays] != [(v.shape, np.dtype(v.dtype)) for v in self.inputs]:
            expected = ", ".join(f"{np.dtype(v.dtype).name}{list(v.shape)}" for v in self.inputs)
            given = ", ".join(f"{x.dtype.name}{list(x.shape)}" for x in arrays)
            raise CompileError(f"write_c: the examples are {given or 'none'}; the program takes {expected or 'none'}.")
        yield f'#include "{self.name}.h"'
        yield "#include <math.h>"
        yield "#include <stdio.h>"
        yield ""
        for k, x in enumerate(arrays):
            values = ", ".join(literal(v, x.dtype) for v in x.reshape(-1))
            yield f"static const {_own_type(x.dtype)} given_{k}[{max(x.size, 1)}] = {{{values}}};"
        for k, v in enumerate(self.results):
            yield f"static {_own_type(v.dtype)} result_{k}[{max(v.size, 1)}];"
        given = ", ".join(
            [f"given_{k}" for k in range(len(arrays))] + [f"result_{k}" for k in range(len(self.results))]
        )
        lines = ["int main(void)", "{", "for (int time = 0; time < 3; time++) {"]
        lines += [f"int code = {self.name}({given});", "if (code) return code;"]
        last = len(self.results) - 1
        lines += [
            f'printf("%.9g{" " if k < last else _NEWLINE}", (double)result_{k}[0]);' for k in range(len(self.results))
        ]
        yield from indented([*lines, "}", "return 0;", "}"])


def _own_type(dtype: Any) -> str:
    """C's name for a dtype, outside the file that defines `bool_`."""
    return c_type(dtype).replace("bool_", "unsigned char")
