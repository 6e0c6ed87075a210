# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text from anywhere in Markdown, XML and names of files."""

from __future__ import annotations

import pytest

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.escape import (
    markdown,
    one_line,
    slug,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("redis_migration_prune: true", "redis_migration_prune: true"),
        ("*bold* _it_ `code`", r"\*bold\* \_it\_ \`code\`"),
        ("a | b", r"a \| b"),
        ("[text](http://x)", "\\[text\\](http:&#8288;//x)"),
        ("<script>&amp;", "&lt;script&gt;&amp;amp;"),
        ("ask @admin about #12 and !7", "ask @&#8288;admin about #&#8288;12 and !&#8288;7"),
        ("a\n# heading\n- item", "a # heading - item"),
        ("www.example.org", "www.&#8288;example.org"),
        ("~~gone~~ $math$", r"\~\~gone\~\~ \$math\$"),
        ("back\\slash", "back\\\\slash"),
    ],
)
def test_markdown_shows_the_text_itself(text: str, shown: str) -> None:
    assert markdown(text) == shown


def test_what_cannot_be_printed_is_named() -> None:
    assert one_line("a\x00b\x1b[31m\u202ec\ud800\uffff\n  d") == r"a\x00b\x1b[31m\u202ec\ud800\uffff d"


@pytest.mark.parametrize(
    ("name", "part"),
    [("Roll back", "roll-back"), ("../../etc", "etc"), ("", "run"), ("Über", "ber"), ("x" * 90, "x" * 40)],
)
def test_names_of_plays_become_parts_of_paths(name: str, part: str) -> None:
    assert slug(name) == part
