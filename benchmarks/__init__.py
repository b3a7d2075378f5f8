"""Measurements: how late the end is seen, how many requests that costs, and what the rest costs. No test is among them.

python -m benchmarks runs them; docs/performance.md carries the last run.
"""
