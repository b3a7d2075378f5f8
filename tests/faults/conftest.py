"""A simulator on virtual time for every test: hours pass in milliseconds."""

from __future__ import annotations

import pytest

from tests.support.bench import Bench
from tests.support.shop import ENV, FILE


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A server in good health whose builds take five seconds, and a client to it."""
    return Bench(monkeypatch)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Bench:
    """One whose builds take half a second, with a compose that takes a tag."""
    made = Bench(monkeypatch, build_seconds=0.5)
    made.service("ok", "compose").fields |= {"composeFile": FILE, "env": ENV}
    return made
