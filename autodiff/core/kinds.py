"""The four kinds of primitive, by what the author of a rule writes.

============  =======================================  ==========================================
kind          what is written                          what it serves
============  =======================================  ==========================================
elementwise   per operand ``(t, y, *xs) -> t*dy/dx``   both sweeps: a diagonal map is its own
                                                       transpose
linear        ``transpose(ct, *xs, **keywords)``       reverse; forward is the function itself
multilinear   one transpose per operand                reverse; forward replaces one operand at
                                                       a time by its tangent
general       ``vjp`` and ``jvp``                      as written
============  =======================================  ==========================================
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, overload

import numpy as np

from autodiff.core.primitives import (
    ELEMENTWISE,
    GENERAL,
    GUARDING,
    LINEAR,
    MASKING,
    MULTILINEAR,
    OVERFLOWING,
    SINGULAR,
    Primitive,
    Rule,
    pass_on,
    register,
)
from autodiff.errors import RuleError


@overload
def elementwise(
    fn: Callable[..., Any],
    first: Rule | None,
    /,
    *others: Rule | None,
    name: str | None = ...,
    live: Sequence[Rule | None] = ...,
    singular: bool = ...,
    reads: bool = ...,
) -> Primitive: ...
@overload
def elementwise(
    fn: Callable[..., Any],
    *,
    name: str | None = ...,
    live: Sequence[Rule | None] = ...,
    singular: bool = ...,
    reads: bool = ...,
) -> Callable[[Rule], Primitive]: ...
def elementwise(
    fn: Callable[..., Any],
    *maps: Rule | None,
    name: str | None = None,
    live: Sequence[Rule | None] = (),
    singular: bool = False,
    reads: bool = True,
) -> Primitive | Callable[[Rule], Primitive]:
    """Make a primitive of a function that acts entry by entry.

    Parameters
    ----------
    fn : callable
        ``fn(*xs) -> y``, with NumPy broadcasting. A NumPy ufunc is registered: from then on it may
        be called on Tensors.
    *maps : callable or None
        For each operand the diagonal linear map ``(t, y, *xs) -> t * dy/dx``. One map serves both
        sweeps, since a diagonal map is its own transpose. It must be plain NumPy without control
        flow on values (use ``np.where``); then second and higher derivatives follow. None means that
        the operand has no derivative (a condition, an index). If no map is given, a decorator is
        returned that takes the map of a one-operand function.
    name : str, optional
        Shown in graphs and messages; by default the name of `fn`.
    live : sequence of callables or None, optional
        Declares a masking function: per operand ``(y, *xs) -> bool array`` of the entries through
        which anything flows. All other entries pass 0, even where a later slope is infinite.
    singular : bool, default False
        Declares that the slope is infinite or undefined somewhere in the domain.
    reads : bool, default True
        Whether the maps need the values of the operands.

    Returns
    -------
    Primitive
        Callable on arrays, numbers and Tensors.

    Raises
    ------
    RuleError
        If a map is not callable, or `fn` is a NumPy function that already has rules.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> softsign = ad.elementwise(
    ...     lambda x: x / (1 + np.abs(x)), lambda t, y, x: t / (1 + np.abs(x)) ** 2, name="softsign"
    ... )
    >>> float(ad.grad(softsign)(1.0))
    0.25
    """
    if not maps:
        return lambda rule: elementwise(fn, rule, name=name, live=live, singular=singular, reads=reads)
    p = Primitive(_name(fn, name), fn, ELEMENTWISE)
    p.pulls = p.pushes = _check_rules(p, maps)
    p.reads = reads
    p.live = tuple(live)
    p.passes_mask = True
    p.flags = _flags(live, singular) | (OVERFLOWING if reads and any(m not in _TAME for m in maps) else 0)
    return register(p)


@overload
def linear(
    fn: Callable[..., Any],
    transpose: Rule,
    *,
    name: str | None = ...,
    variadic: bool = ...,
    masking: bool = ...,
    passes_mask: bool = ...,
) -> Primitive: ...
@overload
def linear(
    fn: Callable[..., Any],
    transpose: None = ...,
    *,
    name: str | None = ...,
    variadic: bool = ...,
    masking: bool = ...,
    passes_mask: bool = ...,
) -> Callable[[Rule], Primitive]: ...
def linear(
    fn: Callable[..., Any],
    transpose: Rule | None = None,
    *,
    name: str | None = None,
    variadic: bool = False,
    masking: bool = False,
    passes_mask: bool = False,
) -> Primitive | Callable[[Rule], Primitive]:
    """Make a primitive of a function that is linear in its first operand, or in all of them at once.

    Parameters
    ----------
    fn : callable
        ``fn(x, *others, **keywords) -> y``, linear in `x`.
    transpose : callable, optional
        ``(ct, x, *others, **keywords) -> ct_x``, the transposed map applied to the cotangent of `y`. It
        may use the shape and dtype of `x`, not its values. If left out, a decorator is returned.
    name : str, optional
        Shown in graphs and messages.
    variadic : bool, default False
        `fn` takes any number of operands and is linear in all of them together (``concatenate``);
        `transpose` returns a tuple with one cotangent for each.
    masking : bool, default False
        Some entries of the operand never reach the output (a gather), or some entries of the output
        do not come from the operand (a pad).
    passes_mask : bool, default False
        `fn` only copies, drops, places and sums entries, without negative coefficients, so a mask may
        pass through it as an array of zeros and ones.

    Returns
    -------
    Primitive
        Callable on arrays and Tensors.

    Raises
    ------
    RuleError
        If the transpose is not callable, or `fn` is a NumPy function that already has rules.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> @ad.linear(lambda x: x[::-1], name="reverse")
    ... def reverse(ct, x):
    ...     return ct[::-1]
    >>> ad.grad(lambda x: (reverse(x) * np.arange(3.0)).sum())(np.ones(3))
    array([2., 1., 0.])
    """
    if transpose is None:
        return lambda rule: linear(fn, rule, name=name, variadic=variadic, masking=masking, passes_mask=passes_mask)
    p = Primitive(_name(fn, name), fn, LINEAR)
    _check_rules(p, (transpose,), all_of_them=False)
    if variadic:
        p.pulls = p.pushes = None
        p.joint_pull = transpose
    else:
        p.pulls = (transpose,)
        p.pushes = (p,)
    p.takes_output = p.reads = False
    p.passes_mask = passes_mask or masking
    p.flags = MASKING if masking else 0
    return register(p)


def multilinear(
    fn: Callable[..., Any],
    *transposes: Rule | None,
    name: str | None = None,
    passes_mask: bool = False,
) -> Primitive:
    """Make a primitive of a function that is linear in each operand separately (a product).

    Parameters
    ----------
    fn : callable
        ``fn(*xs, **keywords) -> y``.
    *transposes : callable
        For each operand ``(ct, *xs, **keywords) -> ct_x``: the transpose of `fn` as a function of
        that operand, with the others fixed.
    name : str, optional
        Shown in graphs and messages.
    passes_mask : bool, default False
        A mask may pass through the transposes, with ones in place of the other operands.

    Returns
    -------
    Primitive
        Callable on arrays and Tensors.

    Raises
    ------
    RuleError
        If there is no transpose.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> cross2 = ad.multilinear(
    ...     lambda a, b: a[0] * b[1] - a[1] * b[0],
    ...     lambda ct, a, b: ct * np.stack([b[1], -b[0]]),
    ...     lambda ct, a, b: ct * np.stack([-a[1], a[0]]),
    ...     name="cross2",
    ... )
    >>> ad.grad(cross2)(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    array([ 4., -3.])
    """
    if not transposes:
        raise RuleError(
            f"multilinear: {_name(fn, name)} needs one transpose per operand, (ct, *xs) -> ct_x; none was given."
        )
    p = Primitive(_name(fn, name), fn, MULTILINEAR)
    p.pulls = _check_rules(p, transposes)
    p.pushes = tuple(None if r is None else _replaced(p, i) for i, r in enumerate(transposes))
    p.takes_output = False
    p.passes_mask = passes_mask
    return register(p)


def _replaced(p: Primitive, index: int) -> Rule:
    """The forward rule of a multilinear function: operand `index` replaced by its tangent."""

    def push(t: Any, *xs: Any, **kwargs: Any) -> Any:
        return p(*xs[:index], t, *xs[index + 1 :], **kwargs)

    return push


@overload
def primitive(
    fn: Callable[..., Any],
    *,
    vjp: Rule | Sequence[Rule | None],
    jvp: Rule | Sequence[Rule | None],
    name: str | None = ...,
    live: Sequence[Rule | None] = ...,
    mask_pull: Rule | None = ...,
    mask_push: Rule | None = ...,
    singular: bool = ...,
    symbolic_zeros: bool = ...,
    sees_masks: bool = ...,
) -> Primitive: ...
@overload
def primitive(
    fn: None = ...,
    *,
    vjp: Rule | Sequence[Rule | None],
    jvp: Rule | Sequence[Rule | None],
    name: str | None = ...,
    live: Sequence[Rule | None] = ...,
    mask_pull: Rule | None = ...,
    mask_push: Rule | None = ...,
    singular: bool = ...,
    symbolic_zeros: bool = ...,
    sees_masks: bool = ...,
) -> Callable[[Callable[..., Any]], Primitive]: ...
def primitive(
    fn: Callable[..., Any] | None = None,
    *,
    vjp: Rule | Sequence[Rule | None],
    jvp: Rule | Sequence[Rule | None],
    name: str | None = None,
    live: Sequence[Rule | None] = (),
    mask_pull: Rule | None = None,
    mask_push: Rule | None = None,
    singular: bool = False,
    symbolic_zeros: bool = False,
    sees_masks: bool = False,
) -> Primitive | Callable[[Callable[..., Any]], Primitive]:
    """Make a primitive of any function, from its reverse and forward rules.

    Parameters
    ----------
    fn : callable, optional
        ``fn(*xs, **keywords) -> y``, where `y` is a tuple of arrays if there are several outputs. If
        left out, a decorator is returned.
    vjp : sequence of callables, or callable
        For each operand ``(ct, y, *xs, **keywords) -> ct_x``, or one function that returns the tuple
        of all of them.
    jvp : sequence of callables, or callable
        For each operand ``(t, y, *xs, **keywords) -> t_y``, which the sweep adds up; or one function
        ``(ts, y, *xs, **keywords) -> t_y`` of the tuple of all tangents.
    name : str, optional
        Shown in graphs and messages.
    live : sequence of callables or None, optional
        Declares a masking function: per operand ``(y, *xs, **keywords) -> bool array`` in the shape
        of the operand.
    mask_pull, mask_push : callable, optional
        ``(index, live, y, *xs, **keywords) -> bool array``: how a mask passes through. Without them
        it is dropped.
    singular : bool, default False
        Declares that the slope is infinite or undefined somewhere in the domain.
    symbolic_zeros : bool, default False
        With several outputs: the rules get None for an output on which nothing depends. Otherwise
        they get an array of zeros.
    sees_masks : bool, default False
        The reverse rules take a keyword ``live=None``: the mask of the cotangent (a tuple for several outputs).

    Returns
    -------
    Primitive
        Callable on arrays and Tensors.

    Raises
    ------
    RuleError
        If a rule is not callable, or `fn` is a NumPy function that already has rules.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> cube = ad.primitive(
    ...     lambda x: x**3, name="cube", vjp=[lambda ct, y, x: ct * 3 * x**2], jvp=[lambda t, y, x: t * 3 * x**2]
    ... )
    >>> float(ad.grad(ad.grad(cube))(2.0))
    12.0
    """
    if fn is None:
        return lambda f: primitive(
            f,
            vjp=vjp,
            jvp=jvp,
            name=name,
            live=live,
            mask_pull=mask_pull,
            mask_push=mask_push,
            singular=singular,
            symbolic_zeros=symbolic_zeros,
            sees_masks=sees_masks,
        )
    p = Primitive(_name(fn, name), fn, GENERAL)
    if callable(vjp):
        p.pulls, p.joint_pull = None, vjp
    else:
        p.pulls = _check_rules(p, vjp)
    if callable(jvp):
        p.pushes, p.joint_push = None, jvp
    else:
        p.pushes = _check_rules(p, jvp)
    p.live, p.mask_pull, p.mask_push = tuple(live), mask_pull, mask_push
    p.symbolic_zeros, p.sees_masks = symbolic_zeros, sees_masks
    p.flags = _flags(live, singular)
    return register(p)


_TAME = (None, pass_on)


def _flags(live: Sequence[Rule | None], singular: bool) -> int:
    return (MASKING if live else 0) | (SINGULAR if singular else 0) | (GUARDING if live and singular else 0)


def _name(fn: Callable[..., Any], name: str | None) -> str:
    name = name or getattr(fn, "__name__", None) or type(fn).__name__
    return "function" if name == "<lambda>" else name.strip("_")


def _check_rules(p: Primitive, rules: Sequence[Rule | None], *, all_of_them: bool = True) -> tuple[Rule | None, ...]:
    for i, rule in enumerate(rules):
        if rule is not None and not callable(rule):
            raise RuleError(
                f"{p.name}: the rule of operand {i} is {rule!r}; give a function, or None for an operand without one."
            )
    n = _count_of_operands(p.fn)
    if all_of_them and len(rules) < n:  # the derivative by a forgotten operand would silently be 0
        raise RuleError(
            f"{p.name} has {n} operands, and rules for {len(rules)} of them were given; give one for each, in order, "
            "or None for an operand without a derivative."
        )
    return tuple(rules)


def _count_of_operands(fn: Callable[..., Any]) -> int:
    """The least number of operands of a function; in Python, the positional parameters without defaults."""
    if isinstance(fn, np.ufunc):
        return fn.nin
    code = getattr(fn, "__code__", None)
    return code.co_argcount - len(getattr(fn, "__defaults__", None) or ()) if code is not None else 0
