"""What a rendered picture shows, read from its SVG: boxes, texts, sizes. Graphviz and graphviz-pure write it alike."""

import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from typing import NamedTuple

from autodiff.drawing import find_renderer

SVG = "{http://www.w3.org/2000/svg}"
PIXEL = 0.75  # points


class Box(NamedTuple):
    """A node: its name in the DOT text, its lines, and its border in points."""

    name: str
    lines: list[str]
    left: float
    top: float
    right: float
    bottom: float
    fill: str
    border: str


class Shown(NamedTuple):
    """A picture: width and height in pixels, boxes, arrows as pairs of names, sizes of type in pixels, all texts."""

    width: float
    height: float
    boxes: list[Box]
    arrows: list[tuple[str, str]]
    type_sizes: list[float]
    texts: list[str]


def shown(svg):
    """Read an SVG."""
    root = ElementTree.fromstring(svg)
    scale = 1.0
    (graph,) = [g for g in root.iter(f"{SVG}g") if g.get("class") == "graph"]
    if match := re.search(r"scale\(([\d.]+)", graph.get("transform", "")):
        scale = float(match[1])
    width, height = (float(root.get(side).removesuffix("pt")) / PIXEL for side in ("width", "height"))
    boxes, arrows = [], []
    for g in root.iter(f"{SVG}g"):
        title = g.find(f"{SVG}title")
        if g.get("class") == "node":
            boxes.append(_box(g, title.text))
        elif g.get("class") == "edge":
            arrows.append(tuple(title.text.split("->")))
    texts = list(root.iter(f"{SVG}text"))
    sizes = [float(t.get("font-size")) * scale / PIXEL for t in texts]
    return Shown(width, height, boxes, arrows, sizes, [_plain(t) for t in texts])


def _plain(text):
    return (text.text or "").replace("\xa0", " ")


def _box(g, name):
    outlines = [*g.iter(f"{SVG}polygon"), *g.iter(f"{SVG}path")]
    points = []
    for outline in outlines:
        numbers = [float(n) for n in re.findall(r"-?\d+\.?\d*", outline.get("points") or outline.get("d"))]
        points += list(zip(numbers[::2], numbers[1::2], strict=True))
    xs, ys = zip(*points, strict=True)
    fill = next(o.get("fill") for o in outlines if o.get("fill") != "none")
    lines = [_plain(t) for t in g.iter(f"{SVG}text")]
    return Box(name, lines, min(xs), min(ys), max(xs), max(ys), fill.lower(), outlines[0].get("stroke").lower())


def overlaps(boxes):
    """Pairs of boxes that lie one over the other."""
    return [
        (a.name, b.name)
        for i, a in enumerate(boxes)
        for b in boxes[:i]
        if a.left < b.right and b.left < a.right and a.top < b.bottom and b.top < a.bottom
    ]


def renderers():
    """The programs that are here: what `find_renderer` finds, and Graphviz's own `dot` where it is another."""
    found = [find_renderer(), shutil.which("dot")]
    return list(dict.fromkeys(f for f in found if f))


def version(program):
    """What a renderer says it is."""
    done = subprocess.run([program, "-V"], capture_output=True, text=True, check=True)
    return (done.stderr + done.stdout).strip()
