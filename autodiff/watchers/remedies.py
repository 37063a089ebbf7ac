"""What usually helps if an operation makes a NaN or an infinity: advice as data, by the name of the primitive."""

from __future__ import annotations

_ROOT = (
    "The slope of a root is infinite at 0: select with np.where(x > 0, np.sqrt(x), 0), whose slope at 0 is 0, or add a "
    "small constant under the root; for a length use np.linalg.norm, whose slope at 0 is 0."
)
_LOGARITHM = (
    "The logarithm is -inf at 0 and NaN below: use ad.special.xlogy for x * log(x), log_softmax or logsumexp for "
    "probabilities, np.log1p near 1, or mask the entries with np.where."
)
_QUOTIENT = (
    "A denominator may be 0 or tiny: use np.where(d != 0, n / np.where(d != 0, d, 1), 0), or add a small constant."
)
_POWER = (
    "A negative base needs an integer exponent; at base 0 the slope is infinite for an exponent below 1: keep the base "
    "away from 0 with np.where, or write x * x for x**2."
)
_EXPONENTIAL = (
    "It overflows: use ad.special.logsumexp, softmax, log_softmax, softplus or sigmoid, which shift first; use "
    "np.expm1 near 0; or subtract the maximum."
)
_EDGE = (
    "The argument is at the edge of its domain, or beyond it: keep it inside, x * (1 - 1e-7), or np.clip it and mask "
    "the slope."
)
_SUM = (
    "Something overflowed, or infinities of both signs met: check the ranges; scale the data, or lower the learning "
    "rate."
)
_PRODUCT = "Something overflowed, or 0 met an infinity: check the ranges; scale the data, or lower the learning rate."
_MATRIX = (
    "The matrix is singular, or nearly so: check np.linalg.cond; add a small multiple of np.eye(n), or use "
    "np.linalg.lstsq."
)
_VECTORS = (
    "If eigenvalues (or singular values) are nearly equal, their vectors are not well defined: let the loss depend on "
    "the values only, or on what does not change when these vectors are rotated into each other."
)
_LENGTH = (
    "At 0 a length has slope 0 but no second derivative: use the sum of squares where you differentiate twice, or add "
    "a small constant under the root."
)

REMEDIES = {
    "sqrt": _ROOT,
    "cbrt": _ROOT,
    **dict.fromkeys(("log", "log2", "log10", "log1p", "logit", "log1mexp", "xlogy", "entr", "rel_entr"), _LOGARITHM),
    **dict.fromkeys(("divide", "reciprocal", "ratio", "remainder", "fmod"), _QUOTIENT),
    **dict.fromkeys(("power", "float_power", "power_and_logs"), _POWER),
    **dict.fromkeys(("exp", "exp2", "expm1", "sinh", "cosh", "softmax", "logsumexp", "log_softmax"), _EXPONENTIAL),
    **dict.fromkeys(("logaddexp", "logaddexp2"), _EXPONENTIAL),
    **dict.fromkeys(("arcsin", "arccos", "arccosh", "arctanh"), _EDGE),
    **dict.fromkeys(
        ("arctan", "arcsinh"), "An operand was infinite, where there is no second derivative: mask it with np.where."
    ),
    "tan": "It has poles at odd multiples of pi/2: np.arctan2(s, c) keeps an angle without them.",
    "arctan2": "At (0, 0) there is no angle: mask that point with np.where on both arguments, before arctan2.",
    **dict.fromkeys(("add", "subtract", "sum", "mean", "cumsum"), _SUM),
    **dict.fromkeys(("multiply", "matmul", "affine", "einsum", "prod", "cumprod", "square", "mse"), _PRODUCT),
    **dict.fromkeys(("inv", "solve", "pinv", "det", "log_abs_det", "cholesky"), _MATRIX),
    **dict.fromkeys(("eigh", "eig", "svd", "qr"), _VECTORS),
    **dict.fromkeys(("norm", "hypot", "absolute", "std"), _LENGTH),
    "var": "The variance of one entry is undefined for ddof=1, as is that of no entries: check the shape and ddof.",
}


def remedy(name: str) -> str:
    """What usually helps if the primitive of this name makes a value that is not finite."""
    return REMEDIES.get(name, "Check the ranges of the operands; mask entries that are out of bounds with np.where.")
