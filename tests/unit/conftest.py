"""What unit tests share: time that passes without waiting."""

from __future__ import annotations

import pytest

from tests.support.virtual_clock import VirtualClock


@pytest.fixture
def clock() -> VirtualClock:
    """A clock that jumps from one moment to the next; see `tests/support/virtual_clock.py`."""
    return VirtualClock()
