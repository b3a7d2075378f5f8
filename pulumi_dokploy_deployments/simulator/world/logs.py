"""Log files of deployments: they grow while a build runs, and whoever follows them sees the chunks."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

BASE_PATH = "/etc/dokploy"
VALID_PATH = re.compile(r"[\w/. :[\]-]{1,500}", re.ASCII)


@dataclass
class LogFile:
    """One log file as the pieces that were written to it, in order."""

    chunks: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Return the whole content so far."""
        return "".join(self.chunks)


class Logs:
    """The log folders of all hosts (deployment.readLogs, /listen-deployment).

    `host` is the remote or build server that has the file; None is Dokploy's own host. Nobody else finds it.
    """

    def __init__(self) -> None:
        """Start with empty folders."""
        self._files: dict[tuple[str | None, str], LogFile] = {}

    def create(self, path: str, host: str | None = None) -> LogFile:
        """Start a file anew; two deployments of one second share a name, the later one wins (150)."""
        self._files[host, path] = LogFile()
        return self._files[host, path]

    def find(self, path: str, host: str | None = None) -> LogFile | None:
        """Return the host's file, or None when it does not exist (any more)."""
        return self._files.get((host, path))

    def remove(self, path: str) -> None:
        """Unlink the file; a writer keeps its open handle, readers find nothing."""
        self._keep(lambda other: other != path)

    def clear(self, app_name: str) -> None:
        """Remove the folder of one service (application.clearDeployments, transcript 179)."""
        prefix = f"{BASE_PATH}/logs/{app_name}/"
        self._keep(lambda path: not path.startswith(prefix))

    def _keep(self, kept: Callable[[str], bool]) -> None:
        self._files = {key: file for key, file in self._files.items() if kept(key[1])}

    def tail(self, path: str, lines: int, host: str | None = None) -> str:
        """Return the last `lines` lines; a missing file reads as one newline (transcript 179b)."""
        file = self._files.get((host, path))
        if file is None:
            return "\n"
        return _tail(file.text, lines)


def _tail(text: str, lines: int) -> str:
    """Cut by newline only: carriage returns of git's progress don't end a line for `tail`."""
    parts = text.split("\n")
    ended = parts and parts[-1] == ""
    body = parts[:-1] if ended else parts
    return "\n".join(body[-lines:]) + ("\n" if ended else "")


def allowed(path: str) -> bool:
    """Tell whether /listen-deployment accepts the path: inside Dokploy's folder (transcript 309)."""
    if not VALID_PATH.fullmatch(path):
        return False
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in {"", "."}:
            parts.append(part)
    resolved = "/" + "/".join(parts)
    return resolved == BASE_PATH or resolved.startswith(BASE_PATH + "/")


def path_of(app_name: str, stamp: str) -> str:
    """Return the log path of a deployment that starts at `stamp` (transcript 31)."""
    return f"{BASE_PATH}/logs/{app_name}/{app_name}-{stamp}.log"
