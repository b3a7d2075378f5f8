"""Requests of an HTTP client in the same process, without a socket."""

import httpx

from pulumi_dokploy_deployments.simulator.http.errors import BrokenConnection
from pulumi_dokploy_deployments.simulator.simulator import Simulator


class InProcessTransport(httpx.AsyncBaseTransport):
    """Hands requests to the application; broken connections become httpx errors as a socket gives them."""

    def __init__(self, simulator: Simulator) -> None:
        """Serve requests from `simulator`."""
        self._inner = httpx.ASGITransport(app=simulator.app)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request."""
        try:
            return await self._inner.handle_async_request(request)
        except BrokenConnection as broken:
            if broken.kind == "refuse":
                raise httpx.ConnectError("All connection attempts failed", request=request) from broken
            if broken.kind == "drop_request":
                raise httpx.ReadError("", request=request) from broken
            message = "Server disconnected without sending a response."
            if broken.kind == "cut_off":
                message = "peer closed connection without sending complete message body"
            raise httpx.RemoteProtocolError(message, request=request) from broken
