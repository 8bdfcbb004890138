"""How Sphinx makes the documentation: `make docs`."""

project = "Marrowloop"
copyright = "the authors of Marrowloop, AGPL-3.0"  # noqa: A001  # Sphinx' own word
extensions = ["myst_parser"]
myst_heading_anchors = 4
html_theme = "furo"
html_title = "Marrowloop"
exclude_patterns = ["_build"]
# Files of the repository beside docs/ are linked as files, which Sphinx does not copy.
suppress_warnings = ["myst.xref_missing"]
