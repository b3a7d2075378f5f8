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
    *("pulumi.dynamic", "dill", "httpcore", "h11", "anyio._backends._asyncio", "certifi"),
    *("pulumi_dokploy_deployments.hosts.dynamic.operations", "pulumi_dokploy_deployments.hosts.plugin.serving"),
)


@dataclass(frozen=True)
class Asked:
    """What an interpreter is started with."""

    arguments: list[str]
    environment: dict[str, str]
    folder: str


@dataclass(frozen=True)
class Fork:
    """A process, and the connection of the launcher that stands for it."""

    pid: int
    handle: int
    launcher: socket.socket


class Forks:
    """Forks when somebody asks for an interpreter, passes signals on, and tells how each one ended.

    A fork whose launcher is gone is killed: whoever killed the launcher meant the interpreter.
    """

    def __init__(self, address: Path) -> None:
        self._selector = selectors.DefaultSelector()
        self._server = socket.socket(socket.AF_UNIX)
        made = address.with_suffix(".new")
        self._server.bind(str(made))
        self._server.listen(64)
        made.rename(address)
        self._forks: dict[int, Fork] = {}

    def next_process(self) -> Asked | None:
        """Serve; in each fork it returns what that one is to do, in this process None when its input is closed."""
        self._selector.register(sys.stdin, selectors.EVENT_READ)
        self._selector.register(self._server, selectors.EVENT_READ)
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is sys.stdin:
                    for fork in self._forks.values():
                        os.kill(fork.pid, signal.SIGKILL)
                    return None
                if key.fileobj is self._server:
                    asked = self._fork()
                    if asked is not None:
                        return asked
                elif key.data not in self._forks:
                    continue  # it has ended a moment ago
                elif isinstance(key.fileobj, int):
                    self._ended(self._forks.pop(key.data))
                else:
                    self._told(self._forks[key.data])

    def _fork(self) -> Asked | None:
        launcher, _ = self._server.accept()
        _, streams, _, _ = socket.recv_fds(launcher, 1, 3)
        with launcher.makefile("rb") as said:
            line = said.readline()
        if not line.endswith(b"\n"):  # killed before it had said what it wants
            for stream in streams:
                os.close(stream)
            launcher.close()
            return None
        asked = Asked(*ast.literal_eval(line.decode()))
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
        self._forks[pid] = Fork(pid, handle, launcher)
        self._selector.register(handle, selectors.EVENT_READ, pid)
        self._selector.register(launcher, selectors.EVENT_READ, pid)
        return None

    def _told(self, fork: Fork) -> None:
        numbers = fork.launcher.recv(16)
        for number in numbers or [signal.SIGKILL]:
            os.kill(fork.pid, number)
        if not numbers:
            self._selector.unregister(fork.launcher)

    def _ended(self, fork: Fork) -> None:
        self._selector.unregister(fork.handle)
        os.close(fork.handle)
        code = os.waitstatus_to_exitcode(os.waitpid(fork.pid, 0)[1])
        with suppress(KeyError):  # the launcher went first
            self._selector.unregister(fork.launcher)
        with suppress(OSError), fork.launcher:
            fork.launcher.sendall(f"{code}\n".encode())

    def _leave(self, launcher: socket.socket) -> None:
        """Close what is the server's alone."""
        self._selector.close()
        self._server.close()
        launcher.close()
        for other in self._forks.values():
            os.close(other.handle)
            other.launcher.close()


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
