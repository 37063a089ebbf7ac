"""SciPy's special functions as mpmath computes them, where they are compared, and their derivatives to 30 digits.

`make_special.py` writes the numbers that the tests read. A function is given by its value; an inverse by the equation
that it solves; an integral whose value is slow by its slopes.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import mpmath as mp

mpf = mp.mpf


@dataclass
class Function:
    """One output of a ufunc.

    Attributes
    ----------
    domains : list
        For each operand (low, high), or a list of whole numbers for one that has no derivative.
    value : callable
        ``value(*xs)``; of an inverse function, the equation ``value(y, *xs) = 0``.
    inverse : bool
        Whether it is one.
    slopes : list of callables
        In place of the value: its slopes by the operands that have one.
    output : int
        Of a ufunc with several.
    loose : bool
        Of an inverse function of which SciPy has few digits: it is compared at SciPy's value, as if that were exact.
    hard : dict
        For an operand values in place of `HARD`.
    odd : list of tuples
        More hard points, as they are.
    """

    domains: list[Any]
    value: Callable[..., Any] | None = None
    inverse: bool = False
    slopes: list[Callable[..., Any]] = field(default_factory=list)
    output: int = 0
    loose: bool = False
    hard: dict[int, list[float]] = field(default_factory=dict)
    odd: list[tuple[float, ...]] = field(default_factory=list)


HARD = [0.0, 1.0, 1e-300, 1e8, 1e-8, -1.0, 1 - 1e-10, 0.5, 2.0, 30.0, 1e300, -1e-8, -30.0, 1e4, -1e8]
"""Values put in place of one operand, where the function is finite and SciPy's value is right."""

ALL: dict[str, list[Function]] = {}


def add(name: str, *domains: Any, **how: Any) -> Callable[[Any], Any]:
    """Decorator, or function of the value: a function by name."""

    def register(value: Any) -> Any:
        ALL.setdefault(name, []).append(Function(list(domains), value, **how))
        return value

    return register


def inverse(name: str, *domains: Any, **how: Any) -> Callable[[Any], Any]:
    return add(name, *domains, inverse=True, **how)


def integral(name: str, *domains: Any, slopes: list[Any], **how: Any) -> None:
    ALL.setdefault(name, []).append(Function(list(domains), None, slopes=slopes, **how))


POS, SHARE, REAL = (0.2, 6.0), (0.05, 0.95), (-3.0, 3.0)
COUNT = [0, 1, 2, 3, 5]

# --- gamma ----------------------------------------------------------------------------------------

add("gamma", (-3.9, 6))(mp.gamma)
add("rgamma", (-3.9, 6), odd=[(-2.0,), (0.0,), (-5.0,)])(mp.rgamma)
add("gammaln", (-3.9, 8))(lambda x: mp.log(abs(mp.gamma(x))))
add("loggamma", (0.1, 8))(lambda x: mp.loggamma(x))
add("psi", (-3.9, 6))(mp.digamma)
add("beta", POS, POS, odd=[(-0.5, 0.5), (-1.5, 1.5), (0.3, -1.3)])(mp.beta)
add("betaln", POS, POS)(lambda a, b: mp.log(abs(mp.beta(a, b))))
add("binom", (1, 9), (0.2, 5), odd=[(3.0, 5.0), (4.0, -1.0), (10.0, 4.0), (0.5, 3.0)])(
    lambda n, k: mp.gamma(n + 1) * mp.rgamma(k + 1) * mp.rgamma(n - k + 1)
)
add("poch", POS, (-0.1, 4), odd=[(0.0, 2.5), (-2.0, 3.5), (-1.0, 2.0), (5.0, 0.0)])(
    lambda z, m: mp.gamma(z + m) * mp.rgamma(z)
)
add("zetac", (-4, 6), odd=[(0.0,), (-2.0,), (20.0,), (1.01,), (0.99,)])(lambda s: mp.zeta(s) - 1)
add("_riemann_zeta", (-4, 6), odd=[(0.0,), (-2.0,), (20.0,), (1.01,), (0.99,)])(mp.zeta)
add("_zeta", (1.5, 6), (0.3, 4))(mp.zeta)


# --- incomplete gamma -----------------------------------------------------------------------------


def gamma_p(a, x):
    return mp.gammainc(a, 0, x, regularized=True)


def gamma_q(a, x):
    return mp.gammainc(a, x, mp.inf, regularized=True)


