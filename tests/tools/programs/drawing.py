"""From a seed to a `Program`: steps are drawn one by one, each tried on sample values, so that what is drawn runs."""

import re
import string
import types
import warnings
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

import autodiff as ad
from tests.tools.programs.templates import EXPRESSIONS, STATEMENTS
from tests.tools.programs.values import LAYOUTS, values

LARGEST = 20.0  # of a value in a step; what is larger is drawn anew, or powers of powers would overflow
MOST = 160  # entries of a value, in most programs

PREAMBLE = """\
def helper(a, scale=2.0):
    return np.sin(a) * scale
"""
KINDS = {
    "arrays": 7,
    "tensors": 4,
    "grad": 5,
    "value_and_grad": 4,
    "vjp": 4,
    "jvp": 3,
    "hvp": 3,
    "backward": 5,
    "jacobian": 1,
    "inner grad": 2,
}
TRANSFORMED = {"grad", "value_and_grad", "vjp", "jvp", "hvp", "jacobian", "inner grad"}


@dataclass(frozen=True)
class Argument:
    """An argument: how its values are made at each call, in which layout at first and later."""

    name: str
    seed: int
    shape: tuple[int, ...]
    dtype: str
    layouts: tuple[str, str]


@dataclass(frozen=True)
class State:
    """What the function closes over: an array, a Tensor, a leaf or a number; `change` is done between two calls."""

    name: str
    made: str
    change: str
    seen: str


@dataclass(frozen=True)
class Step:
    """A line of the function, the values that it makes, and the names that it reads."""

    text: str
    makes: tuple[str, ...]
    reads: frozenset[str]


@dataclass(frozen=True)
class Program:
    """A random function, its state, and how it is called. `writing` makes source of it."""

    seed: int
    kind: str
    holder: str
    arguments: tuple[Argument, ...]
    states: tuple[State, ...]
    steps: tuple[Step, ...]
    outputs: tuple[str, ...]
    structure: str
    n: tuple[int, int] | None
    zero_grad: bool
    changes: tuple[tuple[int, str], ...]  # (before which call, name of the state)
    relaid: tuple[int, ...]  # the calls whose arguments lie otherwise in memory
    calls: int
    argnums: tuple[int, ...] = ()
    loss: str = ""
    packed: bool = False  # the arguments come in one dict
    hard: int = 0  # the call whose arguments hold NaN and infinity
    directions: tuple[str, ...] = field(default=())

    def without(self, **changes):
        return replace(self, **changes)


class NothingFits(Exception):
    """A template has no filling here."""


