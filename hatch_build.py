"""What the package's page shows: the README with links that work there, and the addresses of the project.

Where the repository lives is told by the environment at build time: `PROJECT_URL`, or on GitHub Actions the
repository that the workflow runs in. Without one there are no addresses, and a link into the repository becomes
plain text.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]\n]+)\]\((?P<target>[^)\s]+)\)")
_PICTURE = re.compile(r"!\[(?P<text>[^\]\n]+)\]\((?P<target>[^)\s]+)\)")
_ELSEWHERE = ("http://", "https://", "mailto:", "#")


class ReadmeAndUrls(MetadataHookInterface):
    """Fills in `readme` and `urls`."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Called by hatchling with the rest of the metadata."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        repository = repository_of(os.environ)
        tag = f"v{metadata['version']}"
        metadata["readme"] = {"content-type": "text/markdown", "text": with_links(text, repository, tag)}
        if repository is not None:
            metadata["urls"] = urls_of(repository)


def repository_of(environ: Mapping[str, str]) -> str | None:
    """The repository's address in a browser, without a trailing slash; None where nothing tells it."""
    if own := environ.get("PROJECT_URL"):
        return own.rstrip("/")
    server, repository = environ.get("GITHUB_SERVER_URL"), environ.get("GITHUB_REPOSITORY")
    return f"{server}/{repository}" if server and repository else None


def urls_of(repository: str) -> dict[str, str]:
    """The links in the margin of the package's page."""
    return {
        "Documentation": f"{repository}/blob/HEAD/docs/_index.md",
        "Source": repository,
        "Changelog": f"{repository}/blob/HEAD/CHANGELOG.md",
        "Issues": f"{repository}/issues",
    }


def with_links(text: str, repository: str | None, tag: str) -> str:
    """The page with links and pictures of the repository, at this tag; where it has no address, with the links' texts
    alone and without the pictures.
    """

    def absolute(link: re.Match[str]) -> str:
        if link["target"].startswith(_ELSEWHERE):
            return link[0]
        if repository is None:
            return link["text"]
        return f"[{link['text']}]({repository}/blob/{tag}/{link['target'].removeprefix('./')})"

    def shown(picture: re.Match[str]) -> str:
        if picture["target"].startswith(_ELSEWHERE):
            return picture[0]
        if repository is None:
            return ""
        return f"![{picture['text']}]({repository}/raw/{tag}/{picture['target'].removeprefix('./')})"

    return _PICTURE.sub(shown, _LINK.sub(absolute, text))
