# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the preflight knows: the two ends as far as they answer, gathered once, and what is worked out from that."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import re
import time
import typing as t

from .._cluster.combined import combined
from .._cluster.topology import Topology, alone, read_topology
from .._connection.connect import client
from .._connection.endpoint import Endpoint, parse_endpoint
from .._connection.replies import parse_info
from .._errors import RedisMigrationError
from .._imports import Redis
from .._keys.selection import Selection
from .._keys.slots import ALL_SLOTS
from .._migrate.choose import LARGE_KEY_BYTES, Choice, strategy_class
from .._server.activity import Activity, Watcher
from .._server.functions import Compared
from .._server.info import Server, data_bytes, number_in, server_of
from .._server.sample import Key, KeySample
from .._transfer.strategies import AUTO
from .._transfer.strategy import Ends, Strategy
from .target_names import NamesFound

_PING_TRIES = 3


@dataclasses.dataclass(frozen=True)
class Question:
    """The options of a preflight: those of the run that it is about. ``scan_seconds`` bounds the look at key names."""

    source: t.Mapping[str, t.Any]
    target: t.Mapping[str, t.Any]
    selection: Selection
    strategy: str = AUTO
    existing_keys: str = "update"
    prune: bool = False
    ignore: tuple[str, ...] = ()
    scan_seconds: float = 60
    large_key_bytes: int = LARGE_KEY_BYTES
    eviction_data: bool = False
    functions: str = "update"
    config_compare: bool = True
    # Whether the run follows the source while applications write.
    live: bool = False
    # Whether nothing in it keeps them from writing, even in the end.
    writers_stay: bool = False
    # Which slots of the source the run is about: another run may write the keys of others meanwhile.
    shard: bytes = dataclasses.field(default=ALL_SLOTS, repr=False)


class Side:
    """One end as it was given. ``problem`` says why nothing more was learned."""

    def __init__(self, role: str, options: t.Mapping[str, t.Any]) -> None:
        self.role = role
        self.endpoint: Endpoint | None = None
        self.problem: RedisMigrationError | None = None
        try:
            self.endpoint = parse_endpoint(options, role)
        except RedisMigrationError as exc:
            self.problem = exc

    def look(self, stack: contextlib.ExitStack) -> Side:
        """Connect and ask; the connection lives as long as ``stack``. :class:`Answered`, or this side with a ``problem``."""
        if self.endpoint is None:
            return self
        try:
            side = Answered.ask(self.role, self.endpoint, stack.enter_context(client(self.endpoint)))
            return side.with_all_nodes(stack) if side.server.in_cluster else side
        except RedisMigrationError as exc:
            self.problem = exc
            return self


class Answered(Side):
    """One end that has answered: what it said of itself."""

    endpoint: Endpoint

    def __init__(self, role: str, endpoint: Endpoint, redis_client: Redis, server: Server, watcher: Watcher) -> None:
        self.role = role
        self.endpoint = endpoint
        self.problem = None
        self.client = redis_client
        self.server = server
        self.watcher = watcher
        self.info: dict[str, str] = {}
        self.modules: dict[str, int] = {}
        self.activity: Activity | None = None
        self.looked_at = 0.0
        self.round_trip_ms = 0.0
        # Of a cluster, who serves what, and every primary.
        self.topology: Topology | None = None
        self.nodes: tuple[Answered, ...] = (self,)

    @classmethod
    def ask(cls, role: str, endpoint: Endpoint, redis_client: Redis) -> Answered:
        """Raises :class:`RedisMigrationError`."""
        side = cls(role, endpoint, redis_client, server_of(redis_client, endpoint), Watcher(redis_client))
        side._measure()
        text = side._everything()
        side.info, side.modules = parse_info(text), parse_modules(text)
        side.activity, side.looked_at = side.watcher.look(), time.monotonic()
        return side

    def with_all_nodes(self, stack: contextlib.ExitStack) -> Answered:
        """The first primary of the cluster that this is a node of, which holds what all of them do together.

        Raises :class:`RedisMigrationError`.
        """
        topology = read_topology(self.endpoint)
        nodes = []
        for primary in topology.primaries:
            place = topology.node(primary)
            nodes.append(Answered.ask(self.role, place, stack.enter_context(client(place))))
        whole = copy.copy(nodes[0])
        whole.server = combined([node.server for node in nodes])
        whole.topology, whole.nodes = topology, tuple(nodes)
        return whole

    def _everything(self) -> str:
        for section in ("everything", "all"):
            text = self.client.execute_command("INFO", section).decode("utf-8", "replace")
            if "redis_version" in text or "valkey_version" in text:
                break
        return str(text)

    def _measure(self) -> None:
        best = float("inf")
        for _try in range(_PING_TRIES):
            begin = time.perf_counter()
            self.client.time()
            best = min(best, (time.perf_counter() - begin) * 1000)
        self.round_trip_ms = best

    def number(self, field: str, default: int = 0) -> int:
        """A number of INFO."""
        return number_in(self.info, field, default)

    def config(self, name: str) -> str | None:
        """A setting, or None where it cannot be asked."""
        try:
            found = self.client.execute_command("CONFIG", "GET", name)
        except RedisMigrationError:
            return None
        return found[1].decode("utf-8", "replace") if found and len(found) > 1 else None

    @property
    def layout(self) -> Topology:
        """Who serves which slots of it; a server that is no cluster serves all."""
        return self.topology or alone(self.endpoint, self.server)

    @property
    def data_bytes(self) -> int:
        """About how much memory the keys take."""
        return sum(data_bytes(node.info) for node in self.nodes)


