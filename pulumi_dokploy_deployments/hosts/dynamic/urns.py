"""What a dynamic resource's class works out in the program: its URN, and the names of its outputs."""

from __future__ import annotations

import pulumi

URN_PROPERTY = "declared_as"
"""The engine does not hand a dynamic provider the resource's URN, so the program passes it along."""

_STACK = "pulumi:pulumi:Stack"


def urn_of(type_token: str, name: str, opts: pulumi.ResourceOptions | None) -> pulumi.Input[str]:
    """The URN that the engine will give the resource; the provider shows its progress under it.

    A parent's URN is only known once the engine has registered it. Its value is awaited without being depended on:
    an output that depends on a component depends on the component's children as well, this resource among them.
    """
    start = f"urn:pulumi:{pulumi.get_stack()}::{pulumi.get_project()}::"
    parent = opts.parent if opts is not None else None
    if parent is None:
        return f"{start}{type_token}::{name}"

    async def below() -> str:
        parent_urn = await parent.urn.future()
        return f"{start}{_chain(parent_urn or '')}{type_token}::{name}"

    return pulumi.Output.from_input(below())


def _chain(parent_urn: str) -> str:
    """The types that stand before the resource's own: those of its parents, without the stack's."""
    parent_type = parent_urn.split("::")[2] if parent_urn.count("::") >= 3 else ""
    return "" if parent_type in ("", _STACK) else f"{parent_type}$"


def output_names(resource: type[pulumi.Resource]) -> list[str]:
    """The outputs that a resource's class declares; a test holds them to the model of its outputs."""
    return [name for name, kind in vars(resource)["__annotations__"].items() if str(kind).startswith("pulumi.Output")]
