"""How many cases each parser gets: `make fuzz` gives more of them than every run of the tests."""

from __future__ import annotations

import os

CASES = int(os.environ.get("FUZZ_CASES", "300"))
