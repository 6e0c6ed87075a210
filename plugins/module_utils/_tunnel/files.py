# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where tunnels are remembered on this machine: private files without secrets, one per destination."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from .._cloud_foundry.errors import CloudFoundryError
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


@dataclass(frozen=True)
class Holder:
    """Somebody who uses a tunnel: a migration's C(name) and the process that runs it (0 where it cannot be seen)."""

    pid: int = 0
    identity: str = ""
    name: str = ""


class TunnelFiles:
    """The files of one tunnel in the private runtime directory."""

    def __init__(self, spec: TunnelSpec, directory: str | None = None) -> None:
        self.directory = directory or runtime_directory()
        self._base = os.path.join(self.directory, spec.key)

    @property
    def state_path(self) -> str:
        return f"{self._base}.json"

    @property
    def passing(self) -> dict[str, str]:
        """Files that are there only while an SSH connection is being opened."""
        return {name: f"{self._base}.{name}" for name in ("askpass", "code", "known_hosts", "ready")}

    @property
    def holders_path(self) -> str:
        return f"{self._base}.holders"

    def read(self) -> TunnelState | None:
        """None when there is no state, or none that can be understood."""
        try:
            with open(self.state_path, encoding="utf-8") as stream:
                return TunnelState(**json.load(stream))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, state: TunnelState) -> None:
        self._replace(self.state_path, asdict(state))

    def holders(self) -> set[Holder]:
        """Who uses the tunnel and is still there; who cannot be seen is, until it says otherwise."""
        try:
            with open(self.holders_path, encoding="utf-8") as stream:
                found = {Holder(**fields) for fields in json.load(stream)}
        except (OSError, ValueError, TypeError):
            return set()
        processes = {(holder.pid, holder.identity) for holder in found}
        alive = {process for process in processes if not process[0] or is_alive(*process)}
        return {holder for holder in found if (holder.pid, holder.identity) in alive}

    def write_holders(self, holders: set[Holder]) -> None:
        self._replace(self.holders_path, [asdict(holder) for holder in holders])

    def _replace(self, path: str, document: object) -> None:
        descriptor, temporary = tempfile.mkstemp(prefix="tunnel-", dir=self.directory)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump(document, stream)
        os.replace(temporary, path)

    def remove(self) -> None:
        for path in (self.state_path, self.holders_path, *self.passing.values()):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)

    @contextlib.contextmanager
    def locked(self, *, wait: bool = True) -> Iterator[None]:
        """Only one process at a time opens or closes this tunnel. The lock file goes when the last one is through.

        Without C(wait) it raises BlockingIOError while somebody else has it.
        """
        path = f"{self._base}.lock"
        while True:
            try:
                descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600)
            except FileNotFoundError:
                # The last tunnel was closed at this moment, and the directory went with it.
                os.makedirs(self.directory, 0o700, exist_ok=True)
                continue
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                os.close(descriptor)
                raise
            if _is_at(descriptor, path):
                break
            # Whoever held it before took the file away, so this lock guards nothing.
            os.close(descriptor)
        try:
            yield
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            os.close(descriptor)


def _is_at(descriptor: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path, follow_symlinks=False))
    except FileNotFoundError:
        return False


def runtime_directory() -> str:
    """A directory that only this user can enter; raises when somebody else owns what is there under its name."""
    session = os.environ.get("XDG_RUNTIME_DIR", "")
    parent = session if session and os.access(session, os.W_OK | os.X_OK) else tempfile.gettempdir()
    path = os.path.join(parent, f"redis-migration-tunnels-{os.getuid()}")
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, 0o700)
    status = os.stat(path, follow_symlinks=False)
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise CloudFoundryError(
            f"{path} is not a directory that only this user can enter.",
            hint="Remove it, or set XDG_RUNTIME_DIR to a private directory.",
        )
    return path


def remove_directory_if_empty(path: str) -> None:
    with contextlib.suppress(OSError):
        os.rmdir(path)
