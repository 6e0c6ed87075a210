# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes what is read of large keys, no faster than is permitted."""

from __future__ import annotations

import time

from .._pipeline.throttle import Throttle
from .._rdb.writer import RdbWriter


class ThrottledWriter:
    """A writer that takes no more bytes than ``throttle`` permits."""

    def __init__(self, writer: RdbWriter, throttle: Throttle) -> None:
        self._throttle = throttle
        self._put = writer.put
        self.key = writer.key

    def put(self, data: bytes) -> None:
        time.sleep(self._throttle.delay(0, len(data)))
        self._put(data)
