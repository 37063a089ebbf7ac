"""Einstein sums. Their transposes are Einstein sums again, plus embedding in zeros where a letter repeats.

Subscripts reach the primitive in canonical form, ``"ij,jk->ik"``: explicit, without blanks and without
ellipsis (whose axes get their own letters).
"""

from __future__ import annotations

import math
from functools import lru_cache, partial
from typing import Any

import numpy as np

from autodiff.core.kinds import linear, multilinear
from autodiff.core.primitives import implements
from autodiff.errors import ShapeError, UnsupportedError
from autodiff.ops.shapes import operand, spread
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
    lengths = {c: n for term, x in zip(_terms(subscripts)[0], xs) for c, n in zip(term, x.shape)}
    return np.einsum(subscripts, *xs, optimize=math.prod(lengths.values()) > _WORTH_A_PLAN)[()]


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
def einsum(*operands: Any, optimize: Any = False) -> Any:
    """``np.einsum``; the order of the products is chosen here, so `optimize` has no effect."""
    subscripts, xs = _read(operands)
    if len(xs) > _MOST_OPERANDS:
        raise UnsupportedError(f"np.einsum on Tensors takes at most {_MOST_OPERANDS} operands; {len(xs)} were given.")
    return einsum_of(*xs, subscripts=_canonical(subscripts, tuple(x.ndim for x in xs)))


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
def _canonical(subscripts: str, ranks: tuple[int, ...]) -> str:
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
