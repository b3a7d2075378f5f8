"""Names for Python programs: arguments to the schema's inputs, and the schema's outputs to attributes.

Only the resource's own names are translated. With the SDK's name-translating methods the keys of the user's maps would
be translated as well, so the arguments are handed over as one of the SDK's typed inputs, which leave these alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import pulumi

from pulumi_dokploy_deployments.schema.names import camel


def typed_inputs(inputs: Mapping[str, Any], outputs: Iterable[str]) -> Any:
    """The arguments of a resource as the SDK takes them; outputs stand among them without a value."""
    typed = _type_of(tuple(inputs))()
    typed.__dict__.update(dict.fromkeys(outputs), **inputs)
    return typed


@cache
def _type_of(names: tuple[str, ...]) -> Any:
    body: dict[str, Any] = {name: pulumi.property(camel(name), default=None) for name in names}
    body["__annotations__"] = dict.fromkeys(names, Any)
    body["__module__"] = __name__
    return pulumi.input_type(type("Inputs", (), body))


def output_names(resource: type) -> tuple[str, ...]:
    """The outputs that a resource's class declares."""
    return tuple(name for name in vars(resource).get("__annotations__", {}) if not name.startswith("_"))


def output(name: str) -> Any:
    """Declares an output of a resource by its name in Python."""
    return pulumi.property(camel(name))
