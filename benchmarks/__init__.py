"""Speed and memory of serving, beside what one would otherwise write: `python -m benchmarks`."""

import torchvision  # noqa: F401  # loaded after TensorFlow, the Triton that it brings crashes
