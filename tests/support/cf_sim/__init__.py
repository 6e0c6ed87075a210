# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Cloud Foundry simulator for tests and the demo: API v3, UAA, SSH proxy, a service broker and running apps."""

from __future__ import annotations

from .faults import Faults
from .model import App, Binding, Instance, Org, Space
from .server import CloudFoundrySim

__all__ = ["App", "Binding", "CloudFoundrySim", "Faults", "Instance", "Org", "Space"]
