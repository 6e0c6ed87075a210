# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A key that its connection does not survive is found by halving; the others get through. No server: the test answers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._errors import ConnectError
from ansible_collections.dataservices.redis_migration.plugins.module_utils._pipeline.chunk import Chunk
from ansible_collections.dataservices.redis_migration.plugins.module_utils._pipeline.flow import Flow
from ansible_collections.dataservices.redis_migration.plugins.module_utils._pipeline.halving import Halving
from ansible_collections.dataservices.redis_migration.plugins.module_utils._pipeline.job import (
    Gate,
    Job,
    LostAgain,
    Take,
)

NAMES = [b"%d" % number for number in range(64)]
LOST = LostAgain(
    cast(Any, SimpleNamespace(endpoint=SimpleNamespace(role="target"))),
    ConnectError("The target closed the connection."),
)


class Scene:
    """Chunks of 64 keys of 1 kB each; those with a key of `bad` lose their connection."""

    def __init__(self, *bad: bytes, told: bool = True) -> None:
        self.bad = set(bad)
        self.passed: list[bytes] = []
        self.given_up: list[bytes] = []
        self.taken: list[float] = []
        self.gate = Gate(1_000_000)
        flow = SimpleNamespace(give=lambda _gate, amount: self.taken.remove(amount), note_progress=lambda: None)
        self.halving = Halving(cast(Flow, flow), self.gate, 64_000, self._give_up if told else None)

    def _give_up(self, chunk: Chunk, error: ConnectError) -> None:
        assert "proto-max-bulk-len" in str(error)
        self.given_up += chunk.names

    def _work(self, chunk: Chunk) -> Job[None]:
        if self.bad & set(chunk.names):
            raise LOST
        self.passed += chunk.names
        yield from ()

    def run(self) -> None:
        for asked in self.halving.run(Chunk(NAMES, [1_000] * len(NAMES)), self._work):
            assert isinstance(asked, Take)
            self.taken.append(asked.amount)


def test_a_chunk_that_passes_is_left_whole() -> None:
    scene = Scene()
    scene.run()
    assert scene.passed == NAMES
    assert scene.halving.chunk_bytes == 64_000


@pytest.mark.parametrize("bad", [[b"0"], [b"63"], [b"17", b"18"], [b"3", b"40", b"41"]])
def test_only_the_keys_that_break_it_are_given_up(bad: list[bytes]) -> None:
    scene = Scene(*bad)
    scene.run()
    assert scene.given_up == bad
    assert scene.passed == [name for name in NAMES if name not in bad]
    assert scene.taken == [], "all room is given back"
    assert scene.halving.chunk_bytes == 16 * 1024, "smaller chunks from now on, but not tiny ones"


def test_an_end_that_takes_nothing_ends_the_run() -> None:
    scene = Scene(*NAMES)
    with pytest.raises(ConnectError, match="closed the connection"):
        scene.run()
    assert len(scene.given_up) == 5
    assert scene.taken == []


def test_where_nobody_takes_failures_the_first_ends_the_run() -> None:
    with pytest.raises(ConnectError, match="closed the connection"):
        Scene(b"5", told=False).run()


def test_less_is_in_flight_after_a_loss_and_more_again_later() -> None:
    scene = Scene(b"5")
    scene.run()
    after = scene.gate.limit
    assert after < 1_000_000
    scene.bad.clear()
    for _time in range(64):
        scene.run()
    assert scene.gate.limit == 1_000_000
