# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An end that is somebody else meanwhile, or was: nothing is lost, nothing deleted, nothing called equal that is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis

from tests.conftest import ServerFactory, soak
from tests.support import engine
from tests.support.attempt import attempt, until
from tests.support.faultproxy import FaultProxy
from tests.support.other_servers import MaskedInfo, SeveralServers
from tests.support.relay import Relay
from tests.support.replies import ERROR
from tests.support.run import run_module
from tests.support.servers import RedisServer

Pair = tuple[RedisServer, RedisServer]
Proxies = Callable[..., FaultProxy]
Behind = Callable[[Relay], Relay]

KEYS = 3000


def fill(server: RedisServer, keys: int = KEYS, *, database: int = 0) -> None:
    """Lists, so that `copy` moves them by DUMP and RESTORE."""
    pipeline = server.client(database).pipeline(transaction=False)
    for number in range(keys):
        pipeline.rpush(f"list:{number}", f"value {number}")
    pipeline.execute()


def expire(server: RedisServer, keys: int, milliseconds: int) -> None:
    pipeline = server.client().pipeline(transaction=False)
    for number in range(keys):
        pipeline.pexpire(f"list:{number}", milliseconds)
    pipeline.execute()


@pytest.fixture
def behind() -> Iterator[Behind]:
    """Opens a relay; it is closed after the test."""
    with ExitStack() as stack:
        yield stack.enter_context


def demoted_and_promoted(server: RedisServer, other: RedisServer) -> Callable[[], None]:
    """It becomes a replica of `other`, whose data replaces its own, and a primary again: the same process throughout."""

    def flip() -> None:
        server.replicaof(other)
        server.promote()

    return flip


def values(server: RedisServer) -> list[list[bytes]]:
    pipeline = server.client().pipeline(transaction=False)
    for number in range(KEYS):
        pipeline.lrange(f"list:{number}", 0, -1)
    return [*pipeline.execute(), server.client().dbsize()]


def equal(source: RedisServer, target: RedisServer) -> None:
    assert values(source) == values(target)


