# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module redis_functions does with its parameters."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule

from .._cluster.combined import primaries_of
from .._connection.endpoint import parse_endpoint
from .._errors import RedisMigrationError
from .._keys.name import printable
from .._server.functions import Libraries, LibraryOutcome, read_libraries, write_libraries
from .common import warn_unverified
from .run import Failed


def work(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    outcome = LibraryOutcome()
    wanted: Libraries = {}
    there: Libraries = {}
    try:
        source, target = parse_endpoint(params["source"], "source"), parse_endpoint(params["target"], "target")
        warn_unverified(module, source, target)
        wanted, registers = read_libraries(source)
        if module._diff:
            there = read_libraries(target).code
        for node in primaries_of(target) if wanted or params["prune"] else []:
            written = write_libraries(
                node,
                wanted,
                existing=params["existing"],
                registers=registers,
                prune=params["prune"],
                check_mode=module.check_mode,
            )
            outcome.add(written)
        if outcome.failed:
            name, reason = outcome.failed[0]
            count = len(outcome.failed)
            told = "1 library was refused:" if count == 1 else f"{count} libraries were refused, first"
            raise RedisMigrationError(f"{told} '{printable(name)}': {reason}")
    except RedisMigrationError as exc:
        raise Failed(str(exc), {"changed": outcome.changed, "libraries": outcome.as_dict()}) from None
    result: dict[str, t.Any] = {"changed": outcome.changed, "libraries": outcome.as_dict()}
    if module._diff:
        result["diff"] = _diff(outcome, there, wanted)
    return result


def _diff(outcome: LibraryOutcome, before: Libraries, wanted: Libraries) -> list[dict[str, str]]:
    """Ansible's diff: the code of each library that is written or deleted."""
    return [
        {
            "before_header": f"library {printable(name)}",
            "after_header": f"library {printable(name)}",
            "before": _text(before.get(name, b"")),
            "after": "" if name in outcome.deleted else _text(wanted[name]),
        }
        for name in (*outcome.loaded, *outcome.replaced, *outcome.deleted)
    ]


def _text(code: bytes) -> str:
    return code.decode("utf-8", "backslashreplace")
