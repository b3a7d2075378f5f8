"""Carries a deployment out: prepares the row, lets the log grow, ends it, hands the result to Swarm."""

import copy
import dataclasses
from collections.abc import Callable

from . import composing, scripts
from .compose_file import InvalidFile
from .history import Rollback, Row
from .ids import log_stamp
from .images import of_process
from .jobs import Job
from .logs import LogFile, path_of
from .processes import from_command
from .services import Commit, Deployable, Registry
from .state import State
from .tasks import Content

PREPARE = 0.030
"""Seconds from an active job to its row (transcripts 30, 33, 200)."""
OVERWRITE = 0.09
"""Seconds from a git source's final status to its overwritten title (transcript 242)."""
LEAVE = 0.012
"""Seconds from the last change of a row until its job leaves the queue."""
KILL = 0.1
"""Seconds from killBuild to the final status (transcript 130)."""


class Build:
    """One running deployment."""

    def __init__(self, world: State, job: Job, service: Deployable, leave: Callable[[Job], None]) -> None:
        """Prepare to carry `job` out for `service`; nothing happens before `start`, `leave` takes it off the queue."""
        self.world = world
        self.job = job
        self.service = service
        self._leave_queue = leave
        self.redeploy = job.data["type"] == "redeploy"
        self.row: Row | None = None
        self.rollback: Rollback | None = None
        self.log: LogFile | None = None
        self.script = scripts.Script()
        self.started = 0.0

    def start(self) -> None:
        """Begin: the service is `running` from here on, its row follows a moment later."""
        if self.world.faults.database_down:
            self._leave()
            return
        self.service.set_status("running")
        self._plan(PREPARE, self._create_row)

    def _plan(self, delay: float, action: Callable[[], None]) -> None:
        self.job.events.append(self.world.agenda.after(delay, action))

    def _create_row(self) -> None:
        world, service, data = self.world, self.service, self.job.data
        if world.faults.database_down:
            self._leave()
            return
        title = str(data.get("titleLog") or "Deployment")
        description = str(data.get("descriptionLog") or "")
        now = world.agenda.now
        path = path_of(service.app_name, log_stamp(now))
        owner = {f"{service.kind}Id": service.id}
        if "\x00" in title + description:
            # Postgres refuses the character after the pruning: no row, the status stays (transcript 204).
            world.history.prune(owner)
            self._leave()
            return
        broken = service.behaviour.build == "log_unwritable"
        log_path = "" if broken else path
        if self.job.row is not None and self.job.row in world.history.rows:
            row = world.history.begin(self.job.row, now, log_path)
        else:
            row = world.history.insert(now, owner=owner, title=title, description=description, log_path=log_path)
        self.row, self.started = row, now
        if broken:
            world.history.finish(row, "error", now)
            reason = f"EEXIST: file already exists, mkdir '/etc/dokploy/logs/{service.app_name}'"
            row.fields["errorMessage"] = f"An error have occurred: {reason}"
            self.job.failure = "Error creating the deployment"
            service.set_status("error")
            self._leave()
            return
        row.fields["buildServerId"] = service.build_server_id
        self.log = world.logs.create(path, service.build_host)
        self.log.chunks.append("Initializing deployment\n")
        if service.build_host:
            self.log.chunks.append("Building on Build Server\n")
        self._create_rollback()
        self._write_script()

    def _create_rollback(self) -> None:
        """Reserve a version before the build, so that failed rows have one too (transcript 164)."""
        service, registry = self.service, self._rollback_registry()
        if self.row is None or registry is None:
            return
        context = copy.deepcopy(service.fields) | self.world.nested_context(service)
        context["rollbackRegistry"] = dict(registry.fields)
        newest = self.world.history.of("applicationId", service.id)[0]
        self.rollback = self.world.history.add_rollback(
            newest, self.world.agenda.now + 0.009, service.app_name, context
        )

    def _rollback_registry(self) -> Registry | None:
        fields = self.service.fields
        if self.service.kind != "application" or not fields["rollbackActive"]:
            return None
        return self.world.registries.get(str(fields["rollbackRegistryId"] or ""))

    def _write_script(self) -> None:
        service, world, script = self.service, self.world, self.script
        if service.from_git and not self.redeploy:
            head = service.repository.head(service.ref) if service.repository else None
            scripts.clone(script, service, head)
            # A clone starts by removing the old working copy, also when it fails afterwards.
            service.checked_out = None if script.fails else head
        if not script.fails:
            if service.kind == "compose":
                self._script_compose()
            elif service.built:
                self._script_build()
            elif not self.redeploy:
                image = str(service.fields["dockerImage"] or "")
                scripts.pull(script, service, world.images.is_missing(image), world.ids)
            if not script.fails:
                self._script_pushes()
        duration = service.behaviour.build_seconds
        for place, text in script.pieces:
            self._plan(script.offset(place, duration), self._writer(text))
        if script.fails:
            self._plan(duration, lambda: self._finish("error"))
        else:
            self._plan(duration, lambda: self._finish("done"))

    def _script_compose(self) -> None:
        world, service, script = self.world, self.service, self.script
        stack = service.fields["composeType"] == "stack"
        if service.from_git and service.checked_out is None:
            scripts.compose_up(script, service, False, [])
            script.fail(0.97, "no configuration file provided: not found\n")
            return
        service.stored_file = composing.text_of(service)
        try:
            names = list(dict.fromkeys(member.name for member in composing.wanted(service)))
            missing = None if stack else composing.missing_image(world, service)
        except InvalidFile as error:
            scripts.compose_up(script, service, False, [], str(error))
            return
        creating = not world.containers.of(service.app_name, service.server_id)
        reason = f"Error response from daemon: manifest for {missing} not found: manifest unknown" if missing else None
        scripts.compose_up(script, service, creating, names, reason)
        if not (stack or script.fails):
            place = script.offset(scripts.CREATED, service.behaviour.build_seconds)
            self._plan(place, self._create_containers)

    def _create_containers(self) -> None:
        service = self.service
        units = composing.units(self.world, service)
        self.world.containers.prepare(service.app_name, service.server_id, units)

    def _script_build(self) -> None:
        if self.service.checked_out is None:
            code = f"/etc/dokploy/applications/{self.service.app_name}/code"
            self.script.add(0.1, f"Building {self.service.app_name}\n")
            self.script.fail(0.5, f"cd: {code}: No such file or directory\n")
            return
        build = scripts.buildkit if self.service.build_server_id else scripts.image_build
        build(self.script, self.service, self.service.checked_out, self.world.ids)

    def _script_pushes(self) -> None:
        world, service = self.world, self.service
        if service.kind != "application":
            return
        image = f"{service.app_name}:latest" if service.built else str(service.fields["dockerImage"])
        swarm = world.registries.get(str(service.fields["registryId"] or ""))
        if swarm is not None:
            scripts.push(self.script, swarm, image, "📦 [Enabled Registry Swarm]", world.ids, 0.91)
        build = world.registries.get(str(service.fields["buildRegistryId"] or ""))
        if build is not None:
            scripts.push(self.script, build, image, "🔑 [Enabled Build Registry]", world.ids, 0.93)
            self.script.add(0.965, scripts.PULLED_LATER)
        registry = self._rollback_registry()
        if registry is not None and self.rollback is not None:
            heading = "🔄 [Enabled Rollback Registry]"
            scripts.push(self.script, registry, self.rollback.image, heading, world.ids, 0.95)

    def _writer(self, text: str) -> Callable[[], None]:
        def write() -> None:
            killed = self.job.killed and text == scripts.DEPLOYED
            if self.log is not None and not killed:
                self.log.chunks.append(text)

        return write

    @property
    def killable(self) -> bool:
        """Tell whether a `docker build` process of it runs right now."""
        begin = self.script.killable_from
        if begin is None or self.row is None:
            return False
        elapsed = self.world.agenda.now - self.started
        length = self.service.behaviour.build_seconds
        return self.script.offset(begin, length) <= elapsed < self.script.offset(0.9, length)

    def kill(self) -> None:
        """Interrupt the image build, as `pkill` does to every build of the host (transcript 233)."""
        for event in self.job.events:
            event.cancelled = True
        self.job.events.clear()
        self._plan(KILL, lambda: self._finish("error"))

    def _finish(self, status: str) -> None:
        world, row, service, now = self.world, self.row, self.service, self.world.agenda.now
        if status == "done" and not self._deploy_result():
            status = "error"
        if self.job.killed and status == "done":
            # compose goes on in spite of the kill and replaces the container (transcript 250).
            status = "error"
        if self.log is not None and (status == "error" or world.faults.database_down):
            self.log.chunks.append(scripts.FAILURE)
        if world.faults.database_down:
            # Neither the row nor the service can be updated any more (transcripts 196, 252).
            self._leave()
            return
        if row is not None:
            world.history.finish(row, status, now)
        if status == "error":
            self.job.failure = "Error: Command execution failed"
        service.set_status(status)
        if service.from_git and not self.redeploy:
            self._plan(OVERWRITE, self._overwrite_title)
        else:
            self._leave()

    def _overwrite_title(self) -> None:
        commit = self.service.checked_out
        if self.row is not None and commit is not None and not self.world.faults.database_down:
            self.row.fields["title"] = commit.message
            self.row.fields["description"] = f"Commit: {commit.sha}"
        self._leave()

    def _leave(self) -> None:
        self._plan(LEAVE, lambda: self._leave_queue(self.job))

    def _deploy_result(self) -> bool:
        """Hand the result to Swarm or compose; return whether that works."""
        world, service = self.world, self.service
        if service.kind == "compose":
            if service.fields["composeType"] == "stack":
                self._deploy_stack()
                return True
            units = composing.units(world, service)
            failed = world.containers.up(service.app_name, service.server_id, units)
            if failed and self.log is not None:
                self.log.chunks.append(f"Error response from daemon: {failed[0].error}\n")
            return not failed
        content = self._content(service.checked_out)
        image = str(service.fields["dockerImage"] or "ERROR-NO-IMAGE-PROVIDED")
        if service.built:
            image = f"{service.app_name}:latest"
            world.images.build(world.ids.hexadecimal(64), image, content, world.agenda.now)
            build = "buildRegistryId" if service.build_server_id else "registryId"
            registry = world.registries.get(str(service.fields[build] or service.fields["registryId"] or ""))
            if registry is not None:
                image = registry.tag(image)
                world.images.pushed[image] = content
        rollback_registry = self._rollback_registry()
        if rollback_registry is not None and self.rollback is not None:
            world.images.pushed[rollback_registry.tag(self.rollback.image)] = content
        world.swarm.deploy(service.app_name, service.server_id, world.spec_of(service, image, content))
        return True

    def _deploy_stack(self) -> None:
        world, service = self.world, self.service
        wanted = composing.specs(world, service)
        for found in world.swarm.of_stack(service.app_name, service.server_id):
            if found.name not in wanted:
                world.swarm.remove(found.name, service.server_id)
        for name, spec in wanted.items():
            world.swarm.deploy(name, service.server_id, spec, force=False)

    def _content(self, commit: Commit | None) -> Content:
        service, behaviour = self.service, self.service.behaviour
        version = self.rollback.fields["version"] if self.rollback is not None else None
        command = str(service.fields.get("command") or "")
        if not service.from_git or commit is None:
            image = str(service.fields.get("dockerImage") or "") or "local/busybox:1"
            found = self.world.images.content(image, behaviour, command)
            return dataclasses.replace(found, commit=None, version=version)
        process = dataclasses.replace(behaviour.process, runtime=commit.runtime or behaviour.runtime)
        return of_process(from_command(command, process), commit.sha, version)
