"""A tiny ablation of the detector, from drawn images to the table; what each variant changes."""

from __future__ import annotations

import json

import pytest

from tests.training.studies.test_compare_detectors import QUIET, tiny_budget
from training.__main__ import main
from training.commands import parse
from training.studies import detector_ablation
from training.studies.detector_ablation import VARIANTS, Options, Variant, options_of
from training.synthesis.composites import COUNTS
from training.synthesis.elements import ELEMENTS

pytestmark = QUIET


def asked_for(*words: str) -> Options:
    return parse(Options, words)


@pytest.fixture(scope="module")
def place(tmp_path_factory, drawn_sets):
    folder = tmp_path_factory.mktemp("ablation")
    (folder / "docs").mkdir()
    return folder


@pytest.fixture(scope="module")
def command(place, drawn_sets):
    def run(*words: str) -> int:
        own = ["--init", "yolov8n.yaml", "--composites-used", "20", "--workers", "1"]
        options = [*tiny_budget(place, drawn_sets), *own, "--only", "rim"]
        return main(["ablate-detector", *options, *words])

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(COUNTS, "test", 2)
        patch.setattr(detector_ablation, "PROJECT", place)
        yield run


@pytest.fixture(scope="module")
def _trained(command):
    assert command() == 0


@pytest.mark.usefixtures("_trained")
def test_the_command_composes_trains_once_measures_and_records(command, place, capsys):
    trained = (place / "run" / "rim" / "weights" / "last.pt").stat().st_mtime_ns
    capsys.readouterr()
    assert command("--record") == 0
    printed = capsys.readouterr().out
    assert (place / "run" / "rim" / "weights" / "last.pt").stat().st_mtime_ns == trained
    assert f"| {VARIANTS['rim'].meaning} | " in printed
    assert printed.strip() in (place / "docs" / "studies.md").read_text()


@pytest.mark.usefixtures("_trained")
def test_a_variant_is_trained_on_composites_without_its_element(place):
    for split, count in (("train", 20), ("val", 2)):
        made = place / "run" / "rim" / "composites" / split
        assert json.loads((made / "recipe.json").read_text())["elements"] == [
            name for name in ELEMENTS if name != "rim"
        ]
        assert len(list((made / "images").iterdir())) == count


def test_every_variant_but_the_first_changes_something():
    args = asked_for("--imgsz", "512")
    assert VARIANTS["chosen"] == Variant("all elements")
    assert options_of("chosen", args).composites == args.composites
    for name, variant in VARIANTS.items():
        options = options_of(name, args)
        assert options.out.name == name
        assert bool(variant.without) == (options.composites != args.composites)
        assert variant.without or name == "chosen" or options.imgsz < 512


def test_the_size_of_images_stays_a_multiple_of_32():
    assert options_of("image-size", asked_for("--imgsz", "512")).imgsz == 320
    assert options_of("image-size", asked_for("--imgsz", "480")).imgsz == 288
