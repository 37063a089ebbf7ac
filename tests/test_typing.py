"""What a user's checker sees: the programs in tests/typing, whose types are checked, and true when they run."""

import ast
import importlib.util
import inspect
import os
import runpy
import subprocess
import sys
import types
import typing
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import autodiff as ad
import nn
import optim

ROOT = Path(__file__).parents[1]
PROGRAMS = sorted((ROOT / "tests" / "typing").glob("*.py"))

# --- by checkers

LOST = """
import autodiff as ad
from typing import assert_type
assert_type(ad.tensor(1.0).sum(), int)
ad.tensor(1.0).sum()  # type: ignore[attr-defined]
"""
"""A type that is another one, and a mistake that is none."""


def complaints(checker, *files):
    """What a checker finds fault with in the given files, a line each; what it says of the house is not for users.

    mypy has the settings of `make types`, and so its cache: without it the reading takes ten times as long.
    """
    if importlib.util.find_spec(checker) is None:
        pytest.skip(f"{checker} is not installed: pip install {checker}")
    options = {"mypy": [], "basedpyright": ["--pythonpath", sys.executable]}[checker]
    command = [sys.executable, "-m", checker, *options, *map(str, files)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    lines = [line.strip() for line in done.stdout.splitlines() if "error:" in line or " - error" in line]
    assert lines or done.returncode == 0, done.stdout + done.stderr
    return [line for line in lines if any(str(Path(file.parent.name, file.name)) in line for file in files)]


@pytest.mark.parametrize("checker", ["mypy", "basedpyright"])
def test_a_checker_sees_the_types_and_what_breaks_them(checker, tmp_path):
    lost = tmp_path / f"lost_{os.getpid()}.py"  # a name of its own: mypy's cache would give the path of the last one
    lost.write_text(LOST)
    found = complaints(checker, *PROGRAMS, lost)
    assert [line for line in found if lost.name not in line] == []
    assert len([line for line in found if lost.name in line]) == 2, found


# --- by running


def is_of(value, kind):
    """Whether a value is of a type, as far as one can look; NumPy's numbers count as arrays."""
    alias = typing.get_origin(kind) or kind
    if hasattr(alias, "__value__"):  # a `type` statement, as NDArray is from NumPy 2.5 on
        kind = alias.__value__
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is typing.Any:
        return True
    if origin in (typing.Union, types.UnionType):
        return any(is_of(value, k) for k in arguments)
    if origin is tuple:
        several = arguments[:1] * len(value) if arguments[-1] is Ellipsis else arguments
        return isinstance(value, tuple) and len(value) == len(several) and all(map(is_of, value, several))
    if origin is np.ndarray:
        return isinstance(value, (np.ndarray, np.generic))
    if origin is Callable:
        return callable(value)
    return isinstance(value, type(None) if kind is None else origin or kind)


@pytest.mark.parametrize("file", PROGRAMS, ids=lambda file: file.stem)
def test_the_types_are_true(file, monkeypatch):
    seen = []

    def assert_type(value, kind):
        seen.append(kind)
        assert is_of(value, kind), f"{value!r} is no {kind}"

    monkeypatch.setattr(typing, "assert_type", assert_type)
    runpy.run_path(str(file))
    assert seen


@pytest.mark.parametrize(
    ("value", "kind", "answer"),
    [
        (np.float64(1.0), ad.typing.Array, True),
        (ad.tensor(1.0), ad.typing.Array, False),
        (ad.tensor(1.0), ad.Tensor | ad.typing.Array, True),
        ((1, 2), tuple[int, ...], True),
        ((1, "2"), tuple[int, ...], False),
        ((1,), tuple[int, int], False),
        (None, str | None, True),
        (1, typing.Any, True),
    ],
)
def test_a_type_that_is_not_true_is_seen(value, kind, answer):
    assert is_of(value, kind) is answer


# --- how many are left

RULES = "ops"  # a rule's arguments and what it gives are whatever the sweep carries


def public_functions(file):
    """Public functions of a module and methods of its public classes: the name, and what checkers see it give."""
    found = {}

    def walk(node, prefix):
        for child in node.body:
            if getattr(child, "name", "_").startswith("_"):
                continue
            name = f"{prefix}{child.name}"
            if isinstance(child, ast.ClassDef):
                walk(child, f"{name}.")
            elif isinstance(child, ast.FunctionDef):
                is_overload = any(ast.unparse(d) == "overload" for d in child.decorator_list)
                given = ast.unparse(child.returns) if child.returns else ""
                signatures, seen = found.get(name, ([], False))
                if is_overload or not seen:  # the implementation behind overloads is nobody's signature
                    found[name] = ([*signatures, given], is_overload)

    walk(ast.parse(file.read_text(encoding="utf-8")), "")
    return {name: signatures for name, (signatures, _) in found.items()}


def test_few_public_functions_give_any():
    total, untyped = 0, []
    for file in sorted((ROOT / "autodiff").rglob("*.py")):
        inside = file.relative_to(ROOT / "autodiff")
        if inside.parts[0] == RULES:
            continue
        for name, given in public_functions(file).items():
            total += 1
            if "Any" in given:
                untyped.append(f"{inside}: {name}")
    assert total > 800
    assert len(untyped) < total / 10, "\n".join(untyped)


def test_a_function_that_gives_any_is_counted(tmp_path):
    file = tmp_path / "house.py"
    file.write_text("""
def f(x) -> Any: ...
@overload
def g(x: int) -> int: ...
@overload
def g(x: str) -> str: ...
def g(x) -> Any: ...
def _h() -> Any: ...
class C:
    def m(self) -> Any: ...
""")
    assert public_functions(file) == {"f": ["Any"], "g": ["int", "str"], "C.m": ["Any"]}


@pytest.mark.parametrize("package", [ad, nn, optim], ids=lambda p: p.__name__)
def test_the_types_of_public_functions_can_be_asked_for(package):
    pytest.importorskip("hypothesis")
    rooms = {package.__name__: package}
    for name in package.__all__:
        thing = getattr(package, name)
        if inspect.ismodule(thing):
            rooms[thing.__name__] = thing
    rooms |= {"autodiff.testing.strategies": ad.testing.strategies} if package is ad else {}
    asked = 0
    for room in rooms.values():
        for name in getattr(room, "__all__", ()):
            thing = getattr(room, name)
            methods = [f for f in vars(thing).values() if inspect.isfunction(f)] if inspect.isclass(thing) else []
            for function in [thing, *methods]:
                if inspect.isfunction(function) or inspect.isclass(function):
                    typing.get_type_hints(function)  # NameError for a name that only a checker imports
                    asked += 1
    assert asked > 50
