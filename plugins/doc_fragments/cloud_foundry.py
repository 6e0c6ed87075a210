# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options in C(_cloud_foundry/argspec.py)."""

from __future__ import annotations


class ModuleDocFragment:
    # cloud_foundry_spec()
    DOCUMENTATION = r"""
attributes:
  action_group:
    description: Use C(group/dataservices.redis_migration.cf) in C(module_defaults) to set options for this module.
    support: full
    membership:
      - dataservices.redis_migration.cf
options:
  api_url:
    description:
      - The address of the Cloud Foundry API, for example V(https://api.cf.eu01.example.com).
      - When it is not given, the environment variable E(CF_API_URL) is used, and after that the Cloud Foundry
        that the cf command line is pointed at.
    type: str
  user:
    description:
      - The user to log in as, with O(password).
      - When it is not given, the environment variables E(CF_USER) and E(CF_USERNAME) are used.
      - Of several ways to log in the first one given is taken, in this order - O(access_token), O(client_id),
        O(user), and last the session of C(cf login) in O(cf_home).
    type: str
  password:
    description:
      - The password of O(user).
      - When it is not given, the environment variable E(CF_PASSWORD) is used.
    type: str
  origin:
    description:
      - The identity provider of O(user), where there are several, as with C(cf login --origin).
      - When it is not given, the environment variable E(CF_ORIGIN) is used.
    type: str
  client_id:
    description:
      - A technical client to log in as, with O(client_secret) and the grant C(client_credentials).
      - When it is not given, the environment variable E(CF_CLIENT_ID) is used.
    type: str
  client_secret:
    description:
      - The secret of O(client_id).
      - When it is not given, the environment variable E(CF_CLIENT_SECRET) is used.
    type: str
  access_token:
    description:
      - A token as C(cf oauth-token) prints it, with or without the leading C(bearer).
        It cannot be renewed, so it must outlive the work.
      - When it is not given, the environment variable E(CF_ACCESS_TOKEN) is used.
    type: str
  cf_home:
    description:
      - The directory that holds C(.cf/config.json), the session of the cf command line. The cf command line itself
        is not needed. A renewed token is written back, so that the session goes on working there too.
      - When it is not given, the environment variable E(CF_HOME) is used, and after that the home directory.
    type: path
  validate_certs:
    description:
      - Whether the certificates of Cloud Foundry must be trusted.
      - When neither this nor the environment variable E(CF_VALIDATE_CERTS) is set, they must, unless the cf command
        line is logged in to the same Cloud Foundry and was told to skip it. Skipping is always warned about.
    type: bool
  ca_certs:
    description:
      - A PEM file with the CA certificates to trust for Cloud Foundry, in place of those of the system.
      - When it is not given, the environment variable E(CF_CA_CERTS) is used.
    type: path
  organization:
    description:
      - The name (or GUID) of the organization.
      - When it is not given, the environment variables E(CF_ORGANIZATION) and E(CF_ORG) are used, and after that the
        organization that C(cf target) has chosen. Without any of them, names are looked up in every space that the
        login can see, and must be unique there.
    type: str
  space:
    description:
      - The name (or GUID) of the space in O(organization).
      - When it is not given, the environment variable E(CF_SPACE) is used, and after that the space that C(cf target)
        has chosen, if it is in the same organization. Without any of them, names are looked up in the whole
        organization.
    type: str
"""

    # wait_spec()
    WAIT = r"""
options:
  wait_timeout:
    description:
      - How many seconds to wait for Cloud Foundry and the service broker to finish, for each app or service instance.
    type: int
    default: 600
"""
