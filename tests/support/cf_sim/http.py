# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An HTTP listener on loopback: requests in, responses out, a log without secrets, and the faults in between."""

from __future__ import annotations

import json
import socket
import ssl
import sys
import threading
import time
import traceback
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from .errors import CFError
from .faults import Faults, HttpFault

JSON = "application/json; charset=utf-8"
READING = ("GET", "HEAD", "OPTIONS")


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, list[str]]
    query_text: str
    headers: dict[str, str]  # names in lower case
    body: bytes
    user: str = ""  # set once somebody is recognised; for the log

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; an empty body is an empty object."""
        try:
            found = json.loads(self.body or b"{}")
        except ValueError:
            raise CFError("MessageParseError", "invalid request body") from None
        if not isinstance(found, dict):
            raise CFError("MessageParseError", "invalid request body")
        return found

    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.body.decode(), keep_blank_values=True).items()}

    def one(self, name: str, default: str = "") -> str:
        return self.query.get(name, [default])[0]


@dataclass
class Response:
    status: int = 200
    body: Any = None  # None: an empty body; bytes or str as they are; everything else as JSON
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = JSON


@dataclass(frozen=True)
class Logged:
    """One request as it was answered. Bodies, headers and the queries of UAA are never kept."""

    service: str  # api | uaa
    method: str
    path: str
    query: str
    status: int  # 0: the connection was reset
    user: str
    at: float  # time.time()

    @property
    def writes(self) -> bool:
        return self.service == "api" and self.method not in READING


def _too_many(error: CFError, retry_after: float | None) -> Response:
    """A rate limit's answer: JSON, but called text."""
    headers = {"X-RateLimit-Remaining": "0"}
    if retry_after is not None:
        headers["Retry-After"] = f"{retry_after:g}"
    return Response(429, json.dumps(error.body()), headers, "text/plain; charset=utf-8")


class _Reset(Exception):
    """Drop the connection without an answer."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256
    listener: Listener

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away, or spoke TLS to plain HTTP, is its own business."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, format: str, *args: object) -> None:
        """The listener keeps its own log."""

    def _answer(self) -> None:
        target = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        request = Request(
            method=self.command,
            path=target.path.rstrip("/") or "/",
            query=parse_qs(target.query, keep_blank_values=True),
            query_text=target.query,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length) if length else b"",
        )
        try:
            response = self.server.listener.respond(request)
        except _Reset:
            self.close_connection = True
            # Linger 0: the client sees "connection reset by peer", as from a gateway that dies.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            return
        body = response.body
        if body is None:
            body = b""
        elif isinstance(body, str):
            body = body.encode()
        elif not isinstance(body, bytes):
            body = json.dumps(body).encode()
        self.send_response(response.status)
        if response.status != 204:
            self.send_header("Content-Length", str(len(body)))
        if body:
            self.send_header("Content-Type", response.content_type)
        self.send_header("X-Vcap-Request-Id", f"{uuid.uuid4()}::{uuid.uuid4()}")
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if body and self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _answer

    def version_string(self) -> str:
        return "nginx"


class Listener:
    """One HTTP endpoint on a free port of 127.0.0.1 (or the given one). `handle` gets what no fault swallows."""

    def __init__(
        self,
        service: str,
        handle: Callable[[Request], Response],
        faults: Faults,
        log: list[Logged],
        *,
        port: int = 0,
        context: ssl.SSLContext | None = None,
        hostname: str = "127.0.0.1",
    ) -> None:
        self.service = service
        self._handle = handle
        self._faults = faults
        self._log = log
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.listener = self
        self.port = int(self._server.server_address[1])
        if context is not None:
            # The handshake then happens in the thread of the connection, not in the one that accepts.
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.url = f"{'https' if context else 'http'}://{hostname}:{self.port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name=f"cf-sim-{service}", daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join(timeout=10)
        self._server.server_close()

    def respond(self, request: Request) -> Response:
        if self.service == "api":
            self._faults.tell_watchers(request.method, request.path)
        faults = self._faults.take_http(self.service, request.method, request.path)
        for fault in faults:
            if fault.delay:
                time.sleep(fault.delay)
        broken = next((fault for fault in faults if not fault.delay), None)
        status = 0
        try:
            if broken is None or broken.after_effect:
                response = self._guarded(request)
            if broken is not None:
                response = self._broken(broken)
            status = response.status
            return response
        finally:
            query = "" if self.service == "uaa" else request.query_text
            entry = Logged(self.service, request.method, request.path, query, status, request.user, time.time())
            self._log.append(entry)

    def _guarded(self, request: Request) -> Response:
        try:
            return self._handle(request)
        except CFError as error:
            return _too_many(error, 1) if error.status == 429 else Response(error.status, error.body())
        except Exception:  # a bug of the simulator must be seen, and not as a network that fails
            traceback.print_exc(file=sys.stderr)
            return Response(500, CFError("ServerError").body())

    @staticmethod
    def _broken(fault: HttpFault) -> Response:
        if fault.reset:
            raise _Reset
        if fault.error is not None:
            if fault.error.status == 429:
                return _too_many(fault.error, fault.retry_after)
            return Response(fault.error.status, fault.error.body())
        # What a router or load balancer says when the Cloud Controller behind it does not answer.
        texts = {
            502: "502 Bad Gateway: Registered endpoint failed to handle the request.\n",
            503: "503 Service Unavailable\n",
            504: "504 Gateway Timeout\n",
        }
        if fault.status in texts:
            headers = {"X-Cf-Routererror": "endpoint_failure"}
            return Response(fault.status, texts[fault.status], headers, "text/plain; charset=utf-8")
        return Response(fault.status, CFError("ServerError").body())
