# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a server, a socket or TLS says becomes a sentence with a next step, and no secret."""

from __future__ import annotations

import socket
import ssl

import pytest
import redis

from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.endpoint import parse_endpoint
from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.explain import (
    explain,
    explain_reply,
    reply_text,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._errors import (
    CommandRefused,
    ConnectError,
    EndpointError,
    WrongType,
)

SECRET = "s3cret-of-the-target"
SOURCE = parse_endpoint({"host": "old", "port": 6379, "username": "mover", "password": SECRET}, "source")
TLS = parse_endpoint({"host": "old", "port": 6380, "tls": True}, "target")


@pytest.mark.parametrize(
    ("reply", "hint"),
    [
        ("WRONGPASS invalid username-password pair or user is disabled.", "Check the user name and the password"),
        ("ERR AUTH <password> called without any password configured for the default user", "asks for no password"),
        ("NOPERM User mover has no permissions to run the 'dump' command", "Give the user 'mover' of the source"),
        ("OOM command not allowed when used memory > 'maxmemory'.", "give it more memory"),
        ("NOREPLICAS Not enough good replicas to write.", "min-replicas-to-write"),
        ("ERR max requests limit exceeded. Limit: 500000", "allows no more requests"),
        ("ERR DB index is out of range", "'database_map'"),
        ("ERR Protocol error: invalid bulk length", "proto-max-bulk-len"),
        ("MOVED 5798 10.0.0.7:6379", "Redis Cluster"),
    ],
)
def test_a_reply_has_a_next_step(reply: str, hint: str) -> None:
    error = explain_reply(reply, SOURCE, command=("DUMP",), database=3)
    assert error.message.startswith("Source old:6379 (database 3) refused DUMP")
    assert reply.rstrip(".") in error.message
    assert hint in str(error)


def test_what_passes_is_told_from_what_stays() -> None:
    loading = explain_reply("LOADING Redis is loading the dataset in memory", SOURCE, command=("GET",))
    assert isinstance(loading, ConnectError) and loading.transient
    refused = explain_reply("NOPERM no", SOURCE, command=("GET",))
    assert isinstance(refused, CommandRefused)
    wrong = explain_reply("WRONGTYPE Operation against a key holding the wrong kind of value", SOURCE, command=("GET",))
    assert isinstance(wrong, WrongType)


def test_the_command_that_the_server_names_is_named() -> None:
    text = "NOPERM User mover has no permissions to run the 'pexpiretime' command"
    assert "refused PEXPIRETIME" in explain_reply(text, SOURCE, command=("DUMP",)).message
    # Redis 6 names the command without its subcommand.
    text = "NOPERM User mover has no permissions to run the 'config' command"
    assert "refused CONFIG GET" in explain_reply(text, SOURCE, command=("CONFIG GET", "maxmemory")).message


def test_arguments_and_control_characters_stay_out() -> None:
    told = f"ERR unknown command 'MIGRATE', with args beginning with: 'h' '{SECRET}'"
    assert SECRET not in str(explain_reply(told, SOURCE, command=("MIGRATE", SECRET)))
    assert reply_text("ERR \x1b[31mred\x07\r\n") == "ERR ?[31mred???"
    assert len(reply_text("ERR " + "x" * 5000)) == 301


@pytest.mark.parametrize(
    ("raised", "kind", "part", "transient"),
    [
        (ConnectionRefusedError(111, "Connection refused"), ConnectError, "Nothing accepts connections", True),
        (TimeoutError("timed out"), ConnectError, "did not answer within", True),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), ConnectError, "cannot be resolved", False),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure"), ConnectError, "cannot be resolved", True),
        (UnicodeError("label too long"), EndpointError, "cannot be used", False),
        (PermissionError(13, "Permission denied"), ConnectError, "is not permitted", False),
        (redis.ConnectionError("Connection closed by server."), ConnectError, "may speak TLS", True),
        (redis.InvalidResponse("Protocol Error: b'HTTP/1.1 400'"), ConnectError, "no Redis", False),
        (redis.BusyLoadingError("Redis is loading the dataset in memory"), ConnectError, "still loading", True),
        (redis.AuthenticationError("invalid username-password pair"), ConnectError, "Check the user name", False),
    ],
)
def test_an_exception_has_a_sentence(raised: Exception, kind: type, part: str, transient: bool) -> None:
    error = explain(raised, SOURCE)
    assert isinstance(error, kind)
    assert part in str(error) and "old" in str(error) and SECRET not in str(error)
    if isinstance(error, ConnectError):
        assert error.transient is transient


@pytest.mark.parametrize(
    ("reason", "hint"),
    [
        ("[SSL: WRONG_VERSION_NUMBER] wrong version number", "redis:// instead of rediss://"),
        ("[SSL: TLSV1_UNRECOGNIZED_NAME] tlsv1 unrecognized name", "'server_name'"),
        ("[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] certificate required", "'client_cert_file'"),
        ("[SSL: TLSV1_ALERT_UNKNOWN_CA] tlsv1 alert unknown ca", "CA of the client certificate"),
    ],
)
def test_tls_that_fails_says_what_to_set(reason: str, hint: str) -> None:
    error = explain(ssl.SSLError(1, reason), TLS)
    assert error.message.startswith("TLS with the target old:6380 failed")
    assert hint in str(error)


def test_an_error_of_ours_stays_what_it_is() -> None:
    error = ConnectError("Gone.")
    assert explain(error, SOURCE) is error
