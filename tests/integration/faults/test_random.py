# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random data, random options and random faults, on real servers: whatever happens, nothing is lost or made up.

A failure prints the example that caused it. The short test draws the same examples each time, some for each kind of
fault. `make soak` draws new ones of all kinds for SOAK_MINUTES (10), each round from a seed that it prints: SOAK_SEED=N
begins there.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.support import engine, oracle
from tests.support.attempt import TEMPORARY, Attempt, attempt
from tests.support.faultproxy import FaultProxy
from tests.support.random_data import SOON, Key, keys, write
from tests.support.random_faults import DATA_KINDS, OTHERS_KEYS, WIRE_KINDS, Fault, Side, faults
from tests.support.random_runs import (
    AWAY,
    Pool,
    Run,
    Setting,
    run_here,
    run_in_slices,
    run_module,
    run_playbook,
    soak_seeds,
)
from tests.support.random_runs import settings as random_settings
from tests.support.servers import RedisServer

# What an answer is waited for; the second where a server is replaced by another, which no connection may notice.
ANSWER, ANSWER_OF_REPLACED = 0.5, 15.0

# Of the source's keys so many, or this share of them, may be lost there without a word (`prune_limit`).
FEW, SHARE = 10, 0.1

Names = set[tuple[int, bytes]]


class Example(NamedTuple):
    """Keys of the source, keys that the target holds before, and what happens during the run and the comparison."""

    setting: Setting
    keys: list[Key]
    there: list[Key]
    during_run: list[Fault]
    during_diff: list[Fault]


happened: Counter[str] = Counter()


def run_of(example: Example) -> Run:
    kinds = {fault.what for fault in example.during_run}
    if "playbook killed" in kinds:
        return run_playbook
    if "module killed" in kinds:
        return run_module
    return run_in_slices if example.setting.in_slices else run_here


def names_in(server: RedisServer) -> Names:
    found: Names = set()
    for name in server.client().info("keyspace"):
        number = int(name.removeprefix("db"))
        found |= {(number, key) for key in server.client(number).scan_iter(count=1000)}
    return found


def names_of_short_life(keys: list[Key]) -> Names:
    return {(key.database, key.name) for key in keys if key.ttl is not None and key.ttl < SOON}


def values_of(server: RedisServer, names: Names) -> Mapping[tuple[int, bytes], object]:
    """As DUMP has them, but for tables, which are written in any order."""
    found: dict[tuple[int, bytes], object] = {}
    for number in sorted({number for number, _key in names}):
        here = [key for number_, key in names if number_ == number]
        with server.client(number).pipeline(transaction=False) as pipeline:
            for key in here:
                pipeline.type(key)
            for key, kind in zip(here, pipeline.execute(), strict=True):
                {b"hash": pipeline.hgetall, b"set": pipeline.smembers}.get(kind, pipeline.dump)(key)
            found.update(zip(((number, key) for key in here), pipeline.execute(), strict=True))
    return found


