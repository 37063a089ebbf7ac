"""Products and solutions with SciPy's sparse matrices. Loaded, as SciPy is, when the first of them is met.

A matrix is its stored values, which may be tracked, and a pattern: where they stand. The pattern is metadata. The slope
by a stored value is the product of the row's cotangent and the column's entry, so no dense matrix is ever made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.core.kinds import linear, multilinear, primitive
from autodiff.core.primitives import Primitive
from autodiff.errors import DomainError, DtypeError, MatrixError, MissingExtraError, ShapeError, UnsupportedError
from autodiff.ops.shapes import operand
from autodiff.typing import Shape

Solver = Callable[[Any, Any], Any]


def _scipy() -> Any:
    """``scipy.sparse``, with its linear algebra."""
    try:
        import scipy.sparse.linalg
    except ImportError as error:
        raise MissingExtraError(
            "sparse matrices are SciPy's, which is not installed: pip install 'wengert[special]'."
        ) from error
    return scipy.sparse


class Pattern:
    """Where the stored values of a sparse matrix stand.

    Parameters
    ----------
    make : callable
        SciPy's class, or one of those that it has for the transposed matrix.
    where : tuple of ndarray
        What that class takes beside the values.
    shape : tuple of int
    rows, columns : ndarray
        The place of each stored value.
    """

    def __init__(self, make: Any, where: Any, shape: Shape, rows: Any, columns: Any) -> None:
        self.make, self.where, self.shape, self.rows, self.columns = make, where, shape, rows, columns
        self._is_turned = False
        self._known: list[Any] = []  # shared with the transposed pattern: whether it is that one's, values, factors

    @property
    def transposed(self) -> Pattern:
        """That of the transposed matrix, whose values stand in the same order. It shares the factors."""
        sparse = _scipy()
        turned = {sparse.csr_array: sparse.csc_array, sparse.csc_array: sparse.csr_array}
        where = self.where if self.make in turned else (self.where[0][::-1],)
        turn = Pattern(turned.get(self.make, self.make), where, self.shape[::-1], self.columns, self.rows)
        turn._is_turned, turn._known = not self._is_turned, self._known
        return turn

    def matrix(self, data: Any) -> Any:
        """The matrix with these values."""
        inside = (data, self.where[0]) if len(self.where) == 1 else (data, *self.where)
        return self.make(inside, shape=self.shape)

    def factors(self, data: Any, dtype: Any) -> tuple[Any, str]:
        """LU factors, and how SuperLU solves with them: "T" if they are known of the transposed matrix."""
        for turned, known, factors in self._known:
            if known is data and factors.L.dtype == dtype:
                return factors, "N" if turned == self._is_turned else "T"
        factors = factorized(self.matrix(np.asarray(data, dtype)).tocsc())
        self._known[:] = [(self._is_turned, data, factors)]
        return factors, "N"

    def __repr__(self) -> str:
        return f"<{len(self.rows)} entries of {self.shape[0]} × {self.shape[1]}>"


def factorized(a: Any) -> Any:
    """SuperLU's factors; a singular matrix is refused."""
    try:
        return _scipy().linalg.splu(a)
    except RuntimeError as error:
        raise MatrixError(f"sparse_solve: the matrix of shape {a.shape} is singular ({error}).") from error


# --- products -------------------------------------------------------------------------------------


def _product(data: Any, x: Any, *, pattern: Pattern) -> Any:
    return pattern.matrix(data) @ x


def _at_entries(left: Any, right: Any, pattern: Pattern) -> Any:
    """The entries, where there are any, of the outer product ``left @ right.T``."""
    both = left[pattern.rows] * right[pattern.columns]
    return both if both.ndim == 1 else np.sum(both, axis=-1)


product: Primitive = multilinear(
    _product,
    lambda ct, data, x, *, pattern: _at_entries(ct, x, pattern),
    lambda ct, data, x, *, pattern: product(data, ct, pattern=pattern.transposed),
    name="sparse_matmul",
)
"""The product of a sparse matrix, by its stored values, and a vector or matrix."""


# --- solutions ------------------------------------------------------------------------------------


def _solution(data: Any, b: Any, *, pattern: Pattern, solver: Solver | None) -> Any:
    if solver is None:
        dtype = np.result_type(data, b)
        factors, trans = pattern.factors(data, dtype)
        return factors.solve(np.ascontiguousarray(b, dtype), trans)
    a = pattern.matrix(data)
    if b.ndim == 1:
        return _answer(solver, a, b)
    columns = [_answer(solver, a, b[:, i]) for i in range(b.shape[1])]
    return np.stack(columns, axis=1) if columns else np.zeros(b.shape, b.dtype)


def _answer(solver: Solver, a: Any, b: Any) -> Any:
    """What a user's solver found; anything but a vector is refused."""
    x = solver(a, b)
    if isinstance(x, tuple) or np.shape(x) != b.shape:
        was = f"a {type(x).__name__}" if isinstance(x, tuple) else f"shape {np.shape(x)}"
        raise ShapeError(
            f"sparse_solve: solver returned {was} for b of shape {b.shape}; it must return x alone. Of SciPy's solvers "
            "that also tell whether they converged, write solver=lambda A, b: gmres(A, b)[0]."
        )
    return np.asarray(x)


