# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module of this collection as Ansible does on a host: a process of its own that ends with one JSON result."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

_DRIVER = """
import importlib, json, sys
from ansible.module_utils.testing import patch_module_args
order = json.load(sys.stdin)
module = importlib.import_module("ansible_collections.dataservices.redis_migration.plugins.modules." + order["name"])
with patch_module_args(order["args"]):
    module.main()
"""


class ModuleFailed(AssertionError):
    """The module failed; the text is its message, `result` everything it said."""

    def __init__(self, result: dict[str, Any]) -> None:
        super().__init__(result.get("msg"))
        self.result = result


@dataclass(frozen=True)
class ModuleRunner:
    """`defaults` are options of every call; `environment` is all that a module sees beside PATH."""

    defaults: dict[str, Any]
    environment: dict[str, str]

    def __call__(self, name: str, /, *, check: bool = False, diff: bool = False, **options: Any) -> dict[str, Any]:
        """The result; raises ModuleFailed with the module's own message."""
        arguments = {key: value for key, value in {**self.defaults, **options}.items() if value is not None}
        arguments.update(_ansible_check_mode=check, _ansible_diff=diff)
        finished = subprocess.run(
            [sys.executable, "-c", _DRIVER],
            input=json.dumps({"name": name, "args": arguments}),
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
                **self.environment,
            },
        )
        try:
            result: dict[str, Any] = json.loads(finished.stdout)
        except ValueError:
            raise AssertionError(f"no result:\n{finished.stdout}\n{finished.stderr}") from None
        if result.get("failed"):
            raise ModuleFailed(result)
        assert not finished.stderr, finished.stderr
        return result
