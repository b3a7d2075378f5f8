"""What scripts/setup_engine.py decides and says; nothing is installed or built here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[3] / "scripts"

import setup_engine as setup  # noqa: E402


def executable(path: Path, text: str = "#!/bin/sh\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def cached_engine(home: Path, parts: Mapping[str, str]) -> None:
    for name in ("pulumi", setup.PYTHON_HOST, setup.YAML_HOST):
        executable(home / "bin" / name)
    (home / setup.PARTS_FILE).write_text(json.dumps(parts))


def current(_: Path) -> str:
    return setup.ENGINE_VERSION


# Where engines are kept


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"HOME": "/home/ann"}, "/home/ann/.cache/pulumi-dokploy-deployments"),
        ({"HOME": "/home/ann", "XDG_CACHE_HOME": "/var/cache"}, "/var/cache/pulumi-dokploy-deployments"),
        ({"XDG_CACHE_HOME": "/var/cache", "PULUMI_DOKPLOY_ENGINE_CACHE": "/opt/engines"}, "/opt/engines"),
        ({"HOME": "/home/ann", "XDG_CACHE_HOME": ""}, "/home/ann/.cache/pulumi-dokploy-deployments"),
    ],
)
def test_the_cache_is_outside_the_checkout(environ: dict[str, str], expected: str) -> None:
    assert setup.cache_root(environ) == Path(expected)


def test_every_engine_version_has_a_folder_of_its_own() -> None:
    assert setup.engine_home(Path("/c")) == Path(f"/c/engine-{setup.ENGINE_VERSION}")


# The order of choice


def test_the_first_source_that_has_an_engine_wins() -> None:
    asked: list[str] = []

    def nothing() -> setup.Engine:
        asked.append("nothing")
        raise setup.UnavailableError("not here")

    def something() -> setup.Engine:
        asked.append("something")
        return setup.Engine(Path("/x/bin"), "3.274.1", "test")

    def never() -> setup.Engine:
        raise AssertionError("asked although an engine had been found")

    reports: list[str] = []
    found = setup.first_engine([("a", nothing), ("b", something), ("c", never)], report=reports.append)

    assert found.bin_dir == Path("/x/bin")
    assert asked == ["nothing", "something"]
    assert reports == ["a: not here"]


def test_the_order_is_path_cache_installer_go(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def no(what: str) -> setup.Engine:
        raise setup.UnavailableError(f"no {what}")

    monkeypatch.setattr(setup, "install", lambda home: no("installer"))
    monkeypatch.setattr(setup, "build", lambda home, environ: no("go"))

    with pytest.raises(setup.NoEngineError) as caught:
        setup.ensure_engine({"PULUMI_DOKPLOY_ENGINE_CACHE": str(tmp_path), "PATH": str(tmp_path)})

    text = str(caught.value)
    order = ["PATH: there is no pulumi", "cache: nothing in", "official installer: no", "build with Go: no go"]
    assert sorted(order, key=text.index) == order
    assert capsys.readouterr().err.count("official installer") == 1


def test_when_all_fail_every_reason_and_both_ways_out_are_named() -> None:
    failed = setup.StepFailedError(
        "compiling", ["go", "build", "a b"], "failed with exit code 2 after 3.0 s", "\n".join(map(str, range(99)))
    )

    text = setup.failure_text([("PATH", "there is no pulumi on PATH"), ("build with Go", str(failed))])

    assert "  PATH: there is no pulumi on PATH" in text
    assert "  build with Go: the step 'compiling' failed with exit code 2 after 3.0 s" in text
    assert "      $ go build 'a b'" in text
    assert "\n      98\n" in text
    assert "\n      70\n" not in text
    assert setup.INSTALL_DOCS in text
    assert "install Go 1.26 or newer" in text
    assert "make engine" in text


# An engine on PATH


def test_an_installed_engine_is_taken(tmp_path: Path) -> None:
    executable(tmp_path / "pulumi")
    executable(tmp_path / setup.PYTHON_HOST)
    executable(tmp_path / setup.YAML_HOST)

    assert setup.on_path(str(tmp_path), current) == setup.Engine(tmp_path, setup.ENGINE_VERSION, "from PATH")


def test_the_language_host_may_lie_elsewhere_on_path(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    executable(tmp_path / "a" / "pulumi")
    executable(tmp_path / "b" / setup.PYTHON_HOST)

    found = setup.on_path(os.pathsep.join([str(tmp_path / "a"), str(tmp_path / "b")]), current)

    assert found.bin_dir == tmp_path / "a"
    assert "YAML will not run" in capsys.readouterr().err


def test_a_linked_engine_has_its_hosts_where_the_link_leads(tmp_path: Path) -> None:
    real = executable(tmp_path / "cellar" / "pulumi")
    executable(tmp_path / "cellar" / setup.PYTHON_HOST)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "pulumi").symlink_to(real)

    assert setup.on_path(str(tmp_path / "bin"), current).bin_dir == tmp_path / "bin"


@pytest.mark.parametrize(
    ("names", "version", "reason"),
    [
        ([], "3.274.1", "no pulumi on PATH"),
        (["pulumi"], "3.274.1", "has no pulumi-language-python"),
        (["pulumi", "pulumi-language-python"], "3.99.0", "older than 3.230"),
    ],
)
def test_an_engine_that_will_not_do_is_passed_over(tmp_path: Path, names: list[str], version: str, reason: str) -> None:
    for name in names:
        executable(tmp_path / name)

    with pytest.raises(setup.UnavailableError, match=reason):
        setup.on_path(str(tmp_path), lambda _: version)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("#!/bin/sh\nexit 3\n", "exit code 3"), ("#!/bin/sh\necho\n", "no version"), ("\0nonsense", "does not run")],
)
def test_an_engine_that_does_not_run_is_passed_over(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(setup.UnavailableError, match=reason):
        setup.ask_version(executable(tmp_path / "pulumi", text))


# The cache


@pytest.mark.parametrize("origin", ["installer", "go"])
def test_a_whole_cached_engine_is_taken(tmp_path: Path, origin: str) -> None:
    cached_engine(tmp_path, setup.expected_parts(origin))

    assert setup.cached(tmp_path, current).bin_dir == tmp_path / "bin"


def test_a_cached_engine_of_other_parts_is_not_taken(tmp_path: Path) -> None:
    cached_engine(tmp_path, {**setup.expected_parts("go"), "python_host": "1.0.0"})

    with pytest.raises(setup.UnavailableError, match="other parts"):
        setup.cached(tmp_path, current)


def test_a_cached_engine_without_its_hosts_is_not_taken(tmp_path: Path) -> None:
    cached_engine(tmp_path, setup.expected_parts("go"))
    (tmp_path / "bin" / setup.YAML_HOST).unlink()

    with pytest.raises(setup.UnavailableError, match=f"lacks {setup.YAML_HOST}"):
        setup.cached(tmp_path, current)


def test_an_unreadable_record_is_no_engine(tmp_path: Path) -> None:
    (tmp_path / setup.PARTS_FILE).write_text("{")

    with pytest.raises(setup.UnavailableError, match="can't be read"):
        setup.cached(tmp_path, current)


def test_an_interrupted_build_leaves_nothing_and_the_old_engine_in_place(tmp_path: Path) -> None:
    home = tmp_path / "engine-1"
    (home / "bin").mkdir(parents=True)
    (tmp_path / "engine-1.partial-999999").mkdir()

    def interrupted() -> None:
        with setup.replacing(home) as partial:
            (partial / "bin").mkdir()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    assert list(tmp_path.iterdir()) == [home]


def test_a_complete_build_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    home = tmp_path / "engine-1"
    (home / "old").mkdir(parents=True)

    with setup.replacing(home) as partial:
        (partial / "new").mkdir()

    assert [path.name for path in home.iterdir()] == ["new"]
    assert list(tmp_path.iterdir()) == [home]


def test_a_second_setup_waits_and_says_so(tmp_path: Path) -> None:
    second = f"import sys; sys.path.insert(0, {str(SCRIPTS)!r}); import setup_engine, pathlib\n"
    second += f"with setup_engine.locked(pathlib.Path({str(tmp_path)!r})): print('in')"

    with setup.locked(tmp_path):
        process = subprocess.Popen(
            [sys.executable, "-c", second], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stderr is not None
        assert "another setup is at work" in process.stderr.readline()
        assert process.poll() is None

    assert process.communicate(timeout=20)[0] == "in\n"


# Go


def test_the_users_go_settings_stay_but_the_build_is_plain_and_native() -> None:
    environ = {"GOFLAGS": "-mod=vendor -p=1", "GOMODCACHE": "/m", "GOOS": "plan9", "GOARCH": "arm", "PATH": "/bin"}

    env = setup.go_environment(environ)

    assert env == {
        "GOFLAGS": "-p=1 -mod=mod",
        "GOMODCACHE": "/m",
        "PATH": "/bin",
        "GOWORK": "off",
        "CGO_ENABLED": "0",
    }


def test_a_missing_go_is_said(tmp_path: Path) -> None:
    with pytest.raises(setup.UnavailableError, match="there is no go on PATH"):
        setup.build(tmp_path / "engine", {"PATH": str(tmp_path)})


def test_an_old_go_is_said() -> None:
    with pytest.raises(setup.UnavailableError, match=r"too old \(go1\.20\.3\); 1\.21 is the oldest"):
        setup.check_go("go1.20.3\n")


def test_a_go_that_must_fetch_a_toolchain_is_remarked() -> None:
    assert "1.26 or newer" in (setup.check_go("go1.22.1\n") or "")
    assert setup.check_go("go1.26.8\n") is None


# Voice


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (12.4, "12 s"), (59.7, "1 min 0 s"), (185, "3 min 5 s")]
)
def test_durations_read_well(seconds: float, text: str) -> None:
    assert setup.duration(seconds) == text


@pytest.mark.parametrize(
    ("text", "version"), [("v3.274.1-dev+a1", (3, 274, 1)), ("go1.26.8", (1, 26, 8)), ("1.26", (1, 26)), ("none", ())]
)
def test_versions_are_found_in_texts(text: str, version: tuple[int, ...]) -> None:
    assert setup.parse_version(text) == version


def test_a_step_says_what_it_does_how_long_and_what_failed(capsys: pytest.CaptureFixture[str]) -> None:
    assert setup.run_step("greeting", ["sh", "-c", "echo hello"], about="1 s") == "hello\n"
    with pytest.raises(setup.StepFailedError, match="'parting' failed with exit code 4") as caught:
        setup.run_step("parting", ["sh", "-c", "echo why >&2; exit 4"], about="1 s")

    assert "why" in str(caught.value)
    said = capsys.readouterr()
    assert "engine: greeting (about 1 s) …" in said.err
    assert "done in" in said.err
    assert said.out == ""


def test_a_command_that_is_not_there_is_a_failed_step() -> None:
    with pytest.raises(setup.StepFailedError, match="could not start"):
        setup.run_step("x", ["no-such-command-here"], about="1 s")


def test_stdout_carries_the_folder_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(setup, "ensure_engine", lambda environ: setup.Engine(Path("/e/bin"), "3.274.1", "cache"))

    assert setup.main(["--print-bin"]) == 0
    assert capsys.readouterr().out == "/e/bin\n"
    assert setup.main([]) == 0
    assert capsys.readouterr().out == ""


def test_without_an_engine_the_exit_code_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def none(environ: Mapping[str, str]) -> setup.Engine:
        raise setup.NoEngineError("No Pulumi engine could be set up.")

    monkeypatch.setattr(setup, "ensure_engine", none)

    assert setup.main(["--print-bin"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "No Pulumi engine" in captured.err


# The official installer, played by a stand-in

INSTALL_SCRIPT = f"""
test "$1 $2" = "--version {setup.ENGINE_VERSION}" || exit 8
test "$3" = "--install-root" || exit 9
mkdir "$4/bin"
for name in pulumi {setup.PYTHON_HOST} {setup.YAML_HOST}; do
  printf '#!/bin/sh\\necho v{setup.ENGINE_VERSION}\\n' > "$4/bin/$name"
  chmod +x "$4/bin/$name"
done
"""


def curl_that(writes: str, folder: Path) -> None:
    """A curl that downloads this text into the file after -o."""
    (folder / "download").write_text(writes)
    script = f'#!/bin/sh\nwhile [ "$1" != -o ]; do shift; done\ncp {folder}/download "$2"\n'
    executable(folder / "bin" / "curl", script)


def test_what_the_installer_leaves_goes_into_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    curl_that(INSTALL_SCRIPT, tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    home = tmp_path / "cache" / "engine-1"

    engine = setup.install(home)

    assert engine == setup.Engine(home / "bin", setup.ENGINE_VERSION, "fresh from the official installer")
    assert sorted(path.name for path in home.iterdir()) == ["bin", setup.PARTS_FILE]
    assert setup.cached(home).version == setup.ENGINE_VERSION


def test_an_installer_that_fails_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    curl_that("echo no such version >&2; exit 1", tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")

    with pytest.raises(setup.StepFailedError, match="no such version"):
        setup.install(tmp_path / "cache" / "engine-1")

    assert list((tmp_path / "cache").iterdir()) == []
