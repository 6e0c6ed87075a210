# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real OpenSSH server on loopback, with keys of its own, that lets in whoever runs the tests.

with SshServer(directory) as server:
    host = server.inventory_host()
"""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.support import keeper
from tests.support.left_out import need_program

HOST = "127.0.0.1"
_START_SECONDS = 20


class SshServer:
    """Runs until the block ends; `port` is free when it starts."""

    def __init__(self, directory: Path) -> None:
        self._program = need_program("sshd", "openssh-server")
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def __enter__(self) -> SshServer:
        self._directory.mkdir(mode=0o700, exist_ok=True)
        for name in ("host_key", "client_key"):
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self._directory / name)]
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            self.port = probe.getsockname()[1]
        settings = {
            "Port": self.port,
            "ListenAddress": HOST,
            "HostKey": self._directory / "host_key",
            "AuthorizedKeysFile": self._directory / "client_key.pub",
            "PidFile": "none",
            "StrictModes": "no",
            "UsePAM": "no",
            "PasswordAuthentication": "no",
            "Subsystem": "sftp internal-sftp",
        }
        config = self._directory / "sshd_config"
        config.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
        host_key = (self._directory / "host_key.pub").read_text()
        (self._directory / "known_hosts").write_text(f"[{HOST}]:{self.port} {host_key}")
        if os.geteuid() == 0:
            # Where its privileges are separated: a directory that the package makes at boot.
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Start on the port that it has."""
        log = self._directory / "log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [self._program, "-D", "-e", "-f", str(self._directory / "sshd_config")],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        keeper.keep(self._process.pid)
        deadline = time.monotonic() + _START_SECONDS
        while "Server listening" not in log.read_text():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"sshd did not start:\n{log.read_text()}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End it; what its sessions run ends with their connections."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            keeper.forget(self._process.pid)
            self._process = None

    def inventory_host(self) -> dict[str, Any]:
        """The variables with which Ansible reaches it; its host key is pinned."""
        options = f"-o UserKnownHostsFile={self._directory / 'known_hosts'} -o StrictHostKeyChecking=yes"
        return {
            "ansible_connection": "ssh",
            "ansible_host": HOST,
            "ansible_port": self.port,
            "ansible_user": getpass.getuser(),
            "ansible_ssh_private_key_file": str(self._directory / "client_key"),
            "ansible_ssh_common_args": f"{options} -o IdentitiesOnly=yes -o ControlPath=none",
            "ansible_pipelining": True,
            "ansible_python_interpreter": sys.executable,
        }
