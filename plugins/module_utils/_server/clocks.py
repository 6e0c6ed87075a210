# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clocks of the two ends: how far apart they are, and what that means for expiries.

A key ends when its own server's clock says so. Clocks that agree within :data:`CLOCKS_MS` are taken to be the same, and
expiries are carried as they are. Beyond that the source's times are carried by the clock of the target.
"""

from __future__ import annotations

import dataclasses

from .info import Server

# Clocks that are set by NTP are closer than this.
CLOCKS_MS = 1000

# What two measurements may differ by although nothing changed, in milliseconds, beside what each is unsure of.
_JITTER_MS = 20


@dataclasses.dataclass(frozen=True)
class Clocks:
    """``apart_ms``: by how much the target's clock is ahead of the source's. ``unsure_ms``: of the measurement.

    ``source_ahead_ms``, ``target_ahead_ms``: each against the clock of the machine that measured.
    """

    apart_ms: float = 0.0
    unsure_ms: float = 0.0
    source_ahead_ms: float = 0.0
    target_ahead_ms: float = 0.0

    @property
    def shift_ms(self) -> int:
        """What is added to a time of the source's clock to have it by the target's; 0 where the clocks agree."""
        return round(self.apart_ms) if abs(self.apart_ms) - self.unsure_ms > CLOCKS_MS else 0

    @property
    def slack_ms(self) -> int:
        """By how much expiries may differ because of the measurement, and that of an earlier run."""
        return round(2 * self.unsure_ms) + _JITTER_MS if self.shift_ms else 0

    @property
    def sentence(self) -> str | None:
        """What an operator should know, if anything."""
        if not self.shift_ms:
            return None
        which = "ahead of" if self.apart_ms > 0 else "behind"
        return (
            f"The target's clock is {abs(self.apart_ms) / 1000:.1f} s {which} the source's (against this machine's: source"
            f" {self.source_ahead_ms / 1000:+.1f} s, target {self.target_ahead_ms / 1000:+.1f} s). Expiries are carried by the"
            " target's clock, so that each key ends when the source would have ended it. Have the clocks set right (NTP) after"
            " the cutover rather than before: a clock that is set ends keys sooner or later by as much."
        )


def clocks_of(source: Server, target: Server) -> Clocks:
    """The clocks of two servers that were asked a moment ago."""
    return Clocks(
        target.clock_ahead_ms - source.clock_ahead_ms,
        source.clock_unsure_ms + target.clock_unsure_ms,
        source.clock_ahead_ms,
        target.clock_ahead_ms,
    )
