# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random data, random options and random faults, on real servers: whatever happens, nothing is lost or made up.

A failure prints the example that caused it, as small as could be found. The short test draws the same examples each
time. `make soak` draws new ones for SOAK_MINUTES (10), each round from a seed that it prints: SOAK_SEED=N begins there.
"""

from __future__ import annotations

import contextlib
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
import redis
from hypothesis import HealthCheck, Phase, event, given, seed, settings
from hypothesis import strategies as st

from ansible_collections.dataservices.redis_migration.plugins.module_utils._migrate.migration import Migration
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module import redis_migrate_keys
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.resume import (
    migration_progress,
    migration_token,
)
from tests.support import engine
from tests.support.attempt import TEMPORARY, Attempt, Watch, attempt
from tests.support.dataset import AWKWARD_NAMES, SCORES
from tests.support.faultproxy import FaultProxy
from tests.support.servers import RedisServer, available

SERVERS = ("redis-6.2", "redis-7.0", "redis-8.2", "valkey-9")

# What the ends are waited for while faults happen, in seconds: an answer, and an end that is away.
ANSWER, AWAY = 1.0, 4.0


# -- data ---------------------------------------------------------------------------------------------------------


class Long(bytes):
    """Many equal bytes, which an example of a failure need not show."""

    def __repr__(self) -> str:
        return f"Long({self[:1]!r} * {len(self)})"


_names = st.one_of(st.sampled_from(AWKWARD_NAMES), st.binary(max_size=24)).filter(lambda name: TEMPORARY not in name)
_words = st.one_of(
    st.binary(max_size=40), st.integers(-(2**63), 2**63 - 1).map(lambda n: b"%d" % n), st.just(Long(b"x" * 3000))
)
_scores = st.one_of(st.sampled_from(SCORES), st.floats(allow_nan=False))


class Key(NamedTuple):
    """One key: commands that make it, given as type and content, and its time to live in milliseconds."""

    database: int
    name: bytes
    kind: str
    content: Any
    ttl: int | None


_contents = st.one_of(
    st.tuples(st.just("string"), st.one_of(_words, st.sampled_from([Long(b"y" * 200_000), Long(b"z" * 3_000_000)]))),
    st.tuples(st.just("list"), st.lists(_words, min_size=1, max_size=10)),
    st.tuples(st.just("set"), st.sets(_words, min_size=1, max_size=10)),
    st.tuples(st.just("hash"), st.dictionaries(_words, _words, min_size=1, max_size=10)),
    st.tuples(st.just("zset"), st.dictionaries(_words, _scores, min_size=1, max_size=10)),
    st.tuples(st.just("stream"), st.lists(st.tuples(_words, st.booleans()), min_size=1, max_size=20)),
    st.tuples(st.just("many"), st.sampled_from([("list", 3000), ("set", 3000), ("hash", 3000), ("zset", 3000)])),
)

_ttls = st.one_of(st.none(), st.none(), st.integers(600_000, 10**12), st.integers(1, 800))


@st.composite
def _keys(draw: st.DrawFn) -> Key:
    kind, content = draw(_contents)
    return Key(draw(st.sampled_from([0, 0, 0, 2])), draw(_names), kind, content, draw(_ttls))


def write(server: RedisServer, keys: list[Key]) -> None:
    for key in keys:
        with server.client(key.database) as client:
            client.delete(key.name)
            _MAKE[key.kind](client, key.name, key.content)
            if key.ttl is not None:
                client.pexpire(key.name, key.ttl)


def _make_stream(client: redis.Redis, name: bytes, entries: list[tuple[bytes, bool]]) -> None:
    for number, (value, _deleted) in enumerate(entries, 1):
        client.xadd(name, {b"f": value}, id=f"{number}-1")
    client.xgroup_create(name, "group", id="0")
    client.xreadgroup("group", "consumer", {name: ">"}, count=max(1, len(entries) // 2))
    for number, (_value, deleted) in enumerate(entries, 1):
        if deleted:
            client.xdel(name, f"{number}-1")


def _make_many(client: redis.Redis, name: bytes, what: tuple[str, int]) -> None:
    kind, count = what
    _MAKE[kind](client, name, {
        "list": lambda: [b"element %d" % number for number in range(count)],
        "set": lambda: {b"member %d" % number for number in range(count)},
        "hash": lambda: {b"field %d" % number: b"value" for number in range(count)},
        "zset": lambda: {b"member %d" % number: number / 7 for number in range(count)},
    }[kind]())  # fmt: skip


_MAKE: dict[str, Callable[[redis.Redis, bytes, Any], object]] = {
    "string": lambda client, name, value: client.set(name, value),
    "list": lambda client, name, value: client.rpush(name, *value),
    "set": lambda client, name, value: client.sadd(name, *value),
    "hash": lambda client, name, value: client.hset(name, mapping=value),
    "zset": lambda client, name, value: client.zadd(name, value),
    "stream": _make_stream,
    "many": _make_many,
}


# -- faults -------------------------------------------------------------------------------------------------------

# When something happens: as the nth of these commands passes by. Which of them are used depends on the strategy.
_COMMANDS = {
    "source": ("SCAN", "TIME", "TIME", "MGET", "DUMP", "TYPE", "STRLEN", "MIGRATE", "INFO"),
    "target": ("MSETNX", "SET", "RESTORE", "RENAMENX", "EXISTS", "MGET", "SCAN", "TIME", "INFO", "CLIENT"),
}


class Fault(NamedTuple):
    side: str
    what: str
    detail: Any
    command: str
    skip: int


_directions = st.sampled_from(["to_server", "to_client"])
_whats = st.one_of(
    st.tuples(st.just("cut"), st.tuples(_directions, st.integers(1000, 40_000) | st.integers(1, 4_000_000))),
    st.tuples(st.just("cut now"), st.none()),
    st.tuples(st.just("stall"), st.sampled_from([0.2, 1.5])),
    st.tuples(st.just("swallow"), _directions),
    st.tuples(st.just("away"), st.sampled_from([0.2, 1.0])),
    st.tuples(st.just("latency"), st.sampled_from([0.005, 0.05])),
    st.tuples(st.just("restart"), st.just("kept")),
    st.tuples(st.just("restart"), st.just("emptied")),
    st.tuples(
        st.just("reply"),
        st.sampled_from([
            b"-LOADING Redis is loading the dataset in memory\r\n",
            b"-OOM command not allowed when used memory > 'maxmemory'.\r\n",
            b"-READONLY You can't write against a read only replica.\r\n",
            b"-NOPERM User default has no permissions to run this command\r\n",
            b"-BUSY Redis is busy running a script.\r\n",
            b"$-7\r\n",
            b"nonsense\r\n",
        ]),
    ),
)  # fmt: skip


@st.composite
def _faults(draw: st.DrawFn) -> Fault:
    side = draw(st.sampled_from(sorted(_COMMANDS)))
    return Fault(side, *draw(_whats), draw(st.sampled_from(_COMMANDS[side])), draw(st.integers(0, 4)))


def order(fault: Fault, proxy: FaultProxy, server: RedisServer) -> None:
    """Have it happen."""
    if fault.what == "cut":
        proxy.cut_after(fault.detail[1], fault.detail[0])
        return
    if fault.what == "latency":
        proxy.latency = fault.detail
        return
    if fault.what == "reply":
        proxy.replace_reply(fault.command, fault.detail, skip=fault.skip, times=2)
        return

    def away() -> None:
        proxy.refuse()
        proxy.cut_now()
        time.sleep(fault.detail)
        proxy.accept()

    def restart() -> None:
        # Never does a source lose its data here: then there is nothing left to compare with.
        if fault.detail == "kept" or fault.side == "source":
            server.client().save()
            server.kill(keep_dump=True)
        else:
            server.kill()
        server.start()

    action = {
        "cut now": proxy.cut_now,
        "stall": lambda: proxy.stall(fault.detail),
        "swallow": lambda: proxy.swallow(fault.detail),
        "away": away,
    }.get(fault.what)

    def happen() -> None:
        happened.append(f"{fault.what} at the {fault.side}")
        if action is None:
            restart()
        else:
            # What orders something from the proxy itself must not wait for it here.
            threads.append(threading.Thread(target=quietly, args=(action,)))
            threads[-1].start()

    proxy.on_command(fault.command, happen, skip=fault.skip)


threads: list[threading.Thread] = []
happened: list[str] = []


def quietly(action: Callable[[], object]) -> None:
    with contextlib.suppress(RuntimeError):  # the proxy has ended meanwhile
        action()


# -- runs ---------------------------------------------------------------------------------------------------------


class Setting(NamedTuple):
    """A run: between which servers, how, and whether in slices."""

    source: str
    target: str
    strategy: str
    existing_keys: str
    large_key_bytes: int
    database_map: dict[int, int]
    in_slices: bool


_here = [name for name in SERVERS if name in available()]
_settings = st.builds(
    lambda pair, *rest: Setting(*pair, *rest),
    st.sampled_from([(one, other) for one in _here for other in _here if one != other]),
    st.sampled_from(["auto", "copy", "migrate", "rebuild"]),
    st.sampled_from(["update", "update", "replace", "skip", "fail"]),
    st.sampled_from([2 * 1024 * 1024, 1000, 0]),
    st.sampled_from([{}, {}, {0: 5}, {0: 2, 2: 0}]),
    st.booleans(),
)


def run_in_slices(source: engine.End, target: engine.End, **options: Any) -> Attempt:
    """As `attempt`, but the run is handed from slice to slice as text."""
    plan = engine.migration(source, target, **options)._plan
    token = ""
    while True:
        run = Migration(plan, migration_progress(token) if token else None)
        error = ""
        try:
            run.run(0.01)
        except engine.RedisMigrationError as exc:
            error = str(exc)
        result = redis_migrate_keys.result_of(run.progress)
        if error or run.progress.finished:
            return Attempt(engine.checked(result), error)
        token = migration_token(run.progress)


class Pool:
    """Servers that are started when first wanted, and are used again and again."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._stack = stack
        self._servers: dict[str, RedisServer] = {}

    def clean(self, name: str) -> RedisServer:
        if name not in self._servers:
            self._servers[name] = self._stack.enter_context(RedisServer(name))
        server = self._servers[name]
        if not server.running:
            server.start()
        server.client().flushall()
        server.client().config_resetstat()
        return server


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with contextlib.ExitStack() as stack:
        yield Pool(stack)


