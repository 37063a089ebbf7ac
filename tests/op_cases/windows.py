"""Rows for autodiff/ops/windows.py: convolution and pooling, with loops over the windows as reference."""

import itertools
import math

import numpy as np

from autodiff import special
from autodiff.ops import indexing, windows
from tests.op_cases.case import COMPLEX, DISTINCT, REAL, Case, Point

NAN, INF = math.nan, math.inf


def places(spatial, kernel, stride, dilation):
    """Every window: its number along each axis, and the index of its entries."""
    out = [(n - d * (k - 1) - 1) // s + 1 for n, k, s, d in zip(spatial, kernel, stride, dilation, strict=True)]
    for at in itertools.product(*map(range, out)):
        yield (
            at,
            tuple(
                slice(i * s, i * s + d * (k - 1) + 1, d)
                for i, k, s, d in zip(at, kernel, stride, dilation, strict=True)
            ),
        )


def folded(fold):
    """A pooling as a loop over windows."""

    def pool(x, kernel, stride=None, padding=0, dilation=1):
        d = x.ndim - 2
        many = lambda v: (v,) * d if isinstance(v, int) else v
        kernel = many(kernel)
        stride, padding, dilation = many(stride or kernel), many(padding), many(dilation)
        fill = -np.inf if fold is np.max else 0
        x = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in padding)], constant_values=fill)
        found = dict(places(x.shape[2:], kernel, stride, dilation))
        shape = tuple(max((at[i] for at in found), default=-1) + 1 for i in range(d))
        y = np.zeros((*x.shape[:2], *shape), x.dtype)
        for at, inside in found.items():
            y[(..., *at)] = fold(x[(..., *inside)], axis=tuple(range(2, x.ndim)))
        return y

    return pool


def plain_convolution(x, w, stride, dilation, groups):
    kernel = w.shape[2:]
    found = dict(places(x.shape[2:], kernel, stride, dilation))
    shape = tuple(max((at[i] for at in found), default=-1) + 1 for i in range(len(kernel)))
    y = np.zeros((x.shape[0], w.shape[0], *shape), np.result_type(x, w))
    for k in range(w.shape[0]):
        first = k // (w.shape[0] // groups) * w.shape[1]
        for at, inside in found.items():
            window = x[(slice(None), slice(first, first + w.shape[1]), *inside)]
            y[(slice(None), k, *at)] = (window * w[k]).sum(axis=tuple(range(1, x.ndim)))
    return y


HOW = {
    3: [
        {"stride": (1,), "dilation": (1,)},
        {"stride": (2,), "dilation": (1,)},
        {"stride": (1,), "dilation": (2,)},
        {"stride": (3,), "dilation": (2,)},
    ],
    4: [
        {"stride": (1, 1), "dilation": (1, 1)},
        {"stride": (2, 1), "dilation": (1, 1)},
        {"stride": (1, 2), "dilation": (2, 1)},
    ],
}
# Input and weights; the groups are what is left over.
PAIRS = [
    ((1, 1, 5), (1, 1, 2)),
    ((2, 2, 5), (3, 2, 2)),
    ((2, 2, 6), (4, 1, 3)),
    ((2, 2, 5), (3, 2, 1)),
    ((0, 2, 5), (3, 2, 2)),
    ((2, 2, 4, 4), (3, 2, 2, 2)),
    ((1, 2, 4, 3), (2, 1, 1, 2)),
]


