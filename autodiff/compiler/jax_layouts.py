"""Where arrays lie: on JAX's default device, or over a mesh of several, of one process or of many.

JAX does the distribution: here stand only the places of arrays, from which XLA works out what devices tell each other.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from autodiff import pytree
from autodiff.arrays.afar import DeviceArray
from autodiff.arrays.tensors import Tensor, lift
from autodiff.compiler.values import Value
from autodiff.errors import CompileError, ShapeError


def wide(jax: Any) -> Any:
    """The context manager in which JAX keeps float64."""
    return jax.enable_x64 if hasattr(jax, "enable_x64") else jax.experimental.enable_x64


class Layout:
    """Everything lies on JAX's default device; a place is None.

    Attributes
    ----------
    whole : place
        Where every device has all of an array.
    devices : int
    groups : int
        How many parts of a batch the processes feed: 1 if this process has all of it.
    """

    whole: Any = None
    devices = groups = 1

    def __init__(self, jax: Any) -> None:
        self.jax = jax

    def options(self, out: list[Any]) -> dict[str, Any]:
        """The options of `jax.jit` by which results come to these places."""
        return {}

    def of_tensors(self, tensors: list[Tensor]) -> list[Any]:
        """The places of Tensors."""
        return [None] * len(tensors)

    def of_fed(self, v: Value) -> Any:
        """The place of an argument or of random numbers."""
        return None

    def share(self, shape: tuple[int, ...], place: Any) -> tuple[int, ...]:
        """The shape of one device's share of an array."""
        return shape

    def local(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of the part of an argument that this process has."""
        return shape

    def sent(self, array: Any, place: Any) -> DeviceArray:
        """A copy of an array on the device: one that JAX may overwrite."""
        return self.jax.device_put(np.array(array))

    def fed(self, array: Any, place: Any) -> Any:
        """An argument, or random numbers, as `jax.jit` takes it."""
        return array

    def moved(self, array: Any, place: Any) -> DeviceArray:
        """An array that is on a device already, at its place."""
        return array

    def check(self, f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Raise ShapeError if an argument cannot be split."""

    def gathered(self, x: Any) -> Any:
        """All of an argument of which this process has a part."""
        return x


class Spread(Layout):
    """Arrays lie over a mesh of devices: arguments in parts along their first axis, Tensors whole or as rules say.

    Parameters
    ----------
    jax : module
    mesh : jax.sharding.Mesh or int
        The first axis of the mesh splits the batch; a number of devices is a mesh of that axis alone.
    shardings : mapping of str to PartitionSpec, optional
        Patterns of paths of parameters, and how these lie. The first that fits holds.

    Raises
    ------
    CompileError
        If there are not so many devices, or a rule names an axis that the mesh does not have.
    """

    def __init__(self, jax: Any, mesh: Any, shardings: Mapping[str, Any] | None) -> None:
        super().__init__(jax)
        self._mesh = mesh = _mesh(jax, mesh)
        self._axis = str(mesh.axis_names[0])
        self._rules = dict(shardings or {})
        for pattern, spec in self._rules.items():
            if not isinstance(spec, jax.sharding.PartitionSpec):
                raise CompileError(
                    f"compile: shardings[{pattern!r}] must be a jax.sharding.PartitionSpec, such as P(None, 'model'); "
                    f"{spec!r} was given."
                )
            for axis in _axes(spec):
                if axis not in mesh.axis_names:
                    raise CompileError(
                        f"compile: shardings[{pattern!r}] = {spec} names the axis {axis!r}, which the mesh does not "
                        f"have; its axes are {', '.join(map(repr, mesh.axis_names))}."
                    )
        me, rows = jax.process_index(), mesh.devices.reshape(len(mesh.devices), -1)
        mine = sum(any(d.process_index == me for d in row) for row in rows)
        if not mine:
            raise CompileError(
                f"compile: the mesh has no device of this process, number {me} of {jax.process_count()}. Every process "
                f"takes part with its own devices: jax.make_mesh((jax.device_count(),), ('data',))."
            )
        self.devices, self._parts = mesh.devices.size, len(rows)
        self.groups = self._parts // mine
        self._here = self._parts // self.groups
        self.whole = self._place()
        self._split = self._place(self._axis)

    def _place(self, *spec: Any) -> Any:
        return self.jax.sharding.NamedSharding(self._mesh, self.jax.sharding.PartitionSpec(*spec))

    def options(self, out: list[Any]) -> dict[str, Any]:
        """The options of `jax.jit` by which results come to these places."""
        return {"out_shardings": tuple(out)}

    def of_tensors(self, tensors: list[Tensor]) -> list[Any]:
        """The places of Tensors. CompileError if one does not divide, or if a rule fits none."""
        unused, places = dict(self._rules), []
        for t in tensors:
            fitting = [pattern for pattern in self._rules if fnmatchcase(_path(t), pattern)]
            for pattern in fitting:
                unused.pop(pattern, None)
            places.append(self._of_tensor(t, fitting[0]) if fitting else self.whole)
        if unused:
            names = ", ".join(repr(_path(t)) for t in tensors if _path(t)) or "none"
            raise CompileError(
                f"compile: shardings[{next(iter(unused))!r}] fits no parameter that the function reads; these are "
                f"{names}."
            )
        return places

    def _of_tensor(self, t: Tensor, pattern: str) -> Any:
        spec = self._rules[pattern]
        sizes = [math.prod(self._mesh.shape[axis] for axis in _axes((part,))) for part in spec]
        if len(sizes) > t.ndim or any(length % size for length, size in zip(t.shape, sizes)):
            raise CompileError(
                f"compile: shardings[{pattern!r}] = {spec} does not fit {_path(t)!r}: its shape is {t.shape}, and the "
                f"rule splits its axes into {tuple(sizes)} parts. An axis must divide evenly."
            )
        return self._place(*spec)

    def of_fed(self, v: Value) -> Any:
        """The place of an argument or of random numbers, and its whole shape if this process has only a part."""
        place = self._split if v.shape and v.shape[0] % self._parts == 0 else self.whole
        return place, v.shape if v.kind == "argument" else None

    def share(self, shape: tuple[int, ...], place: Any) -> tuple[int, ...]:
        """The shape of one device's share of an array."""
        return tuple(place.shard_shape(shape))

    def local(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of the part of an argument that this process has."""
        return (shape[0] // self.groups, *shape[1:]) if shape else shape

    def sent(self, array: Any, place: Any) -> DeviceArray:
        """A copy of an array on the devices: one that JAX may overwrite."""
        array = np.array(array)
        if self.jax.process_count() == 1:
            return self.jax.device_put(array, place)
        return self.jax.make_array_from_callback(array.shape, place, array.__getitem__)

    def fed(self, array: Any, place: Any) -> Any:
        """An argument, of which this process may have a part, or random numbers, of which every process has all."""
        where, shape = place
        if self.groups > 1 and shape is not None:
            return self.jax.make_array_from_process_local_data(where, np.asarray(array), shape)
        return self.sent(array, where)

    def moved(self, array: Any, place: Any) -> DeviceArray:
        """An array that is on a device already, at its place."""
        return array if array.sharding == place else self.jax.device_put(array, place)

    def check(self, f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Raise ShapeError if an argument cannot be split."""
        try:
            given = inspect.signature(f).bind(*args, **kwargs).arguments
        except (TypeError, ValueError):  # no signature is known, or the call itself will say what is wrong
            given = {f"number {i}": x for i, x in enumerate(args)} | kwargs
        for name, tree in given.items():
            for x in pytree.flatten(tree)[0]:
                shape = np.shape(x) if isinstance(x, (np.ndarray, Tensor)) else ()
                if shape and (shape[0] % self._here or not shape[0]):
                    low = shape[0] // self._here * self._here
                    among = "of this process " if self.groups > 1 else ""
                    raise ShapeError(
                        f"compile: the argument {name!r} has {shape[0]} rows, its shape is {shape}; they do not divide "
                        f"among the {self._here} parts {among}along the axis {self._axis!r} of the mesh. Give "
                        f"{f'{low} or ' if low else ''}{low + self._here} rows (nn.fit: batch_size=, and "
                        f"drop_last=True), or fewer devices."
                    )

    def gathered(self, x: Any) -> Any:
        """All of an argument of which this process has a part, where there are several `groups`."""
        a = x._data if isinstance(x, Tensor) and x._node is None else x
        if not isinstance(a, np.ndarray) or not a.ndim:
            return x
        from jax.experimental import multihost_utils

        with wide(self.jax)(True):
            shapes = multihost_utils.process_allgather(np.array(a.shape))
            if (shapes != a.shape).any():
                raise ShapeError(
                    f"compile: the processes feed parts of different shapes, {np.unique(shapes, axis=0).tolist()}. "
                    f"Every process feeds the same number of rows at every call."
                )
            part = self.jax.make_array_from_process_local_data(self._split, a)
            whole = np.array(multihost_utils.process_allgather(part, tiled=True))
        return lift(whole, None) if isinstance(x, Tensor) else whole


def _mesh(jax: Any, mesh: Any) -> Any:
    if isinstance(mesh, jax.sharding.Mesh):
        return jax.sharding.Mesh(mesh.devices, mesh.axis_names)  # whose axes XLA shards by itself, whatever was given
    if isinstance(mesh, bool) or not isinstance(mesh, (int, np.integer)) or mesh < 1:
        raise CompileError(f"compile: mesh must be a jax.sharding.Mesh or a number of devices; {mesh!r} was given.")
    if mesh > jax.device_count():
        raise CompileError(
            f"compile: mesh={mesh} asks for {mesh} devices; JAX finds {jax.device_count()}. On one CPU the environment "
            f"variable XLA_FLAGS=--xla_force_host_platform_device_count={mesh} makes so many, if it is set before JAX "
            f"is imported."
        )
    return jax.sharding.Mesh(np.array(jax.devices()[:mesh]), ("data",))


def _path(t: Tensor) -> str:
    """The path of a parameter, a frozen one too; empty if the Tensor has none."""
    leaf = t._node if t._node is not None else getattr(t, "_resting", None)
    return getattr(leaf, "name", None) or ""


def _axes(spec: Iterable[Any]) -> list[Any]:
    """The names of axes in a PartitionSpec, or in some of its parts."""
    return [axis for part in spec if part is not None for axis in (part if isinstance(part, tuple) else (part,))]
