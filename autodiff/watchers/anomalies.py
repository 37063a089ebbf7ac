"""Finds the operation that made the first NaN or infinity, and arrays that were edited after they were recorded.

While the watch is on, a note is kept for every recorded operation: its line, its scopes, checksums of its operands and
results, and, if its result is not finite, the operation where that began. A NaN does no harm as long as nothing depends
on it: ``np.where(x > 0, np.log(x), 0)`` makes one and drops it. So an error is raised only if a value or a gradient
that the user asked for is not finite, and it names the operation where that began.
"""

from __future__ import annotations

import warnings
import weakref
import zlib
from collections.abc import Iterable, Iterator, Sequence, Set
from contextlib import ExitStack
from typing import Any, NamedTuple, cast

import numpy as np

from autodiff.arrays.batching import Batch
from autodiff.arrays.tensors import Tensor
from autodiff.core import switches, walks
from autodiff.core.primitives import ELEMENTWISE
from autodiff.core.tape import ALIAS, INPUT, ITEM, Leaf, Node, Watcher
from autodiff.core.walks import ancestors
from autodiff.errors import AnomalyError, EditedError, GradientError
from autodiff.watchers.places import Place, names_of, place_of, users_frame
from autodiff.watchers.remedies import remedy

# --- looking at values ----------------------------------------------------------------------------


def _arrays(value: Any) -> list[Any]:
    """The plain floating-point arrays in a value of a sweep: an array, a Tensor, a Batch, a list of them, None."""
    if isinstance(value, (list, tuple)):
        return [a for v in value for a in _arrays(v)]
    if isinstance(value, (Tensor, Batch)):
        return _arrays(value._data if isinstance(value, Tensor) else value.values)
    if isinstance(value, (np.ndarray, np.generic)):
        return [value] if value.dtype.kind in "fc" else []
    return [np.float64(value)] if isinstance(value, float) else []


def _is_finite(value: Any) -> bool:
    return all(np.isfinite(a).all() for a in _arrays(value))


def _what(value: Any) -> str:
    """The kind of non-finite number in a value: NaN if there is one, otherwise inf or -inf."""
    arrays = _arrays(value)
    if any(np.isnan(a).any() for a in arrays):
        return "NaN"
    real = [a for a in arrays if a.dtype.kind == "f"]
    infinite = [bool((a == sign).any()) for sign in (np.inf, -np.inf) for a in real]
    half = len(infinite) // 2
    return "-inf" if any(infinite[half:]) and not any(infinite[:half]) else "inf"


def _share(value: Any, of: str = "") -> str:
    """How many entries are not finite, and the index of the first; empty for a scalar."""
    for array in _arrays(value):
        bad = ~np.isfinite(array)
        if bad.any():
            if not bad.ndim:
                return ""
            first = ", ".join(map(str, np.argwhere(bad)[0].tolist()))
            return f" ({bad.sum()} of {bad.size} entries{of}, the first [{first}])"
    return ""


def _range(value: Any) -> str:
    """The dtype and shape of a value, the range of its finite entries, and the number of the others."""
    if isinstance(value, (list, tuple)):
        return "; ".join(_range(v) for v in value if v is not None)
    if isinstance(value, (Tensor, Batch)):
        value = _arrays(value)[0]
    array = np.asarray(value)
    text = f"{array.dtype} {array.shape}" if isinstance(value, (np.ndarray, np.generic)) else type(value).__name__
    if array.dtype.kind not in "fc" or not array.size:
        return text if isinstance(value, (np.ndarray, np.generic)) else f"{text} {value}"
    size = np.abs(array) if array.dtype.kind == "c" else array
    finite = size[np.isfinite(size)]
    parts = [f"{finite.min():.4g} to {finite.max():.4g}"] if finite.size else []
    if array.dtype.kind == "c" and parts:
        parts[0] = f"of size {parts[0]}"
    parts += [f"{n} {name}" for n, name in ((np.isnan(array).sum(), "NaN"), (np.isinf(array).sum(), "inf")) if n]
    return f"{text}, {', '.join(parts)}"


def _check_sum(x: Any) -> int | None:
    return zlib.crc32(np.ascontiguousarray(x).data) if isinstance(x, np.ndarray) else None


# --- notes ----------------------------------------------------------------------------------------


class Origin(NamedTuple):
    """Where a non-finite value began."""

    operation: str
    phase: str
    place: Place
    story: str
    number: int


