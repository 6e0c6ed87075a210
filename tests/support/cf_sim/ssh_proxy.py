# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SSH proxy: a real SSH server. One-time codes as passwords, real forwards into "the container's" network."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import asyncssh

from . import permissions
from .api import Core
from .apps import ssh_refusal
from .containers import Container
from .uaa import Uaa

USER = re.compile(r"cf:([0-9a-f-]+)/(\d+)")


def fingerprint(key: asyncssh.SSHKey, kind: str) -> str:
    """The host key's fingerprint as the API announces it: sha256, sha256-hex, sha1 or md5."""
    data = key.convert_to_public().public_data
    if kind == "sha256":
        return base64.b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    if kind == "sha256-hex":
        return hashlib.sha256(data).hexdigest()
    digest = {"sha1": hashlib.sha1, "md5": hashlib.md5}[kind](data, usedforsecurity=False).digest()
    return ":".join(f"{byte:02x}" for byte in digest)


class _Connection(asyncssh.SSHServer):
    """One connection of somebody to one container."""

    def __init__(self, proxy: SshProxy) -> None:
        self._proxy = proxy
        self.connection: asyncssh.SSHServerConnection | None = None
        self.container: Container | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self.connection = conn
        if self._proxy.refusing:
            conn.abort()
            return
        self._proxy.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._proxy.connections.discard(self)

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        self.container = self._proxy.admit(username, password)
        return self.container is not None

    def connection_requested(
        self, dest_host: str, dest_port: int, orig_host: str, orig_port: int
    ) -> Coroutine[Any, Any, asyncssh.SSHTCPSession[bytes]]:
        self._proxy.forwards.append((dest_host, dest_port))
        return self._forward(dest_host, dest_port)

    async def _forward(self, host: str, port: int) -> Any:
        assert self.connection is not None
        try:
            address, real_port = self._proxy.core.state.resolve(host, port)
        except OSError as error:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, str(error)) from None
        return await self.connection.forward_connection(address, real_port)


class SshProxy:
    """Listens on a free port of 127.0.0.1. `forwards` lists (host, port) of every forward asked for.

    While `refusing` is true, every new connection is cut before it says who it is.
    """

    def __init__(self, core: Core, uaa: Uaa, port: int = 0) -> None:
        self.core = core
        self._uaa = uaa
        self._wanted_port = port
        self._key = asyncssh.generate_private_key("ssh-ed25519")
        self.port = 0
        self.connections: set[_Connection] = set()
        self.forwards: list[tuple[str, int]] = []
        self.refusing = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="cf-sim-ssh", daemon=True)
        self._acceptor: asyncssh.SSHAcceptor | None = None

    def start(self) -> None:
        self._thread.start()
        acceptor: asyncssh.SSHAcceptor = self._run(self._listen())
        self._acceptor = acceptor
        self.port = acceptor.get_port()
        self.core.containers.on_stop = self._container_ended

    async def _listen(self) -> asyncssh.SSHAcceptor:
        return await asyncssh.create_server(
            lambda: _Connection(self),
            "127.0.0.1",
            self._wanted_port,
            server_host_keys=[self._key],
            server_version="diego-ssh-proxy",
            process_factory=self._shell,
            kbdint_auth=False,
            public_key_auth=False,
            gss_host=None,
            allow_scp=False,
            encoding="utf-8",
            login_timeout=30,
        )

    def stop(self) -> None:
        if self._acceptor is not None:
            self._acceptor.close()
        self.drop()
        self._run(asyncio.sleep(0))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()

    def fingerprint(self, kind: str = "sha256") -> str:
        return fingerprint(self._key, kind)

    def change_host_key(self) -> None:
        """New connections meet another key than the one that is announced."""
        assert self._acceptor is not None
        acceptor, key = self._acceptor, asyncssh.generate_private_key("ssh-ed25519")

        async def update() -> None:
            acceptor.update(server_host_keys=[key])

        self._run(update())

    def drop(self, unless: Callable[[_Connection], bool] = lambda connection: False) -> None:
        """Cut connections (all of them) at once, as a proxy that is replaced does."""

        async def abort() -> None:
            for found in list(self.connections):
                if found.connection is not None and not unless(found):
                    found.connection.abort()

        self._run(abort())

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=30)

    def _container_ended(self, container: Container) -> None:
        """Runs with the state's lock held, so it must not wait for the proxy's own thread."""

        def abort() -> None:
            for found in list(self.connections):
                if found.container is container and found.connection is not None:
                    found.connection.abort()

        self._loop.call_soon_threadsafe(abort)

    def admit(self, username: str, code: str) -> Container | None:
        """The container that this user name means, if the code's owner may enter it."""
        match = USER.fullmatch(username)
        who = self._uaa.redeem(code)
        if match is None or who is None:
            return None
        with self.core.state.lock:
            process = self.core.state.processes.get(match[1])
            if process is None or ssh_refusal(self.core, process.app):
                return None
            if not permissions.writes(who, process.app.space):
                return None
            for container in self.core.containers.of(process):
                if container.index == int(match[2]) and container.state == "RUNNING":
                    return container
        return None

    @staticmethod
    async def _shell(process: asyncssh.SSHServerProcess[str]) -> None:
        """A shell that knows just enough to be told to go away."""
        if process.command is not None:
            args = process.command.split()
            if args[:1] == ["echo"]:
                process.stdout.write(" ".join(args[1:]) + "\n")
                process.exit(0)
            else:
                process.stderr.write(f"bash: {args[0] if args else ''}: command not found\n")
                process.exit(127)
            return
        prompt = "vcap@app:~$ " if process.term_type else ""
        try:
            process.stdout.write(prompt)
            async for line in process.stdin:
                if line.strip() == "exit":
                    break
                process.stdout.write(prompt)
        except (asyncssh.BreakReceived, asyncssh.TerminalSizeChanged, asyncssh.SignalReceived):
            process.exit(130)
            return
        process.exit(0)