def answered(side: Side) -> Answered:
    """``side``, of which is known that it has answered."""
    if not isinstance(side, Answered):
        raise LookupError(f"the {side.role} has not answered")
    return side


class Sampled(t.NamedTuple):
    """A key of the source: ``size`` in bytes, ``ttl`` in milliseconds (below 0 for none); empty and None where not known.

    ``stands_for``: of how many keys of its database it is one, such as were looked at.
    """

    size: int
    database: int
    name: bytes
    type: str = ""
    ttl: int | None = None
    stands_for: float = 1.0


@dataclasses.dataclass
class Situation:
    """Both ends and what is known of the run. A check is only asked when the ends that it needs have answered."""

    question: Question
    source: Side
    target: Side
    pairs: list[tuple[int, int]] = dataclasses.field(default_factory=list)
    pairs_problem: RedisMigrationError | None = None
    choice: Choice | None = None
    choice_problem: RedisMigrationError | None = None
    names: NamesFound | None = None
    functions: Compared | None = None
    settings: dict[str, t.Any] | None = None
    sizes: list[Sampled] | None = None

    @property
    def strategy(self) -> type[Strategy]:
        """The strategy that the run would take, as far as it is known while an end does not answer."""
        return strategy_class(self.choice, self.question.strategy)

    @property
    def chosen(self) -> Choice:
        """The strategy and why it was taken. Raises the :class:`RedisMigrationError` that kept it from being chosen."""
        if self.choice is None:
            raise self.choice_problem or LookupError("no strategy was chosen yet")
        return self.choice

    @property
    def chosen_bytes(self) -> int:
        """About how much memory the chosen databases' keys take at the source."""
        server = answered(self.source).server
        if not server.keys:
            return 0
        return answered(self.source).data_bytes * self.chosen_keys // server.keys

    @property
    def chosen_keys(self) -> int:
        """Keys of the chosen databases; name patterns and types may choose fewer."""
        databases = answered(self.source).server.databases
        return sum(databases[here].keys for here, _there in self.pairs if here in databases)

    @property
    def chosen_expires(self) -> int | None:
        """How many of the chosen databases' keys expire; None where the source does not tell."""
        databases = answered(self.source).server.databases
        counts = [databases[here].expires for here, _there in self.pairs if here in databases]
        known = [count for count in counts if count is not None]
        return sum(known) if len(known) == len(counts) else None


def both_ends(situation: Situation) -> Ends:
    return Ends(
        *both_endpoints(situation),
        *both_servers(situation),
        tuple(there for _here, there in situation.pairs),
        situation.question.selection.renames,
    )


def parse_modules(text: str) -> dict[str, int]:
    """Names and versions of the modules in INFO."""
    return {name: int(version) for name, version in re.findall(r"^module:name=([^,\s]+),ver=(\d+)", text, re.MULTILINE)}


def both_sides(situation: Situation) -> tuple[Answered, Answered]:
    return answered(situation.source), answered(situation.target)


def both_servers(situation: Situation) -> tuple[Server, Server]:
    return answered(situation.source).server, answered(situation.target).server


def both_endpoints(situation: Situation) -> tuple[Endpoint, Endpoint]:
    return answered(situation.source).endpoint, answered(situation.target).endpoint


# Keys of each database whose size is asked.
_SAMPLE = 1000


def sampled_sizes(situation: Situation) -> list[Sampled]:
    """Some keys of each chosen database; asked once.

    Raises :class:`RedisMigrationError`.
    """
    if situation.sizes is None:
        situation.sizes = _ask(situation)
    return situation.sizes


def _ask(situation: Situation) -> list[Sampled]:
    sizes: list[Sampled] = []
    chosen = situation.question.selection.chooser()
    # By the command that the run itself needs, and its user is permitted.
    expiry = "PEXPIRETIME" if answered(situation.source).server.supports_pexpiretime() else "PTTL"
    for here, _there in situation.pairs:
        with client(answered(situation.source).endpoint, here) as redis_client:
            seen = redis_client.scan(0, count=_SAMPLE)[1]
            names = [one for one in seen if chosen is None or chosen(one)]
            pipeline = redis_client.pipeline(transaction=False)
            for name in names:
                pipeline.memory_usage(name)
                pipeline.type(name)
                pipeline.execute_command(expiry, name)
            # A user may be barred from some keys, which is another finding; others expire in between.
            replies = pipeline.execute(raise_on_error=False)
            now = _milliseconds(redis_client.time()) if expiry == "PEXPIRETIME" else 0
        held = answered(situation.source).server.databases.get(here)
        stands_for = max(1.0, held.keys / len(seen)) if held and seen else 1.0
        sizes += [
            Sampled(size, here, name, kind.decode() if isinstance(kind, bytes) else "", _ttl(moment, now), stands_for)
            for name, size, kind, moment in zip(names, replies[::3], replies[1::3], replies[2::3])
            if isinstance(size, int)
        ]
    return sizes


def _milliseconds(moment: tuple[int, int]) -> int:
    seconds, microseconds = moment
    return seconds * 1000 + microseconds // 1000


def _ttl(reply: t.Any, now: int) -> int | None:
    """Of a reply to PEXPIRETIME, or to PTTL with ``now`` 0."""
    if not isinstance(reply, int):
        return None
    return reply if reply < 0 else max(0, reply - now)


def seen_of_keys(situation: Situation) -> dict[str, t.Any] | None:
    """What these keys show of all of them; None where no check needed them."""
    if situation.sizes is None:
        return None
    sample = KeySample()
    for one in situation.sizes:
        if one.type != "none":
            sample.add(Key(one.database, one.name, one.type or "unknown", one.size, one.ttl), one.stands_for)
    return sample.as_dict(exact=False)
