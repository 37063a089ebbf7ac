#!/usr/bin/env bash
# onnxruntime computes transpose(x) @ v, a Transpose followed by a MatMul whose second operand is a vector, wrongly when
# its graph optimisations are on, as they are by default: no error, another vector of the same length. Without them the
# answer is NumPy's and that of ONNX's own reference evaluator. v @ transpose(x), and a matrix of one column in place of
# the vector, are right both ways. A stack of matrices with a vector is wrong as well. ONNX's MatMul is defined to behave
# like numpy.matmul, vectors included. Met when a model exported as ONNX gave other answers than the model.
# Seen: for x of shape (3, 4), float32, the answer differs from the right one by 3.5, for numbers of size 1.
# Versions: onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6. Exit status 0 as long as the behaviour is as described.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
"$folder/env/bin/python" - <<'PY'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

LEVELS = onnxruntime.GraphOptimizationLevel


def errors(shape, axes, other, swapped=False):
    """The largest errors without optimisations, with them, and of the reference evaluator."""
    rng = np.random.default_rng(0)
    given = {"x": rng.normal(size=shape).astype(np.float32), "v": rng.normal(size=other).astype(np.float32)}
    x, v = given["x"].transpose(axes), given["v"]
    right = v @ x if swapped else x @ v
    operands = ["v", "t"] if swapped else ["t", "v"]
    model = helper.make_model(
        helper.make_graph(
            [helper.make_node("Transpose", ["x"], ["t"], perm=axes), helper.make_node("MatMul", operands, ["y"])],
            "product",
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, a.shape) for name, a in given.items()],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, right.shape)],
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=8,
    )
    onnx.checker.check_model(model, full_check=True)
    answers = []
    for level in (LEVELS.ORT_DISABLE_ALL, LEVELS.ORT_ENABLE_ALL):
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = level
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
        answers += session.run(None, given)
    answers += ReferenceEvaluator(model).run(None, given)
    return [float(np.abs(y - right).max()) for y in answers]


for title, wrong, case in (
    ("matrix and vector", True, ((3, 4), [1, 0], (3,))),
    ("stack and vector", True, ((2, 3, 4), [0, 2, 1], (3,))),
    ("vector and matrix", False, ((3, 4), [1, 0], (4,), True)),
    ("matrix and column", False, ((3, 4), [1, 0], (3, 1))),
):
    plain, optimised, reference = errors(*case)
    print(f"{title}: error {plain:.0e}, optimised {optimised:.0e}, reference evaluator {reference:.0e}")
    assert plain < 1e-5 and reference < 1e-5, title
    assert (optimised > 0.1) == wrong, title
PY
