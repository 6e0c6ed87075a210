# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator is told about an error: what failed, where, the server's error, and what to do next."""

from __future__ import annotations

import re
import socket
import ssl
import typing as t

from .._errors import (
    ClusterChanged,
    CommandRefused,
    ConnectError,
    ConnectionLost,
    EndpointError,
    RedisMigrationError,
    WrongType,
)
from .._imports import redis
from .endpoint import Endpoint
from .tls import tls_reason

# The beginning of a server's error reply and what to do about it. The first match wins; {user} and {end} are filled in.
_REPLIES: tuple[tuple[str, str], ...] = (
    (
        r"WRONGPASS|.*invalid (username-)?password|.*invalid username-password",
        "Check the user name and the password of the {end} endpoint. A server that only has a password "
        "(Redis 6 service keys) wants no user name: write rediss://PASSWORD@host.",
    ),
    (
        r".*AUTH.*without any password configured|.*no password is set",
        "The {end} server asks for no password: remove it, or check that this is the server you mean.",
    ),
    (
        r"NOAUTH",
        "The {end} server asks for a password, or for a user name and a password: give them with the endpoint.",
    ),
    (
        r"NOPERM",
        "Give the user '{user}' of the {end} this permission (the documentation lists what each strategy needs), "
        "or use another user.",
    ),
    (r"READONLY", "The {end} server is a replica: use its primary."),
    (
        r"OOM|.*command not allowed when used memory",
        "The {end} server is full: give it more memory (a larger plan or a higher maxmemory), then run again.",
    ),
    (r"MISCONF", "The {end} server cannot save to its disk and refuses writes: have that repaired, then run again."),
    (r"LOADING", "The {end} server is still loading its data: run again in a while."),
    (r"MASTERDOWN", "The {end} server is a replica that has lost its primary: use the primary."),
    (r".*max number of clients", "The {end} server takes no more connections: close some or raise maxclients."),
    (
        r".*max requests limit|.*(rate|request|daily|quota).*(limit|exceeded)",
        "The plan of the {end} allows no more requests for now: raise its quota, or run again when it is renewed.",
    ),
    (
        r"NOREPLICAS",
        "The {end} server takes writes only while enough replicas are connected to it (min-replicas-to-write): have its"
        " replicas repaired, or that setting lowered, then run again.",
    ),
    (r"DENIED", "The {end} server is in protected mode: set a password there or use an address it listens on."),
    (
        r".*DB index is out of range",
        "See how many logical databases the {end} server has, and map them with 'database_map'.",
    ),
    (r".*(not allowed in cluster mode)", "A server in cluster mode has logical database 0 only."),
    (r".*unknown command", "The {end} server does not know, or has renamed, this command."),
    (
        r"MOVED|ASK |TRYAGAIN",
        "The {end} is a node of a Redis Cluster, and this key's slot is served by another one, or moves: run again.",
    ),
    (r"CLUSTERDOWN", "Slots of the {end} cluster are served by nobody: see CLUSTER INFO and CLUSTER NODES there."),
    (r"CROSSSLOT", "The {end} is a node of a Redis Cluster, where one command takes keys of one slot only."),
    (
        r".*Protocol error: (invalid bulk length|too big)",
        "The value is larger than the {end} server takes in one command: raise its proto-max-bulk-len or "
        "client-query-buffer-limit.",
    ),
    (r".*unsupported protocol", "The {end} server talks another protocol version."),
)

# Replies that a while may cure; a run waits for them within its timeout.
_TRANSIENT = re.compile(r"LOADING|MASTERDOWN|CLUSTERDOWN|BUSY |.*max number of clients|MISCONF|READONLY|NOREPLICAS")

_REDIRECTION = re.compile(r"MOVED \d|ASK \d|TRYAGAIN")

_SHOWN = 300


# redis-py takes the code off the replies for which it has a class of its own.
_CODES = (
    {
        redis.exceptions.NoPermissionError: "NOPERM",
        redis.exceptions.ReadOnlyError: "READONLY",
        redis.exceptions.OutOfMemoryError: "OOM",
        redis.exceptions.BusyLoadingError: "LOADING",
        redis.exceptions.MasterDownError: "MASTERDOWN",
        redis.exceptions.MovedError: "MOVED",
        redis.exceptions.AskError: "ASK",
        redis.exceptions.TryAgainError: "TRYAGAIN",
        redis.exceptions.ClusterDownError: "CLUSTERDOWN",
        redis.exceptions.ClusterCrossSlotError: "CROSSSLOT",
    }
    if redis
    else {}
)


