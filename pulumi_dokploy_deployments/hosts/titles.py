"""The title that Dokploy's page shows when the program gives none."""

from __future__ import annotations


def default_title(urn: str) -> str:
    """`pulumi up: shop/production (web)` from `urn:pulumi:production::shop::…::web`."""
    parts = urn.split("::")
    if len(parts) < 4 or not parts[0].startswith("urn:pulumi:"):
        return "pulumi up"
    return f"pulumi up: {parts[1]}/{parts[0].removeprefix('urn:pulumi:')} ({parts[-1]})"
