"""Backpropagation step by step: one frame for each product that the reverse sweep forms.

Every frame is the same graph with other texts and colours. Boxes have fixed sizes, so Graphviz gives all frames the
same layout, and nothing jumps from one frame to the next.
"""

from __future__ import annotations

import html
import os
import pathlib
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np

from autodiff import display
from autodiff.arrays.tensors import Tensor
from autodiff.core.sweeps import step
from autodiff.core.tape import INPUT, Node
from autodiff.drawing.derivatives import Partial, local_partials
from autodiff.drawing.dot import FONT, GROUND, STYLES, TEXT, style_of
from autodiff.drawing.graph import LEAVES, Edge, Graph, Vertex, factor, passed_on, read_graph
from autodiff.drawing.labels import escape, printable, size_of, summary
from autodiff.drawing.pictures import drawn, named_derivative, partial_text
from autodiff.drawing.rendering import ADVICE, Picture, find_renderer
from autodiff.drawing.stepspage import page
from autodiff.errors import GradientError, MissingExtraError
from autodiff.transforms.recording import conjugated

Event = Literal["values", "seed", "ready", "product", "end"]


class Frame(NamedTuple):
    """One moment of the reverse sweep.

    Attributes
    ----------
    event : {"values", "seed", "ready", "product", "end"}
        In this order: the forward pass is done; the cotangent of the result is set to 1; all contributions to a
        cotangent have arrived, so its operation is next; a product was formed and added; the sweep is done.
    caption : str
        The event in words, with the numbers.
    node : str
        The key of the operation whose rule runs; empty at the start and at the end.
    operand : int
        The operand that receives a product; -1 in other frames.
    product : array or None
        The cotangent times the local partial derivative.
    cotangents : dict of str to array
        The sums so far, by the keys of vertices.
    done : frozenset of str
        The keys of the vertices whose cotangents are complete.

    Examples
    --------
    >>> import autodiff as ad
    >>> a = ad.tensor(2.0, requires_grad=True, name="a")
    >>> frame = ad.draw_steps(a * a).frames[-1]
    >>> frame.event, frame.caption
    ('end', 'Done: gradient of a 4.')
    """

    event: Event
    caption: str
    node: str
    operand: int
    product: Any
    cotangents: dict[str, Any]
    done: frozenset[str]


LIMIT = 60
"""The largest graph that is shown step by step, in vertices."""


def draw_steps(y: Tensor | Callable[..., Any], *xs: Any) -> Steps:
    """Show the reverse sweep step by step: which cotangent is ready, which product is formed, the sum so far.

    Parameters
    ----------
    y : Tensor or callable
        Tracked; a number, or an array, whose sum of all entries is differentiated. A function is called with `xs`.
    *xs : array_like, or nested containers of them
        The arguments for a function.

    Returns
    -------
    Steps
        ``.html(path)`` writes one page with a slider and keys that needs no network, ``.gif(path)`` an animation,
        ``.svg(folder)`` one file per frame; a notebook displays the page.

    Raises
    ------
    GradientError
        If `y` is not tracked.
    ValueError
        If its graph has more than 60 vertices, too many to follow; `autodiff.draw` folds larger graphs.

    Notes
    -----
    The *cotangent* of a value is the derivative of the result by it; that of a leaf is its *gradient*, once all
    contributions have arrived. For an operation ``v = f(u, ...)`` the sweep adds ``ct_v * ∂v/∂u`` to the cotangent of
    every operand u, once all contributions to that of v have arrived. Operations are visited in the reverse order of
    recording. No ``.grad`` is read or written.

    References
    ----------
    A. Griewank, A. Walther, Evaluating Derivatives, 2nd edition, 2008, section 3.2 (incremental reverse mode).

    Examples
    --------
    >>> import numpy as np, autodiff as ad
    >>> a = ad.tensor(2.0, requires_grad=True, name="a")
    >>> steps = ad.draw_steps(a * a)
    >>> for frame in steps.frames:
    ...     print(frame.caption)
    The forward pass is done: every value is known.
    The cotangent of the result is 1.
    multiply: its cotangent 1 is complete.
    multiply -> a: 1 · 2 = 2; the sum so far is 2.
    multiply -> a: 1 · 2 = 2; the sum so far is 4.
    Done: gradient of a 4.
    """
    tensors, given = drawn(y, xs)
    if len(tensors) != 1:
        raise GradientError("draw_steps shows the sweep from one tensor; add them up, or draw them one by one.")
    graph = read_graph(tensors, names=given)
    if len(graph.vertices) > LIMIT:
        raise ValueError(
            f"draw_steps: the graph has {len(graph.vertices):,} vertices; up to {LIMIT} can be followed step by step. "
            "Take a smaller example (fewer layers, steps, scalars), or ad.draw(y), which folds."
        )
    return Steps(graph, _frames(tensors[0], graph))


