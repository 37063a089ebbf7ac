"""The base of all layers and models: named parameters, modes, state."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, Never, ParamSpec, Protocol, TypeVar

import numpy as np

import autodiff as ad
from autodiff.typing import Array
from nn.compiled import compiled_module
from nn.inputs import plain
from nn.named import Named
from nn.parameters import Buffer, Parameter, displaced, is_result, is_unlisted
from nn.summaries import Summary, summarize

Hook = Callable[["Module", tuple[Any, ...], Any], Any]


class HookHandle:
    """The handle that `Module.register_hook` returns; it removes the hook again.

    Attributes
    ----------
    function : callable
        The hook.
    looks_only : bool
        Whether the hook promises to change nothing.

    Examples
    --------
    >>> import numpy as np, nn
    >>> model, shapes = nn.Sequential(nn.Linear(2, 3), nn.ReLU()), []
    >>> handle = model.register_hook("1", lambda module, inputs, output: shapes.append(output.shape))
    >>> _ = model(np.ones((4, 2)))
    >>> handle.remove()
    >>> _ = model(np.ones((4, 2)))
    >>> shapes
    [(4, 3)]
    """

    def __init__(self, module: Module, function: Hook, looks_only: bool) -> None:
        self._module = module
        self.function = function
        self.looks_only = looks_only
        self._settle((*module._hooks, self))

    def remove(self) -> None:
        """Remove the hook; calling this again does nothing."""
        rest = tuple(h for h in self._module._hooks if h is not self)
        if len(rest) < len(self._module._hooks):
            self._settle(rest)

    def _settle(self, hooks: tuple[HookHandle, ...]) -> None:
        attributes = self._module.__dict__
        attributes["_hooks"] = hooks
        if not hooks:
            del attributes["_hooks"]  # as before the first hook, so that a compiled function sees an unchanged module
        if not self.looks_only:
            ad.structure_changed()

    def __enter__(self) -> HookHandle:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


Self = TypeVar("Self", bound="Module")
P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)


class _Computes(Protocol[P, R_co]):
    """A module as its own call sees it: so a checker gives the call the signature of the subclass's `forward`."""

    _name: str
    _label: str
    _hooks: tuple[HookHandle, ...]

    def forward(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...


class Module(Named):
    """A layer, or a model made of layers.

    A subclass assigns parameters and modules (or nested lists, tuples and dicts of them) to attributes in
    ``__init__`` and defines ``forward``. Calling the module runs ``forward`` in a scope with the module's
    name, so that graphs and error messages can name the layer.

    Attributes
    ----------
    training : bool
        Whether the module is in training mode; set by `train` and `eval`.

    Raises
    ------
    NotImplementedError
        When called: if the subclass does not define ``forward``.

    Examples
    --------
    >>> import numpy as np, nn
    >>> class Twice(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.inner = nn.Linear(2, 2)
    ...
    ...     def forward(self, x):
    ...         return self.inner(self.inner(x))
    >>> model = Twice()
    >>> [name for name, _ in model.named_parameters()]
    ['inner.weight', 'inner.bias']
    >>> model(np.ones((3, 2))).shape
    (3, 2)
    """

    # Class attributes, so that a subclass that forgets super().__init__() still works.
    training: bool = True
    _name: str = ""
    _label: str = ""
    _hooks: tuple[HookHandle, ...] = ()
    torch_names: ClassVar[Mapping[str, str]] = {}
    """What parameters and submodules are called in torch, where it is something else (`load_torch`)."""
    torch_transposes: ClassVar[tuple[str, ...]] = ()
    """How the names of the matrices begin that torch keeps transposed."""

    def __setattr__(self, key: str, value: Any) -> None:
        if key == "requires_grad":
            raise self._cannot_set(key)
        before = self.__dict__.get(key)
        if isinstance(before, (Parameter, Buffer)) and not (value is None or isinstance(value, _OWN)):
            raise TypeError(displaced(f"{type(self).__name__}.{key}", before))
        for path, member in _entries(key, value):
            if is_unlisted(member):
                raise TypeError(
                    f"{type(self).__name__}.{path}: parameters() would not list this tensor, so no optimiser would "
                    f"train it. Make it a parameter, nn.Parameter(value), or assign only its values, x.detach()."
                )
            if is_result(member) and _is_being_made(self):
                raise TypeError(
                    f"{type(self).__name__}.{path}: this tensor is computed only once, in __init__: no optimiser would "
                    f"train it, and it would not follow changes of what it was computed from. Compute it in forward, "
                    f"or make its values a parameter, nn.Parameter(x.detach())."
                )
        for path, member in _members(key, value):
            if isinstance(member, Module):
                member._adopt(path)
            elif member.requires_grad:
                member.name = path
        super().__setattr__(key, value)
        ad.structure_changed()

    def __delattr__(self, key: str) -> None:
        super().__delattr__(key)
        ad.structure_changed()

    def _adopt(self, name: str) -> None:
        """Store the name that the parent gives this module, and pass it on to the parameters."""
        self.__dict__["_name"] = name
        self.__dict__["_label"] = f"{name} {type(self).__name__}"
        for path, p in self.named_parameters():
            if p.requires_grad:
                p.name = f"{name}.{path}"

    def __call__(self: _Computes[P, R_co], *args: P.args, **kwargs: P.kwargs) -> R_co:
        with ad.scope(self._label or type(self).__name__):
            try:
                y = self.forward(*args, **kwargs)
            except ad.ShapeError as error:
                error.within(self._name)
                raise
        for hook in self._hooks:
            answer = hook.function(self, args, y)  # type: ignore[arg-type]  # it is a Module
            if answer is not None:
                y = answer
        return y

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output; each subclass defines this."""
        instead = "; call is named forward here" if hasattr(type(self), "call") else ""
        raise NotImplementedError(f"{type(self).__name__} does not define forward(self, x){instead}.")

    @property
    def _output_bounds(self) -> tuple[float, float] | None:
        """For the Monitor: between which numbers the outputs lie, close to which the slope is nearly 0."""
        return None

    @property
    def _is_rectifier(self) -> bool:
        """For the Monitor: whether a unit that gives 0 passes no gradient back."""
        return False

    def __autodiff_compiled__(self, make: Callable[[Module], Any]) -> Module:
        """The object that `autodiff.compile` returns for a module: again a module."""
        return compiled_module(self, make)

    # --- submodules, parameters and buffers ---------------------------------------------------------

    def children(self) -> Iterator[tuple[str, Module]]:
        """Names and modules of the direct children, in the order of assignment."""
        for path, member in self.own_members():
            if isinstance(member, Module):
                yield path, member

    def own_members(self) -> Iterator[tuple[str, Module | Parameter | Buffer]]:
        """Names and modules, parameters and buffers that this module itself holds, in the order of assignment."""
        for key, value in self.__dict__.items():
            yield from _members(key, value)

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """Paths and modules, this one first; a module that is used twice appears once, under its first path."""
        seen: set[Module] = set()
        waiting = [(prefix, self)]
        while waiting:
            path, module = waiting.pop()
            if module not in seen:
                seen.add(module)
                yield path, module
                children = [(f"{path}.{name}" if path else name, child) for name, child in module.children()]
                waiting.extend(reversed(children))

    def _named_state(self) -> Iterator[tuple[str, Parameter | Buffer]]:
        """Paths with parameters and buffers, in the order of assignment; each once, under its first path."""
        seen: set[int] = set()
        for prefix, module in self.named_modules():
            for path, member in module.own_members():
                if not isinstance(member, Module) and id(member) not in seen:
                    seen.add(id(member))
                    yield f"{prefix}.{path}" if prefix else path, member

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Paths and parameters, in the order of assignment; a shared parameter appears once, under its first path."""
        return ((path, p) for path, p in self._named_state() if isinstance(p, Parameter))

    def parameters(self) -> list[Parameter]:
        """The parameters, in the order of `named_parameters`."""
        return [p for _, p in self.named_parameters()]

    def named_buffers(self) -> Iterator[tuple[str, Buffer]]:
        """Paths and buffers, in the order of assignment; a shared buffer appears once, under its first path."""
        return ((path, b) for path, b in self._named_state() if isinstance(b, Buffer))

    def buffers(self) -> list[Buffer]:
        """The buffers, in the order of `named_buffers`."""
        return [b for _, b in self.named_buffers()]

    def module_at(self, path: str) -> Module:
        """The module at a path, written as `named_modules` does; the empty path is this module.

        Raises
        ------
        autodiff.StructureError
            If there is no module at this path.
        """
        # Any path to a module is accepted, not only the first: a layer that is used twice has two.
        module = self
        rest = path
        while rest:
            below = [(n, m) for n, m in module.children() if rest == n or rest.startswith(n + ".")]
            if not below:
                known = [name for name, _ in self.named_modules()]
                import difflib  # only for a wrong name

                near = difflib.get_close_matches(path, known, n=1)
                raise ad.StructureError(
                    f"{type(self).__name__} has no module {path!r}; "
                    + (f"did you mean {near[0]!r}?" if near else f"its modules are {', '.join(map(repr, known))}.")
                )
            name, module = max(below, key=lambda found: len(found[0]))
            rest = rest[len(name) + 1 :]
        return module

    def register_hook(self, path: str, function: Hook, *, looks_only: bool = False) -> HookHandle:
        """Call a function each time a module has run, to look at the output or to change it.

        Parameters
        ----------
        path : str
            Path of the module, as in `named_modules`: ``"0.conv1"``. The empty path is this module.
        function : callable
            ``function(module, inputs, output)``, with the positional arguments of the call as a tuple. Its return
            value replaces the output, unless it is None.
        looks_only : bool, default False
            Promises that the hook returns None and changes nothing. Compiled functions then stay as they are and do
            not call it; any other hook makes them trace again.

        Returns
        -------
        HookHandle
            Its ``remove()`` removes the hook; as a context manager it does so on exit.

        Raises
        ------
        autodiff.StructureError
            If there is no such module.

        Examples
        --------
        >>> import numpy as np, nn
        >>> model = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
        >>> with model.register_hook("1", lambda module, inputs, output: print(module, output.shape)):
        ...     _ = model(np.ones((5, 2)))
        ReLU() (5, 3)
        """
        if not callable(function):
            raise TypeError(f"register_hook: the hook must be a function; a {type(function).__name__} was given.")
        return HookHandle(self.module_at(path), function, looks_only)

    def requires_grad_(self: Self, on: bool = True) -> Self:
        """Freeze (False) or unfreeze (True) the parameters of this module and all its submodules; returns the module.

        Frozen parameters are still saved and listed by `parameters`. Nothing is recorded for them, and they receive
        no gradient. An optimiser that already holds them leaves them unchanged.

        Examples
        --------
        >>> import nn
        >>> model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
        >>> _ = model[0].requires_grad_(False)
        >>> [name for name, p in model.named_parameters() if p.requires_grad]
        ['1.weight', '1.bias']
        """
        for p in self.parameters():
            p.requires_grad_(on)
        return self

    def summary(self, x: Any) -> Summary:
        """A table of the layers, the shapes of their outputs, and their numbers of parameters.

        Parameters
        ----------
        x : array_like, Tensor, or tuple of int
            An input, or its shape: then the input is zeros in the parameters' dtype. The model runs once, in
            evaluation mode and without recording.

        Returns
        -------
        Summary
            It prints as a table.

        Examples
        --------
        >>> import nn
        >>> nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)).summary((1, 64))
        layer  kind    output   parameters  bytes
        0      Linear  (1, 32)       2,080  8,320
        1      ReLU    (1, 32)           0      0
        2      Linear  (1, 10)         330  1,320
        total                        2,410  9,640
        2,410 trainable
        """
        return summarize(self, x)

    def zero_grad(self) -> None:
        """Clear the gradients of all parameters."""
        for p in self.parameters():
            p.zero_grad()

    # --- modes ------------------------------------------------------------------------------------

    def train(self: Self, mode: bool = True) -> Self:
        """Set training mode (or, with False, evaluation mode) for this module and all its submodules; returns it."""
        changed = [module for _, module in self.named_modules() if module.training != mode]
        if changed and ad.is_compiling():
            raise ad.CompileError(
                f"compile: {type(self).__name__}.{'train' if mode else 'eval'}() changes modes inside of a compiled "
                f"function, which a program would not do again. Call it outside of the function."
            )
        for module in changed:
            module.training = mode
        return self

    def eval(self: Self) -> Self:
        """Set evaluation mode for this module and all its submodules; returns the module."""
        return self.train(False)

    @contextmanager
    def modes_kept(self) -> Iterator[None]:
        """Context manager that restores the mode of every submodule on exit.

        A submodule may be in a mode of its own, such as a frozen batch norm; ``train()`` would change that.

        Examples
        --------
        >>> import numpy as np, nn
        >>> model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5).eval())
        >>> with model.modes_kept():
        ...     y = model.eval()(np.ones((1, 2)))
        >>> model.training, model[1].training
        (True, False)
        """
        modes = [(m, m.training) for _, m in self.named_modules()]
        try:
            yield
        finally:
            for m, mode in modes:
                if m.training != mode:
                    m.training = mode

    # --- state ------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Array]:
        """A copy of the values of every parameter and buffer by its path, always in C order."""
        return {name: np.array(p.data, order="C") for name, p in self._named_state()}

    def load_state_dict(self, state: Mapping[str, Any], **unknown: Never) -> None:
        """Set every parameter and buffer. The whole state is checked before anything is changed.

        A weight here has shape (in, out), so that a layer is ``x @ weight``; in torch it is (out, in). See `nn.load`.

        Parameters
        ----------
        state : mapping of str to array_like
            As returned by `state_dict`.

        Raises
        ------
        autodiff.StructureError
            If names are missing or unknown.
        autodiff.ShapeError, autodiff.DtypeError
            If a shape differs, or values cannot be cast to the dtype of their place: complex to real, or text.
        """
        if unknown:
            self._refuse("load_state_dict", unknown)
        self.check_state_dict(state)
        for name, p in self._named_state():
            p.assign_(np.asarray(plain(state[name])))

    def check_state_dict(self, state: Mapping[str, Any]) -> None:
        """Raise the errors that `load_state_dict` would raise, and change nothing."""
        if not isinstance(state, Mapping):
            raise TypeError(
                f"load_state_dict takes a mapping of names and arrays, as returned by state_dict() or nn.load(path); "
                f"a {type(state).__name__} was given."
            )
        mine = dict(self._named_state())
        if any(type(v).__module__.partition(".")[0] == "torch" for v in state.values()):
            raise ad.StructureError(
                "load_state_dict: the state holds tensors of torch, which keeps matrices transposed: write "
                "nn.load_torch(model, state). Nothing was loaded."
            )
        missing, unknown = [k for k in mine if k not in state], [k for k in state if k not in mine]
        if missing or unknown:
            of_torch = any("in_proj" in k or "out_proj" in k or "self_attn" in k for k in unknown)
            raise ad.StructureError(
                f"the state does not belong to this {type(self).__name__}: missing {missing or 'nothing'}, unknown "
                f"{unknown or 'nothing'}.{_OF_TORCH if of_torch else ''} Nothing was loaded."
            )
        for name, p in mine.items():
            given = np.asarray(plain(state[name]))
            what = "buffer" if isinstance(p, Buffer) else "parameter"
            if given.shape != p.shape:
                hint = _OF_TORCH if given.ndim == 2 and given.shape[::-1] == p.shape else ""
                raise ad.ShapeError(
                    f"{name}: the state has shape {given.shape}, the {what} {p.shape}.{hint} Nothing was loaded."
                )
            if not np.can_cast(given.dtype, p.dtype, "same_kind"):
                raise ad.DtypeError(
                    f"{name}: the state has dtype {given.dtype}, the {what} {p.dtype}. Nothing was loaded."
                )

    def describe(self) -> str:
        """The text between the parentheses of the repr."""
        return ""

    def __repr__(self) -> str:
        children = list(self.children())
        if not children:
            return f"{type(self).__name__}({self.describe()})"
        lines = [f"  {name}: " + repr(child).replace("\n", "\n  ") for name, child in children]
        return f"{type(self).__name__}({self.describe()}\n" + "\n".join(lines) + "\n)"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **_: Any) -> dict[str, str]:
        """For notebooks: the text, and a table of the parameters."""
        return ad.display.bundle(repr(self), _parameter_table(self))


