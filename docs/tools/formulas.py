"""Formulas as MathML, which browsers draw themselves: no script and no font is loaded."""

from __future__ import annotations

from typing import Any

from latex2mathml.converter import convert


def register(app: Any) -> None:
    """Make ``html_math_renderer = "mathml"`` known."""
    app.add_html_math_renderer("mathml", inline_renderers=(_inline, None), block_renderers=(_block, None))


def _inline(writer: Any, node: Any) -> None:
    writer.body.append(convert(node.astext()))
    raise _skip()


def _block(writer: Any, node: Any) -> None:
    text = node.astext()
    lines = r"\begin{aligned}" + text + r"\end{aligned}" if r"\\" in text and r"\begin" not in text else text
    writer.body.append(f'<div class="math">{convert(lines, display="block")}</div>')
    raise _skip()


def _skip() -> Exception:
    from docutils.nodes import SkipNode

    return SkipNode()
