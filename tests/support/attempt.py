# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run that may fail, and what must hold afterwards whatever happened to it.

watch = Watch(source, target)
tried = attempt(source.endpoint(port=proxy.port), target)
watch.settle(tried)  # nothing lost, nothing counted that is not there, and another run ends equal
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import redis

from ansible_collections.dataservices.redis_migration.plugins.module_utils._module import redis_migrate_keys
from tests.support import engine, oracle
from tests.support.servers import RedisServer

TEMPORARY = b"__redis_migration_tmp:"


@dataclass(frozen=True)
class Attempt:
    """`error` is what an operator would read, empty when the run succeeded; `result` is there in any case."""

    result: dict[str, Any]
    error: str

    @property
    def ok(self) -> dict[str, Any]:
        assert not self.error, self.error
        return self.result


def attempt(source: engine.End, target: engine.End, **options: Any) -> Attempt:
    """Run; a failure is an outcome like another. What is no sentence for an operator is raised."""
    run = engine.migration(source, target, **options)
    error = ""
    try:
        run.run()
    except engine.RedisMigrationError as exc:
        error = str(exc)
        assert error.rstrip().endswith("."), error
    return Attempt(engine.checked(redis_migrate_keys.result_of(run.progress)), error)


class Watch:
    """Knows what the source held, and compares."""

    def __init__(self, source: RedisServer, target: RedisServer, *, database_map: Mapping[int, int] | None = None):
        self.source = source
        self.target = target
        self._map = dict(database_map or {})
        self._digest = digest(source)
        self._writes = source.write_calls()

    def source_is_untouched(self, *, by_statistics: bool = True) -> None:
        """`by_statistics` also asks the source which commands it saw (a restart makes it forget, MIGRATE counts)."""
        if by_statistics:
            calls = {name for name, count in self.source.command_calls().items() if count}
            migrated = self.source.command_calls().get("migrate", 0)
            assert self.source.write_calls() - migrated == self._writes, calls
        assert digest(self.source) == self._digest

    def counted_is_there(self, tried: Attempt, *, expired: int = 0) -> None:
        """No more keys are counted as moved than the target holds of the source's, but for so many that `expired`."""
        for number, counters in tried.result["databases"].items():
            with self.source.client(int(number)) as here, self.target.client(counters["target_database"]) as there:
                both = sum(there.exists(*names) for names in pages(here))
            assert counters["copied"] + counters["updated"] <= both + expired, (number, counters, both)

    def equal(self, **options: Any) -> None:
        found = oracle.compare(self.source, self.target, database_map=self._map, **options)
        assert not found, oracle.report(found)

    def settle(
        self, tried: Attempt, *, untouched: bool = True, by_statistics: bool = True, expired: int = 0, **options: Any
    ) -> None:
        """All of it: the source as before, counters true, the next run ends equal, and nothing is left behind."""
        if untouched:
            self.source_is_untouched(by_statistics=by_statistics)
        self.counted_is_there(tried, expired=expired)
        options = {"database_map": self._map, **options}
        again = attempt(self.source, self.target, **options).ok
        assert again["totals"]["failed"] == 0, again["failures"]
        self.equal()
        if untouched:
            self.source_is_untouched(by_statistics=by_statistics)
        for number in self.target.client().info("keyspace"):
            with self.target.client(int(number[2:])) as there:
                assert not list(there.scan_iter(match=TEMPORARY + b"*")), "temporary keys were left"


def digest(server: RedisServer) -> dict[str, str]:
    """A hash of every key's value and expiry, per database."""
    found: dict[str, str] = {}
    for name in server.client().info("keyspace"):
        total = hashlib.sha256()
        with server.client(int(name[2:])) as client:
            for key in sorted(client.scan_iter(count=1000)):
                total.update(key + (client.dump(key) or b""))
        found[name] = total.hexdigest()
    return found


def pages(client: redis.Redis) -> list[list[bytes]]:
    """All keys, in lists that are not empty."""
    names = list(client.scan_iter(count=1000))
    return [names[begin : begin + 1000] for begin in range(0, len(names), 1000)]


def until(condition: Callable[[], Any], seconds: float = 60) -> None:
    """Wait for it; that long only on a machine that does ten other things."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
