# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole backup: every logical database of a server into one RDB file, by reading commands alone."""

from __future__ import annotations

import time
import typing as t

from .._connection.commands import TIME, each
from .._connection.explain import reply_hint, reply_text
from .._connection.identity import Identity
from .._connection.line import Line, Refusal
from .._connection.patience import at_first, patiently
from .._connection.replies import between_us
from .._errors import ConnectError
from .._keys.listing import LISTED, Failure, listable
from .._pipeline.absence import CONTRADICTION_HINT, PAUSES, contradiction, without
from .._pipeline.chunk import Chunk
from .._pipeline.end import End
from .._pipeline.expiry import GONE, Expiry
from .._pipeline.flow import Flow
from .._pipeline.halving import Work
from .._pipeline.job import Gate, Job, Sleep, Take, restarting
from .._pipeline.pace import Pace
from .._pipeline.pipe import ReplyTooLarge
from .._pipeline.scan import Scan
from .._pipeline.throttle import Throttle
from .._pipeline.waits import Watch
from .._rdb.payload import DAMAGED, damaged, rdb_version
from .._rdb.writer import RdbWriter
from .._server.compatibility import rdb_version as version_by_release
from .._server.continuity import Continuity, ServerChanged
from .._server.databases import check_databases, database_pairs
from .._server.eligibility import mode_problem, refuse
from .._server.info import Server, measure
from .backup_plan import BackupPlan, BackupResult, Saved
from .file import BackupFile
from .functions import check_no_libraries, dumped_functions
from .large_keys import Contradiction, LargeKeys
from .progress import Progress
from .seen import Seen

_CHUNK_KEYS = 500
_CHUNK_BYTES = 1024 * 1024
_IN_FLIGHT_BYTES = 16 * 1024 * 1024

# How often a backup is begun anew because the server became another process, or showed a key twice.
_ATTEMPTS = 3

_T = t.TypeVar("_T")


class _RestartBackup(Exception):
    """What was written is no good any more; the sentence says why."""


