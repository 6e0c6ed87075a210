# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random runs of a migration: between which servers, with which options, and how: whole, in slices, by module or playbook."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import strategies as st

from ansible_collections.dataservices.redis_migration.plugins.module_utils._migrate.migration import Migration
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module import redis_migrate_keys
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.resume import (
    migration_progress,
    migration_token,
)
from tests.support import engine
from tests.support.attempt import Attempt, attempt
from tests.support.left_out import need_server
from tests.support.random_faults import Side, lift_limits
from tests.support.run import StartedModule
from tests.support.servers import RedisServer, available
from tests.support.started_playbook import started_playbook

SERVERS = tuple(name for name in ("redis-6.2", "redis-7.0", "redis-8.2", "valkey-9") if name in available())

# What an end that is away is waited for, in seconds.
AWAY = 2.0


class Setting(NamedTuple):
    """A run, and what is there before it: `bulk` small keys more, all of it moved already by an earlier run or not."""

    source: str
    target: str
    strategy: str
    existing_keys: str
    prune: bool
    large_key_bytes: int
    database_map: dict[int, int]
    in_slices: bool
    bulk: int
    moved_before: bool

    @property
    def options(self) -> dict[str, Any]:
        names = ("strategy", "existing_keys", "prune", "large_key_bytes", "database_map")
        return {"timeout": AWAY, **{name: getattr(self, name) for name in names}}

    def there(self, database: int) -> int:
        """Where the keys of a database of the source are at the target."""
        return self.database_map.get(database, database)


settings = st.builds(
    lambda pair, *rest: Setting(*pair, *rest),
    st.sampled_from([(one, other) for one in SERVERS for other in SERVERS if one != other]),
    st.sampled_from(["auto", "copy", "migrate", "rebuild"]),
    st.sampled_from(["update", "update", "update", "replace", "skip", "fail"]),
    st.booleans(),
    st.sampled_from([2 * 1024 * 1024, 1000, 0]),
    st.sampled_from([{}, {}, {0: 5}, {0: 2, 2: 0}]),
    st.booleans(),
    st.sampled_from([300, 0, 0, 2000]),
    st.booleans(),
)

Ends = Mapping[str, dict[str, Any]]
Run = Callable[[Setting, Ends, list[Side]], Attempt | None]


def run_here(setting: Setting, ends: Ends, _sides: list[Side]) -> Attempt:
    return attempt(ends["source"], ends["target"], **setting.options)


def run_in_slices(setting: Setting, ends: Ends, _sides: list[Side]) -> Attempt:
    """As `attempt`, but the run is handed from slice to slice as text."""
    plan = engine.migration(ends["source"], ends["target"], **setting.options)._plan
    token = ""
    while True:
        run = Migration(plan, migration_progress(token) if token else None)
        error = ""
        try:
            run.run(0.01)
        except engine.RedisMigrationError as exc:
            error = str(exc)
        result = redis_migrate_keys.result_of(run.progress)
        if error or run.progress.finished:
            return Attempt(engine.checked(result), error)
        token = migration_token(run.progress)


def run_module(setting: Setting, ends: Ends, sides: list[Side]) -> Attempt | None:
    """None if it was killed."""
    started = StartedModule("redis_migrate_keys", {**ends, **setting.options})

    def kill() -> None:
        started.kill()

    for side in sides:
        side.kill = kill
    run = started.wait(120)
    if not run.result:
        return None
    return Attempt(engine.checked(run.result), run.result["msg"] if run.result.get("failed") else "")


def run_playbook(setting: Setting, ends: Ends, sides: list[Side]) -> None:
    """Whether it was killed or not, nobody tells what it has counted."""
    host = {f"redis_migration_{name}": value for name, value in {**ends, **setting.options}.items()}
    # A variable of roles is a whole number there.
    host["redis_migration_timeout"] = int(AWAY)
    inventory = {"redis_migrations": {"hosts": {"orders": host}}}
    with (
        tempfile.TemporaryDirectory(prefix="playbook-") as directory,
        started_playbook("migrate", inventory, "--tags", "migrate", directory=Path(directory)) as process,
    ):

        def kill() -> None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)

        for side in sides:
            side.kill = kill
        output, _nothing = process.communicate(timeout=120)
        # Its module may go on for two seconds: that is the next run's to wait for.
        assert process.returncode == -signal.SIGKILL or "PLAY RECAP" in output, output[-4000:]


def soak_seeds() -> Iterator[int]:
    """One seed after the other for SOAK_MINUTES, from SOAK_SEED or anywhere; each is printed, to be tried again."""
    until = time.monotonic() + 60 * float(os.environ.get("SOAK_MINUTES", "10"))
    number = int(os.environ.get("SOAK_SEED", "0")) or random.randrange(2**32)
    while time.monotonic() < until:
        print(f"SOAK_SEED={number}", flush=True)
        yield number
        number += 1


class Pool:
    """Servers that are started when first wanted, and are used again and again."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._stack = stack
        self._servers: dict[tuple[str, int], RedisServer] = {}

    def clean(self, name: str, number: int = 0) -> RedisServer:
        """An empty one of this name; other numbers are other servers."""
        if (name, number) not in self._servers:
            need_server(name)
            self._servers[name, number] = self._stack.enter_context(RedisServer(name))
        server = self._servers[name, number]
        if not server.running:
            server.start()
        server.promote()
        lift_limits(server)
        server.client().flushall()
        server.client().config_resetstat()
        return server