class Before:
    """What both ends held before, to be compared with afterwards."""

    def __init__(self, example: Example, source: Side, target: Side) -> None:
        self.setting = example.setting
        self.source, self.target = source, target
        self.soon = names_of_short_life(example.keys)
        self.names = names_in(source.server)
        self.lasting = self.names - self.soon
        self.values = values_of(source.server, self.lasting)
        self.soon_at_target = {(self.setting.there(number), key) for number, key in names_of_short_life(example.there)}
        self.at_target = names_in(target.server) - self.soon_at_target
        self.writes = [server.write_calls(but="migrate") for server in (source.server, source.other)]

    def source_is_untouched(self) -> None:
        """What happened to it on its own account aside. A restart makes it forget what it counted."""
        source = self.source
        if not source.restarted:
            flushes = source.happened.count("flushed")
            for server, before, own in zip((source.server, source.other), self.writes, (flushes, 0), strict=True):
                assert server.write_calls(but="migrate") - own == before, server.command_calls()
        now = names_in(source.server)
        if not {"flushed", "replaced"} & set(source.happened):
            assert self.lasting <= now <= self.names, "the source lost keys, or got some"
            if not source.restarted:  # which may encode them in another way
                assert values_of(source.server, self.lasting) == self.values
        assert names_in(source.other) == {(0, name) for name in OTHERS_KEYS}

    def counted_is_there(self, tried: Attempt) -> None:
        """No more keys are counted as moved than the target holds of the source's, but for those that expire."""
        if tried.error and self.target.lost_data:
            return  # It was there when it was counted.
        of_source = self.names | {(0, name) for name in OTHERS_KEYS}
        held = set().union(*map(names_in, self.target.servers))
        for number, counters in tried.result["databases"].items():
            both = {name for number_, name in of_source if number_ == int(number)}
            both &= {name for number_, name in held if number_ == counters["target_database"]}
            expired = sum(number_ == int(number) for number_, _name in self.soon)
            # A name that the old data and the new have in common may be read from both, and is moved twice then.
            twice = 0
            if {"replaced", "switched"} & set(self.source.happened):
                twice = len({name for number_, name in self.names if number_ == int(number)} & OTHERS_KEYS.keys())
            assert counters["copied"] + counters["updated"] <= len(both) + expired + twice, (number, counters, both)

    def success_is_true(self, tried: Attempt) -> None:
        """A run that succeeds has left nothing behind."""
        if tried.error or tried.result["totals"]["failed"]:
            return
        allowed = set() if self.setting.prune else {"extra"}
        if self.setting.existing_keys == "skip":
            allowed |= {"value", "type", "ttl"}
        forgot = self.source.restarted or {"replaced", "switched"} & set(self.source.happened)
        if "flushed" in self.source.happened and (tried.result["drift"] or forgot):
            # By an application: of a database that was done before, the run tells only that the source was written to.
            allowed |= {"extra"}
        found = self.differences()
        if self.setting.existing_keys == "skip":
            # A key of the target's own was spared, and expired then.
            found = [[one for one in pair if not self.expired_at_target(one)] for pair in found]
        assert any({one.kind for one in pair} <= allowed for pair in found), "\n\n".join(map(oracle.report, found))

    def expired_at_target(self, difference: oracle.Difference) -> bool:
        place = self.setting.there(difference.database), difference.key
        return difference.kind == "missing" and place in self.soon_at_target

    def differences(self) -> list[list[oracle.Difference]]:
        """Between the servers where the two names have led to."""
        return [
            oracle.compare(here, there, database_map=self.setting.database_map)
            for here in self.source.servers
            for there in self.target.servers
        ]

    def keeps_what_it_held(self, tried: Attempt | None) -> None:
        """A source that lost its keys in the middle takes none from the target; nor does a run that may not."""
        if self.setting.existing_keys in ("skip", "fail") and tried:
            assert tried.result["totals"]["updated"] == 0, tried.result["totals"]
        if self.target.lost_data:
            return
        there = {(self.setting.there(number), key) for number, key in self.lasting}
        bound = max(FEW, SHARE * len(self.names))
        if not self.source.lost_data:
            bound = 0
        gone = (there & self.at_target) - names_in(self.target.server)
        assert len(gone) <= bound, f"the target lost {len(gone)} keys: {sorted(gone)[:5]}"


def nothing_is_lost_or_made_up(pool: Pool, example: Example) -> None:
    setting = example.setting
    servers = [pool.clean(name, number) for name in (setting.source, setting.target) for number in (0, 1)]
    fill(servers[0], example)
    if setting.moved_before:
        attempt(servers[0], servers[2], database_map=setting.database_map)
    write(servers[2], [key._replace(database=setting.there(key.database)) for key in example.there])
    with FaultProxy(servers[0].port, redis=True) as at_source, FaultProxy(servers[2].port, redis=True) as at_target:
        source = Side("source", *servers[:2], at_source, 0)
        target = Side("target", *servers[2:], at_target, setting.there(0))
        before = Before(example, source, target)
        tried = run_with_faults(example, [source, target])
        for side in (source, target):
            side.heal()
        happened.update(f"{what} at the {side.name}" for side in (source, target) for what in side.happened)
        happened.update(["killed" if tried is None else "failed" if tried.error else "went through"])
        if tried is not None:
            before.counted_is_there(tried)
            before.success_is_true(tried)
        before.keeps_what_it_held(tried)
        before.source_is_untouched()
        equal_is_true(example, before)
        before.source_is_untouched()
    another_run_ends_equal(setting, source.server, target.server)


