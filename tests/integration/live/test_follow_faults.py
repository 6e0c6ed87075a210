# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the feed does not say, and what breaks while a source is followed: proved is only what is equal."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._live.result import LiveResult
from tests.conftest import ServerFactory
from tests.support import dataset
from tests.support.engine import RedisMigrationError
from tests.support.faultproxy import FaultProxy
from tests.support.servers import HOST, RedisServer
from tests.support.writers import Writers

from .conftest import SharedServer
from .test_follow import assert_proved, following, walked

Pair = tuple[RedisServer, RedisServer]


@pytest.fixture
def pair(shared_server: SharedServer) -> Pair:
    return shared_server("redis-7.0"), shared_server("redis-8.2", 2)


@pytest.fixture
def own_pair(redis_server: ServerFactory) -> Pair:
    """Servers that a test may restart."""
    return redis_server("redis-7.0"), redis_server("redis-8.2")


def fill(server: RedisServer, count: int = 800) -> None:
    for number in (0, 3):
        dataset.fill_benchmark(server.client(number), "mixed", count)


def cut_feed(source: RedisServer) -> None:
    with source.client() as client:
        for connection in client.client_list():
            if "t" in connection["flags"]:
                client.client_kill_filter(_id=connection["id"])


def test_a_feed_that_is_cut_means_a_new_one_and_a_comparison(pair: Pair) -> None:
    source, target = pair
    fill(source)
    with Writers(source) as writers, following(source, target) as follower:
        walked(follower)
        cut_feed(source)
        # What changes while there is no feed, nobody names.
        source.client(3).mset({f"unnamed:{number}": 1 for number in range(50)})
        source.client(3).delete(*[b"mixed:%d" % number for number in range(10)])
        follower.catch_up(5, 30)
        writers.stop()
        result = follower.drain()
    assert_proved(result, source, target)
    assert result.feeds == 2


def test_a_feed_that_is_cut_in_the_drain(pair: Pair) -> None:
    source, target = pair
    fill(source)
    with following(source, target) as follower:
        walked(follower)
        source.client().set("last", 1)
        cut_feed(source)
        source.client().set("very last", 1)
        result = follower.drain()
    assert_proved(result, source, target)
    assert result.feeds == 2
    assert result.in_drain >= 1600


def restarted(source: RedisServer, target: RedisServer, server: RedisServer, stop: Callable[[], None]) -> LiveResult:
    """The result of a run under which one of the ends was away for half a second, while applications wrote."""
    fill(source)
    with Writers(source) as writers, following(source, target) as follower:
        walked(follower)
        stop()
        restart = threading.Timer(0.5, server.start)
        restart.start()
        follower.step()
        restart.join()
        follower.catch_up(5, 30)
        writers.stop()
        result = follower.drain()
    assert_proved(result, source, target)
    return result


def test_the_source_is_restarted(own_pair: Pair) -> None:
    source, target = own_pair
    result = restarted(source, target, source, lambda: source.stop(save=True))
    assert result.restarts
    assert result.feeds >= 2


def test_the_target_is_restarted_without_its_data(own_pair: Pair) -> None:
    source, target = own_pair
    result = restarted(source, target, target, target.kill)
    assert result.restarts == 1
    assert result.feeds == 2


def test_the_target_is_restarted_before_the_last_question(own_pair: Pair) -> None:
    source, target = own_pair
    fill(source)
    with following(source, target) as follower:
        walked(follower)
        target.kill()
        target.start()
        result = follower.drain()
    assert_proved(result, source, target)


def test_a_source_that_comes_back_without_its_data_takes_nothing_from_the_target(own_pair: Pair) -> None:
    source, target = own_pair
    fill(source)
    with following(source, target) as follower:
        walked(follower)
        source.kill()
        source.start()
        with pytest.raises(RedisMigrationError, match="came back without its data"):
            follower.drain()
    assert target.client().dbsize() == target.client(3).dbsize() == 800


def groups(source: RedisServer) -> None:
    client = source.client(3)
    client.xgroup_create("with groups", "new", "0")
    client.xreadgroup("old", "reader", {"with groups": ">"}, count=3)
    client.xack("with groups", "old", "1-1")
    client.xgroup_destroy("to lose its group", "old")


def swap(source: RedisServer) -> None:
    source.client().swapdb(0, 3)


def flush(source: RedisServer) -> None:
    source.client(3).flushdb()


def set_last_id(source: RedisServer) -> None:
    source.client(3).execute_command("XSETID", "to lose its group", "99-99")


def other_database(source: RedisServer) -> None:
    source.client(5).set("new here", 1)
    source.client(3).move("with groups", 5)


