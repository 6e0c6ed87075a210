# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an expert would say of an end that is not what was meant."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.endpoint import parse_endpoint
from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.explain import (
    explain,
    reply_hint,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.tls import tls_context
from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.selection import parse_selection
from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.preflight import preflight
from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.situation import Question
from ansible_collections.dataservices.redis_migration.plugins.module_utils._server.info import read_server
from tests.conftest import ServerFactory
from tests.support import engine
from tests.support.certs import Authority, Certificate
from tests.support.engine import RedisMigrationError
from tests.support.left_out import need_program
from tests.support.servers import HOST

READY = "Ready to accept connections"


def problem(**end: Any) -> str:
    with pytest.raises(RedisMigrationError) as raised:
        read_server(parse_endpoint({"host": HOST, **end}, "source"))
    return str(raised.value)


@contextlib.contextmanager
def started(directory: Path, port: int, *options: str, ready: str) -> Iterator[None]:
    """The installed redis-server in a way in which RedisServer does not run one."""
    program = need_program("redis-server")
    configuration = directory / "server.conf"
    configuration.write_text(f"port {port}\nbind {HOST}\ndir {directory}\n")
    with subprocess.Popen([program, configuration, *options], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            assert any(ready in line for line in process.stdout)
            yield
        finally:
            process.terminate()


@contextlib.contextmanager
def refusing_names(alert: ssl.AlertDescription, certificate: Certificate) -> Iterator[int]:
    """A router that knows no name and says so with ``alert``; its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.cert_file, certificate.key_file)
    context.sni_callback = lambda _handshake, _name, _context: alert

    def answer(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection, _address = listener.accept()
            with connection:
                context.wrap_socket(connection, server_side=True)

    with socket.create_server((HOST, 0)) as listener:
        thread = threading.Thread(target=answer, args=(listener,))
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def test_a_sentinel_is_told_as_such(tmp_path: Path, unused_port: int) -> None:
    with started(tmp_path, unused_port, "--sentinel", ready="Sentinel ID"):
        message = problem(port=unused_port)
    assert "is a Sentinel and holds no data" in message
    assert "SENTINEL GET-MASTER-ADDR-BY-NAME" in message


def test_a_server_without_info_may_be_a_proxy(tmp_path: Path, unused_port: int) -> None:
    with started(tmp_path, unused_port, "--rename-command", "INFO", "", ready=READY):
        message = problem(port=unused_port)
    assert "proxy" in message
    assert "the address of the server itself" in message


@pytest.mark.parametrize(
    "alert", [ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME, ssl.ALERT_DESCRIPTION_INTERNAL_ERROR], ids=["name", "internal"]
)
def test_a_router_by_name_that_does_not_know_ours(alert: ssl.AlertDescription, authority: Authority) -> None:
    with refusing_names(alert, authority.server("orders.example")) as port:
        message = problem(host="localhost", port=port, tls=True, ca_cert_content=authority.ca_pem)
    assert "'server_name'" in message
    assert "'localhost'" in message


@pytest.mark.parametrize("mark", ["\ufeff", "ï»¿"], ids=["decoded", "as latin-1"])
def test_a_byte_order_mark_before_a_certificate(mark: str, authority: Authority, tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_bytes(b"\xef\xbb\xbf" + authority.ca_pem.encode())
    for trust in ({"ca_cert_content": mark + authority.ca_pem}, {"ca_certs": str(file)}):
        context = tls_context(parse_endpoint({"host": HOST, "port": 1, "tls": True, **trust}, "source"))
        assert len(context.get_ca_certs()) == 1


def test_certificates_are_checked_alike_with_the_systems_store_and_with_an_own_ca(authority: Authority) -> None:
    contexts = [
        tls_context(parse_endpoint({"host": HOST, "port": 1, "tls": True, **trust}, "source"))
        for trust in ({}, {"ca_certs": str(authority.ca_file)}, {"ca_cert_content": authority.ca_pem})
    ]
    for context in contexts:
        assert context.verify_mode == ssl.CERT_REQUIRED
        assert context.check_hostname
        assert context.verify_flags == contexts[0].verify_flags
        # What redis-cli and older Pythons accept is accepted by all.
        assert not context.verify_flags & ssl.VERIFY_X509_STRICT


def test_tls_errors_are_sentences_and_no_tuples() -> None:
    end = {"host": HOST, "port": 1, "tls": True}
    with pytest.raises(RedisMigrationError) as raised:
        tls_context(parse_endpoint({**end, "ca_cert_content": "no certificate"}, "source"))
    silent = explain(ssl.SSLError("no answer to the handshake"), parse_endpoint(end, "source"))
    for message in (str(raised.value), str(silent)):
        assert "('" not in message
        assert "',)" not in message


def test_too_few_replicas() -> None:
    endpoint = parse_endpoint({"host": HOST, "port": 1}, "target")
    hint = reply_hint("NOREPLICAS Not enough good replicas to write.", endpoint)
    assert hint
    assert "min-replicas-to-write" in hint


def test_ends_that_may_be_swapped(redis_server: ServerFactory) -> None:
    empty, full = redis_server("redis-6.2"), redis_server("redis-6.2")
    full.client().set("a", 1)
    question = Question(empty.endpoint(), full.endpoint(), parse_selection({}))
    found = {finding.name: finding.verdict for finding in preflight(question).findings}
    for name in ("source_keys", "target_keys"):
        assert "Are the two ends swapped?" in found[name].next_step, name
        assert "prune" not in found[name].next_step
    with pytest.raises(RedisMigrationError, match=r"Are the two ends swapped\?"):
        engine.migrate(empty, full, prune=True)
    assert full.client().get("a") == b"1"
