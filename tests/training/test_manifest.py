import json

from models.manifest import load_manifest
from tests.networks import write_detector
from training.data import SUBJECT_SPLITS
from training.manifest import amend, next_version, subject_split, write_manifest


def _described(folder):
    content = json.loads((folder / "manifest.json").read_text())
    return {name: content[name] for name in ("model", "version", "classes", "input", "thresholds")}


def test_what_is_written_is_what_serving_accepts(tmp_path):
    folder = write_detector(tmp_path / "detector")
    content = _described(folder)
    (folder / "manifest.json").unlink()
    write_manifest(folder, content)
    manifest = load_manifest(folder, "detector")
    assert manifest.classes == ("blast", "wbc", "rbc", "platelet")
    assert len(manifest.details["commit"]) == 40


def test_metrics_change_nothing_else(tmp_path):
    folder = write_detector(tmp_path / "detector")
    before = json.loads((folder / "manifest.json").read_text())
    amend(folder, metrics={"AP50": 0.8})
    assert json.loads((folder / "manifest.json").read_text()) == {
        **before,
        "metrics": {"AP50": 0.8},
    }


def test_every_subject_is_in_one_split():
    subjects = [subject for split in subject_split().values() for subject in split]
    assert sorted(subjects) == sorted(SUBJECT_SPLITS)


def test_the_next_version_is_todays_first_that_is_free(tmp_path):
    first = next_version(tmp_path)
    assert first.endswith("-1")
    (tmp_path / first).mkdir()
    (tmp_path / f"{first[:-2]}-3").mkdir()
    assert next_version(tmp_path) == f"{first[:-2]}-2"
