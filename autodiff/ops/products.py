"""Products: linear in each operand."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.primitives import multilinear


def _matmul_a(ct: Any, a: Any, b: Any) -> Any:
    if b.ndim == 1:
        return ct[..., None] * b if a.ndim > 1 else ct * b
    if a.ndim == 1:
        return (ct[..., None, :] @ b.swapaxes(-1, -2))[..., 0, :]
    return ct @ b.swapaxes(-1, -2)


def _matmul_b(ct: Any, a: Any, b: Any) -> Any:
    if a.ndim == 1:
        return a * ct if b.ndim == 1 else a[:, None] * ct[..., None, :]
    if b.ndim == 1:
        return (a.swapaxes(-1, -2) @ ct[..., None])[..., 0]
    return a.swapaxes(-1, -2) @ ct


matmul = multilinear(np.matmul, _matmul_a, _matmul_b, passes_mask=True)
