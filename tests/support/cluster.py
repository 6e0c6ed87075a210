# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real clusters on free loopback ports: primaries, their replicas, resharding and failover.

with Cluster("redis-8.2", shards=3) as cluster:
    cluster.client().set("a", 1)
    cluster.move_slot(5061, cluster.primaries[0])
"""

from __future__ import annotations

import contextlib
import random
import socket
import time
from collections.abc import Callable
from typing import Any

import redis
from redis.crc import key_slot

from tests.support import oracle
from tests.support.servers import HOST, RedisServer, raw_connection

SLOTS = 16384
_NODE_TIMEOUT_MS = 1000
_BUS = 10000


class ClusterNode(RedisServer):
    """A server in cluster mode; its bus listens 10000 ports above, as Redis 6.2 knows no other place."""

    def start(self) -> RedisServer:
        if not self.port:
            self.port = _port()
        return super().start()

    @property
    def id(self) -> str:
        with self.client() as client:
            return str(client.execute_command("CLUSTER", "MYID").decode())

    def ask(self, *words: Any) -> Any:
        """The reply to CLUSTER …"""
        with self.client() as client, raw_connection(client) as connection:
            connection.send_command("CLUSTER", *words)
            return connection.read_response()

    @property
    def is_primary(self) -> bool:
        with self.client() as client:
            return bool(client.info("replication")["role"] == "master")

    @property
    def slots(self) -> list[int]:
        """The slots that it says it serves."""
        mine = next(line for line in self.ask("NODES").decode().splitlines() if "myself" in line)
        found: list[int] = []
        for word in mine.split(" ")[8:]:
            if word[0] != "[":
                first, _dash, last = word.partition("-")
                found += range(int(first), int(last or first) + 1)
        return found


class Cluster:
    """`shards` primaries of one program with `replicas` each; a context manager."""

    def __init__(
        self,
        name: str = "redis-8.2",
        *,
        shards: int = 3,
        replicas: int = 0,
        config: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self._stack = contextlib.ExitStack()
        self._shards, self._replicas = shards, replicas
        settings = {"cluster-enabled": "yes", "cluster-node-timeout": _NODE_TIMEOUT_MS, **(config or {})}
        self.nodes = [ClusterNode(name, config=settings, **options) for _number in range(shards * (1 + replicas))]

    def __enter__(self) -> Cluster:
        with self._stack:
            for node in self.nodes:
                node._admin_password = self.nodes[0]._admin_password
                self._stack.enter_context(node)
            # Of primaries that begin with the same epoch all but one take another, some seconds later. Only a node that knows
            # no other may be given one.
            for number, node in enumerate(self.nodes[: self._shards]):
                node.ask("SET-CONFIG-EPOCH", number + 1)
            first, *others = self.nodes
            for node in others:
                first.ask("MEET", HOST, node.port)
            starts = [SLOTS * number // self._shards for number in range(self._shards + 1)]
            for number in range(self._shards):
                # ADDSLOTSRANGE came with Redis 7.0.
                self.nodes[number].ask("ADDSLOTS", *range(starts[number], starts[number + 1]))
            _until(lambda: all(len(_lines(node)) == len(self.nodes) for node in self.nodes))
            for number, node in enumerate(self.nodes[self._shards :]):
                above = self.nodes[number % self._shards]
                _until(lambda node=node, above=above: _replicates(node, above.id))  # type: ignore[misc]
            self.wait()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()

    @property
    def primaries(self) -> list[ClusterNode]:
        """Those that run and serve slots, in the order of these."""
        found = [(node.slots, node) for node in self.nodes if node.running and node.is_primary]
        return [node for slots, node in sorted((pair for pair in found if pair[0]), key=lambda pair: pair[0][0])]

    def wait(self) -> None:
        """Until all that run serve, know each other, and agree who serves what."""
        _until(lambda: all(_well(node) for node in self.nodes if node.running))
        _until(lambda: len({_view(node) for node in self.nodes if node.running}) == 1)

    def endpoint(self, **fields: Any) -> dict[str, Any]:
        """The endpoint dictionary, which names one node."""
        return next(node for node in self.nodes if node.running).endpoint(**fields)

    def client(self, db: int = 0) -> redis.Redis:
        """A client that follows the map. It has the few commands beside those of a key that the tests use."""
        assert db == 0
        first = next(node for node in self.nodes if node.running)
        options: dict[str, Any] = {"protocol": 2}
        if first.password:
            options["password"] = first.password
        return redis.RedisCluster(host=HOST, port=first.port, **options)

    def owner(self, slot: int) -> ClusterNode:
        return next(node for node in self.primaries if slot in node.slots)

    def clear(self) -> None:
        """Delete all keys."""
        for node in self.primaries:
            with node.client() as client:
                client.flushall()

    def keys(self) -> dict[str, set[bytes]]:
        """The names that each primary shows, by its address."""
        found = {}
        for node in self.primaries:
            with node.client() as client:
                found[f"{HOST}:{node.port}"] = set(client.scan_iter(count=1000))
        return found

    def open_slot(self, slot: int, to: ClusterNode) -> ClusterNode:
        """Begin to move a slot; returns who serves it."""
        owner = self.owner(slot)
        to.ask("SETSLOT", slot, "IMPORTING", owner.id)
        owner.ask("SETSLOT", slot, "MIGRATING", to.id)
        return owner

    def move_slot(self, slot: int, to: ClusterNode) -> None:
        """Move a slot and its keys, as redis-cli does."""
        if self.owner(slot) is to:
            return
        owner = self.open_slot(slot, to)
        with owner.client() as client, raw_connection(client) as connection:
            while True:
                connection.send_command("CLUSTER", "GETKEYSINSLOT", slot, 100)
                names = connection.read_response()
                if not names:
                    break
                connection.send_command("MIGRATE", HOST, to.port, "", 0, 5000, "KEYS", *names)
                connection.read_response()
        for node in (to, owner, *self.primaries):
            node.ask("SETSLOT", slot, "NODE", to.id)

    def fail_over(self, old: ClusterNode, *, kill: bool = True) -> ClusterNode:
        """Replace a primary by its replica, by its death or by command; returns the new one, once all know it."""
        replica = next(node for node in self.nodes if node.running and not node.is_primary and _follows(node, old))
        if kill:
            old.kill()
        else:
            replica.ask("FAILOVER")
        _until(lambda: replica.is_primary)
        self.wait()
        return replica

    def load(self, server: RedisServer) -> int:
        """Fill it with the keys of database 0 of a server; returns how many these are."""
        with server.client() as client:
            names = list(client.scan_iter(count=1000))
        for node in self.primaries:
            slots = set(node.slots)
            _copy(server, node, [name for name in names if key_slot(name) in slots])
        return len(names)

    def unload(self, server: RedisServer) -> RedisServer:
        """Fill database 0 of a server with all its keys; returns the server."""
        for node in self.primaries:
            with node.client() as client:
                _copy(node, server, list(client.scan_iter(count=1000)))
        return server


def _copy(source: RedisServer, target: RedisServer, names: list[bytes]) -> None:
    """Copy these keys of database 0."""
    absolute = source.binary.version >= (7, 0, 0)
    with source.client() as client, target.client() as there:
        pipeline = client.pipeline(transaction=False)
        for name in names:
            pipeline.dump(name)
            pipeline.pexpiretime(name) if absolute else pipeline.pttl(name)
        replies = pipeline.execute()
        offset = 0 if absolute else int(time.time() * 1000)
        into = there.pipeline(transaction=False)
        for name, payload, at in zip(names, replies[::2], replies[1::2], strict=True):
            into.restore(name, at + offset if at > 0 else 0, payload, absttl=True)
        into.execute()


End = RedisServer | Cluster


def differences(left: End, right: End, **options: Any) -> list[oracle.Difference]:
    """As `oracle.compare`, slot by slot, of database 0."""
    found: list[oracle.Difference] = []
    for slots, here in _serving(left):
        for others, there in _serving(right):
            shared = slots & others
            if shared:
                found += oracle.compare(
                    here.client,
                    there.client,
                    databases=[0],
                    key_filter=lambda _number, key, shared=shared: key_slot(key) in shared,  # type: ignore[misc]
                    **options,
                )
    return found


def _serving(end: End) -> list[tuple[set[int], RedisServer]]:
    if isinstance(end, Cluster):
        return [(set(node.slots), node) for node in end.primaries]
    return [(set(range(SLOTS)), end)]


def _lines(node: ClusterNode) -> list[str]:
    return [
        line for line in node.ask("NODES").decode().splitlines() if "handshake" not in line and "noaddr" not in line
    ]


def _replicates(node: ClusterNode, primary: str) -> bool:
    with contextlib.suppress(redis.ResponseError):
        node.ask("REPLICATE", primary)
    with node.client() as client:
        return bool(client.info("replication").get("master_link_status") == "up")


def _follows(node: ClusterNode, primary: ClusterNode) -> bool:
    with node.client() as client:
        return int(client.info("replication").get("master_port", 0)) == primary.port


def _well(node: ClusterNode) -> bool:
    return "cluster_state:ok" in node.ask("INFO").decode()


def _view(node: ClusterNode) -> str:
    """Who serves what, by one node."""
    return str(sorted((int(one[0]), int(one[1]), int(one[2][1])) for one in node.ask("SLOTS")))


def _port() -> int:
    """A free port with a free one for the bus above it."""
    while True:
        with socket.socket() as one, socket.socket() as other:
            # Below those that the system gives to whoever asks for any.
            port = random.randrange(15000, 22000)
            with contextlib.suppress(OSError):
                one.bind((HOST, port))
                other.bind((HOST, port + _BUS))
                return port


def _until(condition: Callable[[], Any], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
