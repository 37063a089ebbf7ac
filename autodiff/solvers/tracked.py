"""Whether a value depends on an argument that a running transform is differentiating."""

from __future__ import annotations

from typing import Any

from autodiff.arrays.tensors import Tensor
from autodiff.core.tape import Leaf


def is_being_differentiated(value: Any) -> bool:
    """Whether a value depends on an argument of a transform (`grad`, `jvp`, ...) that is still running.

    A method that leaves the graph, such as a search for a minimum, would give such a transform derivatives of 0.

    Parameters
    ----------
    value : Tensor of any shape, or anything else
        A Tensor without a graph is a constant.

    Returns
    -------
    bool
        False for anything that is not a Tensor, or that depends only on leaves made with ``requires_grad=True``.

    Examples
    --------
    >>> import autodiff as ad
    >>> seen = []
    >>> _ = ad.grad(lambda a: seen.append(ad.solvers.is_being_differentiated(2 * a)) or a)(1.0)
    >>> seen, ad.solvers.is_being_differentiated(2 * ad.tensor(1.0, requires_grad=True))
    ([True], False)
    """
    node = value._node if isinstance(value, Tensor) else None
    waiting, seen = [node] if node is not None else [], {node}
    while waiting:
        node = waiting.pop()
        parents = [p for p in node.parents if p is not None]
        if not parents and not isinstance(node, Leaf):
            return True
        fresh = [p for p in parents if p not in seen]
        seen.update(fresh)
        waiting += fresh
    return False
