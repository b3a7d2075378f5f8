"""What a dynamic resource's class works out in the program: its URN, and the names of its outputs."""

from __future__ import annotations

import pulumi

URN_PROPERTY = "declared_as"
"""The engine does not hand a dynamic provider the resource's URN, so the program passes it along."""


def urn_of(type_token: str, name: str, opts: pulumi.ResourceOptions | None) -> pulumi.Input[str]:
    """The URN that the engine will give the resource; the provider shows its progress under it."""
    start = f"urn:pulumi:{pulumi.get_stack()}::{pulumi.get_project()}::"
    parent = opts.parent if opts is not None else None
    if parent is None:
        return f"{start}{type_token}::{name}"

    def below(parent_urn: str) -> str:
        parent_type = parent_urn.split("::")[2] if parent_urn.count("::") >= 3 else ""
        chain = "" if parent_type in ("", "pulumi:pulumi:Stack") else f"{parent_type}$"
        return f"{start}{chain}{type_token}::{name}"

    return parent.urn.apply(below)


def output_names(resource: type[pulumi.Resource]) -> list[str]:
    """The outputs that a resource's class declares; a test holds them to the model of its outputs."""
    return [name for name, kind in vars(resource)["__annotations__"].items() if str(kind).startswith("pulumi.Output")]
