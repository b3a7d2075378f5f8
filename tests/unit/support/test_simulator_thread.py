"""The simulator in a thread: what keeps it from starting is what the test is told."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest

from pulumi_dokploy_deployments.simulator.server import Options
from tests.support.simulator_thread import simulator_thread


def test_a_simulator_that_can_not_start_says_why_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        options = replace(Options(), port=taken.getsockname()[1])
        with pytest.raises(OSError, match="in use"), simulator_thread(options):
            pass
