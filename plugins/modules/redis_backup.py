#!/usr/bin/python
# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_backup
short_description: Write the data of a Redis into an RDB file that any Redis can load
version_added: 1.0.0
description:
  - Reads every key of every logical database, with expiry times, and the libraries of functions, and writes a true RDB
    file, as the server itself would. It needs no right to V(SYNC) or V(BGSAVE), which hosted services refuse.
  - Servers of the same kind and version or newer load the file (as C(dump.rdb) in their directory), and so does
    M(dataservices.redis_migration.redis_restore) without access to a server's disk.
  - The file has mode C(0600) and appears complete or not at all. Beside it lies its SHA-256 in the format of
    C(sha256sum), unless O(checksum) is turned off.
  - The source is not kept waiting. Small keys are read in batches that take it a few milliseconds. Large strings,
    lists, sets, sorted sets, hashes and streams are read piece by piece and, should they have changed meanwhile,
    again; only if that happens three times, and for large values of modules, a single command reads the key as a
    whole, which keeps the source busy for that long.
  - The keys are read one after the other and not all at the same moment. A key that is changed while the backup runs is
    in it as it was before or afterwards. Where that matters, keep applications from writing meanwhile.
  - If any key cannot be read, no backup is kept and the module fails.
  - Of a Redis Cluster it writes one file for each primary, see O(dest). A file counts only if its primary served the same
    slots from its beginning until all files were written; where slots move or a primary fails over meanwhile, what is
    concerned is read again. So together the files hold every slot, and each key once, or there is no backup.
extends_documentation_fragment:
  - dataservices.redis_migration.attributes
  - dataservices.redis_migration.endpoint
  - dataservices.redis_migration.selection.names
  - dataservices.redis_migration.progress
  - dataservices.redis_migration.progress.file
  - dataservices.redis_migration.latency
attributes:
  check_mode:
    support: full
    details:
      - Reads everything and says what there is to save. Writes no file, and its directory need not exist yet.
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - With O(force=true) every run writes a new backup.
options:
  dest:
    description:
      - The RDB file to write, on the machine that runs the module. Its directory must exist.
      - Of a cluster, C(.1-of-3), C(.2-of-3) and so on is appended for each primary, in the order of their slots; the files
        are in RV(files). M(dataservices.redis_migration.redis_restore) takes them by O(dest) alone.
    type: path
    required: true
  force:
    description:
      - What happens when there is a file at O(dest). V(false) leaves it, once its checksum is verified if there is one
        beside it. V(true) replaces it by a new backup, once that is complete.
      - Either way a run fails at once while another one is writing a backup to the same O(dest).
    type: bool
    default: false
  databases:
    description: Numbers of the logical databases to save. By default all that hold keys.
    type: list
    elements: int
  functions:
    description:
      - Whether to save the libraries of functions (Redis 7, Valkey) as well. If the user may not read them (C(FUNCTION
        DUMP)), the module fails unless the server says that there are none.
    type: bool
    default: true
  encryption_password:
    description:
      - Encrypts the file with AES-256 (CBC; the key is derived from this password by PBKDF2 with HMAC-SHA-256 and
        600000 iterations), so that C(openssl) alone can open it with the command in RV(decrypt_command).
      - Losing the password means losing the backup.
    type: str
  checksum:
    description:
      - Whether to write the SHA-256 of each file into a second one, with C(.sha256) behind its name.
      - Of an encrypted backup it is the checksum of the encrypted file. Encryption hides what is in it, and only the
        checksum, kept in another place, shows that nobody changed it.
    type: bool
    default: true
  large_key_bytes:
    description: Keys that take more memory than this on the server are read piece by piece.
    type: int
    default: 4194304
  max_keys_per_second:
    description: Limit on keys read per second. V(0) means none.
    type: int
    default: 0
  max_bytes_per_second:
    description: Limit on bytes of payloads read per second. V(0) means none.
    type: int
    default: 0
  timeout:
    description: Seconds to go on trying when a connection is lost.
    type: float
    default: 60.0
requirements:
  - cryptography (Python library), with O(encryption_password)
notes:
  - The user needs the commands C(INFO), C(TIME), C(PING), C(SELECT), C(SCAN), C(STRLEN), C(MEMORY USAGE), C(DUMP),
    C(PTTL), for Redis 7 and newer C(PEXPIRETIME) and C(FUNCTION DUMP), and for large keys also C(TYPE), C(WATCH),
    C(MULTI), C(EXEC) and the reading commands of the types. At a cluster it also needs C(CLUSTER INFO),
    C(CLUSTER SLOTS) and C(CLUSTER NODES).
  - Scripts of C(EVAL) are a cache and not data. Users, passwords and the configuration are not in an RDB file either.
