# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Loads what the modules of a plain migration import: to be imported in the playbook's own process, before it forks for them.

Then it is loaded once, and not three times for each migration. Importing takes longer than most of them work.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.machinery
import sys
import typing as t

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._action.forked import FORKS

_PACKAGE = "ansible_collections.dataservices.redis_migration.plugins.module_utils"
_MODULES = ("redis_preflight_info", "redis_migrate_keys", "redis_key_diff")


class _Compiled:
    """Finds files of ours as Python itself does, which keeps what it compiled. Ansible compiles them in every process anew."""

    @staticmethod
    def find_spec(
        name: str, path: t.Sequence[str] | None = None, _target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if path is None or not name.startswith(f"{_PACKAGE}."):
            return None
        python = (importlib.machinery.SourceFileLoader, importlib.machinery.SOURCE_SUFFIXES)
        return importlib.machinery.FileFinder(path[0], python).find_spec(name)


def _load() -> None:
    sys.meta_path.insert(0, t.cast(t.Any, _Compiled))
    try:
        for name in ("hiredis", "redis", *(f"{_PACKAGE}._module.{module}" for module in _MODULES)):
            # Libraries need not be here, nor work: modules may run on workers only. One that runs here says what is wrong.
            with contextlib.suppress(Exception):
                importlib.import_module(name)
    finally:
        sys.meta_path.remove(t.cast(t.Any, _Compiled))
    # It stays to the end. A fork that looked through it for garbage would copy it, page by page.
    gc.freeze()


if FORKS:
    _load()
