"""Whether a value depends on something that a transform is differentiating at the moment."""

from __future__ import annotations

from typing import Any

from autodiff.arrays.tensors import Tensor
from autodiff.core.tape import Leaf


def is_being_differentiated(value: Any) -> bool:
    """Whether a value leads back to an argument of a transform (`grad`, `jvp`, ...) that is still running.

    A method that leaves the record, as a search for a minimum does, would give such a transform zeros.

    Parameters
    ----------
    value : Tensor or anything else

    Returns
    -------
    bool
        False for what is no Tensor, or leads to leaves only, made with ``requires_grad=True``.

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
