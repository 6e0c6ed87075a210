# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replies that odd servers give, as they go over the wire; for `FaultProxy.rewrite_reply` and `replace_reply`."""

from __future__ import annotations

import re

from tests.support.faultproxy import Rewrite

# What hosted services answer, whatever was asked, once a quota is used up.
ERROR = b"-ERR max requests limit exceeded. Limit: 10000, Usage: 10000\r\n"


def bulk(text: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(text), text)


def words_of(command: bytes) -> list[bytes]:
    """The arguments of a command as it goes over the wire (none of which may hold a line end)."""
    return command.split(b"\r\n")[2::2]


def without_section(name: bytes, *, keep_if_asked: bool = False) -> Rewrite:
    """INFO without a section; `keep_if_asked` leaves it in the reply to `INFO name`."""

    def rewrite(command: bytes, reply: bytes) -> bytes:
        # In RESP3 it is "=", and the text begins with its kind.
        if reply[:1] not in b"$=" or (keep_if_asked and words_of(command)[1:] == [name]):
            return reply
        text = reply.split(b"\r\n", 1)[1][:-2].removeprefix(b"txt:")
        return bulk(re.sub(rb"(?is)# %b\r\n.*?(?=# |$)" % name, b"", text))

    return rewrite


def without_keyspace(*, keep_if_asked: bool = False) -> Rewrite:
    return without_section(b"keyspace", keep_if_asked=keep_if_asked)
