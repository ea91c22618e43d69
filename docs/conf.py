"""Configuration of Sphinx. `tox run -e docs` builds the site; CONTRIBUTING.md says how pages are written."""

from __future__ import annotations

import sys
from pathlib import Path

from hybrid_bench import __version__

sys.path.insert(0, str(Path(__file__).parent))

project = "Hybrid Bench"
author = "The Hybrid Bench authors"
copyright = "The Hybrid Bench authors, Apache-2.0"
version = release = __version__

extensions = [
    "myst_nb",  # Markdown, and notebooks that are executed
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",  # docstrings with Args, Returns and Raises
    "sphinx.ext.mathjax",
    "extensions.run",
    "extensions.generated",
    "extensions.links",
]
myst_enable_extensions = ["colon_fence", "dollarmath", "attrs_block"]
myst_heading_anchors = 4
nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_execution_show_tb = True
# Messages about the time that work takes.
nb_output_stderr = "remove"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
exclude_patterns = ["_build", "extensions"]
suppress_warnings = ["mystnb.unknown_mime_type"]

# Furo: readable on a telephone and in the dark, and with no JavaScript framework.
html_theme = "furo"
html_title = "Hybrid Bench"
html_copy_source = False
html_show_sourcelink = False
