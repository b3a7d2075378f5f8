"""The simulated instance: all of its state, and the verbs by which API, tests and time change it."""

from collections.abc import Iterable
from typing import Literal, cast, get_args

from .access import Access
from .agenda import Agenda, Event
from .builds import Build
from .cloud_queue import CloudQueue
from .containers import Containers
from .faults import Faults
from .history import History, Rollback
from .ids import Ids, iso
from .images import Images
from .jobs import Job, Queue
from .logs import Logs
from .previews import PreviewBuild, data_of
from .redis_queue import RERUN_AFTER_KILL, RERUN_AFTER_TERM, RedisQueue
from .requests import Requests
from .services import Build as BuildOutcome
from .services import Commit, Deployable, Registry, Runtime, Server, Service
from .swarm import Swarm
from .tasks import Content, Spec
from .templates import Json
from .versions import DEFAULT, Capability, Version, has

RESTART_SECONDS = 6.2
"""Seconds of refused connections after a restart (transcripts 140, 141)."""


class World:
    """Deterministic and without I/O: time is handed in by `advance`, chance by the seed."""

    def __init__(self, now: float, seed: int = 0, version: Version = DEFAULT, *, cloud: bool = False) -> None:
        """Create an empty instance at `now`, epoch seconds; `cloud` makes it Dokploy's own instead of somebody's."""
        self.version = version
        self.cloud = cloud
        self.agenda = Agenda(now)
        self.ids = Ids(seed)
        self.logs = Logs()
        self.images = Images()
        self.history = History(self.ids, self.logs, self.images.drop_local)
        self.queue = self._create_queue()
        self.swarm = Swarm(self.agenda, self.ids)
        self.containers = Containers(self.ids)
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
        self._builds: dict[int, Build | PreviewBuild] = {}
        # What the present start of the server has still to do; the next restart makes it void.
        self._starting: list[Event] = []

    def _create_queue(self) -> Queue:
        if self.cloud:
            return CloudQueue(self.agenda, self._run, self.ids)
        return (Queue if self.has(Capability.QUEUE_IN_MEMORY) else RedisQueue)(self.agenda, self._run)

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

    # Finding things.

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

    # Deployments.

    def trigger(
        self, service: Deployable, kind: str, title: str, description: str | None, *, webhook: bool = False
    ) -> Job:
        """Queue a deployment; `kind` is deploy or redeploy.

        Webhooks leave the description out when there is none, and never name the server (transcript 202);
        nor does a queue in Redis, and the cloud always does.
        """
        data: Json = {f"{service.kind}Id": service.id, "titleLog": title}
        log: Json = {} if description is None else {"descriptionLog": description}
        kinds: Json = {"type": kind, "applicationType": service.kind}
        # The order of the keys is the real server's (transcript 42).
        data |= log | kinds if service.kind == "application" else kinds | log
        data["server"] = service.server_id is not None
        named = self.cloud or (not webhook and self.has(Capability.QUEUE_IN_MEMORY))
        if service.server_id is not None and named:
            data["serverId"] = service.server_id
        job = self.queue.add(data)
        if self.faults.queued_rows:
            job.row = self.history.insert(
                self.now,
                owner={f"{service.kind}Id": service.id},
                title=title,
                description=description or "",
                log_path="",
                status="queued",
            )
        return job

    def trigger_preview(self, service: str, title: str = "Preview Deployment", description: str = "") -> Job:
        """Queue the deployment of a pull request's preview, as GitHub's webhook does."""
        target = self.by_name(service)
        if not isinstance(target, Deployable) or target.kind != "application":
            raise ValueError(f"{service} is no application")
        return self.queue.add(data_of(self, target, title, description))

    def _run(self, job: Job) -> None:
        service = cast(Deployable, self.services[job.service_id])
        preview = job.data["applicationType"] == "application-preview"
        build = PreviewBuild(self, job, service) if preview else Build(self, job, service)
        self._builds[id(job)] = build
        build.start()

    def clean_queue(self, service_id: str | None = None) -> None:
        """Drop the waiting jobs of one service, or all; rows that waited with them are cancelled."""
        for job in self.queue.clean(service_id):
            if job.row is not None:
                self.history.finish(job.row, "cancelled", self.now)

    def cancel(self, service: Deployable) -> None:
        """Do what cancelDeployment does in the cloud: the newest row reads `done`, the jobs `cancelled`."""
        service.set_status("idle")
        for row in self.history.of(f"{service.kind}Id", service.id)[:1]:
            self.history.finish(row, "done", self.now)
        if isinstance(self.queue, CloudQueue):
            self.queue.cancel(service.id)

    def forget_build(self, job: Job) -> None:
        """Let a finished job leave the queue."""
        self._builds.pop(id(job), None)
        self.queue.done(job)

    def kill_builds(self, kind: str, server_id: str | None) -> None:
        """Interrupt every image build of a host, or mark its compose runs (transcripts 130, 233, 250)."""
        for job in self.queue.active:
            build = self._builds.get(id(job))
            if build is None or build.service.server_id != server_id or build.service.kind != kind:
                continue
            if kind == "compose":
                job.killed = True
            elif build.killable:
                build.kill()

    def spec_of(self, service: Deployable, image: str, content: Content) -> Spec:
        """Return the Swarm spec that a deployment of the application sets."""
        fields = service.fields
        update = fields["updateConfigSwarm"] or {}
        environment = tuple(line for line in str(fields["env"] or "").splitlines() if "=" in line)
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
        )

    def roll_back(self, rollback: Rollback) -> bool:
        """Put a version back into the running service; no row, no status (transcripts 165, 331-339)."""
        row = self.history.find(rollback.fields["deploymentId"])
        service = self.services.get(str(row.fields["applicationId"])) if row else None
        context: Json = rollback.fields["fullContext"]
        if not isinstance(service, Deployable) or not context:
            return False
        image = rollback.image
        registry = context.get("rollbackRegistry")
        if registry:
            image = Registry(registry).tag(image)
        content = self.images.pushed.get(image) or Content(missing=True)
        stored = Deployable(service.kind, context, service.behaviour)
        self.swarm.deploy(service.app_name, service.server_id, self.spec_of(stored, image, content))
        return True

    # What tests do to the instance; the control interface offers the same verbs.

    def restart(
        self,
        down_seconds: float = RESTART_SECONDS,
        stale_seconds: float = 0.0,
        *,
        signal: Literal["TERM", "KILL"] = "TERM",
        rerun_seconds: float | None = None,
    ) -> None:
        """Kill and start the server: connections are refused, then running rows are cancelled.

        The server listens before it cancels; `stale_seconds` makes that gap visible. A queue in Redis keeps its
        jobs: those that waited start at once, the interrupted one `rerun_seconds` after the start (None: as
        measured after `signal`). In the cloud only the dashboard is gone for a while.
        """
        if signal not in ("TERM", "KILL"):
            raise ValueError(f"unknown signal {signal!r}; known: TERM, KILL")
        if rerun_seconds is None:
            rerun_seconds = RERUN_AFTER_TERM if signal == "TERM" else RERUN_AFTER_KILL
        wait = rerun_seconds
        for event in self._starting:
            event.cancelled = True
        self.queue.stop()
        self.down_until = self.now + down_seconds
        self._starting = [self.agenda.after(down_seconds, self._listen)]
        if not self.cloud:
            self._builds.clear()
            self._starting.append(self.agenda.after(down_seconds + stale_seconds, lambda: self._come_up(wait)))

    def _listen(self) -> None:
        self.down_until = None

    def _come_up(self, rerun_seconds: float) -> None:
        self._cancel_running()
        self.queue.resume(rerun_seconds)

    def _cancel_running(self) -> None:
        for row in self.history.rows:
            if row.status == "running" or (row.status == "queued" and not self.queue.holds(row)):
                self.history.finish(row, "cancelled", self.now)
                service = self.services.get(str(row.fields["applicationId"] or row.fields["composeId"]))
                if service is not None:
                    service.set_status("idle")

    def lose_queue(self) -> None:
        """Forget all jobs and leave their rows `running` for ever, as a database outage does (252)."""
        self.queue.lose()
        self._builds.clear()

    def push_commit(
        self,
        service: str,
        message: str,
        *,
        ref: str | None = None,
        build: BuildOutcome | None = None,
        runtime: Runtime | None = None,
    ) -> Commit:
        """Add a commit to a service's branch (or to another `ref`, which is created when missing)."""
        target = self.by_name(service)
        if not isinstance(target, Deployable) or target.repository is None:
            raise ValueError(f"{service} has no git source")
        commit = Commit(self.ids.hexadecimal(40), message, build, runtime)
        target.repository.refs.setdefault(ref or target.ref, []).append(commit)
        return commit

    def set_behaviour(
        self,
        service: str,
        *,
        build: BuildOutcome | None = None,
        runtime: Runtime | None = None,
        build_seconds: float | None = None,
        steps: int | None = None,
        start_seconds: float | None = None,
    ) -> None:
        """Change how a service's next deployments go."""
        behaviour = self.by_name(service).behaviour
        changes = {
            "build": build,
            "runtime": runtime,
            "build_seconds": build_seconds,
            "steps": steps,
            "start_seconds": start_seconds,
        }
        for key, allowed in (("build", get_args(BuildOutcome)), ("runtime", get_args(Runtime))):
            if changes[key] is not None and changes[key] not in allowed:
                raise ValueError(f"unknown {key} {changes[key]!r}; known: {', '.join(allowed)}")
        for key, value in changes.items():
            if value is not None:
                setattr(behaviour, key, value)

    def set_image(self, image: str, *, runtime: Runtime | None = None, missing: bool | None = None) -> None:
        """Decide what containers of a docker image do, or that no registry knows it."""
        if runtime is not None:
            self.images.runtimes[image] = runtime
        if missing is not None:
            (self.images.missing.add if missing else self.images.missing.discard)(image)

    def running_images(self, app_name: str) -> Iterable[str]:
        """Return the image of each task that really runs now."""
        for service in self.swarm.services:
            if service.name == app_name:
                yield from (task.spec.image for task in self.swarm.running(service))

    def iso_now(self) -> str:
        """Return the present as rows write it."""
        return iso(self.now)