class _Note(NamedTuple):
    """What is kept about a recorded operation."""

    place: Place
    names: list[str]
    sums: list[int | None]
    origin: Origin | None


_UNKNOWN = _Note(Place(), [], [], None)


def _operands(node: Node, names: Sequence[str]) -> str:
    lines = []
    for i, (x, parent) in enumerate(zip(node.operands, node.parents)):
        if isinstance(x, (np.ndarray, np.generic, float, complex)):
            name = (getattr(parent, "name", None) or "") or (names[i] if i < len(names) else "")
            lines.append(f"\n  operand {i}{f', `{name}`' if name else ''}: {_range(x)}")
    return "".join(lines)


def _story(head: str, node: Node, note: _Note, more: str = "") -> str:
    text = f"{head}\n  recorded at {note.place}"
    if note.place.scopes:
        text += f"\n  in the layer {note.place.layer}"
    return f"{text}{_operands(node, note.names)}{more}\n  {remedy(node.primitive.name)}"


def _makes(node: Node) -> bool:
    """Whether an operation made a non-finite value itself, instead of passing one on from its operands."""
    xs = [x for x in node.operands if _arrays(x)]
    with np.errstate(all="ignore"):
        if node.primitive.kind == ELEMENTWISE and not isinstance(node.output, tuple):
            nan_in: Any = np.zeros(np.shape(node.output), bool)
            inf_in = nan_in
            for x in xs:
                nan_in, inf_in = nan_in | np.isnan(x), inf_in | np.isinf(x)
            return bool(((np.isnan(node.output) | np.isinf(node.output) & ~inf_in) & ~nan_in).any())
        if any(np.isnan(x).any() for x in xs):
            return False
        return _what(node.output) == "NaN" or not any(np.isinf(x).any() for x in xs)


def _below(node: Node) -> Node:
    """The node of the operation itself, given that of one of its outputs or of an alias."""
    while node.primitive is ITEM or node.primitive is ALIAS:
        (parent,) = node.parents
        assert parent is not None
        node = parent
    return node


# --- the watch ------------------------------------------------------------------------------------


