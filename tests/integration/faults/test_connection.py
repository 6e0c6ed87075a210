# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What networks do: connections break anywhere, stall, stay half open, are slow."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._backup.backup import Backup
from ansible_collections.dataservices.redis_migration.plugins.module_utils._backup.backup_plan import BackupPlan, Saved
from ansible_collections.dataservices.redis_migration.plugins.module_utils._backup.files import BackupFiles
from ansible_collections.dataservices.redis_migration.plugins.module_utils._backup.restore import Restore
from ansible_collections.dataservices.redis_migration.plugins.module_utils._backup.restore_plan import (
    Restored,
    RestorePlan,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.endpoint import parse_endpoint
from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.selection import Selection
from tests.conftest import soak
from tests.support import dataset, engine
from tests.support.attempt import Watch, attempt
from tests.support.certs import Authority
from tests.support.faultproxy import FaultProxy
from tests.support.relay import Direction
from tests.support.servers import RedisServer
from tests.support.tls_frontend import TlsFrontend

Pair = tuple[RedisServer, RedisServer]
Proxies = Callable[..., FaultProxy]

SIDES = pytest.mark.parametrize("side", ["source", "target"])


@pytest.fixture
def filled(server_pair: Pair) -> Pair:
    dataset.fill(server_pair[0].client, databases=(0, 5))
    return server_pair


def through(proxy: FaultProxy, side: str, pair: Pair, **fields: Any) -> dict[str, dict[str, Any]]:
    """Both endpoints; the one of `side` leads through the proxy."""
    ends = {"source": pair[0].endpoint(), "target": pair[1].endpoint()}
    return {**ends, side: {**ends[side], "port": proxy.port, **fields}}


def soon(action: Callable[..., Any], *arguments: Any) -> Callable[[], None]:
    """A callback for a proxy that orders something from the proxy itself."""
    return lambda: threading.Thread(target=action, args=arguments, daemon=True).start()


@pytest.mark.parametrize("strategy", ["copy", "migrate", "rebuild"])
@pytest.mark.parametrize("direction", ["to_server", "to_client"])
@SIDES
def test_cuts_at_random_places(side: str, direction: str, strategy: str, filled: Pair, fault_proxy: Proxies) -> None:
    """A run goes on where it was, as often as the connection breaks."""
    watch = Watch(*filled)
    proxy = fault_proxy(filled[side == "target"].port)
    seed = f"{side}/{direction}/{strategy}"
    chance = random.Random(seed)
    # Most of the bytes are a few large values, most of the commands are short.
    for _cut in range(4):
        proxy.cut_after(int(10 ** chance.uniform(3.5, 6)), direction)  # type: ignore[arg-type]
    tried = attempt(**through(proxy, side, filled), strategy=strategy)
    assert not tried.ok["totals"]["failed"]
    watch.settle(tried)


def test_the_source_loses_its_connection_to_the_target_at_the_first_key(filled: Pair, fault_proxy: Proxies) -> None:
    """MIGRATE says so by IOERR. Nothing is known of the way to the target yet; a wrong address would say the same."""
    watch = Watch(*filled)
    inside = fault_proxy(filled[1].port, redis=True)
    # The first break the source meets with a second try of its own.
    inside.on_command("SELECT", soon(inside.cut_now), times=3)
    backend = {"host": "127.0.0.1", "port": inside.port}
    tried = attempt(filled[0], filled[1].endpoint(backend=backend), strategy="migrate")
    assert tried.ok["totals"]["copied"] == tried.ok["totals"]["scanned"]
    watch.settle(tried)


@pytest.mark.parametrize(
    ("side", "strategy", "places"),
    [
        ("source", "auto", 4),
        ("target", "migrate", 4),
        *[soak(side, strategy, 30) for side in ("source", "target") for strategy in ("auto", "migrate")],
    ],
)
def test_a_break_at_each_place_before_the_first_key_and_after_the_last(
    side: str, strategy: str, places: int, server_pair: Pair, fault_proxy: Proxies
) -> None:
    """Of a run that moves three keys nearly every byte belongs to what is asked before and behind."""
    source, target = server_pair
    for number in range(3):
        source.client(number).set("a", number)
    watch = Watch(source, target)
    proxy = fault_proxy(server_pair[side == "target"].port)
    directions: tuple[Direction, ...] = ("to_server", "to_client")
    for direction in directions:
        before = proxy.bytes_passed[direction]
        tried = attempt(**through(proxy, side, server_pair), strategy=strategy)
        length = proxy.bytes_passed[direction] - before
        for place in range(places):
            target.client().flushall()
            proxy.cut_after(length * (2 * place + 1) // (2 * places), direction)
            tried = attempt(**through(proxy, side, server_pair), strategy=strategy)
            assert not tried.error, (direction, place, tried.error)
            assert tried.ok["totals"]["copied"] == 3
            proxy.heal()
    watch.settle(tried)


@pytest.mark.parametrize(
    ("work", "places"),
    [("diff", 4), ("backup", 4), ("restore", 4), *[soak(work, 30) for work in ("diff", "backup", "restore")]],
)
def test_a_break_at_each_place_of_another_work(
    work: str, places: int, server_pair: Pair, fault_proxy: Proxies, tmp_path: Path
) -> None:
    """The same of a comparison, a backup and a restore."""
    source, target = server_pair
    source.client(0).set("a", 1)
    source.client(1).rpush("large", *(b"x" * 9_000 for _element in range(9)))
    proxy = fault_proxy(source.port)
    file = str(tmp_path / "dump.rdb")
    end = parse_endpoint(source.endpoint(port=proxy.port), "endpoint")

    def compare() -> dict[str, Any]:
        return dict(engine.diff(source.endpoint(port=proxy.port), target)["totals"])

    def save() -> Saved:
        files = BackupFiles(file, replace=True)
        saving = files.new()
        try:
            saved = Backup(BackupPlan(end, Selection(), large_key_bytes=20_000), saving).run()
            files.commit([saving], in_parts=False, beside=False)
            return saved.totals
        finally:
            files.abandon()

    def restore() -> Restored:
        return Restore(RestorePlan((file,), end, Selection(), existing_keys="replace")).run().totals

    works: dict[str, Callable[[], object]] = {"diff": compare, "backup": save, "restore": restore}
    if work == "restore":
        save()
    directions: tuple[Direction, ...] = ("to_server", "to_client")
    for direction in directions:
        before = proxy.bytes_passed[direction]
        undisturbed = works[work]()
        length = proxy.bytes_passed[direction] - before
        for place in range(places):
            proxy.cut_after(length * (2 * place + 1) // (2 * places), direction)
            assert works[work]() == undisturbed, (direction, place)
            proxy.heal()


def test_a_cut_in_the_middle_is_survived_and_counted_right(filled: Pair, fault_proxy: Proxies) -> None:
    watch = Watch(*filled)
    for side, command in (("source", "DUMP"), ("target", "RESTORE")):
        filled[1].client().flushall()
        proxy = fault_proxy(filled[side == "target"].port, redis=True)
        for skip in (5, 40, 150):
            proxy.on_command(command, soon(proxy.cut_now), skip=skip)
        tried = attempt(**through(proxy, side, filled))
        assert tried.ok["reconnects"] >= 1
        assert tried.ok["totals"]["copied"] == tried.ok["totals"]["scanned"]
        watch.settle(tried)


def test_cuts_of_a_tls_connection(
    filled: Pair, fault_proxy: Proxies, tls_frontend: Callable[..., TlsFrontend], authority: Authority
) -> None:
    watch = Watch(*filled)
    frontend = tls_frontend(filled[0].port)
    proxy = fault_proxy(frontend.port)
    end = {"host": "127.0.0.1", "port": proxy.port, "tls": True, "ca_certs": str(authority.ca_file)}
    chance = random.Random("tls")
    for _cut in range(4):
        proxy.cut_after(chance.randrange(50_000, 700_000), "to_client")
    tried = attempt(end, filled[1])
    assert tried.ok["reconnects"] >= 1
    watch.settle(tried)


def test_an_end_that_breaks_every_connection_is_given_up(filled: Pair, fault_proxy: Proxies) -> None:
    """Something kills whoever asks for expiries, so that no key can be read: there is an end to trying again."""
    watch = Watch(*filled)
    proxy = fault_proxy(filled[0].port, redis=True)
    proxy.on_command("PTTL", soon(proxy.cut_now), times=-1)
    tried = attempt(**through(proxy, "source", filled), timeout=2)
    assert "source 127.0.0.1" in tried.error
    assert "closed the connection" in tried.error
    watch.settle(tried)


@SIDES
def test_a_stall_shorter_than_the_patience_is_waited_for(side: str, filled: Pair, fault_proxy: Proxies) -> None:
    watch = Watch(*filled)
    proxy = fault_proxy(filled[side == "target"].port, redis=True)
    proxy.on_command("DUMP" if side == "source" else "RESTORE", soon(proxy.stall, 3.0), skip=30)
    tried = attempt(**through(proxy, side, filled, timeout=1))
    assert tried.ok["totals"]["copied"] == tried.ok["totals"]["scanned"]
    assert tried.ok["reconnects"] >= 1
    watch.settle(tried)


@pytest.mark.soak
@SIDES
def test_a_stall_of_thirty_seconds(side: str, filled: Pair, fault_proxy: Proxies) -> None:
    """With the defaults: nothing arrives for 15 s, so the connection is given up; the run waits a minute for its ends."""
    watch = Watch(*filled)
    proxy = fault_proxy(filled[side == "target"].port, redis=True)
    proxy.on_command("DUMP" if side == "source" else "RESTORE", soon(proxy.stall, 30.0), skip=30)
    tried = attempt(**through(proxy, side, filled), timeout=60)
    assert tried.ok["totals"]["copied"] == tried.ok["totals"]["scanned"]
    watch.settle(tried)


@pytest.mark.parametrize("where", ["to_server", "to_client"])
@SIDES
def test_a_half_open_connection(side: str, where: str, filled: Pair, fault_proxy: Proxies) -> None:
    """What is said never arrives, and nothing breaks."""
    watch = Watch(*filled)
    proxy = fault_proxy(filled[side == "target"].port, redis=True)
    proxy.on_command("DUMP" if side == "source" else "RESTORE", soon(proxy.swallow, where), skip=30)
    begun = time.monotonic()
    tried = attempt(**through(proxy, side, filled, timeout=1), timeout=2)
    assert time.monotonic() - begun < 60
    assert f"{side} 127.0.0.1:{proxy.port}" in tried.error
    assert "did not answer within 1 s" in tried.error or "stopped answering" in tried.error
    assert "timeout" in tried.error
    proxy.heal()
    watch.settle(tried)


def test_an_end_that_refuses_connections_for_a_while(filled: Pair, fault_proxy: Proxies) -> None:
    watch = Watch(*filled)
    proxy = fault_proxy(filled[1].port, redis=True)

    def away() -> None:
        proxy.refuse()
        proxy.cut_now()
        time.sleep(1)
        proxy.accept()

    proxy.on_command("RESTORE", soon(away), skip=30)
    tried = attempt(**through(proxy, "target", filled))
    assert tried.ok["reconnects"] >= 1
    watch.settle(tried)


@SIDES
def test_a_link_of_one_megabit(side: str, server_pair: Pair, fault_proxy: Proxies) -> None:
    """Slow is not broken: as long as something arrives, nobody gives up."""
    source, _target = server_pair
    dataset.fill_benchmark(source.client(), "strings10k", 30)
    watch = Watch(*server_pair)
    proxy = fault_proxy(server_pair[side == "target"].port, bandwidth=1_000_000 / 8)
    tried = attempt(**through(proxy, side, server_pair))
    assert tried.ok["totals"]["copied"] == 30
    assert tried.ok["reconnects"] == 0
    assert tried.ok["elapsed_seconds"] > 1.5, "the link was slow"
    watch.settle(tried)