def fill(source: RedisServer, example: Example) -> None:
    write(source, example.keys)
    bulk = {f"bulk:{number}": f"value {number}" for number in range(example.setting.bulk)}
    source.client().mset({"always": "there", **bulk})


def run_with_faults(example: Example, sides: list[Side]) -> Attempt | None:
    return run_of(example)(example.setting, ordered(example.during_run, sides), sides)


def ordered(wanted: list[Fault], sides: list[Side]) -> dict[str, dict[str, object]]:
    """Orders the faults; the endpoints where they will happen."""
    answer = ANSWER_OF_REPLACED if any(fault.what == "replaced" for fault in wanted) else ANSWER
    for fault in wanted:
        next(side for side in sides if side.name == fault.side).order(fault)
    return {side.name: side.server.endpoint(port=side.proxy.port, timeout=answer) for side in sides}


def equal_is_true(example: Example, before: Before) -> None:
    """A comparison, with faults of its own, calls identical only what an independent one does."""
    sides = [before.source, before.target]
    ends = ordered(example.during_diff, sides)
    try:
        found = engine.diff(**ends, database_map=example.setting.database_map, timeout=AWAY)
    except engine.RedisMigrationError as exc:
        assert str(exc).rstrip().endswith("."), exc
        found = {"identical": False}
    for side in sides:
        side.heal()
    happened["identical" if found["identical"] else "not identical"] += 1
    if found["identical"]:
        differences = before.differences()
        assert not all(differences), "\n\n".join(map(oracle.report, differences))


def another_run_ends_equal(setting: Setting, source: RedisServer, target: RedisServer) -> None:
    # Where the source holds nothing any more, prune would rightly refuse.
    source.client().set("always", "there")
    again = attempt(source, target, prune=True, database_map=setting.database_map)
    assert again.ok["totals"]["failed"] == 0, again.result["failures"]
    found = oracle.compare(source, target, database_map=setting.database_map)
    assert not found, oracle.report(found)
    assert not [key for _number, key in names_in(target) if key.startswith(TEMPORARY)]


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with contextlib.ExitStack() as stack:
        yield Pool(stack)


def examples(first: st.SearchStrategy[Fault], more: int) -> st.SearchStrategy[Example]:
    quick = (*WIRE_KINDS, *DATA_KINDS)
    return st.builds(
        Example,
        random_settings,
        st.lists(keys(), max_size=15, unique_by=lambda key: (key.database, key.name)),
        st.lists(keys(), max_size=4),
        st.builds(lambda one, others: [one, *others], first, st.lists(faults(quick), max_size=more)),
        st.lists(faults(quick), max_size=1),
    )


_common = settings(
    deadline=None,
    database=None,
    print_blob=True,
    # The same faults at the same time cannot be had twice: smaller examples would not prove more.
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize(
    ("kind", "sides"),
    [
        *((kind, (side,)) for kind in DATA_KINDS for side in ("source", "target")),
        *((kind, ("source", "target")) for kind in (*WIRE_KINDS, "module killed")),
    ],
)
def test_nothing_is_lost_or_made_up(pool: Pool, kind: str, sides: tuple[str, ...]) -> None:
    @settings(_common, max_examples=2, derandomize=True)
    @given(examples(faults((kind,), sides), 1))
    def some(example: Example) -> None:
        nothing_is_lost_or_made_up(pool, example)

    some()


@pytest.mark.soak
def test_nothing_is_lost_or_made_up_for_a_long_time(pool: Pool) -> None:
    for number in soak_seeds():

        @seed(number)
        @settings(_common, max_examples=50)
        @given(examples(faults(), 2))
        def one_round(example: Example) -> None:
            nothing_is_lost_or_made_up(pool, example)

        one_round()
    print(*(f"{count:5} {what}" for what, count in sorted(happened.items())), sep="\n")
