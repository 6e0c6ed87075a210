# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the simulator by hand: two Redis servers, their service instances, two apps that write."""

from __future__ import annotations

import argparse
import secrets
import signal
import threading

from ..servers import RedisServer, available
from . import CloudFoundrySim


def _demo(args: argparse.Namespace) -> None:
    server = args.server or sorted(available())[0]
    password, old_password, new_password = (secrets.token_urlsafe(12) for _number in range(3))
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_unused: stop.set())
    with (
        RedisServer(server, password=old_password) as old,
        RedisServer(server, password=new_password) as new,
        CloudFoundrySim(api_port=args.api_port, job_delay=1, staging_delay=2) as cf,
    ):
        org = cf.add_org("demo")
        space = cf.add_space(org, "dev")
        cf.add_user("operator", password, {"space_developer": [space]})
        cf.add_client("pipeline", password, {"space_developer": [space]})
        source = cf.add_service_instance(
            space,
            "orders-redis6",
            endpoint=old.endpoint(),
            offering="a9s-redis6",
            key_shape="a9s6",
            hostname="rede4f21a-master.service.dc1.a9ssvc",
            advertised_port=6379,
        )
        cf.add_service_instance(
            space,
            "orders-redis7",
            endpoint=new.endpoint(),
            hostname="red198b63-master.service.dc1.a9ssvc",
            advertised_port=6379,
            user_per_binding=True,
        )
        for app_name in ("shop", "billing"):
            app = cf.add_app(space, app_name, writer=True, started=False)
            cf.bind(app, source)
            cf.start_app(app)
        print(f"A Cloud Foundry of our own is up; Ctrl-C ends it.\n\n  cf api {cf.api_url}")
        print(f"  cf auth operator '{password}'")
        print(f"  cf auth pipeline '{password}' --client-credentials     # the technical user")
        print("  cf target -o demo -s dev\n  cf services\n", flush=True)
        stop.wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.support.cf_sim", description=__doc__)
    parser.add_argument("--demo", action="store_true", required=True, help="start the demonstration installation")
    parser.add_argument("--api-port", type=int, default=0, help="port of the API (default: a free one)")
    parser.add_argument("--server", help="which Redis to run, as tests.support.servers names them")
    _demo(parser.parse_args())


main()
