# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets planted in every credential of Cloud Foundry migrations are nowhere to be seen, while they run and after."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import dataset, oracle
from tests.support.certs import Authority
from tests.support.cf_sim import CloudFoundrySim
from tests.support.leaks import Watch, files_below, found
from tests.support.run import run_playbook
from tests.support.servers import RedisServer
from tests.support.tls_frontend import TlsFrontend

pytestmark = [pytest.mark.needs_program("ssh", "openssh-client")]

USER = "developer@example.org"
OLD_HOST = "red140220-master.service.dc1.a9ssvc"
NEW_HOST = "red297348-master.service.dc1.a9ssvc"


class Planted(dict[str, str]):
    """Secrets by what they are for; each is made when it is first asked for."""

    def __missing__(self, name: str) -> str:
        self[name] = f"SENTINEL-{secrets.token_hex(12)}"
        return self[name]


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    """Whoever finds nothing must be able to find something."""
    planted = Planted()
    home = tmp_path / "home"
    home.mkdir()
    with Watch([home]) as watch:
        subprocess.run([sys.executable, "-c", "import time; time.sleep(0.2)", planted["argument"]], check=True)
        environment = {"X": planted["variable"]}
        subprocess.run([sys.executable, "-c", "import time; time.sleep(0.2)"], env=environment, check=True)
        passing = home / "passing"
        passing.write_text(f'{{"password": "{planted["file that is gone"]}"}}')
        subprocess.run([sys.executable, "-c", "import time; time.sleep(0.2)"], check=True)
        passing.unlink()
    (home / "left").write_text(planted["file that is left"])
    where = {sentence.split(" in ")[0] for sentence in found(planted, watch.traces + files_below(home))}
    assert where == set(planted)