A = {0: [1.0, 0.01, 30.0, 0.5, 200.0]}
GAMMA_ODD = [(1.0, 1e-300), (2.5, 1e-8), (100.0, 100.0), (0.01, 2.0), (1e4, 1e4 + 50), (3.0, 40.0)]
add("gammainc", POS, POS, hard=A, odd=GAMMA_ODD)(gamma_p)
add("gammaincc", POS, POS, hard=A, odd=GAMMA_ODD)(gamma_q)
inverse("gammaincinv", POS, SHARE, hard={**A, 1: [1e-8, 1e-300, 0.5, 1 - 1e-10]})(lambda y, a, p: gamma_p(a, y) - p)
inverse("gammainccinv", POS, SHARE, hard={**A, 1: [1e-8, 1e-200, 0.5, 1 - 1e-10]})(lambda y, a, p: gamma_q(a, y) - p)
THREE = {0: [1.0, 1e-8, 100.0], 1: [1.0, 0.05, 40.0], 2: [1e-8, 1e-300, 30.0]}
add("gdtr", POS, POS, POS, hard=THREE)(lambda a, b, x: gamma_p(b, a * x))
add("gdtrc", POS, POS, POS, hard=THREE)(lambda a, b, x: gamma_q(b, a * x))
PROB = [1e-8, 0.5, 1 - 1e-10, 1e-100, 1e-3, 0.999, 1e-30]
inverse("gdtria", SHARE, POS, POS, hard={0: PROB, 1: [1.0, 30.0], 2: [1e-8, 1e8]})(
    lambda y, p, b, x: gamma_p(b, y * x) - p
)
inverse("gdtrib", POS, SHARE, POS, hard={0: [1.0, 10.0], 1: [1e-8, 0.5], 2: [1e-3, 30.0]})(
    lambda y, a, p, x: gamma_p(y, a * x) - p
)
inverse("gdtrix", POS, POS, SHARE, hard={0: [1e-8, 1e8], 1: [1.0, 30.0], 2: PROB})(
    lambda y, a, b, p: gamma_p(b, a * y) - p
)
add("chdtr", POS, POS, hard=A, odd=GAMMA_ODD)(lambda v, x: gamma_p(v / 2, x / 2))
add("chdtrc", POS, POS, hard=A, odd=GAMMA_ODD)(lambda v, x: gamma_q(v / 2, x / 2))
inverse("chdtri", POS, SHARE, hard={**A, 1: PROB})(lambda y, v, p: gamma_q(v / 2, y / 2) - p)
inverse("chdtriv", SHARE, POS, hard={0: [1e-8, 0.5, 0.999], 1: [1e-3, 30.0, 200.0]})(
    lambda y, p, x: gamma_p(y / 2, x / 2) - p
)
add("pdtr", COUNT, POS, hard={1: [1e-8, 1e-300, 1.0, 30.0, 100.0, 1e-3, 2.0]})(lambda k, m: gamma_q(mp.floor(k) + 1, m))
add("pdtrc", COUNT, POS, hard={1: [1e-8, 1e-300, 1.0, 30.0, 100.0, 1e-3, 2.0]})(
    lambda k, m: gamma_p(mp.floor(k) + 1, m)
)
inverse("pdtri", COUNT, SHARE, hard={1: PROB})(lambda y, k, p: gamma_q(k + 1, y) - p)
inverse("pdtrik", SHARE, (3, 9), hard={0: [0.5, 0.999, 0.9999], 1: [20.0, 100.0]})(
    lambda y, p, m: gamma_q(y + 1, m) - p
)

# --- incomplete beta ------------------------------------------------------------------------------


def beta_i(a, b, x):
    return mp.betainc(a, b, 0, x, regularized=True)


def beta_c(a, b, x):
    return mp.betainc(a, b, x, 1, regularized=True)


BETA = {0: [1.0, 0.02, 60.0], 1: [1.0, 0.02, 60.0], 2: [1e-8, 1e-300, 1 - 1e-10, 0.5]}
add("betainc", POS, POS, SHARE, hard=BETA)(beta_i)
add("betaincc", POS, POS, SHARE, hard=BETA)(beta_c)
inverse("betaincinv", POS, POS, SHARE, hard={**BETA, 2: PROB})(lambda y, a, b, p: beta_i(a, b, y) - p)
inverse("betainccinv", POS, POS, SHARE, hard={**BETA, 2: PROB})(lambda y, a, b, p: beta_c(a, b, y) - p)
SLOW = {0: [0.5, 1e-4, 0.999], 1: [1.0, 20.0, 0.3], 2: [0.5, 1e-3, 0.99]}
inverse("btdtria", SHARE, POS, SHARE, hard=SLOW)(lambda y, p, b, x: beta_i(y, b, x) - p)
inverse("btdtrib", POS, SHARE, SHARE, hard={0: [1.0, 20.0], 1: [0.5, 1e-4], 2: [0.5, 1e-3, 0.9]})(
    lambda y, a, p, x: beta_i(a, y, x) - p
)
N = [6, 7, 9, 20]
ENDS = {2: [1e-8, 1e-300, 0.5, 1 - 1e-10, 1e-3, 0.999, 1e-30]}
add("bdtr", COUNT, N, SHARE, hard=ENDS)(lambda k, n, p: beta_c(k + 1, n - k, p))
add("bdtrc", COUNT, N, SHARE, hard=ENDS)(lambda k, n, p: beta_i(k + 1, n - k, p))
inverse("bdtri", COUNT, N, SHARE, hard={2: PROB})(lambda y, k, n, p: beta_c(k + 1, n - k, y) - p)
add("nbdtr", COUNT, N, SHARE, hard=ENDS)(lambda k, n, p: beta_i(n, k + 1, p))
add("nbdtrc", COUNT, N, SHARE, hard=ENDS)(lambda k, n, p: beta_c(n, k + 1, p))
inverse("nbdtri", COUNT, N, SHARE, hard={2: PROB})(lambda y, k, n, p: beta_i(n, k + 1, y) - p)
inverse("bdtrik", (0.3, 0.9), (6, 12), (0.2, 0.8), hard={0: [0.5, 0.999], 1: [30.0, 100.0], 2: [0.5, 0.9]})(
    lambda y, p, n, x: beta_c(y + 1, n - y, x) - p
)
inverse("bdtrin", (1, 4), SHARE, (0.2, 0.8), hard={0: [0.0, 1.0], 1: [0.5, 0.999], 2: [0.5, 0.05]})(
    lambda y, k, p, x: beta_c(k + 1, y - k, x) - p
)
inverse("nbdtrik", (0.3, 0.9), (2, 9), (0.2, 0.8), hard={0: [0.5, 0.999], 1: [1.0, 30.0], 2: [0.5, 0.05]})(
    lambda y, p, n, x: beta_i(n, y + 1, x) - p
)
inverse("nbdtrin", (1, 6), SHARE, (0.2, 0.8), hard={0: [0.0, 1.0], 1: [0.5, 0.999], 2: [0.5, 0.05]})(
    lambda y, k, p, x: beta_i(y, k + 1, x) - p
)


def f_cdf(n, d, x):
    return beta_i(n / 2, d / 2, n * x / (d + n * x))


