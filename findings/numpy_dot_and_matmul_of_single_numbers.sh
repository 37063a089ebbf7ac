#!/usr/bin/env bash
# np.dot and np.matmul differ in the sign of a zero for matrices of one row and one column: dot gives the product of the
# two numbers, matmul adds it to 0 first, and 0 + (-0.0) is 0.0. For every other size tried, from 1 x 1 x 2 to 3 x 3 x 3,
# the signs agree. So replacing one by the other, which is faster, changes results where a network has a layer of one
# unit and a batch of one sample. Met when a compiled training step gave 0.0 where the step itself gave -0.0.
# Seen: np.dot([[1.]], [[-0.]]) is [[-0.]], np.matmul of the same is [[0.]], for float32 and float64.
# Version: numpy 2.4.6. Exit status 0 as long as the behaviour is as described.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet numpy==2.4.6
OPENBLAS_NUM_THREADS=1 "$folder/env/bin/python" - <<'PY'
import itertools

import numpy as np

rng = np.random.default_rng(0)
differ = set()
for dtype in (np.float32, np.float64):
    for n, k, m in itertools.product((1, 2, 3), repeat=3):
        for _ in range(100):
            a = rng.choice([-1.0, -0.0, 0.0, 1.0], (n, k)).astype(dtype)
            b = rng.choice([-1.0, -0.0, 0.0, 1.0], (k, m)).astype(dtype)
            one, two = np.dot(a, b), np.matmul(a, b)
            assert np.array_equal(one, two), "the values differ, not only the signs of zeros"
            if (np.signbit(one) != np.signbit(two)).any():
                differ.add((n, k, m))
print("sizes at which the signs of zeros differ:", sorted(differ))
print("dot:", np.dot([[1.0]], [[-0.0]]), "matmul:", np.matmul([[1.0]], [[-0.0]]))
assert differ == {(1, 1, 1)}, "the sizes at which they differ are others now"
assert np.signbit(np.dot([[1.0]], [[-0.0]]))[0, 0] and not np.signbit(np.matmul([[1.0]], [[-0.0]]))[0, 0]
PY
