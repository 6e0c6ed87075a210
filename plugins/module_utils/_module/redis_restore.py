# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module redis_restore does with its parameters."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.validation import check_type_path

from .._backup import openssl
from .._backup.checksum import checksum_beside, sha256_of
from .._backup.parts import files_of
from .._backup.progress import Progress
from .._backup.restore import Restore
from .._backup.restore_plan import RestorePlan, RestoreResult
from .._cluster.restore import Anywhere
from .._connection.endpoint import parse_endpoint, refuse_replica
from .._errors import RedisMigrationError
from .._keys.name import printable
from .._keys.selection import parse_selection
from .common import check_not_negative, per_second, warn_unverified
from .run import Failed
from .telling import told_in


def plan_of(params: t.Mapping[str, t.Any], *, check_mode: bool) -> RestorePlan:
    """The plan in a module's parameters. Raises :class:`RedisMigrationError`."""
    check_not_negative(params, "timeout")
    password = params["encryption_password"]
    endpoint = parse_endpoint(params["endpoint"], "endpoint")
    refuse_replica(endpoint, "a backup is restored into a primary")
    return RestorePlan(
        src=sources(params["src"]),
        endpoint=endpoint,
        selection=parse_selection(params),
        password=None if password is None else openssl.password_bytes(password),
        existing_keys=params["existing_keys"],
        functions=params["functions"],
        module_data=params["module_data"],
        timeout=params["timeout"],
        check_mode=check_mode,
    )


def sources(given: t.Any) -> tuple[str, ...]:
    """The files that the option ``src`` means. Raises :class:`RedisMigrationError`."""
    names = given if isinstance(given, list) else [given]
    if not names or not all(isinstance(name, str) and name for name in names):
        raise RedisMigrationError(
            "src is neither a path nor a list of paths.", hint="Name the file or files of a backup."
        )
    paths = [path for name in names for path in files_of(check_type_path(name))]
    return tuple(dict.fromkeys(paths))


def check_checksum(path: str, progress: Progress) -> None:
    """Compare ``path`` with the checksum beside it, if there is one. Raises :class:`RedisMigrationError`."""
    try:
        noted = checksum_beside(path)
        if noted is None or noted == sha256_of(path, progress):
            return
    except OSError as exc:
        raise RedisMigrationError(f"Cannot read the backup {path}: {exc.strerror or exc}.") from None
    raise RedisMigrationError(
        f"The backup {path} is not what its checksum file says: it was damaged or changed.",
        hint="Fetch it again, or use another backup.",
    )


def result_of(result: RestoreResult, files: t.Sequence[str] = ()) -> dict[str, t.Any]:
    """The module's result. ``files``: those of the backup."""
    totals = result.totals
    found: dict[str, t.Any] = {
        "changed": result.changed,
        "databases": {
            str(number): {**dataclasses.asdict(restored), "target_database": result.places[number]}
            for number, restored in result.databases.items()
        },
        "totals": dataclasses.asdict(totals),
        "functions": result.functions.as_dict(),
        "failures": [failure.as_dict() for failure in result.failures],
        "failures_not_listed": result.totals.failed - len(result.failures),
        "elapsed_seconds": round(result.elapsed, 3),
        "keys_per_second": per_second(totals.scanned, result.elapsed),
    }
    if result.contents:
        found["backup"] = {
            "kind": result.contents.kind,
            "files": list(files),
            "rdb_version": result.contents.version,
            "keys": sum(result.contents.databases.values()),
            "libraries": len(result.contents.functions),
            "checksum_verified": result.contents.checked,
            "module_data": result.contents.module_data,
        }
    return found


def work(module: AnsibleModule) -> dict[str, t.Any]:
    restore: Restore | None = None
    src: tuple[str, ...] = ()
    try:
        plan = plan_of(module.params, check_mode=module.check_mode)
        src = plan.src
        warn_unverified(module, plan.endpoint)
        if plan.password is not None:
            openssl.require_cryptography(module)
        progress = Progress()
        with told_in(module.params["progress_path"], progress.look):
            for path in plan.src:
                check_checksum(path, progress)
            restore = Restore(plan, progress, Anywhere(plan.endpoint, plan.timeout))
            result = restore.run()
    except RedisMigrationError as exc:
        raise Failed(str(exc), result_of(restore.result, src) if restore else {}) from None
    if result.contents and result.contents.module_data:
        module.warn(
            "The backup holds data that modules keep outside of keys. It was left out: only a server that loads the file "
            f"itself can read it. Modules: {', '.join(result.contents.module_data)}."
        )
    if result.first_empty:
        key, database = result.first_empty
        module.warn(
            f"{result.totals.empty} keys of the backup are collections without an element, which no server keeps when it "
            f"loads a file; they were skipped. The first: '{printable(key)}' in database {database}."
        )
    if result.blind:
        module.warn(
            f"Whether another run writes to the same databases cannot be seen. {result.blind} Make sure that none does."
        )
    found = result_of(result, src)
    refused = result.functions.failed
    if result.totals.failed:
        first = result.failures[0]
        raise Failed(
            f"{result.totals.failed} of {result.totals.scanned} keys could not be restored; the others were. "
            f"The first: '{printable(first.key)}' in database {first.database}: {first.reason.rstrip('.')}. See 'failures'."
            + (f" {first.hint}" if first.hint else ""),
            found,
        )
    if refused:
        raise Failed(
            f"The keys were restored, but not {len(refused)} libraries of functions. The first: "
            f"'{printable(refused[0][0])}': {refused[0][1]}",
            found,
        )
    return found
