# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo's part on Cloud Foundry: two apps that never stop writing move with their data, and nothing they wrote is lost."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import redis

from tests.support.demo_cloud_foundry import APPS, NEW, OLD, ORGANIZATION, SPACE, USER, CloudFoundry
from tests.support.demo_playbook import HOME, Run, migrate, tool, write_inventory
from tests.support.demo_screen import heading, point, say, short, table

_INVENTORY = "cloud-foundry.yml"
_REPORT = "cloud-foundry-report"
_WATCH_SECONDS = 1.0

Written = dict[str, str]  # key to value, as the server acknowledged it


def run(there: CloudFoundry) -> bool | Run:
    """Whether everything is as it must be; the run of the playbook if that failed."""
    inventory = _inventory(there)
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
    done = migrate(inventory, HOME / _REPORT, show=False, only_words=True)
    if done.returncode:
        return done
    say()
    time.sleep(_WATCH_SECONDS)
    return _passed(there, done)


def _inventory(there: CloudFoundry) -> Path:
    ends = {"redis_migration_source": {"service_instance": OLD}, "redis_migration_target": {"service_instance": NEW}}
    login = {"api_url": there.place["api_url"], "user": USER, "password": there.place["password"]}
    return write_inventory(
        _INVENTORY,
        {"orders": ends},
        redis_migration_cf={**login, "organization": ORGANIZATION, "space": SPACE},
        redis_migration_cutover=True,
        redis_migration_report_dir=str(HOME / _REPORT),
    )


def _passed(there: CloudFoundry, done: Run) -> bool:
    """By the apps' own diaries, and by ordinary commands at both servers."""
    apps = there.ask("apps")
    old, new = _client(there, OLD), _client(there, NEW)
    rows, missing, off = [], 0, {}
    for name in APPS:
        diary = apps[name]["written"]
        earlier, later = ([entry for entry in diary if entry[0] == instance] for instance in (OLD, NEW))
        lost = _missing(new, {key: value for _instance, key, value, _at in diary})
        missing += lost
        off[name] = later[0][3] - earlier[-1][3] if earlier and later else 0.0
        rows.append([name, f"{len(earlier):,}", f"{len(later):,}", f"{lost:,}", f"{off[name]:.1f} s"])
    table(["app", f"wrote to {OLD}", f"writes to {NEW}", "missing there", "was off"], rows)
    say()

    writes = _writes(old), _writes(new)
    time.sleep(_WATCH_SECONDS)
    old_writes, new_writes = _writes(old) - writes[0], _writes(new) - writes[1]
    bound = all(apps[name]["bound"] == [NEW] and apps[name]["state"] == "STARTED" for name in APPS)
    acknowledged = sum(len(apps[name]["written"]) for name in APPS)
    verdicts = [
        (f"{done.migration['verify']['totals']['source_keys']:,} keys equal, in {done.seconds:.1f} s", "proved"),
        (f"{acknowledged:,} writes were acknowledged, each is at {NEW} with its value", "nothing lost"),
        (f"bound to {NEW} and running" if bound else f"not all bound to {NEW} and running", "apps"),
        (f"in the last second {new_writes:,} at {NEW}, {old_writes:,} at {OLD}", "their writes"),
    ]
    good = [
        done.migration["verify"]["identical"],
        not missing and all(off.values()),
        bound,
        new_writes and not old_writes,
    ]
    for (text, name), fine in zip(verdicts, good):
        point(name, text, bool(fine))
    return all(good)


def keep(there: CloudFoundry, redis_cli: str) -> tuple[str, str]:
    """Leave it running, say how to look into it, and give the process that ends it and the files to remove then."""
    there.leave_running()
    say(f"  Cloud Foundry, where {' and '.join(APPS)} go on writing, now once a second:")
    for name, what in ((NEW, "what they write; Ctrl-C ends it"), (OLD, "nothing")):
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