class Drawing:
    """The state of drawing one program: what there is so far, with sample values."""

    def __init__(self, seed, attempt=0):
        self.rng = np.random.default_rng([seed, attempt])
        self.seed = seed
        self.samples = {}
        self.names = []
        self.states = []
        self.steps = []
        self.fresh = set()
        self.scope = {"np": np, "ad": ad, "sliding_window_view": sliding_window_view, "values": values, "n": 2}
        exec(PREAMBLE, self.scope)
        self.kind = self.weighted(KINDS)
        self.holder = self.of(["", "", "", "box.", "global "])
        self.prefix = "box." if self.holder == "box." else ""
        self.scope["box"] = types.SimpleNamespace()
        self.count = 0
        self.most = 20000 if self.chance(0.03) else MOST
        self.tracked = ()  # the arguments by which a transform differentiates

    # --- small draws

    def chance(self, p):
        return bool(self.rng.random() < p)

    def of(self, things):
        return things[int(self.rng.integers(len(things)))]

    def weighted(self, weights):
        names = list(weights)
        edges = np.cumsum([weights[k] for k in names])
        return names[int(np.searchsorted(edges, self.rng.integers(edges[-1]), side="right"))]

    def number(self):
        return self.of(["0.5", "1.5", "-0.7", "2", "0.3", "-1.0", "3.0"])

    def new_seed(self):
        return int(self.rng.integers(1000, 100000))

    def shape(self):
        axes = self.of([0, 1, 1, 2, 2, 2, 2, 3, 3, 4])
        sizes = [1, 2, 3, 3, 4, 5] if axes < 4 else [1, 2, 3]
        if self.most > MOST and axes in (1, 2):
            return self.of([(1500,), (40, 33), (7, 210), (2500, 2)])
        if self.chance(0.1) and axes in (1, 2):
            return tuple(self.of([7, 9, 13]) for _ in range(axes))  # past the width of a vector instruction
        if self.chance(0.25) and axes > 1:
            return (self.of(sizes),) * axes
        return tuple(self.of(sizes) for _ in range(axes))

    # --- arguments and state

    def argument(self, name, dtype=None):
        shape = self.shape()
        if self.names and self.chance(0.6):  # one that broadcasts with another argument
            other = np.shape(self.samples[self.of(self.names)])
            shape = self.broadcastable(other) if self.chance(0.5) else other
        dtype = dtype or self.weighted({"float64": 24, "float32": 12, "complex128": 3, "complex64": 1})
        first = self.of(LAYOUTS) if self.chance(0.4) else "C"
        later = self.of(LAYOUTS) if self.chance(0.8) else first
        if shape == () and self.chance(0.4):
            first = later = "scalar"
        made = Argument(name, self.new_seed(), shape, dtype, (first, later))
        sample = values(made.seed, shape, dtype, first)
        if name in self.tracked and made.dtype[0] in "fc":
            sample = ad.Tensor(sample, requires_grad=True)
        elif self.kind == "tensors":
            sample = ad.Tensor(sample)
        self.samples[name] = self.scope[name] = sample
        self.names.append(name)
        return made

    def broadcastable(self, shape):
        kept = shape[int(self.rng.integers(len(shape) + 1)) :] if shape else ()
        return tuple(1 if self.chance(0.25) else s for s in kept)

    def state(self, shape, dtype="float64", kind=None):
        """The name of something closed over, of that shape: one that is there already, or a new one."""
        shape = tuple(int(s) for s in shape)
        kind = kind or self.weighted({"array": 4, "tensor": 2, "leaf": 2 if self.kind != "arrays" else 1})
        for s in self.states:
            old = self.samples[self.prefix + s.name]
            if s.name[0] != "n" and np.shape(old) == shape and old.dtype == dtype and s.name[0] == kind[0] and self.chance(0.7):
                return self.prefix + s.name
        name = f"{kind[0]}{len(self.states)}"
        where = self.prefix + name
        seed = self.new_seed()
        layout = self.of(LAYOUTS[:5]) if self.chance(0.25) else "C"
        array = f"values({seed}, {shape}, {dtype!r}, {layout!r})"
        new = f"values({seed + 1}, {shape}, {dtype!r})"
        if kind == "array":
            made, seen = array, where
            ways = [f"{where}[...] = {new}"] * 2 + [f"{where} = {new}"]
            change = self.of(ways if layout != "readonly" else ways[2:])
        else:
            made = f"ad.Tensor({array}{', requires_grad=True' if kind == 'leaf' else ''})"
            seen = f"{where}.data, {where}.grad" if kind == "leaf" else f"{where}.data"
            ways = [f"{where}.assign_({new})", f"{where}.data = {new}"]
            ways += [f"{where}.data[...] = {new}"] if shape and layout != "readonly" else []
            ways += [f"{where}.zero_grad()"] if kind == "leaf" else []
            change = self.of(ways)
        self.states.append(State(name, made, change, seen))
        sample = eval(made, self.scope)
        self.samples[where] = sample
        if self.prefix:
            setattr(self.scope["box"], name, sample)
        else:
            self.scope[name] = sample
        return where

    def number_state(self):
        """The name of a Python number that is closed over."""
        name = f"number{len(self.states)}"
        where = self.prefix + name
        self.states.append(State(name, self.number(), f"{where} = {self.number()}", where))
        self.samples[where] = float(self.states[-1].made)
        setattr(self.scope["box"], name, self.samples[where]) if self.prefix else self.scope.update({name: self.samples[where]})
        return where

    # --- values

    def pick(self, test=lambda sample: True):
        """A name, rather one that was made lately."""
        fitting = [name for name in self.names if test(self.samples[name])]
        if not fitting:
            raise NothingFits
        return self.of(fitting[-3:]) if self.chance(0.65) else self.of(fitting)

    def fill(self, template):
        """The template with its places filled, and the names it reads."""
        chosen = {}

        def value(v="v"):
            if v not in chosen:
                chosen[v] = self.pick()
            return chosen[v]

        def sample():
            return self.samples[value()]

        def axis():
            count = sample().ndim
            if not count:
                raise NothingFits
            return int(self.rng.integers(-count, count))

        def state(shape, kind=None):
            dtype = sample().dtype
            dtype = str(dtype) if dtype.kind == "f" and self.chance(0.85) else "float64"
            return self.state(shape, dtype, kind)

        def last():
            if not sample().ndim:
                raise NothingFits
            return sample().shape[-1]

        def ints(size, live=False):
            if not size or not sample().ndim:
                raise NothingFits
            if live:
                if size < 2:
                    raise NothingFits
                return self.state((self.of([1, 2, 3]),), "int64", "array")
            return str([int(self.rng.integers(-size, size)) for _ in range(self.of([1, 2, 3]))])

        def place(match):
            what = match[1]
            if what == "v":
                return value()
            if what == "w":
                shape = np.shape(sample())
                return self.pick(lambda s: _broadcasts(np.shape(s), shape))
            if what == "s":
                shape = np.shape(sample())
                return self.pick(lambda s: np.shape(s) == shape)
            if what == "t":
                return value() if isinstance(sample(), ad.Tensor) else f"ad.Tensor({value()})"
            if what == "fresh":
                chosen["v"] = self.pick_fresh()
                return chosen["v"]
            if what == "u":
                if "u" not in chosen:
                    dtype = str(sample().dtype)
                    chosen["u"] = self.state(sample().shape, dtype, "tensor")
                return chosen["u"]
            if what in ("axis", "axis2"):
                return str(axis())
            if what == "axes":
                some = sorted(set(axis() % sample().ndim for _ in range(2)))
                return str(tuple(some)) if len(some) > 1 or self.chance(0.5) else str(some[0])
            if what == "perm":
                return str(tuple(int(i) for i in self.rng.permutation(sample().ndim)))
            if what == "num":
                return self.number_state() if self.chance(0.08) else self.number()
            if what == "k":
                return state(sample().shape)
            if what == "b":
                return state(self.broadcastable(sample().shape))
            if what == "row":
                return state((last(),))
            if what == "mat":
                return state((last(), self.of([1, 2, 3, 4])))
            if what == "square":
                return state((self.of([2, 3]), sample().shape[-2] if sample().ndim > 1 else last()))
            if what == "mask":
                return self.state(self.broadcastable(sample().shape), "bool", "array")
            if what == "shape":
                return str(self.reshaped(sample().shape))
            if what == "index":
                return self.index(sample().shape)
            if what == "ints":
                return ints(sample().shape[0] if sample().ndim else 0)
            if what == "lastints":
                return ints(last())
            if what == "livints":
                return ints(sample().shape[0] if sample().ndim else 0, live=True)
            if what == "einsum":
                return self.einsum()
            raise AssertionError(what)

        return re.sub(r"<(\w+)>", place, template)

    def pick_fresh(self):
        """An array that this function has made itself, which it may write into."""
        return self.pick(lambda s: type(s) is np.ndarray and s.flags.owndata and s.ndim and id(s) in self.fresh)

    def reshaped(self, shape):
        size = int(np.prod(shape))
        choices = [(-1,), (size, 1), (1, *shape), (*shape, 1), tuple(reversed(shape))]
        choices += [(d, size // d) for d in (2, 3, 4) if size % d == 0] + [(2, -1, 2)] * (size % 4 == 0)
        if len(shape) > 1:
            choices.append((shape[0] * shape[1], *shape[2:]))
        return self.of(choices)

    def index(self, shape):
        if not shape:
            return self.of(["...", "None", "()"])
        parts = []
        for size in shape[: int(self.rng.integers(1, len(shape) + 1))]:
            parts.append(self.of([":", "::-1", "1:", ":-1", "::2", "-1", "0", f"{size - 1}::-1", "0:1", ":"]))
        if self.chance(0.15):
            parts.insert(int(self.rng.integers(len(parts) + 1)), "None")
        if self.chance(0.15):
            parts = ["...", *parts]
        return ", ".join(parts)

    def einsum(self):
        """An einsum of one, two or three operands whose labels are given by their sizes."""
        operands = [self.pick(lambda s: 0 < s.ndim <= 4 and s.dtype.kind in "fc")]
        for _ in range(self.of([0, 0, 1, 1, 1, 2])):
            operands.append(self.pick(lambda s: s.ndim <= 3 and s.dtype.kind in "fc"))
        labels, sizes = [], {}
        for name in operands:
            own = []
            for size in self.samples[name].shape:
                same = [c for c, s in sizes.items() if s == size and (c not in own or self.chance(0.4))]
                if same and self.chance(0.6):
                    c = self.of(same)
                else:
                    c = string.ascii_lowercase[8 + len(sizes)]
                    sizes[c] = size
                own.append(c)
            labels.append("".join(own))
        kept = [c for c in sizes if self.chance(0.7)] if len(operands) > 1 or self.chance(0.4) else list(sizes)
        out = "".join(kept[int(i)] for i in self.rng.permutation(len(kept)))
        arrow = f"->{out}" if self.chance(0.85) else ""
        return f"np.einsum({','.join(labels) + arrow!r}, {', '.join(operands)})"

    # --- steps

    def step(self):
        """Draw one more step; False if what was drawn does not fit here."""
        try:
            if self.chance(0.03):
                return self.statement("effects")
            if self.kind == "arrays" and self.chance(0.015):
                return self.statement("in place")
            family = self.weighted({i: weight for i, (_, weight, _) in enumerate(EXPRESSIONS)})
            before = len(self.states)
            text = self.fill(self.of(EXPRESSIONS[family][2]))
            if self.kind == "tensors" and "<" not in text and self.chance(0.02):
                text = f"({text}).detach()"
            return self.expression(text, before)
        except NothingFits:
            return False

    def reads(self, text):
        words = set(re.findall(r"[a-z]+\d*", text))
        return frozenset(name for name in (*self.names, *(self.prefix + s.name for s in self.states))
                         if name.removeprefix("box.") in words)

    def expression(self, text, states_before):
        made = self.tried(text, "eval")
        several = isinstance(made, (list, tuple))
        parts = list(made) if several else [made]
        if not 0 < len(parts) <= 4 or not all(map(self.is_usable, parts)):
            return False
        if several and self.chance(0.35):
            i = int(self.rng.integers(len(parts)))
            text, parts, several = f"{text}[{i}]", [parts[i]], False
        makes = []
        for part in parts:
            name = f"v{self.count}"
            self.count += 1
            makes.append(name)
            self.samples[name] = self.scope[name] = part
            self.names.append(name)
            if isinstance(part, np.ndarray):
                self.fresh.add(id(part))
        target = ", ".join(makes) + ("," if several and len(makes) == 1 else "")
        reads = self.reads(text)
        self.steps.append(Step(f"{target} = {text}", tuple(makes), reads))
        return True

    def statement(self, family):
        text = self.fill(self.of(STATEMENTS[family]))
        if self.tried(text, "exec") is NothingFits:
            return False
        self.steps.append(Step(text, (), self.reads(text)))
        if family == "effects":
            changed = text.partition(".assign_")[0]
            if changed not in self.names:
                self.names.append(changed)
        return True

    def tried(self, text, way):
        """What it gives on the sample; what fails, warns or overflows does not fit."""
        try:
            with warnings.catch_warnings(), np.errstate(all="raise"):
                warnings.simplefilter("error")
                return (eval if way == "eval" else exec)(text, self.scope)
        except Exception:
            raise NothingFits from None

    def is_usable(self, x):
        if not isinstance(x, (np.ndarray, np.generic, ad.Tensor)) or x.dtype.kind not in "fcibu":
            return False
        data = x.data if isinstance(x, ad.Tensor) else x
        if not 0 < np.size(data) <= self.most or np.ndim(data) > 5:
            return False
        return bool(np.all(np.abs(data) <= LARGEST)) if x.dtype.kind != "b" else True


def _broadcasts(a, b):
    try:
        np.broadcast_shapes(a, b)
    except ValueError:
        return False
    return True
