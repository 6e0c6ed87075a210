# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo's part on Cloud Foundry: two apps that never stop writing move with their data, and nothing they wrote is lost.

They move twice: stopped while everything is moved, and then live, stopped for the last changes only.
"""

from __future__ import annotations

import itertools
import time
from pathlib import Path
from typing import Any

import redis

from tests.support.demo_cloud_foundry import APPS, NEW, NEWEST, OLD, ORGANIZATION, SPACE, USER, CloudFoundry
from tests.support.demo_playbook import HOME, Run, migrate, tool, write_inventory
from tests.support.demo_screen import heading, point, say, short, table

_INVENTORY = "cloud-foundry.yml"
_REPORT = "cloud-foundry-report"
_WATCH_SECONDS = 1.0

Written = dict[str, str]  # key to value, as the server acknowledged it


def run(there: CloudFoundry) -> bool | Run:
    """Whether everything is as it must be; the run of the playbook if that failed."""
    time.sleep(_WATCH_SECONDS)
    before = there.ask("apps")
    heading(f"5  On Cloud Foundry: {' and '.join(APPS)} write to {OLD} all the time")
    say(f"  A simulated one, whose apps and servers are real. Both apps are bound to the service instance {OLD};")
    written = sum(len(app["written"]) for app in before.values())
    say(
        f"  it holds {_client(there, OLD).dbsize():,} keys, {written:,} of them written by the apps in the last seconds."
    )
    say(f"  {NEW} is empty. The inventory names the two instances, and asks for the apps to follow.")
    say()
    cold = _migrate(there, OLD, NEW, live=False)
    if cold.returncode:
        return cold
    time.sleep(_WATCH_SECONDS)
    heading(f"6  The same live: from {NEW} to {NEWEST}, and the apps stop for the last changes only")
    live = _migrate(there, NEW, NEWEST, live=True)
    if live.returncode:
        return live
    say()
    time.sleep(_WATCH_SECONDS)
    return _passed(there, cold, live)


def _migrate(there: CloudFoundry, source: str, target: str, *, live: bool) -> Run:
    return migrate(_inventory(there, source, target, live=live), HOME / _REPORT, show=False, only_words=True)


def _inventory(there: CloudFoundry, source: str, target: str, *, live: bool) -> Path:
    ends = {
        "redis_migration_source": {"service_instance": source},
        "redis_migration_target": {"service_instance": target},
    }
    login = {"api_url": there.place["api_url"], "user": USER, "password": there.place["password"]}
    return write_inventory(
        _INVENTORY,
        {"orders": ends},
        redis_migration_cf={**login, "organization": ORGANIZATION, "space": SPACE},
        redis_migration_cutover=True,
        redis_migration_report_dir=str(HOME / _REPORT),
        **({"redis_migration_live": True} if live else {}),
    )


def _passed(there: CloudFoundry, cold: Run, live: Run) -> bool:
    """By the apps' own diaries, and by ordinary commands at the servers."""
    apps = there.ask("apps")
    newest = _client(there, NEWEST)
    rows, missing, off = [], 0, []
    for name in APPS:
        diary = apps[name]["written"]
        written = [[entry for entry in diary if entry[0] == instance] for instance in (OLD, NEW, NEWEST)]
        lost = _missing(newest, {key: value for _instance, key, value, _at in diary})
        missing += lost
        off += (stops := [_off(earlier, later) for earlier, later in itertools.pairwise(written)])
        rows.append([name, *(f"{len(part):,}" for part in written), f"{lost:,}", *(f"{stop:.1f} s" for stop in stops)])
    titles = ["app", *(f"wrote to {name}" for name in (OLD, NEW, NEWEST)), "missing there", "was off", "off when live"]
    table(titles, rows)
    say()

    servers = [_client(there, name) for name in (OLD, NEW, NEWEST)]
    before = [_writes(server) for server in servers]
    time.sleep(_WATCH_SECONDS)
    *elsewhere, at_newest = (_writes(server) - count for server, count in zip(servers, before))
    bound = all(apps[name]["bound"] == [NEWEST] and apps[name]["state"] == "STARTED" for name in APPS)
    acknowledged = sum(len(apps[name]["written"]) for name in APPS)
    keys = [run.migration["verify"]["totals"]["source_keys"] for run in (cold, live)]
    verdicts = [
        (
            "proved",
            f"{keys[0]:,} keys equal, in {cold.seconds:.1f} s, and {keys[1]:,} live, in {live.seconds:.1f} s",
            all(run.migration["verify"]["identical"] for run in (cold, live)),
        ),
        (
            "nothing lost",
            f"{acknowledged:,} writes were acknowledged, each is at {NEWEST} with its value",
            not missing and all(off),
        ),
        (
            "stop of writes",
            f"{_stop(cold)} cold, {_stop(live)} live, by the reports",
            all(run.migration["downtime"] for run in (cold, live)),
        ),
        ("apps", f"{'' if bound else 'not all '}bound to {NEWEST} and running", bound),
        (
            "their writes",
            f"in the last second {at_newest:,} at {NEWEST}, {sum(elsewhere):,} elsewhere",
            at_newest and not any(elsewhere),
        ),
    ]
    for name, text, good in verdicts:
        point(name, text, bool(good))
    return all(good for _name, _text, good in verdicts)


