"""A program run eagerly and compiled: the same numbers to the bit, the same state, answers that stay."""

import contextlib
import inspect
import itertools
import linecache
import types
import warnings
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

import autodiff as ad
from tests.tools.programs.composing import compose
from tests.tools.programs.filling import NothingFitsError
from tests.tools.programs.templates import PREAMBLE_CODE
from tests.tools.programs.values import values
from tests.tools.programs.writing import source

SCRIBBLE = 77  # what the caller writes into answers
_CHECKABLE = "check" in inspect.signature(ad.compile).parameters


@dataclass
class Outcome:
    """What became of a program: "same", "refused" or "failed", and what was seen."""

    seed: int
    verdict: str
    what: str = ""
    program: object = None
    notes: list = field(default_factory=list)


_numbers = itertools.count()


class DiffersError(Exception):
    """The compiled function is not the function."""


class Twin:
    """One run of a program: its own state, its own arguments, everything that was answered so far."""

    def __init__(self, code):
        self.scope = {"np": np, "ad": ad, "types": types, "sliding_window_view": sliding_window_view, "values": values}
        self.scope["__name__"] = "random_program"
        exec(PREAMBLE_CODE, self.scope)
        self.file = f"<random program {next(_numbers)}>"
        linecache.cache[self.file] = (len(code), None, code.splitlines(keepends=True), self.file)
        exec(compile(code, self.file, "exec"), self.scope)
        self.f = self.scope["f"]
        self.answers, self.copies, self.states, self.given, self.owned = [], [], [], [], []

    def call(self, number):
        """Change what is to be changed, call, and note what there is to see."""
        self.scope["change"](number)
        args = self.scope["arguments"](number)
        before = [bits(a) for a in leaves(args)]
        answer = leaves(self.f(*args, **self.scope["keywords"](number)))
        state = self.scope["state"]()
        self.owned.append(_owned(answer, [*leaves(args), *state]))
        self.answers.append(answer)
        self.copies.append([copied(a) for a in answer])
        self.states.append([copied(a) for a in state])
        self.given.append([bits(a) for a in leaves(args)] == before)


def _owned(answer, others):
    """Which arrays of an answer share memory with nothing else, so that who called may write into them."""
    arrays = [plain(x) if isinstance(plain(x), np.ndarray) else None for x in answer]
    others = [plain(x) for x in others if isinstance(plain(x), np.ndarray)]
    return [
        a is not None
        and a.flags.writeable
        and not any(np.may_share_memory(a, b) for b in others)
        and not any(np.may_share_memory(a, b) for k, b in enumerate(arrays) if k != i and b is not None)
        for i, a in enumerate(arrays)
    ]


def drawn(seed):
    """The program of a seed and its eager run: the first attempt that runs without an error or a warning."""
    for attempt in range(60):
        try:
            program = compose(seed, attempt)
        except NothingFitsError:
            continue
        twin = eager(program)
        if isinstance(twin, Twin):
            return program, twin
        why[twin] += 1
    raise RuntimeError(f"no program was found for seed {seed}")


why = Counter()


def eager(program):
    """The eager run, or why there is none."""
    try:
        with strictly(program):
            twin = Twin(source(program))
            for number in range(1, program.calls + 1):
                twin.call(number)
    except Exception as error:
        return f"{program.kind}: {type(error).__name__}: {str(error)[:160]}"
    if not program.hard and not all(map(_is_finite, itertools.chain(*twin.copies))):
        return f"{program.kind}: not finite"
    return twin


@contextlib.contextmanager
def strictly(program):
    """Warnings are errors, but for those of NumPy where a program is given NaN on purpose, and of many traces."""
    with warnings.catch_warnings(), np.errstate(all="ignore" if program.hard else "warn"):
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message="compile: .* was traced", category=UserWarning)
        warnings.filterwarnings("ignore", message=".*It runs eagerly from now on", category=UserWarning)
        yield


def _is_finite(x):
    x = plain(x)
    return not isinstance(x, (np.ndarray, np.generic)) or bool(np.all(np.isfinite(x)))


def check(seed, **options):
    """Draw the program of a seed, run it both ways, compare."""
    program, twin = drawn(seed)
    return compare(program, twin, **options)


def compare(program, twin, checked=0, fallback=False):
    """Run a program compiled and compare with its eager run; what is refused, once more with a fallback."""
    other = Twin(source(program))
    other.f = compiled(other.f, checked, fallback)
    number = 0
    try:
        with strictly(program):
            for number in range(1, program.calls + 1):
                other.call(number)
                same_call(twin, other, number - 1)
                scribble(twin, other, number - 1)
        kept(twin, other)
    except ad.CompileError as error:
        if fallback:
            return Outcome(program.seed, "failed", f"call {number}: refused with fallback=True: {error}", program)
        then = compare(program, twin, checked, fallback=True)
        if then.verdict == "failed":
            then.what = f"with fallback=True, {then.what}"
            return then
        return Outcome(program.seed, "refused", f"call {number}: {error}", program)
    except Exception as error:
        name = "" if isinstance(error, DiffersError) else f"{type(error).__name__}: "
        return Outcome(program.seed, "failed", f"call {number}: {name}{error}", program)
    finally:
        for file in (twin.file, other.file):
            linecache.cache.pop(file, None)
    return Outcome(program.seed, "same", "", program)