def _by_data(ct: Any, y: Any, data: Any, b: Any, *, pattern: Pattern, solver: Solver | None) -> Any:
    return -_at_entries(solution(data, ct, pattern=pattern.transposed, solver=solver), y, pattern)


solution: Primitive = primitive(
    _solution,
    name="sparse_solve",
    vjp=[
        _by_data,
        lambda ct, y, data, b, *, pattern, solver: solution(data, ct, pattern=pattern.transposed, solver=solver),
    ],
    jvp=[
        lambda t, y, data, b, *, pattern, solver: (
            -solution(data, product(t, y, pattern=pattern), pattern=pattern, solver=solver)
        ),
        lambda t, y, data, b, *, pattern, solver: solution(data, t, pattern=pattern, solver=solver),
    ],
)
"""The x with ``A @ x = b``, where A is given by its stored values."""


def _by_factors(b: Any, *, factors: Any, trans: str) -> Any:
    """SuperLU solves in the dtype of its factors only."""
    dtype = factors.L.dtype
    if b.dtype.kind == "c" and dtype.kind != "c":
        return _by_factors(b.real, factors=factors, trans=trans) + 1j * _by_factors(
            b.imag, factors=factors, trans=trans
        )
    return factors.solve(np.ascontiguousarray(b, dtype), trans)


@linear(_by_factors, name="sparse_factors_solve")
def solved_by_factors(ct: Any, b: Any, *, factors: Any, trans: str) -> Any:
    """Cotangent of `b`: the solution with the transposed factors."""
    return solved_by_factors(ct, factors=factors, trans="T" if trans == "N" else "N")


def conjugate_gradients(a: Any, b: Any) -> Any:
    """SciPy's ``cg``, nearly to the last digit, or an error."""
    eps = np.finfo(np.result_type(a.dtype, b.dtype)).eps
    with np.errstate(all="ignore"):  # of a matrix that is not definite
        x, failed = _scipy().linalg.cg(a, b, rtol=max(1e-13, 8 * float(eps)), atol=0.0)
    if failed or not np.isfinite(x).all():
        raise DomainError(
            f"sparse_solve: conjugate gradients did not converge for the matrix of shape {a.shape}; is it symmetric "
            "and positive definite? Leave out solver= for a factorisation."
        )
    return x


# --- the functions that users call ----------------------------------------------------------------


def _taken(a: Any, data: Any, who: str) -> tuple[Any, Pattern]:
    """The stored values and the pattern of a sparse matrix."""
    sparse = _scipy()
    if not sparse.issparse(a):
        raise UnsupportedError(
            f"{who}: A must be one of SciPy's sparse matrices; a {type(a).__name__} was given. Write "
            "scipy.sparse.csr_array(A), or use NumPy's function for a dense one."
        )
    if a.ndim != 2:
        raise ShapeError(f"{who}: A must be a matrix; it has shape {a.shape}. Write A.reshape(1, -1) for one row.")
    if data is not None and a.format not in ("csr", "csc", "coo"):
        raise UnsupportedError(
            f"{who}: data= are the stored values in the order of A.data, for the formats csr, csc and coo; A has the "
            f"format {a.format}. Write A = A.tocsr()."
        )
    if a.dtype.kind not in "fciub":
        raise DtypeError(f"{who}: A has dtype {a.dtype}; expected numbers. Convert it with A.astype(float).")
    a = a if a.format in ("csr", "csc", "coo") else a.tocsr()
    stored = a.data if data is None else operand(data)
    if stored.shape != a.data.shape:
        raise ShapeError(
            f"{who}: data has shape {stored.shape}; A has {a.nnz} stored values, so it must have shape {a.data.shape}."
        )
    if a.format == "coo":
        return stored, Pattern(sparse.coo_array, ((a.row, a.col),), a.shape, a.row, a.col)
    inner = np.repeat(np.arange(len(a.indptr) - 1), np.diff(a.indptr))
    rows, columns = (inner, a.indices) if a.format == "csr" else (a.indices, inner)
    make = sparse.csr_array if a.format == "csr" else sparse.csc_array
    return stored, Pattern(make, (a.indices, a.indptr), a.shape, rows, columns)


def _right_side(x: Any, length: int, shape: Shape, who: str, name: str) -> Any:
    x = operand(x)
    if x.ndim not in (1, 2) or x.shape[0] != length:
        raise ShapeError(
            f"{who}: A has shape {shape} and {name} {x.shape}; {name} must be a vector of length {length}, or a matrix "
            f"with {length} rows."
        )
    return x