FHARD = {0: [1.0, 2.0, 100.0, 0.1], 1: [1.0, 100.0, 1e4], 2: [1e-8, 1e-300, 1e4, 1.0]}
add("fdtr", POS, POS, POS, hard=FHARD)(f_cdf)
add("fdtrc", POS, POS, POS, hard=FHARD)(lambda n, d, x: beta_c(n / 2, d / 2, n * x / (d + n * x)))
inverse("fdtri", POS, POS, SHARE, hard={**FHARD, 2: PROB})(lambda y, n, d, p: f_cdf(n, d, y) - p)
inverse("fdtridfd", (0.5, 6), (0.5, 0.75), (1, 3), hard={0: [1.0, 20.0], 1: [0.5, 0.55], 2: [1.0, 2.0]})(
    lambda y, n, p, x: f_cdf(n, y, x) - p
)


def t_cdf(df, t):
    half = beta_c(mpf(1) / 2, df / 2, t * t / (df + t * t)) / 2
    return half if t < 0 else 1 - half if t > 0 else mpf(1) / 2


TH = {0: [1.0, 0.1, 100.0, 1e4], 1: [1e-8, -30.0, -1e4, 1.0, 30.0]}
add("stdtr", POS, REAL, hard=TH)(t_cdf)
inverse("stdtrit", POS, SHARE, hard={0: [1.0, 0.5, 100.0], 1: [1e-8, 0.4, 1e-100]})(lambda y, df, p: t_cdf(df, y) - p)
inverse(
    "stdtridf",
    (0.1, 0.2),
    (-1.6, -1.3),
    hard={0: [0.15], 1: [-1.5, -2.0]},
    odd=[(0.05, -2.5), (0.01, -10.0), (0.2, -1.0), (0.9, 1.5)],
)(lambda y, p, t: t_cdf(y, t) - p)

# --- error functions ------------------------------------------------------------------------------

ROOT2 = lambda: mp.sqrt(2)  # at the precision of the moment


def faddeeva(z):
    return mp.exp(-z * z) * mp.erfc(-1j * z)


def ndtri(p):
    return ROOT2() * mp.erfinv(2 * p - 1)


X = {0: [0.0, 1e-300, 1e-8, 5.0, -5.0, 20.0, -20.0, 1e8, 25.0]}
add("erf", REAL, hard=X)(mp.erf)
add("erfc", REAL, hard=X)(mp.erfc)
add("erfi", REAL, hard=X)(mp.erfi)
add("erfcx", REAL, hard=X)(lambda x: mp.exp(x * x) * mp.erfc(x))
add("dawsn", REAL, hard=X)(lambda x: mp.sqrt(mp.pi) / 2 * mp.exp(-x * x) * mp.erfi(x))
P1 = {0: [1e-8, 1e-300, 1 - 1e-10, 0.0, -1 + 1e-10, 0.5]}
add("erfinv", (-0.95, 0.95), hard=P1)(mp.erfinv)
inverse("erfcinv", (0.05, 1.95), hard={0: [1e-8, 1e-300, 1.0, 2 - 1e-10, 0.5, 1e-3, 1.999]})(
    lambda y, p: mp.erfc(y) - p
)
add("ndtr", REAL, hard=X)(mp.ncdf)
inverse("ndtri", SHARE, hard={0: [1e-8, 1e-300, 0.5, 1 - 1e-10, 1e-100, 1e-3, 0.999]})(lambda y, p: mp.ncdf(y) - p)
add("log_ndtr", REAL, hard={0: [0.0, 1e-8, -30.0, -1e8, 30.0, -1e3]})(lambda x: mp.log(mp.ncdf(x)))
inverse("ndtri_exp", (-5, -0.05), hard={0: [-1e-8, -50.0, -1e4, -1.0, -1e8]})(lambda y, x: mp.log(mp.ncdf(y)) - x)
PHI = lambda x: mp.npdf(x)
integral(
    "owens_t",
    REAL,
    REAL,
    slopes=[
        lambda h, a: -PHI(h) * mp.erf(a * h / ROOT2()) / 2,
        lambda h, a: mp.exp(-h * h * (1 + a * a) / 2) / (2 * mp.pi * (1 + a * a)),
    ],
    hard={0: [0.0, 1e-8, 8.0, -1.0], 1: [0.0, 1.0, 1e-8, 30.0]},
)
add("wofz", REAL, hard=X)(faddeeva)
add("voigt_profile", REAL, (0.3, 3), (0.1, 3), hard={0: [0.0, 50.0, 1e4], 1: [1.0, 1e-3, 30.0], 2: [1e-8, 1.0, 50.0]})(
    lambda x, s, g: mp.re(faddeeva((x + 1j * g) / (s * ROOT2()))) / (s * mp.sqrt(2 * mp.pi))
)
FX = {0: [0.0, 1e-300, 1e-8, 10.0, -20.0, 1e4, 1.0]}
add("fresnel", REAL, output=0, hard=FX)(mp.fresnels)
add("fresnel", REAL, output=1, hard=FX)(mp.fresnelc)
TURN = lambda: mp.exp(1j * mp.pi / 4)
FP = {0: [0.0, 1e-300, 1e-8, 4.0, -3.0, 30.0, 1.0]}
add("modfresnelp", REAL, output=0, hard=FP)(lambda x: mp.sqrt(mp.pi) / 2 * TURN() * mp.erfc(x / TURN()))
add("modfresnelp", REAL, output=1, hard=FP)(lambda x: faddeeva(x * TURN()) / 2)
add("modfresnelm", REAL, output=0, hard=FP)(lambda x: mp.conj(mp.sqrt(mp.pi) / 2 * TURN() * mp.erfc(x / TURN())))
add("modfresnelm", REAL, output=1, hard=FP)(lambda x: mp.conj(faddeeva(x * TURN()) / 2))

# --- elementary -----------------------------------------------------------------------------------

