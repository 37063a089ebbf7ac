"""What a row leaves alone: operands, cotangents, memory of others, the process.

A failure names every invariant that is broken.
"""

import gc
import weakref

import numpy as np
import pytest

import autodiff as ad
from autodiff import pytree
from autodiff.testing.blame import operations
from tests.op_cases import ALL
from tests.op_cases.checks import assert_close, check_all, tracked


def differentiable(tree):
    return [y for y in pytree.flatten(tree)[0] if isinstance(y, ad.Tensor) and y.requires_grad]


def operands_and_cotangents_are_never_written(case):
    for seed in range(4):
        call = case.example(seed)
        before = [np.array(x) for x in call.operands]  # read-only, too: writing raises
        for y in differentiable(case.fn(*tracked(call.operands), **call.keywords)):
            ct = np.ones_like(y.data)
            if ct.ndim:
                ct.flags.writeable = False
            y.backward(ct)
        for x, copy in zip(call.operands, before, strict=True):
            np.testing.assert_array_equal(x, copy)


def gradients_share_no_memory(case):
    for seed in range(4):
        call = case.example(seed)
        leaves = tracked(call.operands)
        outputs = differentiable(case.fn(*leaves, **call.keywords))
        cts = [np.ones_like(y.data) for y in outputs]
        for y, ct in zip(outputs, cts, strict=True):
            y.backward(ct)
        leaves = [x for x in leaves if isinstance(x, ad.Tensor)]
        gradients = [x.grad for x in leaves if x.grad is not None]
        others = [*(x.data for x in leaves), *(y.data for y in outputs), *cts]
        for i, g in enumerate(gradients):
            assert not any(np.shares_memory(g, other) for other in (*gradients[:i], *others))


def backward_gives_what_vjp_gives(case):
    for seed in range(4):
        call = case.example(seed)
        leaves = tracked(call.operands)
        moving = [x for x in leaves if isinstance(x, ad.Tensor)]
        fixed = [None if isinstance(x, ad.Tensor) else x for x in leaves]

        def fn(*xs, fixed=fixed, call=call):
            rest = iter(xs)
            outputs = case.fn(*(next(rest) if x is None else x for x in fixed), **call.keywords)
            return differentiable(outputs)

        outputs = fn(*moving)
        if not outputs:
            continue
        for y in outputs:
            y.backward(np.ones_like(y.data))
        pulled = ad.vjp(fn, *(x.data for x in moving))[1]([np.ones_like(y.data) for y in outputs])
        for x, g in zip(moving, pulled, strict=True):
            grad = np.zeros_like(x.data) if x.grad is None else x.grad
            if len(outputs) == 1:
                np.testing.assert_array_equal(grad, g)
            else:  # one sweep for each result, and one for all: the terms are added in another order
                assert_close(grad, g, 1e-12)


def the_graph_is_freed_without_the_collector(case):
    call = case.example(0)
    gc.disable()
    try:
        watched = []
        leaves = tracked(call.operands)
        outputs = differentiable(case.fn(*leaves, **call.keywords))
        for y in outputs:
            watched += [weakref.ref(node) for node in operations([y._node])]
            gradients = ad.gradients(
                y, [x for x in leaves if isinstance(x, ad.Tensor)], np.ones_like(y.data), create_graph=True
            )
            watched += [weakref.ref(g._node) for g in gradients if g._node is not None]
            y.backward(np.ones_like(y.data))
        y = gradients = outputs = leaves = None
        assert [ref() for ref in watched if ref() is not None] == []
    finally:
        gc.enable()


def nothing_is_recorded_under_no_grad(case):
    call = case.example(0)
    with ad.no_grad():
        leaves = tracked(call.operands)
        outputs = pytree.flatten(case.fn(*leaves, **call.keywords))[0]
    assert not any(y.requires_grad for y in differentiable(outputs) if not any(y is x for x in leaves))


INVARIANTS = [
    operands_and_cotangents_are_never_written,
    gradients_share_no_memory,
    backward_gives_what_vjp_gives,
    the_graph_is_freed_without_the_collector,
    nothing_is_recorded_under_no_grad,
]


@pytest.mark.parametrize("case", ALL, ids=str)
def test_a_row_leaves_alone_what_is_not_its_own(case):
    check_all(case, INVARIANTS)
