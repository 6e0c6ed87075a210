# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's variables: which there are, and what is wrong with the ones that were given."""

from __future__ import annotations

import difflib
import functools
import os
import pathlib
import re
import typing as t

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.dataservices.redis_migration.plugins.module_utils._errors import (
    RedisMigrationError,
    did_you_mean,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.selection import parse_names
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._gate import moment_of
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._strategies import keeps_names
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._truth import is_true

PREFIX = "redis_migration_"

# How the source may be isolated for a cutover: these record which apps were bound.
_RECORDED = ("auto", "apps")

# A tenth of the time, where PyYAML has it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_ROLES = pathlib.Path(__file__).resolve().parents[2] / "roles"


@functools.cache
def variable_specs() -> dict[str, dict[str, t.Any]]:
    """Every variable of every role with its argument spec."""
    specs: dict[str, dict[str, t.Any]] = {}
    for path in sorted(_ROLES.glob("*/meta/argument_specs.yml")):
        for entry in yaml.load(path.read_text(encoding="utf-8"), _LOADER)["argument_specs"].values():
            specs.update(entry["options"])
    return specs


def meant_for_us(name: str) -> bool:
    """Whether a variable belongs to this collection, or would but for a slip in the part that all of them begin with."""
    if name.startswith(PREFIX):
        return True
    return name.startswith("redis") and bool(difflib.get_close_matches(name, variable_specs(), n=1, cutoff=0.92))


def unknown_variables(names: t.Iterable[str]) -> list[str]:
    """A sentence for each of ``names`` that is none of the collection's variables."""
    known = variable_specs()
    return [f"There is no variable {name}.{did_you_mean(name, known)}" for name in sorted(set(names) - set(known))]


def missing_variables(names: t.Iterable[str]) -> list[str]:
    """A sentence for each required variable that is not among ``names``."""
    given = set(names)
    return [
        f"{name} is missing; give it to this host, such as {name}: {{host: ..., port: ..., password: ...}}."
        for name, spec in sorted(variable_specs().items())
        if spec.get("required") and name not in given
    ]


def wrong_values(given: t.Mapping[str, t.Any]) -> list[str]:
    """A sentence for each thing wrong with the values of known variables. No value of a dictionary is repeated."""
    sentences = []
    specs = variable_specs()
    for name, value in sorted(given.items()):
        if isinstance(value, str) and specs[name]["type"] == "dict":
            # The validator would try to read key=value pairs out of what may be a URL with a password.
            sentences.append(f"{name} is a text; it must be a dictionary, such as {name}: {{url: ...}}.")
            continue
        found = ArgumentSpecValidator({name: specs[name]}).validate({name: value})
        sentences += [_sentence(name, message) for message in found.error_messages]
    return sentences


def conflicting_values(values: t.Mapping[str, t.Any]) -> list[str]:
    """A sentence for each thing in which the values of several variables do not go together, or a moment is none."""
    when, live = str(values.get(f"{PREFIX}cutover_when") or ""), str(values.get(f"{PREFIX}live", "false")).lower()
    sentences = _conflicts_of_cutover(values) + _conflicts_of_sentinels(values) + _conflicts_of_names(values)
    sentences += _conflicts_of_shards(values)
    if when:
        try:
            moment_of(when)
        except ValueError as exc:
            sentences.append(f"{PREFIX}cutover_when: {exc}.")
    if live == "false":
        return sentences
    for name in ("max_lag", "patience", "lease"):
        if float(values.get(f"{PREFIX}live_{name}_seconds", 0)) < 0:
            sentences.append(f"{PREFIX}live_{name}_seconds is negative; give it 0 or more.")
    existing = values.get(f"{PREFIX}existing_keys", "update")
    if existing in ("skip", "fail"):
        sentences.append(
            f"{PREFIX}existing_keys is {existing}, but with {PREFIX}live keys of the target are written anew whenever they"
            " change at the source; it must be update or replace."
        )
    for name in ("eviction_data", "allow_extra"):
        if live == "true" and str(values.get(PREFIX + name, False)).lower() in ("true", "yes", "on", "1"):
            sentences.append(
                f"{PREFIX}{name} does not go with {PREFIX}live: true; leave it out, or set {PREFIX}live: auto, which then"
                " copies first and compares once applications have stopped."
            )
    return sentences


def _conflicts_of_cutover(values: t.Mapping[str, t.Any]) -> list[str]:
    sentences = []
    ends = [values.get(f"{PREFIX}{end}") or {} for end in ("source", "target")]
    apps = all(end.get("service_instance") for end in ends) and values.get(f"{PREFIX}isolate", "auto") in _RECORDED
    if is_true(values.get(f"{PREFIX}cutover")) and not apps:
        sentences.append(
            f"{PREFIX}cutover binds the apps of one Cloud Foundry service instance to another, so both {PREFIX}source and"
            f" {PREFIX}target need a service_instance, and {PREFIX}isolate must be apps (or auto), which records them."
        )
    tasks = str(values.get(f"{PREFIX}cutover_tasks") or "")
    if tasks and not os.path.isfile(os.path.realpath(tasks)):
        sentences.append(f"There is no file {os.path.realpath(tasks)} with tasks, as {PREFIX}cutover_tasks says.")
    return sentences


def _conflicts_of_sentinels(values: t.Mapping[str, t.Any]) -> list[str]:
    sentences = []
    for end in ("source", "target"):
        given = values.get(PREFIX + end) or {}
        by_sentinel = given.get("sentinel") or is_true(given.get("use_sentinel"))
        if by_sentinel and given.get("tunnel"):
            sentences.append(
                f"{PREFIX}{end} has both sentinel and tunnel: a tunnel leads to one host and port, and Sentinels name others"
                " after a failover. Run the modules on a worker inside that network, or give host and port of the primary."
            )
        if given.get("cluster") and given.get("tunnel"):
            sentences.append(
                f"{PREFIX}{end} has both cluster and tunnel: a tunnel leads to one host and port, and a cluster has several"
                " nodes. Run the modules on a worker inside that network."
            )
    if is_true((values.get(f"{PREFIX}target") or {}).get("prefer_replica")):
        sentences.append(f"{PREFIX}target has prefer_replica, but a replica takes no writes; remove it.")
    if is_true((values.get(f"{PREFIX}source") or {}).get("prefer_replica")):
        for name, value in (("live", "true"), ("strategy", "migrate")):
            if str(values.get(PREFIX + name, "")).lower() == value:
                sentences.append(
                    f"{PREFIX}source has prefer_replica, which does not go with {PREFIX}{name}: {value}, as that needs the"
                    " primary; leave out one of them."
                )
    return sentences


def _conflicts_of_shards(values: t.Mapping[str, t.Any]) -> list[str]:
    """Of a host that has but a share of the source's keys."""
    if not values.get(f"{PREFIX}source_shard"):
        return []
    sentences = []
    if str(values.get(f"{PREFIX}live", "false")).lower() != "false":
        sentences.append(
            f"{PREFIX}source_shard does not go with {PREFIX}live, which follows all keys of a source; leave out one of them."
        )
    if is_true(values.get(f"{PREFIX}cutover")):
        sentences.append(
            f"{PREFIX}source_shard does not go with {PREFIX}cutover, which would bind the apps to the target once one share of"
            " the keys is there; cut over by a run without shards behind those with shards, which finds all keys moved."
        )
    return sentences


def _conflicts_of_names(values: t.Mapping[str, t.Any]) -> list[str]:
    """Of the names that keys get at the target."""
    given = {name: values.get(PREFIX + name) or {} for name in ("database_prefix", "rename")}
    sentences = []
    try:
        parse_names(given)
    except RedisMigrationError as exc:
        sentences.append(f"{PREFIX}{exc}")
    strategy = str(values.get(f"{PREFIX}strategy") or "")
    names = " and ".join(PREFIX + name for name, value in given.items() if value)
    if names and keeps_names(strategy):
        sentences.append(
            f"{PREFIX}strategy is {strategy}, which cannot give keys other names; leave it out, or {names}."
        )
    return sentences


def _sentence(name: str, message: str) -> str:
    # What could not be converted may be a secret in the wrong place.
    message = re.sub(r"(unable to convert to \w+):.*", r"\1", message, flags=re.DOTALL)
    unsupported = re.match(r"(.+?)\. Supported parameters include: (.*?)\.*$", message)
    if unsupported:
        fields = [field.removeprefix(f"{name}.") for field in unsupported[1].split(", ")]
        known = unsupported[2].split(", ")
        meant = "".join(did_you_mean(field.rpartition(".")[2], known) for field in fields)
        return f"{name} has no field {' and no '.join(fields)}; there are {unsupported[2]}.{meant}"
    choice = re.search(r"must be one (?:or more )?of: (.*?)(?:, got: |\. Got no match for: )(.*)$", message)
    if choice:
        return f"{name}: {message}.{''.join(did_you_mean(given, choice[1].split(', ')) for given in choice[2].split(', '))}"
    return f"{name}: {message}."
