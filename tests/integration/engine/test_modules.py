# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Redis modules as Ansible runs them: results, check and diff mode, memory, secrets, and an end by SIGKILL."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ServerFactory, soak
from tests.support import dataset
from tests.support.certs import Authority
from tests.support.oracle import compare, report
from tests.support.run import StartedModule, run_module
from tests.support.servers import HOST, RedisServer
from tests.support.tls_frontend import TlsFrontend

Pair = tuple[RedisServer, RedisServer]
Frontends = Callable[..., TlsFrontend]

BUDGET_MIB = 200


def assert_equal(source: RedisServer, target: RedisServer) -> None:
    found = compare(source, target)
    assert not found, report(found)


def test_all_three_with_awkward_keys(server_pair: Pair) -> None:
    source, target = server_pair
    filled = dataset.fill(source.client, databases=(0, 5))
    ends = {"source": source.endpoint(), "target": target.endpoint()}

    before = run_module("redis_keyspace_info", endpoint=source.endpoint(), sample=1000).ok
    assert not before["changed"]
    assert before["server"] == {"flavor": "redis", "version": "6.2.5", "mode": "standalone", "role": "master"}
    assert {int(number): counts["keys"] for number, counts in before["databases"].items()} == filled.keys
    assert before["keys"] == before["sample"]["keys"] == filled.total
    assert set(before["sample"]["types"]) == {"string", "list", "set", "zset", "hash", "stream"}
    assert before["expires"] == sum(counts["expires"] for counts in before["databases"].values()) > 0
    assert before["sample"]["largest"][0]["bytes"] >= 1_000_000
    assert target.write_calls() == 0

    planned = run_module("redis_migrate_keys", check=True, diff=True, **ends).ok
    assert planned["changed"]
    assert target.write_calls() == 0
    done = run_module("redis_migrate_keys", diff=True, **ends).ok
    assert done["changed"]
    assert done["totals"]["copied"] == filled.total
    assert planned["totals"] == done["totals"]
    assert done["progress_over_time"][0][0] < done["elapsed_seconds"]
    ((began, ended),) = done["times"]
    assert 0 < ended - began < 60
    assert sorted(planned["diff"]["after"].splitlines()) == sorted(done["diff"]["after"].splitlines())
    assert "invalid utf-8" in done["diff"]["after"]
    assert_equal(source, target)

    again = run_module("redis_migrate_keys", diff=True, **ends).ok
    assert not again["changed"]
    assert again["diff"]["before"] == again["diff"]["after"] == ""

    target.client(5).set(b"\xff\xfe\n", "extra")
    found = run_module("redis_key_diff", **ends).ok
    assert not found["changed"]
    assert not found["identical"]
    (difference,) = found["differences"]
    assert base64.b64decode(difference["key_base64"]) == b"\xff\xfe\n"
    assert difference["key"] == "\\xff\\xfe\\n"
    assert (difference["database"], difference["kind"]) == (5, "extra")

    pruned = run_module("redis_migrate_keys", prune=True, diff=True, **ends).ok
    assert pruned["totals"]["pruned"] == 1
    assert pruned["diff"]["before"] == "database 5: \\xff\\xfe\\n\n"


@pytest.mark.parametrize("strategy", ["copy", "migrate"])
def test_killed_in_the_middle_and_run_again(strategy: str, server_pair: Pair) -> None:
    source, target = server_pair
    dataset.fill_benchmark(source.client(0), "mixed", 30_000)
    filled = dataset.fill(source.client, databases=(1, 7))
    total = 30_000 + filled.total
    ends = {"source": source.endpoint(), "target": target.endpoint(), "strategy": strategy}

    for keys in (2_000, 9_000):
        # Slow enough to be caught in the act on any machine.
        started = StartedModule("redis_migrate_keys", {**ends, "max_keys_per_second": 20_000})
        while target.client().dbsize() < keys:
            time.sleep(0.002)
        started.kill()
        assert started.wait().result == {}
        assert keys <= target.client().dbsize() < 30_000

    done = run_module("redis_migrate_keys", **ends).ok
    assert done["totals"]["scanned"] == total
    assert done["totals"]["copied"] + done["totals"]["updated"] + done["totals"]["unchanged"] == total
    assert done["totals"]["unchanged"] >= 9_000 * 0.9
    assert_equal(source, target)
    again = run_module("redis_migrate_keys", **ends).ok
    assert not again["changed"], again["totals"]