def scribble(twin, other, k):
    """Write into the answers that are the caller's own: no later call may mind."""
    for i, (own, x) in enumerate(zip(twin.owned[k], other.answers[k])):
        if own:
            if not plain(x).flags.writeable:
                raise DiffersError(f"answer {i}: cannot be written into")
            plain(x)[...] = SCRIBBLE


def kept(twin, other):
    """Whether every answer is still what it was, or what the eager one has become: a view of state that has changed."""
    for k, (answer, before) in enumerate(zip(other.answers, other.copies)):
        for i, (a, copy) in enumerate(zip(answer, before)):
            if twin.owned[k][i]:
                stays = np.all(plain(a) == np.array(SCRIBBLE).astype(a.dtype))
            else:
                stays = same(a, copy) or same(a, twin.answers[k][i])
            if not stays:
                raise DiffersError(f"the answer of call {k + 1} was changed by a later call")


def compiled(f, checked, fallback):
    """`ad.compile`, whose own comparison with the function is switched off where it has one, or asked for."""
    options = {"check": checked} if _CHECKABLE else {}
    return ad.compile(f, fallback=fallback, **options)


def same_call(twin, other, k):
    """Answers, state and arguments after call number `k`."""
    if not other.given[k] and twin.given[k]:
        raise DiffersError("an argument was written")
    for what, mine, theirs in (
        ("answer", twin.copies[k], other.copies[k]),
        ("state", twin.states[k], other.states[k]),
    ):
        if len(mine) != len(theirs):
            raise DiffersError(f"{what}: {len(theirs)} parts for {len(mine)}")
        for i, (a, b) in enumerate(zip(mine, theirs)):
            if not same(a, b):
                raise DiffersError(f"{what} {i}: {difference(a, b)}")


def leaves(answer):
    """Arrays, Tensors and numbers of nested containers, with the containers' kinds among them."""
    if isinstance(answer, dict):
        return ["dict", *answer, *(x for v in answer.values() for x in leaves(v))]
    if isinstance(answer, (list, tuple)):
        return [f"{type(answer).__name__} of {len(answer)}", *(x for v in answer for x in leaves(v))]
    return [answer]


def plain(x):
    return x.data if isinstance(x, ad.Tensor) else x


def copied(x):
    """A copy in the same order of axes in memory, of the same type; tracked or not is the same."""
    if isinstance(x, ad.Tensor):
        return ad.Tensor(np.array(x.data, copy=True, order="K")[()] if x.ndim == 0 else np.array(x.data, order="K"))
    return np.array(x, order="K") if isinstance(x, np.ndarray) else x


def same(a, b):
    """To the bit, NaN for NaN; the same dtype, shape and type."""
    if kind(a) is not kind(b):
        return False
    boxed = isinstance(a, ad.Tensor)  # what a Tensor without axes holds inside is its own affair
    a, b = plain(a), plain(b)
    if not isinstance(a, (np.ndarray, np.generic)):
        return a == b
    if (type(a) is not type(b) and not boxed) or a.dtype != b.dtype or a.shape != b.shape:
        return False
    if a.tobytes() == b.tobytes():
        return True
    if a.dtype.kind not in "fc":
        return False
    a, b = (np.ascontiguousarray(x).reshape(-1).view(a.real.dtype) for x in (a, b))
    return bool(np.all(((a == b) & (np.signbit(a) == np.signbit(b))) | (np.isnan(a) & np.isnan(b))))


def kind(x):
    return ad.Tensor if isinstance(x, ad.Tensor) else type(x)


def bits(x):
    """An argument's bytes."""
    x = plain(x)
    return x.tobytes() if isinstance(x, (np.ndarray, np.generic)) else x


def difference(a, b):
    """In words."""
    kinds = [kind(x).__name__ for x in (a, b)]
    if kinds[0] != kinds[1]:
        return f"type: {kinds[0]} eagerly, {kinds[1]} compiled"
    a, b = plain(a), plain(b)
    if not isinstance(a, (np.ndarray, np.generic)):
        return f"{a!r} eagerly, {b!r} compiled"
    if type(a) is not type(b):
        return f"type: Tensor of {type(a).__name__} eagerly, of {type(b).__name__} compiled"
    if a.dtype != b.dtype or a.shape != b.shape:
        return f"kind: {a.dtype} {a.shape} eagerly, {b.dtype} {b.shape} compiled"
    worst = float(np.max(np.abs(np.subtract(a, b, dtype=complex if a.dtype.kind == "c" else float))))
    scale = float(np.max(np.abs(a))) or 1.0
    size = "bits" if worst <= 1e-5 * scale else "value"
    if size == "bits" and a.dtype in (np.float64, np.complex128) and worst > 1e-12 * scale:
        size = "value"
    return f"{size}: differs by {worst:.3g} of {scale:.3g}"
