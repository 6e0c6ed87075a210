# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is remembered of a tunnel on this machine; one of the same destination is the same tunnel."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

from .._background.files import ProcessFiles, ProcessState, private_directory
from .._process import end_process


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
class TunnelState(ProcessState):
    """C(status) is C(open), or C(broken) while it is being opened again; C(last_error) says why it broke last."""

    local_port: int
    status: str = "open"
    reopened: int = 0
    ssh_pid: int = 0
    ssh_identity: str = ""
    last_error: str = ""

    def end(self) -> None:
        super().end()
        # Left behind by a supervisor that was killed.
        if self.ssh_pid:
            end_process(self.ssh_pid, self.ssh_identity)


class TunnelFiles(ProcessFiles[TunnelState]):
    """The files of one tunnel in the private runtime directory."""

    def __init__(self, spec: TunnelSpec, directory: str | None = None) -> None:
        super().__init__(directory or private_directory("tunnels"), spec.key, TunnelState)

    @property
    def passing(self) -> dict[str, str]:
        """Files that are there only while an SSH connection is being opened."""
        return {name: self.path(name) for name in ("askpass", "code", "known_hosts", "ready")}

    @property
    def others(self) -> list[str]:
        return list(self.passing.values())
