# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The small process behind a tunnel: opens it, opens it again with a new code when it drops, and ends itself.

It is started detached by C(tunnel.py), gets everything including the login through its standard input, and says on
its standard output, in one line of JSON, whether the tunnel is open. After that it is silent; its state is in a file.
It ends when it is told to (SIGTERM), when nobody is left who holds the tunnel, or when the tunnel's lifetime is over.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import os
import subprocess
import threading
import time
import typing as t

from .._background.child import begin, report
from .._cloud_foundry.errors import CloudFoundryError
from .._cloud_foundry.login import LoginOptions, connect
from .._cloud_foundry.resources import App, app_of
from .._cloud_foundry.session import CloudFoundrySession
from .._connection.endpoint import parse_endpoint
from .._errors import RedisMigrationError
from .._process import process_identity
from .._waiting import pauses
from .files import TunnelFiles, TunnelSpec, TunnelState
from .ping import NoRedis, ping
from .ssh import find_target, known_hosts_line, ssh_command

_OPEN_SECONDS = 45.0
_WATCH_PAUSE = 0.5
_ASKPASS = "#!/bin/sh\nexec cat '{path}'\n"


@dataclasses.dataclass(frozen=True)
class Order:
    """What the supervisor is started with, as JSON. C(endpoint) is the destination as seen from the app, without
    credentials."""

    spec: dict[str, t.Any]
    login: dict[str, t.Any]
    app_guid: str
    fingerprint: str | None
    local_port: int
    endpoint: dict[str, t.Any]
    directory: str
    max_lifetime: float


class Stopped(Exception):
    """The supervisor has to end."""


