# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Chromium without a window, driven through pipes by the DevTools protocol: nothing but the program is needed."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import os
import select
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_PATIENCE = 60.0

# Without a sandbox, since containers allow none; it opens nothing but our own page.
_ARGUMENTS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
)


class Browser:
    """One page. ``events``: all that the page told of, by method."""

    def __init__(self, write: int, read: int) -> None:
        self._write, self._read = write, read
        self._numbers = itertools.count(1)
        self._rest = b""
        self._session = ""
        self.events: list[tuple[str, dict[str, Any]]] = []

    def open(self, page: Path) -> None:
        """Load a file, in a new page."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self._load("Page.navigate", url=page.as_uri())

    def load_again(self, *, scripts: bool) -> None:
        """``scripts``: whether the page may run its own; :meth:`ask` works in any case."""
        self.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        self._load("Page.reload")

    def _load(self, method: str, **params: Any) -> None:
        self.events.clear()
        self.call(method, **params)
        self._until(lambda: any(event == "Page.loadEventFired" for event, _params in self.events))

    def look(self, width: int, *, scheme: str = "light", media: str = "") -> None:
        """As on a screen of this width, or on paper (``media`` print), in a colour ``scheme``."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", media=media, features=features)

    def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def press(self, key: str) -> None:
        for kind in ("rawKeyDown", "keyUp"):
            code = {"Tab": 9, "Enter": 13, " ": 32}[key]
            text = {"text": "\r" if key == "Enter" else key} if key != "Tab" and kind == "rawKeyDown" else {}
            kind = "keyDown" if text else kind
            self.call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **text)

    def picture(self, height: int | None = None, *, from_element: str = "") -> bytes:
        """A PNG of the page, its first ``height`` pixels or all, from the top of an element on if one is named."""
        width, whole = self.ask("[innerWidth, Math.ceil(document.documentElement.getBoundingClientRect().height)]")
        top = 0
        if from_element:
            top = self.ask(f"document.querySelector({json.dumps(from_element)}).getBoundingClientRect().top + scrollY")
        clip = {"x": 0, "y": top, "width": width, "height": min(whole - top, height or whole), "scale": 1}
        answer = self.call("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
        return base64.b64decode(answer["data"])

    def paper(self) -> bytes:
        """The page as a PDF."""
        return base64.b64decode(self.call("Page.printToPDF", printBackground=True)["data"])

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        if self._session and not method.startswith("Target."):
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        answers: list[dict[str, Any]] = []
        self._until(lambda: bool(answers), number, answers)
        if "error" in answers[0]:
            raise AssertionError(f"{method}: {answers[0]['error']}")
        result: dict[str, Any] = answers[0]["result"]
        return result

    def _until(self, done: Callable[[], bool], number: int = 0, answers: list[dict[str, Any]] | None = None) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not done():
            if not select.select([self._read], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise AssertionError("The browser does not answer.")
            data = os.read(self._read, 1 << 20)
            if not data:
                raise AssertionError("The browser has ended.")
            *messages, self._rest = (self._rest + data).split(b"\0")
            for message in map(json.loads, messages):
                if "method" in message:
                    self.events.append((message["method"], message["params"]))
                elif answers is not None and message["id"] == number:
                    answers.append(message)


@contextlib.contextmanager
def browser(program: str, profile: Path) -> Iterator[Browser]:
    """``profile``: a directory that it may fill."""
    commands, write = os.pipe()
    read, answers = os.pipe()
    process = subprocess.Popen(
        [
            "bash",
            "-c",
            f'exec "$0" "$@" 3<&{commands} 4>&{answers}',
            program,
            *_ARGUMENTS,
            f"--user-data-dir={profile}",
        ],
        pass_fds=(commands, answers),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "HOME": str(profile)},
    )
    os.close(commands)
    os.close(answers)
    try:
        found = Browser(write, read)
        yield found
        found.call("Browser.close")
        # Its other processes still write their profile.
        process.wait(_PATIENCE)
    finally:
        process.kill()
        process.wait()
        os.close(write)
        os.close(read)