add("cbrt", POS, hard={0: [1e-300, 1e8, 1e300, 1.0, 1e-8]})(lambda x: x ** (mpf(1) / 3))
add("exp2", REAL)(lambda x: mpf(2) ** x)
add("exp10", REAL)(lambda x: mpf(10) ** x)
add("expm1", REAL)(mp.expm1)
add("log1p", (-0.9, 3))(mp.log1p)
add("exprel", REAL)(lambda x: mp.hyp1f1(1, 2, x))
add("cosm1", REAL, hard={0: [0.0, 1e-8, 30.0, -1.0, 1e-3]})(lambda x: mp.cos(x) - 1)
DEG = {0: [0.0, 1.0, 1e-8, 30.0, 45.0, 180.0, -60.0, 400.0]}
add("sindg", (-300, 300), hard=DEG)(lambda x: mp.sin(mp.pi * x / 180))
add("cosdg", (-300, 300), hard=DEG)(lambda x: mp.cos(mp.pi * x / 180))
add("tandg", (-80, 80), hard=DEG)(lambda x: mp.tan(mp.pi * x / 180))
add("cotdg", (10, 170), hard={0: [1.0, 30.0, 179.0, 90.0, -45.0, 400.0]})(lambda x: mp.cot(mp.pi * x / 180))
add("radian", (0, 90), (0, 60), (0, 60))(lambda d, m, s: mp.pi / 180 * (d + m / 60 + s / 3600))
add("expit", REAL)(lambda x: 1 / (1 + mp.exp(-x)))
add("log_expit", REAL)(lambda x: -mp.log1p(mp.exp(-x)))
add("logit", SHARE, hard={0: [1e-8, 1e-100, 0.5, 1 - 1e-10, 0.9999, 1e-3, 0.01]})(lambda p: mp.log(p / (1 - p)))
add("entr", POS, hard={0: [1e-8, 1e-300, 1.0, 1e8, 1e300]})(lambda x: -x * mp.log(x))
TWO = {0: [1e-8, 1.0, 1e8, 1e-300], 1: [1e-8, 1.0, 1e8, 1e-300]}
add("rel_entr", POS, POS, hard=TWO)(lambda x, w: x * mp.log(x / w))
add("kl_div", POS, POS, hard=TWO)(lambda x, w: x * mp.log(x / w) - x + w)
add("xlogy", POS, POS, hard=TWO)(lambda x, w: x * mp.log(w))
add("xlog1py", POS, (-0.9, 3), hard={0: [0.0, 1.0, 1e-300], 1: [0.0, 1e-8, 1e-300, 1e8]})(lambda x, w: x * mp.log1p(w))
add("powm1", POS, REAL, hard={0: [1e-8, 1.0, 1e8, 1e-30], 1: [0.0, 1.0, 1e-8, 1e-300]})(lambda x, w: x**w - 1)
LAM = {0: [1.0, 1e-8, 1e8, 1e-300], 1: [0.0, 1.0, 1e-8, 1e-300, -1e-8, 5.0]}
add("boxcox", POS, REAL, hard=LAM)(lambda x, lam: mp.log(x) * mp.hyp1f1(1, 2, lam * mp.log(x)))
add("boxcox1p", (-0.8, 5), REAL, hard=LAM)(lambda x, lam: mp.log1p(x) * mp.hyp1f1(1, 2, lam * mp.log1p(x)))


def unboxed(w, lam):
    return mp.exp(w * mp.hyp2f1(1, 1, 2, -lam * w))


add("inv_boxcox", POS, (-0.1, 3), hard={0: [0.0, 1.0, 1e-8, 30.0], 1: LAM[1]})(unboxed)
add("inv_boxcox1p", POS, (-0.1, 3), hard={0: [0.0, 1.0, 1e-8, 30.0], 1: LAM[1]})(lambda w, lam: unboxed(w, lam) - 1)
inverse(
    "tklmbda",
    (-0.7, 0.7),
    (-1.2, 1.2),
    hard={0: [0.0, 1e-8, -0.5, 0.9], 1: [1.0, 2.0, -1.0, 0.5, 0.1]},
    odd=[(0.3, 1e-8)],
)(
    lambda y, x, lam: (
        mp.log(y) * mp.hyp1f1(1, 2, lam * mp.log(y)) - mp.log(1 - y) * mp.hyp1f1(1, 2, lam * mp.log(1 - y)) - x
    )
)
add("huber", (0.5, 2), REAL, hard={0: [1e-8, 1.0, 1e8], 1: [0.0, 1e-8, 30.0, -1e8]})(
    lambda d, r: r * r / 2 if abs(r) < d else d * (abs(r) - d / 2)
)
add("pseudo_huber", (0.5, 2), REAL, hard={0: [1e-3, 1.0, 1e8], 1: [1e-8, 30.0, -1e8, 1e-300]})(
    lambda d, r: d * d * (mp.sqrt(1 + (r / d) ** 2) - 1)
)
add("wrightomega", REAL, hard={0: [0.0, 1.0, 1e-8, 30.0, -30.0, 600.0, 1e8]})(lambda x: mp.lambertw(mp.exp(x)))
add("nrdtrimn", SHARE, POS, REAL, hard={0: PROB, 1: [1.0, 1e-8], 2: [0.0, 1e8]})(lambda p, sd, x: x - sd * ndtri(p))
add("nrdtrisd", REAL, (0.6, 0.95), (4, 9), hard={0: [0.0, 1.0], 1: [1e-8, 0.4, 1 - 1e-10], 2: [1e8, 5.0]})(
    lambda mn, p, x: (x - mn) / ndtri(p)
)
add("spence", POS, hard={0: [1.0, 1e-8, 1e-300, 1e8, 1 - 1e-10]})(lambda x: mp.re(mp.polylog(2, 1 - x)))

# --- exponential integrals ------------------------------------------------------------------------

