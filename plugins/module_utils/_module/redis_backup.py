# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module redis_backup does with its parameters."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shlex
import signal
import typing as t

from ansible.module_utils.basic import AnsibleModule

from .._backup import openssl
from .._backup.backup_plan import BackupPlan, BackupResult
from .._backup.checksum import checksum_beside, sha256_of
from .._backup.files import BackupFiles, Written
from .._backup.parts import belongs, check_whole, files_of, there
from .._backup.place import check_place
from .._backup.progress import Progress
from .._backup.source import facts_of
from .._cluster.backup import WholeBackup
from .._connection.endpoint import parse_endpoint
from .._errors import RedisMigrationError
from .._keys.name import printable
from .._keys.selection import parse_selection
from .._keys.slots import text_of
from .common import check_not_negative, max_source_latency, per_second, warn_unverified
from .run import Failed
from .telling import told_in


def plan_of(params: t.Mapping[str, t.Any]) -> BackupPlan:
    """The plan in a module's parameters. Raises :class:`RedisMigrationError`."""
    check_not_negative(params, "timeout", "max_keys_per_second", "max_bytes_per_second")
    if params["large_key_bytes"] < 1:
        raise RedisMigrationError(f"large_key_bytes is {params['large_key_bytes']}; it must be at least 1.")
    return BackupPlan(
        endpoint=parse_endpoint(params["endpoint"], "endpoint"),
        selection=parse_selection(params),
        functions=params["functions"],
        large_key_bytes=params["large_key_bytes"],
        max_keys_per_second=params["max_keys_per_second"],
        max_bytes_per_second=params["max_bytes_per_second"],
        max_source_latency_ms=max_source_latency(params),
        timeout=params["timeout"],
    )


def existing_backup(dest: str, password: bytes | None, progress: Progress) -> dict[str, t.Any] | None:
    """The result for a backup that is there already, or None. Raises :class:`RedisMigrationError` for a damaged one."""
    if not there(dest):
        return None
    paths = files_of(dest)
    written = []
    for path in paths:
        try:
            digest, noted, size = sha256_of(path, progress), checksum_beside(path), os.stat(path).st_size
        except OSError as exc:
            raise RedisMigrationError(
                f"The backup's 'dest' {path} is there and cannot be read: {exc.strerror}."
            ) from None
        if noted not in (None, digest):
            raise RedisMigrationError(
                f"The backup {path} is there, and is not what its checksum file says: it was damaged or changed.",
                hint="Look at it, then delete it, or have it replaced by a new backup with 'force'.",
            )
        written.append(Written(path, size, digest))
    if paths == [dest]:
        return {"changed": False, **_about(dest, written, [""])}
    parts = {path: belongs(facts_of(path, password)) for path in paths}
    check_whole(parts)
    slots = [text_of(part.slots) if part else "" for part in parts.values()]
    return {"changed": False, **_about(dest, written, slots)}


def _about(dest: str, written: t.Sequence[Written], slots: t.Sequence[str]) -> dict[str, t.Any]:
    """What a result says of the files."""
    return {
        "dest": dest,
        "size": sum(one.size for one in written),
        "checksum": written[0].checksum if [one.path for one in written] == [dest] else "",
        "files": [
            {"path": one.path, "size": one.size, "checksum": one.checksum, "slots": those}
            for one, those in zip(written, slots)
        ],
    }


def result_of(backup: WholeBackup, dest: str, written: t.Sequence[Written] = ()) -> dict[str, t.Any]:
    """The module's result. ``written``: the files, if it was."""
    result = backup.result
    totals = result.totals
    return {
        "changed": bool(written),
        **_about(dest, written, [part.slots for part in backup.parts]),
        "size": backup.size,
        "rdb_version": result.version,
        "server": result.server.product if result.server else "",
        "databases": {str(number): dataclasses.asdict(saved) for number, saved in result.databases.items()},
        "totals": dataclasses.asdict(totals),
        "functions": result.functions,
        "failures": [failure.as_dict() for failure in result.failures],
        "failures_not_listed": totals.failed - len(result.failures),
        "source_latency_ms": result.waits.as_dict(),
        "elapsed_seconds": round(result.elapsed, 3),
        "keys_per_second": per_second(totals.keys, result.elapsed),
        "bytes_per_second": per_second(backup.size, result.elapsed),
    }


