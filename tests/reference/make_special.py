"""Write special.json: derivatives of SciPy's special functions at 20 points each, by mpmath.

usage: python -m tests.reference.make_special [name ...]

Five points or more are hard: one operand is 0, 1, huge, tiny, whole, or at an edge. Left out are points at which
SciPy's own value is wrong, or the function has no finite derivative; the tests of conventions look at these.
"""

import json
import math
import signal
import sys
import zlib
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import mpmath as mp
import numpy as np
from scipy import special

from tests.reference.special_definitions import ALL, HARD, Function

FILE = Path(__file__).with_name("special.json")
ORDINARY, HARD_POINTS = 15, 6


def scipy_value(name, f, xs):
    ufunc = getattr(special, name, None) or getattr(special._ufuncs, name)
    ys = ufunc(*[int(x) if isinstance(d, list) else x for x, d in zip(xs, f.domains, strict=True)])
    return complex(ys[f.output] if ufunc.nout > 1 else ys)


def directions(f: Function, xs):
    """How far each operand moves in the second derivative; 0 for whole numbers."""
    return [0 if isinstance(d, list) else abs(x) or 1.0 for d, x in zip(f.domains, xs, strict=True)]


def slope(f: Function, zs, way, i, step):
    """A central difference by operand `i`."""
    ahead, behind = ([z + k * step * way[i] * (j == i) for j, z in enumerate(zs)] for k in (1, -1))
    return (f.value(*ahead) - f.value(*behind)) / (2 * step * way[i])


def derivatives(name, f: Function, xs):
    """First derivatives by each operand, None for whole numbers, and the second along `directions`, or None."""
    tiny = min((abs(x) for x in xs if x), default=1.0)
    mp.mp.dps = 70 if name.startswith(("nc", "chn")) else 110  # sums of many integrals
    step = mp.mpf(10) ** -(18 if mp.mp.dps == 70 else 30)
    mp.mp.dps -= 2 * int(math.log10(min(tiny, 1)))
    way = [mp.mpf(d) for d in directions(f, xs)]
    zs = [mp.mpf(x) for x in xs]
    moving = [i for i, d in enumerate(way) if d]
    wanted = scipy_value(name, f, xs)
    if 0 < abs(wanted) < 1e-10:  # what is small as a difference of 1 and almost 1 loses these digits
        mp.mp.dps += int(-math.log10(abs(wanted)))
    if not np.isfinite(wanted):
        return None

    def moved(k, only=None):
        return [z + k * step * d * (only is None or i == only) for i, (z, d) in enumerate(zip(zs, way, strict=True))]

    if f.slopes:
        firsts = [s(*zs) for s in f.slopes]
        total = lambda k: sum(s(*moved(k)) * way[i] for s, i in zip(f.slopes, moving, strict=True))
        second = (total(1) - total(-1)) / (2 * step)
        if any(mp.im(v) for v in [*firsts, second]):
            return None
    elif f.inverse:
        G = f.value
        y = mp.mpf(wanted.real)
        if not f.loose:
            y = mp.findroot(lambda y: G(y, *zs), y, solver="secant", tol=mp.mpf(10) ** (-mp.mp.dps + 12))
        if abs(y - wanted.real) > 1e-6 * abs(y) or abs(G(y, *zs)) > 1e-3:
            return None
        h = step * (abs(y) or 1)
        g = {(a, b): G(y + a * h, *moved(b)) for a in (-1, 0, 1) for b in (-1, 0, 1)}
        gy = (g[1, 0] - g[-1, 0]) / (2 * h)
        firsts = [-(G(y, *moved(1, i)) - G(y, *moved(-1, i))) / (2 * step * way[i]) / gy for i in moving]
        gs = (g[0, 1] - g[0, -1]) / (2 * step)
        gss = (g[0, 1] - 2 * g[0, 0] + g[0, -1]) / step**2
        gyy = (g[1, 0] - 2 * g[0, 0] + g[-1, 0]) / h**2
        gsy = (g[1, 1] - g[1, -1] - g[-1, 1] + g[-1, -1]) / (4 * h * step)
        along = -gs / gy
        second = -(gss + 2 * gsy * along + gyy * along**2) / gy
    else:
        value = f.value(*zs)
        if abs(value - wanted) > 1e-6 * abs(value) and not (abs(value) < 1e-290 and wanted == 0):
            return None
        firsts = [slope(f, zs, way, i, step) for i in moving]
        small = [abs(v * way[i] / (value or 1)) for i, v in zip(moving, firsts, strict=True) if v]
        if small and min(small) < 1e-20 * min(
            tiny, 1
        ):  # a slope far below the value needs as many more digits, or is 0
            mp.mp.dps += min(int(-2 * mp.log10(min(small))) + 20, 800)
            finer = [slope(f, zs, way, i, step / 8) for i in moving]
            value = f.value(*zs)
            firsts = [slope(f, zs, way, i, step) for i in moving]
            firsts = [v if abs(v - w) <= 1e-9 * abs(w) else mp.mpf(0) for v, w in zip(firsts, finer, strict=True)]
        second = (f.value(*moved(1)) - 2 * value + f.value(*moved(-1))) / step**2
    every = [None] * len(xs)
    for i, first in zip(moving, firsts, strict=True):
        every[i] = first
    if not all(mp.isfinite(v) and (v == 0 or 1e-290 < abs(v) < 1e290) for v in firsts):
        return None
    return every, second if mp.isfinite(second) and abs(second) < 1e290 else None


