#!/usr/bin/python
# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_isolation
short_description: Wait until no application uses a Redis, or hold back its writes
version_added: 1.0.0
description:
  - A source that is written to while its keys are moved is not what arrives. This module waits until nobody writes,
    says who
    still does, and can hold back writes or cut connections where the user may do that.
  - Connections of this collection, replicas, primaries and Sentinels never count as applications and are never cut.
  - Of a Redis Cluster, all primaries are watched, and paused, together. Where one of them cannot be paused none is, and
    a pause is ended at each that can be reached. A primary that takes over from another is watched from then on, and
    with O(with_playbook) paused within about a second.
  - Stopping the applications themselves is better where that is possible; see M(dataservices.redis_migration.cf_app).
extends_documentation_fragment:
  - dataservices.redis_migration.attributes
  - dataservices.redis_migration.endpoint
attributes:
  check_mode:
    support: full
    details:
      - Waits for nothing. Says who is connected, and who would be disconnected.
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - V(state=paused) changes nothing where writes are held back already, but makes that last O(pause_seconds) from
        now.
options:
  state:
    description:
      - V(isolated) waits until no application is connected and no write arrives. It fails after O(timeout), naming
        who is
        still there.
      - V(paused) holds back all writes for O(pause_seconds) (C(CLIENT PAUSE … WRITE), Redis 6.2 or newer) and
        returns at once.
        The pause ends by itself, so that nothing stays blocked if the run dies; call again to renew it, or see
        O(with_playbook). Reading goes on, and so does V(strategy=copy) of
        M(dataservices.redis_migration.redis_migrate_keys), but V(strategy=migrate) would be held back as well, since
        C(MIGRATE) is a write.
      - V(released) ends the pause. Writes that applications have been waiting with then run B(at this server). After
        a migration
        they would be missing at the target, so use O(disconnect) together with this state, which drops them.
    type: str
    choices: [isolated, paused, released]
    default: isolated
  ignore:
    description: Clients that do not count as applications, such as monitoring. They are never disconnected.
    type: list
    elements: dict
    default: []
    suboptions:
      address:
        description: Glob pattern for the client's address with its port, such as V(10.0.3.7:*).
        type: str
      name:
        description: Glob pattern for the name that the client gave itself.
        type: str
      user:
        description: Glob pattern for the ACL user that the client uses.
        type: str
  disconnect:
    description:
      - Clients to disconnect (C(CLIENT KILL)), among those that count as applications. All patterns of an entry must
        match.
      - With V(state=isolated) this is repeated while waiting, since applications come back.
    type: list
    elements: dict
    default: []
    suboptions:
      address:
        description: Glob pattern for the client's address with its port.
        type: str
      name:
        description: Glob pattern for the name that the client gave itself.
        type: str
      user:
        description: Glob pattern for the ACL user that the client uses.
        type: str
  quiet_seconds:
    description: For how long no write must have arrived with V(state=isolated).
    type: float
    default: 2.0
  timeout:
    description: Seconds to wait at most with V(state=isolated). V(0) looks once.
    type: float
    default: 300.0
  pause_seconds:
    description: For how long writes are held back with V(state=paused), counted from now; from 1 to 86400, which is a
      day.
    type: float
    default: 600.0
  with_playbook:
    description:
      - With V(state=paused), whether the pause lasts as long as the playbook. A small process on this machine renews
        it, and ends it as soon as the playbook is gone, be it interrupted or killed.
      - Where the module runs on another machine than the playbook there is no such process, RV(guard) is null, and
        the pause ends after O(pause_seconds).
    type: bool
    default: false
  owner:
    description: The process to last as long as. Filled in by Ansible where O(with_playbook) is set.
    type: dict
    suboptions:
      pid:
        description: Its number.
        type: int
        required: true
      identity:
        description: What tells it from others with that number.
        type: str
        required: true
  guard:
    description: With V(state=released), what RV(guard) was when writes were paused, so that they are not paused again.
    type: dict
    suboptions:
      pid:
        description: Its number.
        type: int
        required: true
      identity:
        description: What tells it from others with that number.
        type: str
        required: true
seealso:
  - module: dataservices.redis_migration.redis_migrate_keys
author:
  - dataservices.redis_migration contributors (@dataservices)
