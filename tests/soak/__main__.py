"""`make soak`: prints what came of many deployments under random faults; exit code 1 where a promise was broken."""

from __future__ import annotations

import argparse
import secrets
import sys

from tests.soak.soak import run


def main() -> int:
    """Run it as the options say."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--deployments", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=None, help="of an earlier run, to see the same again")
    parser.add_argument("--most-seconds", type=float, default=900.0, help="no new deployment is begun after so long")
    asked = parser.parse_args()
    seed = asked.seed if asked.seed is not None else secrets.randbelow(10**6)
    print(f"seed {seed}", flush=True)
    tally = run(asked.deployments, seed, most_seconds=asked.most_seconds)
    print(tally.summary())
    return 0 if tally.is_good else 1


sys.exit(main())
