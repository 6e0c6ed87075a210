# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services under Sentinels, gone after the test."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest

from tests.support.sentinels import Service


@pytest.fixture
def service() -> Iterator[Callable[..., Service]]:
    with contextlib.ExitStack() as stack:
        yield lambda *names, **options: stack.enter_context(Service(*names, **options))
