"""What can't be set is told with what to do: by the kind of service, by its source, by the values."""

from __future__ import annotations

import pytest

from pulumi_dokploy_deployments.api.models import Service, ServiceKind, ServiceStatus, SourceType
from pulumi_dokploy_deployments.api.text import Text, spell
from pulumi_dokploy_deployments.settings.images import Reference, is_reference, is_what_was_named
from pulumi_dokploy_deployments.settings.wanted import SHORTEST_MASKED, Wanted, misfits, refusal

DIGEST = "sha256:" + "a" * 64
OTHER_DIGEST = "sha256:" + "b" * 64


def service(kind: ServiceKind = ServiceKind.APPLICATION, source: SourceType | None = None, **more: object) -> Service:
    base = {"service_id": "s1", "name": "shop", "app_name": "shop-x1", "status": ServiceStatus.DONE}
    return Service.model_validate({**base, "kind": kind, "source_type": source, **more})


def told(kind: ServiceKind, wanted: Wanted) -> dict[str, str]:
    return {misfit.property_name: text(misfit.reason) for misfit in misfits(kind, wanted)}


def text(reason: Text) -> str:
    return spell(reason)


@pytest.mark.parametrize(
    ("kind", "wanted", "name", "words"),
    [
        (ServiceKind.COMPOSE, Wanted(image="shop:2"), "image", "its images stand in its file"),
        (ServiceKind.POSTGRES, Wanted(git_ref="main"), "git_ref", "it is not built from git"),
        (ServiceKind.APPLICATION, Wanted(image=""), "image", "no name of an image"),
        (ServiceKind.APPLICATION, Wanted(image="UPPER CASE/!!"), "image", "no name of an image"),
        (ServiceKind.APPLICATION, Wanted(git_ref="a b"), "git_ref", "no name of a branch or a tag"),
        (ServiceKind.APPLICATION, Wanted(git_ref="--upload-pack=x"), "git_ref", "no name of a branch or a tag"),
        (ServiceKind.APPLICATION, Wanted(git_ref="f" * 40), "git_ref", f"is the commit {'f' * 12}, but"),
        (ServiceKind.APPLICATION, Wanted(git_ref="f" * 40), "git_ref", "expect_commit"),
        (ServiceKind.COMPOSE, Wanted(env={"NO NAME": "1"}), "env", "'NO NAME' is not a name of a variable"),
        (ServiceKind.COMPOSE, Wanted(env={"": "1"}), "env", "is not a name of a variable"),
    ],
)
def test_what_never_goes_is_told_without_a_server(kind: ServiceKind, wanted: Wanted, name: str, words: str) -> None:
    found = told(kind, wanted)
    assert list(found) == [name]
    assert words in found[name]


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        (ServiceKind.APPLICATION, Wanted(image="registry.example.com:5000/team/shop:1.5.0", env={"A.b-c": "'\"x"})),
        (ServiceKind.APPLICATION, Wanted(git_ref="release/1.5.0")),
        (ServiceKind.COMPOSE, Wanted(git_ref="v1.5.0", env={"TAG": "1.5.0"})),
        (ServiceKind.POSTGRES, Wanted(image="postgres:17", env={"LONG": "a\nb"})),
    ],
)
def test_what_goes_is_no_misfit(kind: ServiceKind, wanted: Wanted) -> None:
    assert misfits(kind, wanted) == []


def test_a_value_that_can_t_be_written_is_told_by_its_variable_and_never_shown() -> None:
    found = told(ServiceKind.COMPOSE, Wanted(env={"PASSWORD": "it's `all` \"quoted\" # hunter2\n'"}))
    assert "PASSWORD" in found["env"]
    assert "hunter2" not in found["env"]


@pytest.mark.parametrize(
    ("about", "wanted", "property_name", "words"),
    [
        (
            service(source=SourceType.GITHUB),
            Wanted(image="a:1"),
            "image",
            ("is built from github", "General, Provider"),
        ),
        (service(source=SourceType.DROP), Wanted(image="a:1"), "image", ("uploaded archive", "Docker")),
        (
            service(source=SourceType.DOCKER, docker_image="shop:1"),
            Wanted(git_ref="main"),
            "git_ref",
            ("is deployed from the image shop:1", "name the version with image"),
        ),
        (service(source=None), Wanted(image="a:1"), "image", ("is not built from git", "General, Provider")),
        (
            service(ServiceKind.COMPOSE, SourceType.RAW),
            Wanted(git_ref="main"),
            "git_ref",
            ("has its compose file in the dashboard", "General, Provider"),
        ),
    ],
)
def test_the_wrong_source_is_told_with_how_to_switch_it(
    about: Service, wanted: Wanted, property_name: str, words: tuple[str, ...]
) -> None:
    error = refusal(about, wanted)
    assert error is not None
    assert error.property_name == property_name
    assert [word for word in words if word not in str(error)] == []