def sliding(pick, x, w):
    return {**pick(HOW[len(x)]), "groups": x[1] // w[1]}


def by_columns(forward, size, ct):
    """The transpose of a linear function, one column of its matrix at a time."""
    units = np.eye(math.prod(size)).reshape((math.prod(size), *size))
    return np.array([(forward(unit) * ct).sum() for unit in units], ct.dtype).reshape(size)


def plain_input(ct, w, shape, stride, dilation, groups):
    size = (ct.shape[0], w.shape[1] * groups, *shape)
    return by_columns(lambda x: plain_convolution(x, w, stride, dilation, groups), size, ct)


def plain_weights(ct, x, kernel, stride, dilation, groups):
    size = (ct.shape[1], x.shape[1] // groups, *kernel)
    return by_columns(lambda w: plain_convolution(x, w, stride, dilation, groups), size, ct)


def to_input(pick, ct, w):
    """Any way of sliding, and an image that may be larger than the windows reach."""
    how = pick(HOW[len(ct)])
    rest = pick([0, 1])
    spans = [(k - 1) * d + 1 for k, d in zip(w[2:], how["dilation"], strict=True)]
    shape = tuple((n - 1) * s + e + min(rest, s - 1) for n, s, e in zip(ct[2:], how["stride"], spans, strict=True))
    return {**how, "groups": pick([g for g in (1, 2) if ct[1] % g == 0]), "shape": shape}


def to_weights(pick, ct, x):
    """Every way of sliding by which so large an image gives so many windows."""
    ways = [
        {**how, "kernel": kernel}
        for how in HOW[len(x)]
        for kernel in itertools.product(*(range(1, n + 1) for n in x[2:]))
        if windows.count(x[2:], kernel, how["stride"], how["dilation"]) == ct[2:]
    ]
    return {**pick(ways), "groups": pick([g for g in (1, 2) if ct[1] % g == x[1] % g == 0])}


SIGNALS = [((1, 1, 6),), ((2, 2, 6),), ((0, 2, 6),), ((2, 1, 4, 6),), ((1, 2, 5, 4),)]


def pooling(pick, shape):
    d = len(shape) - 2
    return {
        "kernel": pick([2, 3, (2, 1)[:d], (2, 3)[:d]]),
        "stride": pick([None, 1, 2, 3]),
        "padding": pick([0, 0, (1, 0)[:d]]),
    }


def dilated_pooling(pick, shape):
    return {"kernel": 2, "stride": pick([1, 2]), "padding": pick([0, 1]), "dilation": pick([1, 2])}


def mean_pooling(pick, shape):
    return {"kernel": pick([2, 3]), "stride": pick([None, 1, 2]), "padding": pick([0, 1])}


def inside_only(x, kernel, stride=None, padding=0):
    pool = folded(np.sum)
    return pool(x, kernel, stride, padding) / pool(np.ones_like(x), kernel, stride, padding)


def spread_by_hand(ct, shape, kernel, stride, dilation):
    x = np.zeros((*ct.shape[:2], *shape), ct.dtype)
    for at, inside in places(shape, kernel, stride, dilation):
        x[(..., *inside)] += ct[(..., *at)].reshape((*ct.shape[:2], *(1 for _ in shape)))
    return x


def image(*rows):
    return np.array([[rows[0] if len(rows) == 1 else rows]])


CASES = [
    Case(
        "convolution",
        windows.convolution,
        (REAL, REAL),
        (windows.convolution,),
        shapes=PAIRS,
        keywords=sliding,
        reference=plain_convolution,
        analytic=True,
    ),
    Case(
        "convolution_complex",
        windows.convolution,
        (COMPLEX, REAL),
        (windows.convolution,),
        shapes=PAIRS[:3],
        keywords=sliding,
        reference=plain_convolution,
    ),
    Case(
        "convolution_padded",
        special.convolution,
        (REAL, REAL),
        (windows.convolution,),
        shapes=[((2, 2, 4), (1, 2, 2)), ((1, 1, 3, 4), (2, 1, 2, 3))],
        keywords=lambda pick, *_: {"padding": pick([1, "same", "valid", 0])},
        reference=lambda x, w, padding: plain_convolution(
            np.pad(
                x,
                [
                    (0, 0),
                    (0, 0),
                    *(
                        {1: (1, 1), 0: (0, 0), "valid": (0, 0), "same": ((k - 1) // 2, k // 2)}[padding]
                        for k in w.shape[2:]
                    ),
                ],
            ),
            w,
            (1,) * (x.ndim - 2),
            (1,) * (x.ndim - 2),
            1,
        ),
        analytic=True,
    ),
    Case(
        "convolution_input",
        windows.convolution_input,
        (REAL, REAL),
        (windows.convolution_input,),
        shapes=[((1, 1, 3), (1, 1, 2)), ((2, 4, 2), (4, 1, 3)), ((0, 2, 2), (2, 2, 2)), ((1, 2, 2, 2), (2, 2, 2, 1))],
        keywords=to_input,
        reference=plain_input,
        analytic=True,
    ),
    Case(
        "convolution_weights",
        windows.convolution_weights,
        (REAL, REAL),
        (windows.convolution_weights,),
        shapes=[((1, 1, 3), (1, 1, 5)), ((2, 4, 2), (2, 2, 5)), ((0, 2, 2), (0, 2, 4)), ((2, 2, 2, 2), (2, 1, 3, 4))],
        keywords=to_weights,
        reference=plain_weights,
        analytic=True,
    ),
    Case(
        "max_pool",
        special.max_pool,
        (DISTINCT,),
        (windows.first_largest, indexing.gather),
        shapes=SIGNALS,
        keywords=pooling,
        reference=folded(np.max),
        distinct=True,
        points=(
            Point((image([2.0, 2.0, 1.0, 3.0, 3.0]),), (image([1.0, 0.0, 0.0, 1.0, 0.0]),), None, {"kernel": 2}),
            Point((image([2.0, 2.0, 2.0]),), (image([1.0, 1.0, 0.0]),), None, {"kernel": 2, "stride": 1}),
            Point((image([NAN, 2.0, 1.0, NAN, NAN, NAN]),), (image([1.0, 0, 0, 1.0, 1.0, 0]),), None, {"kernel": 2}),
            Point((image([INF, INF, -INF, -INF]),), (image([1.0, 0.0, 1.0, 0.0]),), None, {"kernel": 2}),
        ),
    ),
    Case(
        "max_pool_dilated",
        special.max_pool,
        (DISTINCT,),
        (windows.first_largest, indexing.gather),
        shapes=SIGNALS,
        keywords=dilated_pooling,
        reference=folded(np.max),
        distinct=True,
    ),
    Case(
        "average_pool",
        special.average_pool,
        (REAL,),
        (windows.sum_windows,),
        shapes=SIGNALS,
        keywords=mean_pooling,
        reference=folded(np.mean),
        analytic=True,
    ),
    Case(
        "average_pool_inside",
        lambda x, **keywords: special.average_pool(x, count_include_pad=False, **keywords),
        (REAL,),
        (windows.sum_windows,),
        shapes=SIGNALS,
        keywords=mean_pooling,
        reference=inside_only,
    ),
    Case(
        "sum_windows",
        windows.sum_windows,
        (REAL,),
        (windows.sum_windows,),
        shapes=[((2, 2, 5),), ((0, 1, 5),), ((1, 2, 4, 5),)],
        keywords=lambda pick, shape: {**pick(HOW[len(shape)]), "kernel": (2,) * (len(shape) - 2)},
        reference=lambda x, kernel, **how: folded(np.sum)(x, kernel, how["stride"], 0, how["dilation"]),
        analytic=True,
    ),
    Case(
        "spread_windows",
        windows.spread_windows,
        (REAL,),
        (windows.spread_windows,),
        shapes=[((2, 2, 3),), ((0, 1, 3),)],
        keywords=lambda pick, shape: pick(
            [
                {"shape": (4,), "kernel": (2,), "stride": (1,), "dilation": (1,)},
                {"shape": (7,), "kernel": (2,), "stride": (2,), "dilation": (2,)},
                {"shape": (9,), "kernel": (2,), "stride": (3,), "dilation": (1,)},
            ]
        ),
        reference=spread_by_hand,
        analytic=True,
    ),
]
