# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One end of a run: its endpoint, what the server is, and the pipe to one of its logical databases."""

from __future__ import annotations

import typing as t

from .._connection import identity as _identity
from .._connection.commands import Names, each, together
from .._connection.connect import CLIENT_NAME
from .._connection.endpoint import Endpoint
from .._connection.explain import explain_reply, is_transient
from .._connection.replies import any_error, check_shape, is_error
from .._errors import RedisMigrationError
from .._keys.rename import Renaming
from .._keys.selection import Selection
from .._server.info import Server
from .expiry import ExpiryReader
from .job import Job, Unsteady
from .pipe import DEFAULT_REPLY_LIMIT, Call, Pipe
from .raw_pipe import RawPipe
from .spares import Spares


class End:
    """The source or the target, one logical database of it. ``name``: of the connection over which it is written to.

    ``renaming``: how the source's keys are called here, if otherwise than there.
    ``others``: of a source that is a primary of a cluster, its other primaries, where they are asked (see :mod:`.elsewhere`).
    ``spares``: of a run that goes through several databases one after the other.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        server: Server,
        database: int,
        name: str = CLIENT_NAME,
        renaming: Renaming | None = None,
        others: t.Sequence[Endpoint] = (),
        spares: Spares | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.server = server
        self.database = database
        self.renaming = renaming
        self.others = [End(other, server, database) for other in others]
        self.spares = spares
        self.pipe = Pipe(endpoint, database, name, spares)
        # A second connection for answers that only need to be the same; opened by those who compare.
        self.raw: RawPipe | None = None
        self.expiries = ExpiryReader(self.pipe, server)
        self.clock_slack_ms = 0

    def named(self, keys: list[bytes]) -> list[bytes]:
        """What the source's ``keys`` are called here."""
        return keys if self.renaming is None else self.renaming.all_there(keys)

    def name_of(self, key: bytes) -> bytes:
        """What one is called."""
        return key if self.renaming is None else self.renaming.there(key)

    def keys_of(self, name: bytes) -> list[bytes]:
        """The keys of the source that may be called ``name`` here."""
        return [name] if self.renaming is None else self.renaming.back(name)

    def chooser(self, selection: Selection) -> t.Callable[[bytes], bool] | None:
        """Whether a name here is that of a key which ``selection`` chooses, or None when every one is."""
        return selection.chooser() if self.renaming is None else self.renaming.concerns

    def in_region(self, selection: Selection) -> t.Callable[[list[bytes]], list[bytes]] | None:
        """What picks those of the names here that are in the region of ``selection``, or None when all are."""
        if selection.region is None:
            return None
        if self.endpoint.role == "source":
            return selection.region.keys(selection.renaming(self.database))
        return selection.region.names(self.renaming)

    def use_clock_of_other_end(self, shift_ms: int, slack_ms: int) -> None:
        """Have expiries read here by the clock of the other end, which is ``shift_ms`` ahead, or about so much."""
        self.expiries.shift_ms = shift_ms
        self.clock_slack_ms = slack_ms

    @property
    def clock_shift_ms(self) -> int:
        """What is added to the times of this end, so that they are by the other end's clock."""
        return self.expiries.shift_ms

    def call(self, commands: bytes, count: int, limit: int = DEFAULT_REPLY_LIMIT) -> Call:
        """Commands for this end that give ``count`` replies."""
        return Call(self.pipe, commands, count, limit)

    def about_all(self, command: bytes, names: Names) -> tuple[bytes, int]:
        """``command`` about all of ``names``, and how many replies that gives: one, or from a node of a cluster one for each."""
        if self.server.in_cluster:
            return each(command, names), len(names)
        return together(command, names), 1

    def pipes(self, *, compares: bool) -> list[Pipe]:
        """What is to be opened; ``compares`` says whether values will be compared."""
        pipes = [self.pipe, *(other.pipe for other in self.others)]
        if compares:
            self.raw = RawPipe(self.endpoint, self.database, spares=self.spares)
            pipes.append(self.raw)
        return pipes

    def identity(self) -> Job[_identity.Identity]:
        """Who is at the other end of the connection that is being worked with."""
        replies = yield self.call(_identity.ASK, _identity.REPLIES)
        return self.identity_in(replies)

    def identity_in(self, replies: t.Sequence[t.Any]) -> _identity.Identity:
        """What the replies to the question for it tell. Raises :class:`Unsteady` where they will tell later."""
        for reply in replies:
            if is_error(reply) and is_transient(str(reply)):
                raise Unsteady(self.pipe, self.refusal(reply, "INFO"))
        return _identity.checked_identity(replies, self.endpoint)

    def refusal(self, reply: t.Any, *command: str) -> RedisMigrationError:
        """The exception for an error reply."""
        return explain_reply(reply, self.endpoint, command=command, database=self.database)

    def check(self, replies: t.Sequence[t.Any], *command: str) -> None:
        """Raise for the first reply that is an error, or that the command never gives.

        :class:`Unsteady` where time may cure it, else the sentence for it.
        """
        if any_error(replies):
            for reply in replies:
                if is_error(reply):
                    error = self.refusal(reply, *command)
                    if is_transient(str(reply)):
                        raise Unsteady(self.pipe, error)
                    raise error
        check_shape(replies, command[0] if command else "", self.endpoint)
