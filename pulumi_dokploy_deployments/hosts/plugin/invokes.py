"""The functions as the engine calls them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from pulumi_dokploy_deployments.functions.table import FUNCTIONS, Function
from pulumi_dokploy_deployments.schema.names import camel, function_token
from pulumi_dokploy_deployments.waiting.context import RunContext


@dataclass(frozen=True)
class Invoke:
    """One function as the engine calls it."""

    function: Function[Any, Any]

    async def call(self, context: RunContext, given: Mapping[str, Any]) -> dict[str, Any]:
        """The result, with every name in camel case.

        Raises:
            DokployError: an argument is not valid, or the server could not be asked.
        """
        asked = self.function.asked(given, context.clock.now())
        return _dumped(await self.function.call(context, asked))


INVOKES: Mapping[str, Invoke] = {function_token(name): Invoke(function) for name, function in FUNCTIONS.items()}
"""Every function by its token in the schema."""


def _dumped(result: BaseModel) -> dict[str, Any]:
    return {camel(name): _value(getattr(result, name)) for name in type(result).model_fields}


def _value(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return {name: part for name, part in _dumped(value).items() if part is not None}
    return [_value(part) for part in value] if isinstance(value, tuple) else value
