# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the documents show can be done: inventories, variables, plays and commands are read as those who copy them have
them read."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.cli.playbook import PlaybookCLI
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.endpoint import parse_endpoint
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._variables import (
    PREFIX,
    missing_variables,
    unknown_variables,
    variable_specs,
    wrong_values,
)
from tests.support import shown
from tests.support.paths import REPO
from tests.support.run import run_playbook
from tests.support.shown import FQCN, GROUPS, Shown, blocks, is_inventory, spans

MODULES = {path.stem for path in (REPO / "plugins/modules").glob("*.py")}
FILTERS = {path.stem for path in (REPO / "plugins/filter").glob("*.yml")}
PLAYBOOKS = {path.stem: path for path in (REPO / "playbooks").glob("*.yml")}
TARGETS = set(re.findall(r"^([a-z-]+):", (REPO / "Makefile").read_text(), re.M))
PAGES = [page for page in shown.PAGES if "roles" not in page.parts]

SHOWN = [block for page in PAGES for block in blocks(page)]
YAML = [block for block in SHOWN if block.language == "yaml"]
IDS = [block.where for block in YAML]


def of_this_collection(variables: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in variables.items() if name.startswith(PREFIX)}


def assert_variables(variables: Mapping[str, Any]) -> None:
    ours = of_this_collection(variables)
    assert unknown_variables(ours) == []
    assert wrong_values(ours) == []


@pytest.mark.parametrize("block", YAML, ids=IDS)
def test_yaml_is_read_and_its_variables_are_right(block: Shown, tmp_path: Path) -> None:
    read = yaml.safe_load(block.text)
    if is_inventory(read):
        file = tmp_path / "inventory.yml"
        file.write_text(block.text)
        inventory = InventoryManager(loader=DataLoader(), sources=[str(file)])
        assert set(inventory.groups) <= GROUPS | {"all", "ungrouped"}
        for host in inventory.groups.get("redis_migrations", inventory.groups["ungrouped"]).hosts:
            variables = {**inventory.groups["redis_migrations"].vars, **host.vars}
            assert missing_variables(variables) == []
            assert_variables(variables)
    elif isinstance(read, dict):
        assert_variables(read)


def tasks_of(read: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The modules of this collection in a list of plays or tasks, with the options that they are given."""
    for entry in read if isinstance(read, list) else []:
        for name, value in entry.items():
            if name.startswith(FQCN):
                yield name.removeprefix(FQCN), value or {}
            elif name in ("tasks", "pre_tasks", "post_tasks", "block", "rescue", "always"):
                yield from tasks_of(value)
            elif name == "module_defaults":
                yield from tasks_of([value])


def options_of(module: str) -> set[str]:
    """The options that a module has, with those of the fragments that it shares with others."""
    plugins = "ansible_collections.dataservices.redis_migration.plugins"
    documented = yaml.safe_load(import_module(f"{plugins}.modules.{module}").DOCUMENTATION)
    options = set(documented["options"])
    for fragment in documented["extends_documentation_fragment"]:
        file, _dot, part = fragment.removeprefix(FQCN).partition(".")
        shared = import_module(f"{plugins}.doc_fragments.{file}").ModuleDocFragment
        options |= set(yaml.safe_load(getattr(shared, part.upper() or "DOCUMENTATION")).get("options", {}))
    return options


def test_plays_give_modules_options_that_they_have() -> None:
    tasks = [(block.where, *task) for block in YAML for task in tasks_of(yaml.safe_load(block.text))]
    assert tasks
    for where, module, given in tasks:
        assert set(given) <= options_of(module), where


def test_shown_plays_pass_the_syntax_check() -> None:
    """All of them, with the inventory of README.md, at once: Ansible takes a while to start."""
    reads = [(block.where, yaml.safe_load(block.text)) for block in YAML]
    plays = [play for _where, read in reads if isinstance(read, list) and "hosts" in read[0] for play in read]
    inventory = next(read for where, read in reads if where.startswith("README.md") and is_inventory(read))
    assert plays
    assert run_playbook(plays, inventory, "--syntax-check").ok


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_variables_that_a_page_names_exist(page: Path) -> None:
    known = variable_specs().keys() | GROUPS | MODULES | FILTERS
    named = set(re.findall(r"(?<![\w/.-])(redis_migration_\w*[a-z])(?![\w…*]|\.\w)", page.read_text()))
    assert named <= known, unknown_variables(named - known)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_values_that_a_page_names_are_right(page: Path) -> None:
    for span in spans(page):
        if re.match(r"redis_migration_\w+: \S", span) and "…" not in span:
            assert_variables(yaml.safe_load(span))


def commands(page: Path) -> Iterator[list[str]]:
    """The commands in console blocks and in prose."""
    lines = [line for block in blocks(page) if block.language == "console" for line in block.text.splitlines()]
    indented = re.findall(r"^ {4,}(\S.*)$", page.read_text(), re.M)
    for line in [*lines, *indented, *spans(page)]:
        if re.match(r"(ansible-playbook|ansible-doc|make) ", line) and "…" not in line:
            yield shlex.split(line, comments=True)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_that_a_page_shows_can_be_given(page: Path) -> None:
    playbooks = "".join(path.read_text() for path in (REPO / "playbooks").rglob("*.yml"))
    tags = {tag for listed in re.findall(r"tags: \[(.*)\]", playbooks) for tag in listed.split(", ")}
    for program, *arguments in commands(page):
        if program == "make":
            assert {word for word in arguments if "=" not in word} <= TARGETS, arguments
        elif program == "ansible-doc":
            assert {name.removeprefix(FQCN) for name in arguments} <= MODULES, arguments
        else:
            cli = PlaybookCLI([program, *arguments])
            cli.init_parser()
            given = cli.parser.parse_args(arguments)
            for playbook in given.args:
                name = playbook.removeprefix(FQCN)
                assert name in PLAYBOOKS or (REPO / playbook).is_file() or not playbook.startswith(FQCN), playbook
            assert {tag for some in [*given.tags, *given.skip_tags] for tag in some.split(",")} <= tags, arguments


# Every character that means something in a URL.
PASSWORD = "a@b/c:d%e?f#g h&i+ü"


def test_a_password_in_a_url_that_is_shown_survives() -> None:
    urls = [
        value["url"]
        for block in YAML
        if isinstance(read := yaml.safe_load(block.text), dict)
        for value in read.values()
        if isinstance(value, dict) and "urlencode" in str(value.get("url"))
    ]
    assert len(urls) == 2
    for url in urls:
        templar = Templar(loader=DataLoader(), variables=dict.fromkeys(re.findall(r"vault_\w+", url), PASSWORD))
        endpoint = parse_endpoint({"url": templar.template(trust_as_template(url))}, "source")
        assert endpoint.password == PASSWORD
        assert endpoint.host.endswith(".example.com") and endpoint.port == 6380