@pytest.mark.parametrize(("strategy", "count"), [("copy", 300_000), ("migrate", 300_000), soak("copy", 1_000_000)])
def test_many_keys_need_no_more_memory_than_the_budget(strategy: str, count: int, redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-6.2"), redis_server("redis-8.2")
    dataset.fill_benchmark(source.client(), "strings100", count)
    ends = {"source": source.endpoint(), "target": target.endpoint()}
    run = run_module("redis_migrate_keys", strategy=strategy, **ends)
    assert run.ok["totals"]["copied"] == count
    assert run.peak_mib <= BUDGET_MIB
    assert target.client().dbsize() == count
    if strategy == "copy":
        for name in ("redis_migrate_keys", "redis_key_diff"):
            second = run_module(name, **ends)
            assert not second.ok["changed"]
            assert second.peak_mib <= BUDGET_MIB, name


@pytest.mark.parametrize("kind", ["strings of 10 kB", "strings of 1 MB", "names of 1 MB", "one hash"])
def test_large_values_need_no_more_memory_than_the_budget(kind: str, redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-6.2"), redis_server("redis-8.2")
    client = source.client()
    if kind == "strings of 10 kB":
        dataset.fill_benchmark(client, "strings10k", 30_000)
    elif kind == "one hash":
        for begin in range(0, 300_000, 5_000):
            client.hset("hash", mapping={f"field:{number}": "v" * 500 for number in range(begin, begin + 5_000)})
    else:
        for number in range(200):
            big = b"%04d" % number + b"x" * 1_000_000
            client.set(*((b"%d" % number, big) if kind == "strings of 1 MB" else (big, b"v")))
    ends = {"source": source.endpoint(), "target": target.endpoint()}
    for name in ("redis_migrate_keys", "redis_migrate_keys", "redis_key_diff"):
        run = run_module(name, **ends)
        assert run.peak_mib <= BUDGET_MIB, (name, run.result["totals"])
    assert run.ok["identical"]
    assert target.client().dbsize() == client.dbsize()


def test_no_secret_in_any_result(
    redis_server: ServerFactory, tls_frontend: Frontends, authority: Authority, unused_port: int
) -> None:
    secrets = {"source": "SENTINEL-one", "target": "SENTINEL/two@#%"}
    source = redis_server("redis-6.2", password=secrets["source"])
    target = redis_server(
        "redis-8.2", acl_lines=[f"user mover on >{secrets['target']} ~* &* +@all", "user default off"]
    )
    dataset.fill(source.client, databases=(0,))
    front = tls_frontend(target.port)
    ends: dict[str, Any] = {
        "source": {"url": source.url()},
        "target": {
            "url": f"rediss://mover:SENTINEL%2Ftwo%40%23%25@{HOST}:{front.port}",
            "ca_cert_content": authority.ca_pem,
        },
    }
    wrong = {**ends, "target": {**ends["target"], "password": "SENTINEL-wrong"}}
    nowhere = {**ends, "source": {"url": f"redis://SENTINEL-one@{HOST}:{unused_port}"}}
    malformed = {**ends, "source": {"url": "redis://user:SENTINEL/x@host"}}
    runs = [
        run_module("redis_migrate_keys", diff=True, **ends),
        run_module("redis_key_diff", **ends),
        run_module("redis_keyspace_info", endpoint=ends["source"], sample=10),
        run_module("redis_migrate_keys", **wrong),
        run_module("redis_key_diff", **nowhere),
        run_module("redis_migrate_keys", **malformed),
    ]
    assert [bool(run.result.get("failed")) for run in runs] == [False, False, False, True, True, True]
    for run in runs:
        assert "SENTINEL" not in json.dumps(run.result)
        assert "SENTINEL" not in run.stderr
        assert "Traceback" not in run.stderr + json.dumps(run.result)


def test_options_that_do_not_exist_are_refused(server_pair: Pair) -> None:
    source, target = server_pair
    ends = {"source": source.endpoint(), "target": target.endpoint()}
    assert "Unsupported parameters" in run_module("redis_migrate_keys", colour="red", **ends).message
    assert "existing_keys" in run_module("redis_migrate_keys", existing_keys="sometimes", **ends).message
    assert "level" in run_module("redis_key_diff", level="atoms", **ends).message
    assert "strategy" in run_module("redis_migrate_keys", strategy="magic", **ends).message
    assert "target" in run_module("redis_migrate_keys", source=source.endpoint()).message
    assert "types" in run_module("redis_migrate_keys", types=["strings"], **ends).message


def test_failures_up_to_max_failures_are_no_failure(redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-6.2"), redis_server("redis-8.2")
    source.client().mset({"a": 1, "b": 2, "c\xff": 3})
    target.client().mset({"a": 0, "b": 0})
    ends = {"source": source.endpoint(), "target": target.endpoint(), "existing_keys": "fail"}
    failed = run_module("redis_migrate_keys", **ends)
    assert "2 of 3 keys could not be moved" in failed.message
    assert failed.result["totals"]["copied"] == 1
    assert failed.result["changed"]
    assert {failure["key"] for failure in failed.result["failures"]} == {"a", "b"}
    tolerated = run_module("redis_migrate_keys", max_failures=3, **ends).ok
    assert tolerated["totals"]["failed"] == 3


def test_an_unverified_certificate_is_said_loudly(server_pair: Pair, tls_frontend: Frontends) -> None:
    source, target = server_pair
    source.client().set("a", 1)
    front = tls_frontend(source.port, names=("elsewhere.example",))
    run = run_module(
        "redis_migrate_keys",
        source={"url": f"rediss://{HOST}:{front.port}", "validate_certs": False},
        target=target.endpoint(),
    )
    assert run.ok["totals"]["copied"] == 1
    assert "NOT verified" in json.dumps(run.result["warnings"])


@pytest.mark.parametrize(
    ("module", "options"),
    [
        ("redis_migrate_keys", ("timeout", "slice_seconds")),
        ("redis_key_diff", ("timeout", "slice_seconds")),
        ("redis_backup", ("timeout",)),
        ("redis_restore", ("timeout",)),
    ],
)
def test_what_is_no_number_of_seconds_is_refused(module: str, options: tuple[str, ...], tmp_path: Path) -> None:
    end = {"host": "127.0.0.1", "port": 1}
    ends = {
        "redis_backup": {"endpoint": end, "dest": str(tmp_path / "dump.rdb")},
        "redis_restore": {"endpoint": end, "src": str(tmp_path / "dump.rdb")},
    }.get(module, {"source": end, "target": end})
    for option in options:
        for seconds in ("nan", "-1"):
            assert (
                f"{option} is {float(seconds)}; it must be 0 or more."
                in run_module(module, **ends, **{option: seconds}).message
            )