class Supervisor:
    def __init__(self, order: Order) -> None:
        self._order = order
        self._spec = TunnelSpec(**order.spec)
        self._files = TunnelFiles(self._spec, order.directory)
        self._ends = time.monotonic() + order.max_lifetime
        self._stop = threading.Event()
        self._ending = contextlib.ExitStack()
        self._ssh: subprocess.Popen[bytes] | None = None
        self._said: collections.deque[str] = collections.deque(maxlen=12)
        self._state = TunnelState(
            pid=os.getpid(), identity=process_identity(os.getpid()) or "", local_port=order.local_port
        )

    def stop(self) -> None:
        self._stop.set()

    def run(self, tell: t.Callable[[dict[str, t.Any]], None]) -> None:
        """Open, tell, keep open; returns when it is over and everything is cleaned up."""
        try:
            try:
                self._open()
            except RedisMigrationError as exc:
                tell({"open": False, "message": exc.message, "hint": exc.hint})
                return
            tell({"open": True})
            self._keep_open()
        except Stopped:
            pass
        finally:
            with self._ending:
                self._end_ssh()
                self._files.remove()
            self._files.remove_directory_if_empty()

    def _keep_open(self) -> None:
        while True:
            self._wait_for_drop()
            self._note("broken", self._closing_output() or "the SSH connection ended")
            self._reopen()

    def _wait_for_drop(self) -> None:
        while self._ssh is not None and self._ssh.poll() is None:
            self._pause(_WATCH_PAUSE)

    def _reopen(self) -> None:
        for pause in pauses(0.5, longest=15.0, factor=1.7):
            self._end_ssh()
            try:
                self._open()
            except CloudFoundryError as exc:
                self._note("broken", exc.message)
                if exc.status in (400, 401, 403):
                    # The login is over; more attempts could only lock the account.
                    raise Stopped from exc
            except RedisMigrationError as exc:
                self._note("broken", exc.message)
            else:
                return
            self._pause(pause)

    def _pause(self, seconds: float) -> None:
        """Sleep, and raise Stopped as soon as there is a reason to end."""
        self._stop.wait(min(seconds, max(0.0, self._ends - time.monotonic())))
        if self._stop.is_set() or time.monotonic() >= self._ends:
            raise Stopped
        lock = self._files.lock_if_unheld()
        if lock is not None:
            self._ending = lock
            raise Stopped

    def _note(self, status: str, error: str) -> None:
        self._state.status = status
        self._state.last_error = error
        with contextlib.suppress(OSError):
            self._files.write(self._state)

    def _open(self) -> None:
        """One SSH connection, from the login to the answer of the Redis; raises RedisMigrationError."""
        order = self._order
        session = connect(LoginOptions(**order.login), _ignore)
        app = self._app(session)
        target = find_target(session, app, self._spec.process, self._spec.instance, order.fingerprint)
        self._said.clear()
        with self._passing_files(known_hosts_line(target)) as paths:
            command = ssh_command(
                target, paths["known_hosts"], paths["ready"], order.local_port, self._spec.host, self._spec.port
            )
            self._start_ssh(command, paths["askpass"], paths["code"], session.ssh_code())
            self._await_ready(paths["ready"])
        self._prove()
        reopened = self._state.ssh_pid != 0
        if self._ssh is None:
            raise AssertionError("only asked while ssh runs")
        self._state.ssh_pid = self._ssh.pid
        self._state.ssh_identity = process_identity(self._ssh.pid) or ""
        self._state.reopened += int(reopened)
        self._state.status = "open"
        self._files.write(self._state)

    def _app(self, session: CloudFoundrySession) -> App:
        resource = session.find(f"/v3/apps/{self._order.app_guid}")
        if resource is None:
            raise CloudFoundryError(f'The app "{self._spec.app}" is gone.', hint="Use another app for the tunnel.")
        return app_of(resource)

    @contextlib.contextmanager
    def _passing_files(self, known_hosts: str) -> t.Iterator[dict[str, str]]:
        paths = self._files.passing
        try:
            self._remove_passing_files()
            os.mkfifo(paths["code"], 0o600)
            _write_private(paths["askpass"], _ASKPASS.format(path=paths["code"].replace("'", "'\\''")), 0o700)
            _write_private(paths["known_hosts"], known_hosts, 0o600)
            yield paths
        finally:
            self._remove_passing_files()

    def _remove_passing_files(self) -> None:
        for path in self._files.passing.values():
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)

    def _start_ssh(self, command: list[str], askpass: str, fifo: str, code: str) -> None:
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": os.path.expanduser("~"),
            "LC_ALL": "C",
            "SSH_ASKPASS": askpass,
            "SSH_ASKPASS_REQUIRE": "force",
            # OpenSSH before 8.4 asks through SSH_ASKPASS only when it believes in a display.
            "DISPLAY": ":0",
        }
        try:
            self._ssh = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=environment,
                start_new_session=True,
            )
        except FileNotFoundError as exc:
            raise CloudFoundryError(
                "OpenSSH's ssh is not installed.", hint="Install the OpenSSH client on the host that runs the module."
            ) from exc
        threading.Thread(target=self._listen, args=(self._ssh,), daemon=True).start()
        threading.Thread(target=_hand_over, args=(self._ssh, fifo, code), daemon=True).start()

    def _listen(self, ssh: subprocess.Popen[bytes]) -> None:
        if ssh.stderr is None:
            raise AssertionError("opened with pipes")
        with ssh.stderr as stream:
            for line in stream:
                self._said.append(line.decode("utf-8", "replace").strip())

    def _await_ready(self, ready: str) -> None:
        ends = time.monotonic() + _OPEN_SECONDS
        while time.monotonic() < ends:
            self._require_ssh()
            if os.path.exists(ready):
                return
            self._pause(0.05)
        raise CloudFoundryError(
            f"The SSH connection for {self._spec} was not open after {_OPEN_SECONDS:.0f} seconds.",
            hint="Check that this host can reach the SSH proxy.",
        )

    def _prove(self) -> None:
        try:
            ping(parse_endpoint(self._order.endpoint, "tunnelled"))
        except NoRedis as exc:
            raise self._no_redis(exc) from exc

    def _require_ssh(self) -> None:
        if self._ssh is not None and self._ssh.poll() is None:
            return
        # The thread that reads ssh's last lines needs a moment.
        time.sleep(0.1)
        raise CloudFoundryError(
            f"The SSH connection for {self._spec} could not be opened: {self._closing_output() or 'ssh gives no reason'}.",
            hint="'cf ssh APP' shows whether SSH to the app works at all.",
        )

    def _no_redis(self, cause: NoRedis) -> CloudFoundryError:
        time.sleep(0.2)
        said = self._closing_output()
        hint = f"The app must be able to reach it: check host and port, and the space's security groups ({said})."
        if cause.certificate:
            hint = "Check server_name and the CA certificate of the endpoint."
        elif not said:
            hint = "Check host, port and tls of the endpoint, and the space's security groups."
        return CloudFoundryError(
            f'No Redis answers at {self._spec.host}:{self._spec.port} through the app "{self._spec.app}": {cause}.',
            hint=hint,
        )

    def _closing_output(self) -> str:
        """What ssh said last that is no chatter."""
        said = [line for line in self._said if line and not line.startswith(("Warning:", "debug"))]
        return said[-1].rstrip(".") if said else ""

    def _end_ssh(self) -> None:
        if self._ssh is None:
            return
        if self._ssh.poll() is None:
            self._ssh.terminate()
            try:
                self._ssh.wait(3)
            except subprocess.TimeoutExpired:
                self._ssh.kill()
                self._ssh.wait()
        self._ssh = None


def _hand_over(ssh: subprocess.Popen[bytes], fifo: str, code: str) -> None:
    """Write the code into the named pipe once askpass reads from it; give up when ssh ends without asking."""
    while ssh.poll() is None:
        try:
            descriptor = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.02)
            continue
        with contextlib.suppress(OSError), os.fdopen(descriptor, "wb") as stream:
            stream.write(code.encode() + b"\n")
        return


def _write_private(path: str, text: str, mode: int) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)


def _ignore(_warning: str) -> None:
    """The module warned already."""


def main(order: dict[str, t.Any]) -> None:
    """C(order) is an Order as a dictionary."""
    supervisor = Supervisor(Order(**order))
    begin(supervisor.stop)
    supervisor.run(report)
