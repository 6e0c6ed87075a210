# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a machine lacks of that which migrations need."""

from __future__ import annotations

import re
import typing as t

from ansible.release import __version__ as core_version

from ansible_collections.dataservices.redis_migration.plugins.module_utils._python import (
    OLDEST,
    OLDEST_CORE,
    OLDEST_LIBRARIES,
)

Finding = dict[str, str]

# Cloud Foundry is asked by the control node; everything else is done by modules, which may run on workers.
_CONTROL, _MODULES = "control node", "modules"
_NEEDED_WHERE = {"redis": _MODULES, "hiredis": _MODULES, "jmespath": _CONTROL, "cryptography": _MODULES}
# What is needed in some cases only, and in which.
_ONLY_FOR = {
    "jmespath": "Cloud Foundry brokers whose service keys are not recognised",
    "cryptography": "encrypted backups",
}


def machine_findings(
    found: t.Mapping[str, t.Any], machine: str, groups: t.Mapping[str, t.Sequence[str]]
) -> list[Finding]:
    """Findings on a machine: what ``redis_migration_doctor_info`` returned there, or how it failed."""
    workers = groups.get("redis_migration_workers") or []
    control = machine == "localhost"
    findings = [_core()] if control else []
    if found.get("unreachable"):
        return [*findings, _fail("connection", f"It cannot be reached: {_said(found)}", "See that `ssh` to it works.")]
    if "libraries" not in found:
        step = "Install Python there, and name it in this host's ansible_python_interpreter."
        return [*findings, _fail("python", f"No module can run there: {_said(found)}", step)]
    python = found["python"]
    runs_modules = machine in workers or not workers
    wanted = [name for name, where in _NEEDED_WHERE.items() if (control if where == _CONTROL else runs_modules)]
    findings += [_python(python), *(_library(name, found["libraries"][name], python) for name in wanted)]
    if runs_modules:
        findings.append(_tunnels(found["programs"]))
    if control and workers:
        findings.append(_ssh(found["programs"]))
    if control:
        findings.append(_login(found["cf_session"]))
    return findings


def _core() -> Finding:
    if _numbers(core_version) < OLDEST_CORE:
        wanted = _dotted(OLDEST_CORE)
        step = f"Install a newer one, in an environment of its own: pip install 'ansible-core>={wanted}'."
        return _fail("ansible-core", f"{core_version} is older than {wanted}.", step)
    return _ok("ansible-core", f"{core_version}.")


def _python(found: t.Mapping[str, t.Any]) -> Finding:
    version, where = found["version"], found["executable"]
    if _numbers(version) < OLDEST:
        step = (
            "Install a newer one there, with redis and hiredis, and name it in this host's ansible_python_interpreter."
        )
        return _fail("python", f"{where} is Python {version}, older than {_dotted(OLDEST)}.", step)
    return _ok("python", f"{version} ({where}).")


def _library(name: str, found: t.Mapping[str, str], python: t.Mapping[str, t.Any]) -> Finding:
    wanted = _dotted(OLDEST_LIBRARIES[name])
    if python["environment"]:
        step = f"Run there: {python['executable']} -m pip install '{name}>={wanted}'."
    else:
        step = (
            f"Make an environment there ({python['executable']} -m venv DIR), run DIR/bin/pip install '{name}>={wanted}',"
            " and name DIR/bin/python in this host's ansible_python_interpreter."
        )
    if found["error"]:
        told = f"It cannot be imported ({found['error']})."
    elif _numbers(found["version"]) < OLDEST_LIBRARIES[name]:
        told = f"{found['version']} is older than {wanted}."
    else:
        return _ok(name, f"{found['version']}.")
    if name in _ONLY_FOR:
        return _warn(name, f"{told} It is needed for {_ONLY_FOR[name]} only.", step)
    return _fail(name, told, step)


def _tunnels(programs: t.Mapping[str, str]) -> Finding:
    missing = [name for name, where in programs.items() if not where]
    if not missing:
        return _ok("tunnels", f"ssh is there ({programs['ssh']}).")
    step = "Install the OpenSSH client there, such as by apt-get install openssh-client."
    return _warn(
        "tunnels", f"There is no {' and no '.join(missing)}; needed for tunnels through an app's SSH only.", step
    )


def _ssh(programs: t.Mapping[str, str]) -> Finding:
    if programs["ssh"]:
        return _ok("ssh", f"{programs['ssh']}.")
    step = "Install the OpenSSH client here, such as by apt-get install openssh-client."
    return _fail("ssh", "There is none, so no worker can be reached.", step)


def _login(session: str) -> Finding:
    if session:
        return _ok("cf", f"The session of cf login is in {session}. The cf command line itself is not needed.")
    return _ok(
        "cf",
        "No session of cf login. Only Cloud Foundry needs one, or CF_USER and the like, or redis_migration_cf.",
    )


def _said(found: t.Mapping[str, t.Any]) -> str:
    return str(found.get("msg") or "it says nothing").strip()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _ok(name: str, message: str) -> Finding:
    return {"status": "ok", "name": name, "message": message, "next_step": ""}


def _warn(name: str, message: str, next_step: str) -> Finding:
    return {"status": "warn", "name": name, "message": message, "next_step": next_step}


def _fail(name: str, message: str, next_step: str) -> Finding:
    return {"status": "fail", "name": name, "message": message, "next_step": next_step}