class _Watch(Watcher):
    def __init__(self, on_anomaly: str) -> None:
        self.on_anomaly = on_anomaly
        self.notes: weakref.WeakKeyDictionary[Node, _Note] = weakref.WeakKeyDictionary()
        self.loose: dict[int, Origin] = {}  # for non-finite results that nothing has used so far, by node number
        self.told: set[tuple[Any, ...]] = set()
        self.sweeping: list[str] = []

    def note(self, node: Node) -> _Note:
        return self.notes.get(_below(node), _UNKNOWN)

    def tell(self, origin: Origin, kind: type[AnomalyError] = AnomalyError) -> None:
        # Report each operation once in the forward pass. In sweeps report each line once, as steps repeat it.
        key = (origin.phase, origin.operation, origin.place, origin.number if origin.phase == "forward" else 0)
        if key in self.told:
            return
        self.told.add(key)
        if self.on_anomaly == "warn":
            place = origin.place
            warnings.warn_explicit(origin.story, RuntimeWarning, place.file or "detect_anomaly", place.line)
            return
        error = kind(origin.story)
        error.operation, error.phase = origin.operation, origin.phase
        error.file, error.line = origin.place.file, origin.place.line
        raise error

    # --- while recording ---

    def recorded(self, node: Node) -> None:
        primitive = node.primitive
        frame = users_frame()
        origins = []
        for parent in node.parents:
            if parent is not None:
                below = _below(parent)
                self.loose.pop(below.number, None)
                origins.append(self.notes.get(below, _UNKNOWN).origin)
        note = _Note(place_of(frame), names_of(node.operands, frame), [], None)
        note.sums.extend(map(_check_sum, node.operands))
        note.sums.extend(map(_check_sum, node.output if isinstance(node.output, tuple) else (node.output,)))
        if not _is_finite(node.output):
            origin = min((o for o in origins if o is not None), key=lambda o: o.number, default=None)
            if origin is None and _makes(node):
                within = f" (in the derivative of {self.sweeping[-1]})" if self.sweeping else ""
                what = f"{_what(node.output)} in the forward pass{_share(node.output)}"
                story = _story(f"{primitive.name}{within} made {what}", node, note)
                origin = Origin(primitive.name, "forward", note.place, story, node.number)
            note = note._replace(origin=origin)
            if origin is not None and not self.sweeping:
                self.loose[node.number] = origin
        self.notes[node] = note

    # --- while sweeping ---

    def swept(
        self, nodes: Iterable[Node], values: dict[Node, Any], targets: Set[Node] | None, *, reverse: bool
    ) -> Iterator[Node]:
        self._check_results(values if reverse else targets or ())
        tainted: dict[Node, Origin] = {}
        for node, value in values.items():
            if not _is_finite(value):
                kind = "cotangent" if reverse else "tangent"
                story = f"the {kind} that was given is not finite: {_range(value)}"
                tainted[node] = Origin("", "backward" if reverse else "pushforward", Place(), story, 0)
        for node in nodes:
            self._check_sums(node)
            moving = [node] if reverse else [p for p in node.parents if p is not None]
            before = next((tainted[n] for n in moving if n in tainted), None)
            given = values.get(node)
            arriving = [p for p in node.parents if p is not None and p not in tainted] if reverse else [node]
            self.sweeping.append(node.primitive.name)
            try:
                yield node
            finally:
                self.sweeping.pop()
            for n in arriving:
                if not _is_finite(values.get(n)):
                    tainted[n] = before or self._origin(node, n, given, values.get(n), reverse, len(tainted))
        self._judge(values, tainted, targets, reverse)

    def _check_results(self, roots: Iterable[Node]) -> None:
        """Refuse to differentiate a result that is not finite."""
        for node in roots:
            if node.primitive is INPUT or _is_finite(node.output):
                continue
            origin = self.note(node).origin
            if origin is not None:
                self.loose.pop(_below(node).number, None)
                self.tell(origin)
            elif _what(node.output) == "NaN" or np.size(node.output) == 1:
                self.tell(self._from_outside(node))

    def _from_outside(self, root: Node) -> Origin:
        """The first operation on the way to a result that got a non-finite value from outside the graph."""
        infinite = (n for n, x in ancestors((root,), stop=lambda _, x: _is_finite(x)) if not _is_finite(x))
        entrance = min((n for n in infinite if n.primitive is not INPUT), key=lambda n: n.number, default=root)
        note = self.note(entrance)
        node = _below(entrance)
        if node.primitive is INPUT:
            return Origin("", "forward", Place(), f"the argument was not finite: {_range(node.output)}", node.number)
        if _makes(node):
            head = f"{node.primitive.name} made {_what(node.output)} in the forward pass{_share(node.output)}"
            return Origin(node.primitive.name, "forward", note.place, _story(head, node, note), node.number)
        head = f"the result is {_what(root.output)}, and no operation made that: it came in as an operand"
        text = f"{head} of {node.primitive.name}\n  recorded at {note.place}{_operands(node, note.names)}"
        return Origin("", "forward", note.place, f"{text}\n  Check the data, or the last training step.", node.number)

    def _origin(self, node: Node, to: Node, given: Any, made: Any, reverse: bool, number: int) -> Origin:
        """The origin of a non-finite value that a rule made from finite ones."""
        name, note = node.primitive.name, self.note(node)
        phase = "backward" if reverse else "pushforward"
        where = "the backward pass" if reverse else "the forward sweep of the derivative"
        inner = [self.note(n).origin for n in (node, *node.parents) if n is not None]
        first = min((o for o in inner if o is not None), key=lambda o: o.number, default=None)
        if first is not None:
            story = f"{first.story}\n  In {where} it became {_what(made)} at {name}, recorded at {note.place}"
            return first._replace(story=story)
        of = ""
        if reverse and len(node.parents) > 1:
            of = f" of operand {next(i for i, p in enumerate(node.parents) if p is to)}"
        of = f" of the gradient{of}" if reverse else ""
        head = f"{name} made {_what(made)} in {where}{_share(made, of)}"
        more = f"\n  cotangent: {_range(given)}" if reverse and given is not None else ""
        return Origin(name, phase, note.place, _story(head, node, note, more), number)

    def _judge(
        self, values: dict[Node, Any], tainted: dict[Node, Origin], targets: Set[Node] | None, reverse: bool
    ) -> None:
        """After a sweep: if a derivative that was asked for is not finite, report where that began."""
        asked = [n for n in tainted if (n.primitive is INPUT if targets is None else n in targets)]
        if asked:
            self.tell(min((tainted[n] for n in asked), key=lambda o: o.number))

    def _check_sums(self, node: Node) -> None:
        """Find an array that was edited after it was recorded, among those that the rules read."""
        note = self.notes.get(node)
        primitive = node.primitive
        if note is None or not primitive.reads:
            return
        outputs = node.output if isinstance(node.output, tuple) else (node.output,)
        read = [
            walks.is_read(node, i, None) and not (isinstance(p, Leaf) and p.stamp > node.number)  # the walk checks it
            for i, p in enumerate(node.parents)
        ]
        read += [primitive.takes_output] * len(outputs)
        for i, (x, before, is_read) in enumerate(zip((*node.operands, *outputs), note.sums, read)):
            if is_read and before is not None and _check_sum(x) != before:
                self._tell_edited(node, note, i)

    def _tell_edited(self, node: Node, note: _Note, i: int) -> None:
        operand = i < len(node.operands)
        x = node.operands[i] if operand else _arrays(node.output)[0]
        name = (getattr(node.parents[i], "name", None) or note.names[i]) if operand else ""
        who = f"`{name}`" if name else "an array"
        role = f"operand {i}" if operand else "the result"
        layer = f"\n  in the layer {note.place.layer}" if note.place.scopes else ""
        story = (
            f"{who} was edited in place after it was recorded as {role} of {node.primitive.name}, and the derivative "
            f"needs the value it had\n  recorded at {note.place}{layer}\n  now: {_range(x)}\n  "
            f"Edit a copy ({name or 'a'}.copy()), or differentiate before you edit."
        )
        self.tell(Origin(node.primitive.name, "backward", note.place, story, node.number), EditedError)


