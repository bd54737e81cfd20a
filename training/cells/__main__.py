"""`python -m training.cells COMMAND`: pack the images, then train."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from training.data import DataError

COMMANDS = {
    "pack": "pack all images in one file",
    "teach": "write the features of ImageNet's EfficientNet-Lite0 to learn from",
    "train": "train the network of one fold or of several",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m training.cells", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in COMMANDS.items():
        module = importlib.import_module(f"training.cells.{name}")
        own = commands.add_parser(name, help=text, description=module.__doc__)
        module.add_arguments(own)
        own.set_defaults(run=module.run)
    args = parser.parse_args(arguments)
    try:
        args.run(args)
    except DataError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
