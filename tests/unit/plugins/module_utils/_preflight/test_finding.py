# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verdicts and how they are told."""

from __future__ import annotations

from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.finding import (
    Finding,
    accepted,
    fail,
    human,
    listed,
    ok,
    plural,
    warn,
)


def test_accepting() -> None:
    found = accepted(Finding("formats", fail("It does not fit.", "Do something.")))
    assert found.verdict.status == "warn"
    assert "Accepted as told" in found.verdict.message
    for verdict in (ok("Fine."), warn("Hm.", "Look.")):
        assert accepted(Finding("formats", verdict)).verdict == verdict


def test_words() -> None:
    assert [plural(number, "key") for number in (0, 1, 2)] == ["0 keys", "1 key", "2 keys"]
    assert listed(["a", "b"]) == "a, b"
    assert listed(["a", "b", "c"], 2) == "a, b and 1 more"
    sizes = [0, 1023, 1024, 1536, 5 * 1024**2, 3 * 1024**3, 5000 * 1024**3]
    assert [human(size) for size in sizes] == [
        "0 bytes", "1023 bytes", "1.0 KiB", "1.5 KiB", "5.0 MiB", "3.0 GiB", "5000.0 GiB"
    ]  # fmt: skip
