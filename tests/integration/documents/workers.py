# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The workers and the jump host that pages name: one SSH server, found under their names by a configuration of ssh."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.integration.documents.world import World
from tests.support.sshd import HOST, SshServer


@contextmanager
def workers(page: Path, world: World, directory: Path) -> Iterator[dict[str, str]]:
    """The environment in which they are reached; for pages that name none, an empty one."""
    if "redis_migration_workers:\n" not in page.read_text():
        yield {}
        return
    with SshServer(directory / "sshd") as server:
        config = directory / "ssh_config"
        config.write_text(
            f"Host worker* jumphost*\n  HostName {HOST}\n  Port {server.port}\n"
            f"  IdentityFile {directory}/sshd/client_key\n  IdentitiesOnly yes\n"
            f"  UserKnownHostsFile {directory}/sshd/known_hosts\n  StrictHostKeyChecking yes\n"
        )
        yield {"ANSIBLE_SSH_ARGS": f"-F {config} -o ControlMaster=auto -o ControlPersist=5s"}
