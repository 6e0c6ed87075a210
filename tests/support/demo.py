# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make demo`: an old server full of keys moves to a new one, with the real playbook, twice; then apps move with their data.

Nothing but Python is needed: the servers come out of wheels, and all that this makes lies in .demo of the checkout.
KEEP=1 in the environment leaves the servers running.
"""

from __future__ import annotations

import os
import secrets
import shlex
import sys
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from tests.support import dataset, demo_cloud, fetch_servers, oracle
from tests.support.demo_cloud_foundry import CloudFoundry
from tests.support.demo_playbook import HOME, Run, migrate, tool, write_inventory
from tests.support.demo_screen import heading, paint, point, say, short, table
from tests.support.servers import RedisServer, ServerError, available, redis_cli, why_missing

_REPORT = HOME / "redis-migration-report"
DATABASES = (0, 1, 5, 15)
_MANY = 100_000  # small keys of all types, beside those of size medium
TYPES = ("string", "hash", "list", "set", "zset", "stream")

# The first of each that this platform has.
_OLD = ("redis-6.2", "redis-7.0", "valkey-8", "redis-8.2", "valkey-9")
_NEW = ("redis-8.2", "valkey-9", "redis-7.0", "valkey-8", "redis-6.2")


def main() -> int:
    keep = os.environ.get("KEEP", "") not in ("", "0")
    began = time.monotonic()
    with ExitStack() as stack:
        try:
            old, new = (stack.enter_context(server) for server in _servers())
            cloud = CloudFoundry(old.name, new.name)
        except (ServerError, fetch_servers.Unavailable) as reason:
            say(f"The demo needs a Redis or Valkey server, and none can be had here: {reason}")
            return 1
        heading(f"1  {_product(old)} is full of life, {_product(new)} is empty")
        _fill(old)
        inventory = _inventory(old, new)

        heading("2  The migration")
        first = migrate(inventory, _REPORT, show=True)
        if first.returncode:
            return _failed(first)

        heading("3  The same once more")
        writes_before = old.write_calls(), new.write_calls()
        second = migrate(inventory, _REPORT, show=False)
        if second.returncode:
            return _failed(second)
        say(f"  {second.recap}")
        writes = [after - before for before, after in zip(writes_before, (old.write_calls(), new.write_calls()))]

        differences = oracle.compare(old, new)
        _summary(old, new, first, second, writes, differences)

        try:
            stack.enter_context(cloud)
        except ServerError as reason:
            say(f"  The part on Cloud Foundry could not start: {reason}")
            return 1
        moved = demo_cloud.run(cloud)
        if isinstance(moved, Run):
            return _failed(moved)
        if keep:
            _keep(old, new, inventory, cloud)
            stack.pop_all()
        else:
            inventory.unlink()
            demo_cloud.end()
            say()
            say(paint(f"  {time.monotonic() - began:.0f} s. All servers are gone; the reports stay.", "dim"))
        proved = first.migration["status"] == second.migration["status"] == "proved"
        return 0 if proved and second.changed == "0" and not any(writes) and not differences and moved else 1


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
    filled = dataset.fill(server.client, databases=DATABASES, size="medium")
    dataset.fill_benchmark(server.client(DATABASES[1]), "mixed", _MANY)
    took = time.monotonic() - began
    say(f"  {filled.total + _MANY:,} keys of every type in {len(DATABASES)} logical databases ({took:.1f} s):")
    say("  a hash of 200,000 fields, a sorted set of 100,000, streams with consumer groups and pending entries,")
    say("  TTLs from minutes to a century,")
    awkward = [name for name in dataset.AWKWARD_NAMES if b"\n" in name or b"\x00" in name or b"\xff" in name][:4]
    say(f"  a name of one megabyte, and names such as {', '.join(repr(name)[1:] for name in awkward)}")


def _inventory(old: RedisServer, new: RedisServer) -> Path:
    ends = {"redis_migration_source": {"url": old.url()}, "redis_migration_target": {"url": new.url()}}
    return write_inventory("inventory.yml", {"shop": ends}, redis_migration_report_dir=str(_REPORT))


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
    point("moved", f"{written:,} keys, {totals['bytes'] / 2**20:.1f} MiB, by {moved['strategy']}")
    point(
        "how fast",
        f"{moved['elapsed_seconds']:.1f} s of {first.seconds:.1f} s: {moved['keys_per_second']:,.0f} keys/s, "
        f"{moved['bytes_per_second'] / 2**20:.1f} MiB/s",
    )
    compared = verify["totals"]
    point(
        "proved",
        f"{compared['source_keys']:,} keys equal in name, type, value and expiry, seen from both sides",
        verify["identical"],
    )
    point(
        "compared again",
        "by ordinary commands, without anything of the collection: "
        + ("equal" if not differences else f"{len(differences)} differences, such as {differences[0]}"),
        not differences,
    )
    point("second run", f"changed={second.changed}, in {second.seconds:.1f} s", second.changed == "0")
    point(
        "its writes",
        f"{writes[0]} at the old server, {writes[1]} at the new one, by the servers' own statistics",
        not any(writes),
    )
    say()
    say(f"  The report, one page to keep or to pass on: {short(HOME / 'redis-migration-report' / 'report.html')}")


def _kinds(server: RedisServer, database: int) -> Counter[str]:
    with server.client(database) as client:
        names = list(client.scan_iter(count=1000))
        with client.pipeline(transaction=False) as pipeline:
            for name in names:
                pipeline.type(name)
            return Counter(kind.decode() for kind in pipeline.execute())


def _keep(old: RedisServer, new: RedisServer, inventory: Path, cloud: CloudFoundry) -> None:
    heading("The servers go on running")
    try:
        program = shlex.quote(str(redis_cli()))
    except fetch_servers.Unavailable:
        program = "redis-cli"
    say("  Look into them (passwords stay off the command line):")
    for name, server in (("old", old), ("new", new)):
        server.leave_running()
        say(f"    REDISCLI_AUTH={server.password} {program} -p {server.port} -n 5   # the {name} one")
    say("  Change something and move just that:")
    playbook = f"{short(Path(tool('ansible-playbook')))} playbooks/migrate.yml -i {short(inventory)} --diff"
    say(f"    ANSIBLE_CONFIG=ansible.cfg {playbook}")
    pid, files = demo_cloud.keep(cloud, program)
    say("  Stop them all and remove what they left:")
    say(f"    kill {old.pid} {new.pid} {pid}; rm -rf {old.directory} {new.directory} {short(inventory)} {files}")


if __name__ == "__main__":
    sys.exit(main())
