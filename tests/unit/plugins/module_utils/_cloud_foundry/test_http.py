# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One request: who is asked, and with what, whatever the answer and the environment say."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._cloud_foundry.http import (
    HttpFailure,
    HttpTransport,
)


class _Server(http.server.ThreadingHTTPServer):
    """Answers every path with a redirect to a place that must not be asked, and a cookie."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, dict[str, str]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self.server.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        self.send_response(302)
        self.send_header("Location", "/elsewhere")
        self.send_header("Set-Cookie", "who=me")
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"there")

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[_Server]:
    with _Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def test_a_redirect_is_an_answer_and_nothing_is_kept_or_added(
    server: _Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login any password any")
    monkeypatch.setenv("NETRC", str(netrc))
    transport = HttpTransport()
    for _time in range(2):
        answer = transport.send("GET", f"{server.url}/here", headers={"Authorization": "bearer token"})
        assert (answer.status, answer.headers["location"], answer.body) == (302, "/elsewhere", b"there")
    assert [path for path, _headers in server.asked] == ["/here", "/here"]
    for _path, headers in server.asked:
        assert "cookie" not in headers and headers["authorization"] == "bearer token"
        assert headers["user-agent"] == "dataservices.redis_migration"


def test_the_proxy_of_the_environment_is_asked(server: _Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert HttpTransport().send("GET", "http://api.example.test/v3").status == 302
    assert [path for path, _headers in server.asked] == ["http://api.example.test/v3"]


def test_a_file_is_no_api(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    with pytest.raises(HttpFailure, match="unknown url type"):
        HttpTransport().send("GET", f"file://{tmp_path}/secret")