def _frames(y: Tensor, graph: Graph) -> list[Frame]:
    titles = {v.key: v.title for v in graph.vertices}
    keys = {v.node: v.key for v in graph.vertices if v.node is not None}
    nodes = list(keys)
    assert y._node is not None
    root = factor(y._node)
    sums: dict[str, Any] = {}
    raw: dict[Node, Any] = {root: np.ones_like(y._data)}
    lives: dict[Node, Any] = {}
    done: set[str] = set()
    frames: list[Frame] = []

    def shoot(event: Event, caption: str, node: str = "", operand: int = -1, product: Any = None) -> None:
        frames.append(Frame(event, caption, node, operand, product, dict(sums), frozenset(done)))

    shoot("values", "The forward pass is done: every value is known.")
    sums[keys[root]] = raw[root]
    shoot("seed", f"The cotangent of the result is 1{'' if y.ndim == 0 else ' in every entry'}.")
    for node in reversed(nodes):
        ct = raw.pop(node, None)
        if ct is None:
            continue
        key = keys[node]
        done.add(key)
        if node.primitive is INPUT:
            continue
        shoot("ready", f"{titles[key]}: its cotangent{_amount(ct)} is complete.", key)
        partials = local_partials(node)

        def sent(i: int, parent: Node, g: Any, key: str = key, ct: Any = ct, partials: Any = partials) -> None:
            while parent not in keys and (same := passed_on(parent)) is not None:  # it is not shown
                step(parent, raw.pop(parent), raw, lives, masked=True)
                parent = same
            so_far = raw[parent]
            sums[keys[parent]] = list(so_far) if type(so_far) is list else so_far
            caption = f"{titles[key]} -> {titles[keys[parent]]}: {_product(ct, partials[i], g)}"
            shoot("product", f"{caption}{_so_far(so_far)}.", key, i, g)

        with np.errstate(all="ignore"):  # infinite slopes are valid results (see the conventions)
            step(node, ct, raw, lives, masked=True, sent=sent)
    leaves = [v for v in graph.vertices if v.kind in LEAVES and v.key in sums]
    shown = "; ".join(f"gradient of {v.title} {size_of(conjugated(sums[v.key]))}" for v in leaves[:4])
    more = f"; and {len(leaves) - 4} more" if len(leaves) > 4 else ""
    shoot("end", f"Done: {shown}{more}." if leaves else "Done: nothing arrived at a leaf.")
    return frames


def _amount(ct: Any) -> str:
    """A cotangent as part of a sentence; empty for the cotangents of several outputs together."""
    return "" if isinstance(ct, (list, tuple)) else f" {size_of(ct)}"


def _so_far(ct: Any) -> str:
    return f"; the sum so far is{_amount(ct)}" if _amount(ct) else ""


def _product(ct: Any, partial: Partial | None, g: Any) -> str:
    """The factors and the product, as text."""
    if isinstance(g, list):
        return "the cotangent of one of several outputs, put in its place"
    if partial is None or partial.form == "matrix":
        return f"the transposed Jacobian, applied to the cotangent, is{_amount(g)}"
    return f"{size_of(ct)} · {partial_text(partial)} ={_amount(g)}"


