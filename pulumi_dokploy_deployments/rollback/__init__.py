"""The way back: candidates, targets, by image, by source, and recovery after a failure."""
