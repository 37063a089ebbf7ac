#!/usr/bin/env bash
# Where a sum of NumPy 2.0 is written may change its bits: for an array whose memory runs backwards (np.flip of both
# axes), x.sum(axis=0) and np.add.reduce(x, 0, out=y) add in different orders and differ in the last bits. With NumPy
# 2.4.6 both are the same. Met when a compiled function, which gives sums a buffer, gave other bits than the function.
# Versions: numpy 2.0.2 (differs) and 2.4.6 (does not). Exit status 0 as long as the behaviour is as described.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for version in 2.0.2 2.4.6; do
    python3 -m venv "$folder/$version"
    "$folder/$version/bin/pip" install --quiet "numpy==$version"
    "$folder/$version/bin/python" - <<'PY'
import numpy as np

x = np.flip(np.flip(np.random.default_rng(0).normal(size=(40, 33))).copy())
y = np.empty(33)
plain = x.sum(axis=0)
np.add.reduce(x, 0, out=y)
print(f"numpy {np.__version__}, strides {x.strides}: {int((plain != y).sum())} of 33 sums differ with out=")
assert (plain != y).any() == (np.__version__ == "2.0.2"), "the behaviour has changed"
PY
done
