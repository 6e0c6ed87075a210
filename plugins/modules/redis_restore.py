#!/usr/bin/python
# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_restore
short_description: Put the data of an RDB file into a running Redis
version_added: 1.0.0
description:
  - Reads an RDB file and writes its keys, with their expiry times, and its libraries of functions to a server, by
    commands that an ordinary user may give. The server needs no access to the file and no restart.
  - Takes what M(dataservices.redis_migration.redis_backup) wrote, and any C(dump.rdb) of Redis up to RDB version 12
    (Redis 8.4) and Valkey up to 9. The file may be compressed by C(gzip), encrypted by C(openssl enc -aes-256-cbc),
    or both, as the backups are that dashboards of hosted services offer for download; which of these it is shows by
    itself.
  - Into a Redis Cluster, each key goes to the primary that serves its slot. The files of a cluster
    (see O(src)) go into a cluster of any shape, or into a single server.
  - Every file is read to its end before anything is written, so that a damaged or truncated one changes nothing. If
    there is a file with its SHA-256 beside it, that must be right too. Bytes behind its end are an error, and so are
    parts of a cluster's backup that do not belong together or are not all there.
  - An append-only file (AOF) is refused, also one that begins with an RDB file, since only a server can carry out the
    commands in it.
  - Refuses while a migration or another restore writes to the same logical databases, and they refuse while it does.
  - A newer server takes what an older one wrote. In the other direction, and between Redis and Valkey, values whose
    encoding the server does not understand are made by ordinary commands, each in one transaction, those of more than
    4 MiB under a temporary name. Reported one by one are values of modules, and hashes whose fields expire where the
    server knows no such thing.
extends_documentation_fragment:
  - dataservices.redis_migration.attributes
  - dataservices.redis_migration.endpoint
  - dataservices.redis_migration.selection.names
  - dataservices.redis_migration.progress
  - dataservices.redis_migration.progress.file
attributes:
  check_mode:
    support: full
    details:
      - Reads and checks the whole file, and says what would be written. That the server can read every encoding shows
        only when it is written.
  diff_mode:
    support: none
  idempotent:
    support: partial
    details:
      - With O(existing_keys=skip) a second run changes nothing. By default it fails, since the server is not empty
        any more.
