"""The documentation as a site: ``sphinx-build -W -c docs . OUTPUT``, at the root of the checkout.

Warnings are errors, so a link to a page, a heading or a file that does not exist fails.
"""

project = "puffin"
author = "the puffin authors"
extensions = ["myst_parser"]
root_doc = "docs/index"
include_patterns = ["docs/*.md", "docs/*.rst", "bench/*.md", "examples/**/*.md", "*.md"]
html_theme = "furo"
html_title = "puffin"
html_extra_path = ["report.schema.json", "puffin.schema.json"]
myst_heading_anchors = 4
