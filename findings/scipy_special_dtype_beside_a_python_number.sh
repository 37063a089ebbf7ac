#!/usr/bin/env bash
# Under NumPy 2's promotion a Python number takes the dtype of the array beside it, also in the functions of
# scipy.special: jv(2.0, x) of a float32 x is float32. Not in all of them: gammainc(2.0, x), xlogy(2.0, x) and hyp2f1
# with two such parameters are float64, while the same functions of float32 arrays alone are float32. A ufunc takes the
# first of its loops that fits, a Python number fits any, and these ufuncs list their loop of doubles first. Met when
# the dtypes of derivatives were compared with SciPy's for all 232 ufuncs; some twenty are of the second kind.
# Versions: scipy 1.17.1, numpy 2.4.6. Exit status 0 as long as the behaviour is as described.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet scipy==1.17.1 numpy==2.4.6
"$folder/env/bin/python" - <<'PY'
import numpy as np
from scipy import special

x = np.float32([0.3, 0.7])
for name, first, wanted in (
    ("jv", "ff->f", "float32"),
    ("poch", "ff->f", "float32"),
    ("gammainc", "dd->d", "float64"),
    ("xlogy", "dd->d", "float64"),
    ("struve", "dd->d", "float64"),
):
    f = getattr(special, name)
    alone, beside = f(x, x).dtype, f(2.0, x).dtype
    print(f"{name:9} loops {f.types[:2]}: {alone} of float32 arrays, {beside} beside 2.0")
    assert (f.types[0], alone, beside) == (first, np.dtype("float32"), np.dtype(wanted)), name
PY