options:
  src:
    description:
      - The backup, on the machine that runs the module, as a path, or a list of paths where it has several files.
      - The files that M(dataservices.redis_migration.redis_backup) wrote of a cluster are found, too, by what was its
        O(dataservices.redis_migration.redis_backup#module:dest).
    type: raw
    required: true
  existing_keys:
    description:
      - What happens when the server holds keys already. V(fail) demands that every logical database that is restored
        to be empty, else nothing is written. V(skip) leaves the keys that are there and restores the others, so it
        finishes a restore that was interrupted. V(replace) overwrites them.
      - The same goes for libraries of functions whose code differs.
    type: str
    choices: [fail, skip, replace]
    default: fail
  databases:
    description: Numbers of the logical databases of the backup. By default all.
    type: list
    elements: int
  database_map:
    description: 'Where a logical database goes if not to the same number, as pairs such as C({"0": 3}).'
    type: dict
    default: {}
  functions:
    description: Whether to restore libraries of functions as well.
    type: bool
    default: true
  module_data:
    description:
      - What happens when modules of the server that wrote the backup kept data outside of keys, as some do for indexes
        or for their settings. No command can write it. V(fail) writes nothing and names the modules. V(skip) restores
        everything else, and warns.
    type: str
    choices: [fail, skip]
    default: fail
  encryption_password:
    description:
      - Opens an encrypted backup. Tried are what M(dataservices.redis_migration.redis_backup) writes, the defaults of
        C(openssl enc) with and without C(-pbkdf2), and C(-md md5), which dashboards use.
    type: str
  timeout:
    description: Seconds to go on trying when a connection is lost.
    type: float
    default: 60.0
requirements:
  - cryptography (Python library), with O(encryption_password)
notes:
  - The user needs the commands C(INFO), C(TIME), C(PING), C(SELECT), C(EXISTS), C(RESTORE) and, where the backup has
    functions, C(FUNCTION LIST) and C(FUNCTION LOAD). A single value of more than 512 MB, and one in an encoding that
    the server does not understand, is built up with C(APPEND), C(RPUSH), C(SADD), C(HSET), C(HPEXPIREAT), C(ZADD) or,
    for streams, C(XGROUP), C(XADD), C(XCLAIM), C(XTRIM) and C(XSETID), and with C(MULTI), C(EXEC), C(PEXPIRE),
    C(PEXPIREAT), C(PERSIST), C(RENAME), C(RENAMENX) and C(UNLINK).
  - With C(CLIENT LIST) and C(CLIENT SETNAME) it sees other runs and is seen by them; without, it warns.
  - What the file says of the use of its keys (idle times, where the server that wrote it evicted by LRU, frequencies, where
    by LFU) comes back with them, and counts at a server that evicts in the same way. Where the file says nothing, and for
    a value of more than 512 MB, it starts anew.
  - Values of more than 16 MiB pass through an unnamed temporary file on the machine that runs the module.
seealso:
  - module: dataservices.redis_migration.redis_backup
author:
  - dataservices.redis_migration contributors (@dataservices)
"""

EXAMPLES = r"""
- name: Put a backup into a new, empty server
  dataservices.redis_migration.redis_restore:
    src: /srv/backups/orders.rdb
    endpoint:
      url: "rediss://{{ vault_user }}:{{ vault_new }}@new.example.com:49621"

- name: Use the encrypted download of a dashboard
  dataservices.redis_migration.redis_restore:
    src: /srv/downloads/orders-backup
    encryption_password: "{{ vault_dashboard_password }}"
    endpoint:
      url: "rediss://{{ vault_user }}:{{ vault_new }}@new.example.com:49621"
"""

RETURN = r"""
backup:
  description: What the backup is.
  returned: when it could be read
  type: dict
  contains:
    files:
      description: Its files.
      type: list
      elements: str
    kind:
      description: How it lay on the disk, from outside to inside.
      type: str
      sample: openssl of gzip
    rdb_version:
      description: Version of the RDB format.
      type: int
    keys:
      description: How many of its keys are chosen.
      type: int
    libraries:
      description: Libraries of functions in it.
      type: int
    checksum_verified:
      description: Whether each file has a checksum at its end; that was right, else nothing would have been done.
      type: bool
    module_data:
      description: Modules that keep data outside of keys in it.
      type: list
      elements: str
databases:
  description: By number in the backup, the same counts as RV(totals), and C(target_database).
  returned: always
  type: dict
totals:
  description: Counts of all databases together.
  returned: always
  type: dict
  contains:
    scanned:
      description: Keys of the backup; the sum of the following.
      type: int
    restored:
      description: Keys that the server has acknowledged.
      type: int
    skipped:
      description: Keys that the server held already.
      type: int
    expired:
      description: Keys whose time was over.
      type: int
    empty:
      description: Collections without an element, which servers skip as well when they load a file.
      type: int
    failed:
      description: Keys that the server refused.
      type: int
functions:
  description: Names of libraries of functions by what became of them.
  returned: always
  type: dict
  contains:
    loaded:
      description: New at the server.
      type: list
      elements: str
    replaced:
      description: Were there with other code.
      type: list
      elements: str
    unchanged:
      description: Were there with the same code.
      type: list
      elements: str
    skipped:
      description: Were there with other code and were left.
      type: list
      elements: str
    deleted:
      description: Always empty here.
      type: list
      elements: str
    failed:
      description: Were refused, each with C(library) and C(reason).
      type: list
      elements: dict
failures:
  description: Keys that the server refused.
  returned: always
  type: list
  elements: dict
  contains:
    database:
      description: Number of the logical database in the backup.
      type: int
    key:
      description: The key's name as redis-cli prints it.
      type: str
    key_base64:
      description: The key's name, exact.
      type: str
    type:
      description: The key's type.
      type: str
    reason:
      description: The server's error.
      type: str
    hint:
      description: What to do about it.
      type: str
failures_not_listed:
  description:
    - How many more there are. At most 1000 are listed, and of those with names above 1 KiB so many as have 2 MiB of
      names together.
  returned: always
  type: int
elapsed_seconds:
  description: How long it took.
  returned: always
  type: float
keys_per_second:
  description: Keys of the backup dealt with per second.
  returned: always
  type: float
times:
  description: When it ran, as pairs of seconds since 1970, the beginning and the end of each. The report adds them up.
  returned: always
  type: list
  elements: list
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.dataservices.redis_migration.plugins.module_utils._argspec import (
    endpoint_spec,
    progress_spec,
    selection_spec,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.redis_restore import work
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.run import run


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **endpoint_spec(),
            **progress_spec(),
            **selection_spec(),
            "src": {"type": "raw", "required": True},
            "existing_keys": {
                "type": "str",
                "choices": ["fail", "skip", "replace"],
                "default": "fail",
                "no_log": False,
            },
            "functions": {"type": "bool", "default": True},
            "module_data": {"type": "str", "choices": ["fail", "skip"], "default": "fail"},
            "encryption_password": {"type": "str", "no_log": True},
            "timeout": {"type": "float", "default": 60.0},
        },
        supports_check_mode=True,
    )
    run(module, work)


if __name__ == "__main__":
    main()
