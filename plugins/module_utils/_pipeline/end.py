# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One end of a run: its endpoint, what the server is, and the pipe to one of its logical databases."""

from __future__ import annotations

import typing as t

from .._connection.commands import each, one
from .._connection.connect import CLIENT_NAME
from .._connection.endpoint import Endpoint
from .._connection.explain import explain_reply, is_transient
from .._connection.replies import any_error, is_error
from .._errors import RedisMigrationError
from .._server.info import Server
from .expiry import ExpiryReader
from .flow import Flow
from .job import Job, Unsteady
from .pipe import DEFAULT_REPLY_LIMIT, Call, Pipe
from .raw_pipe import RawPipe


class End:
    """The source or the target, one logical database of it. ``name``: of the connection over which it is written to."""

    def __init__(self, endpoint: Endpoint, server: Server, database: int, name: str = CLIENT_NAME) -> None:
        self.endpoint = endpoint
        self.server = server
        self.database = database
        self.pipe = Pipe(endpoint, database, name)
        # A second connection for answers that only need to be the same; opened by those who compare.
        self.raw: RawPipe | None = None
        self.expiries = ExpiryReader(self.pipe, server)

    def call(self, commands: bytes, count: int, limit: int = DEFAULT_REPLY_LIMIT) -> Call:
        """Commands for this end that give ``count`` replies."""
        return Call(self.pipe, commands, count, limit)

    def open_pipes(self, flow: Flow, *, compares: bool) -> None:
        """Connect; ``compares`` says whether values will be compared."""
        flow.add_pipe(self.pipe)
        if compares:
            self.raw = RawPipe(self.endpoint, self.database)
            flow.add_pipe(self.raw)

    def refusal(self, reply: t.Any, *command: str) -> RedisMigrationError:
        """The exception for an error reply."""
        return explain_reply(reply, self.endpoint, command=command, database=self.database)

    def check(self, replies: t.Sequence[t.Any], *command: str) -> None:
        """Raise for the first error reply: :class:`Unsteady` where time may cure it, else the sentence for it."""
        if not any_error(replies):
            return
        for reply in replies:
            if is_error(reply):
                error = self.refusal(reply, *command)
                if is_transient(str(reply)):
                    raise Unsteady(self.pipe, error)
                raise error


def absent(end: End, names: list[bytes]) -> Job[t.Any]:
    """Those of ``names`` that ``end`` does not have: one EXISTS for all, and one each only where some are missing."""
    if not names:
        return []
    (count,) = yield end.call(one(b"EXISTS", *names), 1)
    end.check([count], "EXISTS")
    if count == len(names):
        return []
    there = yield end.call(each(b"EXISTS", names), len(names))
    end.check(there, "EXISTS")
    return [name for name, found in zip(names, there) if not found]
