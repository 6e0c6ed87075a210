# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole simulator: what tests and the demo hold in their hands."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any

from . import apps, bindings, orgs, services, v2
from .api import Api, Core, Routes
from .broker import SHAPES, RedisBroker
from .containers import Containers
from .faults import Faults
from .http import Listener, Logged
from .jobs import Jobs
from .model import (
    ORG_ROLES,
    SPACE_ROLES,
    App,
    Binding,
    Broker,
    Droplet,
    Instance,
    Offering,
    Operation,
    Org,
    Package,
    Plan,
    Principal,
    Process,
    Space,
    State,
)
from .present import Presenter
from .uaa import Uaa

API_VERSION = "3.211.0"
Roles = Mapping[str, Iterable[Org | Space]]


class CloudFoundrySim:
    """A Cloud Foundry on loopback: API, UAA and (unless `ssh=False`) SSH proxy on ports of their own.

    Use it as a context manager. Everything is on plain HTTP unless `certificate` (paths of a PEM certificate
    and of its key, for 127.0.0.1 and localhost) is given. All delays are seconds and may be changed while it runs.
    """

    def __init__(
        self,
        *,
        ssh: bool = True,
        certificate: tuple[str, str] | None = None,
        job_delay: float = 0.05,
        staging_delay: float = 0.1,
        token_lifetime: float = 600,
        async_broker: bool = False,
        fingerprint_kind: str = "sha256",
        api_version: str = API_VERSION,
        api_port: int = 0,
        uaa_port: int = 0,
        ssh_port: int = 0,
    ) -> None:
        self.state = State()
        self.state.job_delay, self.state.staging_delay = job_delay, staging_delay
        self.state.async_broker = async_broker
        self.faults = Faults()
        self.requests: list[Logged] = []
        present = Presenter()
        containers = Containers(self.state)
        broker = RedisBroker(self.faults)
        self.core = Core(self.state, self.faults, present, broker, containers, Jobs(self.state, self.faults, present))
        self.uaa = Uaa(self.state)
        self.uaa.token_lifetime = token_lifetime
        parts: list[Callable[[Core], Routes]] = [orgs.routes, services.routes, bindings.routes, apps.routes, v2.routes]
        self.api = Api(self.core, self.uaa, parts, api_version)
        context = None
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
        self._uaa_listener = Listener(
            "uaa", self.uaa.handle, self.faults, self.requests, port=uaa_port, context=context
        )
        self._api_listener = Listener(
            "api", self.api.handle, self.faults, self.requests, port=api_port, context=context
        )
        self.api_url = present.url = self._api_listener.url
        self.uaa_url = self.uaa.url = self._uaa_listener.url
        self._fingerprint_kind = fingerprint_kind
        self.ssh: Any = None
        if ssh:
            from .ssh_proxy import SshProxy  # needs asyncssh, which nothing else here does

            self.ssh = SshProxy(self.core, self.uaa, ssh_port)

    def start(self) -> CloudFoundrySim:
        self.state.scheduler.start()
        self._uaa_listener.start()
        self._api_listener.start()
        if self.ssh is not None:
            self.ssh.start()
            self.api.ssh_address = f"127.0.0.1:{self.ssh.port}"
            self.api.fingerprint = self.ssh.fingerprint(self._fingerprint_kind)
        return self

    def stop(self) -> None:
        self._api_listener.stop()
        self._uaa_listener.stop()
        self.state.scheduler.stop()
        self.core.containers.stop_all()
        if self.ssh is not None:
            self.ssh.stop()

    def __enter__(self) -> CloudFoundrySim:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # Who and where.

    def add_org(self, name: str) -> Org:
        with self.state.lock:
            org = Org(name)
            self.state.orgs[org.guid] = org
            return org

    def add_space(self, org: Org, name: str, *, ssh: bool = True) -> Space:
        with self.state.lock:
            space = Space(name, org, ssh)
            self.state.spaces[space.guid] = space
            return space

    def add_user(
        self, name: str, password: str, roles: Roles | None = None, *, origin: str = "uaa", admin: bool = False
    ) -> Principal:
        """`roles` maps a role's name (space_developer, organization_manager, ...) to where it is held."""
        return self._add_principal(Principal(name, password, origin=origin, admin=admin), roles)

    def add_client(self, client_id: str, secret: str, roles: Roles | None = None, *, admin: bool = False) -> Principal:
        """A technical user for the client_credentials grant."""
        return self._add_principal(Principal(client_id, secret, is_client=True, admin=admin, guid=client_id), roles)

    def _add_principal(self, principal: Principal, roles: Roles | None) -> Principal:
        with self.state.lock:
            for role, places in (roles or {}).items():
                if role not in ORG_ROLES + SPACE_ROLES:
                    raise ValueError(f"no such role: {role}")
                for place in places:
                    principal.roles.add((role, place.guid))
                    if isinstance(place, Space):  # nobody holds a role in a space without being in its organization
                        principal.roles.add(("organization_user", place.org.guid))
            self.state.principals[principal.guid] = principal
            return principal

    # Services.

    def add_plan(
        self,
        offering: str = "a9s-redis7",
        plan: str = "redis-single-small",
        *,
        broker: str = "a9s-broker",
        key_shape: str = "a9s7",
        bindable: bool = True,
        pool: Iterable[Mapping[str, Any]] = (),
    ) -> Plan:
        """A plan of an offering (known ones are reused); `pool` are endpoints for instances made through the API."""
        with self.state.lock:
            for found in self.state.plans.values():
                if (found.name, found.offering.name, found.offering.broker.name) == (plan, offering, broker):
                    found.pool.extend(pool)
                    return found
            owner = next((item for item in self.state.brokers.values() if item.name == broker), None) or Broker(broker)
            self.state.brokers[owner.guid] = owner
            known = (item for item in self.state.offerings.values() if (item.name, item.broker) == (offering, owner))
            service = next(known, None) or Offering(offering, owner)
            self.state.offerings[service.guid] = service
            made = Plan(plan, service, bindable, key_shape=key_shape, pool=list(pool))
            self.state.plans[made.guid] = made
            return made

    def add_service_instance(
        self,
        space: Space,
        name: str,
        *,
        endpoint: Mapping[str, Any],
        offering: str = "a9s-redis7",
        plan: str = "redis-single-small",
        key_shape: str | Callable[[dict[str, Any]], dict[str, Any]] = "a9s7",
        hostname: str = "",
        advertised_port: int = 0,
        user_per_binding: bool = False,
        parameters_readable: bool = False,
        version: str = "7.2.5",
    ) -> Instance:
        """A managed instance in front of a real Redis.

        `endpoint` is the endpoint dictionary of that Redis (host, port, password, tls, ca_cert_content, ...).
        `key_shape` is one of broker.SHAPES or a function from the shape's view to the credentials.
        With `hostname` the credentials name that host; it resolves inside apps and through ssh only, unless the
        test resolves it itself. With `advertised_port` they name that port instead of the real one.
        `user_per_binding` makes an ACL user on the real server for each binding and removes it on unbind.
        """
        if isinstance(key_shape, str) and key_shape not in SHAPES:
            raise ValueError(f"no such key shape: {key_shape}; there are {', '.join(SHAPES)}")
        made = self.add_plan(offering, plan)
        with self.state.lock:
            instance = Instance(name, space, made, dict(endpoint), key_shape, hostname, advertised_port)
            instance.user_per_binding, instance.parameters_readable = user_per_binding, parameters_readable
            instance.version = version
            self.state.instances[instance.guid] = instance
        if hostname:
            self.resolve(hostname, endpoint["host"], endpoint["port"], seen_port=advertised_port)
        return instance

    def add_user_provided(self, space: Space, name: str, credentials: Mapping[str, Any]) -> Instance:
        with self.state.lock:
            instance = Instance(name, space, None, credentials=dict(credentials))
            self.state.instances[instance.guid] = instance
            return instance

    def resolve(self, name: str, host: str, port: int, *, seen_port: int = 0) -> None:
        """Inside containers `name` (on `seen_port`, or on any port with the real one) means host:port."""
        with self.state.lock:
            self.state.names[(name, seen_port or port)] = (host, port)

    def share(self, instance: Instance, space: Space) -> None:
        with self.state.lock:
            instance.shared_spaces.append(space)

    def occupy(self, instance: Instance, operation: str = "update") -> None:
        """An operation is in progress on the instance until `release`."""
        with self.state.lock:
            instance.operation = Operation(operation, "in progress")

    def release(self, instance: Instance, state: str = "succeeded") -> None:
        with self.state.lock:
            instance.operation.move(state, "")

    # Apps.

    def add_app(
        self,
        space: Space,
        name: str,
        *,
        ssh: bool = True,
        writer: bool = False,
        instances: int = 1,
        write_interval: float = 0.05,
        start_delay: float = 0.2,
        stop_delay: float = 0.0,
        crash_on_start: int = 0,
        started: bool = True,
    ) -> App:
        """An app with a package and a droplet, which runs when this returns, unless `started` is false.

        `start_delay` and `stop_delay` apply to starts and stops through the API. `crash_on_start`: so many starts
        end in a crash (-1: all). An app takes up its bindings with its next start.
        """
        with self.state.lock:
            app = App(name, space, ssh, writer=writer, write_interval=write_interval)
            app.start_delay, app.stop_delay, app.crash_on_start = start_delay, stop_delay, crash_on_start
            package = Package(app)
            app.droplet = Droplet(app, package)
            process = Process(app, "web", instances)
            app.processes.append(process)
            self.state.apps[app.guid] = app
            self.state.packages[package.guid] = package
            self.state.droplets[app.droplet.guid] = app.droplet
            self.state.processes[process.guid] = process
        if started:
            self.start_app(app)
        return app

    def start_app(self, app: App) -> None:
        """(Re)start the app with the bindings it has now; it runs when this returns."""
        with self.state.lock:
            app.state = "STARTED"
            for process in app.processes:
                self.core.containers.stop(process)
                self.core.containers.start(process, at_once=True)

    def crash_app(self, app: App) -> None:
        with self.state.lock:
            self.core.containers.crash(app)

    def bind(
        self, app: App, instance: Instance, *, name: str | None = None, parameters: dict[str, Any] | None = None
    ) -> Binding:
        """Bind at once, without a job; the app knows it after its next start."""
        return self._bind(Binding("app", name, instance, app, parameters=parameters))

    def unbind(self, app: App, instance: Instance) -> None:
        """Undo `bind` at once, as somebody else might."""
        with self.state.lock:
            found = [item for item in self.state.bindings.values() if item.app is app and item.instance is instance]
            for binding in found:
                del self.state.bindings[binding.guid]
        for binding in found:
            self.core.broker.unbind(binding)

    def create_key(self, instance: Instance, name: str, *, state: str = "succeeded") -> Binding:
        """A service key as if made earlier; with state "failed" one whose creation failed at the broker."""
        binding = Binding("key", name, instance)
        binding.operation = Operation("create", state, "" if state == "succeeded" else "Service broker error")
        return self._bind(binding)

    def _bind(self, binding: Binding) -> Binding:
        if not binding.instance.managed:
            binding.credentials = dict(binding.instance.credentials)
        elif binding.usable:
            self.core.broker.bind(binding)
        with self.state.lock:
            self.state.bindings[binding.guid] = binding
        return binding

    def bound_apps(self, instance: Instance) -> list[str]:
        """The names of the apps bound to the instance, sorted."""
        with self.state.lock:
            found = [item.app.name for item in self.state.bindings.values() if item.instance is instance and item.app]
        return sorted(found)

    # What happened.

    def writes(self) -> list[Logged]:
        """The requests so far that asked the API to change something."""
        return [entry for entry in list(self.requests) if entry.writes]
