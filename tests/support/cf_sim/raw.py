# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Raw HTTP against the Cloud Foundry simulator, for tests that must not trust any client of ours."""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.parse import urlencode

from .server import CloudFoundrySim


@dataclass
class Answer:
    status: int
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def detail(self) -> str:
        """The detail of the API's first error."""
        return str(self.json["errors"][0]["detail"])


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        """UAA answers with a redirect that is meant to be read, not followed."""


_opener = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))


def send(method: str, url: str, *, headers: Mapping[str, str] | None = None, data: bytes | None = None) -> Answer:
    request = urllib.request.Request(url, data=data, headers=dict(headers or {}), method=method)
    try:
        with _opener.open(request, timeout=10) as response:
            return Answer(response.status, response.headers, response.read())
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.headers, error.read())


class Cf:
    """Somebody who is logged in."""

    def __init__(self, sim: CloudFoundrySim, user: str, password: str) -> None:
        self.sim = sim
        answer = token(sim, {"grant_type": "password", "username": user, "password": password})
        assert answer.status == 200, answer.body
        self.tokens = answer.json

    def __call__(self, method: str, path: str, body: object = None) -> Answer:
        url = path if path.startswith("http") else self.sim.api_url + path
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"bearer {self.tokens['access_token']}", "Content-Type": "application/json"}
        return send(method, url, headers=headers, data=data)

    def get(self, path: str) -> Any:
        answer = self("GET", path)
        assert answer.status == 200, (path, answer.status, answer.body)
        return answer.json

    def wait(self, answer: Answer) -> Any:
        """The end of the job that a 202 names; the answer itself is empty, as Cloud Foundry's is."""
        assert (answer.status, answer.body) == (202, b"")
        for _attempt in range(500):
            job = self.get(answer.headers["Location"])
            if job["state"] in ("COMPLETE", "FAILED"):
                return job
            time.sleep(0.01)
        raise AssertionError("the job never ends")


def token(sim: CloudFoundrySim, form: Mapping[str, str], *, client: str = "cf:", query: str = "") -> Answer:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    if client:
        headers["Authorization"] = "Basic " + base64.b64encode(client.encode()).decode()
    return send("POST", f"{sim.uaa_url}/oauth/token{query}", headers=headers, data=urlencode(form).encode())


def eventually(condition: Any, seconds: float = 10) -> None:
    """Wait until the condition holds; fail when it does not."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it never happened"
        time.sleep(0.01)


def related(**guids: str) -> dict[str, Any]:
    return {name: {"data": {"guid": guid}} for name, guid in guids.items()}
