# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What it takes to open an SSH connection to an app: where, as whom, and to which host key."""

from __future__ import annotations

import base64
import binascii
import hashlib
import shlex
import subprocess
import typing as t
from collections.abc import Iterable
from dataclasses import dataclass

from .._cloud_foundry.apps import Apps, described
from .._cloud_foundry.errors import CloudFoundryError
from .._cloud_foundry.resources import App
from .._cloud_foundry.session import CloudFoundrySession
from .._waiting import Deadline

_KEYSCAN_SECONDS = 10


@dataclass(frozen=True)
class SshTarget:
    """C(user) is the SSH user of one app instance; C(fingerprint) is the host key to insist on."""

    user: str
    host: str
    port: int
    fingerprint: str


def find_target(
    session: CloudFoundrySession, app: App, process_type: str, index: int, fingerprint: str | None = None
) -> SshTarget:
    """Where to connect to reach this instance; raises with what keeps SSH from working.

    C(fingerprint) replaces the one that the platform publishes.
    """
    proxy = session.root.ssh
    if proxy is None:
        raise CloudFoundryError(
            f"{session.root.api_url} has no SSH proxy, so there can be no tunnel.",
            hint="Run the migration from where the Redis can be reached directly.",
        )
    pinned = fingerprint or proxy.host_key_fingerprint
    if not pinned:
        raise CloudFoundryError(
            f"{session.root.api_url} does not publish the host key of its SSH proxy, so it cannot be verified.",
            hint="Ask the platform's operator for the fingerprint and set host_key_fingerprint.",
        )
    _require_ssh(session, app)
    if app.state != "STARTED":
        raise CloudFoundryError(
            f'The app "{app.name}" is stopped, so there is no tunnel through it.',
            hint="Start it, or use another app for the tunnel.",
        )
    processes = Apps(session, Deadline(0)).processes(app)
    process = next((one for one in processes if one["type"] == process_type), None)
    instances = process["instances"] if process else []
    state = next((entry["state"] for entry in instances if entry["index"] == index), None)
    if process is None or state != "RUNNING":
        raise CloudFoundryError(
            f'The instance {index} of the process {process_type} of the app "{app.name}" does not run; '
            f"there is: {described(processes)}.",
            hint="Start the app, or choose another instance or process.",
        )
    return SshTarget(f"cf:{process['guid']}/{index}", proxy.host, proxy.port, pinned)


def _require_ssh(session: CloudFoundrySession, app: App) -> None:
    answer = session.get(f"/v3/apps/{app.guid}/ssh_enabled")
    if answer.get("enabled"):
        return
    reason = str(answer.get("reason") or "")
    text = reason.lower()
    if "globally" in text:
        level, hint = "on the whole platform", "Only the platform's operator can enable it; there is no tunnel here."
    elif "space" in text:
        level, hint = "in its space", "A space manager enables it: 'cf allow-space-ssh SPACE', then restart the app."
    else:
        level, hint = "for this app", f"'cf enable-ssh {app.name}' enables it, then restart the app."
    raise CloudFoundryError(
        f'SSH to the app "{app.name}" is disabled {level} ({reason or "no reason given"}).', hint=hint
    )


def known_hosts_line(target: SshTarget) -> str:
    """The one line of a known_hosts file that has the key with the pinned fingerprint.

    The proxy is asked for its keys, but only the pinned one is believed.
    """
    offered = _scanned(target)
    found = []
    for kind, key in offered:
        try:
            blob = base64.b64decode(key, validate=True)
        except binascii.Error:
            continue
        if fingerprint_matches(blob, target.fingerprint):
            return f"[{target.host}]:{target.port} {kind} {key}\n"
        found.append(f"{kind} SHA256:{_sha256(blob)}")
    if not found:
        raise CloudFoundryError(
            f"The SSH proxy {target.host}:{target.port} does not answer with a host key.",
            hint="Check that this host can reach it (firewalls often close this port).",
        )
    raise CloudFoundryError(
        f"The SSH proxy {target.host}:{target.port} has another host key than Cloud Foundry says: expected "
        f"{target.fingerprint}, got {', '.join(found)}. The connection was refused.",
        hint="Somebody may be listening in, or the platform changed its key just now: ask its operator.",
    )


