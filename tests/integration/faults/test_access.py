# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whoever was let in a moment ago is not any more: passwords, permissions, certificates, names."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import ServerFactory
from tests.support import dataset
from tests.support.attempt import Watch, attempt
from tests.support.certs import Authority
from tests.support.faultproxy import FaultProxy
from tests.support.servers import RedisServer
from tests.support.tls_frontend import TlsFrontend

Proxies = Callable[..., FaultProxy]

OLD, NEW = "sEnTiNeL-old", "sEnTiNeL-new"
SIDES = pytest.mark.parametrize("side", ["source", "target"])
COMMAND = {"source": "DUMP", "target": "RESTORE"}


@pytest.fixture
def guarded(redis_server: ServerFactory) -> dict[str, RedisServer]:
    """Two servers with a user `mover` who may do everything."""
    user = [f"user mover on >{OLD} ~* &* +@all"]
    servers = {"source": redis_server("redis-7.0", acl_lines=user), "target": redis_server("redis-8.2", acl_lines=user)}
    dataset.fill(servers["source"].client, databases=(0, 5))
    return servers


def entrances(servers: dict[str, RedisServer], side: str = "", port: int = 0) -> dict[str, dict[str, Any]]:
    ends = {name: server.endpoint(username="mover", password=OLD) for name, server in servers.items()}
    if side:
        ends[side]["port"] = port
    return ends


@SIDES
def test_the_password_changes_and_connections_break(
    side: str, guarded: dict[str, RedisServer], fault_proxy: Proxies
) -> None:
    watch = Watch(**guarded)
    proxy = fault_proxy(guarded[side].port, redis=True)

    def rotate() -> None:
        guarded[side].client().execute_command("ACL", "SETUSER", "mover", "resetpass", f">{NEW}")
        threading.Thread(target=proxy.cut_now, daemon=True).start()

    proxy.on_command(COMMAND[side], rotate, skip=40)
    tried = attempt(**entrances(guarded, side, proxy.port))
    assert f"{side} 127.0.0.1:{proxy.port}" in tried.error.lower()
    assert "WRONGPASS" in tried.error
    assert f"Check the user name and the password of the {side}" in tried.error
    assert OLD not in tried.error
    assert tried.result["elapsed_seconds"] < 15, "nobody waits for a password to come back"
    watch.settle(tried)


def test_the_password_changes_and_connections_stay(guarded: dict[str, RedisServer], fault_proxy: Proxies) -> None:
    """A server asks only once; the run gets through, or is turned away where it has to connect again."""
    watch = Watch(**guarded)
    proxy = fault_proxy(guarded["target"].port, redis=True)
    proxy.on_command(
        "RESTORE",
        lambda: guarded["target"].client().execute_command("ACL", "SETUSER", "mover", "resetpass", f">{NEW}"),
        skip=40,
    )
    tried = attempt(**entrances(guarded, "target", proxy.port))
    assert not tried.error or "WRONGPASS" in tried.error
    assert tried.result["databases"]["0"]["copied"] == tried.result["databases"]["0"]["scanned"] > 100
    watch.settle(tried)


@pytest.mark.parametrize(
    ("side", "strategy", "forbidden", "when"),
    [
        ("source", "copy", "dump", "DUMP"),
        ("source", "copy", "scan", "MEMORY"),
        ("source", "migrate", "migrate", "MEMORY"),
        ("source", "rebuild", "hgetall", "TYPE"),
        ("target", "copy", "restore", "RESTORE"),
        ("target", "copy", "mset", "RESTORE"),
        ("target", "rebuild", "renamenx", "RENAMENX"),
    ],
)
def test_a_permission_is_lost_in_the_middle(
    side: str, strategy: str, forbidden: str, when: str, guarded: dict[str, RedisServer], fault_proxy: Proxies
) -> None:
    watch = Watch(**guarded)
    proxy = fault_proxy(guarded[side].port, redis=True)
    administrator = guarded[side].client()
    proxy.on_command(when, lambda: administrator.execute_command("ACL", "SETUSER", "mover", f"-{forbidden}"))
    tried = attempt(**entrances(guarded, side, proxy.port), strategy=strategy)
    if not tried.error:
        # Everything that needed it was through already.
        assert forbidden in ("mset", "scan")
    else:
        assert "NOPERM" in tried.error
        assert "mover" in tried.error
        assert "this permission" in tried.error or "permit it" in tried.error
        assert forbidden in tried.error.lower() or forbidden == "hgetall"
    administrator.execute_command("ACL", "SETUSER", "mover", f"+{forbidden}")
    watch.settle(tried)


@SIDES
def test_the_keys_are_taken_from_the_user(side: str, guarded: dict[str, RedisServer], fault_proxy: Proxies) -> None:
    """All commands are permitted, but not any more for these keys."""
    watch = Watch(**guarded)
    proxy = fault_proxy(guarded[side].port, redis=True)
    administrator = guarded[side].client()
    proxy.on_command(
        COMMAND[side], lambda: administrator.execute_command("ACL", "SETUSER", "mover", "resetkeys", "~own:*"), skip=40
    )
    tried = attempt(**entrances(guarded, side, proxy.port))
    assert "NOPERM" in tried.error
    administrator.execute_command("ACL", "SETUSER", "mover", "allkeys")
    watch.settle(tried)


@SIDES
def test_a_certificate_expires(
    side: str,
    server_pair: tuple[RedisServer, RedisServer],
    authority: Authority,
    tls_frontend: Callable[..., TlsFrontend],
    fault_proxy: Proxies,
) -> None:
    source, target = server_pair
    dataset.fill(source.client, databases=(0, 5))
    watch = Watch(source, target)
    proxy = fault_proxy((source if side == "source" else target).port, redis=True)
    front = tls_frontend(proxy.port)
    expired = authority.server(days=3, expired=True)
    ends = {"source": source.endpoint(), "target": target.endpoint()}
    ends[side] = {"host": "127.0.0.1", "port": front.port, "tls": True, "ca_certs": str(authority.ca_file)}

    def expire() -> None:
        # Whoever has to connect again sees it.
        front.use_certificate(expired)
        threading.Thread(target=proxy.cut_now, daemon=True).start()

    proxy.on_command(COMMAND[side], expire, skip=40)
    tried = attempt(**ends)
    assert f"certificate of the {side} 127.0.0.1:{front.port} does not verify" in tried.error
    assert "expired" in tried.error
    assert "renewed" in tried.error

    before = attempt(**ends)
    assert "expired" in before.error
    assert before.result["totals"]["scanned"] == 0
    watch.settle(tried)


@SIDES
def test_a_name_that_nobody_knows(side: str, server_pair: tuple[RedisServer, RedisServer]) -> None:
    source, target = server_pair
    dataset.fill(source.client, databases=(0,))
    watch = Watch(source, target)
    ends = {"source": source.endpoint(), "target": target.endpoint()}
    ends[side] = {"host": "redis.invalid", "port": 6379}
    tried = attempt(**ends)
    assert f"The {side}'s host name 'redis.invalid' cannot be resolved" in tried.error
    assert "Check the spelling" in tried.error
    watch.settle(tried)
