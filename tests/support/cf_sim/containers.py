# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""App instances that really run: threads that write to the Redis their credentials name."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from .model import App, Binding, Process, State, Written, new_guid
from .resp import Redis, RespError


@dataclass(eq=False)
class Container:
    """One instance of a process; its environment is that of the moment it was started in."""

    process: Process
    index: int
    services: dict[str, Any]
    state: str = "DOWN"  # DOWN, STARTING, RUNNING, CRASHED
    details: str | None = None
    guid: str = field(default_factory=new_guid)
    since: float = field(default_factory=time.time)
    stop: threading.Event = field(default_factory=threading.Event)

    def move(self, state: str, details: str | None = None) -> None:
        self.state, self.details, self.since = state, details, time.time()


def vcap_services(state: State, app: App) -> dict[str, Any]:
    """VCAP_SERVICES for an app that starts now: its bindings by offering, oldest first."""
    found: dict[str, Any] = {}
    for binding in state.bindings_of(app):
        if binding.usable:
            entry = _service(binding)
            found.setdefault(entry["label"], []).append(entry)
    return found


def _service(binding: Binding) -> dict[str, Any]:
    instance, plan = binding.instance, binding.instance.plan
    return {
        "label": plan.offering.name if plan else "user-provided",
        **({"provider": None, "plan": plan.name} if plan else {}),
        "name": binding.name or instance.name,
        "tags": [*(plan.offering.tags if plan else ()), *instance.tags],
        "instance_guid": instance.guid,
        "instance_name": instance.name,
        "binding_guid": binding.guid,
        "binding_name": binding.name,
        "credentials": binding.credentials,
        "syslog_drain_url": None,
        "volume_mounts": [],
    }


def _target(credentials: dict[str, Any]) -> dict[str, Any] | None:
    """What a Redis library in the app would make of such credentials; None when they are not a Redis'."""
    if "uri" in credentials:
        uri = urlsplit(credentials["uri"])
        tls = uri.scheme == "rediss"
        user, password = unquote(uri.username or ""), unquote(uri.password or "")
        return {"host": uri.hostname, "port": uri.port or 6379, "username": user, "password": password, "tls": tls}
    login = credentials.get("redis") or credentials.get("valkey") or credentials
    host = credentials.get("host") or credentials.get("hostname")
    port = login.get("tls_port") or login.get("port")
    if not host or not port:
        return None
    authority = credentials.get("cacrt", "")
    return {
        "host": host,
        "port": port,
        "username": login.get("username", ""),
        "password": login.get("password", ""),
        "ca_pem": authority,
        "tls": bool(authority or login.get("tls_port")),
    }


class Containers:
    """All containers, by the guid of their process. `on_stop` is told of every container that ends."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._running: dict[str, list[Container]] = {}
        self._threads: list[threading.Thread] = []
        self.on_stop: Callable[[Container], None] = lambda container: None

    def of(self, process: Process) -> list[Container]:
        return list(self._running.get(process.guid, []))

    def start(self, process: Process, ready: Callable[[], None] = lambda: None, *, at_once: bool = False) -> None:
        """Start all instances of the process; `ready` is called once the first of them runs.

        `at_once` skips the waiting: as if they had been started long ago.
        """
        app = process.app
        crashes = app.crash_on_start != 0
        if app.crash_on_start > 0:
            app.crash_on_start -= 1
        services = vcap_services(self._state, app)
        containers = [Container(process, index, services) for index in range(process.instances)]
        self._running[process.guid] = containers
        outcome = self._crash if crashes else self._run
        for container in containers:
            if at_once:
                outcome(container)
            else:
                self._later(app.start_delay / 3, container, lambda found: found.move("STARTING"))
                self._later(app.start_delay, container, outcome)
        if not crashes:
            self._state.scheduler.after(app.start_delay, ready)

    def stop(self, process: Process) -> None:
        """Stop its containers, each `stop_delay` from now: an app told to stop may write a little longer."""
        containers = self._running.pop(process.guid, [])
        if process.app.stop_delay > 0:
            self._state.scheduler.after(process.app.stop_delay, lambda: self._end(containers))
        else:
            self._end(containers)

    def crash(self, app: App) -> None:
        """All running instances of the app crash now and stay so until it is restarted."""
        for process in app.processes:
            for container in self.of(process):
                self._end([container])
                container.move("CRASHED", "APP/PROC/WEB: Exited with status 1")

    def stop_all(self) -> None:
        for containers in list(self._running.values()):
            self._end(containers)
        for thread in self._threads:
            thread.join(timeout=10)

    def _end(self, containers: list[Container]) -> None:
        for container in containers:
            container.stop.set()
            self.on_stop(container)

    def _later(self, delay: float, container: Container, action: Callable[[Container], None]) -> None:
        def unless_stopped() -> None:
            with self._state.lock:
                if not container.stop.is_set():
                    action(container)

        self._state.scheduler.after(delay, unless_stopped)

    @staticmethod
    def _crash(container: Container) -> None:
        container.move("CRASHED", "APP/PROC/WEB: Exited with status 1")

    def _run(self, container: Container) -> None:
        container.move("RUNNING")
        if container.process.app.writer:
            name = f"cf-sim-{container.process.app.name}-{container.index}"
            thread = threading.Thread(target=self._write, args=(container,), name=name, daemon=True)
            self._threads = [known for known in self._threads if known.is_alive()] + [thread]
            thread.start()

    def _write(self, container: Container) -> None:
        """Count up in the bound Redis until stopped; reconnect like any app; keep what was acknowledged."""
        app = container.process.app
        found = next(
            (
                (service, target)
                for services in container.services.values()
                for service in services
                if (target := _target(service["credentials"])) is not None
            ),
            None,
        )
        if found is None:
            return
        service, target = found
        instance: str = service["instance_name"]
        # Credentials without a CA: Cloud Foundry puts the platform's CAs into every container.
        trusted = self._state.instances[service["instance_guid"]].endpoint.get("ca_cert_content") or ""
        if target["tls"]:
            target = {**target, "ca_pem": target.get("ca_pem") or trusted}
        redis: Redis | None = None
        number = len(app.written)
        while not container.stop.is_set():
            try:
                if redis is None:
                    host, port = self._state.resolve(target["host"], target["port"])
                    redis = Redis(**{**target, "host": host, "port": port}, server_name=target["host"])
                number += 1
                key, value = f"{app.name}:{container.guid[:8]}:{number:08d}", f"written by {app.name} as {number}"
                redis.call("SET", key, value)
                app.written.append(Written(instance, key, value, time.time()))
            except (OSError, RespError) as error:
                app.write_errors.append(str(error))
                if redis is not None:
                    redis.close()
                redis = None
            container.stop.wait(app.write_interval)
        if redis is not None:
            redis.close()