def _scanned(target: SshTarget) -> list[tuple[str, str]]:
    command = ["ssh-keyscan", "-T", str(_KEYSCAN_SECONDS), "-p", str(target.port), "--", target.host]
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=_KEYSCAN_SECONDS * 4
        )
    except FileNotFoundError as exc:
        raise CloudFoundryError(
            "OpenSSH's ssh-keyscan is not installed.",
            hint="Install the OpenSSH client on the host that runs the module.",
        ) from exc
    except subprocess.TimeoutExpired:
        return []
    lines = [line.split() for line in answer.stdout.splitlines() if not line.startswith("#")]
    return [(parts[1], parts[2]) for parts in lines if len(parts) >= 3]


def fingerprint_matches(blob: bytes, fingerprint: str) -> bool:
    """Whether a host key (its binary form) has this fingerprint, of whichever kind its length says."""
    text = fingerprint.strip()
    for prefix in ("SHA256:", "SHA1:", "MD5:"):
        text = text.removeprefix(prefix)
    text = text.rstrip("=")
    expected: dict[int, t.Callable[[bytes], str]] = {
        43: _sha256,
        64: lambda key: hashlib.sha256(key).hexdigest(),
        59: lambda key: _colons(hashlib.sha1(key, usedforsecurity=False).hexdigest()),
        47: lambda key: _colons(hashlib.md5(key, usedforsecurity=False).hexdigest()),
    }
    compute = expected.get(len(text))
    if compute is None:
        raise CloudFoundryError(
            f"The host key fingerprint {fingerprint} is of an unknown kind ({len(text)} characters).",
            hint="Known are SHA256 (43 characters of base64, or 64 hexadecimal digits), SHA1 (59) and MD5 (47).",
        )
    return compute(blob) == (text if len(text) == 43 else text.lower())


def _sha256(blob: bytes) -> str:
    return base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def _colons(digits: str) -> str:
    return ":".join(_pairs(digits))


def _pairs(digits: str) -> Iterable[str]:
    return (digits[start : start + 2] for start in range(0, len(digits), 2))


def ssh_command(target: SshTarget, known_hosts: str, ready: str, local_port: int, host: str, port: int) -> list[str]:
    """The OpenSSH client that forwards 127.0.0.1:local_port. Nothing in it is secret; the code comes by askpass.

    It makes the file C(ready) once it listens: that something answers on the port would not tell that it is this ssh.
    """
    destination = f"[{host}]" if ":" in host else host
    options = {
        "BatchMode": "no",
        "CheckHostIP": "no",
        "ConnectTimeout": "15",
        "ControlMaster": "no",
        "ControlPath": "none",
        "ExitOnForwardFailure": "yes",
        "ForwardAgent": "no",
        "GlobalKnownHostsFile": "/dev/null",
        "LocalCommand": f": > {shlex.quote(ready).replace('%', '%%')}",
        "LogLevel": "INFO",
        "NumberOfPasswordPrompts": "1",
        "PermitLocalCommand": "yes",
        "PreferredAuthentications": "password,keyboard-interactive",
        "PubkeyAuthentication": "no",
        "ServerAliveCountMax": "3",
        "ServerAliveInterval": "10",
        "StrictHostKeyChecking": "yes",
        "UpdateHostKeys": "no",
        "UserKnownHostsFile": f'"{known_hosts}"',
    }
    command = ["ssh", "-F", "/dev/null", "-N", "-T", "-p", str(target.port), "-l", target.user]
    for name, value in options.items():
        command += ["-o", f"{name}={value}"]
    return [*command, "-L", f"127.0.0.1:{local_port}:{destination}:{port}", "--", target.host]
