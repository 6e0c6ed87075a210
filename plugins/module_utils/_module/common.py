# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What several modules do around their work."""

from __future__ import annotations

import typing as t
from collections.abc import Callable

from ansible.module_utils.basic import AnsibleModule

from .._connection.endpoint import Endpoint
from .._errors import RedisMigrationError
from .._imports import require_libraries


def warn_unverified(module: AnsibleModule, *endpoints: Endpoint) -> None:
    """Say loudly that an endpoint's certificate is not verified."""
    for endpoint in endpoints:
        if endpoint.tls and not endpoint.validate_certs:
            module.warn(
                f"The certificate of the {endpoint} is NOT verified (validate_certs: false): anybody on the way can read and "
                "change the data and learn the password."
            )


def per_second(amount: int, seconds: float) -> float:
    """A rate, rounded for people."""
    return round(amount / seconds, 1) if seconds > 0 else 0.0


def check_not_negative(params: t.Mapping[str, t.Any], *names: str) -> None:
    """Raises :class:`RedisMigrationError` for the first of these options that is below 0."""
    for name in names:
        # Nor is nan a number to wait for.
        if not params[name] >= 0:
            raise RedisMigrationError(f"{name} is {params[name]}; it must be 0 or more.")


class Failed(RedisMigrationError):
    """The work failed, and this is what had been done by then."""

    def __init__(self, message: str, result: dict[str, t.Any]) -> None:
        super().__init__(message)
        self.result = result


def run(
    module: AnsibleModule, work: Callable[[AnsibleModule], dict[str, t.Any]], *, needs_redis: bool = True
) -> t.NoReturn:
    """Do the work of a module; its result or its error ends the module. ``needs_redis``: whether it talks to a Redis."""
    if needs_redis:
        require_libraries(module)
    failure: RedisMigrationError | None = None
    result: dict[str, t.Any] = {}
    try:
        result = work(module)
    except RedisMigrationError as exc:
        failure = exc
    # Outside of the handler, so that no traceback is attached to what is only a sentence.
    if failure is not None:
        module.fail_json(msg=str(failure), **(failure.result if isinstance(failure, Failed) else {}))
    module.exit_json(**result)
    raise AssertionError("unreachable")
