# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One user, one password and one set of certificates hold for all nodes of a cluster; what is wrong is told of the end and node."""

from __future__ import annotations

import pytest

from tests.conftest import ServerFactory
from tests.integration.cluster.conftest import Clusters
from tests.integration.cluster.test_migrate import equal, filled
from tests.support.certs import Authority
from tests.support.engine import RedisMigrationError, diff, migrate, moved
from tests.support.left_out import need_tls_server

# As docs/cluster.md has it, beside what a single server asks for.
_USER = "user mover on >secret ~* &* +@all -@dangerous +info +client|list +client|setname +dump +restore +migrate +cluster|info"
_USER += " +cluster|slots +cluster|nodes +flushall +config +debug"


def test_tls_and_a_user(own: Clusters, redis_server: ServerFactory, authority: Authority) -> None:
    name, certificate = need_tls_server(), authority.server()
    acl = [_USER]
    # Between the nodes each is a client of the others as well.
    client = authority.client()
    between = {"tls-client-cert-file": str(client.cert_file), "tls-client-key-file": str(client.key_file)}
    encrypted = {"tls": True, "certificate": certificate, "config": {"tls-cluster": "yes", **between}}
    source = own(name, acl_lines=acl, **encrypted)
    target = own(name, shards=2, acl_lines=acl, **encrypted)
    single = filled(redis_server(name))
    user = {"username": "mover", "password": "secret"}
    here, there = source.endpoint(**user), target.endpoint(**user)
    keys = source.load(single)
    assert moved(migrate(here, there)) == {"scanned": keys, "copied": keys}
    assert diff(here, there)["identical"]
    equal(source, target)
    with pytest.raises(RedisMigrationError, match=r"(?i)source.*password") as wrong:
        migrate({**here, "password": "wrong"}, there)
    assert "wrong" not in str(wrong.value).replace("is wrong", "")
    stranger = str(Authority(certificate.ca_file.parent / "stranger").server().ca_file)
    with pytest.raises(RedisMigrationError, match=r"(?i)certificate"):
        migrate({**here, "ca_certs": stranger}, there)


def test_a_user_that_may_not_look_at_the_cluster(own: Clusters, redis_server: ServerFactory) -> None:
    source = own("redis-7.0", acl_lines=["user mover on >secret ~* &* +@all -cluster"])
    end = source.endpoint(username="mover", password="secret")
    with pytest.raises(RedisMigrationError, match=r"cluster\|") as refused:
        migrate(end, redis_server("redis-7.0"))
    assert "source" in str(refused.value)


def test_one_node_that_lacks_a_permission_is_named(own: Clusters, redis_server: ServerFactory) -> None:
    target = own("redis-7.0", acl_lines=["user mover on >secret ~* &* +@all"])
    odd = target.primaries[1]
    odd.client().execute_command("ACL", "SETUSER", "mover", "-set", "-mset", "-msetnx", "-restore")
    with pytest.raises(RedisMigrationError, match="NOPERM") as refused:
        migrate(filled(redis_server("redis-7.0")), target.endpoint(username="mover", password="secret"))
    assert str(odd.port) in str(refused.value)
