# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One walk over a database of strings, played to the end with plain replies. Real walks are in the integration tests."""

from __future__ import annotations

import itertools
import re
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.endpoint import Endpoint
from ansible_collections.dataservices.redis_migration.plugins.module_utils._errors import RedisMigrationError
from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.region import Region
from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.selection import Selection
from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.slots import hash_slot, table_of
from ansible_collections.dataservices.redis_migration.plugins.module_utils._pipeline.chunk import Chunk
from ansible_collections.dataservices.redis_migration.plugins.module_utils._pipeline.job import Job, Take
from ansible_collections.dataservices.redis_migration.plugins.module_utils._pipeline.pace import Pace
from ansible_collections.dataservices.redis_migration.plugins.module_utils._pipeline.pipe import ReplyTooLarge
from ansible_collections.dataservices.redis_migration.plugins.module_utils._pipeline.scan import Scan
from ansible_collections.dataservices.redis_migration.plugins.module_utils._server.key_counts import Database


def arguments(commands: bytes) -> list[list[bytes]]:
    one_by_one = re.split(rb"(?=\*\d+\r\n)", commands)[1:]
    return [command.split(b"\r\n")[2::2] for command in one_by_one]


class Walk:
    """``pages`` are what SCAN gives; each key is a string of as many bytes as its name says. The last cursor is 0."""

    def __init__(self, *pages: list[bytes], largest_page: int = 10**9, **options: Any) -> None:
        self._pages = list(pages)
        self._largest_page = largest_page
        self.asked: list[bytes] = []
        self.chunks: list[list[bytes]] = []
        self.in_use = 0.0
        self._jobs: list[Job[Any]] = []
        flow: Any = SimpleNamespace(give=self._give, spawn=self._jobs.append, note_progress=lambda: None)
        end: Any = SimpleNamespace(
            endpoint=Endpoint("source", "a"),
            server=SimpleNamespace(databases={0: Database(sum(map(len, pages)), 0)}),
            database=0,
            renaming=None,
            chooser=lambda selection: selection.chooser(),
            in_region=lambda selection: selection.region and selection.region.keys(None),
            call=lambda commands, _count: arguments(commands),
            check=lambda _replies, *_command: None,
        )
        bounds = {"chunk_keys": 100, "chunk_bytes": 10_000}
        selection = options.pop("selection", Selection())
        self.scan = Scan(flow, end, Pace(0), selection, self._take_chunk, **(bounds | options))

    def _give(self, _gate: Any, amount: float) -> None:
        self.in_use -= amount

    def _take_chunk(self, chunk: Chunk) -> Any:
        assert chunk.size == sum(chunk.sizes)

        def work(part: Chunk) -> Job[None]:
            self.chunks.append(part.names)
            yield from ()

        return work

    def _reply(self, commands: list[list[bytes]]) -> list[Any]:
        if commands[0][0] != b"SCAN":
            assert commands[0][0] == b"STRLEN"
            return [int(name) for _command, name in commands]
        self.asked.append(b" ".join(commands[0]))
        if int(commands[0][3]) > self._largest_page:
            raise ReplyTooLarge("too large")
        names = self._pages.pop(0)
        return [[b"%d" % len(self._pages), names]]

    def run(self) -> list[list[bytes]]:
        """The names of each chunk."""
        self._jobs.append(self.scan.job())
        while self._jobs:
            self._play(self._jobs.pop(0))
        assert self.in_use == 0, "all room is given back"
        return self.chunks

    def _play(self, job: Job[Any]) -> None:
        try:
            asked = next(job)
            while True:
                if isinstance(asked, Take):
                    self.in_use += asked.amount
                    asked = next(job)
                    continue
                try:
                    replies = self._reply(asked)
                except ReplyTooLarge as error:
                    asked = job.throw(error)
                else:
                    asked = job.send(replies)
        except StopIteration:
            return


NAMES = [b"%d" % number for number in range(100, 109)]


def test_an_empty_database_is_one_page() -> None:
    walk = Walk([])
    assert walk.run() == []
    assert walk.scan.finished
    assert walk.asked == [b"SCAN 0 COUNT 1000"]


