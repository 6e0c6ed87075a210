# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The engine in this process, with the options that the modules take: a tenth of a second instead of a whole one.

done = migrate(source, target, strategy="copy")
assert done["totals"]["copied"] == 17

What a module would report as its failure is raised as RedisMigrationError. `tests.support.run` runs the real modules.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping
from typing import Any

import yaml

from ansible_collections.dataservices.redis_migration.plugins.module_utils._cluster import runs
from ansible_collections.dataservices.redis_migration.plugins.module_utils._errors import RedisMigrationError
from ansible_collections.dataservices.redis_migration.plugins.module_utils._migrate.migration import Migration
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module import (
    redis_key_diff,
    redis_migrate_keys,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.resume import (
    diff_state,
    diff_token,
    migration_progress,
    migration_state,
    migration_token,
)
from tests.support.cluster import Cluster
from tests.support.servers import RedisServer

__all__ = [
    "RedisMigrationError",
    "diff",
    "diff_in_slices",
    "migrate",
    "migrate_in_slices",
    "migration",
    "moved",
    "resumed",
]

End = RedisServer | Cluster | Mapping[str, Any]
Result = dict[str, Any]

# What a test waits for a server that is gone, in seconds.
_PATIENCE = 20.0

_COUNTERS = ("copied", "updated", "unchanged", "skipped", "vanished", "failed")


def migration(source: End, target: End, *, check: bool = False, **options: Any) -> Migration:
    """A run that has not begun; `run()` it, then see its `progress`. Strategy copy unless told."""
    return Migration(
        redis_migrate_keys.plan_of(_options("redis_migrate_keys", source, target, options), check_mode=check)
    )


def resumed(run: Migration) -> Migration:
    """The run that goes on from there, with nothing but the text of a token between."""
    return Migration(run._plan, migration_progress(migration_token(run.progress)))


def migrate(source: End, target: End, *, check: bool = False, **options: Any) -> Result:
    """What redis_migrate_keys returns for these options, failed keys included."""
    plan = redis_migrate_keys.plan_of(_options("redis_migrate_keys", source, target, options), check_mode=check)
    return checked(redis_migrate_keys.result_of(runs.migration(plan).run()))


def migrate_in_slices(source: End, target: End, seconds: float, **options: Any) -> tuple[Result, int]:
    """As `migrate`, in slices with nothing but the text of a token between them; also the number of slices."""
    plan = redis_migrate_keys.plan_of(_options("redis_migrate_keys", source, target, options), check_mode=False)
    token, slices = "", 0
    while True:
        run = runs.migration(plan, migration_state(token) if token else None)
        progress = run.run(seconds)
        slices += 1
        if progress.finished:
            return checked(redis_migrate_keys.result_of(progress)), slices
        token = migration_token(run.state)


def diff(source: End, target: End, **options: Any) -> Result:
    """What redis_key_diff returns for these options."""
    plan = redis_key_diff.plan_of(_options("redis_key_diff", source, target, options))
    return redis_key_diff.result_of(runs.comparison(plan).run())


def diff_in_slices(source: End, target: End, seconds: float, **options: Any) -> tuple[Result, int]:
    """As `diff`, in slices with nothing but the text of a token between them; also the number of slices."""
    plan = redis_key_diff.plan_of(_options("redis_key_diff", source, target, options))
    token, slices = "", 0
    while True:
        run = runs.comparison(plan, diff_state(token) if token else None)
        progress = run.run(seconds)
        slices += 1
        if progress.finished:
            return redis_key_diff.result_of(progress), slices
        token = diff_token(run.state)


def checked(result: Result) -> Result:
    """The result, after the sums that must hold in every one."""
    totals = result["totals"]
    assert totals["scanned"] == sum(totals[name] for name in _COUNTERS), totals
    for name in totals:
        assert totals[name] == sum(counters[name] for counters in result["databases"].values()), (name, result)
    return result


def moved(result: Result) -> dict[str, int]:
    """The counters that are not 0, without the bytes and how it was done: `{"scanned": 3, "copied": 3}`."""
    return {name: count for name, count in result["totals"].items() if count and name not in ("bytes", "rebuilt")}


def _options(module: str, source: End, target: End, given: Mapping[str, Any]) -> dict[str, Any]:
    defaults = _defaults(module)
    unknown = set(given) - set(defaults)
    assert not unknown, f"{module} has no such options: {unknown}"
    tests = {"timeout": _PATIENCE, **({"strategy": "copy"} if "strategy" in defaults else {})}
    return {**defaults, **tests, **given, "source": _endpoint(source), "target": _endpoint(target)}


@functools.cache
def _defaults(module: str) -> Mapping[str, Any]:
    """Every documented option of the module and its default; sanity tests keep documentation and module together."""
    root = "ansible_collections.dataservices.redis_migration.plugins"
    documentation = yaml.safe_load(importlib.import_module(f"{root}.modules.{module}").DOCUMENTATION)
    options = dict(documentation["options"])
    for name in documentation["extends_documentation_fragment"]:
        file, _dot, part = name.removeprefix("dataservices.redis_migration.").partition(".")
        fragment = importlib.import_module(f"{root}.doc_fragments.{file}").ModuleDocFragment
        options.update(yaml.safe_load(getattr(fragment, part.upper() or "DOCUMENTATION")).get("options", {}))
    return {name: option.get("default") for name, option in options.items()}


def _endpoint(end: End) -> dict[str, Any]:
    return dict(end.endpoint()) if isinstance(end, RedisServer | Cluster) else dict(end)
