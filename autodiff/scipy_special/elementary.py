"""Elementary functions and the losses and entropies made of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.ops import elementwise as ew
from autodiff.ops import information
from autodiff.scipy_special import ufuncs as special
from autodiff.scipy_special.pieces import exprel, log1p_quotient, normal_density
from autodiff.scipy_special.table import WHOLE, Without, constant, like, rules

DEGREE = math.pi / 180

like("cbrt", ew.cbrt)
like("exp2", ew.exp2)
rules("exp10", lambda t, y, x: t * (y * math.log(10)))
like("expm1", ew.expm1, analytic=True)
like("log1p", ew.log1p, analytic=True)
rules("exprel", lambda t, y, x: t * exprel(x, n=1))
rules("cosm1", lambda t, y, x: -t * np.sin(x))
rules("sindg", lambda t, y, x: t * (DEGREE * special.cosdg(x)))
rules("cosdg", lambda t, y, x: t * (-DEGREE * special.sindg(x)))
rules("tandg", lambda t, y, x: t * (DEGREE * (1 + y * y)))
rules("cotdg", lambda t, y, x: t * (-DEGREE * (1 + y * y)))
rules(
    "radian",
    lambda t, y, d, m, s: t * DEGREE,
    lambda t, y, d, m, s: t * (DEGREE / 60),
    lambda t, y, d, m, s: t * (DEGREE / 3600),
)
constant("round")

like("expit", ew.sigmoid)
rules("log_expit", lambda t, y, x: t * ew.sigmoid(-x))
like("logit", information.logit)

# --- logarithms of probabilities ------------------------------------------------------------------

like("entr", information.entr)
like("rel_entr", information.rel_entr)
like("xlogy", information.xlogy)
rules(
    "kl_div",
    lambda t, y, x, w: t * np.log(x / np.where((x == 0) & (w <= 0), 1, w)),
    lambda t, y, x, w: t * (1 - information.share(x, w)),
)
rules(
    "xlog1py",
    lambda t, y, x, w: t * np.log1p(np.where((x == 0) & (w <= -1), 0, w)),
    lambda t, y, x, w: t * information.share(x, 1 + w),
)

# --- powers ---------------------------------------------------------------------------------------


def _by_exponent(x: Any, w: Any) -> Any:
    """``x**w * log(x)``."""
    return ew.power_and_logs(x, w * 1.0, k=1)


rules(
    "powm1",
    lambda t, y, x, w: t * np.where((x == 0) & (w == 0), 0, w * np.power(x, w - 1.0)),
    lambda t, y, x, w: t * np.where((x == 0) & (w == 0), 0, _by_exponent(x, w)),
)


def _box(logarithm: Any, lam: Any, n: int) -> Any:
    """The n-th derivative by lam of ``(exp(lam logarithm) - 1) / lam``, written without a quotient."""
    return logarithm ** (n + 1) * exprel(lam * logarithm, n=n)


rules(
    "boxcox",
    lambda t, y, x, lam: t * np.power(x, lam - 1.0),
    lambda t, y, x, lam: t * _box(np.log(x), lam, 1),
)
rules(
    "boxcox1p",
    lambda t, y, x, lam: t * np.exp((lam - 1) * np.log1p(x)),
    lambda t, y, x, lam: t * _box(np.log1p(x), lam, 1),
)


def _unboxed_by_exponent(w: Any, lam: Any) -> Any:
    """The slope by lam of ``log(1 + lam w) / lam``."""
    return w * w * log1p_quotient(lam * w, n=1)


def _unboxed(w: Any, lam: Any) -> Any:
    """``exp(log(1 + lam w) / lam)``."""
    return np.exp(w * log1p_quotient(lam * w, n=0))


rules(
    "inv_boxcox",
    lambda t, y, w, lam: t * (_unboxed(w, lam) / (1 + lam * w)),
    lambda t, y, w, lam: t * (_unboxed(w, lam) * _unboxed_by_exponent(w, lam)),
)
rules(
    "inv_boxcox1p",
    lambda t, y, w, lam: t * (_unboxed(w, lam) / (1 + lam * w)),
    lambda t, y, w, lam: t * (_unboxed(w, lam) * _unboxed_by_exponent(w, lam)),
)


def _tukey(y: Any, lam: Any) -> tuple[Any, Any]:
    """The slopes of Tukey's quantile function ``(y^lam - (1 - y)^lam) / lam`` by y and by lam."""
    inside = (y > 0) & (y < 1)
    p = np.where(inside, y, 0.5)
    left, right = np.log(p), np.log1p(-p)
    by_p = np.exp((lam - 1) * left) + np.exp((lam - 1) * right)
    return np.where(inside, by_p, math.inf), np.where(inside, _box(left, lam, 1) - _box(right, lam, 1), 0)


rules(
    "tklmbda",
    lambda t, y, x, lam: t / _tukey(y, lam)[0],
    lambda t, y, x, lam: t * (-_tukey(y, lam)[1] / _tukey(y, lam)[0]),
)

# --- losses ---------------------------------------------------------------------------------------


def _excess(delta: Any, r: Any) -> Any:
    size = np.abs(r)
    return np.where(delta < 0, math.nan, np.where(size > delta, size - delta, 0))


rules(
    "huber",
    lambda t, y, delta, r: t * _excess(delta, r),
    lambda t, y, delta, r: t * np.where(delta < 0, math.nan, np.clip(r, -np.abs(delta), np.abs(delta))),
)


def _pseudo(delta: Any, r: Any) -> tuple[Any, Any]:
    """The slopes of ``delta (hypot(delta, r) - delta)``."""
    delta = np.where(delta < 0, math.nan, delta)
    whole = np.hypot(delta, r)
    excess = r / np.where(whole == 0, 1, whole + delta) * r
    return excess / np.where(whole == 0, 1, whole) * excess, delta / np.where(whole == 0, 1, whole) * r


rules(
    "pseudo_huber",
    lambda t, y, delta, r: t * _pseudo(delta, r)[0],
    lambda t, y, delta, r: t * _pseudo(delta, r)[1],
)

# --- others ---------------------------------------------------------------------------------------

rules(
    "_lambertw",
    lambda t, y, z, k, tol: t * (np.exp(-y) / (1 + y)),
    WHOLE,
    Without("it is the accuracy of the value"),
    analytic=True,
    remark="behind `lambertw`",
)
rules("wrightomega", lambda t, y, x: t / (1 + 1 / y))
rules(
    "nrdtrimn",
    lambda t, y, p, sd, x: t * (-sd / normal_density(special.ndtri(p))),
    lambda t, y, p, sd, x: -t * special.ndtri(p),
    lambda t, y, p, sd, x: t,
)
rules(
    "nrdtrisd",
    lambda t, y, mn, p, x: -t / special.ndtri(p),
    lambda t, y, mn, p, x: t * (-y / (special.ndtri(p) * normal_density(special.ndtri(p)))),
    lambda t, y, mn, p, x: t / special.ndtri(p),
)


def _dilogarithm_slope(x: Any) -> Any:
    """The slope ``log(x) / (1 - x)``."""
    low = x < 0.5
    v = np.where(low, x, 0.5)
    return np.where(low, np.log(v) / (1 - v), -log1p_quotient(np.where(low, 1, x) - 1, n=0))


rules("spence", lambda t, y, x: t * _dilogarithm_slope(x))