# -- the target ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("strategy", "command"), [("copy", "RESTORE"), ("rebuild", "RENAMENX"), ("migrate", "MIGRATE")]
)
def test_a_target_that_was_a_replica_for_a_moment(
    strategy: str, command: str, redis_server: ServerFactory, fault_proxy: Proxies
) -> None:
    """No connection breaks and its run id stays; what was acknowledged before is gone."""
    source, target, empty = redis_server("redis-6.2"), redis_server("redis-8.2"), redis_server("redis-8.2")
    fill(source)
    side = source if strategy == "migrate" else target
    proxy = fault_proxy(side.port, redis=True)
    proxy.on_command(command, demoted_and_promoted(target, empty), skip=2 if strategy == "migrate" else KEYS // 2)
    ends = {"source": source.endpoint(), "target": target.endpoint()}
    ends["source" if side is source else "target"]["port"] = proxy.port
    tried = attempt(**ends, strategy=strategy)
    assert tried.ok["restarts"] >= 1
    assert tried.ok["totals"]["copied"] == KEYS
    equal(source, target)


def test_a_target_that_was_a_replica_between_two_slices(redis_server: ServerFactory) -> None:
    source, target, empty = redis_server("redis-6.2"), redis_server("redis-8.2"), redis_server("redis-8.2")
    fill(source)
    plan = engine.migration(source, target, max_keys_per_second=1000)
    progress = plan.run(0.3)
    assert not progress.finished and target.client().dbsize()
    demoted_and_promoted(target, empty)()
    progress = engine.resumed(plan).run()
    assert progress.restarts >= 1
    equal(source, target)


def test_a_target_that_is_emptied(server_pair: Pair, fault_proxy: Proxies) -> None:
    source, target = server_pair
    fill(source)
    proxy = fault_proxy(target.port, redis=True)
    proxy.on_command("RESTORE", target.client().flushall, skip=KEYS // 2)
    tried = attempt(source, target.endpoint(port=proxy.port))
    assert tried.ok["totals"]["copied"] == KEYS
    equal(source, target)


def forgetful_flush(server: RedisServer) -> Callable[[], None]:
    """FLUSHALL between two looks at a count of it that says the same both times."""

    def flush() -> None:
        with server.client() as client:
            client.config_resetstat()
            client.flushall()

    return flush


@pytest.mark.parametrize("servers", [("redis-6.2", "redis-7.0"), soak(("redis-7.0", "redis-6.2"))])
@pytest.mark.parametrize("work", ["copy", "prune", "diff"])
def test_statistics_that_are_reset_hide_no_flush(
    servers: tuple[str, str], work: str, redis_server: ServerFactory, fault_proxy: Proxies
) -> None:
    source, target = map(redis_server, servers)
    for server in (source, target):
        forgetful_flush(server)()
    fill(source)
    if work != "copy":
        engine.migrate(source, target)
    flushed = source if work == "prune" else target
    proxy = fault_proxy(target.port, redis=True)
    there = target.endpoint(port=proxy.port)
    # A comparison asks the target for its count before the walk over the source, and behind it.
    command, skip = {"copy": ("RESTORE", KEYS // 2), "diff": ("DBSIZE", 1)}.get(work, ("SCAN", 0))
    proxy.on_command(command, forgetful_flush(flushed), skip=skip)
    if work == "diff":
        found = engine.diff(source, there)
        assert found["totals"]["missing"] == KEYS
    elif work == "prune":
        assert "keys" in attempt(source, there, prune=True).error
        assert target.client().dbsize() == KEYS
    else:
        assert attempt(source, there).ok["restarts"] == 1
        equal(source, target)


def test_a_refused_reset_of_the_statistics_is_none(redis_server: ServerFactory, fault_proxy: Proxies) -> None:
    """It is counted too (rejected_calls), and nothing is forgotten."""
    source, target = redis_server("redis-7.0"), redis_server("redis-7.0")
    fill(source)
    source.client().execute_command("ACL", "SETUSER", "monitor", "on", ">secret", "+@all", "-config|resetstat", "~*")
    monitor = source.client(username="monitor", password="secret")

    def refused() -> None:
        with pytest.raises(redis.exceptions.NoPermissionError):
            monitor.config_resetstat()

    proxy = fault_proxy(source.port, redis=True)
    proxy.on_command("SCAN", refused, times=-1)
    here = source.endpoint(port=proxy.port)
    assert attempt(here, target).ok["restarts"] == 0
    assert engine.diff(here, target)["identical"]


def test_statistics_that_are_reset_all_the_time_are_named(
    redis_server: ServerFactory, fault_proxy: Proxies, tmp_path: Path
) -> None:
    source, target = redis_server("redis-7.0"), redis_server("redis-7.0")
    fill(source, 10)
    proxy = fault_proxy(source.port, redis=True)
    proxy.on_command("SCAN", source.client().config_resetstat, times=-1)
    here = source.endpoint(port=proxy.port)
    with pytest.raises(engine.RedisMigrationError) as failed:
        engine.diff(here, target)
    saved = run_module("redis_backup", endpoint=here, dest=str(tmp_path / "dump.rdb"))
    assert "had its statistics reset" in str(failed.value)
    assert "statistics were reset (CONFIG RESETSTAT). Run again" in saved.message


def test_a_replica_that_attaches_is_no_other_server(redis_server: ServerFactory, fault_proxy: Proxies) -> None:
    """The first replica gives its primary a new replication id."""
    source, target, replica = redis_server("redis-6.2"), redis_server("redis-8.2"), redis_server("redis-8.2")
    fill(source)
    proxy = fault_proxy(target.port, redis=True)
    proxy.on_command("RESTORE", lambda: replica.replicaof(target), skip=KEYS // 2)
    tried = attempt(source, target.endpoint(port=proxy.port))
    assert tried.ok["restarts"] == 0
    assert tried.ok["totals"]["copied"] == KEYS


# -- the source ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prune", [False, True])
@pytest.mark.parametrize("how", ["flushed", "replaced"])
@pytest.mark.parametrize("expiring", [False, True])
def test_a_source_that_loses_its_keys(
    expiring: bool, how: str, prune: bool, redis_server: ServerFactory, fault_proxy: Proxies
) -> None:
    """A few keys are there afterwards, so that it does not look empty; and keys with an expiry have not expired."""
    source, target, other = redis_server("redis-6.2"), redis_server("redis-8.2"), redis_server("redis-6.2")
    fill(source)
    if expiring:
        expire(source, KEYS, 3_600_000)
    fill(other, 20)
    engine.migrate(source, target)
    source.client().rpush("list:new", 1)

    def lose() -> None:
        if how == "replaced":
            demoted_and_promoted(source, other)()
        else:
            source.client().flushall()
            fill(source, 20)

    proxy = fault_proxy(source.port, redis=True)
    proxy.on_command("SCAN", lose)
    tried = attempt(source.endpoint(port=proxy.port), target, prune=prune)
    assert "in the middle of the run" in tried.error
    assert f"{KEYS + 1} keys" in tried.error
    assert target.client().dbsize() >= KEYS


def test_a_source_that_becomes_another_after_the_last_key(redis_server: ServerFactory, fault_proxy: Proxies) -> None:
    """Nothing of what was moved is its any more: what it holds now is moved as well."""
    source, target, other = redis_server("redis-6.2"), redis_server("redis-8.2"), redis_server("redis-6.2")
    fill(source)
    fill(other)
    other.client().set("only at the other", 1)
    proxy = fault_proxy(source.port, redis=True)
    # Asked before the first key and after the last, to know what was written meanwhile.
    proxy.on_command("COMMAND", demoted_and_promoted(source, other), skip=1)
    tried = attempt(source.endpoint(port=proxy.port), target)
    assert tried.ok["restarts"] == 1
    equal(source, target)


def test_a_source_that_is_flushed_while_the_target_is_pruned(server_pair: Pair, fault_proxy: Proxies) -> None:
    """The keys were all looked at; then those of the target are, and what the source lacks is to be deleted."""
    source, target = server_pair
    fill(source)
    engine.migrate(source, target)
    proxy = fault_proxy(target.port, redis=True)
    proxy.on_command("SCAN", source.client().flushall)
    tried = attempt(source, target.endpoint(port=proxy.port), prune=True)
    assert "in the middle of the run" in tried.error
    assert target.client().dbsize() == KEYS


@pytest.mark.parametrize("limit", [None, 1.0])
def test_a_source_whose_keys_are_deleted_one_by_one(
    limit: float | None, server_pair: Pair, fault_proxy: Proxies
) -> None:
    """No FLUSH, the same server; but thousands of keys that had no expiry are gone."""
    source, target = server_pair
    fill(source)
    engine.migrate(source, target)

    def delete() -> None:
        source.client().delete(*(f"list:{number}" for number in range(KEYS // 2)))

    proxy = fault_proxy(source.port, redis=True)
    proxy.on_command("SCAN", delete)
    options = {} if limit is None else {"prune_limit": limit}
    tried = attempt(source.endpoint(port=proxy.port), target, prune=True, **options)
    if limit is None:
        assert f"{KEYS // 2} of the {KEYS} keys" in tried.error
        assert "prune_limit" in tried.error
        assert target.client().dbsize() == KEYS
    else:
        assert tried.ok["totals"]["pruned"] == KEYS // 2


def test_keys_that_expire_are_pruned_without_ado(server_pair: Pair, fault_proxy: Proxies) -> None:
    source, target = server_pair
    fill(source)
    engine.migrate(source, target)
    expire(source, KEYS // 2, 60_000)

    def time_passes() -> None:
        expire(source, KEYS // 2, 1)
        until(lambda: source.client().dbsize() == KEYS // 2)

    proxy = fault_proxy(source.port, redis=True)
    proxy.on_command("SCAN", time_passes)
    tried = attempt(source.endpoint(port=proxy.port), target, prune=True)
    assert not tried.error
    assert target.client().dbsize() == KEYS // 2


@pytest.mark.parametrize("grows", [False, True])
def test_a_small_database_of_the_source_is_flushed(grows: bool, server_pair: Pair, fault_proxy: Proxies) -> None:
    """Less than the share of all keys that may be gone, or made up for by new keys elsewhere; but all of this one."""
    source, target = server_pair
    fill(source)
    fill(source, KEYS // 20, database=9)
    engine.migrate(source, target)

    def flush() -> None:
        if grows:
            with source.client() as client:
                client.mset({f"new:{number}": number for number in range(KEYS // 10)})
        source.client(9).flushdb()

    proxy = fault_proxy(source.port, redis=True)
    proxy.on_command("SCAN", flush)
    tried = attempt(source.endpoint(port=proxy.port), target, prune=True)
    assert f"{KEYS // 20} of the" in tried.error
    assert "by a FLUSH" in tried.error
    assert target.client(9).dbsize() == KEYS // 20


@pytest.mark.parametrize("moved_before", [False, True])
def test_two_databases_of_the_source_change_their_numbers(
    moved_before: bool, server_pair: Pair, fault_proxy: Proxies
) -> None:
    source, target = server_pair
    fill(source)
    with source.client(9) as client:
        client.mset({f"other:{number}": number for number in range(KEYS // 2)})
    if moved_before:
        engine.migrate(source, target)
    proxy = fault_proxy(source.port, redis=True)
    proxy.on_command("SCAN", lambda: source.client().execute_command("SWAPDB", 0, 9), skip=1)
    tried = attempt(source.endpoint(port=proxy.port), target, prune=True)
    assert tried.ok["restarts"] == 1
    equal(source, target)


def test_another_database_of_the_source_may_be_flushed(server_pair: Pair, fault_proxy: Proxies) -> None:
    source, target = server_pair
    fill(source)
    fill(source, 100, database=9)
    proxy = fault_proxy(source.port, redis=True)
    proxy.on_command("SCAN", source.client(9).flushdb)
    tried = attempt(source.endpoint(port=proxy.port), target, databases=[0], prune=True)
    assert tried.ok["totals"]["copied"] == KEYS


# -- one name, several servers ------------------------------------------------------------------------------------


def replicas(primary: RedisServer, redis_server: ServerFactory, count: int) -> list[RedisServer]:
    found = [redis_server("redis-6.2") for _number in range(count)]
    for replica in found:
        replica.replicaof(primary)
    return found


NAMELESS = ("run_id", "process_id", "tcp_port", "uptime_in_seconds", r"cmdstat_[^:]+")


@pytest.mark.parametrize("work", ["migrate", "slices", "diff", "backup"])
def test_replicas_that_cannot_be_told_apart(
    work: str, redis_server: ServerFactory, behind: Behind, fault_proxy: Proxies, tmp_path: Path
) -> None:
    """As containers of one image that started together, behind a proxy without a run id: a cursor is good at one only."""
    source, target = redis_server("redis-6.2"), redis_server("redis-8.2")
    fill(source)
    name = behind(SeveralServers(*(one.port for one in replicas(source, redis_server, 2))))
    proxy = fault_proxy(behind(MaskedInfo(name.port, NAMELESS)).port, redis=True)
    here = source.endpoint(port=proxy.port)
    if work != "slices":
        proxy.on_command("SCAN", proxy.cut_now, skip=1)
    if work == "diff":
        engine.migrate(source, target)
        target.client().delete(*(f"list:{number}" for number in range(0, KEYS, 2)))
        assert engine.diff(here, target)["totals"]["missing"] == KEYS // 2
        return
    if work == "backup":
        file = str(tmp_path / "dump.rdb")
        assert run_module("redis_backup", endpoint=here, dest=file).ok
        assert run_module("redis_restore", endpoint=target.endpoint(), src=file).ok
    elif work == "slices":
        engine.migrate_in_slices(here, target, 0.01)
    else:
        # On a busy machine a second break can lead back to the first replica: then nothing has to begin anew.
        assert attempt(here, target).ok["restarts"] <= 1
    equal(source, target)


def test_one_without_a_run_id_that_is_cut_off_again_and_again(
    server_pair: Pair, behind: Behind, fault_proxy: Proxies
) -> None:
    source, target = server_pair
    fill(source)
    proxy = fault_proxy(behind(MaskedInfo(source.port, NAMELESS)).port, redis=True)
    proxy.on_command("SCAN", proxy.cut_now, skip=1, times=-1)
    tried = attempt(source.endpoint(port=proxy.port), target)
    assert "shows no run id" in tried.error, tried.error


@pytest.mark.parametrize("slices", [False, True])
def test_a_source_name_that_leads_to_several_servers(slices: bool, redis_server: ServerFactory, behind: Behind) -> None:
    source, target = redis_server("redis-6.2"), redis_server("redis-8.2")
    fill(source)
    name = behind(SeveralServers(*(one.port for one in replicas(source, redis_server, 2))))
    with pytest.raises(engine.RedisMigrationError, match=r"leads to several servers: .*name one of them"):
        if slices:
            engine.migrate_in_slices(source.endpoint(port=name.port), target, 0.05)
        else:
            engine.migrate(source.endpoint(port=name.port), target)


def test_a_target_name_that_leads_to_several_servers(redis_server: ServerFactory, behind: Behind) -> None:
    source, target = redis_server("redis-6.2"), redis_server("redis-8.2")
    fill(source, 100)
    name = behind(SeveralServers(target.port, redis_server("redis-8.2").port, redis_server("redis-8.2").port))
    tried = attempt(source, target.endpoint(port=name.port))
    # Where by chance all that is written goes to one of them, that is fine.
    assert "leads to several servers" in tried.error or target.client().dbsize() in (0, 100)


def test_a_comparison_with_a_name_that_leads_to_several_servers(redis_server: ServerFactory, behind: Behind) -> None:
    source, target = redis_server("redis-6.2"), redis_server("redis-8.2")
    fill(source)
    engine.migrate(source, target)
    name = behind(SeveralServers(*(one.port for one in replicas(source, redis_server, 2))))
    with pytest.raises(engine.RedisMigrationError, match="leads to several servers"):
        engine.diff(source.endpoint(port=name.port), target)


def test_a_backup_of_a_name_that_leads_to_several_servers(
    redis_server: ServerFactory, behind: Behind, tmp_path: Path
) -> None:
    source = redis_server("redis-6.2")
    fill(source, 100)
    name = behind(SeveralServers(*(one.port for one in replicas(source, redis_server, 3))))
    run = run_module("redis_backup", endpoint=source.endpoint(port=name.port), dest=str(tmp_path / "dump.rdb"))
    assert "leads to several servers" in run.message
    assert not (tmp_path / "dump.rdb").exists()


# -- comparison, backup, restore ----------------------------------------------------------------------------------


@pytest.mark.parametrize("emptied", [False, True])
def test_a_comparison_of_a_target_that_loses_its_keys(
    emptied: bool, redis_server: ServerFactory, fault_proxy: Proxies
) -> None:
    """Every key of the source was found there; the look from the other side finds nothing that would be extra."""
    source, target, empty = redis_server("redis-6.2"), redis_server("redis-8.2"), redis_server("redis-8.2")
    fill(source)
    engine.migrate(source, target)
    proxy = fault_proxy(target.port, redis=True)
    behind_the_walk = target.client().flushall if emptied else demoted_and_promoted(target, empty)
    proxy.on_command("DBSIZE", behind_the_walk, skip=1)
    found = engine.diff(source, target.endpoint(port=proxy.port))
    assert not found["identical"]
    assert found["totals"]["missing"] == KEYS


def test_a_backup_of_a_server_that_becomes_another(
    redis_server: ServerFactory, fault_proxy: Proxies, tmp_path: Path
) -> None:
    """Half of the one and half of the other is no backup of either."""
    source, other = redis_server("redis-6.2"), redis_server("redis-6.2")
    fill(source)
    other.client().rpush("another list", 1)
    proxy = fault_proxy(source.port, redis=True)
    proxy.on_command("DUMP", demoted_and_promoted(source, other), skip=KEYS // 2)
    run = run_module("redis_backup", endpoint=source.endpoint(port=proxy.port), dest=str(tmp_path / "dump.rdb"))
    assert run.ok["totals"]["keys"] == 1


def test_a_restore_into_a_server_that_becomes_another(
    redis_server: ServerFactory, fault_proxy: Proxies, tmp_path: Path
) -> None:
    source, target, empty = redis_server("redis-6.2"), redis_server("redis-8.2"), redis_server("redis-8.2")
    fill(source)
    file = str(tmp_path / "dump.rdb")
    assert run_module("redis_backup", endpoint=source.endpoint(), dest=file).ok
    proxy = fault_proxy(target.port, redis=True)
    proxy.on_command("RESTORE", demoted_and_promoted(target, empty), skip=KEYS // 2)
    run = run_module("redis_restore", endpoint=target.endpoint(port=proxy.port), src=file)
    assert "keys restored before may be lost" in run.message
    again = run_module("redis_restore", endpoint=target.endpoint(), src=file, existing_keys="skip")
    assert again.ok and target.client().dbsize() == KEYS


# -- who is who ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["0", "a1"])
@pytest.mark.parametrize(
    "names", [("run_id",), ("run_id", "master_replid", "process_id", "tcp_port", "uptime_in_seconds", "config_file")]
)
def test_a_made_up_run_id_is_no_identity(names: tuple[str, ...], value: str, server_pair: Pair, behind: Behind) -> None:
    """Two servers behind proxies that show the same of both are two servers."""
    source, target = server_pair
    fill(source, 100)
    ends = [server.endpoint(port=behind(MaskedInfo(server.port, names, value)).port) for server in server_pair]
    assert engine.migrate(*ends)["totals"]["copied"] == 100
    assert engine.diff(*ends)["identical"]
    assert target.client().dbsize() == 100


@pytest.mark.parametrize("names", [(), ("run_id",), ("run_id", "master_replid", "process_id", "tcp_port")])
def test_one_server_under_two_names_is_one_server(names: tuple[str, ...], server_pair: Pair, behind: Behind) -> None:
    server = server_pair[0]
    fill(server, 100)
    other = server.endpoint(port=behind(MaskedInfo(server.port, names) if names else Relay(server.port)).port)
    for run in (engine.migrate, engine.diff):
        with pytest.raises(engine.RedisMigrationError, match="are the same server"):
            run(server, other)


def test_where_clients_may_not_be_listed_the_same_identity_is_refused(redis_server: ServerFactory) -> None:
    """The proof cannot be had; it says so."""
    server = redis_server("redis-8.2", acl_lines=["user mover on >pw ~* +@all -client"])
    server.client().set("a", 1)
    end = server.endpoint(username="mover", password="pw")
    with pytest.raises(engine.RedisMigrationError, match=r"the same server.*CLIENT LIST"):
        engine.migrate(end, end)


# -- no answer is no proof ----------------------------------------------------------------------------------------


def quota_is_used_up(proxy: FaultProxy) -> None:
    """From now on every INFO is answered by an error, as hosted services do."""
    proxy.replace_reply("INFO", ERROR, times=-1)


def test_nothing_is_pruned_for_a_source_that_does_not_say_what_it_holds(
    server_pair: Pair, fault_proxy: Proxies
) -> None:
    source, target = server_pair
    fill(source)
    engine.migrate(source, target)
    at_source, at_target = fault_proxy(source.port, redis=True), fault_proxy(target.port, redis=True)

    def lose_in_silence() -> None:
        source.client().flushall()
        quota_is_used_up(at_source)

    at_target.on_command("SCAN", lose_in_silence)
    tried = attempt(source.endpoint(port=at_source.port), target.endpoint(port=at_target.port), prune=True)
    assert "max requests limit exceeded" in tried.error
    assert target.client().dbsize() == KEYS


@pytest.mark.parametrize("strategy", ["copy", "rebuild"])
def test_a_target_that_does_not_say_who_it_is_any_more(
    strategy: str, redis_server: ServerFactory, fault_proxy: Proxies
) -> None:
    source, target, empty = redis_server("redis-6.2"), redis_server("redis-8.2"), redis_server("redis-8.2")
    fill(source)
    proxy = fault_proxy(target.port, redis=True)

    def lose_in_silence() -> None:
        demoted_and_promoted(target, empty)()
        quota_is_used_up(proxy)

    proxy.on_command("RESTORE" if strategy == "copy" else "RENAMENX", lose_in_silence, skip=KEYS // 2)
    tried = attempt(source, target.endpoint(port=proxy.port), strategy=strategy, timeout=1)
    assert "max requests limit exceeded" in tried.error


@pytest.mark.parametrize("end", ["source", "target"])
def test_a_comparison_with_an_end_that_does_not_say_who_it_is_any_more(
    end: str, server_pair: Pair, fault_proxy: Proxies
) -> None:
    source, target = server_pair
    fill(source)
    engine.migrate(source, target)
    side = source if end == "source" else target
    proxy = fault_proxy(side.port, redis=True)
    command, skip = ("SCAN", 0) if end == "source" else ("DBSIZE", 1)
    proxy.on_command(command, lambda: quota_is_used_up(proxy), skip=skip)
    ends = {"source": source.endpoint(), "target": target.endpoint(), end: side.endpoint(port=proxy.port)}
    with pytest.raises(engine.RedisMigrationError, match="max requests limit exceeded"):
        engine.diff(**ends)