class Backup:
    """Writes what ``plan`` says into ``file``, which is neither committed nor abandoned here."""

    def __init__(self, plan: BackupPlan, file: BackupFile, progress: Progress | None = None) -> None:
        self._plan = plan
        self.file = file
        self._progress = progress or Progress()
        self.result = BackupResult()

    def run(self) -> BackupResult:
        """Read everything. Raises :class:`RedisMigrationError`; ``result`` holds what was done until then."""
        start = time.monotonic()
        reason = ""
        seen = Continuity()
        try:
            for _attempt in range(_ATTEMPTS):
                try:
                    self._attempt(seen)
                    return self.result
                except _RestartBackup as again:
                    reason = str(again)
                except ServerChanged as changed:
                    reason = (
                        "the server was restarted, another one took its place, its data was replaced, or its statistics"
                        " were reset (CONFIG RESETSTAT)"
                    )
                    if not changed.identity.certain:
                        reason = (
                            "the connection was lost, and as the server shows no run id it cannot be known whether the same"
                            " one answers"
                        )
                    seen.accept(self._plan.endpoint, changed.identity)
        finally:
            self.result.elapsed = time.monotonic() - start
        raise ConnectError(
            f"The backup was begun {_ATTEMPTS} times in vain: {reason}.", hint="Run again in a calmer hour."
        )

    def _patiently(self, ask: t.Callable[[], _T]) -> _T:
        return patiently(ask, self._plan.timeout)

    def _attempt(self, seen: Continuity) -> None:
        plan = self._plan
        reach = at_first if self.result.server is None else self._patiently
        server, round_trip_ms = reach(lambda: measure(plan.endpoint))
        refuse(mode_problem(plan.endpoint, server))
        pairs = database_pairs(plan.selection, server)
        self._patiently(lambda: check_databases(pairs, plan.endpoint, None))
        self.result = BackupResult(server=server, databases={number: Saved() for number, _same in pairs})
        throttle = Throttle(plan.max_keys_per_second, plan.max_bytes_per_second)
        self.file.open()
        self._progress.begin("saving", lambda: self.result.progress(plan.selection, self.file.size))
        writer = RdbWriter(self.file)
        seen.accept(plan.endpoint, server.identity)
        self._begin(writer, server)
        for number, _same in pairs:
            one = _DatabaseBackup(plan, server, seen, number, writer, self.result, round_trip_ms * 1000, throttle)
            one.run()
        time.sleep(throttle.owed())
        writer.finish()

    def _begin(self, writer: RdbWriter, server: Server) -> None:
        result = self.result
        dumped = self._patiently(lambda: dumped_functions(self._plan.endpoint, server))
        # The server's own word for its version; the table of releases where it has none for us.
        result.version = rdb_version(dumped.payload) if dumped.payload else version_by_release(server)
        name = b"valkey-ver" if server.flavor == "valkey" else b"redis-ver"
        writer.begin(
            result.version,
            {
                **self._plan.facts,
                name: server.version.encode("ascii", "replace"),
                b"redis-bits": b"64",
                b"ctime": b"%d" % (server.clock_ms // 1000),
                b"used-mem": b"%d" % server.used_memory,
            },
        )
        if not self._plan.functions:
            return
        if dumped.refusal:
            self._patiently(lambda: check_no_libraries(self._plan.endpoint, dumped.refusal))
        result.functions = 0 if dumped.refusal else dumped.libraries
        if dumped.payload:
            writer.functions(dumped.payload)


class _DatabaseBackup:
    """One logical database."""

    def __init__(
        self,
        plan: BackupPlan,
        server: Server,
        continuity: Continuity,
        number: int,
        writer: RdbWriter,
        result: BackupResult,
        round_trip_us: float,
        throttle: Throttle,
    ) -> None:
        self._plan = plan
        self._server = server
        self._continuity = continuity
        self._number = number
        self._writer = writer
        self._result = result
        self._saved = result.databases[number]
        self._round_trip_us = round_trip_us
        self._throttle = throttle
        self._seen = Seen()
        self._large: list[tuple[bytes, int]] = []

    def run(self) -> None:
        """Save all of it. Raises :class:`_RestartBackup` where only that helps."""
        held = self._server.databases.get(self._number)
        self._writer.database(self._number, held.keys if held else 0, (held.expires or 0) if held else 0)
        try:
            self._scan()
            keys = LargeKeys(
                self._plan.endpoint,
                self._server,
                self._number,
                self._writer,
                self._throttle,
                version=self._result.version,
                timeout=self._plan.timeout,
                check=lambda identity: self._continuity.check(self._plan.endpoint, identity),
            )
            for name, size in self._large:
                self._save_large(keys, name, size)
            if self._large:
                self._continuity.check(self._plan.endpoint, patiently(self._identity, self._plan.timeout))
            if not self._seen.unique():
                raise _RestartBackup(f"database {self._number} showed a key twice while it shrank")
        finally:
            self._seen.close()

    def _identity(self) -> Identity:
        with Line(self._plan.endpoint, self._number) as line:
            return line.identity

    def _scan(self) -> None:
        plan = self._plan
        self._flow = Flow(plan.timeout, on_open=self._continuity.connected)
        try:
            self._end = End(plan.endpoint, self._server, self._number)
            self._pace = Pace(self._round_trip_us, plan.max_source_latency_ms)
            watch = Watch(self._end, self._result.waits, self._pace.felt)
            self._flow.add_pipes(self._end.pipe, spare=[watch.pipe])
            watch.start(self._flow)
            self._payloads = Gate(_IN_FLIGHT_BYTES)
            scan = Scan(
                self._flow,
                self._end,
                self._pace,
                plan.selection,
                self._chunk,
                give_up=self._read_in_pieces,
                chunk_keys=min(_CHUNK_KEYS, self._throttle.chunk_keys or _CHUNK_KEYS),
                chunk_bytes=min(_CHUNK_BYTES, self._throttle.chunk_bytes or _CHUNK_BYTES, plan.large_key_bytes),
                round_trip_us=self._round_trip_us,
            )
            self._flow.spawn(scan.job())
            self._flow.run()
            self._flow.spawn(restarting(lambda _attempt: self._unchanged()))
            self._flow.run()
        finally:
            self._flow.close()

    def _unchanged(self) -> Job[None]:
        """Asked without a break of the connection that read."""
        self._continuity.check(self._plan.endpoint, (yield from self._end.identity()))

    def _chunk(self, chunk: Chunk) -> Work:
        # Called once for a chunk, however often its job is begun anew.
        fresh = self._seen.fresh(chunk.names)
        kept = chunk.pick(fresh)
        if len(kept) == 1 and kept.size > self._plan.large_key_bytes:
            self._large.append((kept.names[0], kept.size))
            kept = kept.pick([])
        if len(kept) == len(chunk):
            return self._save
        names = set(kept.names)
        return lambda part: self._save(part.pick([at for at, name in enumerate(part.names) if name in names]))

    def _read_in_pieces(self, chunk: Chunk, _error: ConnectError) -> None:
        """A key that cannot be read at once may still be read in pieces."""
        self._large += zip(chunk.names, chunk.sizes)

    def _save(self, chunk: Chunk) -> Job[None]:
        if not chunk:
            return
        expected = yield from self._throttle.turn(len(chunk), chunk.size)
        yield Take(self._payloads, chunk.size)
        try:
            payloads, expiries, doubtful = yield from self._read_surely(chunk)
        except ReplyTooLarge:
            # The server's estimate of the size was far too low.
            self._large += zip(chunk.names, chunk.sizes)
            return
        finally:
            self._flow.give(self._payloads, chunk.size)
        self._throttle.moved(chunk.size, expected, sum(len(payload) for payload in payloads if payload))
        # From here on the job is not interrupted, so nothing is written twice.
        saved, writer, version = self._saved, self._writer, self._result.version
        for name, reason in doubtful.items():
            self._fail(name, reason, CONTRADICTION_HINT)
        for name, payload, expiry in zip(chunk.names, payloads, expiries):
            if name in doubtful:
                continue
            if payload is None or expiry == GONE:
                saved.vanished += 1
                continue
            if rdb_version(payload) > version:
                raise _RestartBackup("the server was upgraded meanwhile")
            saved.keys += 1
            saved.expires += expiry is not None
            writer.payload(name, expiry, payload)

    def _read_surely(self, chunk: Chunk) -> Job[tuple[list[t.Any], list[Expiry], dict[bytes, str]]]:
        """Payloads and expiries; and why those cannot be had that the server says it has, by name."""
        payloads, expiries = yield from self._read(chunk.names, chunk.size)
        suspects: t.Sequence[int] = range(len(chunk))
        reasons: dict[bytes, str] = {}
        for pause in (*PAUSES, None):
            bad = {suspects[at] for at in damaged([payloads[at] for at in suspects])}
            claimed = [at for at in suspects if payloads[at] is None or expiries[at] == GONE]
            gone = set((yield from without(self._end, [chunk.names[at] for at in claimed])))
            suspects = sorted(bad.union(at for at in claimed if chunk.names[at] not in gone))
            nothing = contradiction("endpoint", "DUMP or PEXPIRETIME")
            reasons = {chunk.names[at]: DAMAGED if at in bad else nothing for at in suspects}
            if not suspects or pause is None:
                break
            yield Sleep(pause)
            again = yield from self._read(list(reasons), sum(chunk.sizes[at] for at in suspects))
            for at, payload, expiry in zip(suspects, *again):
                payloads[at], expiries[at] = payload, expiry
        return payloads, expiries, reasons

    def _read(self, names: list[bytes], size: int) -> Job[tuple[list[t.Any], list[Expiry]]]:
        end, count = self._end, len(names)
        expiry_commands, expiry_replies = end.expiries.commands(names)
        cost = self._pace.cost(count * 2, size)
        yield Take(self._pace.gate, cost)
        try:
            # The expiry is read after the value: a key renewed in between gets the later expiry, never the earlier.
            replies = yield end.call(
                TIME + each(b"DUMP", names) + TIME + expiry_commands,
                count + 2 + expiry_replies,
                2 * size + _IN_FLIGHT_BYTES,
            )
        finally:
            self._flow.give(self._pace.gate, cost)
        end.check((replies[0], replies[count + 1]), "TIME")
        self._pace.observe(count * 2, size, between_us(replies[0], replies[count + 1]))
        payloads = replies[1 : count + 1]
        end.check(payloads, "DUMP")
        expiries = yield from end.expiries.read(names, replies[count + 2 :])
        return payloads, expiries

    def _fail(self, name: bytes, reason: str, hint: str | None) -> None:
        self._saved.failed += 1
        failure = Failure(self._number, name, None, reason, hint)
        self._result.failures.extend(listable(self._result.failures, [failure], LISTED))

    def _save_large(self, keys: LargeKeys, name: bytes, size: int) -> None:
        try:
            time.sleep(self._throttle.delay(1, 0))
            expiry = keys.save(name, size)
        except Refusal as refusal:
            reason = reply_text(refusal.text)
            self._fail(name, reason, reply_hint(reason, self._plan.endpoint) or refusal.error.hint)
            return
        except Contradiction as exc:
            self._fail(name, str(exc), CONTRADICTION_HINT)
            return
        if expiry is False:
            self._saved.vanished += 1
            return
        self._saved.keys += 1
        self._saved.large += 1
        self._saved.expires += expiry is not None