def reply_text(reply: object) -> str:
    """A server's error reply as one printable line of at most 300 characters."""
    # An unknown command is told with its arguments, which hold values and, of MIGRATE, the target's password.
    text, _told, _arguments = str(reply).partition(", with args beginning with")
    text = "".join(c if c.isprintable() else "?" for c in text)
    code = _CODES.get(type(reply), "")
    if redis and isinstance(reply, redis.AuthenticationError):
        code = "NOAUTH" if "required" in text else "WRONGPASS" if text.startswith("invalid username") else ""
    if not text.startswith(code):
        text = f"{code} {text}"
    # Some end with a full stop; it comes with the sentence around them.
    return text.rstrip(".") if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def reply_hint(text: str, endpoint: Endpoint) -> str | None:
    """What to do about the error reply ``text`` of ``endpoint``, where it is known."""
    for pattern, hint in _REPLIES:
        if re.match(pattern, text, re.IGNORECASE):
            return hint.format(user=endpoint.user, end=endpoint.role)
    return None


def is_transient(text: str) -> bool:
    """Whether waiting may cure the error reply ``text``."""
    return bool(_TRANSIENT.match(text))


def is_redirection(text: str) -> bool:
    """Whether the error reply ``text`` says that a node of a cluster does not serve the key, or not all of them by now."""
    return bool(_REDIRECTION.match(text))


def command_name(args: t.Sequence[t.Any]) -> str:
    """The command's name, never its arguments: ``CONFIG GET``, ``RESTORE``."""
    names = [arg.decode("ascii", "replace") if isinstance(arg, bytes) else str(arg) for arg in args[:1]]
    return " ".join(names).upper()


def _refused(text: str, command: t.Sequence[t.Any]) -> str:
    """The command that a server refused: of several sent together, the one that its error names."""
    named = re.match(r"NOPERM .* run the '([a-z|]+)' command", text)
    # Redis 6 names CONFIG where it means CONFIG GET.
    if named and command_name(command).split(" ", maxsplit=1)[0] != named[1].upper().split("|", maxsplit=1)[0]:
        return named[1].upper().replace("|", " ")
    return command_name(command)


def explain_reply(
    reply: object, endpoint: Endpoint, *, command: t.Sequence[t.Any] = (), database: int | None = None
) -> RedisMigrationError:
    """The exception for an error reply of the server."""
    text = reply_text(reply)
    what = f"refused {_refused(text, command)}" if command else "refused the connection"
    where = f" (database {database})" if database else ""
    who = f" for user '{endpoint.user}'" if text.startswith("NOPERM") else ""
    end = "" if text.endswith(("?", "!")) else "."
    message = f"{endpoint.role.capitalize()} {endpoint.address}{where} {what}{who}: {text.rstrip('.')}{end}"
    hint = reply_hint(text, endpoint)
    if is_redirection(text):
        return ClusterChanged(message, hint=hint)
    if not command or is_transient(text):
        return ConnectError(message, hint=hint, transient=is_transient(text))
    if text.startswith("WRONGTYPE"):
        return WrongType(message, hint="Something writes to this key. Run again when nothing does.")
    return CommandRefused(message, hint=hint)


def explain(
    exc: BaseException, endpoint: Endpoint, *, command: t.Sequence[t.Any] = (), database: int | None = None
) -> RedisMigrationError:
    """The exception for whatever redis-py, the socket or TLS raised while talking to ``endpoint``."""
    if isinstance(exc, RedisMigrationError):
        return exc
    where = f"{endpoint.role} {endpoint.address}"
    if isinstance(exc, (redis.ResponseError, redis.AuthenticationError)):
        return explain_reply(exc, endpoint, command=command, database=database)
    if isinstance(exc, redis.ConnectionError) and _is_reply(str(exc)):
        # LOADING, BUSY, maxclients and the like arrive as connection errors from redis-py.
        return explain_reply(exc, endpoint, command=command, database=database)
    if isinstance(exc, ssl.SSLCertVerificationError):
        return _certificate(exc, endpoint)
    if isinstance(exc, ssl.SSLError):
        return _tls_failed(exc, endpoint)
    if isinstance(exc, socket.gaierror):
        return ConnectError(
            f"The {endpoint.role}'s host name '{endpoint.host}' cannot be resolved: {exc.strerror or exc}.",
            hint="Check the spelling, and that the machine that runs the module can look it up "
            "(names of backends resolve only inside the platform's network; a tunnel can help).",
            transient=exc.errno == socket.EAI_AGAIN,
        )
    if isinstance(exc, ValueError):
        # Too long a label, an empty one, a NUL: no name service was even asked.
        name = endpoint.server_name or endpoint.host
        return EndpointError(f"The {endpoint.role}'s host name '{reply_text(name)}' cannot be used: {exc}.")
    if isinstance(exc, (TimeoutError, redis.TimeoutError)):
        return ConnectError(
            f"The {where} did not answer within {endpoint.timeout:g} s.",
            hint="Check host, port and firewalls. If others reach it, see whether something keeps it busy or holds it up"
            " (SLOWLOG GET, CLIENT PAUSE); where the link is slow, raise the endpoint's 'timeout'.",
            transient=True,
        )
    if isinstance(exc, ConnectionRefusedError):
        return ConnectError(
            f"Nothing accepts connections at the {where} (connection refused).",
            hint="Check host and port, and that the server runs.",
            transient=True,
        )
    if isinstance(exc, FileNotFoundError) and endpoint.unix_socket:
        return ConnectError(f"There is no socket at the {where}.", hint="Check the path, and that the server runs.")
    if isinstance(exc, PermissionError):
        return ConnectError(f"Connecting to the {where} is not permitted: {exc.strerror or exc}.")
    return _lost(exc, endpoint)


