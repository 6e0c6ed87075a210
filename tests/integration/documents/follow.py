# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Somebody who follows a page: writes down its inventories and variables, and gives its commands, from top to bottom."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.integration.documents import not_run
from tests.integration.documents.world import PASSWORD, World
from tests.support.paths import REPO
from tests.support.shown import FQCN, Shown, blocks, commands_in_prose, is_inventory
from tests.support.terminal import at_terminal

_VAULT_PASSWORD = "SENTINEL-vault-password"
_ANSWERS = {
    r"(?i)vault password( \(default\))?:": _VAULT_PASSWORD,
    r"decryption password:": PASSWORD,
}


def shown_on(page: Path) -> list[Shown]:
    """Blocks and commands of a page in the order in which they stand there."""
    return sorted([*blocks(page), *commands_in_prose(page)], key=lambda shown: int(shown.where.rpartition(":")[2]))


def lines_of(block: Shown) -> Iterator[str]:
    """The commands of a block."""
    for line in block.text.replace("\\\n", "").splitlines():
        if line.strip() and not line.startswith("#"):
            yield line


def migrated(page: Path) -> set[str]:
    """Where the inventories of a page are that its commands migrate with."""
    found: set[str] = set()
    inventory = ""
    for shown in shown_on(page):
        if shown.language == "yaml" and _has_migrations(shown):
            inventory = shown.where
        elif shown.language == "console" and ".migrate -i inventory.yml" in shown.text:
            found.add(inventory)
    return found


class Follower:
    """Works in `directory`, a scratch one."""

    def __init__(self, world: World, directory: Path, environment: dict[str, str]) -> None:
        self.world = world
        self.directory = directory
        self._secrets: dict[str, str] = {}
        (directory / "group_vars").mkdir()
        (directory / "group_vars/redis_migration_workers.yml").write_text(
            yaml.safe_dump({"ansible_python_interpreter": str(world.python)})
        )
        # The directory of the checkout, as README.md has it: next to where one works, and in it.
        (directory / "redis_migration").symlink_to(REPO)
        (directory / "playbooks").symlink_to(REPO / "playbooks")
        password = directory / "vault-password"
        password.write_text(_VAULT_PASSWORD)
        editor = directory / "editor"
        editor.write_text(f'#!/bin/sh\ncp {directory}/secrets.yml "$1"\n')
        editor.chmod(0o755)
        self.environment = {
            **world.with_collection,
            **environment,
            "ANSIBLE_VAULT_PASSWORD_FILE": str(password),
            "EDITOR": str(editor),
        }

    def follow(self, page: Path) -> None:
        """Do all that the page shows. Raises AssertionError at what fails, and at what nobody knows how to do."""
        self._variables({})
        shown = shown_on(page)
        self._secrets |= self.world.secrets(page.read_text())
        for name in ("secrets.yml", "group_vars/all.yml"):
            (self.directory / name).write_text(yaml.safe_dump(self._secrets))
        first = next((one for one in shown if one.language == "yaml" and _has_migrations(one)), None)
        if first is not None:
            self._write("inventory.yml", first.text)
        given: dict[str, Any] = {}
        for one in shown:
            if one.language in not_run.READ_BY_OTHERS or not_run.reason(one.text):
                continue
            if one.language == "console":
                for line in lines_of(one):
                    if not not_run.reason(line):
                        self.give(line, one.where)
                continue
            read = yaml.safe_load(one.text) if one.language == "yaml" else None
            if is_inventory(read):
                self._take_inventory(one, read)
            elif isinstance(read, dict) and all(name.startswith("redis_migration_") for name in read):
                given |= yaml.safe_load(self.world.here(one.text))
                self._variables(given)
            elif isinstance(read, list) and "hosts" in read[0]:
                self.world.empty_target()
                self._write("play.yml", one.text)
                self.give("ansible-playbook play.yml -e @secrets.yml", one.where)
            elif "├──" in one.text:
                self.see_tree(one)
            else:
                raise AssertionError(f"{one.where}: nobody runs this, and not_run.py does not say why:\n{one.text}")

    def _take_inventory(self, block: Shown, read: dict[str, Any]) -> None:
        if "redis_migrations" in read:
            self._write("inventory.yml", block.text)
        else:
            self._write("workers.yml", block.text)
            self.give(f"ansible-playbook {FQCN}doctor -i workers.yml", block.where)

    def _variables(self, given: dict[str, Any]) -> None:
        (self.directory / "host_vars").mkdir(exist_ok=True)
        (self.directory / "host_vars/orders.yml").write_text(yaml.safe_dump(given))

    def _write(self, name: str, text: str) -> None:
        (self.directory / name).write_text(self.world.here(text))

    def give(self, command: str, where: str) -> None:
        directory = self.directory
        if command.startswith("openssl"):
            # Where the backups are, as the page says.
            directory = self.world.root / "var/backups/redis"
        if command.startswith("ansible-galaxy collection install"):
            # Never where the checkout is the collection: it would be replaced.
            del self.environment["ANSIBLE_COLLECTIONS_PATH"]
        code, output = at_terminal(self.world.here(command), directory, self.environment, _ANSWERS)
        assert code == 0, f"{where}: {command}\n{output[-6000:]}"

    def see_tree(self, block: Shown) -> None:
        """The tree of report.md is what lies there after an analysis, as analyse.md has it, a plan and a verification."""
        for arguments in ("migrate --check", "migrate", "verify"):
            self.give(f"ansible-playbook {FQCN}{arguments} -i inventory.yml", block.where)
        shown: dict[str, set[str]] = {"": set()}
        folder = ""
        for line in block.text.splitlines()[1:]:
            indent, name = re.match(r"([│ ]*)[├└]── (.*?)(?: {2,}| -> |$)", line).groups()  # type: ignore[union-attr]
            if name.endswith("/"):
                folder = name.rpartition("-")[2].rstrip("/")
                shown[folder] = set()
            else:
                shown[folder if indent else ""] |= set(name.split())
        report = self.directory / "redis-migration-report"
        found = {"": {path.name for path in report.iterdir() if path.is_symlink() or path.is_file()}}
        for path in sorted(path for path in report.iterdir() if path.is_dir() and not path.is_symlink()):
            found.setdefault(path.name.rpartition("-")[2], {inner.name for inner in path.iterdir()})
        assert found == shown, block.where


def _has_migrations(block: Shown) -> bool:
    read = yaml.safe_load(block.text)
    return is_inventory(read) and "redis_migrations" in read
