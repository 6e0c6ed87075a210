# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make demo`: a lively old server moves to a new one, with the real playbook, twice.

Nothing but Python is needed: the servers come out of wheels, and all that this makes lies in .demo of the checkout.
KEEP=1 in the environment leaves the servers running.
"""

from __future__ import annotations

import json
import os
import secrets
import shlex
import shutil
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.support import dataset, fetch_servers, keeper, oracle
from tests.support.demo_screen import heading, paint, say, table
from tests.support.paths import COLLECTIONS_PATH, REPO
from tests.support.servers import RedisServer, ServerError, available, redis_cli, why_missing

HOME = REPO / ".demo"
DATABASES = (0, 1, 5, 15)
_MANY = 100_000  # small keys of all types, beside the lively ones
TYPES = ("string", "hash", "list", "set", "zset", "stream")

# The first of each that this platform has.
_OLD = ("redis-6.2", "redis-7.0", "valkey-8", "redis-8.2", "valkey-9")
_NEW = ("redis-8.2", "valkey-9", "redis-7.0", "valkey-8", "redis-6.2")


@dataclass(frozen=True)
class Run:
    """A run of the playbook: how it ended, its recap, and its report."""

    returncode: int
    seconds: float
    recap: str
    report: dict[str, Any]

    @property
    def migration(self) -> dict[str, Any]:
        found: dict[str, Any] = self.report["migrations"][0]
        return found

    @property
    def changed(self) -> str:
        return next((word.removeprefix("changed=") for word in self.recap.split() if word.startswith("changed=")), "?")


def main() -> int:
    keep = os.environ.get("KEEP", "") not in ("", "0")
    began = time.monotonic()
    with ExitStack() as stack:
        try:
            old, new = (stack.enter_context(server) for server in _servers())
        except (ServerError, fetch_servers.Unavailable) as reason:
            say(f"The demo needs a Redis or Valkey server, and none can be had here: {reason}")
            return 1
        heading(f"1  {_product(old)} is full of life, {_product(new)} is empty")
        _fill(old)
        inventory = _inventory(old, new)

        heading("2  The migration")
        first = _playbook(inventory, show=True)
        if first.returncode:
            return _failed(first)

        heading("3  The same once more")
        writes_before = old.write_calls(), new.write_calls()
        second = _playbook(inventory, show=False)
        if second.returncode:
            return _failed(second)
        say(f"  {second.recap}")
        writes = [after - before for before, after in zip(writes_before, (old.write_calls(), new.write_calls()))]

        differences = oracle.compare(old, new)
        _summary(old, new, first, second, writes, differences)
        if keep:
            _keep(old, new, inventory)
            stack.pop_all()
        else:
            inventory.unlink()
            say()
            say(paint(f"  {time.monotonic() - began:.0f} s. Both servers are gone; the report stays.", "dim"))
        proved = first.migration["status"] == second.migration["status"] == "proved"
        return 0 if proved and second.changed == "0" and not any(writes) and not differences else 1


# -- before -----------------------------------------------------------------------------------------------------


def _servers() -> tuple[RedisServer, RedisServer]:
    if not available():
        raise ServerError(why_missing("redis-8.2"))
    old = next(name for name in _OLD if name in available())
    new = next((name for name in _NEW if name in available() and name != old), old)
    return RedisServer(old, password=secrets.token_hex(12)), RedisServer(new, password=secrets.token_hex(12))


def _product(server: RedisServer) -> str:
    return f"{server.binary.flavor.capitalize()} {'.'.join(map(str, server.binary.version))}"


def _fill(server: RedisServer) -> None:
    began = time.monotonic()
    filled = dataset.fill(server.client, databases=DATABASES, size="lively")
    dataset.fill_benchmark(server.client(DATABASES[1]), "mixed", _MANY)
    took = time.monotonic() - began
    say(f"  {filled.total + _MANY:,} keys of every type in {len(DATABASES)} logical databases ({took:.1f} s):")
    say("  a hash of 200,000 fields, a sorted set of 100,000, streams with consumer groups and pending entries,")
    say("  TTLs from minutes to a century,")
    awkward = [name for name in dataset.AWKWARD_NAMES if b"\n" in name or b"\x00" in name or b"\xff" in name][:4]
    say(f"  a name of one megabyte, and names such as {', '.join(repr(name)[1:] for name in awkward)}")


def _inventory(old: RedisServer, new: RedisServer) -> Path:
    HOME.mkdir(mode=0o700, exist_ok=True)
    path = HOME / "inventory.yml"
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    hosts = {"shop": {"redis_migration_source": {"url": old.url()}, "redis_migration_target": {"url": new.url()}}}
    path.write_text(yaml.safe_dump({"redis_migrations": {"hosts": hosts}}, sort_keys=False))
    return path


# -- the real thing ---------------------------------------------------------------------------------------------


def _playbook(inventory: Path, *, show: bool) -> Run:
    command = [_tool("ansible-playbook"), str(REPO / "playbooks" / "migrate.yml"), "-i", str(inventory)]
    say(paint(f"  $ ansible-playbook playbooks/migrate.yml -i {_short(inventory)}", "name"))
    report = HOME / "redis-migration-report"
    shutil.rmtree(report, ignore_errors=True)
    began = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=HOME,
        env=dict(
            os.environ,
            ANSIBLE_COLLECTIONS_PATH=str(COLLECTIONS_PATH),
            ANSIBLE_CONFIG=str(REPO / "ansible.cfg"),
            ANSIBLE_HOME=str(HOME / "ansible"),
            ANSIBLE_CALLBACK_RESULT_FORMAT="yaml",
            ANSIBLE_DISPLAY_SKIPPED_HOSTS="false",
            ANSIBLE_FORCE_COLOR="1" if sys.stdout.isatty() and not os.environ.get("NO_COLOR") else "0",
            PYTHONUNBUFFERED="1",
        ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    keeper.keep(process.pid)
    assert process.stdout is not None
    recap, output = "", []
    for written in process.stdout:
        line = written.rstrip().rstrip("*").rstrip()
        output.append(line)
        if " ok=" in line and "changed=" in line:
            recap = " ".join(line.split())
        if show and line:
            say(f"  {paint('|', 'dim')} {line}")
    returncode = process.wait()
    keeper.forget(process.pid)
    if returncode and not show:
        say("\n".join(output))
    data = report / "report.json"
    return Run(returncode, time.monotonic() - began, recap, json.loads(data.read_text()) if data.exists() else {})


def _tool(name: str) -> str:
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else name


def _failed(run: Run) -> int:
    say()
    say(paint(f"  The playbook failed (exit code {run.returncode}); what it said is above.", "bad"))
    return 1


# -- after ------------------------------------------------------------------------------------------------------


def _summary(
    old: RedisServer,
    new: RedisServer,
    first: Run,
    second: Run,
    writes: list[int],
    differences: list[oracle.Difference],
) -> None:
    moved, verify = first.migration["migrate"], first.migration["verify"]
    totals = moved["totals"]
    heading("4  What moved, and what is proved")
    kinds = {database: _kinds(new, database) for database in DATABASES}
    rows = [
        [f"database {database}", *(f"{found[kind]:,}" for kind in TYPES), f"{sum(found.values()):,}"]
        for database, found in kinds.items()
    ]
    everything = sum(kinds.values(), Counter[str]())
    rows.append(["together", *(f"{everything[kind]:,}" for kind in TYPES), f"{sum(everything.values()):,}"])
    table(["keys at the new server", *TYPES, "all"], rows)
    say()
    written = totals["copied"] + totals["updated"]
    _point("moved", f"{written:,} keys, {totals['bytes'] / 2**20:.1f} MiB, by {moved['strategy']}")
    _point(
        "how fast",
        f"{moved['elapsed_seconds']:.1f} s of {first.seconds:.1f} s: {moved['keys_per_second']:,.0f} keys/s, "
        f"{moved['bytes_per_second'] / 2**20:.1f} MiB/s",
    )
    compared = verify["totals"]
    _point(
        "proved",
        f"{compared['source_keys']:,} keys equal in name, type, value and expiry, seen from both sides",
        verify["identical"],
    )
    _point(
        "judged again",
        "by ordinary commands, without anything of the collection: "
        + ("equal" if not differences else f"{len(differences)} differences, such as {differences[0]}"),
        not differences,
    )
    _point("second run", f"changed={second.changed}, in {second.seconds:.1f} s", second.changed == "0")
    _point(
        "its writes",
        f"{writes[0]} at the old server, {writes[1]} at the new one, by the servers' own statistics",
        not any(writes),
    )
    say()
    say(f"  The report, one page to keep or to pass on: {_short(HOME / 'redis-migration-report' / 'report.html')}")


def _kinds(server: RedisServer, database: int) -> Counter[str]:
    with server.client(database) as client:
        names = list(client.scan_iter(count=1000))
        with client.pipeline(transaction=False) as pipeline:
            for name in names:
                pipeline.type(name)
            return Counter(kind.decode() for kind in pipeline.execute())


def _point(name: str, text: str, good: bool = True) -> None:
    mark = paint("ok", "good") if good else paint("NO", "bad")
    say(f"  {mark}  {name:<13} {text}")


def _keep(old: RedisServer, new: RedisServer, inventory: Path) -> None:
    heading("The servers go on running")
    try:
        program = str(redis_cli())
    except fetch_servers.Unavailable:
        program = "redis-cli"
    say("  Look into them (passwords stay off the command line):")
    for name, server in (("old", old), ("new", new)):
        server.leave_running()
        say(f"    REDISCLI_AUTH={server.password} {shlex.quote(program)} -p {server.port} -n 5   # the {name} one")
    say("  Change something and move just that:")
    playbook = f"{_short(Path(_tool('ansible-playbook')))} playbooks/migrate.yml -i {_short(inventory)} --diff"
    say(f"    ANSIBLE_CONFIG=ansible.cfg {playbook}")
    say("  Stop them and remove what they left:")
    say(f"    kill {old.pid} {new.pid}; rm -r {old.directory} {new.directory} {_short(inventory)}")


def _short(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


if __name__ == "__main__":
    sys.exit(main())
