#!/usr/bin/env bash
# The bits of a matrix product in NumPy depend on whether its operands are one array: x @ x.T, of one array, runs the
# routine for symmetric products (syrk), x @ x.copy().T, of equal numbers in two arrays, the general one (gemm), and the
# two round differently. So a program that shares equal subexpressions, or drops a copy, changes results in the last
# bits. Met when a compiled function gave other bits than the function itself.
# Seen: for complex128, 5 x 5, all of 100 draws differ, by up to 3.1e-16 of the largest entry; x @ x.T is exactly
# symmetric, the other product of none of them.
# Versions: numpy 2.4.6 with the OpenBLAS of its wheel. Exit status 0 as long as the behaviour is as described.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet numpy==2.4.6
OPENBLAS_NUM_THREADS=1 "$folder/env/bin/python" - <<'PY'
import numpy as np

rng = np.random.default_rng(0)
differ, asymmetric, worst = 0, 0, 0.0
for _ in range(100):
    x = rng.normal(size=(5, 10)).view(complex)
    one, two = x @ x.T, x @ x.copy().T
    differ += not np.array_equal(one, two)
    asymmetric += not np.array_equal(two, two.T)
    worst = max(worst, float(np.abs(one - two).max() / np.abs(one).max()))
    assert np.array_equal(one, one.T), "x @ x.T is no longer exactly symmetric"
print(f"of 100 draws {differ} differ, by at most {worst:.1e} of the largest entry; {asymmetric} are not symmetric")
assert differ > 50, "x @ x.T and x @ x.copy().T agree now"
assert 0 < worst < 1e-14, "the difference is no longer one of rounding"
PY
