# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module of this collection where it lies, if the task runs on the control node and by the playbook's own Python.

Ansible packs each module with all that it imports, some 170 files, and Python compiles them again for every task. Where
they are at hand, already compiled, and Python need not be started either, a task takes a fraction of the time. Everything
else is as ever: the same files, a process of its own, the options through its standard input, and Ansible reads what it prints.
"""

from __future__ import annotations

import json
import pathlib
import shlex
import sys
import typing as t

from ansible import constants
from ansible.module_utils.common.json import Direction, get_module_encoder
from ansible.module_utils.common.text.converters import to_text
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._action.forked import (
    FORKS,
    Program,
    run_forked,
)

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
    action._update_module_args(name, arguments, variables)
    environment: dict[str, t.Any] = {}
    shown = action._compute_environment_string(environment)
    options = json.dumps(
        {"ANSIBLE_MODULE_ARGS": arguments}, cls=get_module_encoder(_PROFILE, Direction.CONTROLLER_TO_MODULE)
    )
    program = Program(
        str(_ROOT),
        f"ansible_collections.{collection}.plugins.modules.{module}",
        options.encode(),
        {name: str(value) for name, value in environment.items()},
        str(action._loader.get_basedir()),
    )
    result = action._parse_returned_data((_fork if FORKS else _execute)(action, program, shown), _PROFILE)
    # A dictionary, or from ansible-core 2.21 on what one is made of.
    plain: dict[str, t.Any] = result if isinstance(result, dict) else result.as_result_dict(for_round_trip=True)
    return plain


def _fork(action: ActionBase, program: Program, environment: str) -> dict[str, t.Any]:
    # As Ansible tells what it executes.
    Display().vvv(f"FORK {environment} run_module({program.name!r})", host=action._play_context.remote_addr)
    left = run_forked(program)
    return {"rc": left.code, "stdout": to_text(left.output), "stderr": to_text(left.errors)}


def _execute(action: ActionBase, program: Program, environment: str) -> dict[str, t.Any]:
    """In a Python of its own, which has to be started."""
    command = shlex.join([sys.executable, "-P", "-c", _RUN, program.root, program.name])
    done: dict[str, t.Any] = action._low_level_execute_command(
        f"{environment} {command}".lstrip(), in_data=program.options
    )
    return done
