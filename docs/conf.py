"""How Sphinx builds the documentation; warnings are errors (tools/check_docs.py)."""

from __future__ import annotations

from pygments.lexers.special import TextLexer
from sphinx.highlighting import lexers

from htcondor_async import __version__

lexers["mermaid"] = TextLexer()  # drawn by the forge's own viewer; here it is shown as it stands

project = "htcondor-async"
author = "the htcondor-async developers"
copyright = "the htcondor-async developers"
release = version = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "furo"
html_title = f"htcondor-async {version}"
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autoclass_content = "class"
napoleon_google_docstring = True
napoleon_numpy_docstring = True
napoleon_use_rtype = False
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence", "deflist"]
exclude_patterns = ["_build"]
nitpicky = False