class detect_anomaly:  # noqa: N801 - used like a function
    """Context manager: find the operation that made the first NaN or infinity, forward or backward.

    Parameters
    ----------
    on_anomaly : {"raise", "warn"}, default "raise"
        Raise `AnomalyError`, or warn (a RuntimeWarning at the line in question) and go on.

    Raises
    ------
    AnomalyError
        If a result that is differentiated, or a gradient, is not finite; at the end of the block, if a result that
        nothing used is not finite. The message names the operation where that began, the line and the layer that
        recorded it, the ranges of its operands, and the usual remedy.
    EditedError
        If an array was edited in place after it was recorded, and a derivative needs the old value.
    GradientError
        If `on_anomaly` is something else.

    Notes
    -----
    Only recorded operations are watched: nothing under `no_grad`, and no plain NumPy. Record the forward pass inside
    the block too, or its lines are not known. NumPy's own warnings are off in the block. Values that are made and
    dropped, such as the branch that ``np.where`` does not take, are no anomaly, nor is an infinite slope that a mask
    blocks. A NaN that was in the data already is reported as such. Checking an operation takes several times as long
    as the operation; outside the block it costs nothing.

    An exception that leaves the block, such as that of an eigenvalue solver given NaN, gets a note with the origin.

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> x = ad.tensor([4.0, 0.0], requires_grad=True, name="x")
    >>> with ad.detect_anomaly():
    ...     np.sqrt(x).sum().backward()
    Traceback (most recent call last):
    ...
    autodiff.errors.AnomalyError: sqrt made inf in the backward pass (1 of 2 entries of the gradient, the first [1])
      recorded at ...
      operand 0, `x`: float64 (2,), 0 to 4
      cotangent: float64 (2,), 1 to 1
      ...
    """

    def __init__(self, on_anomaly: str = "raise") -> None:
        if on_anomaly not in ("raise", "warn"):
            raise GradientError(f'detect_anomaly: on_anomaly must be "raise" or "warn"; {on_anomaly!r} was given.')
        self._on_anomaly = on_anomaly
        self._open: list[tuple[ExitStack, _Watch]] = []

    def __enter__(self) -> None:
        watch = _Watch(self._on_anomaly)
        stack = ExitStack()
        stack.enter_context(switches.watching(watch))
        quiet = {k: "ignore" if v == "warn" else v for k, v in np.geterr().items()}
        # NumPy would warn about the same values, even harmless ones. What the user has set to raise still raises.
        stack.enter_context(np.errstate(**cast(Any, quiet)))
        self._open.append((stack, watch))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        stack, watch = self._open.pop()
        stack.close()
        if not watch.loose or isinstance(error, AnomalyError):
            return
        origin = min(watch.loose.values(), key=lambda o: o.number)
        if error is None:
            watch.tell(origin)
        else:
            error.add_note(f"detect_anomaly: {origin.story}")
