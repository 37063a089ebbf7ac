"""What the suite does with a row: run it, differentiate it, compare."""

import functools
from collections import defaultdict
from contextlib import contextmanager

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import autodiff as ad
from autodiff import pytree
from autodiff.testing.blame import operations
from autodiff.testing.gradients import MODES, check_problem, finds_fault
from autodiff.testing.probing import Settings
from autodiff.testing.problems import problem_of
from tests.op_cases.tolerances import COMPLEX_STEP, DIFFERENCES


def on_calls(case, check, share=1.0, after=0.0, **choices):
    """Run ``check(call)`` on drawn calls of a row: as many as the profile says, or a share of them if it costs more.

    Where the profile draws the same examples each time, a generator with a seed draws them, in a tenth of the time that
    Hypothesis takes to choose one; the shapes come in turn, so that none is left out by chance. Where nothing else is
    chosen, half of the examples are enough once each shape has had its turn: more would be other numbers in the same
    shapes. Hypothesis then looks for the smallest call that fails. Under the profile `deep` it draws all of them.

    Parameters
    ----------
    case : Case
        The row.
    check : callable
        ``check(call, **chosen)``; it raises.
    share : float
        Of the examples of the profile.
    after : float
        The share that was checked before by a check that includes this one: numbered calls begin behind it.
    **choices : list
        What else is chosen for every call, by the names of `check`.
    """
    done, count = (max(3, int(settings().max_examples * part)) if part else 0 for part in (after, share))
    drawn = {name: st.sampled_from(options) for name, options in choices.items()}
    by_hypothesis = settings(max_examples=count)(given(call=case.calls(), **drawn)(check))
    if not settings().derandomize:
        by_hypothesis()
        return
    if not choices and case.keywords is None:
        count = min(count, max(len(case.all_shapes), settings().max_examples // 2))
    for k in range(done, count):
        call, pick = case.numbered(k)
        chosen = {name: pick(options) for name, options in choices.items()}
        try:
            check(call, **chosen)
        except Exception as error:
            error.add_note(f"{case}, example {k}: {call} {chosen or ''}")
            by_hypothesis()
            raise


def check_all(case, checks):
    """Run every ``check(case)``; those that fail are raised together, and named."""
    failed = {}
    for check in checks:
        try:
            check(case)
        except Exception as error:
            failed[check.__name__] = error
    if failed:
        raise ExceptionGroup(f"{case}: {', '.join(failed)}", list(failed.values()))


def plain(tree):
    """Arrays and Tensors in containers as a flat list of arrays."""
    return [y.data if isinstance(y, ad.Tensor) else np.asarray(y)[()] for y in pytree.flatten(tree)[0]]


def tracked(operands):
    """Operands as tracked Tensors; integers and truth values as they are."""
    return [ad.Tensor(x, requires_grad=True) if np.asarray(x).dtype.kind in "fc" else x for x in operands]


def problem(case, call):
    """The row as a function of the operands that move, at the drawn point."""
    return problem_of(case.fn, call.operands, call.keywords)


def settings_of(case, *, order=1, modes=MODES, narrow=True):
    """Against a complex step where the row allows, else against differences."""
    if case.analytic and order == 1:
        return Settings(modes, case.rtol or COMPLEX_STEP, 0.0, True, narrow)
    return Settings(modes, case.rtol or DIFFERENCES, 0.0, False, narrow)


def check_derivatives(case, call, order=1, modes=MODES, *, narrow=True):
    """Both sweeps against numbers; raises GradientCheckError."""
    return check_problem(problem(case, call), order, settings_of(case, order=order, modes=modes, narrow=narrow), seed=1)


def derivatives_are_wrong(case, call, modes=MODES):
    """Whether `check_derivatives` raises GradientCheckError; in half the time, since nobody reads whom it blames."""
    return finds_fault(problem(case, call), 1, settings_of(case, modes=modes, narrow=False), seed=1)


@functools.cache
def met_nodes(case, seeds=40):
    """The operations that are recorded when the row runs."""
    met = []
    for seed in range(seeds):
        call = case.example(seed)
        outputs = pytree.flatten(case.fn(*tracked(call.operands), **call.keywords))[0]
        met += operations({y._node for y in outputs if isinstance(y, ad.Tensor) and y._node is not None})
    return met


def met_operands(case):
    """For every primitive recorded when the row runs, the operands that moved; None stands for all together."""
    met = defaultdict(set)
    for node in met_nodes(case):
        met[node.primitive] |= {None, *(i for i, parent in enumerate(node.parents) if parent is not None)}
    return met


def assert_close(actual, expected, rtol, *, size=0.0, what=""):
    """Equal within a tolerance relative to the largest finite entry, or `size`; infinities, NaN at the same places."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    finite = np.abs(expected[np.isfinite(expected)])
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=rtol * finite.max(initial=size), err_msg=what)


def largest(arrays):
    """The largest finite entry: what is added up rounds in proportion to it, though the sum may be small or 0."""
    sizes = [np.abs(a[np.isfinite(a)]) for a in map(np.asarray, arrays) if a.dtype.kind in "fc"]
    return max((float(a.max(initial=0.0)) for a in sizes), default=0.0)


def slope_size(here):
    """The size of a derivative that nothing cancels in: that of the results over that of the operands."""
    return largest(here.call(*here.leaves)) / (largest(here.leaves) or 1.0)


@contextmanager
def quiet():
    """NumPy's own warnings about a *value* (log of 0) are silent; those of a sweep are not inside of this."""
    with np.errstate(all="ignore"):
        yield
