"""Speed and memory of serving, beside what one would otherwise write: `python -m benchmarks`."""
