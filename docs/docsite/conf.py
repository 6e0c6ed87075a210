# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How Sphinx builds the site; ``.ci/docs`` puts this file beside the pages."""

from __future__ import annotations

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

project = "dataservices.redis_migration"
copyright = "2026 dataservices.redis_migration contributors"
html_title = project
html_theme = "furo"
html_show_sphinx = False
# A page's source is the repository's business.
html_copy_source = False

extensions = ["myst_parser", "sphinx_antsibull_ext"]
# Links such as live.md#the-proof lead to headings, as they do where the repository is read.
myst_heading_anchors = 3
antsibull_ext_color_scheme = "default"
# An index of variables from the environment, to which nothing leads.
exclude_patterns = ["collection/environment_variables.rst"]


def _lead_to_the_site(_app: Sphinx, _page: str, source: list[str]) -> None:
    """What pages link to in README.md is on a page of its own here."""
    source[0] = source[0].replace("](../README.md#", "](first_steps.md#")


def setup(app: Sphinx) -> None:
    """Show the ACL rules, which a test reads, as they are."""
    for name in ("acl-source", "acl-target", "acl-sentinel"):
        app.add_lexer(name, TextLexer)
    app.connect("source-read", _lead_to_the_site)
