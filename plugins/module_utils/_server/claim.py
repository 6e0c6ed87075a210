# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run at a time writes to a logical database of a target; another one sees that and refuses.

The connections over which a run writes carry a name that tells the run and its databases, and CLIENT LIST shows the
names of all. So nothing is written for it (a run with nothing to do writes nothing at all), and what a killed run held
is free as soon as the server notices that its connections are gone.
"""

from __future__ import annotations

import re
import time
import typing as t

from .._connection.connect import CLIENT_NAME
from .._connection.endpoint import Endpoint
from .._errors import CommandRefused, RedisMigrationError
from .._keys.slots import ALL_SLOTS, both, parsed, text_of
from .clients import Client, parse_client_list

_NAME = re.compile(re.escape(CLIENT_NAME) + r":writes:(?P<databases>[\d,-]+)(?:/(?P<slots>[\d,-]+))?:(?P<run>\w+)")

# How long another run may still be seen before this one gives up, in seconds. Its playbook may have been killed a moment
# ago: its module needs up to 2 s to notice that, and its server a moment to notice that the module is gone. Of two that
# begin together, the one that came later gives up first.
_PATIENCE_WITH_OLDER = 4.0
_PATIENCE_WITH_YOUNGER = 8.0
_LOOK_AGAIN_SECONDS = 0.1


class Claim:
    """The right of one run to write to logical ``databases`` of ``endpoint``. ``run`` tells it from other runs.

    ``slots``: only keys of these; runs of others may write beside it.

    Give ``name`` to every connection that writes, then :meth:`check`. ``blind``: why other runs cannot be seen, if so.
    """

    def __init__(self, endpoint: Endpoint, databases: t.Iterable[int], run: str, slots: bytes = ALL_SLOTS) -> None:
        self._endpoint = endpoint
        self._databases = set(databases)
        self._run = run
        self._slots = slots
        part = "" if slots == ALL_SLOTS else f"/{text_of(slots)}"
        self.name = f"{CLIENT_NAME}:writes:{_ranges(self._databases)}{part}:{run}"
        self.blind: str | None = None

    def check(self, redis_client: t.Any) -> None:
        """Look for other runs that write to the same databases. Raises :class:`RedisMigrationError` if there is one.

        Ask over a connection that was opened after those that carry the name, or carries it itself.
        """
        begun = time.monotonic()
        while True:
            ours, others = self._look(redis_client)
            if not others:
                return
            older = min(client.id for client in others) < min((client.id for client in ours), default=0)
            if time.monotonic() - begun > (_PATIENCE_WITH_OLDER if older else _PATIENCE_WITH_YOUNGER):
                raise self._taken(min(others, key=lambda client: client.id))
            time.sleep(_LOOK_AGAIN_SECONDS)

    def _look(self, redis_client: t.Any) -> tuple[list[Client], list[Client]]:
        """The connections of this run, and those of others that write to the same databases."""
        ours: list[Client] = []
        others: list[Client] = []
        try:
            clients = parse_client_list(redis_client.execute_command("CLIENT", "LIST"))
        except CommandRefused as exc:
            self.blind = exc.message
            return ours, others
        for client in clients:
            found = _NAME.fullmatch(client.name)
            if found and found["run"] == self._run:
                ours.append(client)
            elif found and self._databases & _numbers(found["databases"]) and self._meets(found["slots"]):
                others.append(client)
        if self._databases and not ours:
            self.blind = f"The user of the {self._endpoint.role} may not give its connections a name (CLIENT SETNAME)."
        return ours, others

    def _meets(self, slots: str | None) -> bool:
        """Whether another run, of these slots or of all, writes to keys of this one."""
        return slots is None or 1 in both(self._slots, parsed(slots))

    def _taken(self, other: Client) -> RedisMigrationError:
        both = sorted(self._databases & _numbers(_NAME.fullmatch(other.name)["databases"]))  # type: ignore[index]
        which = f"database{'s' * (len(both) > 1)} {_ranges(both)}"
        return RedisMigrationError(
            f"Another run is writing to {which} of the {self._endpoint}: it is connected from {other.address} for"
            f" {other.age} s, idle for {other.idle} s.",
            hint="Wait until that run has ended, then run again. If its machine is gone, the server drops the connection by"
            f" itself after some minutes (tcp-keepalive), and at once on CLIENT KILL ID {other.id}.",
        )


def _ranges(numbers: t.Iterable[int]) -> str:
    """``0-3,7``"""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and runs[-1][-1] == number - 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    return ",".join("-".join(map(str, run)) for run in runs) or "-"


def _numbers(ranges: str) -> set[int]:
    found: set[int] = set()
    for run in filter(None, ranges.strip("-").split(",")):
        first, _dash, last = run.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return found