@pytest.mark.parametrize(
    ("about", "wanted"),
    [
        (service(source=SourceType.DOCKER), Wanted(image="a:1", env={"A": "1"})),
        (service(ServiceKind.REDIS), Wanted(image="redis:8")),
        (service(source=SourceType.GITEA), Wanted(git_ref="main")),
        (service(ServiceKind.COMPOSE, SourceType.GIT), Wanted(git_ref="main")),
        (service(ServiceKind.COMPOSE, SourceType.RAW), Wanted(env={"TAG": "1"})),
    ],
)
def test_the_right_source_is_not_refused(about: Service, wanted: Wanted) -> None:
    assert refusal(about, wanted) is None


@pytest.mark.parametrize(
    ("named", "running"),
    [
        ("nginx", "nginx:latest"),
        ("nginx:1.27", "docker.io/library/nginx:1.27"),
        ("nginx:1.27", "docker.io/nginx:1.27"),
        ("nginx:1.27", "index.docker.io/library/nginx:1.27"),
        ("team/shop:1", "docker.io/team/shop:1"),
        ("team/shop:1", "index.docker.io/team/shop:1"),
        ("acme/shop:1", "docker.io/acme/shop:1"),
        ("Not an image", "Not an image"),
        ("127.0.0.1:5055/bb:2", f"127.0.0.1:5055/bb:2@{DIGEST}"),
        (f"shop@{DIGEST}", f"shop:1.5@{DIGEST}"),
        (f"shop:1.5@{DIGEST}", f"shop@{DIGEST}"),
    ],
)
def test_the_same_image_is_recognised_under_its_names(named: str, running: str) -> None:
    assert is_what_was_named(named, running)


@pytest.mark.parametrize(
    ("named", "running"),
    [
        ("nginx:1.27", "nginx:1.28"),
        ("nginx:1.27", "team/nginx:1.27"),
        ("registry.example.com/nginx:1", "nginx:1"),
        ("registry.example.com/nginx:1", "other.example.com/nginx:1"),
        ("localhost/shop:1", "docker.io/localhost/shop:1"),
        ("Not an image", "shop:1"),
        (f"shop@{DIGEST}", f"shop@{OTHER_DIGEST}"),
        (f"shop@{DIGEST}", "shop:1.5"),
        ("shop:1", ""),
    ],
)
def test_another_image_is_another_one(named: str, running: str) -> None:
    assert not is_what_was_named(named, running)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("nginx", "docker.io/library/nginx"),
        ("team/shop", "docker.io/team/shop"),
        ("registry:5000/shop", "registry:5000/shop"),
        ("localhost/shop", "localhost/shop"),
        ("registry.example.com/shop", "registry.example.com/shop"),
    ],
)
def test_a_reference_s_name_is_written_out_with_its_registry(text: str, name: str) -> None:
    parsed = Reference.parse(text)
    assert parsed is not None
    assert (parsed.name, parsed.tag, parsed.digest) == (name, "latest", None)


@pytest.mark.parametrize("bad", ["", "a b", "-a", "a:", "a@sha256:12", "https://x/y", "a:1:2", "A", "a/B:1", "a\n"])
def test_what_is_no_image_is_told_apart(bad: str) -> None:
    assert not is_reference(bad)


def test_values_that_may_be_secret_are_masked_and_versions_and_switches_are_not() -> None:
    env = {
        "PASSWORD": "hunter2hunter2",
        "KEY": "-----BEGIN-----\nabc\n-----END-----",
        "SHA": "a" * 40,
        "TAG": "v1.5.0-rc.1",
        "DAY": "2026.11.25",
        "DEBUG": "true",
        "PORT": "8080",
    }
    assert Wanted(env=env).masked_values == {env["PASSWORD"], env["KEY"], env["SHA"]}
    assert Wanted().masked_values == set()
    assert Wanted(env={"A": "x" * SHORTEST_MASKED, "B": "y" * (SHORTEST_MASKED - 1)}).masked_values == {
        "x" * SHORTEST_MASKED
    }


def test_nothing_is_wanted_where_nothing_is_named() -> None:
    assert not Wanted()
    assert all((Wanted(image="a:1"), Wanted(git_ref="main"), Wanted(env={"TAG": "1"})))
