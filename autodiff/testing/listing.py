"""A recorded graph as text, one operation a line, for the output of a failed test."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from autodiff import drawing
from autodiff.arrays.tensors import lift
from autodiff.core.tape import ITEM, Leaf, Node
from autodiff.testing.blame import operations, recorded
from autodiff.testing.problems import Problem

_LINES = 40  # the middle of a longer listing is left out


def listing(roots: Iterable[Node], mark: Node | None = None) -> str:
    """The operations that lead to some nodes, oldest first.

    Parameters
    ----------
    roots : iterable of Node
        The results.
    mark : Node, optional
        The node to mark with an arrow.

    Returns
    -------
    str
        Lines such as ``v2 = multiply(x, v1)  (3,) float64``. Untracked arrays are shown by shape and dtype, numbers by
        value.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> from autodiff.testing.listing import listing
    >>> x = ad.tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> print(listing([np.sum(x * np.sin(x))._node]))
    v1 = sin(x)  (2,) float64
    v2 = multiply(x, v1)  (2,) float64
    v3 = sum(v2)  () float64
    """
    names: dict[Node, str] = {}
    lines = []
    nodes = operations(roots)
    for k, node in enumerate(nodes, 1):
        names[node] = f"v{k}"
        inputs = zip(node.operands, node.parents, strict=True)
        operands = [_operand(x, p, names, at) for at, (x, p) in enumerate(inputs)]
        if node.primitive is ITEM:
            expression = f"{operands[0]}[{node.keywords['index']}]"
        else:
            operands += [f"{key}={value}" for key, value in node.keywords.items() if value not in (None, False)]
            expression = f"{node.primitive.name}({', '.join(operands)})"
        arrow = "   <-- here" if node is mark else ""
        lines.append(f"{names[node]} = {expression}  {_type(node.output)}{arrow}")
    if len(lines) > _LINES:
        half = _LINES // 2
        lines[half:-half] = [f"... {len(lines) - 2 * half} more ..."]
    return "\n".join(lines)


def _operand(x: Any, parent: Node | None, names: dict[Node, str], at: int) -> str:
    if parent is not None:
        return names.get(parent) or (parent.name if isinstance(parent, Leaf) and parent.name else f"operand {at}")
    return f"{x:.6g}" if np.ndim(x) == 0 and np.asarray(x).dtype.kind in "fiu" else f"<{_type(x)}>"


def _type(x: Any) -> str:
    if isinstance(x, tuple):
        return ", ".join(map(_type, x))
    return f"{np.shape(x)} {np.asarray(x).dtype}"


def shown(problem: Problem, node: Node | None) -> tuple[str, Callable[[], Any] | None]:
    """The graph of a problem as text, and a function that draws it.

    If there is an operation to blame, `node`, only the operations that lead to it are shown.
    """
    roots = {node} if node is not None else recorded(problem)
    if not roots:
        return "", None

    def picture() -> Any:
        return drawing.draw([lift(root.output, root) for root in roots])

    return listing(roots, node), picture
