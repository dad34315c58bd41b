"""Figures of speed and size, against bare runs in the same process: `python -m benchmark.speed`."""
