"""Names for Python programs: arguments to the schema's inputs, and the schema's outputs to attributes.

Only the resource's own names are translated. With the SDK's name-translating methods the keys of the user's maps would
be translated as well, so the arguments are handed over as one of the SDK's typed inputs, which leave these alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import pulumi

from pulumi_dokploy_deployments.hosts.triggers import with_plain_triggers, within
from pulumi_dokploy_deployments.schema.names import NESTED, camel, nested, snake


def resource_inputs(resource: type, inputs: Mapping[str, Any]) -> Any:
    """The arguments of a resource as the SDK takes them; its outputs stand among them without a value."""
    named = {name: _nested(name, value) for name, value in with_plain_triggers(inputs).items()}
    return typed_inputs(named, output_names(resource))


def _nested(name: str, value: Any) -> Any:
    """An input with the package's own names in it as the schema has them. The program gives them as outputs or not."""
    if name not in NESTED:
        return value
    return within(value, NESTED[name], (name,), lambda part, _: {camel(key): inner for key, inner in part.items()})


def with_python_names(name: str, value: pulumi.Output[Any]) -> pulumi.Output[Any]:
    """An output with the package's own names in it as Python has them."""
    return value.apply(lambda known: nested(name, known, snake))


def typed_inputs(inputs: Mapping[str, Any], outputs: Iterable[str] = ()) -> Any:
    """Arguments as the SDK takes them, with the names of outputs beside them."""
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


def looked_up(resource_id: pulumi.Input[str], opts: pulumi.ResourceOptions | None) -> pulumi.ResourceOptions:
    """The options of a resource that is looked up by its id."""
    return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(id=resource_id))


def secret(value: pulumi.Input[str] | None) -> pulumi.Output[str] | None:
    """A provider's setting that is kept as a secret, whether the program marks it or not."""
    return None if value is None else pulumi.Output.secret(value)


def number_as_string(value: pulumi.Input[float] | None) -> pulumi.Output[str] | None:
    """A provider's setting that is a number: the engine keeps a provider's configuration as strings."""
    return None if value is None else pulumi.Output.from_input(value).apply(lambda number: f"{number:g}")
