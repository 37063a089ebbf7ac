"""Formulas as MathML, which browsers draw themselves: no script and no font is loaded."""

from __future__ import annotations

import re
from html import escape
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

from latex2mathml.converter import convert

MATHML = "http://www.w3.org/1998/Math/MathML"
PRIMES = "′″‴⁗"
CLOSING = ")]|‖}"
SIGNS = ("−", "+", "±", "∓", "-")
LIMITS = ("lim", "max", "min", "sup", "inf")
UNTRANSLATED = {
    **dict.fromkeys(("lVert", "rVert", "Vert", "|"), "‖"),
    **dict.fromkeys(("lvert", "rvert", "vert"), "|"),
    "{": "{",
    "}": "}",
    "lbrace": "{",
    "rbrace": "}",
    "arg": "arg",
}
"""What the converter leaves as it is, in some places at least: delimiters after a size, and one function."""


def register(app: Any) -> None:
    """Make ``html_math_renderer = "mathml"`` known."""
    app.add_html_math_renderer("mathml", inline_renderers=(_inline, None), block_renderers=(_block, None))
    app.connect("doctree-resolved", lambda app, tree, name: _keep_punctuation(tree))


def mathml(latex: str, display: str = "inline") -> str:
    """The formula as an element ``math``."""
    ElementTree.register_namespace("", MATHML)
    rows = re.sub(r"(\\(?:begin|end)\{)(?:aligned|split)\}", r"\1align*}", latex)  # one table for all of them
    root = ElementTree.fromstring(convert(rows, display=display))
    for element in list(root.iter()):
        _translate(element, latex)
        _lower_primes(element)
    for element in list(root.iter()):
        _set_signs_and_functions(element)
        _level_scripts(element)
        _align_columns(element)
        if display == "block":
            _put_below_limits(element)
    return ElementTree.tostring(root, encoding="unicode")


def _tag(name: str) -> str:
    return f"{{{MATHML}}}{name}"


def _translate(element: Any, latex: str) -> None:
    """Put the character for a command that the converter has left; one that nobody knows would stand on the page."""
    if element.text and element.text.startswith("\\") and (name := element.text[1:]):
        if name not in UNTRANSLATED:
            raise ValueError(f"the formula {latex} has the unknown command {element.text}")
        element.text = UNTRANSLATED[name]
    name = element.text or ""
    if element.tag == _tag("mo") and len(name) > 1 and name.isalpha() and name not in LIMITS:
        element.tag = _tag("mi")  # a function of \operatorname, which would stand apart from its parenthesis


def _align_columns(table: Any) -> None:
    """Set columns by CSS too: Chromium does not know the attribute of MathML 3, and would centre both sides.

    There ``right`` moves text only; ``-webkit-right`` moves boxes, which a formula consists of.
    """
    if table.tag != _tag("mtable"):
        return
    pairs = "columnspacing" in table.attrib  # of sides of equations
    for row in table:
        for i, cell in enumerate(row):
            if side := cell.get("columnalign"):
                between = f"; padding-left: {2 * (i > 0) * (i % 2 == 0)}em; padding-right: 0" if pairs else ""
                cell.set("style", f"text-align: {side}; text-align: -webkit-{side}{between}")


def _lower_primes(element: Any) -> None:
    """Put primes beside their letter. The character is raised as it is; as a superscript it would float above."""
    superscripted = element.tag in (_tag("msup"), _tag("msubsup"))
    if not superscripted or not element[-1].text or element[-1].text.strip(PRIMES):
        return
    *rest, prime = list(element)
    prime.tag = _tag("mo")
    prime.attrib.update(lspace="0.05em", rspace="0")
    if len(rest) == 2:
        lowered = ElementTree.Element(_tag("msub"))
        lowered.extend(rest)
        rest = [lowered]
    element.tag = _tag("mrow")
    element[:] = [*rest, prime]


def _level_scripts(element: Any) -> None:
    """Let all letters carry exponents at the same height, as TeX does, and not the higher the taller they are.

    Without a mathematical font a browser also leaves subscripts on the line; a letter with some depth lowers them.
    """
    if element.tag not in (_tag("msup"), _tag("msub"), _tag("msubsup")):
        return
    base = element[0]
    if base.tag in (_tag("mi"), _tag("mn")) or (base.tag == _tag("mo") and base.text and base.text in CLOSING):
        padded = ElementTree.Element(_tag("mpadded"))
        if element.tag != _tag("msub"):
            padded.set("height", "0.45em")
        if element.tag != _tag("msup"):
            padded.set("depth", "0.15em")
        padded.append(base)
        element[0] = padded


def _set_signs_and_functions(element: Any) -> None:
    """A minus after a parenthesis is a sign, not a difference; a function's name stands apart from its argument."""
    if element.tag not in map(_tag, ("math", "mrow", "mtd", "msqrt", "mstyle")):
        return
    children = list(element)
    for before, child in zip([None, *children], children, strict=False):
        after_operand = before is not None and before.tag != _tag("mspace") and not _opens(before)
        if child.text in SIGNS:
            child.tag = _tag("mo")
            if not after_operand:
                child.set("form", "prefix")
    for before, child in pairwise(children):
        if (_is_function(before) and _is_operand(child)) or (_is_function(child) and _is_operand(before)):
            element.insert(list(element).index(child), ElementTree.Element(_tag("mspace"), width="0.167em"))


def _opens(element: Any) -> bool:
    """Whether an operand follows: an operator that closes nothing."""
    return bool(element.tag == _tag("mo") and (not element.text or element.text not in CLOSING + "!"))


def _is_function(element: Any) -> bool:
    """Whether it is a name such as sin, possibly with an exponent."""
    while element.tag in (_tag("msup"), _tag("msub"), _tag("mpadded")):
        element = element[0]
    return bool(element.tag == _tag("mi") and element.text and len(element.text) > 1 and element.text.isalpha())


def _is_operand(element: Any) -> bool:
    return element.tag not in (_tag("mo"), _tag("mspace"), _tag("mtext")) or (element.text or "x") in CLOSING


def _put_below_limits(element: Any) -> None:
    """In a formula of its own, what a limit is for stands below it."""
    if element.tag == _tag("msub") and element[0].text in LIMITS:
        element.tag = _tag("munder")


def _keep_punctuation(tree: Any) -> None:
    """Give each formula in a line what follows it without a space, so that no line begins with a comma."""
    from docutils import nodes

    for formula in list(tree.findall(nodes.math)):
        after = formula.next_node(descend=False, siblings=True)
        if isinstance(after, nodes.Text) and (kept := re.match(r"[^\s(–—-]{1,3}", after.astext())):
            formula["followed_by"] = kept[0]
            after.parent.replace(after, nodes.Text(after.astext()[kept.end() :]))


def _inline(writer: Any, node: Any) -> None:
    drawn, after = mathml(node.astext()), escape(node.get("followed_by", ""))
    writer.body.append(f'<span class="formula">{drawn}{after}</span>' if after else drawn)
    raise _skip()


def _block(writer: Any, node: Any) -> None:
    text = node.astext()
    lines = r"\begin{align*}" + text + r"\end{align*}" if r"\\" in text and r"\begin" not in text else text
    writer.body.append(f'<div class="math">{mathml(lines, "block")}</div>')
    raise _skip()


def _skip() -> Exception:
    from docutils.nodes import SkipNode

    return SkipNode()
