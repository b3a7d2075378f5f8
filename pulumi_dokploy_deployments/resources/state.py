"""What is stored of a resource: its inputs, its outputs, and what a later run has to know of the last one."""

from __future__ import annotations

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from pulumi_dokploy_deployments.resources.inputs import InputsT

OutputsT = TypeVar("OutputsT", bound=BaseModel)

STATE_VERSION = 2
"""Counts the layouts of the state. 0.1.0 wrote the first one, without a number."""


class RunState(BaseModel):
    """What a later run has to know of the last one, and no user sees."""

    model_config = ConfigDict(frozen=True, defer_build=True)


RunT = TypeVar("RunT", bound=RunState)


class ResourceState(BaseModel, Generic[InputsT, OutputsT, RunT]):
    """The state of a resource.

    Attributes:
        inputs: what the program gives. In a state that was stored, those that share their name with an output are
            missing: there the output stands under the name.
        outputs: what the server made of it.
        run: what a later run has to know.
        version: the layout in which it is stored.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    inputs: InputsT
    outputs: OutputsT
    run: RunT
    version: int = STATE_VERSION