E1 = {0: [1e-8, 1e-300, 1.0, 30.0, 600.0, 1e-3, 100.0]}
add("exp1", POS, hard=E1)(mp.e1)
add("expi", POS, hard={0: [1e-8, 1e-300, 1.0, 30.0, -1.0, -30.0]})(mp.ei)
add("expn", COUNT, POS, hard={1: [1e-8, 1.0, 30.0, 600.0, 1e-3]})(mp.expint)
SX = {0: [1e-8, 1e-300, 1.0, 30.0, 1e4, 0.0, 1e-3, 100.0, 5.0]}
add("sici", POS, output=0, hard=SX)(mp.si)
add("sici", POS, output=1, hard=SX)(mp.ci)
add("shichi", POS, output=0, hard=SX)(mp.shi)
add("shichi", POS, output=1, hard=SX)(mp.chi)

# --- Bessel ---------------------------------------------------------------------------------------

V, Z = (-2.5, 5.0), (0.3, 12.0)
BH = {0: [0.0, 1.0, 2.0, -1.0, 0.5, 30.0, 1e-8], 1: [1e-8, 1.0, 50.0, 1e4, 1e-3]}
for _name, _f in (("jv", mp.besselj), ("yv", mp.bessely), ("jve", mp.besselj), ("yve", mp.bessely)):
    add(_name, V, Z, hard=BH)(_f)
add("iv", V, Z, hard=BH)(mp.besseli)
add("kv", V, Z, hard=BH)(mp.besselk)
FAR = {0: BH[0], 1: [1e-8, 1.0, 50.0, 1e4, 1e8]}
add("ive", V, Z, hard=FAR)(lambda v, x: mp.exp(-x) * mp.besseli(v, x))
add("kve", V, Z, hard=FAR)(lambda v, x: mp.exp(x) * mp.besselk(v, x))
H = {0: [0.0, 1.0, -1.0, 0.5, 20.0], 1: [1.0, 50.0, 1e4, 1e-3]}
add("hankel1", V, Z, hard=H)(mp.hankel1)
add("hankel2", V, Z, hard=H)(mp.hankel2)
add("hankel1e", V, Z, hard=H)(lambda v, x: mp.exp(-1j * x) * mp.hankel1(v, x))
add("hankel2e", V, Z, hard=H)(lambda v, x: mp.exp(1j * x) * mp.hankel2(v, x))
ONE = {0: [0.0, 1e-8, 1.0, 50.0, 1e4, 1e8, 1e-300, 0.5, 200.0, 1e-3]}
WAVE = {0: [0.0, 1e-8, 1.0, 50.0, 1e4, 1e-300, 200.0]}
for _n in (0, 1):
    add(f"j{_n}", Z, hard=WAVE)(lambda x, n=_n: mp.besselj(n, x))
    add(f"y{_n}", Z, hard=WAVE)(lambda x, n=_n: mp.bessely(n, x))
    add(f"i{_n}", (-6, 6), hard=ONE)(lambda x, n=_n: mp.besseli(n, x))
    add(f"k{_n}", Z, hard=ONE)(lambda x, n=_n: mp.besselk(n, x))
    add(f"i{_n}e", Z, hard={0: ONE[0][1:]})(lambda x, n=_n: mp.exp(-x) * mp.besseli(n, x))
    add(f"k{_n}e", Z, hard={0: ONE[0][1:]})(lambda x, n=_n: mp.exp(x) * mp.besselk(n, x))
add("yn", COUNT, Z, hard={1: ONE[0]})(mp.bessely)
add("kn", COUNT, Z, hard={1: ONE[0]})(mp.besselk)
ST = {0: [0.0, 1.0, 2.0, 0.5], 1: [1e-8, 1.0, 25.0, 1e-3]}
add("struve", (-1.5, 4), (0.3, 15), hard={**ST, 1: [1e-8, 1.0, 25.0, 1e-3, 100.0]})(mp.struveh)
add("modstruve", (-1.5, 4), (0.3, 10), hard=ST)(mp.struvel)
add("besselpoly", POS, POS, (0.2, 4), hard={0: [1e-3, 1.0, 10.0], 1: [0.0, 1.0], 2: [0.0, 1.0, 2.0]})(
    lambda a, lam, nu: (
        a**nu * mp.rgamma(nu + 1) / (lam + nu + 1) * mp.hyp1f2((lam + nu + 1) / 2, nu + 1, (lam + nu + 3) / 2, -a * a)
    )
)
AX = {0: [0.0, 1e-8, 1.0, 10.0, -30.0, 50.0, -1e3]}
AIRY = [
    lambda x: mp.airyai(x),
    lambda x: mp.airyai(x, derivative=1),
    lambda x: mp.airybi(x),
    lambda x: mp.airybi(x, derivative=1),
]
for _k in range(4):
    add("airy", (-8, 5), output=_k, hard=AX)(AIRY[_k])
    add("airye", (0.1, 9), output=_k, hard={0: [1e-8, 1.0, 50.0, 30.0, 300.0, 1e4]})(
        lambda x, k=_k: AIRY[k](x) * mp.exp((1 if k < 2 else -1) * mpf(2) / 3 * x * mp.sqrt(x))
    )

# --- Kelvin, and integrals ------------------------------------------------------------------------

KX = {0: [1e-8, 1.0, 20.0, 1e-3, 30.0, 2.0, 0.5, 0.0]}
KPOS = {0: KX[0][:-1]}


def kelvin(k, x, d=0):
    """The value or slope of ber + i bei, or of ker + i kei: of Bessel functions at a turned argument."""
    turn = TURN() ** (3 if k == 0 else 1)
    f = mp.besselj if k == 0 else mp.besselk
    z = x * turn
    if not d:
        return f(0, z)
    return -turn * f(1, z)


