# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts of the inventory are migrations."""

from __future__ import annotations

import pytest
from ansible import context
from ansible.errors import AnsibleFilterError
from ansible.module_utils.common.collections import ImmutableDict

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._roles.inventory import migrations_pattern


def test_the_group_has_hosts() -> None:
    assert migrations_pattern({"all": ["one"], "redis_migrations": ["one"]}) == "redis_migrations"


@pytest.mark.parametrize(
    ("groups", "advice"),
    [
        ({"all": [], "redis_migrations": []}, "Name the inventory with -i."),
        ({"all": ["a"], "web": ["a"]}, "Name the inventory with -i."),
        ({"all": ["a"], "redis_migration": ["a"]}, "Is 'redis_migration' meant to be it?"),
        ({"all": ["a"], "redis-migrations": ["a"], "redis_migration": []}, "Is 'redis-migrations' meant to be it?"),
    ],
)
def test_a_group_without_hosts_is_refused(groups: dict[str, list[str]], advice: str) -> None:
    with pytest.raises(AnsibleFilterError) as refusal:
        migrations_pattern(groups)
    assert str(refusal.value).endswith(f"each of them is one migration. {advice}")


def test_a_syntax_check_needs_no_inventory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "CLIARGS", ImmutableDict(syntax=True))
    assert migrations_pattern({"all": []}) == "redis_migrations"


@pytest.mark.parametrize("name", ["redis_migration_worker", "redis-migration-workers", "redis_migrations_workers"])
def test_a_misspelt_group_of_workers_is_refused(name: str) -> None:
    groups = {"all": ["one", "anna"], "redis_migrations": ["one"], name: ["anna"]}
    with pytest.raises(AnsibleFilterError, match=f"but in {name!r}"):
        migrations_pattern(groups)
    assert migrations_pattern({**groups, "redis_migration_workers": ["anna"]}) == "redis_migrations"


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ("orders", ""),
        ("orders,redis_migrations,localhost", ""),
        ("!carts:&all", ""),
        ("orders,fe80::1", ""),
        ("ord*,~c.*,@failed.retry,carts[0]", ""),
        ("orders,cart", "no host and no group 'cart', which --limit names. Did you mean carts?"),
        ("xyz", "no host and no group 'xyz', which --limit names."),
    ],
)
def test_a_misspelt_name_in_the_limit_is_refused(limit: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "CLIARGS", ImmutableDict(subset=limit))
    groups = {"all": ["orders", "carts"], "redis_migrations": ["orders", "carts"]}
    if not said:
        assert migrations_pattern(groups) == "redis_migrations"
        return
    with pytest.raises(AnsibleFilterError) as refusal:
        migrations_pattern(groups)
    assert str(refusal.value).endswith(said)
