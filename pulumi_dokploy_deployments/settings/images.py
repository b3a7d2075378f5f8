"""Names of images: what is one, and whether what runs is what was named; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_HOST = rf"(?:{_HOST_LABEL}(?:\.{_HOST_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
# The grammar of Docker's own references.
_REFERENCE = re.compile(
    rf"(?P<name>(?:{_HOST}/)?{_PART}(?:/{_PART})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?"
    r"(?:@(?P<digest>[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-f]{32,}))?"
)
_DOCKER_HUB = ("docker.io/", "index.docker.io/")


@dataclass(frozen=True)
class Reference:
    """The name of an image, written out in full.

    Attributes:
        name: with its registry: `docker.io/library/nginx`.
        tag: `latest` where neither tag nor digest is given; None beside a digest alone.
        digest: None where none is given.
    """

    name: str
    tag: str | None
    digest: str | None

    @classmethod
    def parse(cls, text: str) -> Reference | None:
        """The reference that a text is; None where it is none."""
        found = _REFERENCE.fullmatch(text)
        if found is None:
            return None
        tag, digest = found["tag"], found["digest"]
        return cls(_whole(found["name"]), tag or (None if digest else "latest"), digest)


def is_reference(text: str) -> bool:
    """Whether Docker takes the text for the name of an image."""
    return Reference.parse(text) is not None


def is_what_was_named(named: str, running: str) -> bool:
    """Whether the image that runs is the one that was named.

    A digest decides where both have one; Swarm may add one to what was named by a tag. A name by a tag alone says
    nothing of what the tag pointed to.
    """
    wanted, found = Reference.parse(named), Reference.parse(running)
    if wanted is None or found is None:
        return named == running
    if wanted.name != found.name:
        return False
    if wanted.digest is not None:
        return wanted.digest == found.digest
    return wanted.tag == found.tag


def _whole(name: str) -> str:
    first, slash, rest = name.partition("/")
    is_host = bool(slash) and ("." in first or ":" in first or first == "localhost")
    if not is_host:
        return f"docker.io/{name}" if slash else f"docker.io/library/{name}"
    for host in _DOCKER_HUB:
        if name.startswith(host):
            return f"docker.io/{rest if '/' in rest else f'library/{rest}'}"
    return name
