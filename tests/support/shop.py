"""What the tests release: images of a registry that the simulator knows, and a compose that takes a tag."""

from __future__ import annotations

REG = "127.0.0.1:5055/reg"
FILE = f"services:\n  web:\n    image: {REG}/shop:${{TAG}}\n    restart: always\n"
PASSWORD = "planted-in-the-environment"
ENV = f"# by hand\nTAG=1\nPASSWORD={PASSWORD}\n"
"""The compose's environment, as somebody has written it in the dashboard."""
