"""What a failed create or update keeps: the engine's detail `ErrorResourceInitFailed`, packed into a status."""

from __future__ import annotations

from collections.abc import Mapping

import grpc
from pulumi.provider.experimental.property_value import PropertyValue

# Importing google.rpc.status_pb2 as well collides with this one in the descriptor pool and ends the process.
from pulumi.runtime.proto import provider_pb2, status_pb2

DETAILS_KEY = "grpc-status-details-bin"


class KeptState(Exception):
    """A create or update failed after the server had taken its request; the engine is to keep this state."""

    def __init__(
        self,
        resource_id: str,
        properties: Mapping[str, PropertyValue],
        inputs: Mapping[str, PropertyValue],
        reason: str,
    ) -> None:
        super().__init__(reason)
        self.resource_id = resource_id
        self.properties = dict(properties)
        self.inputs = dict(inputs)
        self.reason = reason

    def metadata(self) -> tuple[tuple[str, bytes], ...]:
        """The trailing metadata that carries the state."""
        detail = provider_pb2.ErrorResourceInitFailed(
            id=self.resource_id,
            properties=PropertyValue.marshal_map(self.properties),
            inputs=PropertyValue.marshal_map(self.inputs),
            reasons=[self.reason],
        )
        status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=self.reason)
        status.details.add().Pack(detail)
        return ((DETAILS_KEY, status.SerializeToString()),)
