"""SciPy's special functions against the numbers of tests/reference/special.json: what the tests and the page share."""

import functools
import json
import math
from pathlib import Path

import numpy as np
from scipy import special

import autodiff as ad
from autodiff.scipy_special import loading
from autodiff.scipy_special.table import ROWS

REFERENCE = Path(__file__).parent / "reference"
loading.load()


@functools.cache
def table():
    """The reference by name."""
    return json.loads((REFERENCE / "special.json").read_text(encoding="utf-8"))


@functools.cache
def stated():
    """By name and output the largest relative errors: of 95 % of the first derivatives, of all, of the second."""
    return json.loads((REFERENCE / "special_reached.json").read_text(encoding="utf-8"))


class Points:
    """One output of a ufunc at its points."""

    def __init__(self, name, row, chosen=slice(None)):
        self.ufunc = getattr(special, name, None) or getattr(special._ufuncs, name)
        self.output = row["output"]
        columns = list(zip(*row["points"][chosen], strict=True))
        self.moving = [i for i in range(len(columns)) if i not in row["whole"]]
        self.xs = [np.array(c, float if i in self.moving else int) for i, c in enumerate(columns)]
        self.operands = [self.xs[i] for i in self.moving]
        self.ones = np.ones(len(row["points"][chosen]))
        firsts = [[number(r[i]) for r in row["first"][chosen]] for i in self.moving]
        self.first, self.second = np.array(firsts), np.array([number(v) for v in row["second"][chosen]])
        self.way = [np.where(x != 0, np.abs(x), 1.0) for x in self.operands]
        self.parts = [np.real, np.imag] if np.iscomplexobj(self.value(*self.operands)) else [lambda y: y]

    def value(self, *operands):
        xs = list(self.xs)
        for i, x in zip(self.moving, operands, strict=True):
            xs[i] = x
        y = self.ufunc(*xs)
        return y[self.output] if self.ufunc.nout > 1 else y

    def joined(self, results):
        """A complex number of its parts."""
        return results[0] if len(results) == 1 else results[0] + 1j * results[1]

    def reverse(self):
        """The gradients."""
        return self.joined([np.array(self.gradients(part, self.operands)) for part in self.parts])

    def gradients(self, part, operands):
        return ad.vjp(lambda *xs: part(self.value(*xs)), *operands)[1](self.ones)

    def forward(self):
        """The tangents, each operand by itself."""
        columns = []
        for k in range(len(self.operands)):

            def along(x, k=k):
                return self.value(*self.operands[:k], x, *self.operands[k + 1 :])

            columns.append(ad.jvp(along, [self.operands[k]], [self.ones])[1])
        return np.array(columns)

    def twice(self):
        """The second derivatives along the way of the reference, forward over reverse."""

        def slope(part):
            return lambda *xs: sum(g * w for g, w in zip(self.gradients(part, xs), self.way, strict=True))

        return self.joined([ad.jvp(slope(part), self.operands, self.way)[1] for part in self.parts])

    def first_errors(self, got):
        return relative(got, self.first, 0)

    def second_errors(self, got):
        """Relative to the second derivative and the first ones."""
        scale = (np.abs(self.first) * np.array(self.way)).sum(axis=0)
        errors = relative(got, self.second, scale)
        return np.where(np.isnan(self.second), 0, errors)

    def errors(self):
        return self.first_errors(self.reverse()), self.first_errors(self.forward())


def number(v):
    return math.nan if v is None else complex(*v) if isinstance(v, list) else v


def relative(got, wanted, scale):
    """The error over the size of what is wanted; where that is 0, the error itself. NaN is infinitely wrong."""
    size = np.abs(wanted) + scale
    with np.errstate(all="ignore"):
        errors = np.abs(got - wanted) / np.where(size == 0, 1, size)
    return np.where(got == wanted, 0, np.nan_to_num(errors, nan=math.inf, posinf=math.inf))


SLOW = ("hyperu", "wright_bessel", "log_wright_bessel", "eval_gegenbauer", "eval_jacobi", "eval_sh_jacobi", "hyp2f1")
"""Mixed derivatives from values take 10^4 values each: the second order of these at every fourth point."""


def summary(name, row):
    """The three numbers that are stated: the errors of 95 % of the first derivatives, of all, and of the second."""
    points = Points(name, row)
    first = np.sort(np.ravel(np.maximum(*points.errors())))
    few = Points(name, row, slice(0, None, 4)) if name in SLOW else points
    return first[max(math.ceil(0.95 * len(first)) - 1, 0)], first[-1], np.max(few.second_errors(few.twice()))


def rows():
    """Every output of every function of the reference."""
    return [(name, row) for name in sorted(table()) for row in table()[name]]


def title(name, row):
    return f"{name}[{row['output']}]" if len(table()[name]) > 1 else name


__all__ = ["ROWS", "Points", "rows", "stated", "summary", "table", "title"]
