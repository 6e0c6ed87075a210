# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the source is still what it was when the run began: least of all must the target lose what the source lost."""

from __future__ import annotations

import typing as t

from .._connection import identity as _identity
from .._connection.commands import each
from .._connection.identity import Identity
from .._errors import RedisMigrationError
from .._pipeline.elsewhere import still_absent
from .._pipeline.end import End
from .._pipeline.job import Job
from .._server import loss
from .._server.continuity import Continuity, Opened, ServerChanged
from .._server.info import Server
from .._server.loss import Holding, holding_of
from .progress import Plan, Progress


class SourceGuard:
    """Looks at the source of a run. Whatever it raises, nothing was deleted because of what was lost."""

    def __init__(self, plan: Plan, progress: Progress, continuity: Continuity) -> None:
        self._plan = plan
        self._progress = progress
        self._continuity = continuity

    def connected(self, opened: Opened) -> None:
        """On each connection of a run, to either end, before it is used: it must be whom the run knows, with its data."""
        self._continuity.check_reopened(opened)
        if opened.endpoint is self._plan.source:
            self.opened(opened.identity)
        else:
            self._continuity.check(opened.endpoint, opened.identity)

    def opened(self, identity: Identity) -> None:
        """A connection was opened. A FLUSH may have been of another database; what it took, :meth:`look` finds."""
        if not self._only_flushed(identity):
            self._continuity.check(self._plan.source, identity)

    def look(self, source: End) -> Job[None]:
        """Ask, without a break of the connection that reads. Raises :class:`ServerChanged` and what operators read."""
        replies = yield source.call(_identity.ASK + loss.ASK, _identity.REPLIES + loss.REPLIES)
        self._look_at(source, replies)

    def still_absent(self, source: End, names: list[bytes]) -> Job[list[bytes]]:
        """Those of ``names`` that a source which is what it was does not hold; asked in one go, just before deletion."""
        if source.endpoint is not self._plan.source:
            return (yield from still_absent(source, names))
        count = len(names)
        commands = each(b"EXISTS", names) + _identity.ASK + loss.ASK
        replies = yield source.call(commands, count + _identity.REPLIES + loss.REPLIES)
        source.check(replies[:count], "EXISTS")
        self._look_at(source, replies[count:])
        return [name for name, found in zip(names, replies) if not found]

    def changed(self, before: Identity, server: Server) -> None:
        """Another server is there, or another one's data. Raises :class:`RedisMigrationError` where it has less."""
        held = self._progress.held
        if held is None:
            return
        now = holding_of(server, self._numbers)
        same = before.same_process(server.identity)
        # Keys that went to another database, as by SWAPDB, are not lost: all are looked at again.
        lost = held.together.unexplained(now.together, max(0, now.expired - held.expired) if same else 0)
        what = "was restarted"
        if same:
            forgot = before.forgotten_by(server.identity)
            what = "had its statistics reset (CONFIG RESETSTAT)" if forgot else "got other data"
        if held.keys and not now.keys and lost:
            raise RedisMigrationError(
                f"The {self._plan.source} {what} in the middle of the run and came back without its data"
                f" ({held.keys} keys before).",
                hint="What was moved until then is at the target. Restore the source from a backup, then run again.",
            )
        if lost > (0 if self._plan.prune else held.tolerated(self._plan.prune_limit)) and self._plan.prune_limit < 1:
            raise RedisMigrationError(
                f"The {self._plan.source} {what} in the middle of the run and came back with {now.keys} keys"
                f" ({held.keys} keys before).{self._pruned()}",
                hint="Check what the source lost. If nothing that matters, run again.",
            )
        self._progress.held = now

    def _look_at(self, source: End, replies: t.Sequence[t.Any]) -> None:
        identity = source.identity_in(replies[: _identity.REPLIES])
        flushed = self._only_flushed(identity)
        if not flushed:
            self._continuity.check(self._plan.source, identity)
        if self._plan.prune:
            # Without it nothing would show that keys are gone there.
            source.check(replies[_identity.REPLIES :], "INFO")
        held, now = self._progress.held, loss.holding_in(replies[_identity.REPLIES :], self._numbers)
        if held is None:
            return
        if now is None:
            if flushed:
                raise ServerChanged(self._plan.source, identity)
            return
        # A replica does not count what expires; its primary deletes it there.
        volatile = held.volatile - now.volatile if identity.role != "master" and not flushed else 0
        expired = max(volatile, now.expired - held.expired, 0)
        lost = held.unexplained(now, expired)
        self._progress.lost = max(lost, self._progress.lost)
        if held.lost_too_much(now, expired, self._plan.prune_limit):
            if flushed:
                raise self._gone(lost, held, f"by a FLUSH ({now.keys} are left)")
            if self._plan.prune:
                raise self._gone(lost, held, "by commands, not by expiry")
        if flushed:
            self._continuity.accept(self._plan.source, identity)

    def _only_flushed(self, identity: Identity) -> bool:
        """True where nothing else has happened since than a FLUSH: a cursor of SCAN is good for what is left."""
        if not self._continuity.begun(self._plan.source):
            return False
        known = self._continuity.latest(self._plan.source)
        if known.replacements is None or identity.replacements is None:
            return False
        same_history = (known.role, known.replication_id) == (identity.role, identity.replication_id)
        flushed = identity.replacements > known.replacements and identity.swaps == known.swaps
        return known.same_process(identity) and same_history and flushed and not known.forgotten_by(identity)

    def _gone(self, lost: int, held: Holding, how: str) -> RedisMigrationError:
        return RedisMigrationError(
            f"{lost} of the {held.keys} keys of the {self._plan.source} were deleted in the middle"
            f" of the run, {how}.{self._pruned()}",
            hint="Check what happened there. If it is meant, run again: the next run begins with what the source holds then;"
            f" or raise 'prune_limit' (now {self._plan.prune_limit:g}; 1 is no limit).",
        )

    def _pruned(self) -> str:
        return (
            " Nothing was pruned for that: prune would delete from the target what it lost." if self._plan.prune else ""
        )

    @property
    def _numbers(self) -> list[int]:
        return [here for here, _there in self._progress.pairs]
