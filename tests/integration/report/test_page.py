# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a report in a browser: whole, legible and harmless on a screen, on a phone and on paper."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.analysis_page import (
    render_analysis,
)
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.page import render_page
from tests.support.browser import Browser, browser
from tests.support.left_out import need_program
from tests.support.made_up_analysis import made_up_analysis
from tests.support.made_up_report import made_up_report

# Text whose colour is too near to that of what lies behind it (WCAG 2.2, AA), as a list.
PALE = """[...document.querySelectorAll("main *")].filter(one => {
  const text = [...one.childNodes].some(node => node.nodeType === 3 && node.data.trim());
  return text && one.checkVisibility() && !one.closest(".unseen, svg, option");
}).flatMap(one => {
  const parts = text => text.match(/[\\d.]+/g).map(Number);
  let behind = one;
  while (behind !== document.documentElement && parts(getComputedStyle(behind).backgroundColor)[3] === 0)
    behind = behind.parentElement;
  const light = colour => parts(colour).slice(0, 3).map(part => part / 255)
    .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  const [dark, bright] = [light(getComputedStyle(one).color), light(getComputedStyle(behind).backgroundColor)]
    .sort((a, b) => a - b);
  const ratio = (bright + 0.05) / (dark + 0.05);
  return ratio < 4.5 ? [`${one.textContent.trim().slice(0, 40)} ${ratio.toFixed(2)}`] : [];
})"""

UNNAMED = """[
  ...[...document.querySelectorAll("table")].filter(one => !one.caption || !one.caption.textContent.trim()),
  ...[...document.querySelectorAll("th")].filter(one => !["row", "col"].includes(one.scope)),
  ...[...document.querySelectorAll("svg")].filter(one => one.ariaHidden !== "true" &&
      !(one.getAttribute("role") === "img" && one.querySelector("title") && one.querySelector("desc"))),
  ...[...document.querySelectorAll("input")].filter(one => !one.closest("label")),
].map(one => one.outerHTML.slice(0, 80))"""

SHOWN = """[...document.querySelectorAll("tbody tr[data-name]")]
  .filter(one => one.checkVisibility()).map(one => one.dataset.name)"""
TOO_WIDE = """[...document.querySelectorAll("table")]
  .filter(one => one.offsetWidth > one.parentElement.clientWidth + 1)
  .map(one => `${one.caption.textContent} ${one.offsetWidth} ${one.parentElement.clientWidth}`)"""
CUT_OFF = """[...document.querySelectorAll(".timeline")]
  .filter(one => one.offsetWidth > one.parentElement.clientWidth).length"""


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    return made_up_report(many=10)


