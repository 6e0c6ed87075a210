# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module of this collection where it lies, if the task runs on the control node and by the playbook's own Python.

Ansible packs each module with all that it imports, some 170 files, and Python compiles them again for every task. Where
they are at hand, already compiled, a task takes less than half the time. Everything else is as ever: the same files, a
process of its own, the options through its standard input, and Ansible reads what it prints.
"""

from __future__ import annotations

import json
import pathlib
import shlex
import sys
import typing as t

from ansible import constants
from ansible.module_utils.common.json import Direction, get_module_encoder
from ansible.plugins.action import ActionBase

# How Ansible writes options and reads results: what a module that is run by hand expects, too.
_PROFILE = "legacy"

# The directory that holds `ansible_collections`, with this collection in it.
_ROOT = next((parent.parent for parent in pathlib.Path(__file__).parents if parent.name == "ansible_collections"), None)

_RUN = "import runpy,sys;sys.path.insert(0,sys.argv.pop(1));runpy.run_module(sys.argv.pop(1),run_name='__main__',alter_sys=True)"


def runs_in_place(action: ActionBase, variables: t.Mapping[str, t.Any]) -> bool:
    """Whether the task of ``action`` needs no other host, user, Python or process group than the playbook's own."""
    task = action._task
    if _ROOT is None or task.async_val or action._connection.become or action._connection.transport != "local":
        return False
    host = variables["ansible_delegated_vars"][task.delegate_to] if task.delegate_to else variables
    python = action._templar.template(constants.config.get_config_value("INTERPRETER_PYTHON", variables=host))
    return bool(python == sys.executable)


def run_in_place(
    action: ActionBase, name: str, arguments: dict[str, t.Any], variables: dict[str, t.Any]
) -> dict[str, t.Any]:
    """The result of the module with this full ``name``."""
    collection, _dot, module = name.rpartition(".")
    code = f"ansible_collections.{collection}.plugins.modules.{module}"
    action._update_module_args(name, arguments, variables)
    command = [sys.executable, "-P", "-c", _RUN, str(_ROOT), code]
    environment = action._compute_environment_string()
    done = action._low_level_execute_command(
        " ".join([*([environment] if environment else []), shlex.join(command)]),
        in_data=json.dumps(
            {"ANSIBLE_MODULE_ARGS": arguments}, cls=get_module_encoder(_PROFILE, Direction.CONTROLLER_TO_MODULE)
        ).encode(),
    )
    result = action._parse_returned_data(done, _PROFILE)
    # A dictionary, or from ansible-core 2.21 on what one is made of.
    plain: dict[str, t.Any] = result if isinstance(result, dict) else result.as_result_dict(for_round_trip=True)
    return plain
