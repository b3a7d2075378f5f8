"""The process that imports, and forks: `python -m tests.support.warm_python SOCKET`, until its input is closed."""

from __future__ import annotations

import ast
import gc
import importlib
import io
import os
import runpy
import selectors
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pulumi_dokploy_deployments.loading import loading

IMPORTED = (
    *("pulumi", "pulumi.dynamic", "dill", "grpc.aio", "pydantic", "pydantic.fields", "pydantic.main"),
    *("httpx", "httpcore", "h11", "anyio._backends._asyncio", "certifi", "websockets.asyncio.client"),
)


@dataclass(frozen=True)
class Asked:
    """What an interpreter is started with."""

    arguments: list[str]
    environment: dict[str, str]
    folder: str


class Forks:
    """Forks when somebody asks for an interpreter, tells how each one ended, and ends those whose launcher is gone."""

    def __init__(self, address: Path) -> None:
        self._selector = selectors.DefaultSelector()
        self._server = socket.socket(socket.AF_UNIX)
        made = address.with_suffix(".new")
        self._server.bind(str(made))
        self._server.listen(64)
        made.rename(address)
        self._launchers: dict[int, socket.socket] = {}
        self._pids: dict[int, int] = {}

    def next_process(self) -> Asked | None:
        """Serve; in each fork it returns what that one is to do, in this process None when its input is closed."""
        self._selector.register(sys.stdin, selectors.EVENT_READ)
        self._selector.register(self._server, selectors.EVENT_READ)
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is sys.stdin:
                    for pid in self._pids.values():
                        os.kill(pid, signal.SIGKILL)
                    return None
                if key.fileobj is self._server:
                    asked = self._fork()
                    if asked is not None:
                        return asked
                elif isinstance(key.fileobj, int):
                    self._ended(key.fileobj)
                else:
                    self._selector.unregister(key.fileobj)
                    os.kill(key.data, signal.SIGKILL)

    def _fork(self) -> Asked | None:
        launcher, _ = self._server.accept()
        _, streams, _, _ = socket.recv_fds(launcher, 1, 3)
        with launcher.makefile("rb") as said:
            asked = Asked(*ast.literal_eval(said.readline().decode()))
        pid = os.fork()
        if pid == 0:
            self._leave(launcher)
            for number, stream in enumerate(streams):
                os.dup2(stream, number)
                os.close(stream)
            return asked
        for stream in streams:
            os.close(stream)
        handle = os.pidfd_open(pid)
        self._pids[handle], self._launchers[handle] = pid, launcher
        self._selector.register(handle, selectors.EVENT_READ)
        self._selector.register(launcher, selectors.EVENT_READ, pid)
        launcher.sendall(f"{pid}\n".encode())
        return None

    def _ended(self, handle: int) -> None:
        pid, launcher = self._pids.pop(handle), self._launchers.pop(handle)
        self._selector.unregister(handle)
        os.close(handle)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        with suppress(KeyError):  # the launcher went first
            self._selector.unregister(launcher)
        with suppress(OSError), launcher:
            launcher.sendall(f"{code}\n".encode())

    def _leave(self, launcher: socket.socket) -> None:
        """Close what is the server's alone."""
        self._selector.close()
        self._server.close()
        launcher.close()
        for handle, other in self._launchers.items():
            os.close(handle)
            other.close()


def become(asked: Asked) -> None:
    """Do what `python3 -u ARGUMENTS` does."""
    os.environ.clear()
    os.environ.update(asked.environment)
    os.chdir(asked.folder)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(write_through=True)
    searched = [part for part in asked.environment.get("PYTHONPATH", "").split(os.pathsep) if part]
    first, *others = asked.arguments
    is_module = first == "-m"
    sys.path[:1] = [asked.folder if is_module else str(Path(first).parent), *searched]
    if is_module:
        sys.argv = others
        runpy.run_module(others[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv = [first, *others]
        runpy.run_path(first, run_name="__main__")


def main() -> None:
    """Import, serve, and in a fork do what is asked."""
    with loading():
        for name in IMPORTED:
            importlib.import_module(name)
    gc.collect()
    gc.freeze()
    asked = Forks(Path(sys.argv[1])).next_process()
    if asked is not None:
        become(asked)


main()
