"""From a seed to a `Program`: steps are drawn one by one, each tried on sample values, so that what is drawn runs."""

import re
import types
import warnings

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

import autodiff as ad
from tests.tools.programs.filling import Filling, NothingFitsError
from tests.tools.programs.program import Argument, State, Step
from tests.tools.programs.templates import EXPRESSIONS, PREAMBLE_CODE, STATEMENTS
from tests.tools.programs.values import LAYOUTS, values

LARGEST = 20.0  # of a value in a step; what is larger is drawn anew, or powers of powers would overflow
MOST = 160  # entries of a value, in most programs

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
        exec(PREAMBLE_CODE, self.scope)
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
            if (
                s.name[0] != "n"
                and np.shape(old) == shape
                and old.dtype == dtype
                and s.name[0] == kind[0]
                and self.chance(0.7)
            ):
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
        setattr(self.scope["box"], name, self.samples[where]) if self.prefix else self.scope.update(
            {name: self.samples[where]}
        )
        return where

    # --- values

    def pick(self, test=lambda sample: True):
        """A name, rather one that was made lately."""
        fitting = [name for name in self.names if test(self.samples[name])]
        if not fitting:
            raise NothingFitsError
        return self.of(fitting[-3:]) if self.chance(0.65) else self.of(fitting)

    def fill(self, template):
        """The template with its places filled."""
        filling = Filling(self)
        return re.sub(r"<(\w+)>", lambda match: getattr(filling, match[1])(), template)

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
        except NothingFitsError:
            return False

    def reads(self, text):
        words = set(re.findall(r"[a-z]+\d*", text))
        return frozenset(
            name
            for name in (*self.names, *(self.prefix + s.name for s in self.states))
            if name.removeprefix("box.") in words
        )

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
        if self.tried(text, "exec") is NothingFitsError:
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
            raise NothingFitsError from None

    def is_usable(self, x):
        if not isinstance(x, (np.ndarray, np.generic, ad.Tensor)) or x.dtype.kind not in "fcibu":
            return False
        data = x.data if isinstance(x, ad.Tensor) else x
        if not 0 < np.size(data) <= self.most or np.ndim(data) > 5:
            return False
        return bool(np.all(np.abs(data) <= LARGEST)) if x.dtype.kind != "b" else True
