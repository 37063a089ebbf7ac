"""The manual's settings: ``make docs`` builds it into docs/_build/html. Nothing in it is loaded from another host."""

import sys
from pathlib import Path
from typing import Any

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


def setup(app: Any) -> None:
    """Pages run when they are read, formulas become MathML, and the reference is written from the public names."""
    reference.write(HERE / "reference")
    reference.keep(HERE / "conventions.md", conventions.page())
    formulas.register(app)
    app.connect("autodoc-process-signature", without_catchall)
    app.connect("source-read", executing.read)
