# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every inventory and every variable that a page shows is run, unless the page's own commands run it: what would be
done with it (`--check`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.integration.documents.follow import migrated
from tests.integration.documents.world import World
from tests.support.shown import FQCN, PAGES, Shown, blocks, is_inventory
from tests.support.terminal import at_terminal

PLAIN = {
    "redis_migration_source": {"host": "old.example.com", "password": "{{ vault_orders_old }}"},
    "redis_migration_target": {"host": "new.example.com", "password": "{{ vault_orders_new }}"},
}


def variables() -> Iterator[tuple[Shown, Any]]:
    """The blocks that are inventories, or variables alone, with what they say."""
    for block in (block for page in PAGES for block in blocks(page)):
        read = yaml.safe_load(block.text) if block.language == "yaml" else None
        if is_inventory(read) or (isinstance(read, dict) and any(name.startswith("redis_migration_") for name in read)):
            yield block, read


def hosts_of(block: Shown, read: Any, cloud: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The migrations of a block by names of their own; variables alone are those of one migration."""
    where = re.sub(r"\W", "-", block.where.removeprefix("docs/"))
    if not is_inventory(read):
        shown = {"migration": {**PLAIN, **read}}
        if "service_instance" in block.text:
            shown["migration"] = {"redis_migration_cf": cloud, **shown["migration"]}
        return {f"{where}-{name}": given for name, given in shown.items()}
    group = read.get("redis_migrations", {})
    return {f"{where}-{name}": {**group.get("vars", {}), **given} for name, given in group.get("hosts", {}).items()}


def test_every_inventory_that_is_shown_is_checked(world: World, tmp_path: Path) -> None:
    world.empty_target()
    world.bind_apps()
    found = list(variables())
    assert len(found) > 20
    cloud = next(
        read["redis_migrations"]["vars"]["redis_migration_cf"] for block, read in found if "api_url" in block.text
    )
    hosts: dict[str, Any] = {}
    followed = {where for page in PAGES for where in migrated(page)}
    for block, read in found:
        if block.where not in followed:
            hosts |= hosts_of(block, read, cloud)
    secrets = world.secrets("".join(block.text for block, _read in found) + str(PLAIN))
    group = {"hosts": hosts, "vars": {**secrets, "redis_migration_allow_empty": True}}
    (tmp_path / "inventory.yml").write_text(world.here(yaml.safe_dump({"redis_migrations": group})))
    code, output = at_terminal(
        f"ansible-playbook {FQCN}migrate -i inventory.yml --check", tmp_path, world.with_collection, {}, timeout=300
    )
    assert code == 0, output[-6000:]
    assert output.count("unreachable=0    failed=0") == len(hosts)
