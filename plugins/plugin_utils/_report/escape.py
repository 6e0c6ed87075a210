# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text from anywhere, for others' formats: Markdown, XML and names of files."""

from __future__ import annotations

import re

from ansible_collections.dataservices.redis_migration.plugins.module_utils._errors import printable

# What begins markup within a line. An underscore within a word, as in names of options, does not.
_MARKDOWN = re.compile(r"[\\`*\[\]|~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
# What notifies people or links other things in a merge request: @person, #1, !1, and addresses. A word joiner ends that.
_REFERENCE = re.compile(r"([@#!](?=\w)|:(?=//)|(?<=\bwww)\.)")
_UNSEEN = "&#8288;"
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}

# No character of XML, though some file systems and servers take them for one.
_NO_CHARACTER = re.compile("[\ufffe\uffff]")


def one_line(text: str) -> str:
    """``text`` in one line, with escapes for what cannot be printed or turns the direction of text round."""
    return _NO_CHARACTER.sub(lambda found: f"\\u{ord(found[0]):04x}", printable(" ".join(text.split())))


def markdown(text: str) -> str:
    """``text`` as Markdown that shows just that, anywhere but at the beginning of a line."""
    escaped = _MARKDOWN.sub(lambda found: f"\\{found[0]}", one_line(text))
    escaped = re.sub("[&<>]", lambda found: _HTML[found[0]], escaped)
    return _REFERENCE.sub(rf"\1{_UNSEEN}", escaped)


def slug(text: str) -> str:
    """``text`` as a part of a file's name: ``Roll back`` becomes ``roll-back``."""
    return re.sub("[^a-z0-9]+", "-", text.lower()).strip("-")[:40].strip("-") or "run"
