# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a strategy is: it moves one chunk of keys and says of each what became of it.

To add one: write its class in a file of this folder and its line in :mod:`strategies`.
"""

from __future__ import annotations

import abc
import dataclasses
import typing as t

from .._connection.endpoint import Endpoint
from .._errors import CommandRefused
from .._pipeline.chunk import Chunk
from .._pipeline.end import End
from .._pipeline.flow import Flow
from .._pipeline.job import Gate, Job
from .._pipeline.pace import Pace
from .._server.dry_run import Need
from .._server.info import Server

# Payloads between the two ends at any time.
IN_FLIGHT_BYTES = 32 * 1024 * 1024


class Vanished(t.NamedTuple):
    """The key was deleted or expired before it could be moved, by the reply to the command ``seen_by``."""

    seen_by: str = "another command"


class Occupied(t.NamedTuple):
    """The target already holds a key of that name, and it was not to be replaced."""


class Refused(t.NamedTuple):
    """An end refused the key, as the server says. ``unreadable``: the target does not understand the payload."""

    reason: str
    hint: str | None = None
    unreadable: bool = False
    type: str | None = None


# What can become of a key that was not moved.
Outcome: t.TypeAlias = "Vanished | Occupied | Refused"


class Moved(t.NamedTuple):
    """What a transfer did. Every key of the chunk whose position is not in ``others`` was acknowledged by the target.

    ``size``: bytes of the acknowledged payloads (or of memory, where no payload was seen).
    ``rebuilt``: how many of the acknowledged keys were moved by ordinary commands.
    """

    size: int
    others: dict[int, Outcome]
    rebuilt: int = 0


@dataclasses.dataclass
class Lane:
    """All a strategy needs: the two ends on one pair of databases, and what bounds the work in flight.

    ``usage``: what of the use of keys is carried (IDLETIME, FREQ), if any.
    ``begun``: whether the run has moved keys already, so that trouble is rather passing than a wrong address.
    ``bytes_per_second``: at which a single large key may be moved (0: no limit); between keys the caller sees to that.
    """

    flow: Flow
    source: End
    target: End
    pace: Pace
    check_mode: bool
    bytes_per_second: float = 0
    usage: bytes | None = None
    begun: bool = False
    payloads: Gate = dataclasses.field(default_factory=lambda: Gate(IN_FLIGHT_BYTES))


class Ends(t.NamedTuple):
    """Both ends before the first key is moved; ``databases``: those of the target that will be written to.

    ``renames``: whether keys may get other names there.
    """

    source: Endpoint
    target: Endpoint
    source_server: Server
    target_server: Server
    databases: tuple[int, ...] = ()
    renames: bool = False


class Transfer(t.Protocol):
    """What moves chunks. ``chunk_keys`` and ``chunk_bytes`` bound what :meth:`transfer` is given at once."""

    chunk_keys: int
    chunk_bytes: int

    def transfer(self, chunk: Chunk, *, replace: bool) -> Job[Moved]:
        """Move the keys of ``chunk``; returns :class:`Moved`.

        With ``replace`` a key of that name at the target is overwritten. In check mode everything is read and nothing
        written. Raises for what concerns every key (no permission, target full).
        """


class Strategy(abc.ABC):
    """One way to move keys: a :class:`Transfer` under a name, with what it needs."""

    # As in the option 'strategy'.
    name: t.ClassVar[str]

    # The commands that its user needs at each end, beside those of every run.
    needs_at_source: t.ClassVar[tuple[Need, ...]]
    needs_at_target: t.ClassVar[tuple[Need, ...]]

    # Whether it sends payloads of the source (DUMP), which the target must be able to read.
    sends_payloads: t.ClassVar[bool] = True

    # Whether the source server itself connects to the target's backend.
    uses_backend: t.ClassVar[bool] = False

    # Whether it carries how keys were used (:attr:`Lane.usage`).
    carries_usage: t.ClassVar[bool] = False

    # Whether keys can get other names at the target.
    renames: t.ClassVar[bool] = True

    # How many chunks may be queued at the source at the same time.
    queued: t.ClassVar[int] = 2

    chunk_keys: int
    chunk_bytes: int

    @abc.abstractmethod
    def __init__(self, lane: Lane) -> None: ...

    @abc.abstractmethod
    def transfer(self, chunk: Chunk, *, replace: bool) -> Job[Moved]:
        """See :meth:`Transfer.transfer`."""

    @classmethod
    def obstacle(cls, ends: Ends) -> str | None:
        """Why it cannot be used between these ends, as half a sentence; None if it can."""
        return None

    @classmethod
    def prepare(cls, ends: Ends) -> None:
        """Prove before the first key what it takes for granted. Raises :class:`RedisMigrationError`."""
        obstacle = cls.obstacle(ends)
        if obstacle:
            raise CommandRefused(
                f"Strategy '{cls.name}' cannot be used: {obstacle}.", hint="Use another strategy, or 'auto'."
            )

    @classmethod
    def write_at_source(cls) -> str | None:
        """The first of its commands that servers count as a write at the source: refused by replicas, held by a pause."""
        return next((need.command for need in cls.needs_at_source if need.writes), None)