def nothing_is_lost_or_made_up(
    pool: Pool, setting: Setting, keys: list[Key], there: list[Key], faults: list[Fault]
) -> None:
    source, target = pool.clean(setting.source), pool.clean(setting.target)
    write(source, keys)
    # Otherwise prune at the end would rightly refuse.
    source.client().set("always", "there")
    write(target, [key._replace(database=setting.database_map.get(key.database, key.database)) for key in there])
    watch = Watch(source, target, database_map=setting.database_map)
    short_lived = sum(key.ttl is not None and key.ttl < 600_000 for key in keys)
    threads.clear()
    happened.clear()
    with FaultProxy(source.port, redis=True) as before_source, FaultProxy(target.port, redis=True) as before_target:
        for fault in faults:
            side = (before_source, source) if fault.side == "source" else (before_target, target)
            order(fault, *side)
        run = run_in_slices if setting.in_slices else attempt
        tried = run(
            source.endpoint(port=before_source.port, timeout=ANSWER),
            target.endpoint(port=before_target.port, timeout=ANSWER),
            strategy=setting.strategy,
            existing_keys=setting.existing_keys,
            large_key_bytes=setting.large_key_bytes,
            database_map=setting.database_map,
            timeout=AWAY,
        )
        for thread in threads:
            thread.join()
        before_source.heal()
        before_target.heal()
    for what in [*happened, "failed" if tried.error else "went through"]:
        event(what)

    restarted = {(fault.side, fault.detail) for fault in faults if fault.what == "restart"}
    if not restarted:
        # A server that restarts forgets what it has counted, and lists what it holds in another order.
        assert source.write_calls() - source.command_calls().get("migrate", 0) == watch._writes
        # Keys with short lives may have expired since; all others are there, as equality with the target will prove.
    if not (tried.error and ("target", "emptied") in restarted):
        watch.counted_is_there(tried, expired=short_lived)
    keep_what_was_there(setting, target, there, tried)
    wanted = {key.name for key in keys if key.ttl is None} | {b"always"}
    held = {name for number in (0, 2) for name in source.client(number).scan_iter(count=1000)}
    assert wanted <= held, "the source lost keys"

    watch._digest = {}
    again = attempt(source, target, prune=True, database_map=setting.database_map)
    assert again.ok["totals"]["failed"] == 0, again.result["failures"]
    watch.equal()
    for number in target.client().info("keyspace"):
        assert not list(target.client(int(number[2:])).scan_iter(match=TEMPORARY + b"*"))


