# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends the keys of an RDB file to a server in batches, and learns of each what became of it."""

from __future__ import annotations

import functools
import io
import time
import typing as t

from .._connection.commands import TIME, pack, restores
from .._connection.connect import CLIENT_NAME, client
from .._connection.explain import is_transient, reply_hint, reply_text
from .._connection.patience import patiently
from .._connection.replies import clock_ms, is_error, is_systemic, is_unknown_command, is_unreadable
from .._errors import ClusterChanged, ConnectError
from .._keys.listing import LISTED, Failure, listable
from .._keys.selection import Selection
from .._keys.temporary import TemporaryNames
from .._pipeline.absence import absent
from .._pipeline.end import End
from .._pipeline.expiry import is_over
from .._pipeline.flow import Flow
from .._pipeline.job import Gate, Job, Take, Unsteady, restarting
from .._pipeline.making import LOST, Making, make
from .._pipeline.pipe import Pipe
from .._rdb import format as rdb
from .._rdb.empty import is_empty
from .._rdb.payload import FOOTER_BYTES, type_of
from .._rdb.reader import Entry, RdbReader, Usage
from .._server.claim import Claim
from .._server.continuity import Continuity, ServerChanged
from .batch import Batch, Items
from .by_commands import NoCommands, commands_for, walk_over
from .destination import Node, Router
from .large_values import LargeValues, largest_payload
from .restore_plan import Restored, RestorePlan, RestoreResult
from .source import BackupSource

_IN_FLIGHT_BYTES = 16 * 1024 * 1024

# By number, a database of the file and the server that takes the key.
Lane: t.TypeAlias = tuple[int, int]


def chooser(selection: Selection) -> t.Callable[[int, bytes], bool]:
    named, numbers = selection.chooser(), selection.databases

    def chosen(database: int, key: bytes) -> bool:
        return (numbers is None or database in numbers) and (named is None or named(key))

    return chosen


class Taker(t.NamedTuple):
    """A server that keys go to, and the right to write there."""

    node: Node
    claim: Claim


