"""`python -m training.cells COMMAND`: pack the images, then train."""

import sys
from collections.abc import Sequence

from training.commands import Command, run_command

COMMANDS = (
    Command(("pack",), "training.cells.pack", "pack all images in one file"),
    Command(("teach",), "training.cells.teach", "write the features of ImageNet's Lite0"),
    Command(("predict",), "training.cells.predict", "predict the cells that each fold held out"),
    Command(("measure",), "training.cells.measure", "measure the folds on what each held out"),
    Command(("curve",), "training.cells.curve", "measure what a laboratory's head gains by cells"),
    Command(("export",), "training.cells.export", "calibrate, measure and publish the weights"),
    Command(("fields",), "training.cells.fields", "measure both networks on real fields"),
    Command(("train",), "training.cells.train", "train the network of one fold or of several"),
)


def main(argv: Sequence[str]) -> int:
    """Run one command; return its exit status."""
    return run_command("python -m training.cells", COMMANDS, argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
