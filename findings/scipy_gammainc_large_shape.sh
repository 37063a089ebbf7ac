#!/usr/bin/env bash
# scipy.special.gammainc(a, x), the regularised lower incomplete gamma function, loses its digits for large a some
# standard deviations below the mean: at a = 1e8 and x = a - 5 sqrt(a) it gives 1.86e-07 where 2.85e-07 is right, 35 %
# too little; at a = 1e6 the error is 4e-06. Met when the cdf of a gamma distribution was compared with mpmath.
# The reference is the series of DLMF 8.11.4, x^a exp(-x) / Gamma(a + 1) * sum_n x^n / ((a + 1) ... (a + n)), summed with
# 40 digits; the normal approximation, 2.87e-07, agrees with it to the skewness it neglects.
# Versions: scipy 1.17.1, numpy 2.4.6, mpmath 1.3.0. Exit status 0 as long as the behaviour is as described.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet scipy==1.17.1 numpy==2.4.6 mpmath==1.3.0
"$folder/env/bin/python" - <<'PY'
import math

import mpmath
from scipy.special import gammainc

mpmath.mp.dps = 40


def reference(a, x):
    a, x = mpmath.mpf(a), mpmath.mpf(x)
    term = total = mpmath.mpf(1)
    n = 0
    while term > total * mpmath.mpf(10) ** -30:
        n += 1
        term *= x / (a + n)
        total += term
    return mpmath.exp(a * mpmath.log(x) - x - mpmath.loggamma(a + 1)) * total


errors = {}
for a in (1e6, 1e8):
    x = a - 5 * math.sqrt(a)
    got, right = float(gammainc(a, x)), reference(a, x)
    errors[a] = float(got / right - 1)
    print(f"a = {a:.0e}, x = a - 5 sqrt(a): gammainc {got:.6e}, right {mpmath.nstr(right, 7)}, relative error {errors[a]:.1e}")
assert abs(errors[1e6] + 4.3e-6) < 1e-6, "the error at a = 1e6 has changed"
assert abs(errors[1e8] + 0.347) < 0.01, "the error at a = 1e8 has changed"
PY
