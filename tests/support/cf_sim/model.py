# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Cloud Foundry installation consists of: plain data, and one lock around all of it."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .clock import Scheduler, stamp

ORG_ROLES = ("organization_user", "organization_auditor", "organization_manager", "organization_billing_manager")
SPACE_ROLES = ("space_auditor", "space_developer", "space_manager", "space_supporter")


def new_guid() -> str:
    return str(uuid.uuid4())


@dataclass(eq=False, kw_only=True)
class Resource:
    guid: str = field(default_factory=new_guid)
    created_at: str = field(default_factory=stamp)
    updated_at: str = field(default_factory=stamp)
    labels: dict[str, str | None] = field(default_factory=dict)
    annotations: dict[str, str | None] = field(default_factory=dict)

    def touch(self) -> None:
        self.updated_at = stamp()


@dataclass(eq=False)
class Org(Resource):
    name: str
    suspended: bool = False


@dataclass(eq=False)
class Space(Resource):
    name: str
    org: Org
    ssh: bool = True


@dataclass(eq=False)
class Principal(Resource):
    """Who may ask: a user (with a password and an origin) or an OAuth client (with a secret)."""

    name: str
    secret: str
    is_client: bool = False
    origin: str = "uaa"
    admin: bool = False
    roles: set[tuple[str, str]] = field(default_factory=set)  # (role, guid of the organization or space)
    failed_logins: int = 0

    def has(self, roles: tuple[str, ...], guid: str) -> bool:
        return any((role, guid) in self.roles for role in roles)


@dataclass(eq=False)
class Broker(Resource):
    name: str


@dataclass(eq=False)
class Offering(Resource):
    name: str
    broker: Broker
    description: str = "In-memory data structure store"
    tags: tuple[str, ...] = ("redis", "key-value")
    shareable: bool = True


@dataclass(eq=False)
class Plan(Resource):
    name: str
    offering: Offering
    bindable: bool = True
    free: bool = True
    key_shape: str = "a9s7"
    pool: list[Mapping[str, Any]] = field(default_factory=list)  # endpoints for instances made through the API


@dataclass
class Operation:
    type: str
    state: str
    description: str = ""
    created_at: str = field(default_factory=stamp)
    updated_at: str = field(default_factory=stamp)

    def move(self, state: str, description: str) -> None:
        self.state, self.description, self.updated_at = state, description, stamp()

    @property
    def running(self) -> bool:
        return self.state in ("initial", "in progress")


@dataclass(eq=False)
class Instance(Resource):
    """A service instance. `endpoint` is the real Redis behind it, in the endpoint dictionary's keys."""

    name: str
    space: Space
    plan: Plan | None = None  # None: user-provided
    endpoint: dict[str, Any] = field(default_factory=dict)
    key_shape: str | Callable[[dict[str, Any]], dict[str, Any]] = "a9s7"
    hostname: str = ""
    advertised_port: int = 0
    user_per_binding: bool = False
    credentials: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, Any] | None = None
    parameters_readable: bool = False
    tags: list[str] = field(default_factory=list)
    shared_spaces: list[Space] = field(default_factory=list)
    version: str = "7.2.5"
    operation: Operation = field(default_factory=lambda: Operation("create", "succeeded", "Instance created"))

    @property
    def managed(self) -> bool:
        return self.plan is not None


@dataclass(eq=False)
class Binding(Resource):
    type: str  # key | app
    name: str | None
    instance: Instance
    app: App | None = None
    credentials: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, Any] | None = None
    redis_user: str = ""
    operation: Operation = field(default_factory=lambda: Operation("create", "succeeded"))

    @property
    def usable(self) -> bool:
        """Created, and not being created any more; also when a later deletion failed."""
        return (self.operation.type, self.operation.state) == ("create", "succeeded")


@dataclass(eq=False)
class Job(Resource):
    operation: str
    resource_type: str
    resource_guid: str
    state: str = "PROCESSING"
    errors: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[dict[str, str]] = field(default_factory=list)


