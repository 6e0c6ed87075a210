# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random faults at either end of a run: on the wire, of the server, and of what runs it.

Each happens as the nth of some command passes by; `Side` has them happen, knows what they do to the data that its
name leads to, and takes them back.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from hypothesis import strategies as st

from tests.support.faultproxy import FaultProxy
from tests.support.relay import HOST
from tests.support.replies import ERROR
from tests.support.servers import RedisServer

# Which of them are used depends on the strategy; `*` is any.
_COMMANDS = {
    "source": ("*", "SCAN", "TIME", "TIME", "MGET", "DUMP", "TYPE", "STRLEN", "MIGRATE", "INFO"),
    "target": ("*", "MSETNX", "SET", "RESTORE", "RENAMENX", "EXISTS", "MGET", "SCAN", "TIME", "INFO", "CLIENT"),
}


class Fault(NamedTuple):
    side: str
    what: str
    detail: Any
    command: str
    skip: int


# What one server holds that stands in for another.
OTHERS_KEYS = {b"only at the other": b"1", b"bulk:1": b"of the other"}

_directions = st.sampled_from(["to_server", "to_client"])

_BROKEN_REPLIES = (
    b"-LOADING Redis is loading the dataset in memory\r\n",
    b"-OOM command not allowed when used memory > 'maxmemory'.\r\n",
    b"-READONLY You can't write against a read only replica.\r\n",
    b"-NOPERM User default has no permissions to run this command\r\n",
    b"-BUSY Redis is busy running a script.\r\n",
    b"$-7\r\n",
    b"nonsense\r\n",
)
_QUOTAS = (ERROR, b"-ERR quota exceeded\r\n", b"-ERR command quota of this plan is used up, see your plan\r\n")

_LIMITS = {
    "source": (
        ("client-output-buffer-limit", "normal 300kb 300kb 0"),
        ("client-output-buffer-limit", "normal 3mb 3mb 0"),
        ("proto-max-bulk-len", "1mb"),
        ("client-query-buffer-limit", "1mb"),
    ),
    "target": (
        ("client-output-buffer-limit", "normal 300kb 300kb 0"),
        ("proto-max-bulk-len", "1mb"),
        ("client-query-buffer-limit", "1mb"),
        # So much more than the target holds then.
        ("maxmemory", 10_000),
        ("maxmemory", 1_000_000),
        ("maxmemory", 5_000_000),
    ),
}
_NO_LIMITS = {
    "client-output-buffer-limit": "normal 0 0 0",
    "proto-max-bulk-len": "512mb",
    "client-query-buffer-limit": "1gb",
    "maxmemory": "0",
}

# What may happen, with its details, by the end where it happens.
_KINDS: dict[str, Callable[[str], st.SearchStrategy[Any]]] = {
    "cut": lambda _side: st.tuples(_directions, st.integers(1000, 40_000) | st.integers(1, 4_000_000)),
    "cut now": lambda _side: st.none(),
    "stall": lambda _side: st.sampled_from([0.2, 0.8]),
    "swallow": lambda _side: _directions,
    "away": lambda _side: st.sampled_from([0.2, 1.0]),
    "latency": lambda _side: st.sampled_from([0.005, 0.05]),
    # Never does a source lose its data in a restart here: REPLICAOF and FLUSHALL see to that.
    "restart": lambda side: st.sampled_from(["kept"] if side == "source" else ["kept", "emptied"]),
    "reply": lambda _side: st.tuples(st.sampled_from(_BROKEN_REPLIES), st.just(2)),
    "quota": lambda _side: st.tuples(st.sampled_from(_QUOTAS), st.sampled_from([1, 2, 10, -1])),
    "replaced": lambda _side: st.none(),
    "flushed": lambda _side: st.none(),
    # Whether connections to the first server break, and after how many seconds the name leads there again.
    "switched": lambda _side: st.tuples(st.booleans(), st.sampled_from([None, None, 0.1, 0.5])),
    "limited": lambda side: st.sampled_from(_LIMITS[side]),
    "module killed": lambda _side: st.none(),
    "playbook killed": lambda _side: st.none(),
}
KINDS = tuple(_KINDS)
WIRE_KINDS = ("cut", "cut now", "stall", "swallow", "away", "latency", "restart", "reply")
DATA_KINDS = ("quota", "replaced", "flushed", "switched", "limited")