@pytest.mark.parametrize(
    ("chunk_keys", "sizes"), [(10, [9]), (9, [9]), (8, [5, 4]), (4, [3, 3, 3]), (1, [1] * 9)], ids=str
)
def test_chunks_are_even_and_hold_no_more_keys_than_told(chunk_keys: int, sizes: list[int]) -> None:
    chunks = Walk(NAMES, chunk_keys=chunk_keys).run()
    assert list(map(len, chunks)) == sizes
    assert list(itertools.chain(*chunks)) == NAMES


@pytest.mark.parametrize(
    ("chunk_bytes", "sizes"), [(936, [9]), (935, [8, 1]), (201, [2, 1, 1, 1, 1, 1, 1, 1]), (1, [1] * 9)], ids=str
)
def test_chunks_hold_no_more_bytes_than_told_unless_one_key_has_more(chunk_bytes: int, sizes: list[int]) -> None:
    assert list(map(len, Walk(NAMES, chunk_bytes=chunk_bytes).run())) == sizes


def test_a_key_that_a_page_lists_twice_is_handled_once() -> None:
    assert Walk([b"5", b"6", b"5"]).run() == [[b"5", b"6"]]


def test_keys_that_are_not_chosen_are_left_out() -> None:
    walk = Walk([b"15", b"25"], [b"16"], selection=Selection(match=("1*",), exclude=("*6",)))
    assert walk.run() == [[b"15"]]
    assert walk.asked == [b"SCAN 0 COUNT 1000 MATCH 1*", b"SCAN 1 COUNT 1000 MATCH 1*"]


def test_what_few_keys_pages_leave_is_put_together() -> None:
    slots = table_of([hash_slot(b"100"), hash_slot(b"105")])
    pages = [[*NAMES] for _page in range(30)]
    walk = Walk(*pages, [b"100"], selection=Selection(region=Region(slots, slots)))
    assert walk.run() == [[b"100", b"105"]]
    assert Walk(*pages, selection=Selection(match=("*5",), exclude=("1*",))).run() == []


def test_what_is_put_together_is_bounded_by_the_bytes_of_names() -> None:
    # A page counts as one of half the size once it weighs about so much, be it a single name.
    long = [[b"%01000d" % number] for number in range(200)]
    assert [len(chunk) for chunk in Walk(*long, chunk_bytes=10**6).run()] == [63, 63, 63, 11]
    assert [len(chunk) for chunk in Walk(*[[b"%d" % number] for number in range(100)]).run()] == [100]


def test_one_type_is_left_to_the_server() -> None:
    walk = Walk([b"5"], selection=Selection(types=("string",)))
    assert walk.run() == [[b"5"]]
    assert walk.asked == [b"SCAN 0 COUNT 1000 TYPE string"]


def test_a_page_that_is_too_large_is_asked_for_in_smaller_ones() -> None:
    walk = Walk(NAMES, largest_page=10)
    assert walk.run() == [NAMES]
    assert walk.asked == [b"SCAN 0 COUNT %d" % page for page in (1000, 100, 10)]
    with pytest.raises(RedisMigrationError, match="too large"):
        Walk(NAMES, largest_page=0).run()


@pytest.mark.parametrize(("round_trip_us", "page"), [(2_500, 1000), (2_503, 1001), (20_000, 8000), (50_000, 8000)])
def test_pages_grow_with_the_round_trip(round_trip_us: float, page: int) -> None:
    walk = Walk([], round_trip_us=round_trip_us)
    walk.run()
    assert walk.asked == [b"SCAN 0 COUNT %d" % page]


def test_a_walk_that_is_stopped_goes_on_from_its_cursor() -> None:
    first = Walk([b"1"], [b"2"], [b"3"], should_stop=lambda: True)
    assert first.run() == [[b"1"]]
    assert (first.scan.finished, first.scan.cursor, first.scan.walked) == (False, b"2", (1, 0))
    rest = Walk([b"2"], [b"3"], cursor=first.scan.cursor, walked=first.scan.walked)
    assert rest.run() == [[b"2", b"3"]]
    assert rest.asked[0] == b"SCAN 2 COUNT 1000"
    assert rest.scan.finished
    assert rest.scan.walked == (3, 0)


def test_without_sizes_only_keys_are_counted() -> None:
    assert Walk(NAMES, chunk_keys=5, chunk_bytes=10, measured=False).run() == [NAMES[:5], NAMES[5:]]
