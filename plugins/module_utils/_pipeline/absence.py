# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an end lacks keys. What is lacking is deleted, left out or not compared, so no single reply is believed.

A command may find nothing because of what answers it (a proxy, a product that differs), so another one has to say the
same before a key counts as gone.
"""

from __future__ import annotations

import typing as t

from .._connection.commands import each, pack
from .._connection.cursor import CursorWalk
from .._server.info import ASK_FIELD_EXPIRY, none_expires
from .end import End
from .job import Job

# The first page of a hash; and how many fields one command may look at.
_FIRST_FIELDS = 10
_FIELDS = 1000

# A key may have been made anew in between, or have its last moment by a clock that is behind. So it is read again, after
# so many seconds each time, before it counts as one of which the server says two things. So often, because the keys of a
# busy application come and go: the more looks contradict each other, the less it can be that.
PAUSES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)

CONTRADICTION_HINT = (
    "Look at what answers there: a proxy in between, or a product that differs in this command. Then run again."
)


def contradiction(role: str, command: str = "another command") -> str:
    """What is wrong with a key that ``role`` ("source", …) is sure to have, and has not by the reply to ``command``."""
    return f"the {role} says that it has this key (EXISTS, TYPE), and answered {command} as if it had not"


def absent(end: End, names: list[bytes]) -> Job[list[bytes]]:
    """Those of ``names`` that ``end`` does not have: one EXISTS for all, and more only where some are missing."""
    if not names:
        return []
    counts = yield end.call(*end.about_all(b"EXISTS", names))
    end.check(counts, "EXISTS")
    count = sum(counts)
    if count == len(names):
        return []
    kinds = yield end.call(each(b"TYPE", names), len(names))
    end.check(kinds, "TYPE")
    gone = [name for name, kind in zip(names, kinds) if kind == b"none"]
    if not gone or len(gone) == len(names) - count:
        return gone
    there = yield end.call(each(b"EXISTS", gone), len(gone))
    end.check(there, "EXISTS")
    return [name for name, found in zip(gone, there) if not found]


def lifeless(end: End, names: t.Sequence[bytes]) -> Job[list[bytes]]:
    """Those of ``names`` that are hashes without a living field: still in the keyspace, but as good as gone.

    HSCAN shows what lives and changes nothing; others (HRANDFIELD) delete such a hash.
    """
    if not names or not end.server.supports_field_ttl():
        return []
    kinds = yield end.call(each(b"TYPE", names), len(names))
    end.check(kinds, "TYPE")
    hashes = [name for name, kind in zip(names, kinds) if kind == b"hash"]
    if not hashes:
        return []
    pages = yield end.call(each(b"HSCAN", hashes, b"0", b"COUNT", b"%d" % _FIRST_FIELDS), len(hashes))
    end.check(pages, "HSCAN")
    found: list[bytes] = []
    for name, page in zip(hashes, pages):
        walk = CursorWalk(end.endpoint, "HSCAN", 0)
        cursor, fields = walk.page(page)
        while not fields and cursor != b"0":
            (page,) = yield end.call(pack(b"HSCAN", name, cursor, b"COUNT", _FIELDS), 1)
            end.check([page], "HSCAN")
            cursor, fields = walk.page(page)
        if not fields:
            found.append(name)
    return (yield from _without_values(end, found))


def _without_values(end: End, hashes: list[bytes]) -> Job[list[bytes]]:
    """Those of ``hashes`` of which HGETALL shows nothing either; the large ones, which were walked page by page, as well."""
    if not hashes:
        return []
    lengths = yield end.call(each(b"HLEN", hashes), len(hashes))
    end.check(lengths, "HLEN")
    small = [name for name, length in zip(hashes, lengths) if length <= _FIELDS]
    values = yield end.call(each(b"HGETALL", small), len(small))
    end.check(values, "HGETALL")
    alive = {name for name, fields in zip(small, values) if fields}
    return [name for name in hashes if name not in alive]


def unknown(target: End, names: list[bytes], ask: t.Callable[[list[bytes]], Job[list[bytes]]]) -> Job[list[bytes]]:
    """Those of the ``names`` at ``target`` that belong to keys which the source lacks; ``ask``: which of some keys it lacks."""
    if target.renaming is None:
        return (yield from ask(names))
    keys = {name: target.renaming.back(name) for name in names}
    lacked = set((yield from ask([key for some in keys.values() for key in some])))
    return [name for name, some in keys.items() if some and lacked.issuperset(some)]


def lacking(target: End, keys: list[bytes]) -> Job[list[bytes]]:
    """Those of the source's ``keys`` that ``target`` does not have, by the names that they have there; see :func:`without`."""
    names = target.named(keys)
    gone = yield from without(target, names)
    if names is keys or not gone:
        return gone
    missing = set(gone)
    return [key for key, name in zip(keys, names) if name in missing]


def without(end: End, names: list[bytes]) -> Job[list[bytes]]:
    """Those of ``names`` that ``end`` does not have, or only as a hash without a living field."""
    gone = yield from absent(end, names)
    if len(gone) == len(names) or not end.server.supports_field_ttl():
        return gone
    (info,) = yield end.call(ASK_FIELD_EXPIRY, 1)
    end.check([info], "INFO")
    if not none_expires(info, end.database):
        missing = set(gone)
        gone += yield from lifeless(end, [name for name in names if name not in missing])
    return gone
