# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import threading

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.patience import side_by_side
from ansible_collections.dataservices.redis_migration.plugins.module_utils._errors import ConnectError


class _Both:
    """Two questions of which each is answered only once the other is asked as well."""

    def __init__(self) -> None:
        self._met = threading.Barrier(2, timeout=10)

    def source(self) -> str:
        self._met.wait()
        return "source"

    def target(self) -> int:
        self._met.wait()
        return 2


def _refuse(end: str) -> str:
    raise ConnectError(f"The {end} is away.")


def test_both_are_asked_at_the_same_time() -> None:
    both = _Both()
    assert side_by_side(both.source, both.target) == ("source", 2)


def test_the_error_of_either_is_raised() -> None:
    with pytest.raises(ConnectError, match=r"The target is away\."):
        side_by_side(lambda: "source", lambda: _refuse("target"))
    with pytest.raises(ConnectError, match=r"The source is away\."):
        side_by_side(lambda: _refuse("source"), lambda: _refuse("target"))


def test_an_error_of_the_source_does_not_wait_for_the_target() -> None:
    asked, over = threading.Event(), threading.Event()

    def never() -> None:
        asked.set()
        over.wait(30)

    def refuse() -> str:
        asked.wait(10)
        return _refuse("source")

    try:
        with pytest.raises(ConnectError, match="source"):
            side_by_side(refuse, never)
        assert not over.is_set()
    finally:
        over.set()