for _name, _k, _part, _d in (
    ("ber", 0, mp.re, 0),
    ("bei", 0, mp.im, 0),
    ("berp", 0, mp.re, 1),
    ("beip", 0, mp.im, 1),
    ("ker", 1, mp.re, 0),
    ("kei", 1, mp.im, 0),
    ("kerp", 1, mp.re, 1),
    ("keip", 1, mp.im, 1),
):
    add(_name, Z, hard=KX if _k == 0 else KPOS)(lambda x, k=_k, part=_part, d=_d: part(kelvin(k, x, d)))
for _out, (_k, _d) in enumerate(((0, 0), (1, 0), (0, 1), (1, 1))):
    add("kelvin", Z, output=_out, hard=KX)(lambda x, k=_k, d=_d: kelvin(k, x, d))
IX = {0: [1e-8, 1.0, 20.0, 1e-3, 11.0, 0.0]}
for _name, _slopes in {
    "itj0y0": (lambda x: mp.besselj(0, x), lambda x: mp.bessely(0, x)),
    "iti0k0": (lambda x: mp.besseli(0, x), lambda x: mp.besselk(0, x)),
    "it2j0y0": (lambda x: (1 - mp.besselj(0, x)) / x, lambda x: -mp.bessely(0, x) / x),
    "it2i0k0": (lambda x: (mp.besseli(0, x) - 1) / x, lambda x: -mp.besselk(0, x) / x),
    "itstruve0": (lambda x: mp.struveh(0, x),),
    "itmodstruve0": (lambda x: mp.struvel(0, x),),
    "it2struve0": (lambda x: -mp.struveh(0, x) / x,),
    "itairy": (AIRY[0], AIRY[2], lambda x: AIRY[0](-x), lambda x: AIRY[2](-x)),
}.items():
    for _k, _slope in enumerate(_slopes):
        integral(_name, Z if _name != "itairy" else (-4, 4), slopes=[_slope], output=_k, hard=IX)

# --- elliptic -------------------------------------------------------------------------------------

M = (-2.0, 0.95)
MH = {0: [0.0, 1e-8, -1e8, 1 - 1e-10, 1e-300, -30.0]}
add("ellipk", M, hard=MH)(mp.ellipk)
add("ellipe", M, hard=MH)(mp.ellipe)
add("ellipkm1", (0.05, 3), hard={0: [1.0, 1e-8, 1e-300, 1e8, 1 - 1e-10, 1e-3, 30.0]})(lambda p: mp.ellipk(1 - p))
INC = {0: [1e-8, 1.0, 1.5, -2.0, 10.0], 1: [0.0, 1e-8, -1e4, 1 - 1e-10, 1e-300]}
add("ellipkinc", REAL, M, hard=INC)(mp.ellipf)
add("ellipeinc", REAL, M, hard=INC)(mp.ellipe)


def sn(k, u, m):
    s, c, d = (mp.ellipfun(n, u=u, m=m) for n in ("sn", "cn", "dn"))
    return (s, c, d, mp.atan2(s, c))[k]


for _k in range(4):
    add("ellipj", (-1.2, 1.2), SHARE, output=_k, hard={0: [0.0, 1e-8, 1.4], 1: [1e-8, 1 - 1e-10, 0.5, 1e-300]})(
        lambda u, m, k=_k: sn(k, u, m)
    )
EH = {0: [1e-8, 1.0, 1e8], 1: [1e-8, 1.0, 1e8], 2: [1e-8, 1.0, 1e8]}
SAME = [(1.0, 1.0, 1.0), (2.0, 2.0, 3.0), (1.0, 3.0, 3.0), (1e-100, 2.0, 3.0), (1.0, 1.0 + 1e-10, 1.0)]
add("elliprf", POS, POS, POS, hard=EH, odd=SAME)(mp.elliprf)
add("elliprd", POS, POS, POS, hard=EH, odd=SAME)(mp.elliprd)
add("elliprg", POS, POS, POS, hard=EH, odd=SAME)(mp.elliprg)
add("elliprj", POS, POS, POS, POS, hard=EH, odd=[(*s, s[0]) for s in SAME] + [(1.0, 2.0, 3.0, -1.5)])(mp.elliprj)
add("elliprc", POS, POS, hard=EH, odd=[(1.0, 1.0), (2.0, -1.0), (1e-8, 1.0), (1.0, 1e-8), (3.0, 3.0)])(mp.elliprc)
add("agm", POS, POS, hard=EH, odd=[(1.0, 1.0), (1e-300, 1.0), (3.0, 3.0), (1e300, 1.0), (-1.0, -2.0)])(mp.agm)

# --- hypergeometric -------------------------------------------------------------------------------

add("hyp0f1", POS, REAL, hard={0: [1.0, 30.0, -0.5, 1e-3], 1: [0.0, 1e-8, 30.0, -30.0]})(mp.hyp0f1)
HH = {0: [0.0, 1.0, -2.0, 10.0], 1: [1.0, 0.5, 10.0], 2: [0.0, 1e-8, 20.0, -10.0]}
add("hyp1f1", REAL, POS, REAL, hard=HH)(mp.hyp1f1)
add(
    "hyp2f1",
    REAL,
    REAL,
    POS,
    (-1.8, 0.9),
    hard={0: [0.0, 1.0, -2.0], 1: [1.0, 0.5], 2: [1.0, 3.0], 3: [0.0, 1e-8, -5.0, 0.999]},
)(mp.hyp2f1)
add("hyperu", POS, (-1.4, 3.3), POS, hard={0: [1.0, 0.5], 1: [0.5, 0.3], 2: [10.0, 1.0, 0.1]})(mp.hyperu)


def wright(a, b, x):
    return sum(x**k * mp.rgamma(k + 1) * mp.rgamma(a * k + b) for k in range(170))