@st.composite
def faults(draw: st.DrawFn, kinds: tuple[str, ...] = KINDS, sides: tuple[str, ...] = ("source", "target")) -> Fault:
    side, what = draw(st.sampled_from(sides)), draw(st.sampled_from(kinds))
    command = draw(st.sampled_from(_COMMANDS[side]))
    # Few are needed for the simplest data, hundreds for the rest.
    skip = draw(
        st.integers(0, 60).map(lambda number: 60 - number) | st.integers(0, 300)
        if command == "*"
        else st.integers(0, 4)
    )
    return Fault(side, what, draw(_KINDS[what](side)), command, skip)


class Side:
    """One end: a server, another one that holds next to nothing, and a proxy whose name leads to the one or the other."""

    def __init__(self, name: str, server: RedisServer, other: RedisServer, proxy: FaultProxy, database: int) -> None:
        """The other one's few keys are in `database`."""
        self.name = name
        self.server = server
        self.other = other
        self.proxy = proxy
        self.kill: Callable[[], object] = lambda: None
        """Ends the program that runs against this."""
        self.happened: list[str] = []
        self._threads: list[threading.Thread] = []
        other.client(database).mset(OTHERS_KEYS)

    @property
    def restarted(self) -> bool:
        return any(what.startswith("restart") for what in self.happened)

    @property
    def lost_data(self) -> bool:
        return not {"replaced", "flushed", "restart emptied", "switched"}.isdisjoint(self.happened)

    @property
    def servers(self) -> list[RedisServer]:
        """Where the name has led to."""
        return [self.server, self.other] if "switched" in self.happened else [self.server]

    def order(self, fault: Fault) -> None:
        """Have it happen."""
        proxy = self.proxy
        if fault.what == "cut":
            self.happened.append("cut")
            proxy.cut_after(fault.detail[1], fault.detail[0])
        elif fault.what == "latency":
            self.happened.append("latency")
            proxy.latency = fault.detail
        elif fault.what in ("reply", "quota"):
            reply, times = fault.detail
            self.happened.append(fault.what)
            proxy.replace_reply(fault.command, reply, skip=fault.skip, times=times)
        else:
            proxy.on_command(fault.command, lambda: self._happen(fault), skip=fault.skip)

    def heal(self) -> None:
        """No faults any more; what happened to the data stays."""
        for thread in self._threads:
            thread.join()
        self.proxy.upstream = (HOST, self.server.port)
        self.proxy.latency = 0
        self.proxy.heal()
        lift_limits(self.server)

    # -- what happens, in the thread of the proxy --------------------------------------------------------------------

    def _happen(self, fault: Fault) -> None:
        what, detail = fault.what, fault.detail
        self.happened.append(f"restart {detail}" if what == "restart" else what)
        proxy = self.proxy
        {
            "cut now": lambda: self._later(proxy.cut_now),
            "stall": lambda: self._later(lambda: proxy.stall(detail)),
            "swallow": lambda: self._later(lambda: proxy.swallow(detail)),
            "away": lambda: self._later(lambda: self._away(detail)),
            "restart": lambda: self._restart(keep=detail == "kept"),
            "replaced": self._replace,
            "flushed": self._flush,
            "switched": lambda: self._switch(*detail),
            "limited": lambda: self._limit(*detail),
        }.get(what, self.kill)()

    def _later(self, action: Callable[[], object]) -> None:
        """What orders something from the proxy itself must not wait for it in the proxy's thread."""

        def quietly() -> None:
            with contextlib.suppress(RuntimeError):  # the proxy has ended meanwhile
                action()

        self._threads.append(threading.Thread(target=quietly))
        self._threads[-1].start()

    def _away(self, seconds: float) -> None:
        self.proxy.refuse()
        self.proxy.cut_now()
        time.sleep(seconds)
        self.proxy.accept()

    def _restart(self, *, keep: bool) -> None:
        if keep:
            self.server.client().save()
        self.server.kill(keep_dump=keep)
        self.server.start()

    def _replace(self) -> None:
        self.server.replicaof(self.other)
        self.server.promote()

    def _flush(self) -> None:
        self.server.client().flushall()

    def _switch(self, cut: bool, back: float | None) -> None:
        def lead_to(server: RedisServer) -> None:
            self.proxy.upstream = (HOST, server.port)
            if cut:
                self.proxy.cut_now()

        def switch_and_back() -> None:
            lead_to(self.other)
            if back is not None:
                time.sleep(back)
                lead_to(self.server)

        self._later(switch_and_back)

    def _limit(self, name: str, value: str | int) -> None:
        client = self.server.client()
        client.config_set(name, client.info("memory")["used_memory"] + value if isinstance(value, int) else value)


def lift_limits(server: RedisServer) -> None:
    """Back to what the servers of these tests begin with."""
    for name, value in _NO_LIMITS.items():
        server.client().config_set(name, value)
