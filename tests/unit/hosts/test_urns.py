"""The URN that the program works out is the one that the engine gives."""

from __future__ import annotations

import asyncio
from typing import Any

import pulumi
import pytest

from pulumi_dokploy_deployments.hosts.dynamic.urns import urn_of

TOKEN = "pulumi-python:dynamic/dokploy:Deployment"


@pytest.fixture(autouse=True)
def _names(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the engine tells a program of itself."""
    monkeypatch.setattr(pulumi, "get_stack", lambda: "prod")
    monkeypatch.setattr(pulumi, "get_project", lambda: "shop")


async def _value(urn: Any) -> str:
    return str(await urn.future()) if isinstance(urn, pulumi.Output) else str(urn)


async def test_without_a_parent_it_names_stack_project_type_and_name() -> None:
    assert await _value(urn_of(TOKEN, "web", None)) == f"urn:pulumi:prod::shop::{TOKEN}::web"
    assert await _value(urn_of(TOKEN, "web", pulumi.ResourceOptions())) == f"urn:pulumi:prod::shop::{TOKEN}::web"


class _Parent(pulumi.ComponentResource):
    """A parent whose URN is the engine's."""

    def __init__(self, urn: str) -> None:
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        future.set_result(urn)
        known: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        known.set_result(True)
        self._urn: pulumi.Output[str] = pulumi.Output(set(), future, known)

    @property
    def urn(self) -> pulumi.Output[str]:
        return self._urn


@pytest.mark.parametrize(
    ("parent", "chain"),
    [
        ("urn:pulumi:prod::shop::pulumi:pulumi:Stack::shop-prod", ""),
        ("urn:pulumi:prod::shop::shop:index:Shop::shop", "shop:index:Shop$"),
        ("urn:pulumi:prod::shop::a:b:Outer$c:d:Inner::inner", "a:b:Outer$c:d:Inner$"),
        ("urn:pulumi:prod::shop::a:b:Outer::a::name::with::colons", "a:b:Outer$"),
        ("", ""),
    ],
)
async def test_a_parent_s_types_stand_before_the_own_one_but_the_stack_s(parent: str, chain: str) -> None:
    options = pulumi.ResourceOptions(parent=_stub(parent))
    assert await _value(urn_of(TOKEN, "web", options)) == f"urn:pulumi:prod::shop::{chain}{TOKEN}::web"


def _stub(urn: str) -> pulumi.Resource:
    return _Parent(urn)
