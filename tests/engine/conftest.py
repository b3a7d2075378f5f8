"""Fixtures for tests that run the real engine; everything in this folder carries the `engine` marker."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from pulumi_dokploy_deployments.simulator.server import Options
from tests.support import warm_python as warm
from tests.support.harness import MakeWorkspace, Simulator, StartSimulator, Workspace
from tests.support.simulator_thread import simulator_thread

SCENARIO_SECONDS = 600
FOLDER = Path(__file__).parent
REPOSITORY = FOLDER.parent.parent
SETUP = REPOSITORY / "scripts" / "setup_engine.py"
ENGINE = pytest.StashKey[Path | None]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if FOLDER in item.path.parents:
            item.add_marker(pytest.mark.engine)
            # Each command has a limit of its own; a scenario runs up to ten of them, on a busy machine too.
            item.add_marker(pytest.mark.timeout(SCENARIO_SECONDS))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Set the engine up before the first test: a build takes longer than any test may."""
    config = session.config
    if config.option.collectonly or not any(FOLDER in item.path.parents for item in session.items):
        return
    capture = config.pluginmanager.getplugin("capturemanager")
    if capture is None:
        config.stash[ENGINE] = set_up_engine()
        return
    with capture.global_and_fixture_disabled():
        config.stash[ENGINE] = set_up_engine()


def set_up_engine() -> Path | None:
    """The engine's folder; None when there is none (the script has said on stderr why)."""
    setup = subprocess.run([sys.executable, SETUP, "--print-bin"], stdout=subprocess.PIPE, text=True, check=False)
    return Path(setup.stdout.strip()) if setup.returncode == 0 else None


@pytest.fixture(scope="session")
def engine_bin(pytestconfig: pytest.Config) -> Path:
    """The folder with `pulumi` and its language hosts. Without an engine: skip, on CI fail."""
    found = pytestconfig.stash.get(ENGINE, None)
    if found is not None:
        return found
    complaint = "no Pulumi engine; run `make engine`, it says what is missing"
    if os.environ.get("CI"):
        pytest.fail(complaint)
    pytest.skip(complaint)


@pytest.fixture(scope="session")
def pulumi_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The engine's own home, shared by all workers: it holds plugins and what is made once, no state."""
    own = tmp_path_factory.getbasetemp()
    home = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "pulumi-home"
    home.mkdir(exist_ok=True)
    return home


@pytest.fixture(scope="session")
def warm_python(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path | None]:
    """Interpreters with the SDK and the package imported, one for the whole session; None where none can be forked."""
    if not warm.IS_POSSIBLE:
        yield None
        return
    with warm.warm_interpreters(tmp_path_factory.mktemp("warm")) as folder:
        yield folder


@pytest.fixture
def interpreters(request: pytest.FixtureRequest) -> Path | None:
    """What the engine's programs and providers are started from; None for processes that begin from nothing."""
    if request.node.get_closest_marker("own_interpreters") is not None:
        return None
    found: Path | None = request.getfixturevalue("warm_python")
    return found


@pytest.fixture
def make_workspace(
    engine_bin: Path, pulumi_home: Path, tmp_path: Path, interpreters: Path | None
) -> Iterator[MakeWorkspace]:
    """Makes workspaces: make_workspace(program, config={…}, secrets={…}, environment={…})."""
    made: list[Workspace] = []

    def make(
        program: Path | str,
        *,
        config: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Workspace:
        root = tmp_path / f"workspace-{len(made)}"
        root.mkdir()
        workspace = Workspace(root, engine_bin, pulumi_home, program, environment or {}, interpreters)
        made.append(workspace)
        if config or secrets:
            workspace.begin(config or {}, secrets or {})
        return workspace

    yield make
    for workspace in made:
        workspace.close()


@pytest.fixture
def start_simulator() -> Iterator[StartSimulator]:
    """Starts simulators with options of the test's own; they are stopped at its end."""
    with contextlib.ExitStack() as running:

        def start(*, build_seconds: float = 0.2, slow_seconds: float | None = None, seed: int = 0) -> Simulator:
            options = Options(build_seconds=build_seconds, slow_seconds=slow_seconds, seed=seed)
            return Simulator(running.enter_context(simulator_thread(options)))

        yield start


@pytest.fixture
def simulator(start_simulator: StartSimulator) -> Simulator:
    """A fresh simulator whose builds take a fifth of a second."""
    return start_simulator()
