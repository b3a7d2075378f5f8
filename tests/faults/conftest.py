"""A simulator on virtual time for every test: hours pass in milliseconds."""

from __future__ import annotations

import pytest

from tests.support.bench import Bench


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A server in good health whose builds take five seconds, and a client to it."""
    return Bench(monkeypatch)
