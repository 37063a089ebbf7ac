"""The manual's settings: ``make docs`` builds it into docs/_build/html. Nothing in it is loaded from another host."""

import itertools
import re
import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.domains.python import PyObject

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "tools"), str(HERE.parent)]

import conventions  # noqa: E402  # after the path is set
import executing  # noqa: E402  # after the path is set
import formulas  # noqa: E402  # after the path is set
import reference  # noqa: E402  # after the path is set

import autodiff  # noqa: E402  # after the path is set

project, version = "wengert", autodiff.__version__
author = copyright = "the wengert authors"  # Sphinx's name
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["dollarmath", "amsmath", "deflist", "attrs_inline"]
myst_heading_anchors = 4
myst_dmath_double_inline = True
exclude_patterns = ["_build", "_made", "tools"]
# A generated page may begin below the first level; types such as "dtype" are words, not links.
suppress_warnings = ["myst.header", "ref.python"]
templates_path: list[str] = []
html_theme = "furo"
html_title = "wengert"
html_static_path = ["_static"]
html_favicon = "_static/icon.svg"
html_css_files = ["manual.css"]
html_copy_source = html_show_sourcelink = False
html_theme_options = {"navigation_with_keys": True}
html_math_renderer = "mathml"
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # shapes and dtypes stand in the text
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True  # attributes are listed once
napoleon_preprocess_types = False


def without_catchall(*event: Any) -> tuple[str, str] | None:
    """Signatures without `**unknown`, which is there to name what it is given."""
    *_, signature, returns = event
    return (signature.replace(", **unknown", ""), returns) if signature else None


def prepare(*event: Any) -> None:
    """What napoleon or reStructuredText would take for something else, in the sections of a docstring.

    `K. He` at the beginning of a reference is a name and no list; of attributes that stand together each gets its own
    entry, as parameters do.
    """
    lines, section, found = event[-1], "", []
    for i, line in enumerate(lines):
        if line.startswith("---"):
            section = lines[i - 1]
        if section == "References" and re.match(r"[A-Z]\. ", line):
            line = "\\" + line
        together = re.match(r"(\w+(?:, \w+)+) : (.*)", line) if section == "Attributes" else None
        if together is None:
            found.append(line)
            continue
        text = list(itertools.takewhile(lambda more: more.startswith(" "), lines[i + 1 :]))
        *first, last = together[1].split(", ")
        for name in first:
            found += [f"{name} : {together[2]}", *text]
        found.append(f"{last} : {together[2]}")
    lines[:] = found


def skip_fields(app: Any, what: str, name: str, value: Any, skip: bool, options: Any) -> bool | None:
    """Leave out fields of a NamedTuple, which stand among its attributes, and what scikit-learn adds to a class."""
    if (getattr(value, "__module__", None) or "").startswith("sklearn"):  # set_fit_request and its like
        return True
    return True if (getattr(value, "__doc__", "") or "").startswith("Alias for field number") else None


def unlink_letters(app: Any, tree: Any) -> None:
    """In a shape such as (d, k) a letter is no name of something."""
    for link in list(tree.findall(pending_xref)):
        if link.get("reftype") == "class" and link["reftarget"].islower() and "." not in link["reftarget"]:
            link.replace_self(link.children or nodes.Text(link.astext()))


def setup(app: Any) -> None:
    """Pages run when they are read, formulas become MathML, and the reference is written from the public names."""
    reference.write(HERE / "reference")
    reference.keep(HERE / "conventions.md", conventions.page())
    formulas.register(app)
    for fields in PyObject.doc_field_types:
        if fields.name == "variable":
            fields.label = "Attributes"  # as in the docstrings; Sphinx calls them variables
    app.connect("autodoc-process-signature", without_catchall)
    app.connect("autodoc-process-docstring", prepare, priority=400)  # before napoleon, which reads the sections
    app.connect("autodoc-skip-member", skip_fields)
    app.connect("doctree-read", unlink_letters)
    app.connect("source-read", executing.read)
