"""The quick part of the release check, and that it notices what it is there to notice."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import plugin_archive
import pytest
import release_check
import yaml  # type: ignore[import-untyped]
from release_check import Check, ReleaseError

from tests.unit.release.pyproject import PROJECT

VERSION: str = PROJECT["version"]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Check:
    """Wheel and sdist, built once."""
    check = Check(tmp_path_factory.mktemp("release"), VERSION, quick=True)
    release_check.build(check)
    return check


def copy_of(built: Check, folder: Path) -> Check:
    check = Check(folder, VERSION, quick=True)
    check.dist.mkdir()
    for path in (built.wheel, built.sdist):
        (check.dist / path.name).write_bytes(path.read_bytes())
    return check


def test_what_would_be_released_can_be_installed_and_used(built: Check) -> None:
    # Takes some seconds: pip and a handful of interpreters are started.
    for step in release_check.QUICK_STEPS[1:]:
        step(built)


def test_the_quick_steps_are_those_that_need_no_index_and_no_engine() -> None:
    assert set(release_check.STEPS) - set(release_check.QUICK_STEPS) == {release_check.types}


@pytest.mark.parametrize("name", ["tests/__init__.py", "stray.py"])
def test_a_wheel_with_something_else_in_it_is_refused(built: Check, tmp_path: Path, name: str) -> None:
    check = copy_of(built, tmp_path)
    with zipfile.ZipFile(check.wheel, "a") as wheel:
        wheel.writestr(name, "")
    with pytest.raises(ReleaseError, match="the wheel also holds"):
        release_check.content(check)


@pytest.mark.parametrize("name", ["py.typed", "pulumi-plugin.json"])
def test_a_wheel_that_lacks_a_file_is_refused(built: Check, tmp_path: Path, name: str) -> None:
    check = copy_of(built, tmp_path)
    with zipfile.ZipFile(built.wheel) as whole, zipfile.ZipFile(check.wheel, "w") as wheel:
        for entry in whole.namelist():
            if not entry.endswith(f"/{name}"):
                wheel.writestr(entry, whole.read(entry))
    with pytest.raises(ReleaseError, match=f"lacks .*{name}"):
        release_check.content(check)


def test_a_tag_that_is_not_the_version_is_refused() -> None:
    release_check.expect_tag(f"v{VERSION}", VERSION)
    for tag in (VERSION, "v9.9.9"):
        with pytest.raises(ReleaseError, match="the tag is"):
            release_check.expect_tag(tag, VERSION)


def test_a_command_that_fails_is_told_with_the_end_of_its_output(built: Check, tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match=r"exit code 3\nlast words"):
        built.run(built.python, "-c", "print('last words'); raise SystemExit(3)", cwd=tmp_path)


def test_nothing_of_the_developer_s_shell_gets_into_the_check(built: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DOKPLOY_API_KEY", "PULUMI_ACCESS_TOKEN", "PYTHONSTARTUP"):
        monkeypatch.setenv(name, "of the developer")
    assert "of the developer" not in built.environ().values()


def test_the_archive_installs_this_version_into_a_plugin_folder_of_its_own() -> None:
    packed = plugin_archive.archive(plugin_archive.contents(VERSION))
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        files = {entry.name: tar.extractfile(entry) for entry in tar}
        texts = {name: content.read().decode() for name, content in files.items() if content is not None}
    assert yaml.safe_load(texts["PulumiPlugin.yaml"])["runtime"] == {
        "name": "python",
        "options": {"virtualenv": "venv"},
    }
    assert texts["requirements.txt"] == f"{PROJECT['name']}=={VERSION}\n"
    assert "hosts.plugin.main" in texts["__main__.py"]


def test_an_archive_is_the_same_whenever_it_is_made() -> None:
    files = plugin_archive.contents(VERSION)
    assert plugin_archive.archive(files) == plugin_archive.archive(dict(reversed(files.items())))


def test_there_is_an_archive_for_each_platform_under_the_name_that_the_engine_asks_for(tmp_path: Path) -> None:
    written = {path.name for path in plugin_archive.write(tmp_path / "new", "1.2.3")}
    assert len(written) == 6
    assert "pulumi-resource-dokploy-deployments-v1.2.3-linux-amd64.tar.gz" in written
    assert "pulumi-resource-dokploy-deployments-v1.2.3-windows-arm64.tar.gz" in written
