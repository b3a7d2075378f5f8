"""The provider's own configuration: address, key and times; what it does not give comes from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.api.errors import ConfigurationError
from pulumi_dokploy_deployments.hosts.configuration import is_offline, namespace_of, resolve_connection
from pulumi_dokploy_deployments.hosts.words import PLUGIN
from pulumi_dokploy_deployments.resources.fields import Problem, UnknownValue, contains_unknown, model_problems
from pulumi_dokploy_deployments.schema.names import PACKAGE
from pulumi_dokploy_deployments.schema.provider_model import TIMEOUT_VARIABLE, ProviderInputs


def numbers_read(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs with numbers as numbers: the engine hands a provider's configuration over as texts."""
    read = dict(inputs)
    for name in ("timeout_seconds", "request_timeout_seconds"):
        value = read.get(name)
        if isinstance(value, str):
            try:
                read[name] = float(value)
            except ValueError:
                continue
    if isinstance(read.get("offline_preview"), str):
        read["offline_preview"] = read["offline_preview"].strip().lower() == "true"
    return read


def check_configuration(inputs: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with a provider's configuration."""
    given = {name: value for name, value in numbers_read(inputs).items() if name != "version"}
    problems = model_problems(ProviderInputs, given)
    endpoint = given.get("endpoint")
    if isinstance(endpoint, str) and not problems:
        try:
            Connection.parse(endpoint, "a-key-that-stands-for-any")
        except ConfigurationError as error:
            problems.append(Problem("endpoint", error.told(PLUGIN)))
    return problems


@dataclass(frozen=True)
class Configuration:
    """What `Configure` gave."""

    given: Mapping[str, Any]

    @classmethod
    def of(cls, inputs: Mapping[str, Any]) -> Configuration:
        """Take the inputs of a provider."""
        return cls({name: value for name, value in numbers_read(inputs).items() if value is not None})

    @property
    def is_known(self) -> bool:
        """Whether the server can be asked: an address or a key may come from a resource that does not exist yet."""
        return not any(isinstance(self.given.get(name), UnknownValue) for name in ("endpoint", "api_key"))

    def connection(self, name: str | None) -> Connection:
        """The server for a resource; `name` is its input `connection`.

        A named one is this provider's own if the provider stands for it, else it comes from the environment.

        Raises:
            ConfigurationError: address or key are missing or can't be used; the message says how to set them.
        """
        is_own = name is None or name == self.given.get("connection")
        keys = {"endpoint": "endpoint", "apiKey": "api_key", "headers": "headers"}

        def value(full_key: str) -> str | None:
            found = self.given.get(keys[full_key.rpartition(":")[2]]) if is_own else None
            return str(found) if found is not None else None

        own_name = name or self.given.get("connection")
        return resolve_connection(value, name=own_name, namespace=namespace_of(name) if name else PACKAGE)

    @property
    def is_offline(self) -> bool:
        """Whether checks and comparisons ask no server."""
        given = self.given.get("offline_preview")
        return is_offline(lambda _: str(given) if given is not None else None)

    @property
    def timeout_seconds(self) -> float | None:
        """How long resources wait that say nothing themselves; None leaves the resources' own default."""
        given = self.given.get("timeout_seconds")
        if given is not None and not contains_unknown(given):
            return float(given)
        text = os.environ.get(TIMEOUT_VARIABLE, "").strip()
        if not text:
            return None
        try:
            return ProviderInputs.model_validate({"timeout_seconds": float(text)}).timeout_seconds
        except (ValueError, ValidationError):
            raise ConfigurationError(
                f"{TIMEOUT_VARIABLE} is {text!r}, which is no usable number of seconds.",
                next_step="Give a number above zero, 1800 for instance.",
            ) from None

    @property
    def request_timeout_seconds(self) -> float | None:
        """How long one answer may take; None leaves the client's own default."""
        given = self.given.get("request_timeout_seconds")
        return float(given) if given is not None and not contains_unknown(given) else None
