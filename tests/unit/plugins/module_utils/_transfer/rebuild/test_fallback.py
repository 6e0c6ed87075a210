# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a strategy cannot move is rebuilt."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.dataservices.redis_migration.plugins.module_utils._pipeline.chunk import Chunk
from ansible_collections.dataservices.redis_migration.plugins.module_utils._transfer.rebuild.fallback import WithRebuild
from ansible_collections.dataservices.redis_migration.plugins.module_utils._transfer.strategy import (
    Moved,
    Occupied,
    Refused,
    Vanished,
)


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