def _is_reply(text: str) -> bool:
    return bool(re.match(r"[A-Z]{4,}\b|max number of clients|Redis is loading|.*max number of clients", text))


def _certificate(exc: ssl.SSLCertVerificationError, endpoint: Endpoint) -> ConnectError:
    reason = exc.verify_message or str(exc)
    name = endpoint.server_name or endpoint.host
    if "ostname" in reason or "IP address" in reason:
        hint = (
            f"It is not issued for '{name}'. Give the name on the certificate as 'server_name' (usual behind a tunnel)."
        )
    elif "expired" in reason or "not yet valid" in reason:
        hint = "Have the certificate renewed, and check the clock of this machine."
    else:
        hint = (
            "If it was issued by a private CA, give that CA's certificate as 'ca_certs' (file) or 'ca_cert_content' (text);"
            " the service key of the instance carries it as 'cacrt'."
        )
    return ConnectError(f"The certificate of the {endpoint} does not verify: {reason}.", hint=hint)


def _tls_failed(exc: ssl.SSLError, endpoint: Endpoint) -> ConnectError:
    reason = tls_reason(exc).replace("_", " ").lower()
    if any(
        part in reason
        for part in ("wrong version", "record layer", "unexpected eof", "eof occurred", "packet length", "no answer")
    ):
        hint = (
            "The port probably speaks plain Redis: use redis:// instead of rediss:// (or tls: false), or the TLS port."
        )
        if "eof" in reason:
            hint += (
                " Or it chooses the server by name (SNI) and does not know ours: give the right one as 'server_name'."
            )
    elif "unrecognized name" in reason or "internal error" in reason:
        name = endpoint.server_name or endpoint.host
        hint = (
            f"Several servers may share this port, told apart by name (SNI), and '{name}' is none of theirs: give the name"
            " that the service's own address has as 'server_name' (usual behind a tunnel or with an IP address)."
        )
    elif "certificate required" in reason or "handshake failure" in reason or "bad certificate" in reason:
        hint = (
            "The server may ask for a client certificate ('client_cert_file' and 'client_key_file'), or choose by name"
            " (SNI) and not know ours ('server_name')."
        )
    elif "unknown ca" in reason:
        hint = "The server does not know the CA of the client certificate."
    else:
        hint = "Check that the port speaks TLS and which versions of it."
    return ConnectError(
        f"TLS with the {endpoint} failed: {reason}.", hint=hint, transient="eof" in reason or "no answer" in reason
    )


def _lost(exc: BaseException, endpoint: Endpoint) -> ConnectError:
    text = reply_text(exc) or type(exc).__name__
    lowered = text.lower()
    if isinstance(exc, redis.InvalidResponse) or "protocol error" in lowered:
        hint = "This is no Redis, or a port that speaks TLS: use rediss:// (or tls: true) for a TLS port."
        return ConnectError(f"The {endpoint} did not answer as a Redis does: {text}.", hint=hint)
    if endpoint.tls:
        hint = (
            "If this happens on every try, the server may ask for a client certificate, or for another one: "
            "give 'client_cert_file' and 'client_key_file'."
        )
    else:
        hint = (
            "If this happens on every try, the port may speak TLS (use rediss://), may not be a Redis, or be a proxy that"
            " closes at commands it does not pass on (give the address of the server itself)."
        )
    return ConnectionLost(f"The {endpoint} closed the connection: {text.rstrip('.')}.", hint=hint, transient=True)
