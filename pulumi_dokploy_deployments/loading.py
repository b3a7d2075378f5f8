"""Loading many modules without searching them for garbage, and without what only a command line needs.

The search is a tenth of what starting a provider's process takes, the command line a seventh of what this package
adds to the SDK's own start.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_COMMAND_LINE = "httpx._main"


@contextmanager
def loading() -> Iterator[None]:
    """For imports: what they bring stays for the life of the process, and is left out of later searches too."""
    was_enabled = gc.isenabled()
    gc.disable()
    # httpx does without its own command line where that can't be imported; None says so.
    is_left_out = sys.modules.setdefault(_COMMAND_LINE, None) is None  # type: ignore[arg-type]
    try:
        yield
    finally:
        if is_left_out:
            del sys.modules[_COMMAND_LINE]
        if was_enabled:
            gc.freeze()
            gc.enable()
