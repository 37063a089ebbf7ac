"""Second derivatives of scalar functions: the whole Hessian, its products with vectors, and an operator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, overload

import numpy as np

from autodiff import pytree
from autodiff.arrays.plain import data_of
from autodiff.arrays.tensors import Tensor
from autodiff.core import walks
from autodiff.errors import GradientError
from autodiff.transforms.first_order import grad, gradients, jvp, linearize, value_and_grad
from autodiff.transforms.jacobians import jacobian
from autodiff.transforms.recording import Derivative, Function, matching, push


@overload
def hessian(f: Function, argnums: Literal[0] = ...) -> Derivative: ...
@overload
def hessian(f: Function, argnums: Sequence[int]) -> Callable[..., tuple[Any, ...]]: ...
@overload
def hessian(f: Function, argnums: int) -> Function: ...
def hessian(f: Function, argnums: int | Sequence[int] = 0) -> Function:
    """The function that returns all second derivatives of a scalar function.

    Parameters
    ----------
    f : callable
        Returns one real number.
    argnums : int or tuple of int, default 0
        The arguments to differentiate by; they may be nested containers.

    Returns
    -------
    callable
        ``(*args, **kwargs) -> H`` of shape ``x.shape + x.shape``; for containers, a container of containers. It is
        not symmetrised, so it shows where mixed partials differ. In the dtype of the argument.

    Raises
    ------
    GradientError
        If the value is not one real number.

    Notes
    -----
    ``H_ij = d^2 f/(dx_i dx_j)``: a forward sweep over the recorded gradient, along all basis directions at once.

    References
    ----------
    J. Stewart, "Calculus", 8th edition (2016), section 14.3. A. Griewank, A. Walther, "Evaluating Derivatives", 2nd
    edition, SIAM 2008, section 3.2.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> ad.hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 3.0]))
    array([[6., 2.],
           [2., 0.]])
    """
    return jacobian(grad(f, argnums), argnums, mode="forward")


@overload
def hvp(f: Function, x: Tensor, v: Any) -> Tensor: ...
@overload
def hvp(f: Function, x: Any, v: Any) -> Any: ...
def hvp(f: Function, x: Any, v: Any) -> Any:
    """The product of the Hessian of a scalar function with a vector.

    Parameters
    ----------
    f : callable
        A function of one argument that returns one real number.
    x : array_like or container
        The point.
    v : array_like or container
        The vector, with the structure and shapes of `x`.

    Returns
    -------
    array or container
        H v, with the structure of `x`. In the dtype of the argument.

    Raises
    ------
    GradientError
        If the value is not one real number, or the vector has another shape than the point.

    See Also
    --------
    hessian_operator : many products at one point; the gradient is recorded once.

    Notes
    -----
    ``H v = d/dt grad f(x + t v)`` at t = 0: the Hessian is not formed.

    References
    ----------
    B. A. Pearlmutter, "Fast exact multiplication by the Hessian", Neural Computation 6 (1994).

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> ad.hvp(lambda x: (x**3).sum(), np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 6., 12.])
    """
    return jvp(grad(f), (x,), (v,))[1]


class HessianOperator:
    """The Hessian of a scalar function at a point, as a linear operator; the matrix is never formed.

    Made by `hessian_operator`. SciPy's iterative solvers accept it.

    Attributes
    ----------
    shape : tuple of int
        ``(n, n)``, where n is the number of entries of the point.
    dtype : dtype
        The dtype of its entries.
    value : scalar
        The function's value at the point.
    gradient : array or container
        The gradient at the point, with the structure of the point.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> H = ad.hessian_operator(lambda x: np.sum(x**3), np.array([1.0, 2.0]))
    >>> H.shape, H.matvec(np.array([1.0, 1.0]))
    ((2, 2), array([ 6., 12.]))
    """

    def __init__(self, x: Any, value: Any, gradient: Any, product: Function) -> None:
        self._leaves, self._structure = pytree.flatten(x)
        self.value = value
        self.gradient = gradient
        self._product = product
        datas = [data_of(v) for v in self._leaves]
        self._sizes = [d.size for d in datas]
        self.shape: tuple[int, int] = (sum(self._sizes), sum(self._sizes))
        self.dtype: np.dtype[Any] = np.result_type(*datas) if datas else np.dtype(float)

    def matvec(self, v: Any) -> Any:
        """H v: a flat vector if `v` is flat, otherwise in the structure of x, which `v` must have."""
        if isinstance(v, (dict, list, tuple)):
            return self._product(v)
        if self._structure.kind is None and np.shape(v) == np.shape(data_of(self._leaves[0])):
            return self._product(v)
        v = v if isinstance(v, Tensor) else data_of(v)
        if v.shape == (self.shape[0], 1):
            return self.matvec(v.reshape(-1)).reshape(-1, 1)
        if v.shape != (self.shape[0],):
            raise GradientError(
                f"the Hessian has shape {self.shape}; a vector of shape {v.shape} was given. Give a flat vector of "
                f"length {self.shape[0]}, or one in the structure of x."
            )
        parts, start = [], 0
        for x, size in zip(self._leaves, self._sizes, strict=True):
            data = data_of(x)
            parts.append(v[start : start + size].reshape(data.shape).astype(data.dtype))
            start += size
        out = pytree.flatten(self._product(pytree.unflatten(self._structure, parts)))[0]
        return np.concatenate([np.reshape(o, (-1,)) for o in out])

    def matmat(self, V: Any) -> Any:
        """H V, column by column; `V` has the shape (n, k)."""
        V = V if isinstance(V, Tensor) else data_of(V)
        if V.ndim != 2 or V.shape[0] != self.shape[0]:
            raise GradientError(
                f"the Hessian has shape {self.shape}; a matrix of shape {V.shape} was given. It must have "
                f"{self.shape[0]} rows."
            )
        columns = [np.reshape(self.matvec(V[:, i : i + 1]), (-1,)) for i in range(V.shape[1])]
        return np.stack(columns, axis=1) if columns else np.zeros(V.shape, self.dtype)

    @property
    def T(self) -> HessianOperator:  # noqa: N802 - NumPy's name
        """The transposed operator: itself, since mixed derivatives are equal."""
        return self

    def rmatvec(self, v: Any) -> Any:
        """The product with the transposed matrix, which is the same: ``H.matvec(v)``."""
        return self.matvec(v)

    def rmatmat(self, V: Any) -> Any:
        """The product with the transposed matrix, which is the same: ``H.matmat(V)``."""
        return self.matmat(V)

    __array_ufunc__ = None  # NumPy then leaves ``array @ H`` to the method below

    def __matmul__(self, v: Any) -> Any:
        flat = self._structure.kind is None and np.shape(v) == np.shape(data_of(self._leaves[0]))
        is_matrix = not flat and not isinstance(v, (dict, list, tuple)) and np.ndim(v) == 2
        return self.matmat(v) if is_matrix else self.matvec(v)

    def __rmatmul__(self, v: Any) -> Any:
        return self.matvec(v) if np.ndim(v) < 2 else np.transpose(self.matmat(np.transpose(v)))

    def __repr__(self) -> str:
        return f"HessianOperator(shape={self.shape}, dtype={self.dtype})"


def hessian_operator(f: Function | Tensor, x: Any) -> HessianOperator:
    """The Hessian of a scalar function at a point as a linear operator, for many products.

    Parameters
    ----------
    f : callable, or Tensor
        A function of one argument that returns one real number, or such a number that is recorded already.
    x : array_like or container
        The point. For a recorded number: the list of tracked Tensors that it was computed from.

    Returns
    -------
    HessianOperator
        With ``.shape``, ``.dtype``, ``.matvec(v)`` and ``op @ v``. `v` is a flat vector or has the
        structure of `x`; so has the result.

    Raises
    ------
    GradientError
        If the value is not one real number.

    Notes
    -----
    ``H v = d/dt grad f(x + t v)`` at t = 0. The gradient is recorded once. Each product is one forward sweep over it,
    at about twice the cost of a gradient.

    References
    ----------
    B. A. Pearlmutter, "Fast exact multiplication by the Hessian", Neural Computation 6 (1994).

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> op = ad.hessian_operator(lambda x: (x**3).sum(), np.array([1.0, 2.0]))
    >>> op.shape, op @ np.array([1.0, 0.0])
    ((2, 2), array([6., 0.]))
    """
    if isinstance(f, Tensor):
        return _recorded_hessian(f, list(x))
    both = value_and_grad(f)
    x = pytree.point(x)
    (value, gradient), pushforward = linearize(lambda p: both(p), x)
    return HessianOperator(x, value, gradient, lambda v: pushforward(v)[1])


def _recorded_hessian(loss: Tensor, xs: list[Tensor]) -> HessianOperator:
    gradient = gradients(loss, xs, create_graph=True)
    nodes = [x._node for x in xs]
    targets = {n for n in nodes if n is not None}
    roots = [g._node for g in gradient]
    outputs = {n for n in roots if n is not None}
    found = walks.walk(outputs, targets)

    def product(vs: Any) -> list[Any]:
        tangents = {n: matching(v, x, "the vector") for n, v, x in zip(nodes, vs, xs, strict=True) if n is not None}
        swept = push(found, tangents, outputs, False, {})
        return [
            np.zeros_like(g._data) if n is None or n not in swept else swept[n]
            for n, g in zip(roots, gradient, strict=True)
        ]

    return HessianOperator(xs, loss.item(), [g._data for g in gradient], product)
