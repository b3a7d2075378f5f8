"""The simulated instance: the verbs by which API, tests and time change its state."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Literal, cast, get_args

from . import composing
from .agenda import Event
from .builds import Build
from .cloud_queue import CloudQueue
from .history import Rollback
from .jobs import Job
from .previews import PreviewBuild, data_of
from .processes import PROCESS_FIELDS, Runtime
from .redis_queue import RERUN_AFTER_KILL, RERUN_AFTER_TERM
from .services import Behaviour, Commit, Deployable, Registry
from .services import Build as BuildOutcome
from .state import State
from .tasks import Content
from .templates import Json
from .versions import DEFAULT, Capability, Version

RESTART_SECONDS = 6.2
"""Seconds of refused connections after a restart (transcripts 140, 141)."""


class World(State):
    """The instance with what API, tests and time do to it."""

    def __init__(self, now: float, seed: int = 0, version: Version = DEFAULT, *, cloud: bool = False) -> None:
        """Create an empty instance at `now`, epoch seconds; `cloud` makes it Dokploy's own instead of somebody's."""
        super().__init__(now, seed, self._run, version, cloud=cloud)
        self._builds: dict[int, Build | PreviewBuild] = {}
        # What the present start of the server has still to do; the next restart makes it void.
        self._starting: list[Event] = []

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
        build = (PreviewBuild if preview else Build)(self, job, service, self._forget_build)
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

    def _forget_build(self, job: Job) -> None:
        """Let a finished job leave the queue."""
        self._builds.pop(id(job), None)
        self.queue.done(job)

    def kill_builds(self, kind: str, server_id: str | None) -> None:
        """Interrupt every image build of a host, or mark its compose runs (transcripts 130, 233, 250)."""
        for job in self.queue.active:
            build = self._builds.get(id(job))
            if build is None or build.service.build_host != server_id or build.service.kind != kind:
                continue
            if kind == "compose":
                job.killed = True
            elif build.killable:
                build.kill()

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
        self, service: str, *, members: Mapping[str, Mapping[str, object]] | None = None, **changes: object
    ) -> None:
        """Change how a service's next deployments go: fields of Behaviour, None leaves one as it is.

        `members` changes single services of a compose: by name the fields of Process, an empty mapping ends it.
        """
        behaviour = self.by_name(service).behaviour
        known = {item.name for item in fields(Behaviour)} - {"members"}
        for key, value in checked(changes, known).items():
            setattr(behaviour, key, value)
        for name, own in (members or {}).items():
            if own:
                before = behaviour.members.get(name, behaviour.process)
                behaviour.members[name] = replace(before, **checked(own, set(PROCESS_FIELDS)))
            else:
                behaviour.members.pop(name, None)

    def set_image(self, image: str, *, missing: bool | None = None, **process: object) -> None:
        """Decide what containers of a docker image do (fields of Process), or that no registry knows it."""
        changes = checked(process, set(PROCESS_FIELDS))
        if changes:
            self.images.processes.setdefault(image, {}).update(changes)
        if missing is not None:
            (self.images.missing.add if missing else self.images.missing.discard)(image)

    def run_once(self, compose: str, member: str, exit_code: int) -> str:
        """Leave a container of `docker compose run` behind (transcript 533); return its id."""
        service = self.by_name(compose)
        if not isinstance(service, Deployable) or service.kind != "compose":
            raise ValueError(f"{compose} is no compose")
        unit = next((unit for unit in composing.units(self, service) if unit.service == member), None)
        if unit is None:
            raise ValueError(f"{compose} has no service {member!r}")
        return self.containers.run(service.app_name, service.server_id, unit, exit_code).id


CHOICES = {"build": get_args(BuildOutcome), "runtime": get_args(Runtime), "pending_desired": ("running", "ready")}


def checked(changes: Mapping[str, object], known: set[str]) -> Json:
    """Return what was given, lists as tuples; raises ValueError for unknown names and values."""
    found: Json = {}
    for key, value in changes.items():
        if key not in known:
            raise TypeError(f"unknown {key!r}; known: {', '.join(sorted(known))}")
        if value is None:
            continue
        if key in CHOICES and value not in CHOICES[key]:
            raise ValueError(f"unknown {key} {value!r}; known: {', '.join(CHOICES[key])}")
        found[key] = tuple(value) if isinstance(value, list) else value
    return found
