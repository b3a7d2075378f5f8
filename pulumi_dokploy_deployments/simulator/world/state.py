"""All of the simulated instance's state, and how to find things in it; what happens to it is in `world.py`."""

from collections.abc import Callable, Iterable

from .access import Access
from .agenda import Agenda
from .cloud_queue import CloudQueue
from .containers import Containers
from .faults import Faults
from .history import History
from .ids import Ids
from .images import Images
from .jobs import Job, Queue
from .logs import Logs
from .placement import unmet
from .redis_queue import RedisQueue
from .requests import Requests
from .services import Deployable, Registry, Server, Service
from .swarm import Swarm
from .tasks import UNMET, Content, Restart, Spec
from .templates import Json
from .versions import DEFAULT, Capability, Version, has


class State:
    """Deterministic and without I/O: time is handed in by `advance`, chance by the seed."""

    def __init__(
        self, now: float, seed: int, run: Callable[[Job], None], version: Version = DEFAULT, *, cloud: bool = False
    ) -> None:
        """Create an empty instance at `now`, epoch seconds; `run` starts a job of the queue."""
        self.version = version
        self.cloud = cloud
        self.agenda = Agenda(now)
        self.ids = Ids(seed)
        self.logs = Logs()
        self.images = Images()
        self.history = History(self.ids, self.logs, self.images.drop_local)
        self.queue = self._create_queue(run)
        self.swarm = Swarm(self.agenda, self.ids)
        self.containers = Containers(self.agenda, self.ids)
        self.access = Access(seed)
        self.faults = Faults()
        self.requests = Requests()
        self.services: dict[str, Service] = {}
        self.servers: dict[str, Server] = {}
        self.registries: dict[str, Registry] = {}
        self.projects: list[Json] = []
        self.environments: list[Json] = []
        self.organization_id = self.ids.nano()
        self.down_until: float | None = None
        self.unlisted: set[str] = set()
        """Services that someone else created: the searches list them to nobody else, not even to an owner."""

    def _create_queue(self, run: Callable[[Job], None]) -> Queue:
        if self.cloud:
            return CloudQueue(self.agenda, run, self.ids)
        return (Queue if self.has(Capability.QUEUE_IN_MEMORY) else RedisQueue)(self.agenda, run)

    def has(self, capability: Capability) -> bool:
        """Tell whether the release that is played has a capability."""
        return has(self.version, capability)

    @property
    def now(self) -> float:
        """Return the world's present, epoch seconds."""
        return self.agenda.now

    def advance(self, now: float) -> None:
        """Let everything happen that is due until `now`."""
        self.agenda.advance(now)

    def deployable(self, kind: str, service_id: object) -> Deployable | None:
        """Return the application or compose with this id."""
        service = self.services.get(str(service_id))
        return service if isinstance(service, Deployable) and service.kind == kind else None

    def by_name(self, name: str) -> Service:
        """Return a service by id, appName or name ("compose:ok" and "postgres:…" tell doubles apart)."""
        kind, _, rest = name.rpartition(":")
        for service in self.services.values():
            if rest in {service.id, service.app_name, service.name} and kind in {"", service.kind}:
                return service
        raise KeyError(f"no service {name!r}")

    def rows_of(self, service: Service) -> list[Json]:
        """Return a service's deployment rows, newest first."""
        return [row.fields for row in self.history.of(f"{service.kind}Id", service.id)]

    def environment_of(self, service: Service) -> Json:
        """Return the environment with its project, as `one` nests it (transcript 47)."""
        found = next(e for e in self.environments if e["environmentId"] == service.fields["environmentId"])
        project = next(p for p in self.projects if p["projectId"] == found["projectId"])
        return {**found, "project": project}

    def nested_context(self, service: Deployable) -> Json:
        """Return what findApplicationById nests, without deployments and providers (transcript 164)."""
        server = self.servers.get(service.server_id or "")
        registries = {}
        for column in ("registry", "buildRegistry", "rollbackRegistry"):
            registry = self.registries.get(str(service.fields.get(f"{column}Id") or ""))
            registries[column] = registry.public() if registry else None
        return {
            "environment": self.environment_of(service),
            "domains": [],
            "mounts": [],
            "redirects": [],
            "security": [],
            "ports": [],
            "server": server.fields if server else None,
            "previewDeployments": [],
            **registries,
        }

    def spec_of(self, service: Service, image: str, content: Content) -> Spec:
        """Return the Swarm spec that a deployment of the application or database sets."""
        fields, behaviour = service.fields, service.behaviour
        update = fields["updateConfigSwarm"] or {}
        environment = tuple(line for line in str(fields["env"] or "").splitlines() if "=" in line)
        constraints = tuple((fields["placementSwarm"] or {}).get("Constraints") or ())
        ports = (fields["endpointSpecSwarm"] or {}).get("Ports") or ()
        return Spec(
            image=image,
            content=content,
            env=environment,
            command=fields["command"] or None,
            replicas=int(fields["replicas"]),
            order=str(update.get("Order", "start-first")),
            failure_action=str(update.get("FailureAction", "rollback" if not update else "pause")),
            monitor=float(update.get("Monitor", 5_000_000_000)) / 1_000_000_000,
            monitor_given="Monitor" in update,
            restart=_restart(fields["restartPolicySwarm"]),
            constraints=constraints,
            unplaceable=behaviour.unplaceable or (UNMET if unmet(constraints) else ""),
            host_port=behaviour.host_port or any(port.get("PublishMode") == "host" for port in ports),
            pending_desired=behaviour.pending_desired,
        )

    def running_images(self, app_name: str) -> Iterable[str]:
        """Return the image of each task that really runs now."""
        for service in self.swarm.services:
            if service.name == app_name:
                yield from (task.spec.image for task in self.swarm.running(service))


def _restart(policy: Json | None) -> Restart | None:
    if not policy:
        return None
    delay = policy["Delay"] / 1_000_000_000 if "Delay" in policy else None
    return Restart(policy.get("Condition", "any"), delay, int(policy.get("MaxAttempts", 0)))
