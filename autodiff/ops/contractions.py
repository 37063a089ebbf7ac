"""Einstein sums. Their transposes are Einstein sums again, plus embedding in zeros where a letter repeats.

Subscripts reach the primitive in canonical form, ``"ij,jk->ik"``: explicit, without blanks and without
ellipsis (whose axes get their own letters).
"""

from __future__ import annotations

import math
from functools import lru_cache, partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from autodiff.core.kinds import linear, multilinear
from autodiff.core.primitives import implements
from autodiff.errors import DtypeError, ShapeError, UnsupportedError
from autodiff.ops.shapes import cast, operand, spread
from autodiff.ops.windows import contiguous_in
from autodiff.typing import Shape

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""Those of ``string``, which takes a millisecond to import."""

_MOST_OPERANDS = 32  # as in NumPy
_WORTH_A_PLAN = 100_000
"""Number of multiplications from which planning an order, with matrix products in it, is faster than one plain loop."""


def _terms(subscripts: str) -> tuple[list[str], str]:
    inputs, output = subscripts.split("->")
    return inputs.split(","), output


def _einsum(*xs: Any, subscripts: str) -> Any:
    if len(xs) == 1:
        return np.einsum(subscripts, *xs)
    if len(xs) == 2:
        y = _as_product(*xs, subscripts)
        if y is not None:
            return y
    lengths = {c: n for term, x in zip(_terms(subscripts)[0], xs) for c, n in zip(term, x.shape)}
    return np.einsum(subscripts, *xs, optimize=math.prod(lengths.values()) > _WORTH_A_PLAN)[()]


# --- as one product of matrices -------------------------------------------------------------------


class _Roles(NamedTuple):
    """What the letters of a sum over two operands are for, if it is a product of matrices.

    Attributes
    ----------
    terms : the letters of both operands
    output : the letters of the result
    copies : letters of all three: there is a product for each of their values
    left, right : letters of one operand and the result
    summed : letters of both operands that the result has not
    """

    terms: tuple[str, str]
    output: str
    copies: str
    left: str
    right: str
    summed: str


@lru_cache(maxsize=256)
def _roles(subscripts: str) -> _Roles | None:
    """None if a letter repeats in a term or is summed in one operand alone, or if there is nothing to sum."""
    (a, b), output = _terms(subscripts)
    summed = "".join(c for c in a if c in b and c not in output)
    alone = set(a) ^ set(b)
    if not summed or not alone <= set(output) or any(len(set(t)) < len(t) for t in (a, b, output)):
        return None
    copies = "".join(c for c in output if c in a and c in b)
    left, right = ("".join(c for c in output if c in t and c not in copies) for t in (a, b))
    return _Roles((a, b), output, copies, left, right, summed)


class _Matrices(NamedTuple):
    """How an operand becomes matrices, behind the axes of `copies`; in a view where BLAS can read it.

    Attributes
    ----------
    axes : the order of the axes, or None if it stays
    copied : whether the entries have to be put in this order in memory
    shape : the shape then, or None if it stays
    turned : whether the matrices are transposed
    """

    axes: Shape | None
    copied: bool
    shape: Shape | None
    turned: bool

    def of(self, x: Any, name: str) -> Any:
        """The matrices; a copy lies in the buffer `name`."""
        axes, copied, shape, turned = self
        if axes is not None:
            x = x.transpose(axes)
        if copied:
            x = contiguous_in(name, x)
        if shape is not None:
            x = x.reshape(shape)
        return x.swapaxes(-1, -2) if turned else x


class _Product(NamedTuple):
    """A sum as a product of matrices: the factors, whether the operands change places, and what follows."""

    swapped: bool
    first: _Matrices
    second: _Matrices
    shape: Shape | None
    axes: Shape | None
    single: bool


@lru_cache(maxsize=1024)
def _product(subscripts: str, shapes: tuple[Shape, Shape], strides: tuple[Shape, Shape], size: int) -> _Product | None:
    """The plan for operands of these shapes and strides, with entries of `size` bytes; None if there is no product."""
    roles = _roles(subscripts)
    if roles is None:
        return None
    (a, b), output, copies, left, right, summed = roles
    lengths, others = dict(zip(a, shapes[0])), dict(zip(b, shapes[1]))
    if any(lengths[c] != others[c] for c in copies + summed):  # a length 1 is broadcast
        return None
    lengths |= others
    if 0 in lengths.values():
        return None
    operands = [(a, dict(zip(a, strides[0]))), (b, dict(zip(b, strides[1])))]
    # The columns of the product come from its second factor. If neither order gives the axes of the result theirs, the
    # longer runs of neighbouring entries decide.
    swapped = copies + left + right != output and (
        copies + right + left == output or lengths.get(left[-1:], 1) > lengths.get(right[-1:], 1)
    )
    if swapped:
        operands, left, right = operands[::-1], right, left
    first = _matrices(*operands[0], lengths, size, (copies, left, summed))
    second = _matrices(*operands[1], lengths, size, (copies, summed, right))
    order = copies + left + right
    shape = tuple(lengths[c] for c in order) if len(left) != 1 or len(right) != 1 else None
    axes = tuple(order.index(c) for c in output) if order != output else None
    return _Product(swapped, first, second, shape, axes, not output)


def _matrices(
    term: str, steps: dict[str, int], lengths: dict[str, int], size: int, parts: tuple[str, str, str]
) -> _Matrices:
    copies, rows, columns = parts
    groups = (rows, columns)
    last = [next((c for c in reversed(group) if lengths[c] > 1), "") for group in groups]
    ends = [bool(c) and steps[c] == size for c in last]
    readable = (any(ends) or not any(last)) and all(_merge(group, steps, lengths) for group in groups)
    # For a copy long runs of neighbouring entries are fastest, so the axis that has them comes last.
    turned = not readable and ends[0] and (not ends[1] or lengths[last[0]] > lengths[last[1]])
    order = copies + (columns + rows if turned else rows + columns)
    sizes = [math.prod(lengths[c] for c in group) for group in (groups[::-1] if turned else groups)]
    shape = (*(lengths[c] for c in copies), *sizes) if len(rows) != 1 or len(columns) != 1 else None
    return _Matrices(None if order == term else tuple(map(term.index, order)), not readable, shape, turned)


def _as_product(a: Any, b: Any, subscripts: str) -> Any:
    """The sum as a product of matrices, one for each value of the letters that all have; None if it is none."""
    if a.dtype != b.dtype or a.dtype.char not in "fdFD":
        return None
    plan = _product(subscripts, (a.shape, b.shape), (a.strides, b.strides), a.itemsize)
    if plan is None:
        return None
    swapped, first, second, shape, axes, single = plan
    if swapped:
        a, b = b, a
    y = first.of(a, "first") @ second.of(b, "second")
    if shape is not None:
        y = y.reshape(shape)
    if axes is not None:
        y = y.transpose(axes)
    return y[()] if single else y


def _merge(group: str, steps: dict[str, int], lengths: dict[str, int]) -> bool:
    """Whether the axes of a group are one axis of memory, so that a reshape copies nothing."""
    long = [c for c in group if lengths[c] > 1]
    return all(steps[c] == steps[d] * lengths[d] for c, d in pairwise(long))


# --- its derivatives ------------------------------------------------------------------------------


def _transposed(i: int, ct: Any, *xs: Any, subscripts: str) -> Any:
    """The cotangent of operand `i`: the Einstein sum in which `i` and the output are exchanged."""
    inputs, output = _terms(subscripts)
    term, x = inputs[i], xs[i]
    others = inputs[:i] + inputs[i + 1 :]
    letters = "".join(dict.fromkeys(term))
    known = "".join(c for c in letters if c in output or any(c in other for other in others))
    g = einsum_of(ct, *xs[:i], *xs[i + 1 :], subscripts=f"{','.join([output, *others])}->{known}")
    # A letter that no other term has, or only with length 1, was summed over: all its entries receive the same value.
    found, own = dict(zip(known, g.shape)), dict(zip(term, x.shape))
    full = tuple(found.get(c, 1) if own[c] == 1 else own[c] for c in letters)
    if full != g.shape:
        g = spread(g.reshape(tuple(found.get(c, 1) for c in letters)), shape=full)
    return g if letters == term else embed_letters(g, subscripts=f"{term}->{letters}", shape=x.shape)


einsum_of = multilinear(
    _einsum, *(partial(_transposed, i) for i in range(_MOST_OPERANDS)), name="einsum", passes_mask=True
)


def _embed(values: Any, *, subscripts: str, shape: Shape) -> Any:
    out = np.zeros(shape, values.dtype)
    np.einsum(subscripts, out)[...] = values  # with one operand and no sum, einsum returns a view
    return out


embed_letters = linear(
    _embed,
    lambda ct, values, *, subscripts, shape: einsum_of(ct, subscripts=subscripts),
    name="embed_diagonal",
    masking=True,
)
"""Zeros with `values` where all repeated letters are equal: the transpose of taking that diagonal."""


# --- canonical form -------------------------------------------------------------------------------


@implements(np.einsum)
def einsum(*operands: Any, dtype: Any = None, order: str = "K", casting: Any = "safe", optimize: Any = False) -> Any:
    """``np.einsum``; the order of the products and of the memory is chosen here: `optimize` and `order` do nothing."""
    subscripts, xs = _read(operands)
    if dtype is not None:
        for x in xs:
            if not np.can_cast(x.dtype, dtype, casting):
                raise DtypeError(
                    f"einsum: an operand of dtype {x.dtype} cannot be cast to dtype {np.dtype(dtype)} by the rule "
                    f"{casting!r}. Convert it with .astype."
                )
        xs = [cast(x, dtype=np.dtype(dtype)) for x in xs]
    if len(xs) > _MOST_OPERANDS:
        raise UnsupportedError(f"np.einsum on Tensors takes at most {_MOST_OPERANDS} operands; {len(xs)} were given.")
    return einsum_of(*xs, subscripts=canonical(subscripts, tuple(x.ndim for x in xs)))


def _read(operands: tuple[Any, ...]) -> tuple[str, list[Any]]:
    """Subscripts and arrays; subscripts may also follow each array as a list of integers."""
    if isinstance(operands[0], str):
        return operands[0].replace(" ", ""), [operand(x) for x in operands[1:]]
    n = len(operands) // 2
    terms = ",".join(_spelled(s) for s in operands[1 : 2 * n : 2])
    if len(operands) % 2:
        terms += "->" + _spelled(operands[-1])
    return terms, [operand(x) for x in operands[: 2 * n : 2]]


def _spelled(numbers: Any) -> str:
    return "".join("..." if i is Ellipsis else LETTERS[i] for i in numbers)


@lru_cache(maxsize=256)
def canonical(subscripts: str, ranks: tuple[int, ...]) -> str:
    """The subscripts of operands with so many axes, explicit and with a letter for each axis."""
    text, arrow, output = subscripts.partition("->")
    terms = text.split(",")
    if len(terms) != len(ranks):
        raise ShapeError(f"einsum: {subscripts!r} names {len(terms)} operand(s); {len(ranks)} were given.")
    spare = [c for c in LETTERS if c not in subscripts]
    hidden = [rank - len(term.replace("...", "")) for term, rank in zip(terms, ranks)]
    for i, (term, rank, n) in enumerate(zip(terms, ranks, hidden)):
        if n < 0 or (n > 0 and "..." not in term):
            raise ShapeError(f"einsum: in {subscripts!r}, {term!r} does not match operand {i}, which has {rank} axes.")
    dots = "".join(spare[: max(n if "..." in term else 0 for term, n in zip(terms, hidden))])
    terms = [term.replace("...", dots[len(dots) - n :] if n else "") for term, n in zip(terms, hidden)]
    if not arrow:
        letters = "".join(terms)
        output = dots + "".join(sorted(c for c in set(letters) - set(dots) if letters.count(c) == 1))
    return f"{','.join(terms)}->{output.replace('...', dots)}"
