"""How to wait: clock, retries, pace, the shared watcher, and what a run is given."""