@pytest.fixture(scope="module")
def page(report: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = need_program("chromium")
    directory = tmp_path_factory.mktemp("page")
    file = directory / "report.html"
    file.write_text(render_page(report))
    with browser(program, directory / "profile") as opened:
        opened.open(file)
        yield opened


def requests(page: Browser) -> list[str]:
    return [params["request"]["url"] for method, params in page.events if method == "Network.requestWillBeSent"]


def blocked(page: Browser) -> list[str]:
    """What was asked for, and the policy of the page kept from being loaded."""
    asked = {
        params["requestId"]: params["request"]["url"]
        for method, params in page.events
        if method == "Network.requestWillBeSent"
    }
    return [
        asked[params["requestId"]]
        for method, params in page.events
        if method == "Network.loadingFailed" and params.get("blockedReason") == "csp"
    ]


def complaints(page: Browser) -> list[Any]:
    return [params for method, params in page.events if method in ("Log.entryAdded", "Runtime.exceptionThrown")]


def test_nothing_is_loaded_and_nothing_that_a_key_is_named_runs(page: Browser, report: dict[str, Any]) -> None:
    assert len(requests(page)) == 1 and requests(page)[0].startswith("file:")
    assert complaints(page) == []
    assert page.ask("window.hacked") is None
    assert (
        page.ask("document.querySelectorAll('main script, main img, main b > *, [style], [onload], [onerror]').length")
        == 0
    )
    text = page.ask("document.body.textContent")
    assert "<script>window.hacked = 1</script>" in text and "{{ 7 * 7 }}{% raw %}" in text
    assert "s3cret" not in page.ask("document.documentElement.outerHTML")
    # Were one to slip through all the same, the policy stops it.
    page.ask("document.body.insertAdjacentHTML('beforeend', '<img id=evil src=x onerror=\"window.hacked = 1\">')")
    page.ask("document.getElementById('evil').setAttribute('style', 'position: fixed')")
    page.ask("document.body.appendChild(document.createElement('script')).append('window.hacked = 1')")
    assert page.ask("getComputedStyle(document.getElementById('evil')).position") == "static"
    assert page.ask("window.hacked") is None
    assert requests(page)[1:] == blocked(page), "what was asked for since then"
    page.ask("document.getElementById('evil').remove()")


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_and_can_be_read(page: Browser, width: int, scheme: str) -> None:
    page.look(width, scheme=scheme)
    page.ask("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.ask("document.documentElement.scrollWidth") == width
    assert page.ask(CUT_OFF) == 0
    assert page.ask(PALE) == []
    back = page.ask("getComputedStyle(document.body).backgroundColor")
    assert (max(map(int, re.findall(r"\d+", back))) < 64) is (scheme == "dark")


def test_it_has_names_for_whoever_does_not_see_it(page: Browser) -> None:
    assert page.ask(UNNAMED) == []
    levels = page.ask("[...document.querySelectorAll('h1, h2, h3, h4')].map(one => Number(one.tagName[1]))")
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), levels
    assert page.ask("document.documentElement.lang") == "en"


def test_failed_migrations_are_first_and_others_can_be_left_out(page: Browser, report: dict[str, Any]) -> None:
    page.look(1280)
    assert page.ask("document.querySelector('h1').textContent") == "3 of 17 migrations failed"
    shown = page.ask(SHOWN)
    assert shown[:4] == ["archive", "billing", "catalog <script>window.hacked = 1</script>", "unused"]
    assert len(shown) == len(report["migrations"])
    # By keyboard: the choice is the first that Tab reaches, and its next one that of the proved ones.
    page.ask("document.querySelectorAll('details').forEach(one => one.open = false), document.activeElement.blur()")
    page.press("Tab")
    assert page.ask("document.activeElement.id") == "show-all"
    assert page.ask("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.ask("document.getElementById('show-failed').click()")
    assert page.ask(SHOWN) == shown[:3]
    page.ask("document.getElementById('show-all').click()")
    page.ask("find.value = 'TENANT-0', find.dispatchEvent(new Event('input'))")
    assert page.ask(SHOWN) == [f"tenant-0{number}" for number in range(10)]
    page.ask("find.value = '', find.dispatchEvent(new Event('input'))")
    page.ask("document.querySelector('a[href*=tenant-07]').click()")
    page.ask("new Promise(done => setTimeout(done, 0))")
    assert page.ask("[...document.querySelectorAll('details[open]')].map(one => one.dataset.name)") == ["tenant-07"]


def test_without_scripts_all_is_there_but_for_the_search(page: Browser, report: dict[str, Any]) -> None:
    page.look(1280)
    assert page.ask("document.getElementById('find').checkVisibility()")
    page.load_again(scripts=False)
    try:
        assert not page.ask("document.getElementById('find').checkVisibility()")
        assert (
            len(page.ask(SHOWN)) == page.ask("document.querySelectorAll('details').length") == len(report["migrations"])
        )
        page.ask("document.getElementById('show-failed').click()")
        assert len(page.ask(SHOWN)) == report["summary"]["failed"]
    finally:
        page.load_again(scripts=True)


def test_all_of_it_is_on_paper(page: Browser) -> None:
    page.ask("document.querySelectorAll('details').forEach(one => one.open = false)")
    page.look(720, scheme="dark", media="print")
    assert page.ask("[...document.querySelectorAll('.inside')].filter(one => !one.offsetHeight).length") == 0
    assert page.ask(TOO_WIDE) == []
    assert page.ask("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.ask(PALE) == []
    assert page.paper().startswith(b"%PDF")


def test_the_page_of_an_analysis_is_as_good(tmp_path: Path) -> None:
    file = tmp_path / "analysis.html"
    file.write_text(render_analysis(made_up_analysis()))
    with browser(need_program("chromium"), tmp_path / "profile") as page:
        page.open(file)
        assert len(requests(page)) == 1 and complaints(page) == []
        assert page.ask("window.hacked") is None
        assert page.ask("document.querySelectorAll('main script, main img, [style], [onload], [onerror]').length") == 0
        assert "<script>window.hacked = 1</script>" in page.ask("document.body.textContent")
        page.ask("document.querySelectorAll('details').forEach(one => one.open = true)")
        for width, scheme in ((390, "light"), (1280, "dark")):
            page.look(width, scheme=scheme)
            assert page.ask("document.documentElement.scrollWidth") == width
            assert page.ask(TOO_WIDE) == []
            assert page.ask(PALE) == []
        assert page.ask(UNNAMED) == []
        levels = page.ask("[...document.querySelectorAll('h1, h2, h3, h4')].map(one => Number(one.tagName[1]))")
        assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), levels
        page.ask("find.value = 'CACHE', find.dispatchEvent(new Event('input'))")
        assert page.ask(SHOWN) == ["cache <script>window.hacked = 1</script>"]
        page.look(720, scheme="dark", media="print")
        assert page.ask(TOO_WIDE) == []
