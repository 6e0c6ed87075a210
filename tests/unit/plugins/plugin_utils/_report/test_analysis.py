# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An analysis: what is told of a source, the estimate and what it is worked out from, the page and the text."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report import estimate as figures
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.analysis import (
    analysis_lines,
    analysis_of,
    analysis_sentence,
)
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.analysis_findings import (
    analysis_findings,
)
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.analysis_page import (
    analysis_markdown,
    render_analysis,
)
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.data import (
    build_report,
    report_lines,
)
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.estimate import Limits, estimate
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.summary import run_summary
from tests.support.made_up_analysis import made_up_analysis, result, sources
from tests.support.paths import REPO
from tests.support.report_schema import check


def small(keys: int = 1_000_000, memory: int = 1_000_000_000, **changed: Any) -> dict[str, Any]:
    """A sample without large keys, all strings, of round numbers."""
    sample: dict[str, Any] = result(keys, keys)["sample"]
    sample.update(types={"string": {"keys": keys, "bytes": memory, "largest_bytes": 1000}})
    sample.update(bytes=memory, large={"above_bytes": 1, "types": {}}, payloads={"keys": 1, "memory": 10, "bytes": 10})
    return {**sample, **changed}


def test_more_keys_and_more_bytes_take_longer() -> None:
    one = estimate(small())["seconds"]
    assert 0 < one["least"] < one["most"]
    for more in (small(2_000_000), small(memory=2_000_000_000)):
        other = estimate(more)["seconds"]
        assert one["least"] < other["least"] and one["most"] < other["most"]


def test_the_figures_are_those_of_the_page() -> None:
    page = (REPO / "docs/performance.md").read_text()
    table = page[page.index("## What an estimate is worked out from") :]
    rows = {
        row[0]: tuple(map(float, row[1:])) for row in re.findall(r"^\| (\w+) \|" + r" ([\d.]+) \|" * 3, table, re.M)
    }
    assert rows == figures._SMALL
    enormous = page[page.index("## One enormous key") : page.index("## The playbook besides")]
    for kind, seconds in figures._LARGE.items():
        row = re.search(rf"^\| {kind.replace('zset', 'sorted set')} \| ([\d.]+) s \| ([\d.]+) s", enormous, re.M)
        assert row and float(row[1]) + float(row[2]) == pytest.approx(seconds)


def test_bytes_come_from_payloads_that_were_read() -> None:
    assert estimate(small())["payload_bytes"] == {"least": 800_000_000, "most": 1_250_000_000}
    unread = estimate(small(payloads=None))
    assert unread["payload_bytes"] == {"least": 500_000_000, "most": 2_000_000_000}
    assert any("no payload was read" in sentence for sentence in unread["basis"])


def test_limits_and_round_trips_are_in_it() -> None:
    plain = estimate(small())["seconds"]
    assert estimate(small(), round_trip_ms=20)["seconds"] == {**plain, "most": pytest.approx(2 * plain["most"], 0.01)}
    limited = estimate(small(), limits=Limits(keys=1000, bytes=1_000_000))
    assert limited["seconds"] == {"least": 1000.0, "most": 1250.0}
    assert any("1,000 keys and 977 KiB per second" in sentence for sentence in limited["basis"])


def test_a_rebuild_takes_longer_and_large_keys_count_by_their_elements() -> None:
    assert estimate(small(), strategy="rebuild")["seconds"]["least"] > estimate(small())["seconds"]["least"]
    others = small(types={"hash": {"keys": 1_000_000, "bytes": 1_000_000_000, "largest_bytes": 1000}})
    assert estimate(others)["seconds"]["least"] > estimate(small())["seconds"]["least"]
    one = {"seen": 1, "keys": 1, "bytes": 900_000_000, "elements": 5_000_000}
    types = {"zset": {"keys": 1, "bytes": 1_000_000_000, "largest_bytes": 900_000_000}}
    large = small(1, types=types, large={"above_bytes": 1, "types": {"zset": one}})
    assert estimate(large)["seconds"]["least"] == pytest.approx(68.8 / 2, abs=1)
    unknown = small(1, types=types, large={"above_bytes": 1, "types": {"zset": {**one, "elements": None}}})
    assert estimate(unknown)["seconds"]["least"] < 30
    assert not any("Large keys" in sentence for sentence in estimate(unknown)["basis"])


def test_the_runs_that_were_measured_are_within_the_range() -> None:
    """Seconds that docs/performance.md has of a cold run: copy, then comparison."""
    for keys, memory, took in ((100_000, 990_000_000, 25), (1_000_000, 900_000_000, 66)):
        told = estimate(small(keys, memory))["seconds"]
        assert told["least"] < took < told["most"]


@pytest.mark.parametrize(
    ("strategy", "told"),
    [
        (None, "(by copy, as no target was looked at)"),
        ("copy", "(by copy)"),
        ("migrate", "(by copy, since migrate was not measured)"),
        ("rebuild", "(by rebuild)"),
    ],
)
def test_it_says_whose_figures_it_takes(strategy: str | None, told: str) -> None:
    assert any(told in sentence for sentence in estimate(small(), strategy=strategy)["basis"])


def test_nothing_takes_no_time() -> None:
    empty = sources()["empty"]["__redis_migration_analysis"]
    assert estimate(empty["sample"])["seconds"] == {"least": 0.0, "most": 0.0}
    assert analysis_lines(empty)[0] == "no keys"


