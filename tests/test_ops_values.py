"""Every row's value and dtype are NumPy's, on every layout and in both precisions."""

import numpy as np
import pytest

import autodiff as ad
from autodiff import pytree
from tests.op_cases import ALL, cast
from tests.op_cases.checks import assert_close, largest, on_calls, plain, tracked
from tests.op_cases.tolerances import VALUE


@pytest.mark.parametrize("case", ALL, ids=str)
def test_value_and_dtype_are_those_of_numpy(case):
    def check(call, dtype):
        operands = [cast(x, dtype) for x in call.operands] if dtype is np.float32 else call.operands
        expected = plain((case.reference or case.fn)(*operands, **call.keywords))
        for name, given_ in (("tracked", tracked(operands)), ("plain", operands)):
            result = pytree.flatten(case.fn(*given_, **call.keywords))[0]
            assert len(result) == len(expected)
            for y, wanted in zip(result, expected, strict=True):
                data = y.data if isinstance(y, ad.Tensor) else np.asarray(y)[()]
                assert data.shape == wanted.shape, name
                assert data.dtype == wanted.dtype, name
                assert_close(data, wanted, VALUE.get(wanted.dtype, 0.0), size=largest(operands), what=name)

    on_calls(case, check, dtype=[np.float64, np.float32])
