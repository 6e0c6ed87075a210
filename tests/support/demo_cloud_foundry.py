# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small Cloud Foundry for the demo, in a process of its own so that it can stay: three Redis servers, two apps that write.

What is asked on its standard input, one word a line, it answers on its standard output, one JSON document a line.
When its input ends it ends, and everything with it, unless it was told to stay: then SIGTERM ends it.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from tests.support import dataset, fetch_servers, keeper
from tests.support.cf_sim import App, CloudFoundrySim, Instance
from tests.support.servers import RedisServer, ServerError

APPS = ("billing", "shop")
OLD, NEW, NEWEST = "orders-old", "orders-new", "orders-newest"
USER, ORGANIZATION, SPACE = "operator", "demo", "dev"


class CloudFoundry:
    """The process as its parent sees it; a context manager. `place` says where everything is, with passwords."""

    def __init__(self, old_server: str, new_server: str) -> None:
        self._servers = (old_server, new_server)
        self.place: dict[str, Any] = {}

    def __enter__(self) -> CloudFoundry:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, *self._servers],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        keeper.keep(self._process.pid)
        try:
            self.place = self.ask("place")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, question: str) -> dict[str, Any]:
        """`place`; `apps`: {name: {bound, state, written: [[instance, key, value, seconds], ...]}}."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(question + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise ServerError("the simulated Cloud Foundry did not start")
        found: dict[str, Any] = json.loads(answer)
        if "error" in found:
            raise ServerError(found["error"])
        return found

    def leave_running(self) -> None:
        """Do not end it with this process; the apps write once a second from now on."""
        self.ask("stay")
        keeper.forget(self.pid)

    def close(self) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        keeper.forget(self.pid)


# -- the process itself -------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _running(old_server: str, new_server: str) -> Iterator[tuple[CloudFoundrySim, list[App], dict[str, Any]]]:
    password = secrets.token_hex(12)
    with (
        RedisServer(old_server, password=secrets.token_hex(12)) as old,
        RedisServer(new_server, password=secrets.token_hex(12)) as new,
        RedisServer(new_server, password=secrets.token_hex(12)) as newest,
        CloudFoundrySim(ssh=False, staging_delay=0.5) as sim,
    ):
        dataset.fill(old.client, databases=(0,))
        space = sim.add_space(sim.add_org(ORGANIZATION), SPACE)
        sim.add_user(USER, password, {"space_developer": [space]})
        servers = {OLD: old, NEW: new, NEWEST: newest}
        instances = [_instance(sim, space, name, server) for name, server in servers.items()]
        apps = [sim.add_app(space, name, writer=True, write_interval=0.02, started=False) for name in APPS]
        for app in apps:
            sim.bind(app, instances[0])
            sim.start_app(app)
        yield (
            sim,
            apps,
            {
                "api_url": sim.api_url,
                "password": password,
                **{name: {"port": server.port, "password": server.password} for name, server in servers.items()},
            },
        )


def _instance(sim: CloudFoundrySim, space: Any, name: str, server: RedisServer) -> Instance:
    offering = "a9s-redis6" if name == OLD else "a9s-redis7"
    shape = "a9s6" if name == OLD else "a9s7"
    return sim.add_service_instance(space, name, endpoint=server.endpoint(), offering=offering, key_shape=shape)


def _tell(sim: CloudFoundrySim, apps: list[App]) -> dict[str, Any]:
    bound = {
        name: [item.name for item in sim.state.instances.values() if name in sim.bound_apps(item)] for name in APPS
    }
    return {
        app.name: {
            "bound": bound[app.name],
            "state": app.state,
            "written": [[entry.instance, entry.key, entry.value, entry.at] for entry in list(app.written)],
        }
        for app in apps
    }


def _answer(document: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


def _serve(old_server: str, new_server: str) -> None:
    # From here to the end a SIGTERM runs the ends of all contexts: servers stop, their directories go.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with _running(old_server, new_server) as (sim, apps, place):
        for question in sys.stdin:
            match question.strip():
                case "place":
                    _answer(place)
                case "apps":
                    _answer(_tell(sim, apps))
                case "stay":
                    for app in apps:
                        app.write_interval = 1.0
                    _answer({})
                    _go_silent()
                    threading.Event().wait()


def _go_silent() -> None:
    """Whoever listened is about to leave."""
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    os.close(null)


def main() -> None:
    try:
        _serve(*sys.argv[1:3])
    except (ServerError, fetch_servers.Unavailable) as reason:
        _answer({"error": str(reason)})


if __name__ == "__main__":
    main()
