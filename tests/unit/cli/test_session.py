"""One invocation: the key is asked for before anything runs, short faults are retried, and logs are harmless."""

from __future__ import annotations

import asyncio
import io
import os
import pty
import select
import signal
import subprocess
import sys
import time
from datetime import datetime

import pytest
from rich.console import Console

from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.api.errors import ApiError, ConnectionFailed, NotFound
from pulumi_dokploy_deployments.cli.session import Session
from tests.support.virtual_clock import VirtualClock

KEY = "rig" + "k" * 64


def console(**more: object) -> Console:
    return Console(file=io.StringIO(), width=200, highlight=False, emoji=False, markup=False, **more)  # type: ignore[arg-type]


def session(**more: object) -> Session:
    made = Session(out=console(), err=console(), **more)  # type: ignore[arg-type]
    made._connection = Connection.parse("https://d.example.com", KEY)
    return made


def written(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_key_is_asked_for_before_there_is_a_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(_self: Session, _question: str) -> str:
        with pytest.raises(RuntimeError, match="no running event loop"):
            asyncio.get_running_loop()
        return KEY

    monkeypatch.setattr(Session, "has_person", property(lambda _self: True))
    monkeypatch.setattr(Session, "_ask_for_key", ask)
    monkeypatch.delenv("DOKPLOY_API_KEY", raising=False)

    async def work(client: object) -> str:
        return "done"

    assert Session(endpoint="http://127.0.0.1:1").run(work) == "done"


def test_ctrl_c_at_the_question_for_the_key_ends_the_command() -> None:
    # Takes as long as an interpreter's start, at a real terminal.
    program = "from pulumi_dokploy_deployments.cli.start import main; main()"
    environ = {name: value for name, value in os.environ.items() if not name.startswith("DOKPLOY_")}
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", program, "list", "--endpoint", "http://127.0.0.1:1"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environ,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        seen = _read_until(ours, "API key for http://127.0.0.1:1")
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130, seen
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _read_until(terminal: int, words: str) -> str:
    seen, until = "", time.monotonic() + 20
    while words not in seen and time.monotonic() < until:
        if select.select([terminal], [], [], 0.5)[0]:
            seen += os.read(terminal, 1024).decode()
    assert words in seen
    return seen


async def test_a_short_fault_is_retried_and_a_lasting_one_is_told_within_seconds() -> None:
    clock = VirtualClock()
    of = session(clock=clock)
    faults: list[ApiError] = [ConnectionFailed("refused", operation="x", server="s") for _ in range(3)]

    async def read() -> str:
        if faults:
            raise faults.pop()
        return "read"

    assert await of.retry(read) == "read"
    began = clock.monotonic()
    faults.extend(ConnectionFailed("refused", operation="x", server="s") for _ in range(1000))
    with pytest.raises(ConnectionFailed):
        await of.retry(read)
    assert 5.0 < clock.monotonic() - began < 20.0
    assert written(of.err) == "", "one paragraph at the end is enough where nobody looks"


async def test_what_repeating_does_not_help_is_told_at_once() -> None:
    clock = VirtualClock()
    asked = 0

    async def read() -> str:
        nonlocal asked
        asked += 1
        raise NotFound("no", operation="x", server="s")

    with pytest.raises(NotFound):
        await session(clock=clock).retry(read)
    assert asked == 1


def test_a_line_of_a_log_shows_no_key_and_moves_no_cursor() -> None:
    of = session()
    of.log_line(f"\x1b[31mkey {KEY}\x1b[0m\x1b]0;title\x07 \x1b[2Jend")
    of.log_line("\x1b[31mred\x1b[0m [bold]as it is[/bold] :smile:")
    assert written(of.out).splitlines() == ["key [secret] end", "red [bold]as it is[/bold] :smile:"]


def test_colours_of_a_log_stay_at_a_terminal_and_only_there() -> None:
    terminal = console(force_terminal=True, color_system="standard")
    of = session()
    of.out = terminal
    of.log_line("\x1b[31mred\x1b[0m \x1b[2Jend")
    assert written(terminal) == "\x1b[31mred\x1b[0m end\n"


def test_a_log_is_json_line_by_line_for_scripts(capsys: pytest.CaptureFixture[str]) -> None:
    session(is_json=True).log_line(f"key {KEY}")
    assert capsys.readouterr().out == '{"event": "log", "line": "key [secret]"}\n'


def test_times_in_json_are_iso_in_utc(capsys: pytest.CaptureFixture[str]) -> None:
    session(is_json=True).json({"at": datetime.fromisoformat("2026-11-25T10:00:00.5+01:00")})
    assert capsys.readouterr().out == '{"at": "2026-11-25T09:00:00.500000Z"}\n'
