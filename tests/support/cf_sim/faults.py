# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that can be made to go wrong. Faults are one-shot unless told how many times."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass

from .errors import CFError


@dataclass
class HttpFault:
    """One fault of the HTTP side: which requests it hits and what they get instead of (or after) the effect."""

    service: str
    method: str
    path: re.Pattern[str]
    times: int
    delay: float = 0.0
    status: int = 0
    error: CFError | None = None
    retry_after: float | None = None
    reset: bool = False
    after_effect: bool = False


@dataclass
class Watcher:
    method: str
    path: re.Pattern[str]
    skip: int
    action: Callable[[], object]


@dataclass
class JobFault:
    operation: str
    times: int
    message: str
    silent: bool


@dataclass
class BindingFault:
    operation: str
    app: str
    instance: str
    state: str
    times: int


class Faults:
    """Add a fault with a method below; `path` is a regular expression, `method` an HTTP method or "" for all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._http: list[HttpFault] = []
        self._jobs: list[JobFault] = []
        self._broker: list[tuple[str, int, str]] = []
        self._bindings: list[BindingFault] = []
        self._watchers: list[Watcher] = []
        self._expire_in: int | None = None

    def _add(self, service: str, method: str, path: str, times: int, **what: object) -> None:
        with self._lock:
            fault = HttpFault(service, method.upper(), re.compile(path), times)
            for name, value in what.items():
                setattr(fault, name, value)
            self._http.append(fault)

    def latency(
        self, seconds: float, *, times: int = -1, path: str = "", method: str = "", service: str = "api"
    ) -> None:
        """Delay matching requests (all of them, unless `times` is given)."""
        self._add(service, method, path, times, delay=seconds)

    def http_error(
        self,
        status: int,
        *,
        times: int = 1,
        path: str = "",
        method: str = "",
        service: str = "api",
        after_effect: bool = False,
    ) -> None:
        """A gateway's 500, 502, 503, ...; with `after_effect` the request was carried out all the same."""
        self._add(service, method, path, times, status=status, after_effect=after_effect)

    def cf_error(self, name: str, *args: str, times: int = 1, path: str = "", method: str = "") -> None:
        """One of the Cloud Controller's own errors by its name, as in errors.CODES."""
        self._add("api", method, path, times, error=CFError(name, *args))

    def rate_limit(
        self,
        times: int = 1,
        *,
        retry_after: float = 1,
        path: str = r"^/(v2|v3)/(?!info)",  # the first pages everybody reads are never limited
        method: str = "",
        name: str = "RateLimitExceeded",
    ) -> None:
        """429 with Retry-After, JSON under text/plain."""
        self._add("api", method, path, times, error=CFError(name), retry_after=retry_after)

    def reset_connection(
        self, *, times: int = 1, path: str = "", method: str = "", service: str = "api", after_effect: bool = False
    ) -> None:
        """Close the connection without an answer, before or after the request had its effect."""
        self._add(service, method, path, times, reset=True, after_effect=after_effect)

    def expire_tokens_after(self, requests: int) -> None:
        """After so many further API requests with a token, every access token handed out until then is expired."""
        with self._lock:
            self._expire_in = requests

    def fail_job(
        self, operation: str = "", *, times: int = 1, message: str = "The broker is on fire", silent: bool = False
    ) -> None:
        """The next job (of an operation such as `service_keys.create`) fails; `silent`: FAILED without an error."""
        with self._lock:
            self._jobs.append(JobFault(operation, times, message, silent))

    def fail_broker(self, action: str, *, times: int = 1, message: str = "Service broker error: no room") -> None:
        """The broker refuses: `action` is bind, unbind, provision, update or deprovision."""
        with self._lock:
            self._broker.append((action, times, message))

    def hold_binding(
        self, operation: str, *, app: str = "", instance: str = "", state: str = "in progress", times: int = -1
    ) -> None:
        """Operations ("create" or "delete") on bindings of this app to this service instance (names; "" is any) end in
        this state: "in progress" for ever, or "failed"."""
        with self._lock:
            self._bindings.append(BindingFault(operation, app, instance, state, times))

    def on_request(self, action: Callable[[], object], *, path: str, method: str = "", skip: int = 0) -> None:
        """Call `action` once, before such an API request is answered; `skip` lets the first ones pass."""
        with self._lock:
            self._watchers.append(Watcher(method.upper(), re.compile(path), skip, action))

    def clear(self) -> None:
        with self._lock:
            self._watchers.clear()
            self._http.clear()
            self._jobs.clear()
            self._broker.clear()
            self._bindings.clear()
            self._expire_in = None

    # What the listeners and the broker ask.

    def tell_watchers(self, method: str, path: str) -> None:
        told: list[Watcher] = []
        with self._lock:
            for watcher in list(self._watchers):
                if watcher.method in ("", method) and watcher.path.search(path):
                    if watcher.skip:
                        watcher.skip -= 1
                    else:
                        self._watchers.remove(watcher)
                        told.append(watcher)
        for watcher in told:
            watcher.action()

    def take_http(self, service: str, method: str, path: str) -> list[HttpFault]:
        """The faults this request meets: all delays, and the first other one."""
        taken: list[HttpFault] = []
        with self._lock:
            for fault in list(self._http):
                if fault.service != service or fault.method not in ("", method) or not fault.path.search(path):
                    continue
                if not fault.delay and any(not other.delay for other in taken):
                    continue
                taken.append(fault)
                fault.times -= 1
                if fault.times == 0:
                    self._http.remove(fault)
        return taken

    def take_job(self, operation: str) -> JobFault | None:
        with self._lock:
            for fault in self._jobs:
                if fault.operation in ("", operation):
                    fault.times -= 1
                    if fault.times == 0:
                        self._jobs.remove(fault)
                    return fault
        return None

    def take_binding(self, operation: str, app: str, instance: str) -> str | None:
        """The state in which this operation ends, if it is not to succeed."""
        with self._lock:
            for fault in self._bindings:
                if fault.operation == operation and fault.app in ("", app) and fault.instance in ("", instance):
                    fault.times -= 1
                    if fault.times == 0:
                        self._bindings.remove(fault)
                    return fault.state
        return None

    def take_broker(self, action: str) -> str | None:
        with self._lock:
            for index, (wanted, times, message) in enumerate(self._broker):
                if wanted == action:
                    if times == 1:
                        del self._broker[index]
                    else:
                        self._broker[index] = (wanted, times - 1, message)
                    return message
        return None

    def tokens_expire_now(self) -> bool:
        """True exactly once, when the counted request arrives."""
        with self._lock:
            if self._expire_in is None:
                return False
            self._expire_in -= 1
            if self._expire_in >= 0:
                return False
            self._expire_in = None
            return True