class KeysOfFile:
    """The second reading of the file at ``path``, of RDB version ``version``."""

    def __init__(
        self, plan: RestorePlan, path: str, version: int, takers: t.Sequence[Taker], result: RestoreResult
    ) -> None:
        self._plan = plan
        self._path = path
        self._takers = takers
        self._router = Router([taker.node for taker in takers])
        self._result = result
        self._version = version
        self._versions = {
            kind: rdb.oldest_version(kind, self._version).to_bytes(2, "little") for kind in range(rdb.SLOT_INFO)
        }
        self._flow = Flow(plan.timeout, on_open=self._opened)
        self._known = [Continuity() for _taker in takers]
        for known, taker in zip(self._known, takers):
            known.check(taker.node.endpoint, taker.node.server.identity)
        self._gate = Gate(_IN_FLIGHT_BYTES)
        self._ends: dict[Lane, End] = {}
        # Of a payload, by number of the taker. Known before the first key is written.
        self._largest: list[int] = []
        self._names = TemporaryNames()

    def run(self) -> None:
        plan = self._plan
        for taker in self._takers:
            self._largest.append(patiently(functools.partial(largest_payload, taker.node.endpoint), plan.timeout))
        try:
            for number, there in self._result.places.items():
                for at, (node, claim) in enumerate(self._takers):
                    # What only looks must not be taken for one that writes.
                    name = CLIENT_NAME if plan.check_mode else claim.name
                    self._ends[number, at] = End(node.endpoint, node.server, there, name)
                    self._flow.add_pipe(self._ends[number, at].pipe)
            with BackupSource(self._path, plan.password) as source:
                reader = RdbReader(source.read, f"The backup {self._path}", chooser(plan.selection))
                self._flow.spawn(self._produce(reader))
                self._flow.run()
            for end in {at: end for (_number, at), end in self._ends.items()}.values():
                self._flow.spawn(restarting(functools.partial(self._unchanged, end)))
            self._flow.run()
        except (ServerChanged, ClusterChanged) as changed:
            where = changed.endpoint if isinstance(changed, ServerChanged) else plan.endpoint
            raise ConnectError(
                f"The {where} was restarted, another took its place, its data was replaced, or its statistics were"
                " reset (CONFIG RESETSTAT) in the middle of the restore: keys restored before may be lost."
                if isinstance(changed, ServerChanged)
                else f"{changed.message} That was in the middle of the restore.",
                hint="Run again with existing_keys 'skip' (or empty the server and restore anew).",
            ) from None
        finally:
            self._flow.close()

    def _taker_of(self, pipe: Pipe) -> int:
        return next(at for (_number, at), end in self._ends.items() if end.pipe is pipe)

    def _opened(self, pipe: Pipe) -> None:
        at = self._taker_of(pipe)
        self._known[at].check(pipe.endpoint, pipe.identity)
        if pipe.openings > 1:
            self._check_claim(at)

    def _check_claim(self, at: int) -> None:
        """Another run may have begun while this one was cut off."""
        if not self._plan.check_mode:
            node, claim = self._takers[at]
            with client(node.endpoint) as redis_client:
                claim.check(redis_client)

    def _unchanged(self, end: End, _attempt: int) -> Job[None]:
        """Asked without a break of the connection that wrote."""
        self._known[self._taker_of(end.pipe)].check(end.endpoint, (yield from end.identity()))

    def _produce(self, reader: RdbReader) -> Job[None]:
        """Read on while there is room for more in flight."""
        batches: dict[Lane, Batch] = {}
        for entry in reader.entries():
            if entry.value is None:
                continue
            if isinstance(entry.value, bytes) and is_empty(entry.kind, entry.value):
                self._result.databases[entry.database].add(Restored(scanned=1, empty=1))
                self._result.first_empty = self._result.first_empty or (entry.key, entry.database)
                continue
            at = self._router.of(entry.key)
            lane = (entry.database, at)
            if isinstance(entry.value, bytes) and 1 + len(entry.value) + FOOTER_BYTES > self._largest[at]:
                # The server would close the connection, and with it end what else is on the way.
                entry = entry._replace(value=io.BytesIO(entry.value))
            batch = batches.setdefault(lane, Batch(self._versions))
            if isinstance(entry.value, bytes):
                batch.add(entry, entry.value)
                if not batch.full:
                    continue
            del batches[lane]
            yield from self._send(lane, batch)
            if not isinstance(entry.value, bytes):
                # Alone on the way, since nothing else is looked after meanwhile.
                yield Take(self._gate, self._gate.limit)
                self._large(entry, at)
                self._flow.give(self._gate, self._gate.limit)
        for lane, batch in batches.items():
            yield from self._send(lane, batch)

    def _send(self, lane: Lane, batch: Batch) -> Job[None]:
        items = batch.items()
        if items:
            yield Take(self._gate, batch.size)
            self._flow.spawn(self._write(lane, items, batch.usages, batch.size))

    def _write(self, lane: Lane, items: Items, usages: list[Usage] | None, size: int) -> Job[None]:
        counted, failures = yield from restarting(
            lambda attempt: self._write_once(lane, items, usages, again=attempt > 0)
        )
        self._flow.give(self._gate, size)
        self._result.databases[lane[0]].add(counted)
        self._note(failures)

    def _note(self, failures: list[Failure]) -> None:
        self._result.failures.extend(listable(self._result.failures, failures, LISTED))

    def _write_once(self, lane: Lane, items: Items, usages: list[Usage] | None, *, again: bool) -> Job[t.Any]:
        plan, end = self._plan, self._ends[lane]
        counted = Restored(scanned=len(items))
        failures: list[Failure] = []
        if plan.check_mode:
            there = set()
            if plan.existing_keys == "skip":
                names = [item[0] for item in items]
                there = set(names) - set((yield from absent(end, names)))
            (clock,) = yield end.call(TIME, 1)
            replies: list[t.Any] = ["BUSYKEY" if item[0] in there else b"OK" for item in items] + [clock]
        else:
            # The database was empty: what is there after a lost connection was written by this run.
            replace = plan.existing_keys == "replace" or (again and plan.existing_keys == "fail")
            replies = yield end.call(restores(items, replace=replace, usages=usages) + TIME, len(items) + 1)
        end.check(replies[-1:], "TIME")
        now = clock_ms(replies[-1])
        unread: Items = []
        for (key, expiry, payload), reply in zip(items, replies):
            if reply == b"OK":
                # RESTORE says OK to what has expired and stores nothing.
                if is_over(expiry, now):
                    counted.expired += 1
                else:
                    counted.restored += 1
            else:
                if is_error(reply) and is_unreadable(reply_text(reply)):
                    unread.append((key, expiry, payload))
                else:
                    self._refused(lane, key, payload, reply, counted, failures)
        if unread:
            yield from self._rebuild(lane, unread, counted, failures, replace=replace)
        return counted, failures

    def _rebuild(
        self, lane: Lane, items: Items, counted: Restored, failures: list[Failure], *, replace: bool
    ) -> Job[None]:
        """Make by ordinary commands what the server does not understand as it is."""
        number, end = lane[0], self._ends[lane]
        payloads: list[bytes] = []
        keys: list[Making] = []
        for key, expiry, payload in items:
            name = self._names.name(key)
            try:
                value = functools.partial(walk_over, payload[1:-FOOTER_BYTES])
                valkey = rdb.is_valkey(self._version)
                commands = list(commands_for(name, payload[0], value, end.server, valkey=valkey))
            except NoCommands as refused:
                counted.failed += 1
                failures.append(Failure(number, key, type_of(payload), refused.reason, refused.hint))
                continue
            payloads.append(payload)
            names = [command[0].decode() for command in commands]
            keys.append(Making(key, name, b"".join([pack(*command) for command in commands]), names, expiry))
        made = (yield from make(end, keys, replace=replace)) if keys else []
        for making, payload, one in zip(keys, payloads, made):
            if one.over:
                counted.expired += 1
            elif one.lost:
                counted.failed += 1
                failures.append(Failure(number, making.key, type_of(payload), *LOST))
            elif one.error is not None:
                self._refused(lane, making.key, payload, one.error, counted, failures, one.command)
            elif not one.placed:
                self._refused(lane, making.key, payload, "BUSYKEY Target key name already exists.", counted, failures)
            else:
                counted.restored += 1

    def _refused(
        self,
        lane: Lane,
        key: bytes,
        payload: bytes,
        reply: t.Any,
        counted: Restored,
        failures: list[Failure],
        command: str = "RESTORE",
    ) -> None:
        end, text = self._ends[lane], reply_text(reply)
        if text.startswith("BUSYKEY") and self._plan.existing_keys == "skip":
            counted.skipped += 1
            return
        if is_error(reply) and is_transient(text):
            raise Unsteady(end.pipe, end.refusal(reply, command))
        if is_systemic(text) or is_unknown_command(text):
            raise end.refusal(reply, command)
        hint = reply_hint(text, end.endpoint)
        if text.startswith("BUSYKEY"):
            hint = "Somebody else writes to the server: keep applications away, empty it, and restore again."
        elif is_unreadable(text):
            hint = (
                f"{end.server.product} does not understand how the backup encodes this key: load the backup into a "
                "server of the version that wrote it, and move the keys from there with redis_migrate_keys."
            )
        counted.failed += 1
        failures.append(Failure(lane[0], key, type_of(payload), text, hint))

    def _large(self, entry: Entry, at: int) -> None:
        plan, end = self._plan, self._ends[entry.database, at]
        value = t.cast("t.IO[bytes]", entry.value)
        counted = Restored(scanned=1)
        failures: list[Failure] = []
        with value:
            if is_over(entry.expiry, patiently(lambda: _clock_ms(end), plan.timeout)):
                counted.expired += 1
            elif plan.check_mode:
                if plan.existing_keys == "skip" and patiently(lambda: _holds(end, entry.key), plan.timeout):
                    counted.skipped += 1
                else:
                    counted.restored += 1
            else:
                self._write_large(entry, at, value, counted, failures)
        self._result.databases[entry.database].add(counted)
        self._note(failures)

    def _write_large(
        self, entry: Entry, at: int, value: t.IO[bytes], counted: Restored, failures: list[Failure]
    ) -> None:
        plan, end = self._plan, self._ends[entry.database, at]
        writer = LargeValues(
            end.endpoint,
            end.server,
            end.database,
            self._version,
            self._largest[at],
            self._takers[at].claim.name,
            check=lambda identity: self._known[at].check(end.endpoint, identity),
        )
        replace = plan.existing_keys == "replace"
        failing_since: float | None = None
        while True:
            try:
                reply = writer.restore(entry, value, replace=replace)
                break
            except NoCommands as refused:
                kind = type_of(bytes((entry.kind,)))
                failures.append(Failure(entry.database, entry.key, kind, refused.reason, refused.hint))
                counted.failed += 1
                return
            except ConnectError as exc:
                now = time.monotonic()
                failing_since = failing_since or now
                if not exc.transient or now - failing_since > plan.timeout:
                    raise
                time.sleep(0.5)
                self._check_claim(at)
                replace = replace or plan.existing_keys == "fail"
        if reply == "OK":
            counted.restored += 1
        elif "no such key" in reply:
            # The time of its last field came before it could be renamed.
            counted.expired += 1
        else:
            self._refused((entry.database, at), entry.key, bytes((entry.kind,)), reply, counted, failures)


def _clock_ms(end: End) -> int:
    with client(end.endpoint, end.database) as redis_client:
        seconds, _microseconds = redis_client.time()
        return int(seconds) * 1000


def _holds(end: End, key: bytes) -> bool:
    with client(end.endpoint, end.database) as redis_client:
        return bool(redis_client.exists(key))