def test_secrets_of_cloud_foundry_are_nowhere(
    redis_server: Callable[..., RedisServer],
    tls_frontend: Callable[..., TlsFrontend],
    authority: Authority,
    tmp_path: Path,
) -> None:
    planted = Planted()
    source = redis_server("redis-6.2", password=planted["password of the source"])
    target = redis_server("redis-8.2", password=planted["password of the target"])
    filled = dataset.fill(source.client, databases=(0,))
    certificate = authority.client()
    fronts = {
        OLD_HOST: tls_frontend(source.port, names=(OLD_HOST,)),
        NEW_HOST: tls_frontend(target.port, names=(NEW_HOST,), client_ca=authority.ca_file),
    }
    places = {name: tmp_path / name for name in ("home", "temporary", "local", "runs", "session")}
    for place in places.values():
        place.mkdir(mode=0o700)
    with CloudFoundrySim(job_delay=0.02, staging_delay=0.02) as sim:
        space = sim.add_space(sim.add_org("acme"), "prod")
        user = sim.add_user(USER, planted["password of Cloud Foundry"], {"space_developer": [space]})
        sim.add_client("pipeline", planted["client secret"], {"space_developer": [space]})
        instances = {}
        for name, server, host, password in (
            ("orders-old", source, OLD_HOST, planted["password of the source"]),
            ("orders-new", target, NEW_HOST, planted["password of the target"]),
            ("orders-new-internal", target, NEW_HOST, planted["password of the backend"]),
        ):
            endpoint = {"host": "127.0.0.1", "port": fronts[host].port, "password": password, "tls": True}
            instances[name] = sim.add_service_instance(
                space,
                name,
                endpoint={**endpoint, "ca_cert_content": authority.ca_pem},
                key_shape="a9s6" if server is source else "a9s7",
                hostname=host,
                advertised_port=6379,
            )
        shop = sim.add_app(space, "shop", start_delay=0.02)
        sim.bind(shop, instances["orders-old"])
        sim.add_app(space, "jumphost", start_delay=0.0)

        # A session of `cf login` whose access token is over, so that its refresh token is used.
        tokens = {"AccessToken": f"bearer {sim.uaa.access_token(user)}", "RefreshToken": sim.uaa.refresh_token(user)}
        sim.uaa.expire_access_tokens()
        (places["session"] / ".cf").mkdir()
        (places["session"] / ".cf" / "config.json").write_text(
            json.dumps({"Target": sim.api_url, **tokens, "UAAOAuthClient": "cf", "UAAOAuthClientSecret": ""})
        )

        where = {"api_url": sim.api_url, "organization": "acme", "space": "prod"}
        new = {
            "service_instance": "orders-new",
            "client_cert_file": str(certificate.cert_file),
            "client_key_file": str(certificate.key_file),
        }
        hosts = {
            "complete": {
                "redis_migration_cf": {**where, "user": USER, "password": planted["password of Cloud Foundry"]},
                "redis_migration_target": {**new, "backend_service_instance": "orders-new-internal"},
                "redis_migration_backup_dir": "backup",
                "redis_migration_backup_password": planted["password of the backup"],
                "redis_migration_cutover": True,
                "redis_migration_delete_service_keys": True,
            },
            "wrong-redis": {
                "redis_migration_cf": {**where, "client_id": "pipeline", "client_secret": planted["client secret"]},
                "redis_migration_target": {**new, "username": "x", "password": planted["wrong password of the target"]},
            },
            "session": {
                "redis_migration_cf": {**where, "cf_home": str(places["session"])},
                "redis_migration_target": {"service_instance": "orders-newest"},
            },
            "token": {"redis_migration_cf": {**where, "access_token": f"bearer {planted['wrong access token']}"}},
            "wrong": {"redis_migration_cf": {**where, "user": USER, "password": planted["wrong password"]}},
        }
        common = {
            "redis_migration_source": {"service_instance": "orders-old"},
            "redis_migration_target": new,
            "redis_migration_tunnel_app": "jumphost",
            "redis_migration_isolate_quiet_seconds": 0.2,
        }
        environment = {
            "HOME": str(places["home"]),
            "TMPDIR": str(places["temporary"]),
            "XDG_RUNTIME_DIR": str(places["temporary"]),
            "ANSIBLE_LOCAL_TEMP": str(places["local"]),
            "ANSIBLE_HOME": str(places["home"] / ".ansible"),
        }
        watched = [place for name, place in places.items() if name != "session"]
        with Watch(watched) as watch:
            run = run_playbook(
                "migrate",
                {"redis_migrations": {"hosts": hosts, "vars": common}},
                "-vvvv",
                "--diff",
                directory=places["runs"],
                environment=environment,
            )

        # All of it was used: what follows would be easy otherwise.
        assert run.stats["complete"]["failures"] == 0, run.output[-6000:]
        assert f"PROVED equal, {filled.total:,} keys" in run.output
        assert oracle.compare(source, target) == []
        assert (sim.bound_apps(instances["orders-old"]), sim.bound_apps(instances["orders-new"])) == ([], ["shop"])
        assert (places["runs"] / "backup" / "complete.rdb.enc").exists()
        failures = {
            "wrong-redis": "Check the user name and the password of the target",
            "session": 'no service instance "orders-newest"',
            "token": "Cloud Foundry refused access_token",
            "wrong": f"Could not log in as {USER}",
        }
        for expected in failures.values():
            assert expected in run.output
        commands = b"\n".join(content for where, content in watch.traces if where.startswith("cmdline"))
        for seen in (b"ansible-playbook", b"_tunnel.supervisor", b"ssh\x00-F", b"ssh-keyscan"):
            assert seen in commands
        assert watch.looks > 200

        key = certificate.key_file.read_text().splitlines()
        planted["client key"] = key[len(key) // 2]
        for number, issued in enumerate(sim.uaa.issued):
            planted[f"token or code {number}"] = issued
    assert list(places["temporary"].iterdir()) == []
    traces = [("the output", run.output.encode()), *watch.traces]
    for place in watched:
        traces += files_below(place)
    assert found(planted, traces) == []
