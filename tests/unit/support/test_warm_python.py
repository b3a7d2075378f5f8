"""What is started from a warm interpreter is like what is started from a cold one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from tests.support import warm_python as warm

pytestmark = pytest.mark.skipif(not warm.IS_POSSIBLE, reason="the system can't fork interpreters")

TELL = """
import json, os, sys
print(json.dumps([sys.argv[1:], os.getcwd(), os.environ["TOLD"], sys.stdin.read(), __name__]))
print("complaint", file=sys.stderr)
sys.exit(7)
"""
WAIT = """
import signal, sys
if "deaf" not in sys.argv:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
import os
print(os.getpid())
signal.pause()
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with warm.warm_interpreters(tmp_path_factory.mktemp("warm")) as folder:
        yield folder / "bin" / "python3"


def waiting(python: Path, folder: Path, *arguments: str) -> tuple[subprocess.Popen[str], psutil.Process]:
    (folder / "wait.py").write_text(WAIT)
    launched = subprocess.Popen(
        [python, "-u", folder / "wait.py", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert launched.stdout is not None
    return launched, psutil.Process(int(launched.stdout.readline()))


@pytest.mark.parametrize("is_module", [True, False])
def test_arguments_folder_environment_streams_and_exit_code_are_its_own(
    python: Path, tmp_path: Path, is_module: bool
) -> None:
    (tmp_path / "tell.py").write_text(TELL)
    command = ["-m", "tell"] if is_module else ["-u", "tell.py"]
    ended = subprocess.run(
        [python, *command, "one", "two words"],
        cwd=tmp_path,
        env={**os.environ, "TOLD": "line\nand 'quote'"},
        input="given",
        capture_output=True,
        text=True,
        check=False,
    )
    assert json.loads(ended.stdout) == [
        ["one", "two words"], str(tmp_path), "line\nand 'quote'", "given", "__main__"
    ]  # fmt: skip
    assert (ended.stderr, ended.returncode) == ("complaint\n", 7)


def test_an_error_that_nobody_catches_ends_it_with_1_and_its_traceback(python: Path, tmp_path: Path) -> None:
    (tmp_path / "fails.py").write_text("raise ValueError('of mine')")
    ended = subprocess.run([python, tmp_path / "fails.py"], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.endswith("ValueError: of mine\n")


def test_other_options_and_the_version_are_those_of_the_interpreter(python: Path) -> None:
    said = subprocess.run([python, "-c", "print('done')"], capture_output=True, text=True, check=True)
    assert said.stdout == "done\n"
    version = subprocess.run([python, "--version"], capture_output=True, text=True, check=True).stdout
    assert version.startswith("Python 3.")


def test_a_signal_reaches_it(python: Path, tmp_path: Path) -> None:
    launched, _ = waiting(python, tmp_path)
    launched.send_signal(signal.SIGTERM)
    launched.communicate(timeout=20)
    assert launched.returncode == 3


def test_a_signal_that_comes_too_late_changes_nothing(python: Path, tmp_path: Path) -> None:
    launched, fork = waiting(python, tmp_path)
    launched.send_signal(signal.SIGSTOP)
    fork.terminate()
    fork.wait(timeout=20)
    launched.send_signal(signal.SIGTERM)
    launched.send_signal(signal.SIGCONT)
    _, complaint = launched.communicate(timeout=20)
    assert (launched.returncode, complaint) == (3, "")


def test_who_kills_the_one_kills_the_other(python: Path, tmp_path: Path) -> None:
    launched, fork = waiting(python, tmp_path)
    launched.kill()
    launched.communicate(timeout=20)
    assert fork.wait(timeout=20) is None

    launched, fork = waiting(python, tmp_path, "deaf")
    fork.terminate()
    launched.communicate(timeout=20)
    assert launched.returncode == -signal.SIGTERM


def test_many_at_once_are_told_apart(python: Path, tmp_path: Path) -> None:
    (tmp_path / "ends.py").write_text("import sys\nsys.exit(int(sys.argv[1]))")

    def end_with(code: int) -> int:
        return subprocess.run([python, tmp_path / "ends.py", str(code)], check=False).returncode

    with ThreadPoolExecutor(8) as several:
        assert list(several.map(end_with, range(60))) == list(range(60))
