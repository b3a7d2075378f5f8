"""A Dokploy server that answers as measured, for tests and demonstrations."""

from pulumi_dokploy_deployments.simulator.http.errors import BrokenConnection
from pulumi_dokploy_deployments.simulator.process import RunningSimulator, start_simulator
from pulumi_dokploy_deployments.simulator.simulator import InProcessTransport, Simulator
from pulumi_dokploy_deployments.simulator.websocket import LiveLog, LogClosed

__all__ = [
    "BrokenConnection",
    "InProcessTransport",
    "LiveLog",
    "LogClosed",
    "RunningSimulator",
    "Simulator",
    "start_simulator",
]
