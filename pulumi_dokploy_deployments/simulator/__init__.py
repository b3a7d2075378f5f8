"""A Dokploy server that answers as measured, for tests and demonstrations.

A name is imported when it is first used, so that a simulator in a process of its own starts without an HTTP client.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pulumi_dokploy_deployments.simulator.container_log import ContainerLog, ContainerQuery
    from pulumi_dokploy_deployments.simulator.http.errors import BrokenConnection
    from pulumi_dokploy_deployments.simulator.live_log import LiveLog
    from pulumi_dokploy_deployments.simulator.process import RunningSimulator, SimulatorProcess, start_simulator
    from pulumi_dokploy_deployments.simulator.simulator import Simulator
    from pulumi_dokploy_deployments.simulator.subscription import LogClosed
    from pulumi_dokploy_deployments.simulator.transport import InProcessTransport

__all__ = [
    "BrokenConnection",
    "ContainerLog",
    "ContainerQuery",
    "InProcessTransport",
    "LiveLog",
    "LogClosed",
    "RunningSimulator",
    "Simulator",
    "SimulatorProcess",
    "start_simulator",
]

_HOMES = {
    "BrokenConnection": "http.errors",
    "ContainerLog": "container_log",
    "ContainerQuery": "container_log",
    "InProcessTransport": "transport",
    "LiveLog": "live_log",
    "LogClosed": "subscription",
    "RunningSimulator": "process",
    "Simulator": "simulator",
    "SimulatorProcess": "process",
    "start_simulator": "process",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
