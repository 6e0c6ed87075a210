# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The seam of the strategies: whoever speaks of them learns them from one table."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.endpoint import Endpoint
from ansible_collections.dataservices.redis_migration.plugins.module_utils._errors import RedisMigrationError
from ansible_collections.dataservices.redis_migration.plugins.module_utils._migrate.choose import (
    Choice,
    choose,
    prepared,
    strategy_class,
    strategy_of,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.checks import pair
from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.checks import server as one_end
from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.permissions import (
    acl_rules,
    needs,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.situation import (
    Situation,
    answered,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._server.dry_run import FALLBACK, KEY, Need
from ansible_collections.dataservices.redis_migration.plugins.module_utils._transfer.strategies import (
    STRATEGIES,
    choices,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._transfer.strategy import Ends, Strategy
from ansible_collections.dataservices.redis_migration.plugins.modules import redis_migrate_keys, redis_preflight_info
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._strategies import write_at_source
from tests.support.paths import REPO
from tests.support.sides import a_server, a_side, a_situation


class Dummy(Strategy):
    name = "dummy"
    needs_at_source = (Need("SORT", "dummy", (KEY,), writes=True),)
    needs_at_target = (Need("APPEND", "dummy", (KEY, "v"), writes=True),)
    chunk_keys = 7
    chunk_bytes = 70

    def __init__(self, lane: Any) -> None:
        pass

    def transfer(self, chunk: Any, *, replace: bool) -> Any:
        raise NotImplementedError

    @classmethod
    def obstacle(cls, ends: Ends) -> str | None:
        return "the target is old" if ends.target_server.version_tuple < (7,) else None


@pytest.fixture(autouse=True)
def a_row(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "dummy" in request.node.name:
        monkeypatch.setitem(STRATEGIES, Dummy.name, Dummy)


def ends(target: str = "7.2.4") -> Ends:
    return Ends(Endpoint("source", "a"), Endpoint("target", "b"), a_server(), a_server(target))


def situation(target: str = "7.2.4", **fields: Any) -> Situation:
    sides = a_side("source", a_server(**fields)), a_side("target", a_server(target))
    found = a_situation(*sides, strategy="dummy")
    found.choice = choose("dummy", ends(), 0)
    return found


def test_dummy_is_a_choice() -> None:
    assert choices() == ["auto", *STRATEGIES]
    assert "dummy" in choices()
    assert choose("dummy", ends(), 0) == Choice("dummy", "as told")
    assert strategy_class(None, "dummy") is Dummy


def test_dummy_takes_the_place_of_copy_in_a_run() -> None:
    lane: Any = SimpleNamespace(target=SimpleNamespace(renaming=None))
    transfer = strategy_of(Choice("dummy", "as told"), lane, None, 0)  # type: ignore[arg-type]
    assert (transfer.chunk_keys, transfer.chunk_bytes) == (7, 70)


def test_dummy_is_known_to_the_permissions() -> None:
    assert "+sort" in acl_rules("source", a_server(), strategy="dummy")
    assert "+append" in acl_rules("target", a_server(), strategy="dummy")
    fallback = {need.command for need in needs("target", a_server(), strategy="dummy") if need.level == FALLBACK}
    assert "RENAME" in fallback


def test_dummy_says_why_it_cannot_be_used() -> None:
    told = Choice("dummy", "as told")
    assert prepared(told, "dummy", ends()) is told
    with pytest.raises(RedisMigrationError, match="Strategy 'dummy' cannot be used: the target is old"):
        prepared(told, "dummy", ends("6.2.0"))
    assert pair.backend(situation()).status == "ok"
    verdict = pair.backend(situation("6.2.0"))
    assert (verdict.status, verdict.message) == ("fail", "Strategy 'dummy' cannot be used: the target is old.")


def test_dummy_writes_at_the_source() -> None:
    assert write_at_source("dummy") == "SORT"
    found = situation(role="slave")
    assert "SORT is refused" in one_end.role(found, answered(found.source)).message


def test_what_a_pause_of_writes_holds_back() -> None:
    held = {strategy: write_at_source(strategy) for strategy in ("auto", "copy", "migrate", "rebuild")}
    assert held == {"auto": "", "copy": "", "migrate": "MIGRATE", "rebuild": ""}


@pytest.mark.parametrize("module", [redis_migrate_keys, redis_preflight_info], ids=lambda module: module.__name__[-20:])
def test_modules_document_the_table(module: Any) -> None:
    option = yaml.safe_load(module.DOCUMENTATION)["options"]["strategy"]
    assert sorted(option["choices"]) == sorted(choices())


@pytest.mark.parametrize("role", ["migrate", "preflight"])
def test_roles_accept_the_table(role: str) -> None:
    specs = yaml.safe_load((REPO / "roles" / role / "meta/argument_specs.yml").read_text())
    option = specs["argument_specs"]["main"]["options"]["redis_migration_strategy"]
    assert sorted(option["choices"]) == sorted(choices())


def test_no_name_of_a_strategy_is_compared_elsewhere() -> None:
    """``if strategy == "migrate"`` outside of the seam is what the next strategy would have to find."""
    found = []
    for file in sorted((REPO / "plugins").rglob("*.py")) + sorted((REPO / "roles").rglob("tasks/*.yml")):
        for number, line in enumerate(file.read_text().splitlines(), 1):
            if "strategy" in line and any(f"== {quote}{name}{quote}" in line for name in STRATEGIES for quote in "\"'"):
                found.append(f"{file.relative_to(REPO)}:{number}")
    assert not found
