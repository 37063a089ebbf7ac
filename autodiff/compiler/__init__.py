"""Compiled functions: one call is traced, its operations are rewritten, and a program of NumPy calls is written."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ParamSpec, Protocol, TypeVar, overload

import numpy as np

from autodiff import pytree
from autodiff.arrays.tensors import Tensor
from autodiff.compiler.compiled import Compiled
from autodiff.compiler.identifiers import comment, identifier
from autodiff.compiler.passes import PASSES
from autodiff.compiler.program import Program
from autodiff.compiler.source import Writer
from autodiff.compiler.tracing import trace
from autodiff.compiler.values import Op, Value
from autodiff.errors import CompileError

__all__ = ["Compiled", "Op", "Program", "Value", "compile", "derive"]


class _Module(Protocol):
    def __autodiff_compiled__(self, make: Callable[[Any], Any]) -> Any: ...


M = TypeVar("M", bound=_Module)
P = ParamSpec("P")
R = TypeVar("R")


class _Decorator(Protocol):
    @overload
    def __call__(self, f: M, /) -> M: ...
    @overload
    def __call__(self, f: Callable[P, R], /) -> Compiled[P, R]: ...


@overload
def compile(
    f: M,
    *,
    fallback: bool = ...,
    backend: str = ...,
    check: int | str = ...,
    mesh: Any = ...,
    shardings: Mapping[str, Any] | None = ...,
) -> M: ...
@overload
def compile(
    f: Callable[P, R],
    *,
    fallback: bool = ...,
    backend: str = ...,
    check: int | str = ...,
    mesh: Any = ...,
    shardings: Mapping[str, Any] | None = ...,
) -> Compiled[P, R]: ...
@overload
def compile(
    f: None = ...,
    *,
    fallback: bool = ...,
    backend: str = ...,
    check: int | str = ...,
    mesh: Any = ...,
    shardings: Mapping[str, Any] | None = ...,
) -> _Decorator: ...
def compile(
    f: Any = None,
    *,
    fallback: bool = False,
    backend: str = "numpy",
    check: int | str = 1,
    mesh: Any = None,
    shardings: Mapping[str, Any] | None = None,
) -> Any:  # - the public name is compile
    """Compile a function into a program of NumPy calls that does the same.

    Parameters
    ----------
    f : callable
        Any function written for the engine, unchanged: a loss, a gradient, a whole training step with ``zero_grad``,
        ``backward`` and ``optimizer.step()`` in it. Without `f`, `compile` returns a decorator. It works on methods
        too; each object then has its own programs.
    fallback : bool, default False
        If `f` cannot be compiled, warn once and run `f` itself; if only C cannot be compiled, the NumPy program.
    backend : {"numpy", "native", "jax"}, default "numpy"
        What runs the program: NumPy, with planned buffers; C, built by the machine's compiler (``CC``, ``cc``, ``gcc``,
        ``clang`` or the extra ``native``), for small networks several times as fast; or JAX (extra ``jax``), which
        compiles it for the device it finds, perhaps an accelerator. With JAX, labels are checked and random numbers
        drawn here before the program runs. Tensors, gradients and the state of optimisers stay on the device between
        calls, and come back when somebody looks at them. What a layer computes is one program of XLA; an operation that
        JAX does not have is a callback into NumPy.
    check : int or "always", default 1
        For how many calls of a program `f` runs as well, to compare the two.
    mesh : jax.sharding.Mesh or int, optional
        Many devices, for the backend ``"jax"``; a number of devices is a mesh with the one axis ``"data"``. Arrays
        among the arguments are split along their first axis over the first axis of the mesh. After
        ``jax.distributed.initialize()`` every process feeds its own part of the batch, all of them the same number of
        rows, and gets whole results; a first call, and the one that is compared, gather the batch.
    shardings : mapping of str to jax.sharding.PartitionSpec, optional
        How parameters lie on the mesh, with their gradients and the state of optimisers: patterns of their paths, as in
        ``{"*.weight": P(None, "model")}``. The first that fits holds. Other Tensors are whole on every device.

    Returns
    -------
    Compiled
        Called like `f`. Its ``source`` is the program as Python. A module of `nn` becomes a module of its class, with
        the same parameters, state and modes.

    Raises
    ------
    CompileError
        At the first call, if what `f` does depends on the values of arrays: a branch, a loop count, ``float(x)``. The
        message names the line and the way out. Also if there is no C compiler, or it fails or takes over two minutes;
        and if a mesh or a rule of `shardings` does not fit.
    ShapeError
        If an argument does not divide among the devices of a mesh. Nothing has been changed then.
    DeviceError
        If a step fails on its devices, as when another process ends.

    Notes
    -----
    The first call runs `f` itself once and records its NumPy calls. So does the first call with other shapes, dtypes,
    strides or Python numbers, and the first after something that `f` reads has changed. Later calls run the program.
    Arguments, Tensors, parameters, settings of optimisers and draws from generators are live: the program reads them
    at every call. Everything else that `f` reads is guarded, by name and by content. What a program could not repeat
    is refused: writes to outside objects, the clock, files, global random numbers.

    The second call of a program also runs `f` and compares results, gradients and state, bit for bit. So the second
    call costs as much as the program and the plain call together.

    The program gives the same numbers as the plain call, bit for bit, on the machine on which it was traced. There are
    two exceptions. `integrate`, `odeint` and `expectation` choose nodes and steps by values; a program keeps those of
    its trace while they are good enough, and agrees to their tolerance. And the backends ``"native"`` and ``"jax"``
    agree to rounding, and do not give NumPy's warnings about infinities and NaN. The
    results share memory with nothing else, even where the plain function returns a view of an argument or a parameter.

    A result that depends on parameters is tracked, as the result of `f` is: ``loss(compiled(x)).backward()`` reaches
    them. It is not tracked under ``no_grad``, after a step that has changed the parameters, or if it is a derivative.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> @ad.compile
    ... def double(x):
    ...     return x + x
    >>> double(np.ones(2)), double(np.ones(2))
    (array([2., 2.]), array([2., 2.]))
    >>> f = ad.compile(ad.value_and_grad(lambda w: np.sum(np.tanh(w) ** 2)))
    >>> value, gradient = f(np.array([0.5, 1.0]))
    >>> value, gradient = f(np.array([0.0, 1.0]))  # runs the program
    >>> gradient.round(6)
    array([0.      , 0.639700])
    """
    options: dict[str, Any] = {"fallback": fallback, "backend": backend, "check": check}
    options |= {"mesh": mesh, "shardings": shardings}
    if f is None:
        return functools.partial(compile, **options)
    if isinstance(f, (staticmethod, classmethod)):
        return type(f)(compile(f.__func__, **options))
    if not callable(f):
        raise CompileError(f"compile: a function is expected; a {type(f).__name__} was given.")
    if isinstance(f, type):
        raise CompileError(f"compile: {f.__name__} is a class; compile a callable object of it, or a method.")
    if backend not in ("numpy", "native", "jax"):
        raise CompileError(f'compile: the backends are "numpy", "native" and "jax"; {backend!r} was given.')
    make: Callable[[Any], Any] = functools.partial(Compiled, **options)
    hook = getattr(f, "__autodiff_compiled__", None)
    return make(f) if hook is None else hook(make)


def derive(f: Callable[P, Any]) -> Callable[P, str]:
    """The program of a function as readable NumPy: for a gradient, the equations of backpropagation.

    Parameters
    ----------
    f : callable
        For example ``ad.grad(loss)``.

    Returns
    -------
    callable
        Called with the arguments of `f`, it returns the text. Arrays and numbers are its variables, integers only where
        nothing else is one; but a number whose value the function asks for is none.

    Raises
    ------
    CompileError
        When called: if what `f` does depends on the values of arrays.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> print(ad.derive(ad.grad(lambda x: np.sin(x) * x))(2.0))
    def f(x0):
        # forward
        sin_1 = np.sin(x0)
        # backwards through sin
        ct_cos_1 = np.cos(x0)
        ct_product_1 = x0 * ct_cos_1
        return sin_1 + ct_product_1
    """

    def written(*args: P.args, **kwargs: P.kwargs) -> str:
        leaves, structure = pytree.flatten((args, kwargs))
        name = getattr(f, "__name__", "f")

        def traced(numbers: tuple[type, ...]) -> Program:
            """The program in which numbers of these types are variables, as 0-d arrays are."""
            given = [np.asarray(x)[()] if isinstance(x, np.ndarray) or type(x) in numbers else x for x in leaves]
            return trace(f, name, given, lambda new: pytree.unflatten(structure, new)).program

        # An integer may be an axis or a number of steps: it is a variable only where nothing else is one.
        others = any(isinstance(x, (np.ndarray, np.generic, float, complex, Tensor)) for x in leaves)
        try:
            program = traced((float, complex) if others else (int,))
        except CompileError:  # the function asks for the value of a number
            program = traced(())
        program = replace(program, outputs=program.answers, kept=0)  # nothing is saved: no backward pass follows
        for rewrite in PASSES:
            program = rewrite(program)
        writer = Writer(program)
        writer.name_values()
        lines = [f"    {line}" for line in writer.body()]
        returned = ", ".join(writer.returned_parts())
        made = f"    {returned} = "
        if lines and lines[-1].startswith(made) and re.search(r"_\d+$", returned):  # a name that the user did not give
            returned = lines.pop().removeprefix(made)
        lines.append(f"    return {returned}")
        shown = ", ".join(writer.names[v] for v in program.arguments)
        title = name if identifier(name) == name else "f"
        return "\n".join([*(f"# {comment(line)}" for line in writer.legend), f"def {title}({shown}):", *lines])

    return written
