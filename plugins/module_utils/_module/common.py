# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What several modules do around their work."""

from __future__ import annotations

import re
import typing as t

from ansible.module_utils.basic import AnsibleModule

from .._cluster.combined import keyspace_info
from .._connection.endpoint import Endpoint
from .._errors import RedisMigrationError, printable
from .._keys.slots import ALL_SLOTS, SLOTS, shard
from .._pipeline.pace import LEAST_LATENCY_MS
from .._server.functions import compare_libraries


def warn_unverified(module: AnsibleModule, *endpoints: Endpoint) -> None:
    """Say loudly that an endpoint's certificate is not verified."""
    for endpoint in endpoints:
        if endpoint.tls and not endpoint.validate_certs:
            module.warn(
                f"The certificate of the {endpoint} is NOT verified (validate_certs: false): anybody on the way can read and "
                "change the data and learn the password."
            )


def around_keys(source: Endpoint, target: Endpoint) -> dict[str, t.Any]:
    """What the servers say of themselves, and their functions. Raises :class:`RedisMigrationError`.

    To be asked after a comparison: reading a key that has expired makes a server remove it, and so count it no more.
    """
    return {
        "servers": {"source": keyspace_info(source), "target": keyspace_info(target)},
        "functions": compare_libraries(source, target).as_dict(),
    }


def per_second(amount: int, seconds: float) -> float:
    """A rate, rounded for people."""
    return round(amount / seconds, 1) if seconds > 0 else 0.0


def processes(params: t.Mapping[str, t.Any]) -> int:
    """The option of that name; 0: by the cores. Raises :class:`RedisMigrationError`."""
    count = params["processes"]
    if count is not None and count < 1:
        raise RedisMigrationError(f"processes is {count}; it must be 1 or more.")
    return count or 0


_SHARD = re.compile(r"([1-9]\d{0,4})/([1-9]\d{0,4})")


def source_shard(params: t.Mapping[str, t.Any]) -> bytes:
    """The slots that the option of that name means; all without it. Raises :class:`RedisMigrationError`."""
    text = params["source_shard"]
    if not text:
        return ALL_SLOTS
    found = _SHARD.fullmatch(text)
    number, count = (int(found[1]), int(found[2])) if found else (0, 0)
    if not found or number > count or count > SLOTS:
        raise RedisMigrationError(
            f"source_shard is '{printable(text)}'; it must be the number of a shard and how many there are, such as '2/8'."
        )
    return shard(number, count)


def max_source_latency(params: t.Mapping[str, t.Any]) -> float:
    """The option of that name, in milliseconds. Raises :class:`RedisMigrationError`."""
    latency_ms: float = params["max_source_latency_ms"]
    if not latency_ms >= LEAST_LATENCY_MS:
        raise RedisMigrationError(
            f"max_source_latency_ms is {latency_ms:g}; it must be {LEAST_LATENCY_MS:g} or more.",
            hint="To spare the source more than that, limit max_keys_per_second.",
        )
    return latency_ms


def check_not_negative(params: t.Mapping[str, t.Any], *names: str) -> None:
    """Raises :class:`RedisMigrationError` for the first of these options that is below 0."""
    for name in names:
        # Nor is nan a number to wait for.
        if not params[name] >= 0:
            raise RedisMigrationError(f"{name} is {params[name]}; it must be 0 or more.")
