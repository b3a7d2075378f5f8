"""The component `Release` with the engine played: what its deployments depend on, and what its table shows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextvars import copy_context
from typing import Any, ClassVar

import pulumi
import pytest
from pulumi.runtime import mocks

from pulumi_dokploy_deployments.hosts.release import ReleaseComponent
from pulumi_dokploy_deployments.hosts.release_inputs import ReleasedService

MADE = {
    "deployment_id": "d1",
    "status": "done",
    "health": "healthy",
    "version": 3.0,
    "commit_hash": None,
    "duration_seconds": 12.0,
    "url": "https://dokploy.example.com",
}


class Engine(mocks.Mocks):
    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        return args.name, {}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        return {}, None


class Played(pulumi.ComponentResource):
    """Stands for a `Deployment` that has succeeded; a secret image stays one in what runs."""

    made: ClassVar[list[Played]] = []

    def __init__(self, name: str, opts: pulumi.ResourceOptions, **inputs: Any) -> None:
        super().__init__("test:index:Played", name, None, opts)
        self.name, self.inputs, self.after = name, inputs, opts.depends_on
        image = pulumi.Output.from_input(inputs.get("image", "shop:1"))
        self.running = image.apply(lambda text: [{"name": name, "tasks": 1, "image": text}])
        for output, value in MADE.items():
            setattr(self, output, pulumi.Output.from_input(value))
        Played.made.append(self)


class Release(ReleaseComponent):
    deployment_class = Played


@pytest.fixture(autouse=True)
def _loop() -> Iterator[None]:
    asyncio.set_event_loop(asyncio.new_event_loop())
    yield
    asyncio.get_event_loop().close()
    asyncio.set_event_loop(None)


def released(
    services: Callable[[], Mapping[str, ReleasedService]], monkeypatch: pytest.MonkeyPatch
) -> tuple[Release, list[str]]:
    """The release once the program is done, and what it logged."""
    told: list[str] = []
    Played.made.clear()
    monkeypatch.setattr(pulumi.log, "info", lambda text, resource: told.append(text))
    found: list[Release] = []

    def program() -> None:
        found.append(Release("shop", services=services(), defaults={"timeout_seconds": 60.0, "wait_for": "done"}))

    def run() -> None:
        mocks.set_mocks(Engine(), preview=False)
        tested: Callable[[], None] = pulumi.runtime.test(program)  # type: ignore[no-untyped-call]
        tested()

    # The engine that is played ends with the context.
    copy_context().run(run)
    return found[0], told


def test_each_deployment_depends_on_those_before_it_and_takes_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    release, _ = released(
        lambda: {
            "web": {"application_id": "w", "after": ["api"], "timeout_seconds": 5.0},
            "api": {"application_id": "a"},
        },
        monkeypatch,
    )
    api, web = Played.made
    assert (api.name, web.name) == ("shop-api", "shop-web")
    assert (api.after, web.after) == ([], [api])
    assert api.inputs == {"application_id": "a", "timeout_seconds": 60.0, "wait_for": "done"}
    assert web.inputs == {"application_id": "w", "timeout_seconds": 5.0, "wait_for": "done"}
    assert release.deployments == {"api": api, "web": web}


def test_the_table_is_shown_once_in_the_program_s_order(monkeypatch: pytest.MonkeyPatch) -> None:
    _, told = released(lambda: {"web": {"after": ["api"]}, "api": {"image": "shop:2"}}, monkeypatch)
    assert len(told) == 1
    lines = [line.split() for line in told[0].splitlines()]
    assert lines[2:] == [["web", "v3", "shop:1", "12", "s", "healthy"], ["api", "v3", "shop:2", "12", "s", "healthy"]]


def test_a_table_with_a_secret_in_it_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    _, told = released(lambda: {"web": {"image": pulumi.Output.secret("private/shop:1")}}, monkeypatch)
    assert told == []


def test_a_release_that_can_t_be_made_fails_in_one_paragraph(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(pulumi.RunError, match="'web' after 'apy', which is none of its services"):
        released(lambda: {"web": {"after": ["apy"]}, "api": {}}, monkeypatch)
    assert Played.made == []
