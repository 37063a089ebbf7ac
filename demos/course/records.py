"""What an exercise is: a reference function with its task, the arguments to try it on, and the mistakes of learners."""

from __future__ import annotations

import ast
import inspect
import textwrap
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache, cached_property
from typing import Any, NamedTuple

import numpy as np

Array = Any
"""An array or a number: what it has to be, the task says."""
Function = Callable[..., Any]
REPEATS = 3
"""How often a case with random arguments is drawn."""


SINGLE = "float32 numbers"
"""The case that tells whether single precision stays single."""


class Named:
    """A function with a text, so that a learner sees what his function was called with."""

    def __init__(self, text: str, function: Function) -> None:
        self.text, self.function = text, function

    def __call__(self, *xs: Any) -> Any:
        """The value at `xs`."""
        return self.function(*xs)

    def __repr__(self) -> str:
        return self.text


class Case(NamedTuple):
    """Arguments for the learner's function and the right answer, in parts."""

    label: str
    arguments: tuple[Any, ...]
    right: tuple[Any, ...]


@dataclass(frozen=True)
class Exercise:
    """One exercise; the decorator `exercise` makes it of the reference function."""

    chapter: str
    reference: Function
    serves: str
    """The bullet of the curriculum."""
    draws: Mapping[str, Function | tuple[Any, ...]]
    """What the arguments are ("one number", "a vector"), and a function that draws them, or themselves."""
    example: str
    """A call, as a learner would write it."""
    solution: str
    """The program that solves it: the function, without its imports and without an example."""
    mistakes: Mapping[str, Function] = field(default_factory=dict)
    """Hints, each with the wrong function that deserves it."""
    laws: Mapping[str, Function] = field(default_factory=dict)
    """Hints, each with a predicate of the answer and the arguments; where it is False, the hint is given."""
    slope_of: Function | None = None
    """The function of the same arguments whose derivative is asked for, if there is one."""
    by: tuple[str, ...] = ()
    """The argument by which it is derived, for each result."""
    hints: tuple[str, ...] = ()
    """What ``--hint`` tells, one after the other."""
    parts: tuple[str, ...] = ()
    """The names of the results, if there are several."""
    use: Function | None = None
    """How the answer is used, as ``use(answer, *arguments)``, where it is not simply called."""
    free: bool = False
    """Whether more than one answer is right: then the laws alone judge."""
    keeps_dtype: bool = False
    """Whether float32 in must give float32 out."""
    rtol: float = 1e-6
    """Allowed difference, relative to the largest entry of the right answer."""

    @property
    def function(self) -> str:
        """The name of the function that the learner writes."""
        return self.reference.__name__

    @property
    def name(self) -> str:
        """The name of the exercise, and of the learner's file."""
        return self.function.replace("_", "-").lower()

    @property
    def title(self) -> str:
        """The first line of the reference's docstring."""
        return self._document.splitlines()[0].removesuffix(".")

    @property
    def task(self) -> str:
        """The rest of that docstring."""
        return self._document.partition("\n")[2].strip()

    @property
    def _document(self) -> str:
        return inspect.getdoc(self.reference) or self.function

    @property
    def arguments(self) -> tuple[str, ...]:
        """The names of the arguments."""
        return tuple(inspect.signature(self.reference).parameters)

    @property
    def is_class(self) -> bool:
        """Whether the learner writes a class."""
        return inspect.isclass(self.reference)

    @property
    def signature(self) -> str:
        """The first line of what the learner writes, without the colon."""
        return f"class {self.function}" if self.is_class else f"def {self.function}({', '.join(self.arguments)})"

    @property
    def program(self) -> str:
        """The solution as a program that prints the example."""
        return f"import numpy as np\n\n\n{self.solution.strip()}\n\n\nprint({self.example})\n"

    @property
    def template(self) -> str:
        """The file that the learner begins with."""
        task = textwrap.indent(f"{self.title}.\n\n{self.task}", "    ").strip()
        begin = "    ...  # your answer; then: python -m demos course check " + self.name
        document = f'    """{task}\n    """\n' if "\\" not in task else f'    r"""{task}\n    """\n'
        return f"import numpy as np\n\n\n{self.signature}:\n{document}\n{begin}\n"

    def called(self, answer: Function, arguments: tuple[Any, ...]) -> Any:
        """What an answer makes of these arguments, which it may change."""
        return self.use(answer, *arguments) if self.use else answer(*arguments)

    def solved(self) -> Function:
        """The function that the solution defines."""
        names: dict[str, Any] = {"__name__": self.name}
        exec(
            compile(f"import numpy as np\n\n\n{self.solution.strip()}\n", f"the solution of {self.name}", "exec"), names
        )
        found: Function = names[self.function]
        return found

    def shown_example(self) -> str:
        """The example and its value."""
        found = self.solved()
        with np.printoptions(precision=6, suppress=True):
            value = eval(self.example, {"np": np, self.function: found})
            return f"{self.example}\n{_shown(value)}"

    @cached_property
    def cases(self) -> tuple[Case, ...]:
        """All arguments the answer is tried on, the same ones each time."""
        rng = np.random.default_rng(zlib.crc32(self.name.encode()))
        found = []
        for label, draw in self.draws.items():
            found += [(label, draw(rng) if callable(draw) else draw) for _ in range(REPEATS if callable(draw) else 1)]
        if self.keeps_dtype:
            arguments = next(arguments for _, arguments in found if np.ndim(arguments[0]))
            found.append((SINGLE, tuple(single(a) for a in arguments)))
        return tuple(Case(label, arguments, self.right(arguments)) for label, arguments in found)

    def right(self, arguments: tuple[Any, ...], reference: Function | None = None) -> tuple[Any, ...]:
        """The right answer, in parts; or what another function gives."""
        with np.errstate(all="ignore"):
            value = self.called(reference or self.reference, copied(arguments))
        if self.parts:
            return tuple(x if isinstance(x, (str, bool)) else np.asarray(x) for x in value)
        return (value if isinstance(value, (str, bool)) else np.asarray(value),)


