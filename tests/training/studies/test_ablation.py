"""A tiny ablation, from drawn images to the table; what each variant changes."""

from __future__ import annotations

import numpy as np
import pytest

from tests.training.classifier.test_architectures import small_backbone
from tests.training.classifier.test_data import draw_composites
from tests.training.drawn import draw_sets
from tests.training.studies.test_compare import InThisProcess
from training.__main__ import main
from training.classifier import data
from training.classifier.architectures import ARCHITECTURES, Architecture
from training.classifier.data import CellSource, Group, Pool
from training.commands import parse
from training.data import FOLDS
from training.studies import ablation, ablation_report
from training.studies.ablation import VARIANTS, Options, options_of
from training.studies.ablation_report import ablation_table, read_predictions
from training.studies.reinhard import Reinhard

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(autouse=True)
def few_samples(monkeypatch):
    monkeypatch.setattr(ablation_report, "BOOTSTRAP_SAMPLES", 10)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ablation")
    draw_sets(folder / "data")
    draw_composites(folder / "composites")
    (folder / "docs").mkdir()
    return folder


@pytest.fixture(scope="module")
def command(place):
    def run(*words: str) -> int:
        places = ["--data", place / "data", "--composites", place / "composites"]
        places += ["--fold-composites", place / "folds"]
        places += ["--cutouts", place / "cutouts", "--out", place / "run"]
        numbers = ["--steps", "2", "--size", "24", "--batch", "4", "--every", "2"]
        numbers += ["--test-cells", "4", "--scratch", "--architecture", "small"]
        return main(["ablation", *map(str, places), *numbers, *words])

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ARCHITECTURES, "small", Architecture(small_backbone, 32))
        patch.setattr(data, "_FOLD_COMPOSITES", 8)
        patch.setattr(ablation, "ProcessPoolExecutor", InThisProcess)
        patch.setattr(ablation, "PROJECT", place)
        yield run


def asked_for(*words: str) -> Options:
    return parse(Options, words)


def test_the_command_prints_a_row_a_variant_and_goes_on_where_it_stopped(command, place, capsys):
    variants = ("--only", "chosen", "larger")
    assert command(*variants) == 0
    first = capsys.readouterr().out
    kept = {path: path.stat().st_mtime_ns for path in (place / "run").rglob("*.npz")}
    assert len(kept) == 2 * len(FOLDS) * 2
    assert not list((place / "run").rglob("checkpoints"))
    assert command(*variants, "--record") == 0
    assert capsys.readouterr().out == first
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert first.strip() in (place / "docs" / "studies.md").read_text()
    for row in ("as chosen", "as chosen, without temperature", "a third of"):
        assert f"| {row}" in first


def test_kinds_of_white_cells_are_learned_before(command, place):
    assert command("--only", "kinds") == 0
    assert (place / "run" / "pbc" / "backbone.weights.h5").stat().st_size
    assert read_predictions(place / "run" / "kinds", "black").logits.shape[1] == 2


def test_every_variant_but_the_first_changes_something():
    args = asked_for()
    chosen = vars(options_of("chosen", args))
    for name in list(VARIANTS)[1:]:
        differs = vars(options_of(name, args)) != chosen
        assert differs or VARIANTS[name].change is not VARIANTS["chosen"].change, name


def test_a_share_of_the_steps_is_added_at_the_larger_size():
    options = options_of("larger", asked_for("--steps", "60"))
    assert (options.steps, options.finish_steps, options.finish_size) == (60, 20, 200)


def test_unbalanced_groups_are_drawn_by_their_size():
    cells = [CellSource(None, None, 0, "hem", str(number)) for number in range(3)]
    groups = (Group((cells[0],), 5.0), Group(tuple(cells[1:]), 1.0))
    pool = VARIANTS["balance"].change(Pool((groups, ()), ((), groups), 0.5))
    assert [group.weight for group in pool.crops[0]] == [1, 2]
    assert [group.weight for group in pool.on_black[1]] == [1, 2]


def test_one_stain_prepares_every_image(place, command):
    places = data.Places(place / "data", place / "composites", place / "cutouts", place / "folds")
    pool = VARIANTS["reinhard"].change(data.make_pool(places, "H10"))
    assert isinstance(pool.prepare, Reinhard)


def test_the_table_tells_good_networks_from_bad(tmp_path):
    rng = np.random.default_rng(0)
    for variant, gain in (("good", 4.0), ("bad", 0.0)):
        for held_out in FOLDS:
            folder = tmp_path / variant / held_out
            folder.mkdir(parents=True)
            blasts = np.arange(60) % 2 == 1
            logits = np.stack((np.zeros(60), gain * blasts + rng.normal(size=60)), axis=1)
            columns = {"kinds": np.where(blasts, "all", "hem"), "subjects": np.arange(60) % 5}
            columns["subjects"] = columns["subjects"].astype(str)
            for view in ("black", "crop"):
                np.savez(folder / f"{view}.npz", logits=logits, blasts=blasts, **columns)
    text = ablation_table({"good": "a good choice", "bad": "a bad one"}, tmp_path)
    means = [float(line.split("|")[5].split()[0]) for line in text.splitlines()[2:]]
    assert means[0] == means[1] > 0.98
    assert 0.3 < means[2] < 0.7