class Steps:
    """The frames of a reverse sweep.

    Attributes
    ----------
    frames : list of Frame

    Examples
    --------
    >>> import autodiff as ad
    >>> a = ad.tensor(2.0, requires_grad=True, name="a")
    >>> len(ad.draw_steps(a * a))
    6
    """

    def __init__(self, graph: Graph, frames: list[Frame]) -> None:
        self._graph, self.frames = graph, frames
        self._partials = {
            e: partial_text(p)
            for v in graph.vertices
            if v.node is not None and v.node.primitive is not INPUT
            for partials in [local_partials(v.node)]
            for e in graph.edges
            if e.head == v.key and (p := partials[e.operand]) is not None
        }
        kinds = {v.kind for v in graph.vertices}
        self._legend = (
            ("at work", GROUND, _WORK),
            ("cotangent complete", GROUND, _READY),
            *((style.meaning, style.fill, style.line) for kind, style in STYLES.items() if kind in kinds),
        )
        self._widest = max(map(len, (_caption_text(f) for f in frames)), default=1)

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def graph(self) -> Graph:
        """The boxes and arrows, which are the same in all frames."""
        return self._graph

    @property
    def partials(self) -> dict[Edge, str]:
        """The local partial derivative of each arrow, as text."""
        return self._partials

    def picture(self, index: int, *, caption: bool = True) -> Picture:
        """One frame as a picture.

        Parameters
        ----------
        index : int
            0 for the first, -1 for the last.
        caption : bool, default True
            Write the event and the meaning of the colours below.

        Returns
        -------
        Picture
        """
        frame = self.frames[index]
        number = range(len(self.frames))[index] + 1
        picture = Picture(
            graph_attr={
                "rankdir": "LR",
                "bgcolor": GROUND,
                "fontname": FONT,
                "fontcolor": TEXT,
                "fontsize": "11",
                "ranksep": "0.5",
                "nodesep": "0.3",
                **({"label": self._caption(frame, number), "labelloc": "b"} if caption else {}),
            },
            node_attr={"fontname": FONT, "fontcolor": TEXT, "fontsize": "11", "shape": "box", "fixedsize": "true"},
            edge_attr={"fontname": FONT, "fontsize": "9", "arrowsize": "0.7"},
        )
        for v in self._graph.vertices:
            width, height = self._size(v)
            look = {**style_of(v.kind), **_mark(v.key, frame), "width": width, "height": height}
            picture.node(v.key, escape("\n".join(self._lines(v, frame))), **look)
        for e in self._graph.edges:
            at_work = e.head == frame.node and (e.operand == frame.operand or frame.event == "ready")
            text = self._partials.get(e, "")
            picture.edge(
                e.tail,
                e.head,
                label=escape(f" {text} \n ") if text else "",  # the empty line keeps it clear of a slanting arrow
                color=_WORK if at_work and frame.operand >= 0 else "#666666",
                fontcolor=_WORK if at_work and frame.operand >= 0 else "#444444",
                penwidth="2.5" if at_work and frame.operand >= 0 else "1",
                dir="back" if at_work and frame.operand >= 0 else "forward",
            )
        return picture

    def _lines(self, v: Vertex, frame: Frame) -> list[str]:
        lines = [printable(v.title, 40).replace("\n", " ")]
        if not isinstance(v.value, tuple) and np.size(v.value):
            lines.append(f"value {summary(v.value)}")
        ct = frame.cotangents.get(v.key)
        if v.node is not None and not isinstance(ct, list):
            lines.append(named_derivative(v) + ("" if ct is None else f" {size_of(ct)}"))
        return lines

    def _size(self, v: Vertex) -> tuple[str, str]:
        """Width and height in inches, for the longest lines of any frame."""
        lines = [self._lines(v, f) for f in (self.frames[0], *self.frames)]
        longest = max(len(line) for of_frame in lines for line in of_frame)
        return f"{0.3 + 0.092 * longest:.2f}", f"{0.2 + 0.185 * max(map(len, lines)):.2f}"

    def _caption(self, frame: Frame, number: int) -> str:
        """The caption in a table that has the same size in all frames, with the legend below."""
        width = max(360, 7 * self._widest)
        text = html.escape(_caption_text(frame))
        cells = "".join(
            f'<TD BGCOLOR="{fill}" COLOR="{line}" BORDER="2">{meaning}</TD>' for meaning, fill, line in self._legend
        )
        return (
            f'<<TABLE BORDER="0" CELLSPACING="2"><TR><TD WIDTH="{width}" HEIGHT="24" FIXEDSIZE="TRUE" ALIGN="LEFT">'
            f'{number:02d}/{len(self.frames):02d}  {text}</TD></TR><TR><TD ALIGN="LEFT"><FONT POINT-SIZE="9"><TABLE '
            f'BORDER="0" CELLSPACING="3"><TR>{cells}</TR></TABLE></FONT></TD></TR></TABLE>>'
        )

    # --- files ------------------------------------------------------------------------------------

    def _svgs(self, *, caption: bool = True) -> list[str]:
        return [self.picture(i, caption=caption).pipe(format="svg").decode("utf-8") for i in range(len(self.frames))]

    def to_html(self) -> str:
        """The page as text, with all frames, a slider and arrow keys; it needs no other file."""
        captions = [f.caption for f in self.frames]
        if find_renderer() is None:
            bodies = [f"<pre>{html.escape(ADVICE)}</pre>"] * len(captions)
        else:  # the page itself shows the caption and the legend, once
            bodies = [_inline(svg, i) for i, svg in enumerate(self._svgs(caption=False))]
        return page(captions, bodies, [self._at_work(f) for f in self.frames], self._legend)

    def _at_work(self, frame: Frame) -> str:
        """The key of the box to look at: whose rule runs, or the result when it is seeded."""
        return frame.node or (next(iter(frame.cotangents)) if frame.event == "seed" else "")

    def html(self, path: str | os.PathLike[str]) -> str:
        """Write the page; returns the path.

        Examples
        --------
        >>> import autodiff as ad, pathlib, tempfile
        >>> a = ad.tensor(2.0, requires_grad=True, name="a")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = ad.draw_steps(a * a).html(pathlib.Path(folder) / "steps.html")
        ...     "http" in pathlib.Path(path).read_text(encoding="utf-8").replace("http://www.w3.org/", "")
        False
        """
        pathlib.Path(path).write_text(self.to_html(), encoding="utf-8")
        return os.fspath(path)

    def svg(self, folder: str | os.PathLike[str]) -> list[str]:
        """Write files ``step_01.svg`` and so on, one per frame, into a folder, which is created; returns the paths."""
        place = pathlib.Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        paths = [place / f"step_{i:02d}.svg" for i in range(1, len(self.frames) + 1)]
        for path, svg in zip(paths, self._svgs(), strict=True):
            path.write_text(svg, encoding="utf-8")
        return [os.fspath(p) for p in paths]

    def gif(self, path: str | os.PathLike[str], *, seconds: float = 1.5) -> str:
        """Write an animation that repeats; returns the path.

        Parameters
        ----------
        path : path
        seconds : float, default 1.5
            How long a frame is shown; the last one is shown twice as long.

        Raises
        ------
        MissingExtraError
            If Pillow is not installed; it comes with ``wengert[plot]``.
        """
        if not seconds > 0:
            raise ValueError(f"gif: seconds is how long a frame is shown, more than 0; {seconds!r} was given.")
        try:
            from PIL import Image
        except ImportError as error:
            raise MissingExtraError(
                'Steps.gif needs Pillow, which is not installed: pip install "wengert[plot]". Without it write '
                ".html(path) or .svg(folder)."
            ) from error
        import io

        images = [Image.open(io.BytesIO(self.picture(i).pipe(format="png"))).convert("RGB") for i in range(len(self))]
        size = max(i.width for i in images), max(i.height for i in images)
        frames = []
        for image in images:
            whole = Image.new("RGB", size, GROUND)
            whole.paste(image, (0, 0))
            frames.append(whole.quantize(64))
        durations = [round(seconds * 1000)] * (len(frames) - 1) + [round(seconds * 2000)]
        frames[0].save(path, format="GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0)
        return os.fspath(path)

    def __str__(self) -> str:
        return "\n".join(f"{i:2d}. {f.caption}" for i, f in enumerate(self.frames, 1))

    def __repr__(self) -> str:
        return f"<{len(self.frames)} steps of a reverse sweep; .html(path), .gif(path) and .svg(folder) write them>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **_: Any) -> display.Bundle:
        """For notebooks: the captions, and the page in its own frame."""
        inside = html.escape(self.to_html(), quote=True)
        return display.bundle(str(self), f'<iframe srcdoc="{inside}" width="100%" height="640"></iframe>')


_WORK = "#D55E00"
_READY = "#009E73"


def _caption_text(frame: Frame) -> str:
    return printable(frame.caption, 160).replace("\n", " ")


def _mark(key: str, frame: Frame) -> dict[str, str]:
    """The border of a box in a frame."""
    if key == frame.node:
        return {"color": _WORK, "penwidth": "3"}
    if key in frame.done or frame.event == "end":
        return {"color": _READY, "penwidth": "2.5"} if key in frame.cotangents else {}
    return {}


def _inline(svg: str, index: int) -> str:
    """A frame as part of a page: without the file's head, and with ids that are unique in the page."""
    return svg[svg.index("<svg") :].replace('id="', f'id="f{index}-')