def sparse_matmul(A: Any, x: Any, *, data: Any = None) -> Any:
    """The product of a sparse matrix and a vector or matrix.

    Parameters
    ----------
    A : scipy.sparse array or matrix, (m, n)
        In any format.
    x : array_like or Tensor, (n,) or (n, k)
        The right factor; for a left one write ``x @ A``.
    data : array_like or Tensor, the shape of ``A.data``, optional
        Values in place of the stored ones, in the same order; they may be tracked. The formats are csr, csc and coo.

    Returns
    -------
    Tensor or ndarray, (m,) or (m, k)
        A Tensor if an operand is one.

    Raises
    ------
    UnsupportedError
        If `A` is not sparse, or its format has no order of values.
    ShapeError
        If the shapes do not fit.
    MissingExtraError
        If SciPy is not installed.

    Notes
    -----
    ``y = A x``; the cotangents are ``Aᵀ ct`` of x, and of the value at (i, j) the sum of ``ct_i x_j`` over the columns.
    No dense matrix is made, and the derivatives have derivatives.

    References
    ----------
    M. B. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation",
    Advances in Automatic Differentiation (2008), section 2.2.2.

    Examples
    --------
    >>> import numpy as np, scipy.sparse, autodiff as ad
    >>> A = scipy.sparse.csr_array([[2.0, 0.0], [1.0, 3.0]])
    >>> ad.grad(lambda x: ad.sparse_matmul(A, x).sum())(np.array([1.0, 1.0]))
    array([3., 3.])
    >>> ad.grad(lambda v: ad.sparse_matmul(A, np.array([1.0, 10.0]), data=v).sum())(A.data)
    array([ 1.,  1., 10.])
    """
    stored, pattern = _taken(A, data, "sparse_matmul")
    return product(stored, _right_side(x, pattern.shape[1], pattern.shape, "sparse_matmul", "x"), pattern=pattern)


def left_product(x: Any, a: Any) -> Any:
    """``x @ A`` with a sparse A, by its transpose; further axes of x are like rows."""
    if x.ndim < 2:
        return sparse_matmul(a.T, x)
    flat = np.reshape(x, (-1, x.shape[-1]))
    return np.reshape(np.transpose(sparse_matmul(a.T, np.transpose(flat))), (*x.shape[:-1], a.shape[1]))


def sparse_solve(A: Any, b: Any, *, data: Any = None, solver: str | Solver = "lu") -> Any:
    """The x with ``A @ x = b``, for a sparse square matrix.

    Parameters
    ----------
    A : scipy.sparse array or matrix, (n, n), or SuperLU
        Real or complex numbers; or factors, which ``scipy.sparse.linalg.splu(A)`` makes once for many right sides, and
        which solve in their own precision.
    b : array_like or Tensor, (n,) or (n, k)
        One or several right sides.
    data : array_like or Tensor, the shape of ``A.data``, optional
        Values in place of the stored ones, in the same order; they may be tracked. The formats are csr, csc and coo.
    solver : {"lu", "cg"} or callable, default "lu"
        A factorisation, which serves the gradient as well; conjugate gradients, for symmetric positive definite
        matrices; or a function ``(A, b) -> x`` of a sparse array and a vector, which gets the transposed matrix too.

    Returns
    -------
    Tensor or ndarray, (n,) or (n, k)
        A Tensor if an operand is one.

    Raises
    ------
    DtypeError
        If `A` holds integers.
    MatrixError
        If it is singular.
    DomainError
        If conjugate gradients do not converge.
    ShapeError, UnsupportedError, MissingExtraError
        As for `sparse_matmul`; and if `A` is not square.

    Notes
    -----
    With g the solution of ``Aᵀ g = ct``, the cotangent of b is g, and that of the value at (i, j) is ``-g_i x_j``. A
    solution is differentiated by solutions, so all orders follow.

    References
    ----------
    M. B. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation",
    Advances in Automatic Differentiation (2008), section 2.3.1.

    Examples
    --------
    >>> import numpy as np, scipy.sparse, autodiff as ad
    >>> A = scipy.sparse.csr_array([[2.0, 0.0], [1.0, 4.0]])
    >>> ad.grad(lambda b: ad.sparse_solve(A, b).sum())(np.array([1.0, 1.0]))
    array([0.375, 0.25 ])
    """
    sparse = _scipy()
    if isinstance(A, sparse.linalg.SuperLU):
        if data is not None:
            raise UnsupportedError(
                "sparse_solve: factors were given, whose values are fixed; give A itself with data=."
            )
        return solved_by_factors(_right_side(b, A.shape[0], A.shape, "sparse_solve", "b") * 1.0, factors=A, trans="N")
    stored, pattern = _taken(A, data, "sparse_solve")
    if pattern.shape[0] != pattern.shape[1]:
        raise ShapeError(f"sparse_solve: A must be square; it has shape {pattern.shape}.")
    if stored.dtype.kind not in "fc":
        raise DtypeError(
            f"sparse_solve: A has dtype {stored.dtype}, and equations are solved in real or complex numbers. Convert "
            "it with A.astype(float)."
        )
    if isinstance(solver, str) and solver not in ("lu", "cg"):
        raise UnsupportedError(f"sparse_solve: solver must be 'lu', 'cg' or a function (A, b) -> x; not {solver!r}.")
    b = _right_side(b, pattern.shape[0], pattern.shape, "sparse_solve", "b")
    chosen = None if solver == "lu" else conjugate_gradients if solver == "cg" else solver
    return solution(stored, b, pattern=pattern, solver=chosen)