@dataclass(eq=False)
class Package(Resource):
    app: App
    state: str = "READY"


@dataclass(eq=False)
class Droplet(Resource):
    app: App
    package: Package | None
    state: str = "STAGED"


@dataclass(eq=False)
class Build(Resource):
    app: App
    package: Package
    state: str = "STAGING"
    error: str | None = None
    droplet: Droplet | None = None


@dataclass(eq=False)
class Process(Resource):
    app: App
    type: str = "web"
    instances: int = 1


@dataclass(eq=False)
class Deployment(Resource):
    app: App
    process: Process
    droplet: Droplet | None
    previous_droplet: Droplet | None
    strategy: str = "rolling"
    value: str = "ACTIVE"
    reason: str = "DEPLOYING"


@dataclass(frozen=True)
class Written:
    """One acknowledged write of a simulated app: into which service instance, what, and when (time.time())."""

    instance: str
    key: str
    value: str
    at: float


@dataclass(eq=False)
class App(Resource):
    name: str
    space: Space
    ssh: bool = True
    state: str = "STOPPED"
    writer: bool = False
    write_interval: float = 0.05
    start_delay: float = 0.2
    stop_delay: float = 0.0
    crash_on_start: int = 0  # so many starts crash; -1: all of them
    staging_fails: bool = False
    environment: dict[str, str] = field(default_factory=dict)
    droplet: Droplet | None = None
    processes: list[Process] = field(default_factory=list)
    written: list[Written] = field(default_factory=list)
    write_errors: list[str] = field(default_factory=list)

    def written_to(self, instance: str | Instance) -> dict[str, str]:
        """Everything that was acknowledged by that service instance's Redis: key to value."""
        name = instance if isinstance(instance, str) else instance.name
        return {entry.key: entry.value for entry in list(self.written) if entry.instance == name}


class State:
    """All resources by guid, in the order of their creation. Hold `lock` while reading or changing them."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.scheduler = Scheduler()
        self.orgs: dict[str, Org] = {}
        self.spaces: dict[str, Space] = {}
        self.principals: dict[str, Principal] = {}
        self.brokers: dict[str, Broker] = {}
        self.offerings: dict[str, Offering] = {}
        self.plans: dict[str, Plan] = {}
        self.instances: dict[str, Instance] = {}
        self.bindings: dict[str, Binding] = {}
        self.apps: dict[str, App] = {}
        self.processes: dict[str, Process] = {}
        self.packages: dict[str, Package] = {}
        self.droplets: dict[str, Droplet] = {}
        self.builds: dict[str, Build] = {}
        self.deployments: dict[str, Deployment] = {}
        self.jobs: dict[str, Job] = {}
        self.feature_flags: dict[str, bool] = {
            "diego_docker": False,
            "env_var_visibility": True,
            "service_instance_creation": True,
            "service_instance_sharing": True,
            "space_developer_env_var_visibility": True,
        }
        self.ssh_enabled = True
        self.job_delay = 0.05
        self.staging_delay = 0.1
        self.async_broker = False
        self.bindings_per_app = 1  # to one service instance; newer installations may allow more
        # Names as they resolve inside an app's container: (name, port) or (name, 0) to a real address.
        self.names: dict[tuple[str, int], tuple[str, int]] = {}

    def resolve(self, host: str, port: int) -> tuple[str, int]:
        """The real address of a name in "the container". Raises OSError for a name nobody knows there."""
        for candidate in ((host, port), (host, 0)):
            if candidate in self.names:
                address, real_port = self.names[candidate]
                return address, real_port or port
        if host in ("127.0.0.1", "localhost", "::1"):
            return host, port
        raise OSError(f"lookup {host}: no such host")

    def bindings_of(self, app: App) -> list[Binding]:
        return [binding for binding in self.bindings.values() if binding.app is app]
