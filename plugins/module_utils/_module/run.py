# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a module ends: with the result of its work, or with the one sentence that says what went wrong."""

from __future__ import annotations

import time
import typing as t
from collections.abc import Callable

from ansible.module_utils.basic import AnsibleModule

from .._errors import RedisMigrationError


class Failed(RedisMigrationError):
    """The work failed, and this is what had been done by then."""

    def __init__(self, message: str, result: dict[str, t.Any]) -> None:
        super().__init__(message)
        self.result = result


def run(
    module: AnsibleModule, work: Callable[[AnsibleModule], dict[str, t.Any]], *, needs_redis: bool = True
) -> t.NoReturn:
    """Do the work of a module; its result or its error ends the module. ``needs_redis``: whether it talks to a Redis.

    Either says in ``times`` when it ran: what a run's time went into is told by the results, without further tasks.
    """
    began = time.time()
    if needs_redis:
        # Not above: the modules that talk to Cloud Foundry alone start without redis-py, which takes as long to import
        # as all the rest of them.
        from .._imports import require_libraries

        require_libraries(module)
    failure: RedisMigrationError | None = None
    result: dict[str, t.Any] = {}
    try:
        result = work(module)
    except RedisMigrationError as exc:
        failure = exc
    times = [[began, time.time()]]
    # Outside of the handler, so that no traceback is attached to what is only a sentence.
    if failure is not None:
        module.fail_json(msg=str(failure), **(failure.result if isinstance(failure, Failed) else {}), times=times)
    module.exit_json(**result, times=times)
    raise AssertionError("unreachable")