def keep_what_was_there(setting: Setting, target: RedisServer, there: list[Key], tried: Attempt) -> None:
    """Keys of the target are its own when the run was told so."""
    if setting.existing_keys not in ("skip", "fail"):
        return
    for failure in tried.result["failures"]:
        assert failure["reason"]
    copied = sum(counters["copied"] for counters in tried.result["databases"].values())
    assert tried.result["totals"]["updated"] == 0, tried.result["totals"]
    assert copied <= tried.result["totals"]["scanned"]


_arguments = {
    "setting": _settings,
    "keys": st.lists(_keys(), max_size=15, unique_by=lambda key: (key.database, key.name)),
    "there": st.lists(_keys(), max_size=4),
    "faults": st.lists(_faults(), min_size=1, max_size=3),
}

_common = settings(
    deadline=None,
    database=None,
    print_blob=True,
    # The same faults at the same time cannot be had twice: smaller examples would not prove more.
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@settings(_common, max_examples=25, derandomize=True)
@given(**_arguments)
def test_nothing_is_lost_or_made_up(
    pool: Pool, setting: Setting, keys: list[Key], there: list[Key], faults: list[Fault]
) -> None:
    nothing_is_lost_or_made_up(pool, setting, keys, there, faults)


@pytest.mark.soak
def test_nothing_is_lost_or_made_up_for_a_long_time(pool: Pool) -> None:
    until = time.monotonic() + 60 * float(os.environ.get("SOAK_MINUTES", "10"))
    number = int(os.environ.get("SOAK_SEED", "0")) or random.randrange(2**32)
    while time.monotonic() < until:
        print(f"SOAK_SEED={number}", flush=True)

        @seed(number)
        @settings(_common, max_examples=50)
        @given(**_arguments)
        def one_round(setting: Setting, keys: list[Key], there: list[Key], faults: list[Fault]) -> None:
            nothing_is_lost_or_made_up(pool, setting, keys, there, faults)

        one_round()
        number += 1