def work(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    dest = params["dest"]
    backup: WholeBackup | None = None
    progress = Progress()
    try:
        plan = plan_of(params)
        warn_unverified(module, plan.endpoint)
        password = None
        if params["encryption_password"] is not None:
            openssl.require_cryptography(module)
            password = openssl.password_bytes(params["encryption_password"])
        directory = os.path.dirname(os.path.abspath(dest))
        if module.check_mode and not os.path.exists(directory):
            # A task before this one may be about to create it.
            module.warn(f"The directory {directory} does not exist. It must when the backup is written.")
        else:
            check_place(dest)
        if not params["force"]:
            with told_in(params["progress_path"], progress.look):
                existing = existing_backup(dest, password, progress)
            if existing:
                return {"msg": "The backup is there already; 'force' replaces it by a new one.", **existing}
        files = BackupFiles(dest, replace=params["force"], password=password, dry=module.check_mode)
        backup = WholeBackup(plan, files, progress)
        with _cleaned_up(files) as go_on, told_in(params["progress_path"], progress.look):
            result = backup.run()
            if result.totals.failed:
                raise RedisMigrationError(_incomplete(result))
            go_on()
            written = backup.commit(beside=params["checksum"])
    except RedisMigrationError as exc:
        raise Failed(str(exc), result_of(backup, dest) if backup else {}) from None
    if module.check_mode:
        # What only would be written has another checksum the next time: the clock is in it.
        written = [one._replace(checksum="") for one in written]
    found = result_of(backup, dest, written)
    if password:
        found["decrypt_command"] = _decrypt_command(dest, len(written) if backup.in_parts else 0)
    return found


def _decrypt_command(dest: str, parts: int) -> str:
    """How openssl opens the file, or all ``parts`` of it."""
    if not parts:
        return openssl.command(openssl.WRITTEN, f"-in {shlex.quote(dest)} -out {shlex.quote(_plain_name(dest))}")
    each = openssl.command(openssl.WRITTEN, '-in "$part" -out "$part".plain')
    return f"for part in {shlex.quote(dest)}.*-of-{parts}; do {each}; done"


def _plain_name(dest: str) -> str:
    stem, suffix = os.path.splitext(dest)
    return stem if suffix in (".enc", ".aes") else dest + ".plain"


def _incomplete(result: BackupResult) -> str:
    first = result.failures[0]
    return (
        f"{result.totals.failed} keys could not be read, so no backup was kept. The first: '{printable(first.key)}' in "
        f"database {first.database}: {first.reason.rstrip('.')}. See 'failures'; name such keys in 'exclude' to go without them."
        + (f" {first.hint}" if first.hint else "")
    )


class _Ended(BaseException):
    """A signal that ends the process."""


@contextlib.contextmanager
def _cleaned_up(files: BackupFiles) -> t.Iterator[t.Callable[[], None]]:
    """Leave no unfinished file, whatever ends the module (SIGKILL excepted; the next run cleans up after that).

    What it gives is called before the file takes the place of an older one: a signal that came meanwhile ends the process
    by then, also where Python dropped its exception, as it does in a destructor.
    """
    received: list[int] = []

    def end(number: int, _frame: object) -> None:
        received.append(number)
        raise _Ended()

    def go_on() -> None:
        if received:
            raise _Ended()

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield go_on
    except _Ended:
        files.abandon()
        # Whoever sent it sees the process end by it.
        signal.signal(received[0], signal.SIG_DFL)
        os.kill(os.getpid(), received[0])
    finally:
        files.abandon()
        for number, handler in before.items():
            signal.signal(number, handler)
