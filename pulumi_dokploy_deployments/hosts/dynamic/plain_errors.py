"""Keeps Python tracebacks of expected failures out of the engine's display.

The dynamic provider's servicer answers every exception with `traceback.format_exc()`, looked up in its own `__main__`
module. There, and only there, that name is replaced by a stand-in that gives our errors' own paragraph and leaves
everything else as it was. Where the servicer looks different one day, nothing is replaced and tracebacks show again.
"""

from __future__ import annotations

import sys
import traceback
from types import ModuleType
from typing import Any

from pulumi_dokploy_deployments.api.errors import DokployError
from pulumi_dokploy_deployments.hosts.words import PYTHON


class _PlainTraceback:
    """The module `traceback`, but for expected failures."""

    def format_exc(self, *args: Any, **kwargs: Any) -> str:
        error = sys.exc_info()[1]
        if isinstance(error, DokployError):
            return error.told(PYTHON)
        return traceback.format_exc(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(traceback, name)


def show_plain_errors() -> bool:
    """Install the stand-in; gives whether it is in place."""
    main = sys.modules.get("__main__")
    if not isinstance(main, ModuleType) or not hasattr(main, "DynamicResourceProviderServicer"):
        return False
    current = getattr(main, "traceback", None)
    if isinstance(current, _PlainTraceback):
        return True
    if current is not traceback:
        return False
    main.traceback = _PlainTraceback()  # type: ignore[attr-defined]
    return True