UNNAMED = [groups, swap, flush, set_last_id, other_database]


@pytest.mark.parametrize("when", ["while it is followed", "at the end"])
@pytest.mark.parametrize("do", UNNAMED, ids=lambda do: do.__name__)
def test_what_the_feed_does_not_name(do: Callable[[RedisServer], None], when: str, pair: Pair) -> None:
    source, target = pair
    fill(source, 200)
    client = source.client(3)
    for stream in ("with groups", "to lose its group"):
        for number in range(1, 6):
            client.xadd(stream, {"f": number}, f"1-{number}")
        client.xgroup_create(stream, "old", "0")
    with following(source, target) as follower:
        walked(follower)
        do(source)
        if when == "while it is followed":
            time.sleep(1.1)
            follower.step(0.1)
            follower.catch_up(5, 30)
        assert_proved(follower.drain(), source, target)


def test_a_new_database_is_waited_for_while_the_target_takes_no_connections(
    pair: Pair, fault_proxy: Callable[..., FaultProxy]
) -> None:
    source, target = pair
    fill(source, 20)
    proxy = fault_proxy(target.port)
    with following(source, target.endpoint(port=proxy.port)) as follower:
        walked(follower)
        proxy.refuse()
        source.client(7).set("new", 1)
        back = threading.Timer(0.5, proxy.accept)
        back.start()
        assert_proved(follower.drain(), source, target)
        back.join()


def test_databases_that_applications_empty_and_swap_are_followed(pair: Pair) -> None:
    source, target = pair
    fill(source, 200)
    with following(source, target) as follower:
        walked(follower)
        source.client(3).delete(*source.client(3).keys()[:150])
        source.client().swapdb(0, 3)
        time.sleep(1.1)
        follower.catch_up(5, 30)
        assert_proved(follower.drain(), source, target)


def test_a_new_feed_is_lost_while_it_is_asked(pair: Pair, fault_proxy: Callable[..., FaultProxy]) -> None:
    source, target = pair
    fill(source, 20)
    proxy = fault_proxy(source.port, redis=True)
    with following(source.endpoint(port=proxy.port), target) as follower:
        walked(follower)
        for number in (0, 1, 5):

            def cut_at_question(skip: int = number) -> None:
                proxy.on_command("INFO", lambda: threading.Thread(target=proxy.cut_now).start(), skip=skip)

            # Only a feed says HELLO; what the new one is asked comes next.
            proxy.on_command("HELLO", lambda cut=cut_at_question: threading.Thread(target=cut).start())
            source.client().swapdb(0, 3)
            time.sleep(1.05)
            follower.step(0.1)
            proxy.heal()
            walked(follower)
        assert_proved(follower.drain(), source, target)


def test_the_drain_is_a_handful_of_keys(pair: Pair) -> None:
    source, target = pair
    fill(source)
    with following(source, target) as follower:
        walked(follower)
        source.client(3).set("a", 1)
        source.client(0).delete(b"mixed:1")
        result = follower.drain()
    assert_proved(result, source, target)
    assert result.in_drain < 20
    assert result.following.compared >= 1600
    assert result.unchanged_since > 1500


def test_more_changes_than_are_held(pair: Pair) -> None:
    source, target = pair
    fill(source)
    with following(source, target, most_bytes=30_000) as follower:
        walked(follower)
        source.client(3).mset({f"many:{number}": 1 for number in range(20_000)})
        follower.catch_up(5, 30)
        result = follower.drain()
        assert follower.overflows, "the feed may tell of them only during the drain"
    assert_proved(result, source, target)


def test_keys_that_expire_all_the_time_do_not_keep_the_drain_from_ending(pair: Pair) -> None:
    source, target = pair
    fill(source, 100)
    with following(source, target) as follower:
        walked(follower)
        with source.client().pipeline(transaction=False) as pipeline:
            for number in range(3000):
                pipeline.set(f"short:{number}", 1, px=1000 + number)
            pipeline.execute()
        result = follower.drain(20)
    assert_proved(result, source, target)
    assert result.drain_seconds < 4 or result.in_drain >= 3000


def test_writers_that_have_not_stopped_are_told(pair: Pair) -> None:
    source, target = pair
    source.client().set("a", 1)
    with following(source, target) as follower:
        walked(follower)
        with Writers(source) as writers:
            result = follower.drain(3)
            assert not result.proved
            assert "something still writes" in str(result.reason) or "something writes" in str(result.reason)
            writers.stop()
        assert_proved(follower.drain(), source, target)


