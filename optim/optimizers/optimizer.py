"""The base of all optimisers: the flat home of the parameters, the state, and updates of both in blocks."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from itertools import pairwise
from typing import Any, Never

import numpy as np

import autodiff as ad
from autodiff import flat
from optim.named import Named
from optim.optimizers.clipping import clip_grad_norm
from optim.options import Group, Option, checked, finite_from_zero, fitting, grouped, options_of

Vector = np.ndarray[Any, np.dtype[Any]]
Settings = tuple[Any, ...]

BLOCK = 16384
"""Number of entries updated at a time, so that the vectors stay in the cache between the NumPy calls of an update."""
_MANY = 64  # the number of parameter ranges whose views are kept


class Optimizer(Named):
    """Base of the optimisers that need only gradients.

    A subclass names its state vectors, declares its options, and defines three functions: `settings`, the numbers of a
    step; `update`, the formula in plain NumPy; and `update_in_place`, the same without new arrays. Both updates see
    real vectors: the real and imaginary parts of complex parameters, as in torch.

    Parameters
    ----------
    parameters : iterable of Tensor, or of dict
        Tracked leaves, such as ``model.parameters()``; or parameter groups with their own options, such as
        ``[{"params": a.parameters()}, {"params": b.parameters(), "learning_rate": 0.1}]``.
    learning_rate : float
    weight_decay : float, default 0.0
        ``weight_decay * p`` is added to the gradient of a parameter p.
    **options
        The options that the subclass declares.

    Attributes
    ----------
    groups : list of Group
        The parameter groups; their options are attributes, which may be changed between steps.
    learning_rate, weight_decay : float
        The option of the first group; setting it sets it in all groups. The same holds for the other options.

    Examples
    --------
    >>> import autodiff as ad, optim
    >>> a, b = ad.tensor([1.0], requires_grad=True), ad.tensor([1.0], requires_grad=True)
    >>> groups = [{"params": [a]}, {"params": [b], "learning_rate": 0.5}]
    >>> optimizer = optim.GradientDescent(groups, learning_rate=0.1)
    >>> _ = optimizer.step(lambda: (a + b).sum())
    >>> a.data, b.data
    (array([0.9]), array([0.5]))
    >>> optimizer.groups[1].learning_rate = 0.25
    """

    state_names: tuple[str, ...] = ()
    decay_in_gradient = True  # False: `settings` and `update` apply the weight decay

    learning_rate = Option(finite_from_zero)
    weight_decay = Option(finite_from_zero)

    def __init__(
        self,
        parameters: Iterable[ad.Tensor] | Iterable[Mapping[str, Any]],
        learning_rate: float,
        *,
        weight_decay: float = 0.0,
        **options: Any,
    ) -> None:
        options = {"learning_rate": learning_rate, "weight_decay": weight_decay, **options}
        self._settle(grouped(type(self), parameters, options))

    def _settle(self, groups: list[Group]) -> None:
        """Move the parameters to their flat home, and create the state. A run of parameters lies within one group."""
        self.groups = groups
        flat.house([p for group in groups for p in group.parameters])  # contiguous across all groups
        pairs = [(run, group) for group in groups if group.parameters for run in flat.house(group.parameters)]
        self._runs = [run for run, _ in pairs]
        self._settings = [group for _, group in pairs]
        self._state = [
            {name: self.first_state(name, group, run.values) for name in self.state_names} for run, group in pairs
        ]
        self._steps = [[0] * len(run.parameters) for run in self._runs]
        self._vectors = [
            [_real_view(v) for v in (run.values, run.gradients, *state.values())]
            for run, state in zip(self._runs, self._state, strict=True)
        ]
        self._blocks: dict[tuple[int, int, int], list[list[Vector]]] = {}  # views, cached
        self._afar: dict[int, list[Any]] = {}  # by run: the state, parameter by parameter, if a device has it
        self._scratch = [np.empty(min(BLOCK, vectors[0].size), vectors[0].dtype) for vectors in self._vectors]

    @staticmethod
    def first_state(name: str, group: Group, values: Vector) -> Vector:
        """The initial state vector `name`: zeros with the shape of `values`."""
        return np.zeros_like(values)

    @property
    def parameters(self) -> list[ad.Tensor]:
        """The parameters, each once."""
        return [p for run in self._runs for p in run.parameters]

    def zero_grad(self, **unknown: Never) -> None:
        """Clear the gradients of all parameters: each ``grad`` becomes None."""
        if unknown:
            self._refuse("zero_grad", unknown)
        for run in self._runs:
            for leaf in run.leaves:
                leaf.grad = None

    def step(
        self, loss_fn: Callable[[], ad.Tensor] | None = None, *, clip_norm: float | None = None
    ) -> ad.Tensor | None:
        """Update every parameter that has a gradient; the others keep their values and state.

        Parameters
        ----------
        loss_fn : callable, optional
            ``() -> loss``, a scalar Tensor. If given, it is evaluated and differentiated first, and the step uses the
            gradients of the loss that it returns. It may call ``backward`` itself, but need not.
        clip_norm : float, optional
            If given, `clip_grad_norm` first clips the gradients of the parameters to this total norm.

        Returns
        -------
        Tensor or None
            The loss that `loss_fn` returned, before the step.

        Raises
        ------
        autodiff.GradientError
            If `loss_fn` called ``backward`` and its gradients are not those of the returned loss.
        """
        loss = None
        if loss_fn is not None:
            if not callable(loss_fn):
                raise TypeError(
                    f"{type(self).__name__}.step takes the loss as a function, or nothing; a {type(loss_fn).__name__} "
                    "was given. Write loss.backward(); optimizer.step(), or optimizer.step(lambda: loss(model))."
                )
            self.zero_grad()
            loss = loss_fn()
            if not isinstance(loss, ad.Tensor):
                raise TypeError(
                    f"{type(self).__name__}.step: loss_fn returned a {type(loss).__name__}; expected the loss as a "
                    f"Tensor, computed from the parameters."
                )
            own = [(leaf, leaf.grad) for run in self._runs for leaf in run.leaves if leaf.grad is not None]
            if own:  # loss_fn called backward itself, as closures for torch do
                own = [] if ad.is_compiling() else [(leaf, grad.copy()) for leaf, grad in own]
                self.zero_grad()
            loss.backward()
            if own:
                self._check_own_gradients(own)
        if clip_norm is not None:
            clip_grad_norm(self.parameters, checked("clip_norm", clip_norm, 0.0))
        if ad.is_compiling():
            ad.effect(self.update_parameters, self.parameters)
        else:
            self.update_parameters()
        return loss

    def _check_own_gradients(self, own: list[tuple[Any, Vector]]) -> None:
        """Raise if the gradients that `loss_fn` left are not those of its loss: clipped, or of another loss."""
        for leaf, mine in own:
            found = np.zeros_like(mine) if leaf.grad is None else leaf.grad
            rtol = float(np.finfo(mine.dtype).eps) ** 0.5  # a sum of several backward passes is rounded differently
            if np.allclose(mine, found, rtol, rtol * float(np.abs(found).max(initial=0.0)), equal_nan=True):
                continue
            name = getattr(leaf, "name", None)
            raise ad.GradientError(
                f"{type(self).__name__}.step: loss_fn called backward(), and the gradient that it left"
                f"{f' in {name!r}' if name else ''} is not that of the loss it returned, which the step would use. "
                f"Return the intended loss, without backward(); or, to clip or to add up gradients, compute them "
                f"yourself and then call step() without loss_fn."
            )

    def update_parameters(self) -> None:
        """Update all parameters that have a gradient: the second half of `step`."""
        self.__autodiff_fetch__()
        for run, group, steps, vectors, scratch in zip(
            self._runs, self._settings, self._steps, self._vectors, self._scratch, strict=True
        ):
            dtype = scratch.dtype
            width = 2 if run.values.dtype.kind == "c" else 1
            for first, last in _stretches(run, steps):
                # 0-d arrays of the same dtype are the cheapest scalar operands
                settings = tuple([np.array(s, dtype) for s in self.settings(group, steps[first] + 1)])
                start, stop = run.offsets[first] * width, run.offsets[last] * width
                if group.weight_decay and self.decay_in_gradient:
                    self._sweep_decayed(vectors, scratch, start, stop, settings, np.array(group.weight_decay, dtype))
                else:
                    self._sweep(vectors, scratch, start, stop, settings)
                for i in range(first, last):
                    steps[i] += 1
                run.mark_changed(first, last)

    def __autodiff_fetch__(self) -> None:
        """Bring parameters and state back that a compiled step keeps on a device."""
        for run in self._runs:
            if run.home.away:
                run.home.fetch()
        if self._afar:
            self._fetch_state()

    def _fetch_state(self) -> None:
        with flat.lock:  # no step runs meanwhile, which would overwrite it there, or read what is not here yet
            for i, arrays in self._afar.items():
                left, offsets = iter(arrays), self._runs[i].offsets
                for start, stop in pairwise(offsets):
                    for vector in self._state[i].values():
                        vector[start:stop] = flat.fetched(next(left)).reshape(-1)
            self._afar = {}

    def __autodiff_updates__(self, effect: Any, given: Container[Any]) -> list[tuple[Any, ...]] | None:
        """What `update_parameters` does, for a compiler.

        For each run of parameters: a formula, its vectors, their names, what is done before and after it, its numbers
        at any step, and where it keeps what is on a device. `given` are the leaves that have just been given a
        gradient.
        """
        if getattr(effect, "__func__", None) is not Optimizer.update_parameters:
            return None
        return [self._update_of(i, given) for i in range(len(self._runs))]

    def _update_of(self, i: int, given: Container[Any]) -> tuple[Any, ...]:
        run, group, steps, every = self._runs[i], self._settings[i], self._steps[i], self._vectors
        vectors, n = every[i], len(run.parameters)
        states, settings_of = len(vectors) - 2, self.settings
        decays = bool(group.weight_decay) and self.decay_in_gradient
        all_given, mark_changed = all(leaf in given for leaf in run.leaves), run.mark_changed

        def formula(p: Vector, g: Vector, *rest: Any) -> tuple[Any, ...]:
            state, settings = rest[:states], rest[states:]
            total, settings = (g + p * settings[-1], settings[:-1]) if decays else (g, settings)
            p, state = self.update(p, total, state, settings)
            return p, g, *state

        def begin(*, here: bool = True) -> tuple[float, ...] | None:
            step = steps[0]
            if steps.count(step) != n or self._vectors is not every or not (all_given or run.has_all_gradients()):
                return None
            decay = group.weight_decay
            if decays != (decay != 0 and self.decay_in_gradient):
                return None
            if here and (run.home.away or self._afar):
                self.__autodiff_fetch__()
            settings = settings_of(group, step + 1)
            return (*settings, decay) if decays else settings

        def end() -> None:
            steps[:] = [steps[0] + 1] * n
            mark_changed()

        def numbers(t: Any) -> tuple[Any, ...]:
            settings = settings_of(group, t)
            return (*settings, group.weight_decay) if decays else settings

        names = ["parameters", "gradients", *self.state_names, *(f"setting_{k}" for k in range(8))]
        place = run, lambda: self._afar.get(i), lambda arrays: self._afar.__setitem__(i, arrays)
        return formula, vectors, names, begin, end, numbers, lambda: steps[0], *place

    def _sweep(self, vectors: list[Vector], scratch: Vector, start: int, stop: int, settings: Settings) -> None:
        key = (id(vectors), start, stop)
        blocks = self._blocks.get(key)
        if blocks is None:
            if len(self._blocks) > _MANY:
                self._blocks.clear()
            ends = [(i, min(i + BLOCK, stop)) for i in range(start, stop, BLOCK)]
            blocks = self._blocks[key] = [[*(v[i:j] for v in vectors), scratch[: j - i]] for i, j in ends]
        for block in blocks:
            self.update_in_place(*block, settings)

    def _sweep_decayed(
        self, vectors: list[Vector], scratch: Vector, start: int, stop: int, settings: Settings, decay: Vector
    ) -> None:
        """The same with the gradient ``g + decay * p``; the gradient itself does not change."""
        decayed = np.empty_like(scratch)
        for i in range(start, stop, BLOCK):
            j = min(i + BLOCK, stop)
            p, g, *state = [v[i:j] for v in vectors]
            d = decayed[: j - i]
            np.multiply(p, decay, d)
            np.add(g, d, d)
            self.update_in_place(p, d, *state, scratch[: j - i], settings)

    @staticmethod
    def settings(group: Group, step: int) -> tuple[float, ...]:
        """The numbers for step number `step` (from 1), from the options of a group."""
        raise NotImplementedError

    @staticmethod
    def update(
        p: Vector, g: Vector, state: tuple[Vector, ...], settings: Settings
    ) -> tuple[Vector, tuple[Vector, ...]]:
        """The formula of the method: new parameters and state from parameters, gradients, state and settings."""
        raise NotImplementedError

    @staticmethod
    def update_in_place(*vectors: Any) -> None:
        """The same in place: from ``(p, g, *state, scratch, settings)`` it writes into `p` and the state."""
        raise NotImplementedError

    # --- state ------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Vector]:
        """A copy of the state of each parameter by its number (``"0.m"``, ``"0.step"``), and the options by name.

        With several groups, an option (``"learning_rate"``) holds one entry for each. Options that determine which
        state there is, such as ``amsgrad``, are not in it.
        """
        self._fetch_state()
        out: dict[str, Any] = {}
        for name in self._kept_options():
            values = [getattr(group, name) for group in self.groups]
            out[name] = np.array(values if len(values) > 1 else values[0])
        i = 0
        for run, state, steps in zip(self._runs, self._state, self._steps, strict=True):
            for k, p in enumerate(run.parameters):
                out[f"{i}.step"] = np.array(steps[k])
                for name, vector in state.items():
                    out[f"{i}.{name}"] = vector[run.offsets[k] : run.offsets[k + 1]].reshape(p.shape).copy()
                i += 1
        return out

    def check_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Raise the errors that `load_state_dict` would raise, and change nothing."""
        self._checked_state(saved)

    def _kept_options(self) -> list[str]:
        """The options that are part of the state."""
        return [name for name, option in options_of(type(self)).items() if not option.shared]

    def _checked_state(self, saved: Mapping[str, Any]) -> dict[str, list[Any]]:
        """The options in a saved state, one value for each group, after all of it was checked.

        Options other than the learning rate may be missing: states of earlier versions do not have them.
        """
        options, mine = self._kept_options(), self.state_dict()
        for name in options:
            if name != "learning_rate" and name not in saved:
                del mine[name]
        found = fitting(self, mine, saved)
        for key, given in found.items():
            if key.endswith(".step"):
                checked(key, given.item(), 0.0, open_high=True)
        kinds, several = options_of(type(self)), len(self.groups) > 1
        values = {
            name: found[name].tolist() if several else [found[name].tolist()] for name in options if name in found
        }
        return {name: [kinds[name].check(name, value) for value in group] for name, group in values.items()}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Restore a saved state with its options. All of it is checked before anything is changed.

        Options that the state does not have stay as they are.

        Raises
        ------
        autodiff.StructureError, autodiff.ShapeError, autodiff.DtypeError, ValueError
            If names, shapes, dtypes or values do not belong to this optimiser.
        """
        for name, values in self._checked_state(saved).items():
            for group, value in zip(self.groups, values, strict=True):
                setattr(group, name, value)
        i = 0
        for run, state, steps in zip(self._runs, self._state, self._steps, strict=True):
            for k in range(len(run.parameters)):
                steps[k] = int(saved[f"{i}.step"])
                for name, vector in state.items():
                    vector[run.offsets[k] : run.offsets[k + 1]] = np.ravel(saved[f"{i}.{name}"])
                i += 1

    def __getstate__(self) -> dict[str, Any]:
        """Options, parameters and state. Copies and pickles lose the views, so a new flat home is built from these."""
        own = {k: v for k, v in self.__dict__.items() if k not in _BUILT}
        groups = [(group.parameters, group.values(), group.scheduled) for group in self.groups]
        return {"own": own, "groups": groups, "state": self.state_dict()}

    def __setstate__(self, saved: dict[str, Any]) -> None:
        self.__dict__.update(saved["own"])
        groups = [Group(type(self), parameters, values) for parameters, values, _ in saved["groups"]]
        for group, (_, _, scheduled) in zip(groups, saved["groups"], strict=True):
            group.scheduled = scheduled
        with flat.thawed([p for group in groups for p in group.parameters]):
            self._settle(groups)
        self.load_state_dict(saved["state"])

    def __repr__(self) -> str:
        count = sum(run.values.size for run in self._runs)
        owned = f"{count} numbers in {len(self.parameters)} parameters"
        rates = ", ".join(dict.fromkeys(str(group.learning_rate) for group in self.groups))
        return f"{type(self).__name__}({owned}, learning_rate={rates})"


_BUILT = {"groups", "_runs", "_settings", "_state", "_steps", "_vectors", "_blocks", "_scratch", "_afar"}  # by _settle


def _real_view(v: Vector) -> Vector:
    return v.view(v.real.dtype) if v.dtype.kind == "c" else v


def _stretches(run: flat.Run, steps: list[int]) -> list[tuple[int, int]]:
    """Ranges of adjacent parameters that have a gradient and have taken the same number of steps."""
    n = len(run.leaves)
    if run.has_all_gradients() and steps.count(steps[0]) == n:
        return [(0, n)]
    found: list[tuple[int, int]] = []
    for i, leaf in enumerate(run.leaves):
        if leaf.grad is None:
            continue
        if found and found[-1][1] == i and steps[i] == steps[i - 1]:
            found[-1] = (found[-1][0], i + 1)
        else:
            found.append((i, i + 1))
    return found
