"""Nested dicts, lists and tuples of arrays (trees), flattened to a list and rebuilt.

A `Structure` value describes the structure of a tree: two trees have the same structure if these values are
equal. A leaf is any object other than a dict, list or tuple; None is an empty tree.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from autodiff.errors import StructureError


class Structure(NamedTuple):
    """The structure of a tree: the type of the container, its keys, and the structure of each child."""

    kind: type | None
    keys: tuple[Any, ...]
    children: tuple[Structure, ...]

    @property
    def size(self) -> int:
        """Number of leaves."""
        return 1 if self.kind is None else sum(c.size for c in self.children)

    def __str__(self) -> str:
        if self.kind is None:
            return "*"
        inner = [str(c) for c in self.children]
        if issubclass(self.kind, dict):
            return "{" + ", ".join(f"{k!r}: {v}" for k, v in zip(self.keys, inner, strict=True)) + "}"
        if self.kind is type(None):
            return "None"
        if issubclass(self.kind, tuple):
            return "(" + ", ".join(inner) + (",)" if len(inner) == 1 else ")")
        return "[" + ", ".join(inner) + "]"


LEAF = Structure(None, (), ())


def point(tree: Any) -> Any:
    """A list of numbers, or of equally long lists of them, as an array; anything else as it is.

    So users may write a point as ``[2, 1]``. Numbers that a transform tracks, or that are traced, count as numbers, so
    what is a point is one in an outer transform as well. A list in a container, a list of arrays, and a tuple are
    containers.
    """
    if type(tree) is not list or _shape(tree) is None:
        return tree
    return np.array(tree) if _is_plain(tree) else np.stack([point(v) if type(v) is list else v for v in tree])


def _shape(tree: list[Any]) -> tuple[int, ...] | None:
    """The shape of nested lists of numbers; None if their rows differ, or hold something else."""
    if any(type(v) is list for v in tree):
        rows = {_shape(v) if type(v) is list else None for v in tree}
        row = rows.pop()
        return None if rows or row is None else (len(tree), *row)
    return (len(tree),) if tree and all(type(v) in (int, float, complex) or _is_number(v) for v in tree) else None


def _is_number(value: Any) -> bool:
    """Whether it is a NumPy number, or a Tensor or a traced array without axes."""
    return isinstance(value, np.number) or (getattr(value, "shape", None) == () and hasattr(value, "dtype"))


def _is_plain(tree: list[Any]) -> bool:
    return all(_is_plain(v) if type(v) is list else isinstance(v, (int, float, complex, np.number)) for v in tree)


def flatten(tree: Any) -> tuple[list[Any], Structure]:
    """The leaves of `tree`, in order, and its structure."""
    leaves: list[Any] = []
    return leaves, _flatten(tree, leaves)


def _flatten(tree: Any, leaves: list[Any]) -> Structure:
    if isinstance(tree, dict):
        keys = tuple(tree)
        return Structure(type(tree), keys, tuple(_flatten(tree[k], leaves) for k in keys))
    if isinstance(tree, (list, tuple)):
        return Structure(type(tree), (), tuple(_flatten(v, leaves) for v in tree))
    if tree is None:
        return Structure(type(None), (), ())
    leaves.append(tree)
    return LEAF


def unflatten(structure: Structure, leaves: list[Any]) -> Any:
    """The tree of the given structure with the given leaves: the inverse of `flatten`."""
    if structure is LEAF or structure.kind is None:
        return leaves[0]
    return _unflatten(structure, iter(leaves))


def _unflatten(structure: Structure, leaves: Any) -> Any:
    kind: Any = structure.kind
    if kind is None:
        return next(leaves)
    if kind is type(None):
        return None
    values = [_unflatten(c, leaves) for c in structure.children]
    if issubclass(kind, dict):
        tree = kind.__new__(kind)
        tree.update(zip(structure.keys, values, strict=True))
        return tree
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return kind(*values)
    return kind(values)


def paths(structure: Structure, name: str) -> list[str]:
    """A readable path for every leaf: ``params['layers'][0]``."""
    found: list[str] = []
    _paths(structure, name, found)
    return found


def _paths(structure: Structure, prefix: str, found: list[str]) -> None:
    if structure.kind is None:
        found.append(prefix)
        return
    keys = structure.keys or range(len(structure.children))
    for key, child in zip(keys, structure.children, strict=True):
        _paths(child, f"{prefix}[{key!r}]", found)


def flatten_like(structure: Structure, tree: Any, what: str) -> list[Any]:
    """The leaves of `tree`, which must have the given structure (dict keys in any order).

    Raises
    ------
    StructureError
        If the structures differ; the message shows both, and calls the tree `what`.
    """
    if structure.kind is None:
        tree = point(tree)
        if not isinstance(tree, (dict, list, tuple)) and tree is not None:
            return [tree]
    leaves: list[Any] = []
    if not _match(structure, tree, leaves):
        raise StructureError(f"{what} has the structure {flatten(tree)[1]}; expected {structure}.")
    return leaves


def _match(structure: Structure, tree: Any, leaves: list[Any]) -> bool:
    kind = structure.kind
    if kind is None:
        leaves.append(tree)
        return not isinstance(tree, (dict, list, tuple)) and tree is not None
    if kind is type(None):
        return tree is None
    if issubclass(kind, dict):
        return (
            isinstance(tree, dict)
            and tree.keys() == set(structure.keys)
            and all(_match(c, tree[k], leaves) for k, c in zip(structure.keys, structure.children, strict=True))
        )
    base = list if issubclass(kind, list) else tuple
    return (
        isinstance(tree, base)
        and len(tree) == len(structure.children)
        and all(_match(c, v, leaves) for c, v in zip(structure.children, tree, strict=True))
    )
