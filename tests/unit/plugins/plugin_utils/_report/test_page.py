# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a report."""

from __future__ import annotations

import json

import jinja2
import pytest

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.data import build_report
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.page import render_page
from tests.support.made_up_report import made_up_report
from tests.support.report_schema import check


def page(*failures: str) -> str:
    hosts = {
        f"m{number}": {"__redis_migration_migrate": {"failed": True, "msg": message}} if message else {}
        for number, message in enumerate(failures)
    }
    return render_page(build_report(hosts, check_mode=False, finished=1060.0))


@pytest.mark.parametrize(
    ("failures", "title"),
    [
        ((), "No migrations"),
        (("",), "Nothing was run"),
        (("no",), "1 of 1 migration failed"),
        (("no", ""), "1 of 2 migrations failed"),
    ],
)
def test_the_title_says_what_became_of_all(failures: tuple[str, ...], title: str) -> None:
    assert f"<h1>{title}</h1>" in page(*failures)


def test_what_a_server_says_is_text() -> None:
    found = page("<script>alert('x') & more</script>")
    assert found.count("<script") == 1, "the page's own"
    assert "&lt;script&gt;alert(&#39;x&#39;) &amp; more&lt;/script&gt;" in found


def test_moments_are_read_without_their_zone() -> None:
    assert "1970-01-01 00:17:40 to 1970-01-01 00:17:40 UTC, " in page()


def test_the_page_loads_nothing() -> None:
    found = page("no")
    assert "http:" not in found
    assert "https:" not in found
    assert "src=" not in found


def test_a_field_that_is_missing_is_an_error() -> None:
    report = build_report({"m": {}}, check_mode=False, finished=0.0)
    del report["migrations"][0]["source"]["product"]
    with pytest.raises(jinja2.UndefinedError):
        render_page(report)


def test_a_live_run_is_drawn() -> None:
    result = {
        **dict.fromkeys(("strategy", "strategy_reason", "reason"), "copy"),
        **dict.fromkeys(
            ("source_keys", "feeds", "restarts", "overflows", "evictions", "failures_not_listed", "extra_not_listed"), 1
        ),
        **dict.fromkeys(("changes_per_second", "carried_per_second", "drain_seconds"), 0.5),
        "proved": False,
        "verified": {"unchanged_since": 9, "in_drain": 3},
        "totals": {"compared": 3, "moved": 2_000, "deleted": 0, "rebuilt": 0, "bytes": 9, "failed": 1},
        "failures": [{"database": 0, "key": "<b>", "reason": "refused"}],
        "extra": [],
        "functions": {"missing": [], "different": []},
        "lag_over_time": [[1.0, 40, 0.25], [2.0, 0, 0.0]],
    }
    moments = {
        "__redis_migration_pause": {"paused": True, "times": [[1.0, 1.5]]},
        "__redis_migration_released": {"times": [[3.5, 4.0]]},
    }
    hosts = {"m": {"__redis_migration_drained": result, **moments}}
    found = render_page(build_report(hosts, check_mode=False, finished=0.0))
    assert '<polyline points="' in found
    assert "<title>Changed keys that wait</title>" in found
    assert "A line over 2.0 s, from 0 to 40." in found
    assert "Writes stood still for 3.0 s (isolate 0.5 s, release 0.5 s, Ansible itself 2.0 s)." in found
    assert "<b>" not in found.split("<h3>Keys that failed (2)</h3>")[1].split("</table>")[0]
    assert "2,000" in found


def test_the_report_that_the_pictures_show_is_of_the_form_that_is_promised() -> None:
    check("report", json.loads(json.dumps(made_up_report())))


def test_a_rollback_goes_from_the_target_to_the_source() -> None:
    ends = {f"__redis_migration_{role}": {"url": f"redis://{role}:1"} for role in ("source", "target")}
    for more, first, second in (
        ({}, "source:1", "target:1"),
        ({"__redis_migration_data_from": {}}, "target:1", "source:1"),
    ):
        found = render_page(build_report({"m": {**ends, **more}}, check_mode=False, finished=0.0))
        assert found.index(first) < found.index(second)
        assert found.rindex(first) < found.rindex(second)
        assert ("Rollback, from" in found) is bool(more)


def test_a_migration_is_linked_by_its_name() -> None:
    found = render_page(build_report({"shop/café": {}, "b": {}}, check_mode=False, finished=0.0))
    assert 'href="#m-shop/caf%C3%A9"' in found
    assert 'id="m-shop/café"' in found
