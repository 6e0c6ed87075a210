# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is remembered of a tunnel on this machine; one of the same destination is the same tunnel."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

from .._background.files import ProcessFiles, private_directory
from .._process import is_alive


@dataclass(frozen=True)
class TunnelSpec:
    """What makes a tunnel the same tunnel: through which app, to where. C(app) is a name or a GUID."""

    api_url: str
    organization: str
    space: str
    app: str
    process: str
    instance: int
    host: str
    port: int

    @property
    def key(self) -> str:
        """The name of its files."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:20]

    def __str__(self) -> str:
        return f'the tunnel to {self.host}:{self.port} through the app "{self.app}"'


@dataclass
class TunnelState:
    """C(status) is C(open), or C(broken) while it is being opened again; C(last_error) says why it broke last."""

    pid: int
    identity: str
    local_port: int
    status: str = "open"
    reopened: int = 0
    ssh_pid: int = 0
    ssh_identity: str = ""
    last_error: str = ""

    @property
    def alive(self) -> bool:
        return is_alive(self.pid, self.identity)


class TunnelFiles(ProcessFiles):
    """The files of one tunnel in the private runtime directory."""

    def __init__(self, spec: TunnelSpec, directory: str | None = None) -> None:
        super().__init__(directory or private_directory("tunnels"), spec.key)

    @property
    def passing(self) -> dict[str, str]:
        """Files that are there only while an SSH connection is being opened."""
        return {name: self.path(name) for name in ("askpass", "code", "known_hosts", "ready")}

    @property
    def others(self) -> list[str]:
        return list(self.passing.values())

    def read(self) -> TunnelState | None:
        """None when there is no state, or none that can be understood."""
        try:
            return TunnelState(**(self._load(self.state_path) or {}))
        except TypeError:
            return None

    def write(self, state: TunnelState) -> None:
        self._replace(self.state_path, asdict(state))