def test_changes_that_come_too_fast_are_told_with_both_rates(pair: Pair) -> None:
    source, target = pair
    source.client().set("a", 1)
    with (
        Writers(source, keys=10) as writers,
        following(source, target, max_keys_per_second=40) as follower,
        pytest.raises(RedisMigrationError, match=r"faster.* changed keys a second, and .* a second were carried over"),
    ):
        follower.catch_up(0.1, 1)
        writers.stop()


@pytest.mark.parametrize("prune", [False, True])
def test_keys_that_only_the_target_has(prune: bool, pair: Pair) -> None:
    source, target = pair
    fill(source, 100)
    target.client(3).set("foreign", 1)
    with following(source, target, prune=prune) as follower:
        walked(follower)
        result = follower.drain()
    if prune:
        assert_proved(result, source, target)
        return
    assert not result.proved
    assert "1 keys that the source does not have" in str(result.reason)
    assert result.extra == {3: {b"foreign"}}


def test_a_second_run_goes_on_where_a_first_one_was_ended(pair: Pair) -> None:
    source, target = pair
    fill(source)
    with following(source, target) as follower:
        walked(follower)
    source.client(3).set("between", 1)
    source.client(3).append(b"mixed:1", "more") if source.client(3).type(b"mixed:1") == b"string" else None
    with following(source, target) as follower:
        walked(follower)
        result = follower.drain()
    assert_proved(result, source, target)
    assert result.following.moved + result.drain.moved <= 2


def test_selection_and_database_map(pair: Pair) -> None:
    source, target = pair
    for number in (0, 3):
        source.client(number).mset({"a:1": 1, "a:2": 2, "b:1": 3})
        source.client(number).rpush("a:list", 1)
    options = {
        "databases": [3], "database_map": {"3": 9}, "match": ["a:*"], "exclude": ["a:2"], "types": ["string"]
    }  # fmt: skip
    with following(source, target, **options) as follower:
        walked(follower)
        for number in (0, 3):
            source.client(number).mset({"a:1": 10, "a:2": 20, "a:3": 30, "b:1": 40})
            source.client(number).rpush("a:list", 2)
        result = follower.drain()
    assert result.proved
    assert target.client(0).dbsize() == target.client(3).dbsize() == 0
    assert {key: target.client(9).get(key) for key in target.client(9).keys()} == {b"a:1": b"10", b"a:3": b"30"}


@pytest.mark.parametrize("strategy", ["migrate", "rebuild"])
def test_other_strategies(strategy: str, pair: Pair) -> None:
    source, target = pair
    fill(source, 300)
    end = target.endpoint(backend={"host": HOST, "port": target.port})
    with Writers(source) as writers, following(source, end, strategy=strategy) as follower:
        writers.run(0.2)
        follower.catch_up(5, 30)
        writers.stop()
        result = follower.drain()
    assert_proved(result, source, target)
    assert result.choice.strategy == strategy


@pytest.mark.parametrize("options", [{"existing_keys": "skip"}, {"existing_keys": "fail"}])
def test_options_under_which_nothing_can_follow(options: dict[str, str], pair: Pair) -> None:
    with pytest.raises(RedisMigrationError, match="cannot be followed"), following(*pair, **options):
        pass


def test_a_source_without_a_feed_is_told_before_anything_is_written(
    pair: Pair, fault_proxy: Callable[..., FaultProxy]
) -> None:
    source, target = pair
    fill(source, 10)
    proxy = fault_proxy(source.port, redis=True)
    proxy.replace_reply("HELLO", b"-ERR unknown command 'HELLO'\r\n")
    with (
        pytest.raises(RedisMigrationError, match="no feed of changes"),
        following(source.endpoint(port=proxy.port), target),
    ):
        pass
    assert target.client(3).dbsize() == 0


@pytest.mark.parametrize("command", ["TYPE", "LRANGE"])
def test_no_key_is_deleted_by_the_word_of_one_command(
    pair: Pair, fault_proxy: Callable[..., FaultProxy], command: str
) -> None:
    """What answers for the source says of a key that it is not there, and EXISTS that it is."""
    source, target = pair
    source.client().rpush("list", 1, 2)
    proxy = fault_proxy(source.port, redis=True)
    with following(source.endpoint(port=proxy.port), target, strategy="rebuild") as follower:
        walked(follower)
        proxy.replace_reply(command, b"+none\r\n" if command == "TYPE" else b"*0\r\n", times=-1)
        source.client().rpush("list", 3)
        result = follower.drain()
    assert not result.proved
    assert [(failure.key, command in failure.reason) for failure in result.failures] == [(b"list", True)]
    assert target.client().exists("list")
