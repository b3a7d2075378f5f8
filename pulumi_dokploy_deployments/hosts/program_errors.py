"""Failures of functions in Pulumi programs: one paragraph in the engine's display, without a traceback.

The engine's Python executor prints the text alone of a `pulumi.RunError` that nobody caught, and a traceback for
everything else. The core knows no pulumi, so an error gets that base here, on its way into the program.
"""

from __future__ import annotations

import pulumi

from pulumi_dokploy_deployments.api.errors import DokployError
from pulumi_dokploy_deployments.hosts.words import PYTHON


def for_program(error: DokployError) -> DokployError:
    """The same error, of a class that is the error's own and a `pulumi.RunError` as well."""
    told = _told_class(type(error))
    made = told.__new__(told)
    made.__dict__.update(error.__dict__)
    made.args = error.args
    return made


_told_classes: dict[type[DokployError], type[DokployError]] = {}


def _told_class(kind: type[DokployError]) -> type[DokployError]:
    if kind not in _told_classes:
        names = {
            "__doc__": kind.__doc__,
            "__module__": kind.__module__,
            "__qualname__": kind.__qualname__,
            "__str__": lambda error: error.told(PYTHON),
        }
        _told_classes[kind] = type(kind.__name__, (kind, pulumi.RunError), names)
    return _told_classes[kind]
