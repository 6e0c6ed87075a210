# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the process of a live run and the modules that ask it tell each other: an order at its start, then files."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import typing as t

from .._background.files import ProcessFiles, ProcessState, private_directory
from .._connection.endpoint import Backend, Endpoint
from .._connection.sentinel_options import Sentinel
from .._keys.selection import Selection
from .._keys.slots import ALL_SLOTS
from .._migrate.progress import Plan

FOLLOWING, DRAINING, PROVED, FAILED = "following", "draining", "proved", "failed"

# How often things happened that mean comparing anew, beside the :class:`result.Status`.
COUNTED = ("feeds", "restarts", "overflows", "evictions")

_SECRETS = ("password", "ca_cert_content")

# What changes of an endpoint while a run goes on.
_PASSING = ("found",)


def plan_as_dict(plan: Plan) -> dict[str, t.Any]:
    """The plan with its secrets, as JSON has it."""
    # All slots, as of every live run.
    return {name: value for name, value in dataclasses.asdict(plan).items() if name != "shard"}


def plan_from_dict(plain: dict[str, t.Any]) -> Plan:
    """What :func:`plan_as_dict` made, and JSON carried."""
    chosen = plain["selection"]
    selection = Selection(
        databases=None if chosen["databases"] is None else tuple(chosen["databases"]),
        database_map={int(here): there for here, there in chosen["database_map"].items()},
        database_prefix={int(here): prefix for here, prefix in chosen["database_prefix"].items()},
        rename=chosen["rename"],
        match=tuple(chosen["match"]),
        exclude=tuple(chosen["exclude"]),
        types=tuple(chosen["types"]),
    )
    ends = {role: _endpoint(plain[role]) for role in ("source", "target")}
    # Parts of a run over clusters have others beside them, a live run has none.
    return Plan(**{**plain, **ends, "selection": selection, "others": (), "shard": ALL_SLOTS})


def _endpoint(plain: dict[str, t.Any]) -> Endpoint:
    backend, sentinel = plain["backend"], plain["sentinel"]
    made: dict[str, t.Any] = {
        "ca_fingerprints": tuple(plain["ca_fingerprints"]),
        "nodes": tuple((host, port) for host, port in plain["nodes"]),
    }
    made["backend"] = Backend(**backend) if backend else None
    if sentinel:
        tuples = {name: tuple(sentinel[name]) for name in ("hosts", "ca_fingerprints")}
        made["sentinel"] = Sentinel(**{**sentinel, **tuples})
    return Endpoint(**{**plain, **made})


def run_key(plan: Plan) -> str:
    """What makes a run the same run, as the name of its files: from where to where."""
    selection = plan.selection
    return _digest([plan.source.place, plan.target.place, selection.databases, dict(selection.database_map)])


def options_key(plan: Plan) -> str:
    """All that a run was started with, but for its secrets."""
    return _digest(_without_secrets(plan_as_dict(plan)))


def _without_secrets(plain: t.Any) -> t.Any:
    if not isinstance(plain, dict):
        return plain
    return {name: _without_secrets(value) for name, value in plain.items() if name not in (*_SECRETS, *_PASSING)}


def _digest(plain: t.Any) -> str:
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:20]


@dataclasses.dataclass(frozen=True)
class Order:
    """What the process is started with. ``lease_seconds``: how long it goes on unasked where its playbook cannot be seen."""

    plan: dict[str, t.Any]
    directory: str
    log_path: str | None
    lease_seconds: float


@dataclasses.dataclass
class LiveState(ProcessState):
    """What the process says of itself. ``at``: when (monotonic). ``status``: see :class:`result.Status`.

    ``answered``: the request to which ``result`` is the answer. ``message``, ``hint``: why it failed.
    """

    options: str
    log: str
    phase: str = FOLLOWING
    at: float = 0.0
    status: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    answered: str = ""
    result: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    message: str = ""
    hint: str | None = None


class LiveFiles(ProcessFiles[LiveState]):
    """The files of one live run in the private runtime directory."""

    def __init__(self, plan: Plan, directory: str | None = None) -> None:
        super().__init__(directory or private_directory("live"), run_key(plan), LiveState)

    @property
    def log_path(self) -> str:
        """The log that goes with the process; one that the operator asked for stays."""
        return self.path("log")

    @property
    def others(self) -> list[str]:
        return [self.log_path, self._request_path]

    @property
    def _request_path(self) -> str:
        return self.path("request")

    def request(self) -> dict[str, t.Any] | None:
        """The last request to drain: its ``id``, when it was made (``at``, monotonic), and ``seconds`` for it."""
        found = self._load(self._request_path)
        return found if isinstance(found, dict) else None

    def write_request(self, request: dict[str, t.Any]) -> None:
        self._replace(self._request_path, request)

    def renewed(self) -> float:
        """When a module last said that the run is wanted (by the clock of the file system)."""
        try:
            return os.stat(self.holders_path).st_mtime
        except OSError:
            return 0.0
