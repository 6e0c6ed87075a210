# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said where Sentinels do not help, and that those which do are enough."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.endpoint import parse_endpoint
from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.selection import parse_selection
from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.preflight import preflight
from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.situation import Question
from ansible_collections.dataservices.redis_migration.plugins.module_utils._server.continuity import (
    Continuity,
    ServerChanged,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._server.info import read_server
from tests.conftest import ServerFactory
from tests.support import dataset, engine
from tests.support.attempt import until
from tests.support.certs import Authority
from tests.support.engine import RedisMigrationError, moved
from tests.support.left_out import need_tls_server
from tests.support.oracle import compare, report
from tests.support.paths import REPO
from tests.support.run import run_module
from tests.support.sentinels import NAME, SentinelServer, Service
from tests.support.servers import HOST, tls_servers

Services = Callable[..., Service]

PASSWORD = "of-the-sentinels"


def problem(end: dict[str, Any]) -> str:
    with pytest.raises(RedisMigrationError) as raised:
        read_server(parse_endpoint(end, "source"))
    return str(raised.value)


def findings(source: dict[str, Any], target: Any, **options: Any) -> dict[str, Any]:
    """By name, the findings of a preflight."""
    asked = preflight(Question(source, target.endpoint(), parse_selection({}), **options))
    return {finding.name: finding.verdict for finding in asked.findings}


@pytest.mark.parametrize("name", ["redis-6.2", "valkey-9"])
def test_logins_of_sentinels_are_their_own(name: str, service: Services) -> None:
    guarded = service(name, sentinels=1, password="of-the-servers", sentinel_options={"password": PASSWORD})
    read_server(parse_endpoint(guarded.endpoint(), "source"))
    for given in (None, "wrong-secret", "of-the-servers"):
        said = problem(guarded.endpoint(sentinel={"password": given}))
        assert "source's Sentinel" in said or "Source's sentinel" in said
        assert "NOAUTH" in said if given is None else "WRONGPASS" in said
        assert "in 'sentinel'" in said
        assert PASSWORD not in said and "wrong-secret" not in said and "of-the-servers" not in said
    said = problem(guarded.endpoint(password="wrong-secret"))
    assert f"(service {NAME})" in said and "WRONGPASS" in said
    assert "wrong-secret" not in said


@pytest.mark.parametrize("name", ["redis-6.2", "redis-8.2", "valkey-9"])
def test_the_documented_rules_of_a_user_at_the_sentinels(
    name: str, service: Services, redis_server: ServerFactory
) -> None:
    page = (REPO / "docs/sentinel.md").read_text()
    rules = page.partition("```acl-sentinel\n")[2].partition("```")[0].replace("\n", " ")
    lines = [
        "user default off",
        f"user watcher on >{PASSWORD} {rules}",
        f"user least on >{PASSWORD} {rules.split()[0]}",
    ]
    watched = service(name, sentinels=1, sentinel_options={"acl_lines": lines})
    end = watched.endpoint(sentinel={"username": "watcher", "password": PASSWORD}, prefer_replica=True)
    found = findings(end, redis_server("redis-8.2"))["source_sentinels"]
    assert found.status == "ok", found
    assert "quorum" in found.message
    least = watched.endpoint(sentinel={"username": "least", "password": PASSWORD})
    assert read_server(parse_endpoint(least, "source")).role == "master"
    with pytest.raises(RedisMigrationError, match=r"NOPERM"):
        read_server(parse_endpoint({**least, "prefer_replica": True}, "source"))


def test_a_password_that_no_sentinel_asks_for(service: Services) -> None:
    said = problem(service("redis-8.2", sentinels=1).endpoint(sentinel={"password": "needless"}))
    assert "remove it from 'sentinel'" in said
    assert "needless" not in said


@pytest.mark.parametrize("name", ["redis-6.2", "redis-8.2", "valkey-9"])
def test_a_name_that_no_sentinel_knows(name: str, service: Services) -> None:
    said = problem(service(name, sentinels=1).endpoint(sentinel={"service_name": "mymastr"}))
    assert "knows no service 'mymastr'; it knows mymaster." in said
    assert "Did you mean mymaster?" in said


def test_one_sentinel_is_enough_and_the_first_to_answer_is_asked_first(service: Services, redis_server: Any) -> None:
    watched, target = service("redis-8.2"), redis_server("redis-6.2")
    watched.client().set("a", 1)
    watched.sentinels[0].kill()
    assert moved(engine.migrate(watched.endpoint(), target, strategy="rebuild")) == {"scanned": 1, "copied": 1}
    found = findings(watched.endpoint(), target)["source_sentinels"]
    assert found.status == "warn"
    assert "2 of 3 Sentinels" in found.message and f"{HOST}:{watched.primary.port} as the primary" in found.message
    assert "connection refused" in found.message and f"{HOST}:{watched.sentinels[0].port}" in found.message

    # One that hangs costs its timeout once, not at each connection.
    watched.sentinels[1].pause()
    try:
        end = parse_endpoint(watched.endpoint(sentinel={"timeout": 1.0}), "source")
        read_server(end)
        begin = time.monotonic()
        for _again in range(5):
            read_server(end)
        assert time.monotonic() - begin < 1
    finally:
        watched.sentinels[1].resume()


def test_all_sentinels_down(service: Services, redis_server: ServerFactory) -> None:
    watched = service("redis-8.2", sentinels=2)
    for one in watched.sentinels:
        one.kill()
    said = problem(watched.endpoint())
    assert said.startswith("Where the source's service 'mymaster' is could not be found out.")
    for one in watched.sentinels:
        assert f"{HOST}:{one.port}" in said
    found = findings(watched.endpoint(), redis_server("redis-8.2"))
    assert found["source_reachable"].status == found["source_sentinels"].status == "fail"


def test_a_run_outlasts_sentinels_that_are_away(service: Services, redis_server: ServerFactory) -> None:
    source, target = service("redis-8.2", sentinels=1), redis_server("redis-8.2")
    dataset.fill_benchmark(source.client(), "mixed", 8000)
    run = engine.migration(source.endpoint(), target, timeout=30.0)
    run.run(0.001)
    source.sentinels[0].stop()
    with pytest.raises(RedisMigrationError, match="could not be found out"):
        run._plan = engine.migration(source.endpoint(), target, timeout=0.5)._plan
        engine.resumed(run).run()
    source.sentinels[0].start()
    engine.resumed(run).run()
    found = compare(source.primary, target)
    assert not found, report(found)


def test_what_is_listed_is_no_sentinel(service: Services, redis_server: ServerFactory) -> None:
    said = problem({"sentinel": {"service_name": NAME, "hosts": [f"{HOST}:{redis_server('redis-8.2').port}"]}})
    assert "not a Sentinel" in said and "26379" in said


def test_a_sentinel_given_as_the_server_is_told_how_to_write_it(service: Services) -> None:
    said = problem({"host": HOST, "port": service("redis-8.2", sentinels=1).sentinels[0].port})
    assert "is a Sentinel and holds no data" in said
    assert "sentinel: {service_name: mymaster, hosts: [" in said


def test_a_sentinel_that_has_not_heard_of_the_failover(service: Services, redis_server: ServerFactory) -> None:
    """Two services that do not know of each other's word: the first names what has become a replica."""
    watched = service("redis-8.2")
    watched.client().set("a", 1)
    old = watched.primary
    with SentinelServer("redis-8.2", old, 1, service="other") as alone:
        hosts = [f"{HOST}:{one.port}" for one in (alone, *watched.sentinels)]
        alone.admin().execute_command("SENTINEL", "SET", "other", "down-after-milliseconds", "3600000")
        watched.fail_over(kill=False)
        until(lambda: old.client().info("replication")["role"] == "slave")
        said = problem(watched.endpoint(sentinel={"service_name": "other", "hosts": hosts[:1]}))
        assert "is named as the primary, but is a replica of" in said
        # Asked for the same service, who knows better is asked next.
        found = findings(watched.endpoint(sentinel={"hosts": hosts}), redis_server("redis-8.2"))
        assert found["source_sentinels"].status == "warn"
        assert "knows no service" in found["source_sentinels"].message


@pytest.mark.parametrize("kill", [True, False])
def test_a_former_primary_is_noticed_before_the_end(kill: bool, service: Services) -> None:
    watched = service("redis-8.2")
    endpoint = parse_endpoint(watched.endpoint(), "target")
    continuity = Continuity()
    continuity.check(endpoint, read_server(endpoint).identity)
    continuity.check_still_there(endpoint)
    watched.fail_over(kill=kill)
    with pytest.raises(ServerChanged):
        continuity.check_still_there(endpoint)


def test_sentinels_that_disagree_are_told(service: Services, redis_server: ServerFactory) -> None:
    one, other = service("redis-8.2", sentinels=1), service("redis-8.2", sentinels=1)
    hosts = [f"{HOST}:{watched.sentinels[0].port}" for watched in (one, other)]
    found = findings(one.endpoint(sentinel={"hosts": hosts}), redis_server("redis-8.2"))["source_sentinels"]
    assert found.status == "warn"
    assert "disagree" in found.message
    for watched in (one, other):
        assert f"{HOST}:{watched.sentinels[0].port} names {HOST}:{watched.primary.port}" in found.message


def test_preflight_names_sentinels_quorum_primary_and_who_is_read(service: Services) -> None:
    source, target = service("redis-6.2"), service("redis-8.2")
    found = findings(source.endpoint(prefer_replica=True), target)
    said = found["source_sentinels"]
    assert said.status == "ok"
    assert said.message.startswith("3 of 3 Sentinels (")
    assert f"name {HOST}:{source.primary.port} as the primary of the source's service {NAME}" in said.message
    assert "with 1 replica in touch; 2 of 3 Sentinels are its quorum" in said.message
    assert f"Read is {HOST}:{source.replicas[0].port} (service {NAME})" in said.message
    assert found["target_sentinels"].status == "ok"
    assert "replica in step" in found["source_role"].message
    plain = findings(source.primary.endpoint(), target.primary)
    assert "no Sentinel is asked" in plain["source_sentinels"].message


def test_a_service_without_replicas_is_read_at_its_primary(service: Services, redis_server: ServerFactory) -> None:
    source, target = service("redis-8.2", replicas=0, sentinels=1), redis_server("redis-8.2")
    source.client().set("a", 1)
    found = findings(source.endpoint(prefer_replica=True), target)["source_role"]
    assert found.status == "warn" and f"{HOST}:{source.primary.port}" in found.message
    assert moved(engine.migrate(source.endpoint(prefer_replica=True), target)) == {"scanned": 1, "copied": 1}


def test_clients_are_looked_for_at_the_primary(service: Services, redis_server: ServerFactory) -> None:
    source = service("redis-8.2", sentinels=1)
    application = source.client()
    application.client_setname("shop")
    found = findings(source.endpoint(prefer_replica=True), redis_server("redis-8.2"))["source_clients"]
    assert "shop" in found.message


def test_strategy_migrate_finds_the_target_and_wants_a_primary(service: Services) -> None:
    source, target = service("redis-8.2", sentinels=1), service("redis-8.2", sentinels=1)
    total = dataset.fill(source.primary.client, databases=(0,)).total
    done = engine.migrate(source.endpoint(), target.endpoint(), strategy="migrate")
    assert moved(done) == {"scanned": total, "copied": total}
    assert done["strategy"] == "migrate"
    with pytest.raises(RedisMigrationError, match="prefer_replica, but strategy 'migrate'"):
        engine.migrate(source.endpoint(prefer_replica=True), target.endpoint(), strategy="migrate")
    found = findings(source.endpoint(prefer_replica=True), target, strategy="migrate")
    assert any(verdict.status == "fail" and "prefer_replica" in verdict.message for verdict in found.values())
    with pytest.raises(RedisMigrationError, match="A replica takes no writes"):
        engine.migrate(source.endpoint(), target.endpoint(prefer_replica=True))


@pytest.mark.parametrize("state", ["isolated", "paused"])
def test_isolation_and_following_need_the_primary(state: str, service: Services) -> None:
    source = service("redis-8.2", sentinels=1)
    end = source.endpoint(prefer_replica=True)
    said = run_module("redis_isolation", endpoint=end, state=state).result
    assert "prefer_replica" in said["msg"] and "at the primary" in said["msg"]
    said = run_module("redis_live_sync", source=end, target=source.endpoint(), state="started").result
    assert "prefer_replica" in said["msg"] and "followed at its primary" in said["msg"]
    found = findings(end, source, live=True)["change_feed"]
    assert found.status == "fail" and "prefer_replica" in found.message


@pytest.mark.parametrize("name", tls_servers() or ["redis-7.0"])
def test_tls_to_the_servers_and_to_the_sentinels(name: str, service: Services, authority: Authority) -> None:
    certificate = authority.server()
    source = service(
        name, sentinels=2, tls=True, certificate=certificate, sentinel_options={"tls": True, "certificate": certificate}
    )
    source.client().set("a", 1)
    end = source.endpoint()
    # The CA is said once, for the servers.
    end["sentinel"] = {name: end["sentinel"][name] for name in ("service_name", "hosts")}
    target = service("redis-8.2", sentinels=1)
    assert moved(engine.migrate(end, target.endpoint())) == {"scanned": 1, "copied": 1}
    assert f"source {HOST}:{source.primary.port} (service {NAME}) verifies" in (
        findings(end, target)["source_certificate"].message
    )
    source.fail_over()
    assert engine.diff(end, target.endpoint())["identical"]

    said = problem({**end, "sentinel": {**end["sentinel"], "tls": False}})
    assert "tls: true" in said
    said = problem({**end, "ca_certs": None})
    assert "does not verify" in said


def test_a_plain_sentinel_before_servers_with_tls(service: Services, authority: Authority) -> None:
    source = service(need_tls_server(), sentinels=1, tls=True, certificate=authority.server())
    end = source.endpoint()
    said = problem(end)
    assert "'tls: false' in 'sentinel'" in said
    read_server(parse_endpoint({**end, "sentinel": {**end["sentinel"], "tls": False}}, "source"))
