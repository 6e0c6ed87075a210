# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of an endpoint; pairs with C(_argspec.endpoint_spec)."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  endpoint:
    description: Where the Redis or Valkey server is and how to get in.
    type: dict
    required: true
    suboptions:
      url:
        description:
          - A C(redis://), C(rediss://) (TLS) or C(unix://) URL with the user name and password in it, percent-encoded where needed.
            C(valkey://) and C(valkeys://) mean the same.
          - As in C(redis-cli), what stands before the C(@) without a colon is the password.
          - Fields given beside it win over the same part of the URL.
        type: str
      host:
        description: Host name or address, if there is no O(endpoint.url).
        type: str
      port:
        description: Port; C(6379) if given neither here nor in O(endpoint.url).
        type: int
      username:
        description: ACL user. Leave it out for a server that only has a password.
        type: str
      password:
        description: Password of the user, or of the server.
        type: str
      tls:
        description: Whether to use TLS. A C(rediss://) or C(valkeys://) URL means V(true).
        type: bool
      validate_certs:
        description: Whether the server's certificate must verify. Turn it off for tests only.
        type: bool
        default: true
      ca_certs:
        description: File with the CA certificates to trust (PEM) instead of the system's.
        type: path
      ca_cert_content:
        description: CA certificates to trust (PEM) as text, such as C(cacrt) of a service key.
        type: str
      client_cert_file:
        description: File with a client certificate (PEM), if the server asks for one.
        type: path
      client_key_file:
        description: File with the key of O(endpoint.client_cert_file), not encrypted; may be in the same file.
        type: path
      server_name:
        description: The name for SNI that the certificate must carry, if it is not the host (behind a tunnel, say).
        type: str
      ca_fingerprints:
        description:
          - SHA-256 fingerprints of certificates, with or without colons. The server's certificate must verify, and one of these
            must be in the chain that it verifies by, before anything secret is sent.
        type: list
        elements: str
      timeout:
        description: Seconds to wait for a connection and for any single answer.
        type: float
        default: 15.0
      sentinel:
        description:
          - The Sentinels that know where the server is, in place of O(endpoint.url), O(endpoint.host) and O(endpoint.port).
            They are asked at each connection, so that a failover is followed. User, password and TLS of the server stand beside
            it.
        type: dict
        suboptions:
          service_name:
            description: What the Sentinels call the service, mostly C(mymaster).
            type: str
            required: true
          hosts:
            description: The Sentinels, as C(host) or C(host:port) (port C(26379)), asked in this order until one answers.
            type: list
            elements: str
            required: true
          username:
            description: ACL user of the Sentinels, which have users of their own.
            type: str
          password:
            description: Password of the Sentinels; not that of the server.
            type: str
          tls:
            description: Whether Sentinels are asked over TLS. If not given, as O(endpoint.tls) says for the server.
            type: bool
          validate_certs:
            description: As O(endpoint.validate_certs), which it takes over where not given.
            type: bool
          ca_certs:
            description: As O(endpoint.ca_certs), which it takes over where no CA is given.
            type: path
          ca_cert_content:
            description: As O(endpoint.ca_cert_content), which it takes over where no CA is given.
            type: str
          ca_fingerprints:
            description: As O(endpoint.ca_fingerprints), which it takes over where no CA is given.
            type: list
            elements: str
          client_cert_file:
            description: As O(endpoint.client_cert_file), which it takes over where not given.
            type: path
          client_key_file:
            description: As O(endpoint.client_key_file), which it takes over where not given.
            type: path
          server_name:
            description: The name that the certificates of all Sentinels must carry, if it is not their host.
            type: str
          timeout:
            description:
              - Seconds to wait for one Sentinel before the next is asked; O(endpoint.timeout), but at most V(5), if not given.
            type: float
      prefer_replica:
        description:
          - With O(endpoint.sentinel), read from a replica that holds all that the primary held when the connection was opened;
            from the primary where there is none. For reading only; never for MIGRATE, following a source, isolation or
            restoring.
        type: bool
      cluster:
        description:
          - Further nodes of the Redis Cluster that the server is a node of. A cluster is recognised without it, and all its
            nodes are learned from the one that is given; these are asked where that one is away. Without a host of its own the
            first of them is the one.
        type: dict
        suboptions:
          hosts:
            description: Nodes, as C(host) or C(host:port); without a port, that of the endpoint.
            type: list
            elements: str
            required: true
requirements:
  - Python >= 3.11 where the module runs
  - redis >= 6.0 (Python library)
  - hiredis >= 3.0 (Python library)
"""
