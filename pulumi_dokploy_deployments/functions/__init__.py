"""The reads: typed, engine-free, usable from any host."""
