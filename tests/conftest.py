# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every test may use: real servers, TLS, faults; and the lines about what could not run."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import hypothesis
import pytest

_REPO = Path(__file__).resolve().parents[1]
# The collection is imported by its full name from wherever this checkout lies, before anything else of that name.
sys.path[:0] = [str(_REPO), str(_REPO / ".collections")]

from tests.support.certs import Authority, Certificate  # noqa: E402
from tests.support.faultproxy import FaultProxy  # noqa: E402
from tests.support.left_out import PREFIX, need_program, need_server, need_tls_server  # noqa: E402
from tests.support.servers import RedisServer  # noqa: E402
from tests.support.tls_frontend import TlsFrontend  # noqa: E402

# How long an example takes says how busy the machine is, and nothing of the code.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

STRICT = os.environ.get("CI_STRICT") == "1"

UPGRADES = [
    ("redis-6.2", "redis-7.0"),
    ("redis-6.2", "redis-8.2"),
    ("redis-7.0", "redis-8.2"),
    ("redis-7.0", "valkey-9"),
]
"""Pairs whose DUMP payloads the target takes."""

DOWNGRADES = [
    ("redis-7.0", "redis-6.2"),
    ("redis-8.2", "redis-7.0"),
    ("redis-8.2", "valkey-9"),
    ("valkey-9", "redis-8.2"),
]
"""Pairs whose target refuses the source's DUMP payloads."""


def soak(*values: Any) -> Any:
    """A case that proves what a neighbour proves too: for `make soak`."""
    return pytest.param(*values, marks=pytest.mark.soak)


ServerFactory = Callable[..., RedisServer]


def pytest_configure(config: pytest.Config) -> None:
    for line in (
        "needs_tls_server: needs a server that speaks TLS itself",
        "needs_server(name): needs this server",
        "needs_program(program, package): needs this installed program",
        "soak: long, run by `make soak` only",
    ):
        config.addinivalue_line("markers", line)
    # Under nohup and in the background of a script these are ignored, by all that a test starts and then signals, too.
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda _number, _frame: None)


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs_program"):
        need_program(*marker.args)
    for marker in item.iter_markers("needs_server"):
        need_server(*marker.args)
    if item.get_closest_marker("needs_tls_server"):
        need_tls_server()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Under CI_STRICT=1 nothing may be left out."""
    report = yield
    if STRICT and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome, report.longrepr = "failed", f"skipped under CI_STRICT=1: {reason}"
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    reasons: Counter[str] = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        if isinstance(report.longrepr, tuple):
            reasons[report.longrepr[2].removeprefix("Skipped: ")] += 1
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(
            f"{PREFIX}{count} test{'s' * (count != 1)}: {reason.removeprefix(PREFIX)}", yellow=True, bold=True
        )


def pair_id(pair: tuple[str, str]) -> str:
    return "-to-".join(pair)


@pytest.fixture
def redis_server() -> Iterator[ServerFactory]:
    """A factory of running servers: redis_server("redis-6.2", password=...); all are gone after the test."""
    with ExitStack() as stack:

        def make(name: str = "redis-8.2", **options: Any) -> RedisServer:
            need_server(name)
            return stack.enter_context(RedisServer(name, **options))

        yield make


@pytest.fixture
def server_pair(redis_server: ServerFactory) -> tuple[RedisServer, RedisServer]:
    """An older source and a newer target, both empty and available everywhere that wheels are."""
    return redis_server("redis-6.2"), redis_server("redis-8.2")


@pytest.fixture(params=UPGRADES, ids=pair_id)
def upgrade_pair(request: pytest.FixtureRequest, redis_server: ServerFactory) -> tuple[RedisServer, RedisServer]:
    """Each source and target of UPGRADES, empty."""
    source, target = request.param
    return redis_server(source), redis_server(target)


@pytest.fixture(params=DOWNGRADES, ids=pair_id)
def downgrade_pair(request: pytest.FixtureRequest, redis_server: ServerFactory) -> tuple[RedisServer, RedisServer]:
    """Each source and target of DOWNGRADES, empty."""
    source, target = request.param
    return redis_server(source), redis_server(target)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The private CA of this test run."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def tls_frontend(authority: Authority) -> Iterator[Callable[..., TlsFrontend]]:
    """A factory: tls_frontend(server.port, names=("db.example",), client_ca=authority.ca_file)."""
    with ExitStack() as stack:

        def make(
            upstream: int, *, names: tuple[str, ...] = (), certificate: Certificate | None = None, **options: Any
        ) -> TlsFrontend:
            shown = certificate or authority.server(*names)
            return stack.enter_context(TlsFrontend(upstream, shown, **options))

        yield make


@pytest.fixture
def fault_proxy() -> Iterator[Callable[..., FaultProxy]]:
    """A factory: fault_proxy(server.port, latency=0.02)."""
    with ExitStack() as stack:
        yield lambda upstream, **options: stack.enter_context(FaultProxy(upstream, **options))


@pytest.fixture
def unused_port() -> int:
    """A loopback port at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
