"""Time for the tests of the plugin."""

from __future__ import annotations

import pytest
from rollout.virtual_clock import VirtualClock


@pytest.fixture
def clock() -> VirtualClock:
    """A clock that jumps from one moment to the next."""
    return VirtualClock()
