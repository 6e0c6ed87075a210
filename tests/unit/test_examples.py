# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pipelines of examples/: what they run and collect exists. One of them is run by the tests of playbooks."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ansible.cli.playbook import PlaybookCLI

from tests.support.examples import EXAMPLES, github_steps, gitlab_job, read
from tests.support.paths import COLLECTIONS_PATH, REPO

PLAN = "ansible-playbook dataservices.redis_migration.migrate -i inventory.yml --check"
MIGRATE = PLAN.removesuffix(" --check")
# What a run writes that has a place of its own, as the tests of playbooks find it.
WRITTEN = {"plan.md", "plan.json", "junit.xml", "report.json", "report.html"}


def test_a_merge_request_is_planned_and_a_merge_is_run() -> None:
    steps = github_steps()
    assert (gitlab_job("plan")["script"], gitlab_job("migrate")["script"]) == ([PLAN], [MIGRATE])
    assert (steps["Plan"]["run"], steps["Migrate"]["run"]) == (PLAN, MIGRATE)
    assert (steps["Plan"]["if"], steps["Migrate"]["if"]) == (
        "github.event_name == 'pull_request'",
        "github.event_name == 'push'",
    )


@pytest.mark.parametrize("command", [PLAN, MIGRATE])
def test_the_playbook_and_its_options_exist(command: str) -> None:
    program, *arguments = shlex.split(command)
    cli = PlaybookCLI([program, *arguments])
    cli.init_parser()
    (playbook,) = cli.parser.parse_args(arguments).args
    assert (REPO / "playbooks" / f"{playbook.rsplit('.', 1)[1]}.yml").is_file()


def test_they_install_what_the_collection_needs() -> None:
    lines = (REPO / "requirements.txt").read_text().splitlines()
    wanted = {line.partition(",")[0] for line in lines if line and line[0] != "#"}
    pip, galaxy = gitlab_job("plan")["before_script"]
    assert github_steps()["Install"]["run"].splitlines() == [pip, galaxy]
    assert set(shlex.split(pip)[3:]) == wanted
    assert galaxy == "ansible-galaxy collection install -r requirements.yml"


def test_scripts_are_shell() -> None:
    gitlab = [
        line for job in ("plan", "migrate") for part in ("before_script", "script") for line in gitlab_job(job)[part]
    ]
    scripts = [
        *gitlab,
        *gitlab_job("plan")["after_script"],
        *(one["run"] for one in github_steps().values() if "run" in one),
    ]
    assert len(scripts) > 10
    for script in scripts:
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)
        assert "TOKEN" not in re.sub(r"printf .*|\[ -n .*", "", script), (
            "arguments are seen by everybody on the machine"
        )


@pytest.mark.parametrize("page", ["examples/gitlab-ci.yml", "examples/github-actions.yml", "docs/pipelines.md"])
def test_files_that_are_collected_are_written(page: str) -> None:
    named = set(re.findall(r"redis-migration-report/([\w.]+)", (REPO / page).read_text()))
    assert named and named <= WRITTEN


def test_requirements_are_those_of_the_readme() -> None:
    (shown,) = re.findall(r"```yaml\n# requirements.yml\n(.*?)```", (REPO / "README.md").read_text(), re.S)
    assert read("requirements.yml") == read("awx/requirements.yml") == yaml.safe_load(shown)


def test_the_playbook_for_awx_imports_one_of_the_collection() -> None:
    ((_name, imported),) = [play.items() for play in read("awx/migrate.yml")]
    assert imported == ("ansible.builtin.import_playbook", "dataservices.redis_migration.migrate")


def test_the_context_of_the_execution_environment_is_made(tmp_path: Path) -> None:
    builder = str(Path(sys.executable).with_name("ansible-builder"))
    file = EXAMPLES / "awx" / "execution-environment.yml"
    made = [builder, "create", "-f", str(file), "-c", str(tmp_path), "--output-filename", "Containerfile"]
    subprocess.run(made, check=True, capture_output=True, cwd=tmp_path)
    assert "fedora:42" in (tmp_path / "Containerfile").read_text()
    assert yaml.safe_load((tmp_path / "_build/requirements.yml").read_text()) == read("awx/requirements.yml")
    # What the build then asks the collection for.
    asked = subprocess.run([builder, "introspect", str(COLLECTIONS_PATH)], check=True, capture_output=True, text=True)
    found = yaml.safe_load(asked.stdout)
    assert {re.split("[ ,]", line)[0] for line in found["python"]} >= {"redis>=6.0", "hiredis>=3.0"}
    assert any(line.startswith("openssh-clients [platform:rpm]") for line in found["system"])
