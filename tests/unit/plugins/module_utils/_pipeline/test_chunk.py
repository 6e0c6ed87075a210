# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chunks and parts of them."""

from __future__ import annotations

from ansible_collections.dataservices.redis_migration.plugins.module_utils._pipeline.chunk import Chunk


def test_a_part_keeps_what_belongs_to_each_key() -> None:
    chunk = Chunk([b"a", b"b", b"c"], [1, 2, 4], [(b"FREQ", 1), None, (b"FREQ", 3)])
    part = chunk.pick([0, 2])
    assert (part.names, part.sizes, part.size, part.usages) == ([b"a", b"c"], [1, 4], 5, [(b"FREQ", 1), (b"FREQ", 3)])
    assert Chunk([b"a", b"b"], [1, 2]).pick([1]).usages is None


def test_all_of_it_is_the_chunk_itself() -> None:
    chunk = Chunk([b"a", b"b"], [1, 2])
    assert chunk.pick(range(2)) is chunk
    assert len(chunk.pick([])) == 0
