"""The gRPC service: the SDK's, with expected failures told in their own words and with the state they leave."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from pulumi.provider.experimental.provider import Provider
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime.proto import provider_pb2

from pulumi_dokploy_deployments.api.errors import DokployError
from pulumi_dokploy_deployments.hosts.plugin.partial_state import KeptState
from pulumi_dokploy_deployments.hosts.words import PLUGIN

MOST_CAUSES = 5

Call = Callable[[Any, Any], Awaitable[Any]]


class Servicer(ProviderServicer):
    """The SDK's servicer turns every exception into a text with a traceback; expected failures need none."""

    def __init__(self, args: list[str], version: str, provider: Provider, engine_address: str) -> None:
        super().__init__(args, version, provider, engine_address)

    async def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's names
        """Check the provider's own configuration."""
        return await _plainly(super().CheckConfig, request, context)

    async def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Whether the provider's configuration changed; another one never replaces the resources behind it."""
        # Not the SDK's: it gives a yes as DIFF_NONE.
        some = provider_pb2.DiffResponse.DIFF_SOME
        changed = some if request.olds != request.news else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(changes=changed)

    async def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Take the provider's configuration."""
        return await _plainly(super().Configure, request, context)

    async def Check(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Validate a resource's inputs."""
        return await _plainly(super().Check, request, context)

    async def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Compare a resource's state with its inputs."""
        return await _plainly(super().Diff, request, context)

    async def Create(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Create a resource."""
        return await _plainly(super().Create, request, context)

    async def Read(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Read or import a resource."""
        found = await _plainly(super().Read, request, context)
        # To the engine an empty state is a state; only none at all means that the resource is gone.
        return found if found.id else provider_pb2.ReadResponse()

    async def Update(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Update a resource."""
        return await _plainly(super().Update, request, context)

    async def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Delete a resource."""
        return await _plainly(super().Delete, request, context)

    async def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Call a function."""
        return await _plainly(super().Invoke, request, context)


async def _plainly(call: Call, request: Any, context: Any) -> Any:
    try:
        return await call(request, context)
    except Exception as raised:
        expected = _expected(raised)
        if expected is None:
            raise
        if isinstance(expected, KeptState):
            return await context.abort(grpc.StatusCode.UNKNOWN, expected.reason, expected.metadata())
        return await context.abort(grpc.StatusCode.UNKNOWN, expected.told(PLUGIN), ())


def _expected(raised: BaseException) -> DokployError | KeptState | None:
    """The expected failure behind what was raised: the SDK raises an exception of its own while it handles ours."""
    error: BaseException | None = raised
    for _ in range(MOST_CAUSES):
        if error is None or isinstance(error, DokployError | KeptState):
            return error
        error = error.__cause__ or error.__context__
    return None