def number(v):
    """As few digits as keep 15."""
    if v is None:
        return None
    v = complex(v)
    return float(f"{v.real:.15g}") if v.imag == 0 else [float(f"{p:.15g}") for p in (v.real, v.imag)]


def points(name, f: Function, rng):
    """Ordinary points and then hard ones, each with its derivatives."""

    def ordinary():
        return [int(rng.choice(d)) if isinstance(d, list) else round(float(rng.uniform(*d)), 3) for d in f.domains]

    found, tries = [], 0
    while len(found) < ORDINARY and tries < 200:
        tries += 1
        xs = ordinary()
        if (d := attempt(name, f, xs)) is not None:
            found.append((xs, d))
    hard = [list(x) for x in f.odd]
    candidates = [
        (i, v)
        for i, d in enumerate(f.domains)
        if not isinstance(d, list)
        for v in f.hard.get(i, [] if f.hard else HARD)
    ]
    for k in rng.permutation(len(candidates)):
        xs = ordinary()
        xs[candidates[k][0]] = candidates[k][1]
        hard.append(xs)
    count = 0
    for xs in hard:
        if count < max(HARD_POINTS, len(f.odd)) and (d := attempt(name, f, xs)) is not None:
            found.append((xs, d))
            count += 1
    return found, count


def attempt(name, f, xs):
    """The derivatives; None where they fail or take longer than half a minute."""
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.alarm(30)
    try:
        return derivatives(name, f, xs)
    except (
        KeyboardInterrupt,
        ValueError,
        ZeroDivisionError,
        OverflowError,
        TypeError,
        mp.libmp.NoConvergence,
        ArithmeticError,
    ):
        return None
    finally:
        signal.alarm(0)


def rows(name):
    """All outputs of a ufunc."""
    out = []
    for f in ALL[name]:
        rng = np.random.default_rng([zlib.crc32(name.encode()), f.output])
        found, hard = points(name, f, rng)
        print(f"{name}[{f.output}]: {len(found)} points, {hard} hard", flush=True)
        out.append(
            {
                "output": f.output,
                "hard": hard,
                "whole": [i for i, d in enumerate(f.domains) if isinstance(d, list)],
                "points": [xs for xs, _ in found],
                "first": [[number(v) for v in firsts] for _, (firsts, _) in found],
                "second": [number(second) for _, (_, second) in found],
            }
        )
    return name, out


def main():
    """Write the file, or only these rows of it."""
    names = sys.argv[1:] or list(ALL)
    table = json.loads(FILE.read_text(encoding="utf-8")) if sys.argv[1:] else {}
    with ProcessPoolExecutor(2) as pool:
        for done in as_completed([pool.submit(rows, name) for name in names]):
            name, table[name] = done.result()
            lines = [f'"{name}": {json.dumps(table[name], separators=(",", ":"))}' for name in sorted(table)]
            FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
