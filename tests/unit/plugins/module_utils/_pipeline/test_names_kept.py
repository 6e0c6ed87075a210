# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where keys keep their names, nothing is done for a key because others get new ones."""

from __future__ import annotations

from typing import Any

from ansible_collections.dataservices.redis_migration.plugins.module_utils._compare.both_ends import Both
from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.endpoint import Endpoint
from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.rename import Renaming
from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.selection import Selection
from ansible_collections.dataservices.redis_migration.plugins.module_utils._pipeline.clashes import clashes
from ansible_collections.dataservices.redis_migration.plugins.module_utils._pipeline.end import End
from tests.support.sides import a_server

KEYS = [b"a:1", b"b:1"]


def end(renaming: Renaming | None = None) -> End:
    return End(Endpoint("target", "nowhere"), a_server(), 0, renaming=renaming)


def test_names_are_the_very_keys() -> None:
    target = end()
    assert target.named(KEYS) is KEYS
    both = Both.of(KEYS, target)
    assert both.its is both.mine
    picked = both.pick([1])
    assert picked.its is picked.mine
    mine, its = both.asked(b"TYPE")
    assert mine is its
    assert target.chooser(Selection()) is None


def test_no_key_is_looked_for() -> None:
    for renaming in (None, Renaming({b"": b"db1:"}), Renaming({b"a:": b"b:", b"b:": b"a:"})):
        job: Any = clashes(end(), renaming, KEYS)
        assert answer_of(job) == {}


def answer_of(job: Any) -> Any:
    """What a job returns that asks nothing."""
    try:
        asked = next(job)
    except StopIteration as done:
        return done.value
    raise AssertionError(f"it asks {asked}")
