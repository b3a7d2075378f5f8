"""What runs: the probe that reads it and the judge that decides on it."""
