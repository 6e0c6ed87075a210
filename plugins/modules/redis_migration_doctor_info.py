#!/usr/bin/python
# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_migration_doctor_info
short_description: Tell what a machine has of that which migrations need
version_added: 1.0.0
description:
  - Looks at the machine that it runs on, for its Python and the libraries and programs that modules of this collection use.
  - Runs on a Python that is too old for the other modules as well, to say so.
extends_documentation_fragment:
  - dataservices.redis_migration.attributes
  - dataservices.redis_migration.attributes.info_module
notes:
  - The playbook C(doctor) of this collection says for each machine what is missing and what to do.
author:
  - dataservices.redis_migration contributors (@dataservices)
"""

EXAMPLES = r"""
- name: See what the worker has
  dataservices.redis_migration.redis_migration_doctor_info:
  delegate_to: worker1
"""

RETURN = r"""
python:
  description: The Python that modules run with.
  returned: success
  type: dict
  contains:
    version:
      description: Its version.
      type: str
      sample: 3.11.2
    executable:
      description: Where it is.
      type: str
    environment:
      description: Whether it is one of a virtual environment. Many systems let nothing be installed into any other.
      type: bool
libraries:
  description: What is wrong with each library of C(redis), C(hiredis), C(jmespath) and C(cryptography), and its version.
  returned: success
  type: dict
  contains:
    redis:
      description: The Python library redis-py; so for the others.
      type: dict
      contains:
        version:
          description: Its version; empty if it cannot be imported.
          type: str
        error:
          description: Why it cannot be imported; empty if it can.
          type: str
programs:
  description: Where C(ssh) and C(ssh-keyscan) are; empty for one that is missing.
  returned: success
  type: dict
cf_session:
  description: The file that C(cf login) left for this user; empty if there is none.
  returned: success
  type: str
"""

import importlib
import os
import pathlib
import platform
import shutil
import sys

from ansible.module_utils.basic import AnsibleModule

LIBRARIES = ("redis", "hiredis", "jmespath", "cryptography")
PROGRAMS = ("ssh", "ssh-keyscan")


def library(name: str) -> dict[str, str]:
    """Whether it can be imported, which its mere presence does not prove."""
    try:
        found = importlib.import_module(name)
    except Exception as exc:  # whatever a damaged one raises
        return {"version": "", "error": f"{type(exc).__name__}: {exc}"}
    return {"version": str(getattr(found, "__version__", "")), "error": ""}


def cf_session() -> str:
    home = os.environ.get("CF_HOME") or str(pathlib.Path.home())
    path = os.path.join(home, ".cf", "config.json")
    return path if os.path.exists(path) else ""


def main() -> None:
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    module.exit_json(
        changed=False,
        python={
            "version": platform.python_version(),
            "executable": sys.executable,
            "environment": sys.prefix != sys.base_prefix,
        },
        libraries={name: library(name) for name in LIBRARIES},
        programs={name: shutil.which(name) or "" for name in PROGRAMS},
        cf_session=cf_session(),
    )


if __name__ == "__main__":
    main()
