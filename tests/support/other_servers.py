# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Relays behind which it is hard to tell who answers: several servers behind one name, and a masked INFO."""

from __future__ import annotations

import itertools
import re

from tests.support.relay import Direction, Link, Peer, Pipe, Relay


class SeveralServers(Relay):
    """Each connection leads to the next one of `ports`, as a name with several addresses does."""

    def __init__(self, *ports: int) -> None:
        super().__init__(ports[0])
        self._next = itertools.cycle(ports)

    def upstream_for(self, _link: Link) -> tuple[str, int]:
        return self.upstream[0], next(self._next)


class MaskedInfo(Relay):
    """Puts `value` in the place of the fields `names` of INFO, cut or filled to the length of what was there."""

    def __init__(self, upstream: int, names: tuple[str, ...] = ("run_id",), value: str = "0") -> None:
        super().__init__(upstream)
        self._pattern = re.compile(rb"(?<=\n)(%b):([^\r\n]*)" % "|".join(names).encode())
        self._value = value.encode()

    def make_link(self) -> Link:
        return _MaskedLink(self)

    def mask(self, data: bytes) -> bytes:
        def replaced(found: re.Match[bytes]) -> bytes:
            length = len(found[2])
            return b"%b:%b" % (found[1], (self._value * (length or 1))[:length])

        return self._pattern.sub(replaced, data)


class _MaskedLink(Link):
    def __init__(self, relay: MaskedInfo) -> None:
        super().__init__(relay)
        self.to_client = _MaskedPipe(self, "to_client", self.server, self.client)
        self.server.pipe = self.to_client


class _MaskedPipe(Pipe):
    def __init__(self, link: Link, direction: Direction, source: Peer, sink: Peer) -> None:
        super().__init__(link, direction, source, sink)

    def feed(self, data: bytes) -> None:
        assert isinstance(self.link.relay, MaskedInfo)
        self.queue(self.link.relay.mask(data))
