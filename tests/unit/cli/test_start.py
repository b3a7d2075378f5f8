"""Ctrl-C ends every command at any moment with one line and 130, and does not wait for what can't be broken off."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Coroutine
from types import ModuleType
from typing import Any, NoReturn

import pytest
from typer.testing import CliRunner

from pulumi_dokploy_deployments.cli import start
from pulumi_dokploy_deployments.cli.main import app
from pulumi_dokploy_deployments.cli.running import run

SOME = {"DOKPLOY_ENDPOINT": "http://127.0.0.1:1", "DOKPLOY_API_KEY": "k" * 70}
LINES = [
    ["list"],
    ["services"],
    ["queue"],
    ["logs", "d1"],
    ["logs", "d1", "--follow"],
    ["logs", "d1", "--container"],
    ["watch", "--application", "a1"],
    ["candidates", "--application", "a1"],
    ["deploy", "--application", "a1"],
    ["rollback", "--application", "a1", "--version", "1"],
    ["kill", "d1"],
    ["remove", "d1"],
    ["doctor"],
    ["simulate"],
]


def test_there_is_a_line_for_every_command() -> None:
    names = [command.name or command.callback.__name__ for command in app.registered_commands if command.callback]
    assert {line[0] for line in LINES} == set(names)


@pytest.mark.parametrize("line", LINES, ids=" ".join)
@pytest.mark.parametrize("moment", ["while it works", "while libraries are loaded"])
def test_ctrl_c_is_one_line_and_130(line: list[str], moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*given: object, **_: object) -> NoReturn:
        for work in given:
            if isinstance(work, Coroutine):
                work.close()
        raise KeyboardInterrupt

    if moment == "while it works":
        monkeypatch.setattr(asyncio, "run", interrupt)
        monkeypatch.setattr(subprocess, "Popen", interrupt)
    else:
        monkeypatch.setattr("pulumi_dokploy_deployments.cli.session.Session.__init__", interrupt)
    people = CliRunner().invoke(app, line, env=SOME)
    scripts = CliRunner().invoke(app, [*line, "--json"], env=SOME)
    assert (people.exit_code, scripts.exit_code) == (130, 130)
    assert people.stderr.startswith("Interrupted.")
    assert people.stderr.count("\n") == 1
    assert json.loads(scripts.stdout)["error"]["type"] == "Interrupted"


@pytest.mark.parametrize("is_json", [False, True])
def test_ctrl_c_before_there_is_a_command_is_told_likewise(
    is_json: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _interrupted_program(monkeypatch, ["list", *(["--json"] if is_json else [])])
    with pytest.raises(SystemExit) as ended:
        start.main()
    told = capsys.readouterr()
    assert (ended.value.code, told.err) == (130, "Interrupted.\n")
    assert told.out == (
        '{"error": {"type": "Interrupted", "message": "Interrupted.", "exit_code": 130}}\n' if is_json else ""
    )


def test_ctrl_c_while_a_word_is_completed_says_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _interrupted_program(monkeypatch, [])
    monkeypatch.setenv(start.COMPLETING, "complete_bash")
    with pytest.raises(SystemExit):
        start.main()
    assert capsys.readouterr() == ("", "")


def _interrupted_program(monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    def interrupted() -> NoReturn:
        raise KeyboardInterrupt

    program: Any = ModuleType("main")
    program.main = interrupted
    monkeypatch.setitem(sys.modules, "pulumi_dokploy_deployments.cli.main", program)
    monkeypatch.setattr(sys, "argv", ["dokploy-deployments", *arguments])


def test_the_end_does_not_wait_for_a_name_that_is_looked_up() -> None:
    answered, over = threading.Event(), threading.Event()
    holds_up_the_interpreter = []

    def look_up() -> None:
        holds_up_the_interpreter.append(not threading.current_thread().daemon)
        answered.wait(20)
        over.set()

    async def work() -> None:
        async with asyncio.timeout(0.01):
            await asyncio.to_thread(look_up)

    with pytest.raises(TimeoutError):
        run(work)
    assert not over.is_set()
    assert holds_up_the_interpreter == [False]
    answered.set()


def test_what_a_thread_gives_or_raises_comes_back() -> None:
    async def work() -> int:
        with pytest.raises(ZeroDivisionError):
            await asyncio.to_thread(lambda: 1 // 0)
        return await asyncio.to_thread(lambda: 7)

    assert run(work) == 7
