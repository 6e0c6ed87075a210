# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tells servers apart, out of what they say of themselves; and what tells nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.identity import (
    Identity,
    identity_of,
)

KNOWN = Identity(
    run_id="a" * 40,
    process_id="7",
    port="6379",
    started=1000,
    replication_id="b" * 40,
    role="master",
    replacements=0,
    calls={"get": 5},
)


def test_nothing_is_made_of_zeros_and_errors() -> None:
    nothing = identity_of([None, f"run_id:{'0' * 40}\r\nprocess_id:0\r\n".encode(), None, b"master_replid2:000\r\n"])
    assert nothing == Identity()
    assert not nothing.known


def test_the_start_is_told_by_the_servers_own_clock() -> None:
    assert identity_of([[b"5000", b"1"], b"uptime_in_seconds:4000\r\n", None, None]).started == 1000


def test_calls_that_failed_replaced_nothing() -> None:
    statistics = b"cmdstat_flushall:calls=3,usec=1,rejected_calls=9,failed_calls=1\r\ncmdstat_swapdb:calls=1,usec=1\r\n"
    found = identity_of([None, None, None, statistics])
    assert (found.replacements, found.swaps) == (3, 1)


def test_a_refused_reset_of_the_statistics_resets_nothing() -> None:
    def counted(reset: bytes) -> Identity:
        return identity_of([None, None, None, b"cmdstat_get:calls=5,usec=1\r\n" + reset])

    line = b"cmdstat_config|resetstat:calls=%d,usec=%d,usec_per_call=0.00,rejected_calls=%d,failed_calls=0\r\n"
    assert counted(b"").same_data(counted(line % (0, 0, 1)))
    assert counted(line % (1, 7, 1)).same_data(counted(line % (1, 7, 2)))
    assert not counted(line % (1, 7, 1)).same_data(counted(line % (1, 8, 0)))


@pytest.mark.parametrize("change", [{"run_id": "c" * 40}, {"process_id": "8"}, {"port": "6380"}, {"started": 1003}])
def test_two_processes(change: dict[str, object]) -> None:
    assert not KNOWN.same_process(replace(KNOWN, **change))


@pytest.mark.parametrize("change", [{}, {"run_id": None}, {"started": 1002}, {"role": "slave"}, {"replacements": 1}])
def test_one_process(change: dict[str, object]) -> None:
    assert KNOWN.same_process(replace(KNOWN, **change))


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"role": None, "replacements": None, "replication_id": None}, True),
        ({"role": "slave"}, False),
        ({"replacements": 1}, False),
        ({"calls": {"get": 6, "set": 2}}, True),
        # CONFIG RESETSTAT: what is counted now says nothing of what was.
        ({"calls": {"get": 4}}, False),
        ({"calls": {"get": 5}, "reset": "calls=1,usec=9"}, False),
        # A first replica attached.
        ({"replication_id": "d" * 40}, True),
        # It was a replica, and was promoted.
        ({"replication_id": "d" * 40, "former_id": "e" * 40}, False),
        # Nothing shows that it is the same process.
        ({"replication_id": "d" * 40, "run_id": None}, False),
    ],
)
def test_data_that_came_from_elsewhere(change: dict[str, object], same: bool) -> None:
    assert KNOWN.same_data(replace(KNOWN, **change)) is same
