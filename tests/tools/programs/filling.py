"""The places of a template, filled: each is a method that draws what fits the value that the step is about."""

import string

import numpy as np

import autodiff as ad


class NothingFitsError(Exception):
    """A template has no filling here."""


class Filling:
    """The filling of one template in a `drawing.Drawing`."""

    def __init__(self, drawing):
        self.d = drawing
        self.value = None  # the one that the step is about
        self.buffer = None

    def sample(self):
        return self.d.samples[self.v()]

    # --- values

    def v(self):
        """A value that is there already."""
        if self.value is None:
            self.value = self.d.pick()
        return self.value

    def w(self):
        """Another one that broadcasts with it."""
        shape = np.shape(self.sample())
        return self.d.pick(lambda s: _broadcasts(np.shape(s), shape))

    def s(self):
        """One of its shape."""
        shape = np.shape(self.sample())
        return self.d.pick(lambda s: np.shape(s) == shape)

    def t(self):
        """The value as a Tensor."""
        return self.v() if isinstance(self.sample(), ad.Tensor) else f"ad.Tensor({self.v()})"

    def fresh(self):
        """An array that the function has made itself, which it may write into."""
        own = self.d.fresh
        self.value = self.d.pick(
            lambda s: type(s) is np.ndarray and s.flags.owndata and s.flags.writeable and s.ndim and id(s) in own
        )
        return self.value

    # --- state

    def u(self):
        """A closed-over Tensor of its shape and dtype, to be assigned to."""
        if self.buffer is None:
            self.buffer = self.d.state(self.sample().shape, str(self.sample().dtype), "tensor")
        return self.buffer

    def k(self):
        """State of its shape."""
        return self._state(self.sample().shape)

    def b(self):
        """State that broadcasts with it."""
        return self._state(self.d.broadcastable(self.sample().shape))

    def row(self):
        """A vector as long as its last axis."""
        return self._state((self._last(),))

    def mat(self):
        """A matrix that it can be multiplied by."""
        return self._state((self._last(), self.d.of([1, 2, 3, 4])))

    def square(self):
        """A matrix that can be multiplied by it."""
        shape = self.sample().shape
        return self._state((self.d.of([2, 3]), shape[-2] if len(shape) > 1 else self._last()))

    def mask(self):
        """Booleans that broadcast with it."""
        return self.d.state(self.d.broadcastable(self.sample().shape), "bool", "array")

    def _state(self, shape):
        dtype = self.sample().dtype
        return self.d.state(shape, str(dtype) if dtype.kind == "f" and self.d.chance(0.85) else "float64")

    # --- numbers, axes, indices

    def num(self):
        return self.d.number_state() if self.d.chance(0.08) else self.d.number()

    def axis(self):
        return str(self._axis())

    axis2 = axis

    def axes(self):
        count = self.sample().ndim
        some = sorted({self._axis() % count for _ in range(2)})
        return str(tuple(some)) if len(some) > 1 or self.d.chance(0.5) else str(some[0])

    def perm(self):
        return str(tuple(int(i) for i in self.d.rng.permutation(self.sample().ndim)))

    def ints(self):
        """A list of indices of the first axis."""
        return self._ints(self._first())

    def lastints(self):
        """Of the last axis."""
        return self._ints(self._last())

    def livints(self):
        """A closed-over array of them."""
        if self._first() < 2:
            raise NothingFitsError
        return self.d.state((self.d.of([1, 2, 3]),), "int64", "array")

    def _ints(self, size):
        return str([int(self.d.rng.integers(-size, size)) for _ in range(self.d.of([1, 2, 3]))])

    def _axis(self):
        count = self.sample().ndim
        if not count:
            raise NothingFitsError
        return int(self.d.rng.integers(-count, count))

    def _first(self):
        if not self.sample().ndim:
            raise NothingFitsError
        return self.sample().shape[0]

    def _last(self):
        if not self.sample().ndim:
            raise NothingFitsError
        return self.sample().shape[-1]

    def shape(self):
        shape = self.sample().shape
        size = int(np.prod(shape))
        choices = [(-1,), (size, 1), (1, *shape), (*shape, 1), tuple(reversed(shape))]
        choices += [(d, size // d) for d in (2, 3, 4) if size % d == 0] + [(2, -1, 2)] * (size % 4 == 0)
        if len(shape) > 1:
            choices.append((shape[0] * shape[1], *shape[2:]))
        return str(self.d.of(choices))

    def index(self):
        shape = self.sample().shape
        if not shape:
            return self.d.of(["...", "None", "()"])
        parts = []
        for size in shape[: int(self.d.rng.integers(1, len(shape) + 1))]:
            parts.append(self.d.of([":", "::-1", "1:", ":-1", "::2", "-1", "0", f"{size - 1}::-1", "0:1", ":"]))
        if self.d.chance(0.15):
            parts.insert(int(self.d.rng.integers(len(parts) + 1)), "None")
        if self.d.chance(0.15):
            parts = ["...", *parts]
        return ", ".join(parts)

    def einsum(self):
        """An einsum of one, two or three operands whose labels are given by their sizes."""
        operands = [self.d.pick(lambda s: 0 < s.ndim <= 4 and s.dtype.kind in "fc")]
        for _ in range(self.d.of([0, 0, 1, 1, 1, 2])):
            operands.append(self.d.pick(lambda s: s.ndim <= 3 and s.dtype.kind in "fc"))
        labels, sizes = [], {}
        for name in operands:
            own = []
            for size in self.d.samples[name].shape:
                same = [c for c, s in sizes.items() if s == size and (c not in own or self.d.chance(0.4))]
                if same and self.d.chance(0.6):
                    c = self.d.of(same)
                else:
                    c = string.ascii_lowercase[8 + len(sizes)]
                    sizes[c] = size
                own.append(c)
            labels.append("".join(own))
        kept = [c for c in sizes if self.d.chance(0.7)] if len(operands) > 1 or self.d.chance(0.4) else list(sizes)
        out = "".join(kept[int(i)] for i in self.d.rng.permutation(len(kept)))
        arrow = f"->{out}" if self.d.chance(0.85) else ""
        return f"np.einsum({','.join(labels) + arrow!r}, {', '.join(operands)})"


def _broadcasts(a, b):
    try:
        np.broadcast_shapes(a, b)
    except ValueError:
        return False
    return True