WH = {0: [1.0, 1e-3, 0.5], 1: [1.0, 1e-3, 2.0], 2: [0.0, 1.0, 1e-8, 8.0]}
add("wright_bessel", (0.1, 3), (0.1, 4), (0.1, 5), hard=WH)(wright)
add("log_wright_bessel", (0.1, 3), (0.1, 4), (0.1, 5), hard=WH)(lambda a, b, x: mp.log(wright(a, b, x)))
PC = {0: [0.0, 1.0, 2.0, -1.0], 1: [0.0, 1e-8, 1.0, -2.0, 4.0]}
add("pbdv", (-2.5, 4), (-3, 4), output=0, hard=PC)(mp.pcfd)
add("pbdv", (-2.5, 4), (-3, 4), output=1, hard=PC)(lambda v, x: x / 2 * mp.pcfd(v, x) - mp.pcfd(v + 1, x))


def cylinder_v(v, x):
    return mp.pcfv(-v - mpf(1) / 2, x)


add("pbvv", (-2.5, 4), (-3, 4), output=0, hard=PC)(cylinder_v)
add("pbvv", (-2.5, 4), (-3, 4), output=1, hard=PC)(lambda v, x: mp.diff(lambda z: cylinder_v(v, z), x))
add("pbwa", (-3, 3), (-3, 3), output=0, hard={0: [0.0, 1.0, -4.0], 1: [0.0, 1e-8, 4.0]})(
    lambda a, x: mp.re(mp.pcfw(a, x))
)
add("pbwa", (-3, 3), (-3, 3), output=1, hard={0: [0.0, 1.0, -4.0], 1: [0.0, 1e-8, 4.0]})(
    lambda a, x: mp.re(mp.diff(lambda z: mp.pcfw(a, z), x))
)

# --- polynomials ----------------------------------------------------------------------------------

DEG_N, IN = (0.3, 6.0), (-0.75, 0.95)
NH = [0.0, 1.0, 2.0, 10.0, 5.0]
XH = [0.0, 1e-8, -0.5, 0.99, 2.0]
PH = {0: NH, 1: XH}
CH = {0: NH, 1: [0.0, 1e-8, 1.0, 3.0]}
add("eval_chebyt", DEG_N, IN, hard=PH)(mp.chebyt)
add("eval_chebyu", DEG_N, IN, hard=PH)(mp.chebyu)
add("eval_chebyc", DEG_N, (-1.5, 1.9), hard=CH)(lambda n, x: 2 * mp.chebyt(n, x / 2))
add("eval_chebys", DEG_N, (-1.5, 1.9), hard=CH)(lambda n, x: mp.chebyu(n, x / 2))
SH = {0: NH, 1: [0.5, 0.25, 0.99, 1.5, 0.3]}
add("eval_sh_chebyt", DEG_N, (0.15, 0.95), hard=SH)(lambda n, x: mp.chebyt(n, 2 * x - 1))
add("eval_sh_chebyu", DEG_N, (0.15, 0.95), hard=SH)(lambda n, x: mp.chebyu(n, 2 * x - 1))
add("eval_legendre", DEG_N, IN, hard=PH)(mp.legendre)
add("eval_sh_legendre", DEG_N, (0.15, 0.95), hard=SH)(lambda n, x: mp.legendre(n, 2 * x - 1))
add("eval_gegenbauer", DEG_N, POS, IN, hard={0: NH, 1: [1.0, 0.5, 0.1], 2: XH})(mp.gegenbauer)
add("eval_laguerre", DEG_N, POS, hard={0: NH, 1: [0.0, 1e-8, 10.0, -1.0]})(lambda n, x: mp.laguerre(n, 0, x))
add("eval_genlaguerre", DEG_N, POS, POS, hard={0: NH, 1: [0.0, 1.0], 2: [0.0, 1e-8, 10.0]})(mp.laguerre)
add("eval_jacobi", DEG_N, POS, POS, IN, hard={0: NH, 1: [0.0, 1.0], 2: [0.0, -0.5], 3: XH})(mp.jacobi)
add("eval_sh_jacobi", DEG_N, (3, 6), (0.5, 2.5), (0.15, 0.95), hard={0: NH, 1: [4.0], 2: [1.0], 3: SH[1]})(
    lambda n, p, q, x: mp.jacobi(n, p - q, q - 1, 2 * x - 1) / mp.binomial(2 * n + p - 1, n)
)
add("eval_hermite", COUNT, REAL, hard={1: [0.0, 1e-8, 30.0, -1.0, 1e4, 0.5, 100.0]})(mp.hermite)
add("eval_hermitenorm", COUNT, REAL, hard={1: [0.0, 1e-8, 30.0, -1.0, 1e4, 0.5, 100.0]})(
    lambda n, x: mp.hermite(n, x / ROOT2()) * mpf(2) ** (-n / mpf(2))
)
add("lpmv", [0, 1, 2], (0.3, 5), (-0.7, 0.9), hard={1: [1.0, 2.0, 3.5, 10.0], 2: [0.0, 1e-8, 0.99]})(
    lambda m, v, x: mp.re(mp.legenp(v, m, x, type=2))
)

# --- noncentral distributions ---------------------------------------------------------------------


def mixture(half, term):
    """A Poisson mixture with mean `half`."""
    total, weight, j = mpf(0), mp.exp(-half), 0
    while j < 40 or weight > mp.eps / 1000:
        total += weight * term(j)
        j += 1
        weight *= half / j
    return total


def chi(x, df, nc):
    return mixture(nc / 2, lambda j: gamma_p(df / 2 + j, x / 2))


def ncf(n, d, nc, f):
    return mixture(nc / 2, lambda j: beta_i(n / 2 + j, d / 2, n * f / (d + n * f)))


def nct(df, nc, t):
    if t < 0:
        return 1 - nct(df, -nc, -t)
    x, h = t * t / (df + t * t), nc * nc / 2
    even = mixture(h, lambda j: beta_i(j + mpf(1) / 2, df / 2, x))
    odd, weight = mpf(0), mp.exp(-h) * nc / ROOT2() * mp.rgamma(mpf(3) / 2)
    for j in range(60):
        odd += weight * beta_i(j + mpf(1), df / 2, x)
        weight *= h / (j + mpf(3) / 2)
    return mp.ncdf(-nc) + (even + odd) / 2


