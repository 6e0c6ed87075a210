#!/usr/bin/python
# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens or closes an SSH tunnel to a Redis through a Cloud Foundry app."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cf_ssh_tunnel
short_description: Reach a Redis inside Cloud Foundry through an app's SSH
version_added: 1.0.0
description:
  - Does what C(cf ssh -L) does, with OpenSSH and a one-time code, and stays open until it is closed.
  - The host key of the platform's SSH proxy must be the one that Cloud Foundry publishes, or there is no connection.
  - A tunnel only counts as open once a Redis has answered through it. There is never more than one to the same
    destination through the same app, and one that drops is opened again with a new code.
  - Hosts of the inventory, and other runs on the same machine, that need the same tunnel share it. It closes when the
    last of them has called O(state=absent).
  - A small process of its own watches over the tunnel. It ends, and the tunnel with it, also when every
    C(ansible-playbook) that uses it is gone (where these run on the same machine), or after O(max_lifetime).
author:
  - dataservices.redis_migration contributors (@dataservices)
extends_documentation_fragment:
  - dataservices.redis_migration.attributes
  - dataservices.redis_migration.cloud_foundry
  - dataservices.redis_migration.endpoint
  - dataservices.redis_migration.owner
attributes:
  check_mode:
    support: full
    details:
      - It is checked whether SSH to the app is possible, but nothing is opened.
  diff_mode:
    support: none
  idempotent:
    support: full
  action:
    description:
      - Indicates this has a corresponding action plugin so some parts of the options can be executed on the controller.
    support: full
requirements:
  - The OpenSSH client (C(ssh) and C(ssh-keyscan)) on the host that runs the module.
options:
  app:
    description:
      - The name or GUID of a running app in a space from which the Redis can be reached, with SSH enabled.
    type: str
    required: true
  endpoint:
    description:
      - The Redis to reach, as the app sees it - the endpoint dictionary of this collection. Host, port, and what is
        said about TLS count; user and password are not needed and not used.
  state:
    description: Whether the tunnel must be open. V(absent) closes it unless others use it.
    type: str
    choices: [present, absent]
    default: present
  process:
    description: The type of the process of the app.
    type: str
    default: web
  instance:
    description: The index of the instance of that process.
    type: int
    default: 0
  local_port:
    description: The port on 127.0.0.1, or V(0) for any free one.
    type: int
    default: 0
  host_key_fingerprint:
    description:
      - The fingerprint of the SSH proxy's host key, where the platform does not publish it or you know better.
    type: str
  max_lifetime:
    description: After how many seconds the tunnel closes by itself at the latest.
    type: int
    default: 43200
  wait_timeout:
    description: How many seconds to wait until the tunnel is open.
    type: int
    default: 120
"""

EXAMPLES = r"""
- name: Migrate through a tunnel
  block:
    - name: Open it
      dataservices.redis_migration.cf_ssh_tunnel:
        app: jumphost
        endpoint: "{{ source_key.endpoint }}"
      register: tunnel
      no_log: true

    - name: Count the keys
      dataservices.redis_migration.redis_keyspace_info:
        endpoint: "{{ source_key.endpoint | combine(tunnel.endpoint) }}"
  always:
    - name: Close it
      dataservices.redis_migration.cf_ssh_tunnel:
        app: jumphost
        endpoint: "{{ source_key.endpoint }}"
        state: absent
      no_log: true
"""

RETURN = r"""
endpoint:
  description:
    - What to combine over the endpoint to reach it through the tunnel. It holds no secret.
    - Null in check mode when the tunnel is not open.
  returned: with O(state=present)
  type: dict
  contains:
    host:
      description: Always V(127.0.0.1).
      type: str
      returned: always
    port:
      description: The local port.
      type: int
      returned: always
    server_name:
      description: The name that the certificate of the Redis must carry.
      type: str
      returned: when the endpoint uses TLS
reopened:
  description: How many times the tunnel has dropped and was opened again so far.
  returned: with O(state=present) when it is open
  type: int
times:
  description: When it ran, as pairs of seconds since 1970, the beginning and the end of each. The report adds them up.
  returned: always
  type: list
  elements: list
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.dataservices.redis_migration.plugins.module_utils._argspec import (
    endpoint_spec,
    owner_spec,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._cloud_foundry.argspec import (
    cloud_foundry_spec,
    wait_spec,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.cf_ssh_tunnel import work
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.run import run


def main() -> None:
    spec = cloud_foundry_spec() | wait_spec(120) | endpoint_spec() | owner_spec()
    spec |= {
        "app": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "process": {"type": "str", "default": "web"},
        "instance": {"type": "int", "default": 0},
        "local_port": {"type": "int", "default": 0},
        # A public fingerprint, whatever its name makes of it.
        "host_key_fingerprint": {"type": "str", "no_log": False},
        "max_lifetime": {"type": "int", "default": 43200},
    }
    run(AnsibleModule(spec, supports_check_mode=True), work, needs_redis=False)


if __name__ == "__main__":
    main()
