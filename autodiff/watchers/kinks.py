"""Lists the kinks that a pass touches: `kink_report`."""

from __future__ import annotations

import bisect
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Any, NamedTuple, overload

import numpy as np

from autodiff.core import switches
from autodiff.core.primitives import ELEMENTWISE, Primitive
from autodiff.core.tape import Node, Watcher
from autodiff.errors import GradientError
from autodiff.ops.kinks import KINKS, Bend
from autodiff.watchers.places import Place, place_of, users_frame


@dataclass(frozen=True, slots=True)
class Kink:
    """One entry at which a function has no single slope.

    Attributes
    ----------
    operation : str
    operand : int
        The operand by which the slope is taken.
    index : tuple of int
        The index of the entry: in the operand, after broadcasting, for an elementwise operation; in the result, if a
        whole slice is reduced to one number, as by a norm.
    value : float or complex
        The value of that entry; if there is no such entry, the distance.
    low, high : float
        The ends of the interval of valid slopes.
    taken : float
        The slope that is used; NaN if it is not one number.
    distance : float
        The distance of the entry from the kink; 0 at the kink.
    note : str
        What happens there.
    file, line, layer : str, int, str
        Where the operation was recorded; ``""`` and 0 if that was before the report began.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> with ad.kink_report() as report:
    ...     _ = np.abs(ad.tensor([0.0, 1.0], requires_grad=True))
    >>> report[0].operation, report[0].index, report[0].taken
    ('absolute', (0,), 0.0)
    """

    operation: str
    operand: int
    index: tuple[int, ...]
    value: complex
    low: float
    high: float
    taken: float
    distance: float
    note: str
    file: str
    line: int
    layer: str

    def __str__(self) -> str:
        near = f", {self.distance:.3g} from the kink" if self.distance else ""
        taken = "" if self.taken != self.taken else f", taken {self.taken:.4g}"
        return (
            f"[{', '.join(map(str, self.index))}] of operand {self.operand}, value {self.value:.4g}: "
            f"slopes {_interval(self.low, self.high)}{taken}{near}"
        )


def _interval(low: float, high: float) -> str:
    left = "(-inf" if low == -np.inf else f"[{low:.4g}"
    right = "inf)" if high == np.inf else f"{high:.4g}]"
    return f"{left}, {right}"


class _Group(NamedTuple):
    """The kinks of one operation by one operand, one per entry."""

    operation: str
    bend: Bend
    place: Place
    indices: Any
    columns: tuple[Any, ...]

    def kink(self, i: int) -> Kink:
        value, low, high, taken, distance = (column[i].item() for column in self.columns)
        index = tuple(self.indices[i].tolist())
        file, line, _ = self.place
        about = (low, high, taken, distance, self.bend.note, file, line, self.place.layer)
        return Kink(self.operation, self.bend.operand, index, value, *about)


_SHOWN = 4


class KinkReport(Sequence[Kink]):
    """The kinks that were touched, in the order in which the operations ran. It prints as a summary by operation.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> with ad.kink_report() as report:
    ...     _ = np.abs(ad.tensor([0.0, 1.0, 0.0], requires_grad=True))
    >>> len(report)
    2
    """

    def __init__(self) -> None:
        self._groups: list[_Group] = []
        self._ends: list[int] = []

    def _add(self, group: _Group) -> None:
        self._groups.append(group)
        self._ends.append(len(self) + len(group.indices))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, index: int) -> Kink: ...

    @overload
    def __getitem__(self, index: slice) -> list[Kink]: ...

    def __getitem__(self, index: int | slice) -> Kink | list[Kink]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        i = index + len(self) if index < 0 else index
        if not 0 <= i < len(self):
            raise IndexError(f"the report has {len(self)} kinks; number {index} was asked for.")
        k = bisect.bisect_right(self._ends, i)
        return self._groups[k].kink(i - (self._ends[k - 1] if k else 0))

    def __str__(self) -> str:
        if not self._groups:
            return "no kinks"
        lines = [f"{len(self)} kink{'s' if len(self) > 1 else ''}"]
        for group in self._groups:
            layer = f", in {group.place.layer}" if group.place.scopes else ""
            lines.append(f"{group.operation} ({group.bend.note}) at {group.place}{layer}")
            n = len(group.indices)
            lines += [f"  {group.kink(i)}" for i in range(min(n, _SHOWN))]
            if n > _SHOWN:
                lines.append(f"  and {n - _SHOWN} more")
        return "\n".join(lines)

    __repr__ = __str__