SMALL = (0.3, 5.0)
CHI = {0: [1e-3, 20.0], 1: [1.0, 2.0, 20.0], 2: [1e-8, 10.0]}
add("chndtr", POS, POS, SMALL, hard=CHI)(chi)
inverse("chndtrix", SHARE, POS, SMALL, hard={0: [0.5, 1e-3, 0.99], 1: CHI[1], 2: CHI[2]})(
    lambda y, p, df, nc: chi(y, df, nc) - p
)
inverse("chndtridf", (6, 12), (0.3, 0.7), (0.3, 2), hard={0: [10.0, 8.0], 1: [0.5, 0.4], 2: [1.0, 1e-8, 2.0]})(
    lambda y, x, p, nc: chi(x, y, nc) - p
)
inverse("chndtrinc", (6, 12), (1, 4), (0.3, 0.6), hard={0: [10.0, 8.0], 1: [1.0, 2.0, 3.0], 2: [0.5, 0.4, 0.3]})(
    lambda y, x, df, p: chi(x, df, y) - p
)
NF = {0: [1.0, 2.0], 1: [1.0, 20.0], 2: [1e-8, 10.0], 3: [1e-3, 10.0]}
add("ncfdtr", POS, POS, SMALL, POS, hard=NF)(ncf)
inverse("ncfdtri", POS, POS, SMALL, SHARE, hard={**NF, 3: [0.5, 1e-3]})(lambda y, n, d, nc, p: ncf(n, d, nc, y) - p)
inverse(
    "ncfdtridfn",
    (0.3, 0.6),
    POS,
    SMALL,
    (1, 3),
    loose=True,
    hard={0: [0.5, 0.4], 1: [2.0, 1.0, 10.0], 2: [1.0, 1e-3, 4.0], 3: [2.0, 1.0]},
)(lambda y, p, d, nc, f: ncf(y, d, nc, f) - p)
inverse(
    "ncfdtridfd",
    (2, 6),
    (0.3, 0.4),
    SMALL,
    (2, 3),
    loose=True,
    hard={0: [3.0, 10.0], 1: [0.35, 0.3], 2: [1.0, 2.0, 4.0], 3: [2.0, 2.5]},
)(lambda y, n, p, nc, f: ncf(n, y, nc, f) - p)
inverse(
    "ncfdtrinc",
    (2, 6),
    (2, 6),
    (0.2, 0.4),
    (3, 5),
    loose=True,
    hard={0: [3.0, 2.0], 1: [3.0, 10.0], 2: [0.3, 0.25], 3: [4.0, 3.0]},
)(lambda y, n, d, p, f: ncf(n, d, y, f) - p)
NT = {0: [1.0, 2.0, 30.0], 1: [0.0, 1.0, 1e-8], 2: [1.0, 1e-8, 4.0]}
add("nctdtr", POS, (-1.5, 2.5), (-1, 4), hard=NT)(nct)
inverse("nctdtrit", POS, (-1.5, 2.5), SHARE, hard={**NT, 2: [0.5, 0.9]})(lambda y, df, nc, p: nct(df, nc, y) - p)
inverse("nctdtrinc", POS, SHARE, (0.5, 3), loose=True, hard={0: [1.0, 2.0, 30.0], 1: [0.5, 0.25, 0.9], 2: [1.0, 2.0]})(
    lambda y, df, p, t: nct(df, y, t) - p
)
inverse(
    "nctdtridf",
    (0.3, 0.36),
    (1.5, 2),
    (1.6, 1.9),
    loose=True,
    hard={0: [0.3, 0.32, 0.35], 1: [1.5, 2.0], 2: [1.7, 1.6]},
    odd=[(0.6, 1.0, 1.5), (0.7, 1.0, 2.0), (0.5, 2.0, 2.5), (0.8, 0.5, 1.7)],
)(lambda y, p, nc, t: nct(y, nc, t) - p)

# --- Kolmogorov, Smirnov --------------------------------------------------------------------------


def kolmogorov(x):
    if x < mpf("0.8"):
        total = sum(mp.exp(-((2 * k - 1) ** 2) * mp.pi**2 / (8 * x * x)) for k in range(1, 30))
        return 1 - mp.sqrt(2 * mp.pi) / x * total
    return 2 * sum((-1) ** (k - 1) * mp.exp(-2 * (k * x) ** 2) for k in range(1, 40))


def smirnov(n, d):
    n = int(n)
    return d * sum(
        mp.binomial(n, j) * (d + mpf(j) / n) ** (j - 1) * (1 - d - mpf(j) / n) ** (n - j)
        for j in range(n)
        if 1 - d - mpf(j) / n > 0
    )


add("kolmogorov", (0.3, 2.5), hard={0: [0.15, 1.0, 0.8, 5.0, 0.3, 0.2]})(kolmogorov)
inverse("kolmogi", SHARE, hard={0: [0.5, 1e-8, 0.999, 0.9999, 1e-100]})(lambda y, p: kolmogorov(y) - p)
add("smirnov", [1, 2, 3, 5, 10], SHARE, hard={1: [1e-8, 0.99, 0.01, 0.51, 1e-3]})(smirnov)
inverse("smirnovi", [1, 2, 3, 5, 10], SHARE, hard={1: [1e-8, 0.99, 0.01, 0.51, 0.999]})(
    lambda y, n, p: smirnov(n, y) - p
)

SAME_AS = {"digamma": "psi", "jn": "jv"}
"""Second names."""
BY_EQUATION = "mathieu_ pro_ obl_"
"""Beginnings of names of those without a counterpart in mpmath."""
CONSTANT = ("gammasgn", "round")
