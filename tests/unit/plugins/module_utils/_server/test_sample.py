# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sample of keys shows."""

from __future__ import annotations

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._server.sample import (
    Key,
    KeySample,
    prefix_of,
)


@pytest.mark.parametrize(
    ("key", "prefix"),
    [
        (b"user:1:name", b"user:"),
        (b"a/b:c", b"a/"),
        (b":x", b":"),
        (b"plain", b""),
        (b"", b""),
        (b"\xff\n|x", b"\xff\n|"),
        (b"x" * 64 + b":1", b""),
    ],
)
def test_names_are_grouped_by_what_stands_before_their_first_separator(key: bytes, prefix: bytes) -> None:
    assert prefix_of(key) == prefix


def test_a_sample_adds_up() -> None:
    sample = KeySample()
    sample.add(Key(0, b"user:1", "hash", 100, -1))
    sample.add(Key(0, b"user:2", "hash", 300, 59_999))
    sample.add(Key(3, b"log\n", "list", 50, 86_400_000 * 30))
    sample.add(Key(3, b"log2", "list", 50, None))
    found = sample.as_dict(exact=False)
    assert (found["keys"], found["bytes"]) == (4, 500)
    assert found["types"]["hash"] == {"keys": 2, "bytes": 400, "largest_bytes": 300}
    assert found["prefixes"] == [{"prefix": "user:", "keys": 2, "bytes": 400}, {"prefix": "", "keys": 2, "bytes": 100}]
    assert found["largest"][0] == {"database": 0, "key": "user:2", "type": "hash", "bytes": 300}
    assert {group: count for group, count in found["ttl"].items() if count} == {
        "never": 1,
        "under_1_minute": 1,
        "longer": 1,
    }
    assert sample.as_dict()["largest"][2]["key_base64"] == "bG9nMg=="


def test_each_database_counts_by_its_size() -> None:
    sample = KeySample()
    sample.add(Key(0, b"a:1", "hash", 100, -1), 50.4)
    sample.add(Key(1, b"b:1", "list", 10, 5), 1.0)
    found = sample.as_dict()
    assert (found["keys"], found["stands_for"], found["bytes"]) == (2, 51, 5050)
    assert found["types"]["hash"] == {"keys": 50, "bytes": 5040, "largest_bytes": 100}
    assert (found["ttl"]["never"], found["ttl"]["under_1_minute"]) == (50, 1)
    assert found["largest"][0]["bytes"] == 100


def test_names_without_a_system_take_bounded_memory() -> None:
    sample = KeySample()
    for number in range(20_000):
        sample.add(Key(0, b"%d:x" % number, "string", 1, -1))
    found = sample.as_dict()
    assert len(sample.prefixes) <= 5001
    assert len(found["prefixes"]) == len(found["largest"]) == 10
    assert found["prefixes"][0] == {"prefix": "", "keys": 15_000, "bytes": 15_000}
