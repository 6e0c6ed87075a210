#!/usr/bin/python
# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Creates, repairs, reads or deletes a Cloud Foundry service key."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cf_service_key
short_description: Create, read or delete a Cloud Foundry service key and find the Redis endpoint in it
version_added: 1.0.0
description:
  - Does what C(cf create-service-key), C(cf service-key) and C(cf delete-service-key) do, without the cf command line.
  - A key whose creation failed is deleted and created again. A key that is being created or deleted is waited for.
  - The credentials are also returned as an endpoint dictionary for the other modules of this collection. It is
    recognised for a9s Redis 6 and 7, a9s KeyValue, Tanzu for Valkey and Redis, the csb brokers, and every other broker
    that gives host and port, or a C(redis://), C(rediss://), C(valkey://) or C(valkeys://) URI. O(endpoint_query) maps
    everything else.
  - Of a user-provided service instance, which has no keys, the credentials of the instance itself are returned.
author:
  - dataservices.redis_migration contributors (@dataservices)
extends_documentation_fragment:
  - dataservices.redis_migration.attributes
  - dataservices.redis_migration.cloud_foundry
  - dataservices.redis_migration.cloud_foundry.wait
attributes:
  check_mode:
    support: full
    details:
      - A key that does not exist yet has no credentials, so RV(credentials) and RV(endpoint) are then null.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  service_instance:
    description: The name (case-sensitive) or GUID of the service instance.
    type: str
    required: true
  name:
    description: The name of the service key.
    type: str
    default: redis-migration
  state:
    description: Whether the key must be there.
    type: str
    choices: [present, absent]
    default: present
  parameters:
    description:
      - Parameters for the service broker, used when the key has to be created.
    type: dict
  endpoint_query:
    description:
      - A JMESPath expression over the credentials that gives an endpoint dictionary, or a C(redis://) or C(rediss://)
        URL, for a broker whose credentials are not recognised.
      - It needs the Python library C(jmespath) on the host that runs the module.
    type: str
  use_sentinel:
    description:
      - Whether the endpoint has the Sentinels that the credentials name, as C(sentinel), in place of the address that they
        give too.
      - Credentials that give no address of a primary give their Sentinels without this. O(endpoint_query) decides by itself.
    type: bool
    default: false
notes:
  - The results hold secrets. Set C(no_log) on the task and on tasks that use them.
"""

EXAMPLES = r"""
- name: Create or read the key of the source, with the session of 'cf login'
  dataservices.redis_migration.cf_service_key:
    service_instance: orders-redis6
  register: source_key
  no_log: true

- name: Count its keys
  dataservices.redis_migration.redis_keyspace_info:
    endpoint: "{{ source_key.endpoint }}"

- name: Log in with a technical user and map the credentials of an unknown broker
  dataservices.redis_migration.cf_service_key:
    api_url: https://api.cf.eu01.example.com
    client_id: migration
    client_secret: "{{ vault_client_secret }}"
    organization: my-organization
    space: production
    service_instance: sessions
    endpoint_query: "{host: node.address, port: node.port, password: auth.password, tls: `true`}"
  register: sessions_key
  no_log: true

- name: Take the Sentinels that the credentials name, in place of their address
  dataservices.redis_migration.cf_service_key:
    service_instance: orders-redis7
    use_sentinel: true
  register: orders_by_sentinel
  no_log: true

- name: Delete the key
  dataservices.redis_migration.cf_service_key:
    service_instance: orders-redis6
    state: absent
"""

RETURN = r"""
credentials:
  description:
    - The credentials as the broker gave them, secrets included.
    - Null in check mode for a key that does not exist, and with O(state=absent).
  returned: success
  type: dict
  sample: {"host": "red1234-master.service.dc1.a9ssvc", "password": "..."}
endpoint:
  description:
    - The endpoint dictionary for the options O(ignore:endpoint), O(ignore:source) and O(ignore:target) of the other
      modules, secrets included.
    - Null whenever RV(credentials) is.
  returned: success
  type: dict
  contains:
    host:
      description: The host of the Redis.
      type: str
      returned: always
    port:
      description: Its port.
      type: int
      returned: always
    tls:
      description: Whether it wants TLS.
      type: bool
      returned: always
    username:
      description: The ACL user, where there is one.
      type: str
      returned: when known
    password:
      description: The password.
      type: str
      returned: when known
    ca_cert_content:
      description: The certificates of the CA in PEM.
      type: str
      returned: when the key has them
service_key:
  description: The key itself. Null for a user-provided service instance, and when there is none (any more).
  returned: success
  type: dict
  contains:
    guid:
      description: Its GUID.
      type: str
      returned: always
    name:
      description: Its name.
      type: str
      returned: always
    created_at:
      description: When it was created.
      type: str
      returned: always
    service_instance:
      description: The name of the service instance.
      type: str
      returned: always
    service_instance_guid:
      description: The GUID of the service instance.
      type: str
      returned: always
times:
  description: When it ran, as pairs of seconds since 1970, the beginning and the end of each. The report adds them up.
  returned: always
  type: list
  elements: list
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.dataservices.redis_migration.plugins.module_utils._cloud_foundry.argspec import (
    cloud_foundry_spec,
    wait_spec,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.cf_service_key import work
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.run import run


def main() -> None:
    spec = cloud_foundry_spec() | wait_spec()
    spec |= {
        "service_instance": {"type": "str", "required": True},
        "name": {"type": "str", "default": "redis-migration"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "parameters": {"type": "dict"},
        "endpoint_query": {"type": "str"},
        "use_sentinel": {"type": "bool", "default": False},
    }
    run(AnsibleModule(spec, supports_check_mode=True), work, needs_redis=False)


if __name__ == "__main__":
    main()
