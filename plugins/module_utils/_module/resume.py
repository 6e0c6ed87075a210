# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The progress of a sliced run as text, from one slice to the next. Plain JSON: nothing in it is executed or secret."""

from __future__ import annotations

import base64
import dataclasses
import json
import typing as t
import zlib

from .._cluster.parts import Whole, whole_as_plain, whole_from_plain
from .._compare.diff_progress import DatabaseDiff, DiffProgress, Found
from .._compare.verdict import Difference
from .._errors import RedisMigrationError
from .._keys.listing import Failure
from .._migrate.choose import Choice
from .._migrate.counters import Change, Counters
from .._migrate.progress import Progress
from .._pipeline.waits import Waits
from .._server.loss import Holding

# Where the progress is of a run in parts; no field of the progress of a run between servers has this name.
_PARTS = "whole"


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def _pack(plain: dict[str, t.Any]) -> str:
    return _text(zlib.compress(json.dumps(plain).encode("ascii")))


def _unpack(token: str) -> dict[str, t.Any]:
    try:
        plain: dict[str, t.Any] = json.loads(zlib.decompress(base64.b64decode(token, validate=True)))
    except (ValueError, zlib.error):
        raise RedisMigrationError("The option 'resume' is not what an earlier slice returned.") from None
    return plain


def _plain(progress: t.Any) -> dict[str, t.Any]:
    return {field.name: getattr(progress, field.name) for field in dataclasses.fields(progress)}


def migration_token(state: Progress | Whole[Progress]) -> str:
    """How far a run has come, as text."""
    if isinstance(state, Whole):
        return _pack({_PARTS: whole_as_plain(state, _migration_plain)})
    return _pack(_migration_plain(state))


def _migration_plain(progress: Progress) -> dict[str, t.Any]:
    plain = _plain(progress)
    plain["cursor"] = progress.cursor.decode("ascii")
    plain["counters"] = {str(number): counters.as_dict() for number, counters in progress.counters.items()}
    plain["moved_before"] = {str(number): counters.as_dict() for number, counters in progress.moved_before.items()}
    plain["failures"] = [{**_plain(failure), "key": _text(failure.key)} for failure in progress.failures]
    plain["changes"] = [tuple(change) for change in progress.changes]
    plain["held"] = dataclasses.asdict(progress.held) if progress.held else None
    plain["waits"] = dataclasses.asdict(progress.waits)
    return plain


def migration_progress(token: str) -> Progress:
    """What :func:`migration_token` made of a run between servers."""
    return _migration_from(_unpack(token))


def migration_state(token: str) -> Progress | Whole[Progress]:
    """What :func:`migration_token` made."""
    plain = _unpack(token)
    return whole_from_plain(plain[_PARTS], _migration_from) if _PARTS in plain else _migration_from(plain)


def _migration_from(plain: dict[str, t.Any]) -> Progress:
    plain["choice"] = Choice(*plain["choice"]) if plain["choice"] else None
    plain["pairs"] = [tuple(pair) for pair in plain["pairs"]]
    plain["cursor"] = plain["cursor"].encode("ascii")
    plain["walked"] = tuple(plain["walked"])
    plain["held"] = plain["held"] and Holding(
        tuple((number, keys, expires) for number, keys, expires in plain["held"]["databases"]), plain["held"]["expired"]
    )
    for name in ("counters", "moved_before"):
        plain[name] = {int(number): Counters(**counters) for number, counters in plain[name].items()}
    plain["failures"] = [
        Failure(**{**failure, "key": base64.b64decode(failure["key"])}) for failure in plain["failures"]
    ]
    plain["changes"] = [Change(*change) for change in plain["changes"]]
    plain["waits"] = Waits(**plain["waits"])
    return Progress(**plain)


def diff_token(state: DiffProgress | Whole[DiffProgress]) -> str:
    """How far a comparison has come, as text."""
    if isinstance(state, Whole):
        return _pack({_PARTS: whole_as_plain(state, _diff_plain)})
    return _pack(_diff_plain(state))


def _diff_plain(progress: DiffProgress) -> dict[str, t.Any]:
    plain = _plain(progress)
    plain["cursor"] = progress.cursor.decode("ascii")
    plain["databases"] = {str(number): dataclasses.asdict(counts) for number, counts in progress.databases.items()}
    plain["again"] = dataclasses.asdict(progress.again) if progress.again else None
    plain["waits"] = dataclasses.asdict(progress.waits)
    plain["differences"] = [
        (found.database, _text(found.key), list(found.difference)) for found in progress.differences
    ]
    return plain


def diff_progress(token: str) -> DiffProgress:
    """What :func:`diff_token` made of a comparison between servers."""
    return _diff_from(_unpack(token))


def diff_state(token: str) -> DiffProgress | Whole[DiffProgress]:
    """What :func:`diff_token` made."""
    plain = _unpack(token)
    return whole_from_plain(plain[_PARTS], _diff_from) if _PARTS in plain else _diff_from(plain)


def _diff_from(plain: dict[str, t.Any]) -> DiffProgress:
    plain["pairs"] = [tuple(pair) for pair in plain["pairs"]]
    plain["cursor"] = plain["cursor"].encode("ascii")
    plain["walked"] = tuple(plain["walked"])
    plain["databases"] = {int(number): DatabaseDiff(**counts) for number, counts in plain["databases"].items()}
    plain["again"] = plain["again"] and DatabaseDiff(**plain["again"])
    plain["differences"] = [
        Found(number, base64.b64decode(key), Difference(*difference))
        for number, key, difference in plain["differences"]
    ]
    plain["waits"] = Waits(**plain["waits"])
    return DiffProgress(**plain)
