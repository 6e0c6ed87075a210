# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers as people read them."""

from __future__ import annotations

import pytest

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report import humanize


@pytest.mark.parametrize(("number", "text"), [(0, "0 keys"), (1, "1 key"), (1234567, "1,234,567 keys")])
def test_keys(number: int, text: str) -> None:
    assert humanize.keys(number) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (150 * 1024, "150 KiB"),
        (12.3 * 2**20, "12.3 MiB"),
        (3 * 2**50, "3072 TiB"),
    ],
)
def test_sizes(amount: float, text: str) -> None:
    assert humanize.size(amount) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.84, "0.8 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (250, "4 min 10 s"),
        (3600, "1 h"),
        (7500, "2 h 5 min"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert humanize.duration(seconds) == text