def _off(earlier: list[Any], later: list[Any]) -> float:
    """Seconds from the last write to one server to the first to the next one; 0 if it wrote to neither."""
    return float(later[0][3] - earlier[-1][3]) if earlier and later else 0.0


def _stop(run: Run) -> str:
    downtime = run.migration["downtime"] or {"seconds": 0.0, "parts": []}
    moving = sum(part["seconds"] for part in downtime["parts"] if part["phase"] in ("move", "verify"))
    return f"{downtime['seconds']:.1f} s ({moving:.1f} s of them to move and prove)"


def keep(there: CloudFoundry, redis_cli: str) -> tuple[str, str]:
    """Leave it running, say how to look into it, and give the process that ends it and the files to remove then."""
    there.leave_running()
    say(f"  Cloud Foundry, where {' and '.join(APPS)} go on writing, now once a second:")
    for name, what in ((NEWEST, "what they write; Ctrl-C ends it"), (NEW, "nothing")):
        at = there.place[name]
        say(f"    REDISCLI_AUTH={at['password']} {redis_cli} -p {at['port']} monitor   # {name}: {what}")
    say("  Put the apps back to where they were, and look again:")
    inventory = short(HOME / _INVENTORY)
    playbook = f"{short(Path(tool('ansible-playbook')))} playbooks/rollback.yml -i {inventory}"
    say(f"    ANSIBLE_CONFIG=ansible.cfg {playbook}")
    say("  With the cf command line, if you have it:")
    say(f"    export CF_HOME=.demo; cf api {there.place['api_url']}")
    say(f"    CF_USERNAME={USER} CF_PASSWORD={there.place['password']} cf auth")
    say(f"    cf target -o {ORGANIZATION} -s {SPACE}; cf services")
    return str(there.pid), f"{inventory} {short(HOME / '.cf')}"


def end() -> None:
    (HOME / _INVENTORY).unlink(missing_ok=True)


def _client(there: CloudFoundry, name: str) -> redis.Redis:
    at = there.place[name]
    return redis.Redis(port=at["port"], password=at["password"], protocol=2)


def _missing(client: redis.Redis, written: Written) -> int:
    """How many of these keys are not there with the very value."""
    names = list(written)
    return sum(
        found != written[name].encode()
        for begin in range(0, len(names), 500)
        for name, found in zip(names[begin : begin + 500], client.mget(names[begin : begin + 500]))
    )


def _writes(client: redis.Redis) -> int:
    """How often the server was told to SET, by its own statistics."""
    statistics: dict[str, Any] = client.info("commandstats")
    return int(statistics.get("cmdstat_set", {}).get("calls", 0))
