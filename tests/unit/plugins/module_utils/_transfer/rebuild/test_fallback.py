# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What rebuilding decides without a server: names, sizes of pieces, facts of streams, parts of chunks."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.temporary import (
    PREFIX,
    TemporaryNames,
    hash_slot,
    without_temporary,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._pipeline.scan import Chunk
from ansible_collections.dataservices.redis_migration.plugins.module_utils._pipeline.stride import PIECE_BYTES, Stride
from ansible_collections.dataservices.redis_migration.plugins.module_utils._rdb.stream_id import after
from ansible_collections.dataservices.redis_migration.plugins.module_utils._server.info import none_expires
from ansible_collections.dataservices.redis_migration.plugins.module_utils._transfer.rebuild.fallback import WithRebuild
from ansible_collections.dataservices.redis_migration.plugins.module_utils._transfer.strategy import (
    Moved,
    Occupied,
    Refused,
    Vanished,
)


# The examples of the cluster specification, and slots that a real cluster named.
@pytest.mark.parametrize(
    ("key", "slot"),
    [
        (b"123456789", 0x31C3 % 16384),
        (b"foo", 12182),
        (b"bar", 5061),
        (b"{foo}anything", 12182),
        (b"x{foo}{bar}", 12182),
        (b"", 0),
    ],
)
def test_slots_are_those_of_a_cluster(key: bytes, slot: int) -> None:
    assert hash_slot(key) == slot


def test_only_the_first_tag_counts_and_an_empty_one_does_not() -> None:
    assert hash_slot(b"foo{}{bar}") != hash_slot(b"bar")
    assert hash_slot(b"foo{bar") != hash_slot(b"bar")
    assert hash_slot(b"foo{{bar}}zap") == hash_slot(b"{bar")


def test_a_temporary_key_lies_in_the_slot_of_its_key() -> None:
    names = TemporaryNames()
    chance = random.Random(1)
    keys = [b"", b"{}", b"a}b", b"{a}b}", b"}{", b"{{}", b"\xff\x00\n", *(chance.randbytes(9) for _key in range(300))]
    made = [names.name(key) for key in keys]
    assert [hash_slot(name) for name in made] == [hash_slot(key) for key in keys]
    assert len(set(made)) == len(made)
    assert all(name.startswith(PREFIX) and len(name) < 80 for name in made)


def test_two_runs_never_share_a_name_and_know_their_own() -> None:
    one, other = TemporaryNames(), TemporaryNames()
    name = one.name(b"key")
    assert one.owns(name)
    assert not other.owns(name)
    assert not one.owns(b"key")


def test_temporary_keys_are_nobody_s_data() -> None:
    temporary = TemporaryNames().name(b"key")
    keys = [b"a", b"about " + PREFIX, b"b"]
    assert without_temporary([b"a", temporary, b"about " + PREFIX, b"b"]) == keys
    assert without_temporary(keys) == keys
    assert without_temporary([]) == []


def test_a_stride_of_large_elements_is_bounded_by_bytes() -> None:
    assert Stride(100 * PIECE_BYTES, 100).elements == 1
    assert Stride(100 * PIECE_BYTES, 1000).elements == 10
    assert Stride(0, 0).elements > 0


def test_a_stride_follows_the_time_that_pieces_take() -> None:
    stride = Stride(16 * 1_000_000, 1_000_000)
    first = stride.elements
    for _piece in range(50):
        stride.took(10)
    assert first < stride.elements <= 5000
    for _piece in range(50):
        stride.took(50_000)
    assert stride.elements == 1
    assert not stride.shorten()


def test_a_stride_that_met_too_large_a_reply_stays_short() -> None:
    stride = Stride(16 * 1_000_000, 1_000_000)
    assert stride.shorten()
    short = stride.elements
    for _piece in range(50):
        stride.took(10)
    assert stride.elements == short


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("db0:keys=4,expires=0,avg_ttl=0,subexpiry=0", True),
        ("db0:keys=4,expires=0,avg_ttl=0,subexpiry=2", False),
        ("db0:keys=4,expires=0,avg_ttl=0,keys_with_volatile_items=0", True),
        ("db0:keys=4,expires=0,avg_ttl=0,keys_with_volatile_items=1", False),
        # A server that says nothing of it may have some.
        ("db0:keys=4,expires=0,avg_ttl=0", False),
        ("db1:keys=4,expires=0,avg_ttl=0,subexpiry=2", True),
    ],
)
def test_whether_fields_expire(line: str, expected: bool) -> None:
    assert none_expires(f"# Keyspace\r\n{line}\r\n".encode(), 0) is expected


def test_the_id_after_another() -> None:
    assert after(b"5-5") == b"5-6"
    assert after(b"5-18446744073709551615") == b"6-0"


class _Scripted:
    """A strategy that moves everything but what its table says."""

    chunk_keys = 10
    chunk_bytes = 100

    def __init__(self, others: dict[bytes, object], rebuilds: bool = False) -> None:
        self.others = others
        self.rebuilds = rebuilds
        self.asked: list[bytes] = []

    def transfer(self, chunk: Chunk, *, replace: bool) -> Iterator[None]:
        self.asked += chunk.names
        others = {at: self.others[name] for at, name in enumerate(chunk.names) if name in self.others}
        size = sum(size for at, size in enumerate(chunk.sizes) if at not in others)
        return Moved(size, others, len(chunk) - len(others) if self.rebuilds else 0)
        yield


def _run(job: Iterator[None]) -> Moved:
    try:
        next(job)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("nothing to wait for")


def test_what_is_large_or_unreadable_is_rebuilt_and_outcomes_keep_their_places() -> None:
    unreadable = Refused("DUMP payload version or checksum are wrong", unreadable=True)
    full = Refused("something else")
    main = _Scripted({b"b": unreadable, b"c": Vanished(), b"e": full, b"g": unreadable})
    rebuild = _Scripted({b"d": Occupied(), b"g": full}, rebuilds=True)
    chunk = Chunk([b"a", b"b", b"c", b"d", b"e", b"f", b"g"], [1, 2, 3, 400, 5, 600, 7])

    moved = _run(WithRebuild(main, rebuild, 100).transfer(chunk, replace=False))

    assert main.asked == [b"a", b"b", b"c", b"e", b"g"]
    assert rebuild.asked == [b"b", b"d", b"f", b"g"]
    assert moved.others == {2: Vanished(), 3: Occupied(), 4: full, 6: full}
    assert moved.size == 1 + 2 + 600
    assert moved.rebuilt == 2


def test_without_a_limit_nothing_is_too_large() -> None:
    main, rebuild = _Scripted({}), _Scripted({}, rebuilds=True)
    moved = _run(WithRebuild(main, rebuild, 0).transfer(Chunk([b"a"], [10**9]), replace=True))
    assert moved == Moved(10**9, {}, 0)
    assert not rebuild.asked
