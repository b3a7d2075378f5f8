"""A Dokploy server that answers as measured, for tests and demonstrations."""

from pulumi_dokploy_deployments.simulator.container_log import ContainerLog, ContainerQuery
from pulumi_dokploy_deployments.simulator.http.errors import BrokenConnection
from pulumi_dokploy_deployments.simulator.live_log import LiveLog
from pulumi_dokploy_deployments.simulator.process import RunningSimulator, start_simulator
from pulumi_dokploy_deployments.simulator.simulator import InProcessTransport, Simulator
from pulumi_dokploy_deployments.simulator.subscription import LogClosed

__all__ = [
    "BrokenConnection",
    "ContainerLog",
    "ContainerQuery",
    "InProcessTransport",
    "LiveLog",
    "LogClosed",
    "RunningSimulator",
    "Simulator",
    "start_simulator",
]
