# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections to an endpoint through redis-py: TCP, TLS or a unix socket, authenticated, on one logical database.

``connect`` opens one connection (the hot path takes its socket), ``client`` gives a redis-py client for everything
else. Whatever goes wrong is turned into a sentence by :mod:`_explain`.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import time
import typing as t

from .._errors import RedisMigrationError
from .._imports import Connection, Redis, UnixDomainSocketConnection, redis
from . import cluster, sentinel, tls
from .bounded_socket import BoundedSocket
from .commands import pack
from .endpoint import Endpoint
from .explain import command_name, explain
from .replies import check_shape, odd_reply

# How our connections call themselves in CLIENT LIST, so that nobody takes them for an application's. A name may go on
# behind it (see _exclusive).
CLIENT_NAME = "dataservices.redis_migration"


class _TcpConnection(Connection):
    """redis-py's TCP connection, with TLS as the endpoint wants it (redis-py's own ties SNI to the host)."""

    endpoint: Endpoint

    def __init__(self, endpoint: Endpoint, **kwargs: t.Any) -> None:
        super().__init__(host=endpoint.host, port=endpoint.port, **kwargs)
        self.endpoint = endpoint
        self.cause: BaseException | None = None

    def _connect(self) -> t.Any:
        self.cause = None
        since = time.monotonic()
        try:
            sock = super()._connect()
            try:
                sock.settimeout(max(0.001, since + self.endpoint.timeout - time.monotonic()))
                wrapped = tls.wrap(sock, self.endpoint) if self.endpoint.tls else sock
                return BoundedSocket(wrapped, self.endpoint.timeout, since)
            except BaseException:
                sock.close()
                raise
        except Exception as exc:
            # redis-py flattens the error into a text; the explanation needs the original.
            self.cause = exc
            raise


class _UnixConnection(UnixDomainSocketConnection):
    """redis-py's unix socket connection with the same constructor as its TCP sibling here."""

    def __init__(self, endpoint: Endpoint, **kwargs: t.Any) -> None:
        super().__init__(path=endpoint.unix_socket or "", **kwargs)
        self.endpoint = endpoint
        self.cause: BaseException | None = None

    def _connect(self) -> t.Any:
        self.cause = None
        since = time.monotonic()
        try:
            return BoundedSocket(super()._connect(), self.endpoint.timeout, since)
        except Exception as exc:
            self.cause = exc
            raise


@functools.cache
def _knows_driver_info() -> bool:
    return "driver_info" in inspect.signature(redis.connection.AbstractConnection.__init__).parameters


def _settings(endpoint: Endpoint, database: int, name: str | None) -> dict[str, t.Any]:
    settings: dict[str, t.Any] = {
        "db": database,
        "username": endpoint.username,
        "password": endpoint.password,
        "socket_timeout": endpoint.timeout,
        "socket_connect_timeout": endpoint.timeout,
        "protocol": 2,
        # Whenever redis-py connects, be it again and unasked.
        "redis_connect_func": functools.partial(_introduce, name),
    }
    # No CLIENT SETINFO: it is outside the documented permissions and would fill the server's ACL LOG.
    if _knows_driver_info():
        settings["driver_info"] = None
    else:
        settings.update(lib_name=None, lib_version=None)
    return settings


def connect(endpoint: Endpoint, database: int = 0, name: str | None = CLIENT_NAME) -> t.Any:
    """An open, authenticated redis-py connection on logical database ``database``, called ``name`` in CLIENT LIST.

    Without a ``name`` it gets none, for those who send :func:`naming` with their first question.

    Where Sentinels, or the nodes of a cluster, know where that is, they are asked. Raises :class:`ConnectError`,
    :class:`EndpointError` or :class:`CommandRefused`.
    """
    if endpoint.by_sentinel:
        return sentinel.connected(endpoint, _Opener(database, name))
    if endpoint.by_shard:
        return cluster.connected(endpoint, _Opener(database, name))
    kind = _UnixConnection if endpoint.unix_socket else _TcpConnection
    connection = kind(endpoint, **_settings(endpoint, database, name))
    try:
        connection.connect()
    except RedisMigrationError:
        connection.disconnect()
        raise
    except (redis.RedisError, OSError, ValueError) as exc:
        connection.disconnect()
        raise explain(connection.cause or exc, endpoint, database=database) from None
    return connection


def located(endpoint: Endpoint) -> Endpoint:
    """``endpoint`` with the host and port at which it was found last; looked for where it was not found yet."""
    if (endpoint.by_sentinel or endpoint.by_shard) and not endpoint.found:
        connect(endpoint).disconnect()
    return endpoint.found or endpoint


class _Opener:
    """Connections to the places that Sentinels or nodes name, and to these themselves."""

    def __init__(self, database: int, name: str | None) -> None:
        self._database = database
        self._name = name

    def client(self, endpoint: Endpoint) -> contextlib.AbstractContextManager[t.Any]:
        return client(endpoint)

    def connection(self, endpoint: Endpoint) -> t.Any:
        return connect(endpoint, self._database, self._name)


def naming(name: str) -> bytes:
    """The command that gives a connection its name. Best effort: a user may lack it, which is no reason to fail."""
    return pack("CLIENT", "SETNAME", name)


def _introduce(name: str | None, connection: t.Any) -> None:
    connection.on_connect()
    if name is not None:
        connection.send_packed_command([naming(name)], check_health=False)
        with contextlib.suppress(redis.ResponseError):
            connection.read_response()
    connection._sock.connected()


def socket_of(connection: t.Any) -> t.Any:
    """The real socket of an open connection, for those who read it themselves."""
    # redis-py has no public way to hand it over.
    return connection._sock.plain


class _RedisClient(Redis):
    """A redis-py client on one connection whose errors are sentences."""

    endpoint: Endpoint
    # The one connection that it has.
    link: t.Any

    def execute_command(self, *args: t.Any, **options: t.Any) -> t.Any:
        try:
            reply = super().execute_command(*args, **options)
        except (redis.RedisError, OSError) as exc:
            raise explain(exc, self.endpoint, command=args) from None
        except (TypeError, ValueError, LookupError, AttributeError) as exc:
            # redis-py could not make of the reply what this command gives.
            raise odd_reply(exc, command_name(args), self.endpoint) from exc
        # What redis-py makes of a reply goes by the first argument.
        if args[0] not in self.response_callbacks:
            for name in (command_name(args), " ".join([str(word) for word in args[:2]]).upper()):
                check_shape([reply], name, self.endpoint)
        return reply


@contextlib.contextmanager
def client(endpoint: Endpoint, database: int = 0, name: str = CLIENT_NAME) -> t.Iterator[t.Any]:
    """A redis-py client for ``endpoint``, closed at the end. Replies are bytes, errors :class:`RedisMigrationError`."""
    connection = connect(endpoint, database, name)

    class _Pool(redis.ConnectionPool):
        """A pool of exactly the connection that was just proved to work."""

        def make_connection(self) -> t.Any:
            return connection

    # The pool's protocol tells redis-py which shape the replies have.
    pool = _Pool(connection_class=type(connection), max_connections=1, protocol=2)
    made = _RedisClient(connection_pool=pool)
    made.endpoint = endpoint
    made.link = connection
    # INFO stays the text that it is: _server parses it.
    made.response_callbacks.pop("INFO", None)
    try:
        yield made
    finally:
        connection.disconnect()
