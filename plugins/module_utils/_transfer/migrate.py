# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Strategy ``migrate``: the source server sends keys to the target itself (MIGRATE … COPY); only names pass through here.

MIGRATE alone proves nothing: a wrong password or database can still write keys, ``+OK`` can hide missing keys, expiries
are relative, one error stands for many keys. So credentials and database are proved on a connection of our own before
the first key, the first key proves that the backend address leads to the target, every batch is confirmed at the target
key by key, and expiries are set there absolutely.
"""

from __future__ import annotations

import typing as t

from .._compare.comparer import Comparer
from .._compare.verdict import Gone
from .._connection.commands import TIME, each, one, pack
from .._connection.explain import is_redirection, is_transient, reply_text
from .._connection.exposed_frontend import is_exposed_frontend
from .._connection.replies import between_us, is_error, is_unreadable
from .._errors import ClusterChanged, CommandRefused
from .._keys.slots import by_slot
from .._pipeline.absence import absent
from .._pipeline.chunk import Chunk
from .._pipeline.expiry import GONE, NEVER, Expiry
from .._pipeline.job import Gate, Job, Sleep, Take, Unsteady
from .._server.dry_run import KEY, HeldBack, Need, denied, queue
from . import backend
from .lifetimes import carried, expire_at
from .strategy import Ends, Lane, Moved, Occupied, Outcome, Refused, Strategy, Vanished

# Milliseconds without progress after which the source gives a transfer up. It serves nobody meanwhile.
_IDLE_MS = 3000

# How often a key that exists at the source is sent before it is given up.
_TRIES = 3

# How often the connection of the source to the target may break before the first key of a run is through. Each time the
# pause is longer by so many seconds. Later it is waited for as everywhere.
_FIRST_TRIES = 6
_FIRST_PAUSE = 0.2

# A source that waited in vain for the target has served nobody meanwhile: for so many times as long it is left alone.
_REST = 3

# Stands before what the target said, where an error of MIGRATE is of the target.
_QUOTING = "replied with error: "

# Expiries set at the target may differ by rounding from those at the source.
_EXPIRY_TOLERANCE_MS = 10

# Why it cannot be used where keys get other names.
KEEPS_NAMES = "keys get other names at the target, and MIGRATE keeps their names"


class MigrateStrategy(Strategy):
    """Moves keys by MIGRATE COPY in batches that keep the source busy for a few milliseconds each."""

    name = "migrate"
    needs_at_source = (Need("MIGRATE", "migrate", ("127.0.0.1", "1", KEY, "0", "1", "COPY"), writes=True),)
    needs_at_target = (
        Need("RESTORE", "migrate", (KEY, "0", "x"), writes=True),
        Need("PTTL", "migrate", (KEY,)),
        Need("PEXPIREAT", "migrate", (KEY, "1"), writes=True),
        Need("PERSIST", "migrate", (KEY,), writes=True),
        Need("DEL", "migrate", (KEY,), writes=True),
    )
    uses_backend = True
    renames = False
    # Each costs the same besides its keys, and the source serves nobody else while it carries out one, nor between two.
    queued = 1
    chunk_keys = 1000
    chunk_bytes = 256 * 1024

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._backend = backend.backend_of(lane.target.endpoint)
        self._comparer = Comparer(lane.flow, lane.source, lane.target, _EXPIRY_TOLERANCE_MS)
        self._proved = False
        self._first = Gate(1)
        self._breaks = 0

    @classmethod
    def obstacle(cls, ends: Ends) -> str | None:
        if ends.source_server.role != "master":
            return "the source is a replica"
        if ends.renames:
            return KEEPS_NAMES
        address = backend.backend_of(ends.target)
        if is_exposed_frontend(address.host):
            return f"the backend {address} is an exposed frontend"
        try:
            replies = queue(ends.source, [("MIGRATE", address.host, str(address.port), "key", "0", "1000", "COPY")])
        except HeldBack as exc:
            return exc.message
        if isinstance(replies, str):
            return f"whether user '{ends.source.user}' may use it cannot be found out"
        return reply_text(replies[0]) if denied(replies[0]) else None

    @classmethod
    def prepare(cls, ends: Ends) -> None:
        # What is permitted and who is a replica, MIGRATE itself says before it writes; the backend it would not.
        backend.check_backend(ends.target, list(ends.databases))

    def transfer(self, chunk: Chunk, *, replace: bool) -> Job[Moved]:
        if self._lane.check_mode:
            return (yield from self._would_transfer(chunk))
        if not self._proved:
            yield Take(self._first, 1)
            try:
                obstacle: Outcome | None = None if self._proved else (yield from self._prove(chunk.names))
            finally:
                self._lane.flow.give(self._first, 1)
            if obstacle is not None:
                return Moved(0, dict.fromkeys(range(len(chunk)), obstacle))
        if not self._lane.source.server.in_cluster:
            return (yield from self._migrate(chunk, replace))
        # A node of a cluster sends keys of one slot at a time.
        size, others = 0, dict[int, Outcome]()
        for positions in by_slot(chunk.names):
            moved: Moved = yield from self._migrate(chunk.pick(positions), replace)
            size += moved.size
            others.update({positions[index]: outcome for index, outcome in moved.others.items()})
        return Moved(size, others)

    def _prove(self, names: t.Sequence[bytes]) -> Job[Outcome | None]:
        """Find out by one of ``names`` whether the source reaches the target; returns what became of all, if by none."""
        for name in names:
            proof = yield from self._proves(name)
            if isinstance(proof, Refused):
                return proof
            if proof:
                self._proved = True
                return None
        return Vanished("MIGRATE")

    def _would_transfer(self, chunk: Chunk) -> Job[Moved]:
        there = yield self._lane.source.call(each(b"EXISTS", chunk.names), len(chunk))
        self._lane.source.check(there, "EXISTS")
        return _moved(chunk, {position: Vanished("EXISTS") for position, exists in enumerate(there) if not exists})

    def _command(self, names: t.Sequence[bytes], replace: bool) -> bytes:
        target = self._lane.target
        args = [
            b"MIGRATE",
            self._backend.host.encode("idna"),
            b"%d" % self._backend.port,
            b"",
            b"%d" % target.database,
        ]
        args += [b"%d" % _IDLE_MS, b"COPY"]
        if replace:
            args.append(b"REPLACE")
        if self._backend.username and self._backend.password:
            args += [b"AUTH2", self._backend.username.encode(), self._backend.password.encode()]
        elif self._backend.password:
            args += [b"AUTH", self._backend.password.encode()]
        return one(*args, b"KEYS", *names)

    def _proves(self, name: bytes) -> Job[bool | Refused]:
        """One key, without REPLACE, shows whether the source reaches the target under the backend's address.

        False if the key was gone, which proves nothing; :class:`Refused` if the target understands no payload of the source.
        Raises where it went to some other server.
        """
        source, target = self._lane.source, self._lane.target
        before = yield target.call(pack(b"EXISTS", name), 1)
        target.check(before, "EXISTS")
        began, reply, ended = yield source.call(TIME + self._command([name], replace=False) + TIME, 3)
        source.check((began, ended), "TIME")
        text = reply_text(reply)
        if is_error(reply) and text.startswith("IOERR"):
            yield from self._broken(reply, between_us(began, ended))
        if is_error(reply) and "payload version" in text:
            return Refused(text, self._hint(text), unreadable=True)
        if is_error(reply) and "Bad data format" in text:
            # Of this key alone.
            return False
        if is_error(reply) and "BUSYKEY" not in text:
            self._refuse(reply)
        if reply == b"NOKEY":
            return False
        after = yield target.call(pack(b"EXISTS", name), 1)
        target.check(after, "EXISTS")
        # The key was there before and nothing objected, or it was not and still is not: some other server took it.
        if (before[0] and reply == b"OK") or not after[0]:
            still = yield source.call(pack(b"EXISTS", name), 1)
            if not still[0]:
                return False
            raise CommandRefused(
                f"The backend {self._backend} is not the target {target.endpoint.address}: a key sent there by the source "
                "did not arrive at the target.",
                hint="Give the target's own internal address as 'backend' (the service key of its '-internal' instance has"
                " it). Nothing else was sent; look for one key too many at the wrong server.",
            )
        if reply == b"OK":
            # So that the batch it belongs to can move it like every other.
            yield target.call(pack(b"DEL", name), 1)
        return True

    def _migrate(self, chunk: Chunk, replace: bool, tries: int = _TRIES) -> Job[Moved]:
        lane, source, target = self._lane, self._lane.source, self._lane.target
        names = chunk.names
        none_expires = source.expiries.nothing_expires
        proof, proofs = source.expiries.commands(names) if none_expires else (b"", 0)
        work, cost = 2 * len(names), lane.pace.cost(2 * len(names), chunk.size)
        yield Take(lane.pace.gate, cost)
        try:
            commands = TIME + self._command(names, replace) + TIME + proof
            began, reply, ended, *rest = yield source.call(commands, 3 + proofs)
        finally:
            lane.flow.give(lane.pace.gate, cost)
        source.check((began, ended), "TIME")
        lane.pace.observe(work, chunk.size, between_us(began, ended))
        if is_error(reply) and reply_text(reply).startswith("IOERR"):
            # How far it came is unknown: do the batch again.
            yield from self._broken(reply, between_us(began, ended))
        if is_error(reply):
            expiries = yield from source.expiries.ask(names)
            return (yield from self._sort_out(chunk, reply, expiries, replace))
        expiries = (yield from source.expiries.read(names, rest)) if none_expires else []
        if none_expires and expiries.count(NEVER) == len(names):
            replies = yield target.call(*target.about_all(b"EXISTS", names))
            target.check(replies, "EXISTS")
            there = sum(replies) == len(names)
        else:
            there = yield from carried(source, target, names)
        # A key that was not at the target before and is there now was moved. One that was to be replaced may still be
        # the old one, if it was no longer at the source.
        if reply == b"OK" and there and (not replace or not (yield from absent(source, names))):
            return Moved(chunk.size, {})
        return (yield from self._one_by_one(chunk, replace, tries - 1))

    def _one_by_one(self, chunk: Chunk, replace: bool, tries: int) -> Job[Moved]:
        """What became of each key of a batch in which not all is as it should be."""
        source, target = self._lane.source, self._lane.target
        ask = each(b"EXISTS", chunk.names)
        here, there = yield source.call(ask, len(chunk)), target.call(ask, len(chunk))
        source.check(here, "EXISTS")
        target.check(there, "EXISTS")
        others: dict[int, Outcome] = {}
        lost: list[int] = []
        for position, (at_source, at_target) in enumerate(zip(here, there)):
            if not at_source:
                others[position] = Vanished("EXISTS")
            elif not at_target:
                others[position] = Refused("MIGRATE answered OK, but the key is not at the target", "Run again.")
                lost.append(position)
        if lost and tries:
            # Mostly it was away for a moment: deleted and made anew.
            moved = yield from self._migrate(chunk.pick(lost), replace, tries)
            for index, position in enumerate(lost):
                others.pop(position)
                if index in moved.others:
                    others[position] = moved.others[index]
        return _moved(chunk, others)

    def _sort_out(self, chunk: Chunk, reply: t.Any, expiries: list[Expiry], replace: bool) -> Job[Moved]:
        """A batch that ended with an error: of its keys some arrived. Each is compared at both ends."""
        text = reply_text(reply)
        if not ("BUSYKEY" in text or is_unreadable(text)):
            self._refuse(reply)
        unreadable = is_unreadable(text)
        verdicts = yield from self._comparer.values(chunk.names)
        others: dict[int, Outcome] = {}
        missing: list[int] = []
        timed: list[tuple[bytes, Expiry]] = []
        for position, (verdict, expiry) in enumerate(zip(verdicts, expiries)):
            if isinstance(verdict, Gone) or expiry == GONE:
                others[position] = Vanished()
            elif verdict is not None and verdict.kind == "missing":
                missing.append(position)
                others[position] = Refused(text, self._hint(text), unreadable, verdict.type)
            elif unreadable and replace and verdict is not None and verdict.kind != "ttl":
                others[position] = Refused(text, self._hint(text), unreadable, verdict.type)
            elif verdict is not None and verdict.kind != "ttl":
                others[position] = Occupied()
            elif expiry is not NEVER:
                # It arrived, with a lifetime that counts from its arrival.
                timed.append((chunk.names[position], expiry))
            elif verdict is not None:
                others[position] = Occupied()
        if timed:
            set_there = yield self._lane.target.call(expire_at(timed), len(timed))
            self._lane.target.check(set_there, "PEXPIREAT")
        if "BUSYKEY" in text and 0 < len(missing) < len(chunk):
            # Only the first error is told: what stopped these shows when they go without those that are taken.
            moved = yield from self._migrate(chunk.pick(missing), replace)
            for index, position in enumerate(missing):
                others.pop(position)
                if index in moved.others:
                    others[position] = moved.others[index]
        return _moved(chunk, others)

    def _broken(self, reply: t.Any, took_us: float) -> Job[None]:
        """The source lost its connection to the target, or got none: wait, and have the job begin anew."""
        error = self._systemic(reply)
        if not self._proved and not self._lane.begun:
            self._breaks += 1
            if took_us >= _IDLE_MS * 1000 or self._breaks >= _FIRST_TRIES:
                raise error
            yield Sleep(self._breaks * _FIRST_PAUSE)
        else:
            yield Sleep(_REST * took_us / 1_000_000)
        raise Unsteady(self._lane.source.pipe, error)

    def _refuse(self, reply: t.Any) -> t.NoReturn:
        """Raise what an error reply to MIGRATE means, its own or one of the target that it quotes."""
        own = reply_text(reply)
        quoted = own.partition(_QUOTING)[2] or own
        if is_redirection(quoted):
            raise ClusterChanged(str(self._systemic(reply)))
        if is_transient(quoted):
            # A target that has just been restarted, or is about to become the primary.
            raise Unsteady((self._lane.target if quoted != own else self._lane.source).pipe, self._systemic(reply))
        raise self._systemic(reply)

    def _systemic(self, reply: t.Any) -> CommandRefused:
        text = reply_text(reply)
        source, target = self._lane.source, self._lane.target
        where = f"{source.endpoint} (database {source.database}) to {self._backend} (database {target.database})"
        return CommandRefused(f"MIGRATE from the {where} failed: {text}.", hint=self._hint(text))

    def _hint(self, text: str) -> str:
        return backend.migrate_hint(text, self._backend, self._lane.source.endpoint.user)


def _moved(chunk: Chunk, others: dict[int, Outcome]) -> Moved:
    return Moved(chunk.size - sum(chunk.sizes[position] for position in others), others)
