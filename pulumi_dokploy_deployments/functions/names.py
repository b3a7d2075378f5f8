"""Which service a text means: an id, the address of a page in the dashboard, or a name with or without its project."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from pulumi_dokploy_deployments.api.client import DokployClient
from pulumi_dokploy_deployments.api.errors import AccessDenied, InvalidRequest, NotFound, Step
from pulumi_dokploy_deployments.api.models import Service, ServiceKind, ServiceStatus
from pulumi_dokploy_deployments.api.services import ServiceRef, page_in
from pulumi_dokploy_deployments.functions.identity import UnknownId, existing_service

MOST_AT_ONCE = 8
"""Requests that run side by side where each service has to be asked about."""
MOST_SHOWN = 10
_ID = re.compile(r"[A-Za-z0-9_-]+")


class UnknownName(UnknownId):
    """No service has this name or id.

    Attributes:
        is_told_with_others: whether the message has services that may be meant.
    """

    is_told_with_others = False


class AmbiguousName(UnknownId):
    """Several services have this name."""


@dataclass(frozen=True)
class Found:
    """A service with its place."""

    ref: ServiceRef
    name: str
    project: str
    project_id: str
    environment: str
    environment_id: str
    status: ServiceStatus | None = None

    @property
    def path(self) -> str:
        """`<project>/<environment>/<name>`."""
        return f"{self.project}/{self.environment}/{self.name}"

    def is_in(self, project: str | None, environment: str | None) -> bool:
        """Whether it is there; both may be given by name or id, and None is everywhere."""
        return project in (None, self.project, self.project_id) and environment in (
            None,
            self.environment,
            self.environment_id,
        )


async def resolve_service(
    client: DokployClient,
    kind: ServiceKind | None,
    text: str,
    project: str | None = None,
    environment: str | None = None,
) -> ServiceRef:
    """The service that a text means.

    Args:
        client: the server.
        kind: what it has to be; None where any kind goes.
        text: its id, the address of its page in the dashboard, its name, `<project>/<name>` or
            `<project>/<environment>/<name>`.
        project: the name or id of the project in which a name is looked for; None looks in all.
        environment: likewise of the environment.

    Raises:
        UnknownName: there is no such service; the message has the names that look like it.
        AmbiguousName: several have this name; the message has them with their ids.
        ApiError: the server could not be asked.
    """
    text = text.strip()
    page = page_in(text)
    if page is not None:
        if kind is not None and page.kind is not kind:
            raise _other_kind(text, kind, page.kind, "is the address of")
        return page
    if kind is not None and _ID.fullmatch(text) and await _is_id(client, kind, text):
        return ServiceRef(kind, text)
    of_kind = await find_services(client, ServiceKind if kind is None else (kind,))
    matches = matching(of_kind, text, project, environment)
    if len(matches) == 1:
        return matches[0].ref
    if matches:
        raise _ambiguous(kind, text, matches)
    # The message names what may have been meant of other kinds as well.
    services = of_kind if kind is None else await find_services(client)
    raise _unknown(client.connection.origin, kind, text, services, project, environment)


async def named_service(client: DokployClient, kind: ServiceKind, text: str) -> Service:
    """The service of a kind that a text names, as `resolve_service` has it.

    What is an id costs one request; only what is none is looked for among the names.

    Raises:
        UnknownId: there is no such service, or several have this name; the message has those that may be meant.
        ApiError: the server could not be asked, or the key's user may not see the service.
    """
    if page_in(text) is None:
        try:
            return await existing_service(client, kind, text)
        except (UnknownId, AccessDenied, InvalidRequest) as error:
            refused = error
    else:
        refused = None
    try:
        found = await resolve_service(client, kind, text)
    except UnknownName as unknown:
        # To a member every id that is not theirs is a refusal, and so is a name.
        if unknown.is_told_with_others or not isinstance(refused, AccessDenied):
            raise
        raise refused from None
    except AccessDenied:
        if refused is None:
            raise
        raise refused from None
    return await existing_service(client, found.kind, found.service_id)


async def find_services(client: DokployClient, kinds: Iterable[ServiceKind] = ServiceKind) -> list[Found]:
    """Every service that the key's user may see, in the order of the dashboard's projects.

    Databases are asked about one by one where the server lists them by their ids alone (transcript 550).

    Raises:
        ApiError: the server could not be asked.
    """
    wanted = frozenset(kinds)
    listed = [
        Found(
            ServiceRef(one.kind, one.service_id),
            one.name or "",
            project.name,
            project.project_id,
            environment.name,
            environment.environment_id,
            one.status,
        )
        for project in await client.projects()
        for environment in project.environments
        for one in environment.services
        if one.kind in wanted
    ]
    nameless = [found.ref for found in listed if not found.name]
    known = dict(zip(nameless, await read_services(client, nameless), strict=True))
    named = []
    for found in listed:
        service = known.get(found.ref)
        if service is not None:
            named.append(replace(found, name=service.name, status=service.status))
        elif found.name:
            named.append(found)
    return named


async def read_services(client: DokployClient, refs: Sequence[ServiceRef]) -> list[Service | None]:
    """`<kind>.one` of each; None for one that is gone meanwhile, or that the key's user may not see.

    Raises:
        ApiError: the server could not be asked.
    """
    few = asyncio.Semaphore(MOST_AT_ONCE)

    async def read(ref: ServiceRef) -> Service | None:
        async with few:
            try:
                return await client.read_service(ref.kind, ref.service_id)
            except (NotFound, AccessDenied):
                return None

    return await asyncio.gather(*(read(ref) for ref in refs))


def matching(
    services: Iterable[Found], text: str, project: str | None = None, environment: str | None = None
) -> list[Found]:
    """The services that a text means: by id, else by name, else by a path that ends in a name."""
    here = [found for found in services if found.is_in(project, environment)]
    by_id = [found for found in here if found.ref.service_id == text]
    by_name = by_id or [found for found in here if found.name == text]
    return by_name or [found for found in here if text in (found.path, f"{found.project}/{found.name}")]


async def _is_id(client: DokployClient, kind: ServiceKind, text: str) -> bool:
    try:
        await client.read_service(kind, text)
    except (NotFound, AccessDenied, InvalidRequest):
        # To a member every id that is not theirs is a refusal, and so is a text that is none.
        return False
    return True


def _ambiguous(kind: ServiceKind | None, text: str, matches: Sequence[Found]) -> AmbiguousName:
    shown = _listed(matches)
    return AmbiguousName(
        f"{text!r} names {len(matches)} services: {shown}.",
        next_step="Give the id of the one that is meant, or its path as `project/environment/name`.",
        step=Step.CHANGE_INPUT,
        property_name=_property(kind),
    )


def _unknown(
    server: str,
    kind: ServiceKind | None,
    text: str,
    services: Sequence[Found],
    project: str | None,
    environment: str | None,
) -> UnknownName:
    others = matching(services, text)
    if kind is not None and (other := next((one for one in others if one.ref.kind is not kind), None)) is not None:
        return _other_kind(text, kind, other.ref.kind, "is")
    what = kind.value if kind is not None else "service"
    place = f" in the project {project!r}" if project is not None else ""
    place += f" in the environment {environment!r}" if environment is not None else ""
    of_kind = [found for found in services if kind in (None, found.ref.kind)]
    near = others or _near(of_kind, text)
    next_step = f"Did you mean {_listed(near, 'or')}?" if near else _how_to_find(kind)
    error = UnknownName(
        f"{server} has no {what} with the name or id {text!r}{place}.",
        next_step=next_step,
        step=Step.CHANGE_INPUT,
        property_name=_property(kind),
    )
    error.is_told_with_others = bool(near)
    return error


def _near(services: Sequence[Found], text: str) -> list[Found]:
    """What the text may be a slip of, in a name or a path; case does not count."""
    spellings: dict[str, list[Found]] = {}
    for found in services:
        for spelling in {found.name.lower(), f"{found.project}/{found.name}".lower(), found.path.lower()}:
            spellings.setdefault(spelling, []).append(found)
    close = get_close_matches(text.lower(), spellings, n=3, cutoff=0.6)
    return list(dict.fromkeys(found for spelling in close for found in spellings[spelling]))[:3]


def _listed(services: Sequence[Found], last: str = "and") -> str:
    shown = [f"{one.path} ({one.ref.kind.value}, id {one.ref.service_id})" for one in services[:MOST_SHOWN]]
    if len(services) > MOST_SHOWN:
        shown.append(f"{len(services) - MOST_SHOWN} more")
    return f" {last} ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else shown[0]


def _other_kind(text: str, kind: ServiceKind, other: ServiceKind, verb: str) -> UnknownName:
    article = "an" if other is ServiceKind.APPLICATION else "a"
    error = UnknownName(
        f"{text!r} {verb} {article} {other.value}, and not {'an' if kind is ServiceKind.APPLICATION else 'a'} "
        f"{kind.value}.",
        next_step=f"Name it as {article} {other.value}.",
        step=Step.CHANGE_INPUT,
        property_name=_property(kind),
    )
    error.is_told_with_others = True
    return error


def _how_to_find(kind: ServiceKind | None) -> str:
    where = f"/{kind.value}/" if kind is not None else "/services/"
    return f"Names are as in the dashboard; the id is in the address of the service's page there, after {where}."


def _property(kind: ServiceKind | None) -> str:
    return f"{kind.value}_id" if kind is not None else "name"
