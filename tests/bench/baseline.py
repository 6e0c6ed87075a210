# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the manual procedure does, and what the servers alone could do: the measures to hold against."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import hiredis

from tests.support.servers import RedisServer, raw_connection, redis_cli

_PAGE = 1000


def pipeline(source: RedisServer, target: RedisServer) -> float:
    """Seconds of the procedure's own command: KEYS piped into xargs and MIGRATE … COPY."""
    cli = redis_cli()
    command = (
        f"{cli} -p {source.port} --raw KEYS '*' | "
        f"xargs {cli} -p {source.port} MIGRATE 127.0.0.1 {target.port} '' 0 30000 COPY KEYS > /dev/null"
    )
    return _shell(command)


def migrate_alone(source: RedisServer, target: RedisServer, page: int) -> float:
    """Seconds of MIGRATE … COPY itself, batches of ``page`` keys whose names are known: no sizes, nothing confirmed."""
    with source.client() as here, raw_connection(here) as connection:
        names = list(here.scan_iter(count=_PAGE))
        head = ["MIGRATE", "127.0.0.1", target.port, "", 0, 30000, "COPY", "KEYS"]
        started = time.monotonic()
        # The next batch is there when the source is through with one.
        for first in range(0, len(names) + page, page):
            if first < len(names):
                connection.send_command(*head, *names[first : first + page])
            if first and connection.read_response() != b"OK":
                raise RuntimeError("MIGRATE failed")
        return time.monotonic() - started


def keys_sort_diff(source: RedisServer, target: RedisServer, directory: Path) -> float:
    """Seconds of the procedure's comparison of key names."""
    cli = redis_cli()
    steps = [
        f"{cli} -p {end.port} --raw KEYS '*' > {directory}/{name} && "
        f"sort --parallel=2 -uo {directory}/{name}.sorted {directory}/{name}"
        for end, name in ((source, "source"), (target, "target"))
    ]
    return _shell(" && ".join([*steps, f"diff {directory}/source.sorted {directory}/target.sorted > /dev/null"]))


def _shell(command: str) -> float:
    started = time.monotonic()
    subprocess.run(["bash", "-c", command], check=True)
    return time.monotonic() - started


def replicate(source: RedisServer, target: RedisServer) -> float:
    """Seconds until the target is a replica of the source; then it is a primary again."""
    with target.client() as client:
        client.flushall()
        started = time.monotonic()
        client.replicaof("127.0.0.1", source.port)
        while client.info("replication").get("master_link_status") != "up":
            time.sleep(0.01)
        took = time.monotonic() - started
        client.replicaof("NO", "ONE")
    return took


def dump_and_restore(source: RedisServer, target: RedisServer, page: int = _PAGE) -> tuple[float, float]:
    """Seconds of a pass that only dumps all keys (SCAN, DUMP), and of one that only restores those payloads."""
    pack = hiredis.pack_command
    batches: list[tuple[list[bytes], list[bytes]]] = []
    with source.client() as here, raw_connection(here) as connection:
        started = time.monotonic()
        cursor = b"0"
        while True:
            connection.send_command("SCAN", cursor, "COUNT", page)
            cursor, keys = connection.read_response()
            connection.send_packed_command([b"".join([pack((b"DUMP", key)) for key in keys])])
            batches.append((keys, [connection.read_response(disable_decoding=True) for _key in keys]))
            if cursor == b"0":
                break
        dumped = time.monotonic() - started
    with target.client() as there, raw_connection(there) as connection:
        started = time.monotonic()
        for keys, payloads in batches:
            commands = [pack((b"RESTORE", key, b"0", value)) for key, value in zip(keys, payloads, strict=True)]
            connection.send_packed_command([b"".join(commands)])
            for _key in keys:
                connection.read_response()
        return dumped, time.monotonic() - started
