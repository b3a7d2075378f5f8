"""One run: trigger, correlate, await, prove."""
