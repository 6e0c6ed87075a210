# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a source was written to, from what it counted before and after."""

from __future__ import annotations

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._server.activity import (
    Activity,
    Drift,
    between,
    count_writes,
)

BEFORE = Activity("run", 100, 7, 1000)


@pytest.mark.parametrize(
    ("after", "drift"),
    [
        (Activity("run", 100, 7, 1000), Drift(0, False)),
        (Activity("run", 103, 9, 1000), Drift(3, True)),
        # Commands that wrote nothing.
        (Activity("run", 103, 7, 1000), Drift(3, False)),
        # After a save the count of changes says nothing, so the commands decide.
        (Activity("run", 103, 0, 1005), Drift(3, True)),
        (Activity("run", 100, 0, 1005), Drift(0, False)),
        (Activity("run", 103, 3, 1000), Drift(3, True)),
        # Statistics that were reset, and a server that was restarted.
        (Activity("run", 2, 9, 1000), Drift(None, True)),
        (Activity("run", 2, 0, 1005), Drift(None, False)),
        (Activity("other", 103, 9, 1000), Drift(None, False)),
        # Not permitted to know which commands write.
        (Activity("run", None, 7, 1000), Drift(None, False)),
        (Activity("run", None, 8, 1000), Drift(None, True)),
    ],
)
def test_between(after: Activity, drift: Drift) -> None:
    assert between(BEFORE, after) == drift


def test_an_end_that_could_not_be_asked() -> None:
    assert between(None, BEFORE) == between(BEFORE, None) == Drift(None, False)


def test_sentences() -> None:
    assert Drift(3, False).sentence is None
    assert "(1 write command)" in str(Drift(1, True).sentence)
    assert "(2 write commands)" in str(Drift(2, True).sentence)
    assert "during the run: keys" in str(Drift(None, True).sentence)


def test_writes_that_count() -> None:
    info = {
        "cmdstat_set": "calls=10,usec=1,usec_per_call=1.00,rejected_calls=5,failed_calls=2",
        "cmdstat_xgroup|create": "calls=3,usec=1,usec_per_call=1.00",
        "cmdstat_get": "calls=1000,usec=1,usec_per_call=1.00",
        "cmdstat_migrate": "calls=50,usec=1,usec_per_call=1.00",
        "set": "calls=7",
    }
    assert count_writes(info, {"set", "xgroup|create", "migrate"}) == 11
