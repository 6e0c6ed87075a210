# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs keep their reports: directories, the link to the newest, the list."""

from __future__ import annotations

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report import runs
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.data import build_report
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.index import (
    earlier_runs,
    render_index,
)
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.page import render_page
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.plan import build_plan
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.summary import (
    run_stats,
    run_summary,
)
from tests.support.made_up_report import hosts, made_up_report
from tests.support.report_schema import check

from .test_data import migrated, verified

NAME = "20261127T191500Z-migrate"


def report(finished: float, *, check_mode: bool = False, **hosts: dict[str, Any]) -> dict[str, Any]:
    return build_report(hosts, check_mode=check_mode, finished=finished)


def saved(directory: Path, finished: float, *, check_mode: bool = False, **hosts: dict[str, Any]) -> str:
    """A run, kept as the plugin keeps it."""
    summary = run_summary(report(finished, check_mode=check_mode, **hosts))
    return runs.save_run(directory, runs.run_name(finished, "migrate"), {runs.SUMMARY_FILE: json.dumps(summary)})


def test_a_run_is_named_by_its_end_and_its_playbook() -> None:
    assert runs.run_name(1795806900, "migrate") == NAME


def test_runs_of_the_same_second_are_kept_apart(tmp_path: Path) -> None:
    (tmp_path / f"{NAME}-3").touch()
    names = [runs.save_run(tmp_path, NAME, {"a": str(number)}) for number in range(3)]
    assert names == [NAME, f"{NAME}-2", f"{NAME}-4"]
    assert [(tmp_path / name / "a").read_text() for name in names] == ["0", "1", "2"]


def test_files_are_for_the_owner_only(tmp_path: Path) -> None:
    directory = tmp_path / "reports"
    before = os.umask(0)
    try:
        with runs.locked(directory):
            run = directory / runs.save_run(directory, NAME, {"report.json": "{}"})
            runs.write_file(directory / "report.json", "{}")
    finally:
        os.umask(before)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (directory, run)] == [0o700, 0o700]
    assert [stat.S_IMODE(path.stat().st_mode) for path in directory.rglob("report.json")] == [0o600, 0o600]


def test_a_run_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        runs.save_run(tmp_path, NAME, {"a": "1", "no/such/place": "2"})
    assert list(tmp_path.iterdir()) == []


def test_the_newest_is_linked_relatively(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        runs.link_latest(tmp_path, name)
    assert os.readlink(tmp_path / "latest") == "new"
    assert len(list(tmp_path.iterdir())) == 3


def test_something_else_of_that_name_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "latest").mkdir()
    with pytest.raises(OSError):
        runs.link_latest(tmp_path, "new")
    assert (tmp_path / "latest").is_dir()


def test_runs_are_read_newest_first_and_damaged_ones_are_named(tmp_path: Path) -> None:
    assert runs.read_runs(tmp_path / "none") == []
    first, second = (saved(tmp_path, 60.0, orders=migrated()) for _number in range(2))
    names = [first, second, *(saved(tmp_path, 60.0, orders={}) for _number in range(9))]
    for name, text in (("19800101T000000Z-x", "{"), ("19810101T000000Z-x", '{"summary": []}'), ("notes", "{}")):
        (tmp_path / name).mkdir()
        (tmp_path / name / runs.SUMMARY_FILE).write_text(text)
    (tmp_path / "19820101T000000Z-x").mkdir()
    runs.link_latest(tmp_path, first)
    found = runs.read_runs(tmp_path)
    damaged = ["19820101T000000Z-x", "19810101T000000Z-x", "19800101T000000Z-x"]
    assert [run.name for run in found] == [*damaged, *reversed(names)]
    assert [run.readable for run in found] == [False] * 3 + [True] * 11
    assert found[-1].migrations == {"orders": ("done", 8, 900)}
    assert "19820101T000000Z-x" in render_index(found)


def test_the_run_that_moved_the_data_is_linked_after_ten_more(tmp_path: Path) -> None:
    moving = saved(tmp_path, 60.0, orders=migrated(), **{"shop/a b": migrated()})
    for number in range(10):
        last = saved(tmp_path, 120.0 + number, orders=migrated() | verified(), check_mode=bool(number % 2))
    found = runs.read_runs(tmp_path)
    shown, more = earlier_runs(found)["orders"]
    assert (moving in [part.run.name for part in shown], len(shown) + more) == (True, 11)
    page = render_page(report(200.0, orders={}), earlier_runs(found), up="../")
    assert f'href="../{moving}/report.html#m-orders"' in page
    assert f'href="{moving}/report.html#m-orders"' in render_page(report(200.0, orders={}), earlier_runs(found))
    index = render_index(found)
    assert f'href="{last}/report.html"' in index
    assert f'href="{moving}/report.html#m-shop/a%20b"' in index
    assert "11 runs of 2 migrations" in index


def test_a_retry_of_one_does_not_hide_the_others(tmp_path: Path) -> None:
    failed = {"__redis_migration_migrate": {"failed": True, "msg": "no"}}
    all_of_them = saved(tmp_path, 60.0, good=migrated() | verified(), bad=failed)
    retry = saved(tmp_path, 120.0, bad=migrated() | verified())
    table = render_index(runs.read_runs(tmp_path)).split("<h2>Runs</h2>")[0]
    rows = {name: row for row in table.split("<tr>") for name in ("good", "bad") if f">{name}<" in row}
    assert f"{all_of_them}/report.html#m-good" in rows["good"]
    assert f"{retry}/report.html#m-bad" in rows["bad"]
    assert all("proved equal" in row for row in rows.values())


def test_the_list_is_harmless_and_loads_nothing(tmp_path: Path) -> None:
    saved(tmp_path, 60.0, **{"<script>alert(1)</script>": migrated()})
    index = render_index(runs.read_runs(tmp_path))
    assert "<script" not in index
    for outside in ("http:", "https:", "src=", "url("):
        assert outside not in index


def test_awx_is_given_numbers_and_names_only() -> None:
    failed = {"__redis_migration_migrate": {"failed": True, "msg": "{{ lookup('pipe', 'id') }}"}}
    told = run_stats(report(60.0, orders=migrated(), bad=failed), NAME)
    assert (told["run"], told["migrations"], told["failed"], told["failed_migrations"]) == (NAME, 2, 1, ["bad"])
    assert "{{" not in json.dumps(told)


def test_what_is_written_has_the_documented_form() -> None:
    told = made_up_report()
    check("report", told)
    check("summary", run_summary(told))
    planned = hosts()
    check("plan", build_plan(build_report(planned, check_mode=True, finished=60.0), planned))


def test_runs_that_end_at_once_are_all_listed(tmp_path: Path) -> None:
    def ended(number: int) -> None:
        with runs.locked(tmp_path):
            name = saved(tmp_path, 60.0, orders={})
            runs.link_latest(tmp_path, name)
            runs.write_file(tmp_path / "index.html", render_index(runs.read_runs(tmp_path)))

    with ThreadPoolExecutor(8) as together:
        list(together.map(ended, range(16)))
    assert "16 runs of 1 migration" in (tmp_path / "index.html").read_text()
    assert len(list(tmp_path.iterdir())) == 18, "16 runs, the link and the list"
