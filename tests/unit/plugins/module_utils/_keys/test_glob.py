# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns choose names as Redis' own do; expectations are those of KEYS."""

from __future__ import annotations

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.glob import (
    as_bytes,
    compile_glob,
    matcher,
)


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        (b"*", b"", True),
        (b"*", b"any\nthing\xff", True),
        (b"", b"", True),
        (b"", b"x", False),
        (b"**", b"", False),
        (b"user:*", b"user:", True),
        (b"user:*", b"xuser:1", False),
        (b"*:end", b"a:end:end", True),
        (b"a*b*c", b"a-b-b-c", True),
        (b"a*b*c", b"a-c-b", False),
        (b"?", b"\n", True),
        (b"?", b"ab", False),
        (b"[a-c]x", b"bx", True),
        (b"[c-a]x", b"bx", True),
        (b"[^a-c]x", b"bx", False),
        (b"[^a-c]x", b"dx", True),
        (b"[]x", b"]x", False),
        (b"[^]", b"y", True),
        (b"[a\\]]", b"]", True),
        (b"\\*", b"*", True),
        (b"\\*", b"x", False),
        (b"x\\", b"x\\", True),
        (b"a.c", b"abc", False),
    ],
)
def test_patterns(pattern: bytes, name: bytes, matches: bool) -> None:
    assert bool(compile_glob(pattern).fullmatch(name)) is matches


@pytest.mark.parametrize(
    ("given", "pattern"),
    [
        ("a*", b"a*"),
        (r"\x41", b"A"),
        (r"\x2a", b"\\*"),
        (r"\\x41", b"\\\\x41"),
        ("ä", "ä".encode()),
        (r"\xff", b"\xff"),
    ],
)
def test_patterns_of_the_inventory_hold_any_byte(given: str, pattern: bytes) -> None:
    assert as_bytes(given) == pattern


def test_a_name_is_chosen_by_one_match_and_no_exclude() -> None:
    chosen = matcher(["user:*", "cart:*"], ["*:tmp"])
    assert chosen is not None
    assert [name for name in (b"user:1", b"cart:1", b"user:tmp", b"other") if chosen(name)] == [b"user:1", b"cart:1"]


def test_without_patterns_nothing_has_to_be_asked() -> None:
    assert matcher([], []) is None
