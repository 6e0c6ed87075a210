# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tunnels opened and closed: never two to the same destination, and none that nobody watches."""

from __future__ import annotations

import socket
import typing as t
from dataclasses import asdict

from .._background.files import Holder
from .._background.start import start
from .._cloud_foundry.errors import CloudFoundryError
from .._cloud_foundry.login import LoginOptions
from .._connection.endpoint import Endpoint, parse_endpoint
from .._waiting import Deadline
from .files import TunnelFiles, TunnelSpec, TunnelState
from .ping import NoRedis, ping
from .supervisor import Order

_SUPERVISOR = "ansible_collections.dataservices.redis_migration.plugins.module_utils._tunnel.supervisor"
_CREDENTIALS = ("url", "username", "password", "backend")
# Where else a server may be: a tunnel leads to the one at its other end.
_ELSEWHERE = ("sentinel", "nodes", "shard")


def local_endpoint(endpoint: Endpoint, local_port: int) -> dict[str, t.Any]:
    """What to lay over the endpoint to reach it through the tunnel; the name in its certificate stays the real one."""
    local: dict[str, t.Any] = {"host": "127.0.0.1", "port": local_port}
    if endpoint.tls:
        local["server_name"] = endpoint.server_name or endpoint.host
    return local


class Tunnel:
    """One tunnel on this machine. C(endpoint) is the destination as seen from the app."""

    def __init__(self, spec: TunnelSpec, endpoint: Endpoint) -> None:
        self._spec = spec
        self._endpoint = endpoint
        self._files = TunnelFiles(spec)

    def existing(self) -> TunnelState | None:
        """The tunnel's state if there is one that is watched."""
        state = self._files.read()
        return state if state is not None and state.alive else None

    def open(
        self, login: LoginOptions, app_guid: str, options: dict[str, t.Any], deadline: Deadline, holder: Holder
    ) -> tuple[TunnelState, bool]:
        """The open tunnel and whether it had to be opened. It stays as long as one of its holders does.

        C(options) has C(fingerprint), C(local_port) (0 for any) and C(max_lifetime).
        """
        with self._files.locked():
            holders = self._files.holders() | {holder}
            state = self._files.read()
            if state is not None and self._answers_again(state, deadline):
                self._files.write_holders(holders)
                return self._files.read() or state, False
            self._files.end()
            if state is not None and holders != {holder}:
                # The others go on at the port that they know.
                options = {**options, "local_port": state.local_port}
            self._files.write_holders(holders)
            return self._start(login, app_guid, options, deadline), True

    def close(self, holder: Holder) -> bool:
        """Whether it was closed: not while others hold it, and not if there was none."""
        with self._files.locked():
            others = self._files.holders() - {holder}
            if others and self.existing() is not None:
                self._files.write_holders(others)
                return False
            there = self._files.end()
        self._files.remove_directory_if_empty()
        return there

    def would_close(self, holder: Holder) -> bool:
        """Whether close would close it."""
        return self.existing() is not None and not self._files.holders() - {holder}

    def _answers_again(self, state: TunnelState, deadline: Deadline) -> bool:
        """Whether the tunnel works, waiting while its supervisor opens it again."""
        while state.alive:
            try:
                ping(self._through(state.local_port))
                return True
            except NoRedis:
                if deadline.passed():
                    return False
            deadline.sleep(0.3)
        return False

    def _through(self, local_port: int) -> Endpoint:
        return parse_endpoint(self._bare_endpoint(local_port), "tunnelled")

    def _bare_endpoint(self, local_port: int) -> dict[str, t.Any]:
        fields = {
            name: value
            for name, value in asdict(self._endpoint).items()
            if name not in (*_CREDENTIALS, *_ELSEWHERE, "role", "unix_socket") and value is not None
        }
        return {**fields, **local_endpoint(self._endpoint, local_port)}

    def _start(self, login: LoginOptions, app_guid: str, options: dict[str, t.Any], deadline: Deadline) -> TunnelState:
        local_port = options["local_port"] or _free_port()
        order = Order(
            spec=asdict(self._spec),
            login=login.as_dict(),
            app_guid=app_guid,
            fingerprint=options["fingerprint"],
            local_port=local_port,
            endpoint=self._bare_endpoint(local_port),
            directory=self._files.directory,
            max_lifetime=float(options["max_lifetime"]),
        )
        answer = start(_SUPERVISOR, asdict(order), deadline)
        state = self._files.read()
        if answer.get("open") and state is not None:
            return state
        self._files.remove()
        raise CloudFoundryError(
            str(answer.get("message") or f"The process behind {self._spec} did not start."),
            hint=answer.get("hint")
            or "Run again with -vvv, or raise wait_timeout (in the playbooks redis_migration_cf_timeout).",
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