seealso:
  - module: dataservices.redis_migration.redis_restore
author:
  - dataservices.redis_migration contributors (@dataservices)
"""

EXAMPLES = r"""
- name: Save everything
  dataservices.redis_migration.redis_backup:
    endpoint:
      url: "rediss://{{ vault_orders }}@orders.example.com:49620"
    dest: /srv/backups/orders.rdb

- name: Save everything, encrypted, under a new name each day
  dataservices.redis_migration.redis_backup:
    endpoint:
      url: "rediss://{{ vault_orders }}@orders.example.com:49620"
    dest: "/srv/backups/orders-{{ now(fmt='%Y-%m-%d') }}.rdb.enc"
    encryption_password: "{{ vault_backup_password }}"
"""

RETURN = r"""
dest:
  description: The file, or what the names of the files of a cluster begin with.
  returned: always
  type: str
size:
  description: Bytes of the file, or of all of them.
  returned: always
  type: int
checksum:
  description: SHA-256 of the file, as hexadecimal digits; empty in check mode, and for a cluster (see RV(files)).
  returned: success
  type: str
files:
  description: The file, or those of a cluster in the order of their slots.
  returned: always
  type: list
  elements: dict
  contains:
    path:
      description: The file.
      type: str
    size:
      description: Its bytes.
      type: int
    checksum:
      description: Its SHA-256; empty in check mode.
      type: str
    slots:
      description: The hash slots that it holds, such as C(0-5460,9000); empty where it is not of a cluster.
      type: str
decrypt_command:
  description:
    - The shell command that decrypts the file, or each file of a cluster, to one that a server loads. It asks for the
      password.
  returned: when a file was encrypted
  type: str
rdb_version:
  description: Version of the RDB format, as the server writes it.
  returned: when the server was read
  type: int
server:
  description: Kind and version of the server.
  returned: when the server was read
  type: str
  sample: Redis 7.0.15
databases:
  description: By number, the same counts as RV(totals).
  returned: when the server was read
  type: dict
totals:
  description: Counts of all databases together.
  returned: when the server was read
  type: dict
  contains:
    keys:
      description: Keys in the file.
      type: int
    expires:
      description: Those of them that expire.
      type: int
    vanished:
      description: Keys that were deleted or expired while the backup ran.
      type: int
    large:
      description: Keys in the file that were read piece by piece.
      type: int
    failed:
      description: Keys that could not be read.
      type: int
functions:
  description: Number of libraries of functions; null when that is not known, or with O(functions=false).
  returned: when the server was read
  type: int
failures:
  description: Keys that could not be read.
  returned: when the server was read
  type: list
  elements: dict
  contains:
    database:
      description: Number of the logical database.
      type: int
    key:
      description: The key's name as redis-cli prints it.
      type: str
    key_base64:
      description: The key's name, exact.
      type: str
    type:
      description: The key's type, if known.
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
  returned: when the server was read
  type: int
source_latency_ms:
  description:
    - What another client of the server had to wait behind other commands until its own was carried out, as measured a hundred
      times a second by a connection of its own; in milliseconds. Null where there was no time for a look.
  returned: always
  type: dict
  contains:
    p50:
      description: Half of the waits were not longer, to about 15 %.
      type: float
    p99:
      description: Of a hundred waits 99 were not longer, to about 15 %.
      type: float
    max:
      description: The longest.
      type: float
    looks:
      description: How many were measured.
      type: int
  sample: {"p50": 0.3, "p99": 3.1, "max": 4.8, "looks": 512}
elapsed_seconds:
  description: How long it took.
  returned: when the server was read
  type: float
keys_per_second:
  description: Keys saved per second.
  returned: when the server was read
  type: float
bytes_per_second:
  description: Bytes of the file written per second.
  returned: when the server was read
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
    keys_spec,
    latency_spec,
    progress_spec,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.redis_backup import work
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.run import run


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **endpoint_spec(),
            **progress_spec(),
            "dest": {"type": "path", "required": True},
            "force": {"type": "bool", "default": False},
            "databases": {"type": "list", "elements": "int"},
            **keys_spec(),
            "functions": {"type": "bool", "default": True},
            "encryption_password": {"type": "str", "no_log": True},
            "checksum": {"type": "bool", "default": True},
            "large_key_bytes": {"type": "int", "default": 4 * 1024 * 1024, "no_log": False},
            "max_keys_per_second": {"type": "int", "default": 0, "no_log": False},
            "max_bytes_per_second": {"type": "int", "default": 0},
            **latency_spec(),
            "timeout": {"type": "float", "default": 60.0},
        },
        supports_check_mode=True,
    )
    run(module, work)


if __name__ == "__main__":
    main()