class _Watch(Watcher):
    def __init__(self, report: KinkReport, within: float) -> None:
        self.report = report
        self.within = within
        self.seen: weakref.WeakSet[Node] = weakref.WeakSet()
        self.sweeps = 0

    def met(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        parents: tuple[Node | None, ...],
        keywords: dict[str, Any],
    ) -> None:
        if function in KINKS and not self.sweeps:  # not those in rules: sign(x) in the rule of abs(x) is the same kink
            name = getattr(function, "__name__", str(function))
            self._examine(name, function, None, args, keywords, parents, place_of(users_frame()))

    def recorded(self, node: Node) -> None:
        self._look_at(node, None)

    def swept(
        self, nodes: Iterable[Node], values: dict[Node, Any], targets: Set[Node] | None, *, reverse: bool
    ) -> Iterator[Node]:
        for node in nodes:
            if node not in self.seen:
                self._look_at(node, Place())
            self.sweeps += 1
            try:
                yield node
            finally:
                self.sweeps -= 1

    def _look_at(self, node: Node, place: Place | None) -> None:
        self.seen.add(node)
        primitive = node.primitive
        if primitive in KINKS:
            place = place_of(users_frame()) if place is None else place
            self._examine(primitive.name, primitive, node.output, node.operands, node.keywords, node.parents, place)

    def _examine(
        self,
        name: str,
        function: Callable[..., Any],
        y: Any,
        xs: tuple[Any, ...],
        keywords: dict[str, Any],
        parents: Sequence[Node | None],
        place: Place,
    ) -> None:
        for bend in KINKS[function]:
            if parents[bend.operand] is None:
                continue
            with np.errstate(all="ignore"):
                distance = np.asarray(bend.distance(y, *xs, **keywords))
                here = distance <= self.within
                if not here.any():
                    continue
                x = np.asarray(xs[bend.operand])
                if isinstance(function, Primitive) and function.kind == ELEMENTWISE:
                    x = np.broadcast_to(x, here.shape)
                elif x.shape != here.shape:  # a slice is reduced to one number
                    results = [v for v in (y if isinstance(y, tuple) else (y,)) if np.shape(v) == here.shape]
                    x = np.asarray(results[0] if results else distance)
                low, high = (_evaluated(b, y, xs, keywords) for b in (bend.low, bend.high))
                taken = bend.taken
                if taken is None:
                    assert isinstance(function, Primitive) and function.pulls is not None
                    rule = function.pulls[bend.operand]
                    assert rule is not None
                    taken = rule(np.ones_like(y), y, *xs, **keywords)
                else:
                    taken = _evaluated(taken, y, xs, keywords)
            columns = [np.broadcast_to(c, here.shape)[here] for c in (x, low, high, taken, distance)]
            self.report._add(_Group(name, bend, place, np.argwhere(here), tuple(columns)))


def _evaluated(value: Any, y: Any, xs: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    return value(y, *xs, **keywords) if callable(value) else float(value)


class kink_report:  # noqa: N801 - used like a function
    """Context manager: list the entries at which a derivative is a matter of convention.

    Parameters
    ----------
    within : float, default 0.0
        Also list entries at most this far from a kink, in the units of the operand.

    Returns
    -------
    KinkReport
        On entering: a sequence of `Kink` that grows while the block runs.

    Raises
    ------
    GradientError
        If `within` is not a distance, 0 or more.

    Notes
    -----
    Operations are checked when they are recorded. Those recorded before are checked when a sweep visits them. Each is
    listed once. An entry is listed whether or not the result depends on it. For higher derivatives the operations of
    the first derivative are recorded and checked too, since a function may have a kink in its slope only.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> with ad.kink_report() as report:
    ...     g = ad.grad(lambda x: np.abs(x).sum())(np.array([-1.0, 0.0, 2.0]))
    >>> g
    array([-1.,  0.,  1.])
    >>> print(report)
    1 kink
    absolute (the slope turns from -1 to 1) at ...
      [1] of operand 0, value 0: slopes [-1, 1], taken 0
    """

    def __init__(self, within: float = 0.0) -> None:
        if not within >= 0:
            raise GradientError(f"kink_report: within is a distance, 0 or more; {within!r} was given.")
        self._within = float(within)
        self._open: list[switches.watching] = []

    def __enter__(self) -> KinkReport:
        report = KinkReport()
        switch = switches.watching(_Watch(report, self._within))
        switch.__enter__()
        self._open.append(switch)
        return report

    def __exit__(self, *exc: object) -> None:
        self._open.pop().__exit__(*exc)
