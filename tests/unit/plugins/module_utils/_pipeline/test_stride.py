# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of a large key is read at once."""

from __future__ import annotations

from ansible_collections.dataservices.redis_migration.plugins.module_utils._pipeline.stride import PIECE_BYTES, Stride


def test_a_stride_of_large_elements_is_bounded_by_bytes() -> None:
    assert Stride(100 * PIECE_BYTES, 100).elements == 1
    assert Stride(100 * PIECE_BYTES, 1000).elements == 10
    assert Stride(0, 0).elements > 0


def test_a_stride_follows_the_time_that_pieces_take() -> None:
    stride = Stride(16 * 1_000_000, 1_000_000)
    first = stride.elements
    for _piece in range(50):
        stride.took(10)
    assert first < stride.elements <= 5000
    for _piece in range(50):
        stride.took(50_000)
    assert stride.elements == 1
    assert not stride.shorten()


def test_a_stride_that_met_too_large_a_reply_stays_short() -> None:
    stride = Stride(16 * 1_000_000, 1_000_000)
    assert stride.shorten()
    short = stride.elements
    for _piece in range(50):
        stride.took(10)
    assert stride.elements == short
