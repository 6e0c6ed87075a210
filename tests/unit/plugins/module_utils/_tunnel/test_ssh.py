# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Host keys by fingerprints of every kind, and an SSH command with no secret in it."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._cloud_foundry.errors import (
    CloudFoundryError,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._process import (
    end_process,
    is_alive,
    process_identity,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._tunnel.files import (
    TunnelFiles,
    TunnelSpec,
    TunnelState,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._tunnel.ssh import (
    SshTarget,
    fingerprint_matches,
    ssh_command,
)

KEY = b"\x00\x00\x00\x07ssh-rsa some key"


def colons(digest: str) -> str:
    return ":".join(digest[start : start + 2] for start in range(0, len(digest), 2))


KINDS = {
    "sha256": base64.b64encode(hashlib.sha256(KEY).digest()).decode().rstrip("="),
    "sha256 padded": base64.b64encode(hashlib.sha256(KEY).digest()).decode(),
    "sha256 as OpenSSH writes it": "SHA256:" + base64.b64encode(hashlib.sha256(KEY).digest()).decode().rstrip("="),
    "sha256 hexadecimal": hashlib.sha256(KEY).hexdigest(),
    "sha1": colons(hashlib.sha1(KEY).hexdigest()),
    "md5": colons(hashlib.md5(KEY).hexdigest()),
    "md5 upper case": colons(hashlib.md5(KEY).hexdigest()).upper(),
}


@pytest.mark.parametrize("kind", KINDS)
def test_fingerprints_of_every_kind(kind: str) -> None:
    assert fingerprint_matches(KEY, KINDS[kind])
    assert not fingerprint_matches(KEY + b"!", KINDS[kind])


@pytest.mark.parametrize("fingerprint", ["", "abc", "x" * 42, "x" * 65])
def test_a_fingerprint_of_no_kind_is_refused(fingerprint: str) -> None:
    with pytest.raises(CloudFoundryError, match="unknown kind"):
        fingerprint_matches(KEY, fingerprint)


def test_the_command() -> None:
    target = SshTarget("cf:guid/0", "ssh.example.org", 2222, "x")
    command = ssh_command(target, "/run/known hosts", "/run/it's 5%", 4711, "red1.service", 6379)
    assert command[-4:] == ["-L", "127.0.0.1:4711:red1.service:6379", "--", "ssh.example.org"]
    assert 'UserKnownHostsFile="/run/known hosts"' in command
    assert "StrictHostKeyChecking=yes" in command
    assert "LocalCommand=: > '/run/it'\"'\"'s 5%%'" in command
    assert "127.0.0.1:1:[::1]:2" in ssh_command(target, "k", "r", 1, "::1", 2)


def test_a_process_is_known_by_more_than_its_number() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    identity = process_identity(process.pid)
    assert identity
    assert is_alive(process.pid, identity)
    assert not is_alive(process.pid, identity + "0")
    assert process_identity(os.getpid()) != identity
    end_process(process.pid, identity + "0")
    assert process.poll() is None
    end_process(process.pid, identity)
    assert process.wait(5) != 0
    assert not is_alive(process.pid, identity)


def test_state_files_are_private_and_hold_no_secret(tmp_path: os.PathLike[str]) -> None:
    spec = TunnelSpec("https://api", "o", "s", "app", "web", 0, "host", 6379)
    files = TunnelFiles(spec, os.fspath(tmp_path))
    assert files.read() is None
    state = TunnelState(pid=1, identity="x", local_port=2)
    with files.locked():
        files.write(state)
        assert os.stat(files.state_path).st_mode & 0o077 == 0
    assert files.read() == state
    assert os.listdir(tmp_path) == [f"{spec.key}.json"]
    files.remove()
    assert os.listdir(tmp_path) == []


def test_other_destinations_have_other_files() -> None:
    one = TunnelSpec("https://api", "o", "s", "app", "web", 0, "host", 6379)
    assert one.key != TunnelSpec("https://api", "o", "s", "app", "web", 0, "host", 6380).key
    assert one.key != TunnelSpec("https://api", "o", "s", "app", "web", 1, "host", 6379).key