"""

EXAMPLES = r"""
- name: Wait until the applications have gone; the exporter may stay
  dataservices.redis_migration.redis_isolation:
    endpoint:
      url: "rediss://{{ vault_old }}@old.example.com:49620"
    ignore:
      - name: redis_exporter
    timeout: 120

- name: Move while writes are held back
  block:
    - name: Hold them back
      dataservices.redis_migration.redis_isolation:
        endpoint:
          url: "rediss://{{ vault_old }}@old.example.com:49620"
        state: paused
        with_playbook: true
      register: pause

    - name: Move
      dataservices.redis_migration.redis_migrate_keys:
        source:
          url: "rediss://{{ vault_old }}@old.example.com:49620"
        target:
          url: "rediss://{{ vault_user }}:{{ vault_new }}@new.example.com:49621"
        strategy: copy
  always:
    - name: Cut the applications off, so that no waiting write is lost at the old server, and let writes through again
      dataservices.redis_migration.redis_isolation:
        endpoint:
          url: "rediss://{{ vault_old }}@old.example.com:49620"
        state: released
        guard: "{{ pause.guard }}"
        disconnect:
          - address: "*"
"""

RETURN = r"""
isolated:
  description: With V(state=isolated), whether no application is connected and none has written for O(quiet_seconds).
  returned: always
  type: bool
paused:
  description: Whether writes are held back now; null if unknown.
  returned: always
  type: bool
pause_seconds:
  description: O(pause_seconds).
  returned: always
  type: float
guard:
  description: With O(with_playbook), the process that watches over the pause; null if there is none.
  returned: always
  type: dict
nodes:
  description:
    - The nodes of a cluster, as C(host:port); empty of a server. As C(cluster.hosts) in O(endpoint) they let V(state=released)
      find the others where the node that O(endpoint) names is gone.
  returned: always
  type: list
  elements: str
clients:
  description: The applications that are connected, or null where the user may not use C(CLIENT LIST).
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: The server's number for the connection.
      type: int
    address:
      description: Where it comes from.
      type: str
    name:
      description: The name that the client gave itself.
      type: str
    user:
      description: Its ACL user.
      type: str
    database:
      description: Its logical database.
      type: int
    age:
      description: For how many seconds it has been connected.
      type: int
    idle:
      description: For how many seconds it has sent nothing.
      type: int
    flags:
      description: Its flags, as the server shows them.
      type: str
    command:
      description: Its last command, without arguments.
      type: str
    server:
      description: The primary of a cluster that it is connected to, as C(host:port); else empty.
      type: str
waiting:
  description:
    - With V(state=released), the applications that were waiting with a command that may have been held back and now runs
      at this server, as in RV(clients).
  returned: always
  type: list
  elements: dict
disconnected:
  description: The clients that were disconnected (in check mode, that would be), as in RV(clients).
  returned: always
  type: list
  elements: dict
writes:
  description: With V(state=isolated), write commands that arrived while waiting; null where they cannot be counted.
  returned: always
  type: int
waited_seconds:
  description: How long it took.
  returned: always
  type: float
times:
  description: When it ran, as pairs of seconds since 1970, the beginning and the end of each. The report adds them up.
  returned: always
  type: list
  elements: list
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.dataservices.redis_migration.plugins.module_utils._argspec import endpoint_spec
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.redis_isolation import work
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.run import run


def main() -> None:
    rule = {"address": {"type": "str"}, "name": {"type": "str"}, "user": {"type": "str"}}
    rules = {"type": "list", "elements": "dict", "options": rule, "default": []}
    process = {
        "type": "dict",
        "options": {"pid": {"type": "int", "required": True}, "identity": {"type": "str", "required": True}},
    }
    module = AnsibleModule(
        argument_spec={
            **endpoint_spec(),
            "state": {"type": "str", "choices": ["isolated", "paused", "released"], "default": "isolated"},
            "ignore": rules,
            "disconnect": rules,
            "quiet_seconds": {"type": "float", "default": 2.0},
            "timeout": {"type": "float", "default": 300.0},
            "pause_seconds": {"type": "float", "default": 600.0},
            "with_playbook": {"type": "bool", "default": False},
            "owner": process,
            "guard": process,
        },
        supports_check_mode=True,
    )
    run(module, work)


if __name__ == "__main__":
    main()