_OWN = (Module, Parameter, Buffer)
_OF_TORCH = " If the state comes from torch, nn.load_torch(model, state) turns its layouts and names."
_NUMBERED = "_modules"
"""The attribute of `Sequential` and `ModuleList` whose entries are named by their index alone."""


def _parameter_table(module: Module) -> str:
    """Paths, shapes and sizes of all parameters, as an HTML table."""
    rows = [[path, str(p.shape), str(p.dtype), p.size, "" if p.requires_grad else "frozen"]
            for path, p in module.named_parameters()]  # fmt: skip
    total = sum(p.size for p in module.parameters())
    caption = f"{type(module).__name__}: {total:,} parameters"
    return ad.display.table(["parameter", "shape", "dtype", "entries", ""], rows, caption) if rows else ""


def _members(key: str, value: Any) -> Iterator[tuple[str, Module | Parameter | Buffer]]:
    """The modules, parameters and buffers that an attribute holds."""
    return ((path, v) for path, v in _entries(key, value) if isinstance(v, _OWN))


def _entries(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The attribute itself, or the entries of its nested lists, tuples and dicts, with their paths."""
    if isinstance(value, (list, tuple, dict)):
        prefix = "" if key == _NUMBERED else f"{key}."
        for k, v in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _entries(f"{prefix}{k}", v)
    else:
        yield key, value


def _is_being_made(module: Module) -> bool:
    """Whether the module's ``__init__`` is running; after it a module may keep results, such as its last loss."""
    frame = sys._getframe(2)
    while frame is not None:
        code = frame.f_code
        if code.co_name == "__init__" and code.co_argcount and frame.f_locals.get(code.co_varnames[0]) is module:
            return True
        frame = frame.f_back  # type: ignore[assignment]  # None ends the loop
    return False


def generators_of(module: Module) -> dict[str, np.random.Generator]:
    """The random generators that a module and its submodules hold as attributes, by their paths."""
    return {
        f"{prefix}.{path}" if prefix else path: member
        for prefix, part in module.named_modules()
        for key, value in part.__dict__.items()
        for path, member in _entries(key, value)
        if isinstance(member, np.random.Generator)
    }
