# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes figures of `make bench` and `make bench-growth` (``--json``) into the tables of docs/performance.md.

`python -m tests.bench.page many.json growth.json …`; several files of `make bench` are runs in a row of the same pair. Each
table stands between `<!-- figures: NAME -->` and `<!-- end -->`.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.bench.__main__ import FAR, FASTER, TITLES, VALUES
from tests.bench.table import PING_MS, RSS_MIB
from tests.support.paths import REPO

PAGE = REPO / "docs" / "performance.md"

Figures = dict[str, Any]


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *map(list, rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _runs(numbers: Iterable[float], places: int = 2) -> str:
    """The figure of each run."""
    return ", ".join(f"{number:.{places}f}" for number in numbers)


def many_keys(runs: list[Figures]) -> str:
    """What `make bench` found, a column for each kind of data."""
    kinds = list(runs[0]["data"])

    def column(kind: str) -> list[str]:
        data = [run["data"][kind] for run in runs]
        jobs = [one["jobs"] for one in data]

        def times(faster: str, slower: str) -> str:
            return _runs(job[slower]["seconds"] / job[faster]["seconds"] for job in jobs)

        def ping(*names: str) -> str:
            return ", ".join(f"{statistics.median(one['ping_p99_ms'][name] for one in data):.0f}" for name in names)

        return [
            times("copy", "pipeline"),
            times("migrate", "pipeline"),
            _runs(
                job["pipeline"]["seconds"] / one["migrate_alone_seconds"] for job, one in zip(jobs, data, strict=True)
            ),
            times("copy", "again"),
            times("copy", "values"),
            times("sorted", "keys"),
            ping("copy", "migrate", "values", "pipeline"),
            *(
                _runs(one["speed_kept_at_ms"][ms] for one in data)
                for ms in sorted(data[0]["speed_kept_at_ms"], key=int)
            ),
            f"{max(one['memory_mib'] for one in data):.0f}",
        ]

    same = runs[0]["source"] == runs[0]["target"]
    wanted = ", ".join(f"{FASTER[kind]:g}" for kind in kinds)
    far = sorted(runs[0]["data"][kinds[0]]["speed_kept_at_ms"], key=int)
    heads = [
        ("`copy`, times as fast as the pipeline", wanted),
        ("`migrate`, every key confirmed, likewise", "1.1"),
        ("MIGRATE by itself, nothing confirmed, likewise", ""),
        ("second run with nothing to do, to `copy`", "at most 1"),
        ("verification of values, to `copy`", f"at most {VALUES[same]:g}"),
        ("verification of names, to KEYS, sort and diff", "at most 1"),
        ("PING p99 of another client: `copy`, `migrate`, values, the pipeline (ms)", f"at most {PING_MS:g}"),
        *((f"speed of `copy` kept at {ms} ms to both ends", f"{FAR:g}") for ms in far),
        ("memory of the module's process (MiB)", f"at most {RSS_MIB:g}"),
    ]
    columns = [column(kind) for kind in kinds]
    rows = [[head, *cells, least] for (head, least), *cells in zip(heads, *columns, strict=True)]
    titles = [f"{runs[0]['data'][kind]['keys']:,} {TITLES[kind]}" for kind in kinds]
    return _table([f"{_product(runs[0]['source'])} to {_product(runs[0]['target'])}", *titles, "wanted"], rows)


def processor(runs: list[Figures]) -> str:
    """Processor time in microseconds a key, medians of the runs."""
    kinds = list(runs[0]["data"])
    titles = {
        "pipeline": "the pipeline",
        "copy": "`copy`",
        "migrate": "`migrate`",
        "again": "second run",
        "values": "verification of values",
    }
    rows = []
    for job, title in titles.items():
        cells = []
        for kind in kinds:
            data = [run["data"][kind] for run in runs]
            parts = [
                statistics.median(one["jobs"][job][name] / one["keys"] * 1e6 for one in data)
                for name in ("worker", "source", "target")
            ]
            cells.append(", ".join(f"{part:.1f}" for part in parts))
        rows.append([title, *cells])
    return _table(["worker, source, target (µs a key)", *(TITLES[kind] for kind in kinds)], rows)


def growth(runs: list[Figures]) -> str:
    """What `make bench-growth` found."""
    units = {"keys": "keys", "databases": "databases of 100,000 keys together", "hash": "fields of one hash"}
    rows = []
    for what, sizes in runs[-1]["data"].items():
        for size in sizes:
            cells = [f"{size['count']:,} {units[what]}"]
            for job in ("copy", "values"):
                one = size[job]
                parts = [f"{one[name] / size['items'] * 1e6:.1f}" for name in ("worker", "source", "target")]
                cells += [f"{one['seconds']:.2f} s", ", ".join(parts)]
            most = max(size[job]["rss_mib"] for job in ("copy", "values"))
            ping = max(size[job]["ping_p99_ms"] for job in ("copy", "values"))
            rows.append([*cells, f"{most:.0f}", f"{ping:.1f}"])
    each = "worker, source, target (µs each)"
    return _table(["", "`copy`", each, "values compared", each, "memory (MiB)", "PING p99 (ms)"], rows)


def _product(server: str) -> str:
    return server.replace("redis-", "Redis ").replace("valkey-", "Valkey ")


def written(page: str, tables: dict[str, str]) -> str:
    """``page`` with these tables in their places. Raises ValueError for one that has none."""
    for name, table in tables.items():
        page = _with(page, name, table)
    return page


def _with(page: str, name: str, table: str) -> str:
    place = re.compile(rf"(<!-- figures: {re.escape(name)} -->\n)(?:(?!<!--).*\n)*(<!-- end -->)")
    filled, found = place.subn(lambda match: f"{match[1]}\n{table}\n\n{match[2]}", page)
    if not found:
        raise ValueError(f"no place for the figures '{name}'")
    return filled


def main(paths: list[str]) -> int:
    pairs: dict[str, list[Figures]] = {}
    grown: list[Figures] = []
    for path in paths:
        figures = json.loads(Path(path).read_text())
        if "rounds" in figures:
            pairs.setdefault(f"{figures['source']} {figures['target']}", []).append(figures)
        else:
            grown.append(figures)
    tables = {f"many {pair}": many_keys(runs) for pair, runs in pairs.items()}
    tables.update({f"processor {pair}": processor(runs) for pair, runs in pairs.items()})
    if grown:
        tables["growth"] = growth(grown)
    PAGE.write_text(written(PAGE.read_text(), tables))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
