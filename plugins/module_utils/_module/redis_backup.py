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
from .._backup.backup import Backup
from .._backup.backup_plan import BackupPlan, BackupResult
from .._backup.file import BackupFile, check_place, checksum_beside, sha256_of
from .._backup.progress import Progress
from .._connection.endpoint import parse_endpoint
from .._errors import RedisMigrationError
from .._keys.name import printable
from .._keys.selection import parse_selection
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


def existing_backup(dest: str, progress: Progress) -> dict[str, t.Any] | None:
    """The result for a backup that is there already, or None. Raises :class:`RedisMigrationError` for a damaged one."""
    if not os.path.isfile(dest):
        return None
    try:
        digest, noted, size = sha256_of(dest, progress), checksum_beside(dest), os.stat(dest).st_size
    except OSError as exc:
        raise RedisMigrationError(f"The backup's 'dest' {dest} is there and cannot be read: {exc.strerror}.") from None
    if noted not in (None, digest):
        raise RedisMigrationError(
            f"The backup {dest} is there, and is not what its checksum file says: it was damaged or changed.",
            hint="Look at it, then delete it, or have it replaced by a new backup with 'force'.",
        )
    return {"changed": False, "dest": dest, "size": size, "checksum": digest}


def result_of(result: BackupResult, file: BackupFile, *, changed: bool = False, checksum: str = "") -> dict[str, t.Any]:
    """The module's result."""
    totals = result.totals
    return {
        "changed": changed,
        "dest": file.dest,
        "size": file.size,
        "checksum": checksum,
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
        "bytes_per_second": per_second(file.size, result.elapsed),
    }


def work(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    dest = params["dest"]
    backup: Backup | None = None
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
                existing = existing_backup(dest, progress)
            if existing:
                return {"msg": "The backup is there already; 'force' replaces it by a new one.", **existing}
        file = BackupFile(dest, replace=params["force"], password=password, dry=module.check_mode)
        backup = Backup(plan, file, progress)
        with _cleaned_up(file) as go_on, told_in(params["progress_path"], progress.look):
            result = backup.run()
            if result.totals.failed:
                raise RedisMigrationError(_incomplete(result))
            go_on()
            checksum = file.commit(beside=params["checksum"])
    except RedisMigrationError as exc:
        raise Failed(str(exc), result_of(backup.result, backup.file) if backup else {}) from None
    # What only would be written has another checksum the next time: the clock is in it.
    found = result_of(result, file, changed=True, checksum="" if module.check_mode else checksum)
    if password:
        found["decrypt_command"] = openssl.command(
            openssl.WRITTEN, f"-in {shlex.quote(dest)} -out {shlex.quote(_plain_name(dest))}"
        )
    return found


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
def _cleaned_up(file: BackupFile) -> t.Iterator[t.Callable[[], None]]:
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
        file.abandon()
        # Whoever sent it sees the process end by it.
        signal.signal(received[0], signal.SIG_DFL)
        os.kill(os.getpid(), received[0])
    finally:
        file.abandon()
        for number, handler in before.items():
            signal.signal(number, handler)
