"""What a compose deployment makes: containers of `compose up`, or Swarm services of `stack deploy`."""

import dataclasses
import hashlib

from .compose_file import Member, active, environment, read
from .containers import Unit, image_id
from .images import of_process
from .placement import unmet
from .processes import Process, from_command
from .services import Deployable
from .state import State
from .tasks import UNMET, Spec

BUILT_FILE = "services:\n  web:\n    build: .\n"
"""The file of a git source that nobody wrote one for."""


def text_of(compose: Deployable) -> str:
    """Return the compose file: the stored one, or that of the checked out commit."""
    return str(compose.fields["composeFile"] or "") or (BUILT_FILE if compose.from_git else "")


def members_of(compose: Deployable) -> list[Member]:
    """Return the services of the file, those behind inactive profiles too. Raises InvalidFile."""
    return read(text_of(compose), environment(compose.fields["env"]))


def wanted(compose: Deployable) -> list[Member]:
    """Return the services that a deployment starts."""
    return active(members_of(compose), environment(compose.fields["env"]))


def missing_image(state: State, compose: Deployable) -> str | None:
    """Return the first image that can't be pulled: compose then fails and changes nothing (507, 573)."""
    pulled = (member.image for member in wanted(compose) if not member.builds)
    return next((image for image in pulled if state.images.is_missing(image)), None)


def process_of(state: State, compose: Deployable, member: Member) -> Process:
    """Return what a container of the service does: as a test says, or else as image and command tell."""
    behaviour = compose.behaviour
    if member.name in behaviour.members:
        return behaviour.members[member.name]
    process = behaviour.process
    commit = compose.checked_out
    if commit is not None and commit.runtime is not None:
        process = dataclasses.replace(process, runtime=commit.runtime)
    process = dataclasses.replace(process, **state.images.processes.get(member.image, {}))
    return from_command(member.command, process)


def image_of(compose: Deployable, member: Member) -> str:
    """Return the image's name; one that is built is called after project and service."""
    return member.image or f"{compose.app_name}-{member.name}"


def units(state: State, compose: Deployable) -> list[Unit]:
    """Return the containers that `compose up` wants."""
    found: list[Unit] = []
    commit = compose.checked_out.sha if compose.checked_out else None
    for member in wanted(compose):
        process, image = process_of(state, compose, member), image_of(compose, member)
        # What a process does belongs to its image: a test that changes it stands for a changed image.
        identity = image_id(image, commit if member.builds else None, process)
        first = Unit(member.name, 1, image, identity, member.config_hash, process, member.restart, member.checked)
        found += [dataclasses.replace(first, number=number) for number in range(1, member.replicas + 1)]
    return found


def specs(state: State, compose: Deployable) -> dict[str, Spec]:
    """Return the Swarm services that `stack deploy` wants, by full name."""
    commit = compose.checked_out.sha if compose.checked_out else None
    found = {}
    for member in members_of(compose):
        process, image = process_of(state, compose, member), image_of(compose, member)
        if member.checked is False:
            process = dataclasses.replace(process, runtime="unhealthy")
        absent = state.images.is_missing(image)
        behaviour = compose.behaviour
        found[f"{compose.app_name}_{member.name}"] = Spec(
            image,
            of_process(process, commit if member.builds else None, missing=absent),
            command=" ".join(member.command) or None,
            replicas=member.replicas,
            order=member.order,
            failure_action=member.failure_action,
            rollback_order=member.rollback_order,
            monitor=member.monitor,
            monitor_given=True,
            restart=member.swarm_restart,
            constraints=member.constraints,
            unplaceable=behaviour.unplaceable or (UNMET if unmet(member.constraints) else ""),
            namespace=compose.app_name,
            digest="" if absent else hashlib.sha256(image.encode()).hexdigest(),
        )
    return found
