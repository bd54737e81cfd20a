"""The detector's training images as ultralytics wants them: links to images, labels, a recipe."""

import shutil
from pathlib import Path
from statistics import median

from core.taxonomy import DETECTED, PLATELET, RBC, YOLO_CODES
from training.data import DataError, Split, TxlField, read_txl
from training.synthesis.composites import SIDE
from training.synthesis.elements import check_classes

# Red cells and platelets of a field are labelled where a red cell is at least so many pixels wide.
# Below it there are up to a thousand a field, whose assignment would cost more time than the rest
# of the training; white cells are labelled at every size.
SMALLEST_RED_CELL = 18
_SMALL_KINDS = (RBC, PLATELET)
# TXL-PBC's fields are few beside the composites, but the only ones untouched.
_REPEATS: dict[Split, int] = {"train": 2, "val": 1}


def prepare(data: Path, composites: Path, folder: Path, most: int | None = None) -> Path:
    """Write a fresh data set below `folder`; return the path of its recipe (YAML).

    Train: composites of `train` (the first `most`) and TXL-PBC's train fields. Val: those of `val`.
    Raises DataError where composites are missing.
    """
    shutil.rmtree(folder, ignore_errors=True)
    for split, repeats in _REPEATS.items():
        (folder / "images" / split).mkdir(parents=True)
        (folder / "labels" / split).mkdir(parents=True)
        for image, lines in labelled_composites(composites, split, most):
            _add(image, lines, folder, split, image.name)
        for repeat in range(repeats):
            for field in read_txl(data, split):
                _add_txl(field, folder, f"txl-{repeat}-{field.path.name}")
    return _write_recipe(folder)


def large_enough(lines: list[str]) -> list[str]:
    """Drop red cells and platelets from a composite's YOLO lines where red cells are too small."""
    small = {str(DETECTED[kind].index) for kind in _SMALL_KINDS}
    red = str(DETECTED[RBC].index)
    widths = [float(line.split()[3]) * SIDE for line in lines if line.split()[0] == red]
    if widths and median(widths) < SMALLEST_RED_CELL:
        return [line for line in lines if line.split()[0] not in small]
    return lines


def labelled_composites(
    composites: Path, split: Split, most: int | None = None
) -> list[tuple[Path, list[str]]]:
    """Return the composites of a split, the first `most`, with the YOLO lines that are learnt.

    Raises:
        DataError: There are none, or their labels have other numbers than now.
    """
    source = composites / split
    images = sorted((source / "images").glob("*.jpg"))[:most]
    if not images:
        raise DataError(
            f"There are no composites in {source}. Make them with "
            f"`python -m training composites --split {split}`."
        )
    check_classes(source)
    labels = (source / "labels" / f"{image.stem}.txt" for image in images)
    lines = (large_enough(label.read_text().splitlines()) for label in labels)
    return list(zip(images, lines, strict=True))


def _add_txl(field: TxlField, folder: Path, name: str) -> None:
    lines = [box.yolo_line for box in field.boxes]
    _add(field.path, lines, folder, field.split, name)


def _add(image: Path, lines: list[str], folder: Path, split: Split, name: str) -> None:
    (folder / "images" / split / name).symlink_to(image.resolve())
    label = (folder / "labels" / split / name).with_suffix(".txt")
    label.write_text("\n".join(lines))


def _write_recipe(folder: Path) -> Path:
    names = [f"  {number}: {name}" for number, name in enumerate(YOLO_CODES)]
    recipe = folder / "recipe.yaml"
    head = (f"path: {folder.resolve()}", "train: images/train", "val: images/val", "names:")
    recipe.write_text("\n".join((*head, *names)) + "\n")
    return recipe
