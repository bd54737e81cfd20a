"""Which version of a model is served: the pointer, and what is wrong with a bad one."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from models.manifest import WeightsError
from models.registry import load_models
from models.versions import activate, active_folder, version_folder, versions
from tests.networks import active, write_classifier, write_weights

MODEL = "classifier"


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    for name in ("1", "2"):
        active(tmp_path / MODEL, name).mkdir()
    return tmp_path


def point_to(weights: Path, content: bytes) -> None:
    (weights / MODEL / "active").write_bytes(content)


def test_the_pointer_names_the_folder_that_is_served(weights):
    assert active_folder(weights, MODEL) == weights / MODEL / "2"
    activate(weights / MODEL, "1")
    assert active_folder(weights, MODEL) == weights / MODEL / "1"
    assert versions(weights / MODEL) == ("1", "2")


def test_both_models_are_loaded_from_their_active_versions(tmp_path):
    weights = write_weights(tmp_path / "weights")
    write_classifier(weights / MODEL / "another")
    models = load_models(weights, "f32")
    assert models.classifier.manifest.folder == weights / MODEL / "test-1"
    activate(weights / MODEL, "another")
    assert load_models(weights, "f32").classifier.manifest.folder == weights / MODEL / "another"


def test_a_missing_pointer_is_told_with_its_remedy(tmp_path):
    with pytest.raises(WeightsError, match=r"classifier.active is missing; restore .*make train"):
        active_folder(tmp_path, MODEL)


def test_weights_without_versions_are_told_how_to_be_moved(tmp_path):
    write_classifier(tmp_path / MODEL)
    with pytest.raises(WeightsError, match=r"Move all that is in it to .*VERSION"):
        active_folder(tmp_path, MODEL)


def test_a_version_that_is_not_there_is_told(weights):
    point_to(weights, b"3\n")
    with pytest.raises(WeightsError, match=r"names version 3, but .*classifier.3 is missing"):
        active_folder(weights, MODEL)


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"\n", b"..", b".", b"../detector/1", b"/etc", b"a/b", b"a\\b", b".hidden"),
        *(b"1\n2\n", b"1\x00", b"1" * 101, b"C:1", b"~"),
    ],
)
def test_a_pointer_leads_nowhere_but_into_its_folder(weights, content):
    point_to(weights, content)
    with pytest.raises(WeightsError, match="must name a folder beside it"):
        active_folder(weights, MODEL)


def test_an_unreadable_pointer_is_told(weights):
    point_to(weights, b"\xff\xfe")
    with pytest.raises(WeightsError, match="active cannot be read"):
        active_folder(weights, MODEL)


def test_a_folder_in_place_of_the_pointer_is_told(weights):
    (weights / MODEL / "active").unlink()
    (weights / MODEL / "active").mkdir()
    with pytest.raises(WeightsError, match="active cannot be read"):
        active_folder(weights, MODEL)


@pytest.mark.parametrize("version", ["3", "../classifier/1", "", "active"])
def test_only_what_is_there_is_activated(weights, version):
    with pytest.raises(WeightsError, match="version"):
        activate(weights / MODEL, version)
    assert active_folder(weights, MODEL) == weights / MODEL / "2"


def test_an_unknown_version_is_told_with_those_that_are_there(weights):
    with pytest.raises(WeightsError, match=r"has no version 3\. It has: 1, 2\."):
        activate(weights / MODEL, "3")


def test_a_name_that_leads_elsewhere_is_refused(weights):
    with pytest.raises(WeightsError, match="no name of a version"):
        version_folder(weights / MODEL, "../1")


def test_whoever_reads_the_pointer_sees_the_old_or_the_new(weights):
    seen, stop = set(), threading.Event()

    def read() -> None:
        while not stop.is_set():
            seen.add(active_folder(weights, MODEL).name)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(300):
        activate(weights / MODEL, "1")
        activate(weights / MODEL, "2")
    stop.set()
    reader.join()
    assert seen <= {"1", "2"}


def test_drafts_and_files_are_no_versions(weights):
    (weights / MODEL / ".3").mkdir()
    (weights / MODEL / "notes.txt").touch()
    assert versions(weights / MODEL) == ("1", "2")
    assert versions(weights / "none") == ()
