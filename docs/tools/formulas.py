"""Formulas as MathML, which browsers draw themselves: no script and no font is loaded."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from latex2mathml.converter import convert

MATHML = "http://www.w3.org/1998/Math/MathML"
PRIMES = "′″‴⁗"


def register(app: Any) -> None:
    """Make ``html_math_renderer = "mathml"`` known."""
    app.add_html_math_renderer("mathml", inline_renderers=(_inline, None), block_renderers=(_block, None))


def mathml(latex: str, display: str = "inline") -> str:
    """The formula as an element ``math``."""
    ElementTree.register_namespace("", MATHML)
    root = ElementTree.fromstring(convert(latex, display=display))
    for element in list(root.iter()):
        _lower_primes(element)
    return ElementTree.tostring(root, encoding="unicode")


def _lower_primes(element: Any) -> None:
    """Put primes beside their letter. The character is raised as it is; as a superscript it would float above."""
    if element.tag not in (f"{{{MATHML}}}msup", f"{{{MATHML}}}msubsup") or not (text := element[-1].text) or text.strip(PRIMES):
        return
    *rest, prime = list(element)
    prime.tag = f"{{{MATHML}}}mo"
    prime.attrib.update(lspace="0.05em", rspace="0")
    if len(rest) == 2:
        lowered = ElementTree.Element(f"{{{MATHML}}}msub")
        lowered.extend(rest)
        rest = [lowered]
    element.tag = f"{{{MATHML}}}mrow"
    element[:] = [*rest, prime]


def _inline(writer: Any, node: Any) -> None:
    writer.body.append(mathml(node.astext()))
    raise _skip()


def _block(writer: Any, node: Any) -> None:
    text = node.astext()
    lines = r"\begin{aligned}" + text + r"\end{aligned}" if r"\\" in text and r"\begin" not in text else text
    writer.body.append(f'<div class="math">{mathml(lines, "block")}</div>')
    raise _skip()


def _skip() -> Exception:
    from docutils.nodes import SkipNode

    return SkipNode()