def single(x: Any) -> Any:
    """Arrays of floats in single precision; everything else as it is."""
    return x.astype(np.float32) if isinstance(x, np.ndarray) and x.dtype == np.float64 else x


def copied(x: Any) -> Any:
    """A copy of the arrays and lists in `x`."""
    if isinstance(x, np.ndarray):
        return x.copy()
    return type(x)(copied(v) for v in x) if isinstance(x, (tuple, list)) else x


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return "(" + ", ".join(map(_shown, value)) + ")"
    if isinstance(value, (float, np.floating)):
        return f"{float(value):.10g}"
    return str(value) if isinstance(value, str) else repr(value)


REGISTERED: list[Exercise] = []


def exercise(**fields: Any) -> Callable[[Function], Function]:
    """Make an exercise of a reference function, whose docstring is the title and the task."""

    def registered(reference: Function) -> Function:
        chapter = reference.__module__.removeprefix("demos.course.exercises.").partition(".")[0]
        REGISTERED.append(Exercise(chapter=chapter, reference=reference, **fields))
        return reference

    return registered


@cache
def exercises() -> dict[str, Exercise]:
    """All exercises by their names, in the order of the curriculum."""
    import demos.course.exercises as chapters

    for chapter in chapters.CHAPTERS:
        __import__(f"{chapters.__name__}.{chapter}")
    order = list(chapters.CHAPTERS)
    return {e.name: e for e in sorted(REGISTERED, key=lambda e: order.index(e.chapter))}


def nearest(name: str) -> list[str]:
    """Up to three exercises whose names are like this one, or contain it."""
    wanted = name.replace("_", "-").lower()
    within = [n for n in exercises() if len(wanted) > 1 and wanted in n]
    return (within or get_close_matches(wanted, exercises(), 3, 0.5))[:3]


def defined(text: str) -> list[str]:
    """The names of the functions and classes that a program defines."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return [node.name for node in ast.parse(text).body if isinstance(node, kinds)]
