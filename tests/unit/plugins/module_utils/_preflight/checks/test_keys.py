# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the keys of both ends say about a run. The look at names of a target needs a server and is tested with one."""

from __future__ import annotations

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.checks.keys import (
    large_keys,
    source_keys,
    target_keys,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.situation import (
    Sampled,
    Situation,
)
from tests.support.sides import a_server, a_side, a_situation


def situation(source: int, target: int, **question: bool) -> Situation:
    return a_situation(a_side("source", a_server(keys=source)), a_side("target", a_server(keys=target)), **question)


@pytest.mark.parametrize(
    ("source", "target", "status", "next_step"),
    [
        (1, 0, "ok", ""),
        (0, 0, "warn", "Check that this is the source"),
        (0, 1, "warn", "Are the two ends swapped?"),
    ],
)
def test_an_empty_source_is_odd(source: int, target: int, status: str, next_step: str) -> None:
    verdict = source_keys(situation(source, target))
    assert verdict.status == status
    assert verdict.next_step.startswith(next_step)


def test_prune_by_an_empty_source_fails() -> None:
    verdict = source_keys(situation(0, 1, prune=True))
    assert verdict.status == "fail"
    assert "prune would delete all 1 keys" in verdict.message
    assert source_keys(situation(0, 0, prune=True)).status == "warn"


def test_keys_of_databases_that_are_not_chosen_do_not_count() -> None:
    known = situation(3, 0)
    assert "3 keys, 0 of them with an expiry time, in 1 database;" in source_keys(known).message
    known.pairs = [(1, 1)]
    assert "no keys in the chosen databases (and 3 in all)" in source_keys(known).message


def test_nothing_is_looked_at_in_an_empty_target() -> None:
    assert target_keys(situation(3, 0)).status == "ok"
    known = situation(3, 5)
    known.pairs = [(0, 1)]
    assert target_keys(known).status == "ok"


def test_keys_above_the_limit_move_in_pieces() -> None:
    known = situation(2, 0)
    known.sizes = []
    assert large_keys(known).message == "There are no keys to be large."
    limit = known.question.large_key_bytes
    known.sizes = [Sampled(limit, 0, b"at"), Sampled(limit - 1, 0, b"below")]
    assert large_keys(known).message == "The largest of 2 sampled keys takes 2.0 MiB: 'at' in database 0."
    known.sizes.append(Sampled(limit + 1, 3, b"ab\n"))
    assert large_keys(known).message == (
        "The largest of 3 sampled keys takes 2.0 MiB: 'ab\\n' in database 3; 1 above 2.0 MiB (large_key_bytes) will move"
        " in pieces."
    )
