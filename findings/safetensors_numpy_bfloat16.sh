#!/usr/bin/env bash
# The NumPy interface of safetensors writes arrays of ml_dtypes.bfloat16, under the dtype BF16 and correctly, and cannot
# read them back: safetensors.numpy.load fails with KeyError: 'BF16', and so does safe_open(framework="np") for that
# tensor. A file that holds one such tensor cannot be loaded as a whole, whether or not ml_dtypes is installed; torch's
# interface reads it. Many published weights are bfloat16. Met when such weights were to be loaded into a NumPy model.
# Versions: safetensors 0.8.0, numpy 2.4.6, ml_dtypes 0.5.4. Exit status 0 as long as the behaviour is as described.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet safetensors==0.8.0 numpy==2.4.6 ml_dtypes==0.5.4
"$folder/env/bin/python" - <<'PY'
import json
import struct

import ml_dtypes
import numpy as np
from safetensors.numpy import load, save

data = save({"w": np.array([1.0, 2.5, -3.0], ml_dtypes.bfloat16), "b": np.zeros(2, np.float32)})
(size,) = struct.unpack("<Q", data[:8])
header = json.loads(data[8 : 8 + size])
print("written:", header["w"])
assert header["w"]["dtype"] == "BF16" and header["w"]["shape"] == [3]
try:
    print("read:", load(data))
except KeyError as error:
    print("read: KeyError", error)
    assert error.args == ("BF16",)
else:
    raise AssertionError("it reads bfloat16 now")
PY