def statuses(found: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["status"] for one in analysis_findings(found)}


def message(name: str, found: dict[str, Any]) -> str:
    return next(one["message"] for one in analysis_findings(found) if one["name"] == name)


def test_what_is_to_be_known_of_a_source() -> None:
    found = result()
    assert statuses(found) == dict.fromkeys(
        ("sample", "large_keys", "target_memory", "formats", "databases", "expiring", "eviction"), "ok"
    )
    assert "10,000 of 2,000,000 keys were looked at, a random choice" in message("sample", found)
    assert message("large_keys", found).startswith(
        "About 800 keys (600 of type hash, 200 of type string; 715 MiB together), 4 of which were seen, take more than 2.0 MiB"
    )
    assert message("formats", found).startswith(
        "Payloads of Redis 6.2.14 are read by Redis 6.0 and Valkey 7.2 and newer"
    )
    assert "the target needs 4 or more" in message("databases", found)
    assert "26 %" in message("expiring", found)
    assert "redis_migration_eviction_data" in message("eviction", found)


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"refused": [{"command": "DUMP", "reason": "no"}]}, "permissions"),
        ({"types": {"MBbloom--": {"keys": 1, "bytes": 1, "largest_bytes": 1}}}, "types"),
        ({"bytes": 100_000_000}, "memory"),
        ({"databases": {"0": {"keys": 5, "looked_at": 0, "complete": False}}}, "sample"),
    ],
)
def test_what_has_to_be_looked_at(changed: dict[str, Any], name: str) -> None:
    found = analysis_findings(result(**changed))
    assert (found[0]["name"], found[0]["status"]) == (name, "warn"), "first"
    assert found[0]["next_step"]
    assert [one["status"] for one in found[1:]].count("warn") == 0


def test_memory_is_no_riddle_where_only_some_keys_are_meant_or_all_were_seen() -> None:
    for found in (
        result(bytes=100_000_000, stands_for=100_000),
        result(2_000_000, 2_000_000, bytes=100_000_000),
        result(bytes=100_000_000, databases={"0": {"keys": 1_999_990, "looked_at": 10_000, "complete": False}}),
    ):
        assert "memory" not in statuses(found)


def test_what_was_found_is_of_the_form_that_is_promised() -> None:
    analysis = made_up_analysis()
    check("analysis", json.loads(json.dumps(analysis)))
    assert "key_base64" not in json.dumps(analysis), "which is as long as the name"
    assert analysis["summary"] == {
        "migrations": 4,
        "analysed": 3,
        "failed": 1,
        "keys": 2_400_000,
        "memory_bytes": 1_860_000_000,
        "payload_bytes": {"least": 922_560_000, "most": 1_441_500_000},
    }
    assert analysis_of({"failed": True}) is None


def test_a_variable_that_was_refused_spoils_no_report() -> None:
    refused = {
        "__redis_migration_variables": {"failed": True, "msg": "m: no"},
        "redis_migration_max_keys_per_second": "x",
    }
    (found,) = build_report({"m": refused}, check_mode=False, finished=60.0)["migrations"]
    assert (found["status"], found["failure"]["phase"]) == ("failed", "credentials")


def test_a_report_tells_it_in_a_line() -> None:
    hosts = sources()
    report = build_report(hosts, check_mode=True, finished=60.0, playbook="analyse")
    assert {one["name"]: one["status"] for one in report["migrations"]}["orders"] == "done", "in check mode too"
    check("report", json.loads(json.dumps(report)))
    check("summary", run_summary(report, analysis=True))
    first, *_others, last = report_lines(report)
    assert first.startswith("orders: about 2,000,000 keys in 1.7 GiB of memory, ")
    assert " may take " in first and " to " in first
    assert last.startswith("gone: FAILED in analyse: Nothing answers")
    found = made_up_analysis()["migrations"][1]["analysis"]
    assert analysis_sentence(found).endswith("; 2 to look at.")


def test_lines_name_what_the_target_lacks() -> None:
    variables = sources()["orders"]
    lines = analysis_lines(variables["__redis_migration_analysis"], variables["__redis_migration_fit"])
    assert lines[0].startswith("hash 600,000 (858 MiB), string")
    assert any(line.startswith("target: fail  target_memory") for line in lines)


def test_the_page_is_harmless_and_says_what_it_builds_on() -> None:
    page = render_analysis(made_up_analysis())
    assert page.count("<script") == 1, "the page's own"
    assert "&lt;script&gt;window.hacked = 1&lt;/script&gt;" in page
    for outside in ("http:", "https:", "src=x", "s3cret"):
        assert outside not in page.replace("src=x onerror=&#34;", "")
    assert "An estimate, worked out from:" in page
    assert "<h1>1 of 4 sources could not be analysed</h1>" in page
    assert "<h1>What to know before moving this source</h1>" in render_analysis(
        made_up_analysis({"orders": sources()["orders"]})
    )
    assert page.index("m-gone") < page.index("m-orders")


def test_the_text_is_harmless() -> None:
    text = analysis_markdown(made_up_analysis())
    assert "<script>" not in text
    assert "### orders (" in text and "**Failed in analyse.**" in text
    assert "- **warn** memory: " in text
