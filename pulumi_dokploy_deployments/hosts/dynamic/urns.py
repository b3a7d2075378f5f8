"""The URN that the engine will give a resource, worked out in the program."""

from __future__ import annotations

import pulumi


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
