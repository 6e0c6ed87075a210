# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Permissions: the table is exactly what runs need, and the preflight finds what is missing however it has to ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.endpoint import parse_endpoint
from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.selection import Selection
from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.finding import Verdict
from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.permissions import (
    acl_rules,
    needs,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.preflight import preflight
from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.situation import Question
from ansible_collections.dataservices.redis_migration.plugins.module_utils._server.dry_run import HELPFUL
from ansible_collections.dataservices.redis_migration.plugins.module_utils._server.info import Server, read_server
from tests.support.dataset import fill
from tests.support.oracle import compare
from tests.support.run import run_module
from tests.support.servers import RedisServer

ServerFactory = Callable[..., RedisServer]

ADMIN = "user everything on >everything ~* &* +@all"


def describe(server: RedisServer, role: str) -> Server:
    return read_server(parse_endpoint(server.endpoint(), role))


def user(server: RedisServer, *rules: str) -> dict[str, Any]:
    """An endpoint for a user with just these rules, who never was before."""
    with server.client() as client:
        client.execute_command("ACL", "SETUSER", "mover", "reset", "on", ">pw", *rules)
        client.execute_command("ACL", "LOG", "RESET")
    return server.endpoint(username="mover", password="pw")


def denied(server: RedisServer) -> set[str]:
    """The commands that the server has refused for want of permission."""
    with server.client() as client:
        entries = client.execute_command("ACL", "LOG")
    return {dict(zip(entry[::2], entry[1::2]))[b"object"].decode() for entry in entries}


def look(source: dict[str, Any], target: dict[str, Any], **options: Any) -> dict[str, Verdict]:
    report = preflight(Question(source, target, options.pop("selection", Selection()), **options))
    return {finding.name: finding.verdict for finding in report.findings}


@pytest.mark.parametrize(
    ("names", "strategy", "large"),
    [
        (("redis-6.2", "redis-8.2"), "copy", 2000),
        (("redis-8.2", "redis-8.2"), "migrate", None),
        (("redis-7.0", "redis-6.2"), "rebuild", 2000),
        (("redis-8.2", "valkey-9"), "rebuild", None),
    ],
    ids=["copy", "migrate", "rebuild-to-6.2", "rebuild-to-valkey"],
)
def test_the_table_is_enough_for_a_whole_migration(
    redis_server: ServerFactory, names: tuple[str, str], strategy: str, large: int | None
) -> None:
    servers = [redis_server(name, acl_lines=[ADMIN]) for name in names]
    source, target = servers
    fill(source.client)
    ends = [
        user(server, "~*", *acl_rules(role, describe(server, role), strategy=strategy, prune=True))
        for server, role in zip(servers, ("source", "target"))
    ]
    if strategy == "migrate":
        ends[1]["backend"] = {"host": "127.0.0.1", "port": target.port}
    options = {"source": ends[0], "target": ends[1], "strategy": strategy, "large_key_bytes": large}
    run_module("redis_migrate_keys", **options)
    with source.client() as client:
        client.delete(*client.scan(count=1000)[1][:20])
        client.set("string:1mb", "changed")
    again = run_module("redis_migrate_keys", **options, prune=True).ok
    assert again["totals"]["failed"] == 0
    assert again["totals"]["pruned"] > 0
    assert run_module("redis_key_diff", source=ends[0], target=ends[1]).ok["identical"] is True
    assert compare(source, target) == []
    table = needs("source", describe(source, "source"), strategy=strategy)
    helpful = {need.command for need in table if need.level == HELPFUL}
    for server in servers:
        missed = {name.replace("|", " ").upper() for name in denied(server)} - helpful - {"CLIENT"}
        assert missed == set()


@pytest.mark.parametrize("name", ["redis-6.2", "redis-8.2", "valkey-9"])
def test_a_user_with_what_the_table_says_passes(redis_server: ServerFactory, name: str) -> None:
    source, target = redis_server(name, acl_lines=[ADMIN]), redis_server("redis-8.2", acl_lines=[ADMIN])
    fill(source.client, databases=(0,))
    ends = [
        user(server, "~*", *acl_rules(role, describe(server, role), strategy="copy"))
        for server, role in ((source, "source"), (target, "target"))
    ]
    written = source.write_calls(), target.write_calls()
    found = look(*ends, strategy="copy")
    assert found["source_permissions"].status == "ok", found["source_permissions"]
    # The target's user cannot tell who else is connected, which is no failure.
    assert found["target_permissions"].status == "ok", found["target_permissions"]
    assert "'mover'" in found["target_permissions"].message
    assert (source.write_calls(), target.write_calls()) == written


# How a server can be asked: ACL DRYRUN, or queueing between MULTI and DISCARD.
_WAYS = [("redis-6.2", []), ("redis-8.2", []), ("redis-8.2", ["+acl|dryrun"]), ("valkey-9", ["+acl|dryrun"])]


@pytest.mark.parametrize(("name", "extra"), _WAYS)
def test_missing_commands_are_named_with_their_user(redis_server: ServerFactory, name: str, extra: list[str]) -> None:
    source, target = redis_server(name, acl_lines=[ADMIN]), redis_server(name, acl_lines=[ADMIN])
    rules = ["~*", "+@all", "-@admin", *extra]
    found = look(user(source, *rules, "-dump", "-scan"), user(target, *rules, "-restore"), strategy="copy")
    assert found["source_permissions"].status == "fail"
    assert "2 commands" in found["source_permissions"].message
    assert "SCAN, DUMP" in found["source_permissions"].message or "DUMP, SCAN" in found["source_permissions"].message
    assert "'mover'" in found["source_permissions"].message
    assert "no permission" in found["source_permissions"].message
    assert "+dump" in found["source_permissions"].next_step
    assert found["target_permissions"].status == "fail"
    assert "RESTORE" in found["target_permissions"].message
    # It is a matter of permission: the target as such does take writes.
    assert found["target_writable"].status == "ok"


@pytest.mark.parametrize(("name", "extra"), _WAYS)
def test_users_with_some_keys_only(redis_server: ServerFactory, name: str, extra: list[str]) -> None:
    source, target = redis_server(name, acl_lines=[ADMIN]), redis_server("redis-8.2")
    with source.client() as client:
        client.mset({"app:1": 1, "app:2": 2, "other:1": 3})
    some = user(source, "~app:*", "+@all", "-@admin", *extra)
    found = look(some, target.endpoint(), strategy="copy")
    assert found["source_permissions"].status == "fail"
    assert "not for every key" in found["source_permissions"].message
    assert "match" in found["source_permissions"].next_step
    found = look(some, target.endpoint(), strategy="copy", selection=Selection(match=("app:*",)))
    assert found["source_permissions"].status == "ok", found["source_permissions"]


def test_what_large_keys_need_is_a_warning(redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-8.2"), redis_server("redis-8.2", acl_lines=[ADMIN])
    rules = acl_rules("target", describe(target, "target"), strategy="copy", fallback=False)
    found = look(source.endpoint(), user(target, "~*", *rules, "+multi"), strategy="copy")
    assert found["target_permissions"].status == "warn"
    assert "RENAMENX" in found["target_permissions"].next_step.upper()


def test_a_user_who_may_not_even_be_asked_about(redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-8.2", acl_lines=[ADMIN]), redis_server("redis-8.2", acl_lines=[ADMIN])
    fill(source.client, databases=(0,))
    fill(target.client, databases=(0,))
    written = source.write_calls(), target.write_calls()
    rules = ["~*", "+@all", "-multi", "-@admin"]
    found = look(user(source, *rules), user(target, *rules), strategy="migrate", prune=True)
    for name in ("source_permissions", "target_permissions"):
        # The server has said that much; a key of one megabyte is not yet a large one, so nothing surely needs it.
        assert found[name].status == "warn"
        assert "may not use MULTI" in found[name].message and "cannot be asked" in found[name].message
        assert "+multi +exec" in found[name].next_step
    assert "cannot be asked" in found["target_writable"].message
    # A command behind a MULTI that was refused would run: none was sent.
    assert (source.write_calls(), target.write_calls()) == written


def test_who_may_not_use_multi_where_keys_are_rebuilt_is_a_failure(redis_server: ServerFactory) -> None:
    """Redis 6.2 has no ACL DRYRUN; its answer to MULTI itself is an answer."""
    source = redis_server("redis-6.2")
    target = redis_server("redis-6.2", acl_lines=["user nomulti on >pw ~* &* +@all -multi"])
    end = target.endpoint(username="nomulti", password="pw")
    source.client().rpush("list", *range(100))
    assert look(source.endpoint(), end)["target_permissions"].status == "warn"
    for options in ({"strategy": "rebuild"}, {"large_key_bytes": 100}):
        found = look(source.endpoint(), end, **options)["target_permissions"]
        assert found.status == "fail", found
        assert "may not use MULTI" in found.message and "EXEC" in found.message and "'multi'" in found.message
        assert "+multi +exec" in found.next_step
    run = run_module("redis_migrate_keys", source=source.endpoint(), target=end, strategy="rebuild")
    assert "refused MULTI for user 'nomulti'" in run.message
    assert target.client().dbsize() == 0, "of a refused transaction nothing may run"
    target.client().flushall()
    run = run_module("redis_migrate_keys", source=source.endpoint(), target=end, large_key_bytes=100)
    assert "refused MULTI for user 'nomulti'" in run.message + str(run.result["failures"])


def test_a_user_who_may_not_ask_for_the_version(redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-8.2", acl_lines=[ADMIN]), redis_server("redis-8.2")
    found = look(user(source, "~*", "+@all", "-info"), target.endpoint())
    assert found["source_reachable"].status == "fail"
    assert "'mover'" in found["source_reachable"].message
    assert "info" in found["source_reachable"].message.lower()
    assert "permission" in found["source_reachable"].next_step


def test_a_command_that_only_some_phases_need_is_named_by_them(redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-8.2", acl_lines=[ADMIN]), redis_server("redis-8.2")
    fill(source.client, databases=(0,))
    end = user(source, "~*", "+@all", "-echo")
    assert "ECHO" in look(end, target.endpoint())["source_permissions"].message
    run = run_module("redis_key_diff", source=end, target=target.endpoint())
    assert "refused ECHO for user 'mover'" in run.message
    end = user(source, "~cache:*", "+@all")
    run = run_module("redis_keyspace_info", endpoint=end, sample=100)
    assert "'mover'" in run.message
    assert "refused TYPE" in run.message


def test_a_disabled_command(redis_server: ServerFactory) -> None:
    source = redis_server("redis-6.2", config={"rename-command MIGRATE": "disabled"})
    target = redis_server("redis-8.2")
    end = target.endpoint(backend={"host": "127.0.0.1", "port": target.port})
    assert look(source.endpoint(), end, strategy="copy")["source_permissions"].status == "ok"
    found = look(source.endpoint(), end, strategy="migrate")
    assert found["source_permissions"].status == "fail"
    assert "MIGRATE" in found["source_permissions"].message
