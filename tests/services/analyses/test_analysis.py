from dataclasses import replace
from functools import partial
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageFilter
from sqlalchemy.exc import IntegrityError

from imaging.decoding.errors import ImageError
from imaging.images import ImageLimits
from records import db
from records.accounts.accounts import new_id
from records.analyses import analyses
from records.analyses.analyses import Analysis
from records.storage.image_store import DiskStore
from services.analyses.analysis import Analyst, OtherUploadError, Upload, display_name
from tests.cases import open_case
from tests.known_pixels import as_bits, tiff
from tests.people import account_named, add_account, team_of
from tests.stand_ins import drawn_cell, drawn_field, stand_in_models
from tests.uploads import cell_image, encoded, png


@pytest.fixture
def ada(app):
    add_account(app, "ada")
    with app.app_context():
        yield account_named("ada").id


@pytest.fixture
def store(tmp_path) -> DiskStore:
    return DiskStore(tmp_path / "images")


@pytest.fixture
def analyst(store: DiskStore) -> Analyst:
    return Analyst(stand_in_models, store, ImageLimits(max_bytes=2**22, max_pixels=30_000_000))


def upload(content: bytes, name: str = "cell.png") -> Upload:
    return Upload(name, content, "batch")


def stored(analyst: Analyst, name: str) -> np.ndarray:
    with Image.open(BytesIO(analyst.image(name))) as image:
        return np.asarray(image)


def test_a_cell_is_kept_with_its_finding_and_its_pixels(analyst: Analyst, ada: str):
    analysis = analyst.classify(ada, upload(png()))

    assert (analysis.kind, analysis.result) == ("classification", "all_blast")
    assert analysis.probability == pytest.approx(0.98)
    assert analysis.finding["label"] == "all_blast"
    assert analysis.model_version == "stand-in-1"
    assert analysis.file_bytes == len(png())
    assert len(analysis.sha256) == 64
    assert analysis.display_name is analysis.cells_name is None
    assert stored(analyst, analysis.image_name).shape == (120, 120, 3)
    assert stored(analyst, analysis.thumbnail_name).shape == (120, 120, 3)


def test_the_kept_pixels_are_those_that_were_read(analyst: Analyst, ada: str):
    field = drawn_field()
    analysis = analyst.detect(ada, upload(png(field)), new_id())

    assert np.array_equal(stored(analyst, analysis.image_name), field)


def test_a_cell_that_is_not_usable_is_kept_with_its_reason(analyst: Analyst, ada: str):
    analysis = analyst.classify(ada, upload(png(np.zeros((100, 100, 3), np.uint8))))

    assert (analysis.result, analysis.probability) == (analyses.NOT_USABLE, None)
    assert analysis.finding["usable"] is False
    assert analysis.finding["code"] == "blank"


def blurred_cell() -> bytes:
    return png(np.asarray(cell_image().filter(ImageFilter.GaussianBlur(10))))


def test_overriding_the_quality_check_keeps_a_second_finding(analyst: Analyst, ada: str, store):
    refused = analyst.classify(ada, upload(blurred_cell()))
    before = dict(refused.finding)
    read = analyst.override_quality_check(refused)

    assert (refused.result, refused.finding["code"]) == (analyses.NOT_USABLE, "blurred")
    assert refused.finding == before
    assert read.result != analyses.NOT_USABLE
    assert read.finding["overridden"] is True
    assert (read.file_name, read.sha256, read.batch_id, read.owner_id) == (
        refused.file_name, refused.sha256, refused.batch_id, ada
    )  # fmt: skip
    assert not set(read.image_names) & set(refused.image_names)
    assert np.array_equal(stored(analyst, read.image_name), stored(analyst, refused.image_name))
    analyst.delete(refused)
    assert store.names() == set(read.image_names)


def test_an_image_is_carried_over_to_detect(analyst: Analyst, ada: str):
    two_cells = np.tile(drawn_cell(), (1, 2, 1))
    several = analyst.classify(ada, upload(png(two_cells), "field.png"))
    field = analyst.detect_again(ada, several, new_id())

    assert several.finding["code"] == "several_cells"
    assert (field.kind, field.file_name) == ("detection", "field.png")
    assert field.result == analyses.UNCERTAIN_CELLS
    assert np.array_equal(stored(analyst, field.image_name), two_cells)


def test_how_the_values_were_read_is_kept_however_often_the_image_is_read(
    analyst: Analyst, ada: str
):
    sent = analyst.classify(
        ada, upload(tiff(as_bits(drawn_field(), 12), photometric="rgb"), "camera.tif")
    )
    field, cell = analyst.detect_again(ada, sent, new_id()), analyst.override_quality_check(sent)

    assert sent.finding["reading"]["bits"] == 12
    assert sent.finding["reading"]["notes"] == list(sent.notes) != []
    assert field.finding["reading"] == cell.finding["reading"] == sent.finding["reading"]
    # Findings of before have no such key.
    sent.finding = {key: value for key, value in sent.finding.items() if key != "reading"}
    assert analyst.detect_again(ada, sent, new_id()).finding["reading"] is None


def test_what_was_within_the_limits_as_it_came_is_so_when_read_again(ada: str, store: DiskStore):
    noise = np.random.default_rng(0).integers(0, 256, (150, 200, 3), np.uint8)
    small = encoded(Image.fromarray(noise), "JPEG", quality=50)
    analyst = Analyst(stand_in_models, store, ImageLimits(max_bytes=len(small)))
    sent = analyst.classify(ada, upload(small, "cell.jpg"))

    assert len(analyst.image(sent.image_name)) > len(small)
    assert analyst.detect_again(ada, sent, new_id()).kind == "detection"


def test_an_image_that_is_gone_is_not_read_again(analyst: Analyst, ada: str, store: DiskStore):
    refused = analyst.classify(ada, upload(blurred_cell()))
    for name in refused.image_names:
        store.delete(name)
    with pytest.raises(FileNotFoundError):
        analyst.override_quality_check(refused)
    with pytest.raises(FileNotFoundError):
        analyst.detect_again(ada, refused, new_id())
    assert analyses.page_of(team_of(ada), analyses.Filters(), 1, 20).items == (refused,)


def test_a_field_is_kept_with_a_sheet_of_its_white_cells(analyst: Analyst, ada: str):
    analysis = analyst.detect(ada, upload(png(drawn_field())), new_id())

    assert (analysis.kind, analysis.result) == ("detection", "blasts")
    assert analysis.finding["counts"] == {
        "blast": 1,
        "wbc": 1,
        "smudge": 0,
        "rbc": 1,
        "platelet": 1,
    }
    assert stored(analyst, analysis.cells_name).shape == (160, 12 * 160, 3)


@pytest.mark.parametrize(
    ("labels", "result"),
    [
        (("blast", "wbc"), analyses.BLASTS),
        (("wbc", "rbc"), analyses.UNCERTAIN_CELLS),
        (("rbc", "platelet"), analyses.NO_WHITE_CELLS),
        (("platelet",), analyses.NOT_READABLE),
        ((), analyses.NOT_READABLE),
    ],
)
def test_the_result_of_a_field(analyst: Analyst, ada: str, monkeypatch, labels, result):
    detector = analyst._models().detector
    everything = type(detector).find

    def find(self, rgb, min_confidence=None, progress=None):
        found = everything(self, rgb, min_confidence, progress)
        some = [cell for cell in found.detections if cell.label in labels]
        # A smear without white cells has red ones all over.
        whole = (0.0, 0.0, 480.0, 360.0)
        red = [replace(cell, box=whole) for cell in some if cell.label == "rbc"] * 3
        return type(found)(found.width, found.height, (*some, *red), found.model)

    monkeypatch.setattr(type(detector), "find", find)
    analysis = analyst.detect(ada, upload(png(drawn_field())), new_id())

    assert analysis.result == result
    assert (analysis.cells_name is None) == (
        result in (analyses.NO_WHITE_CELLS, analyses.NOT_READABLE)
    )


def test_a_huge_field_gets_a_bounded_copy_for_the_screen(analyst: Analyst, ada: str):
    field = np.tile(drawn_field(500, 400), (5, 10, 1))
    analysis = analyst.detect(ada, upload(png(field)), new_id())

    assert stored(analyst, analysis.image_name).shape == (2000, 5000, 3)
    assert stored(analyst, analysis.display_name).shape == (1638, 4096, 3)
    assert stored(analyst, analysis.thumbnail_name).shape == (102, 256, 3)


@pytest.mark.parametrize("read", [Analyst.classify, partial(Analyst.detect, analysis_id="1")])
def test_what_is_refused_is_kept_nowhere(analyst: Analyst, ada: str, store: DiskStore, read):
    with pytest.raises(ImageError):
        read(analyst, ada, upload(png()[:-200]))

    assert store.names() == set()
    assert not analyses.any_of(team_of(ada))


@pytest.mark.parametrize("read", [Analyst.classify, partial(Analyst.detect, analysis_id="1")])
def test_a_row_that_cannot_be_kept_leaves_no_image(analyst: Analyst, ada: str, store, read):
    with pytest.raises(IntegrityError):
        read(analyst, "nobody", upload(png()))

    assert store.names() == set()
    assert db.session.scalars(db.select(Analysis)).all() == []


def test_an_image_that_cannot_be_kept_leaves_no_row(analyst, ada, store, monkeypatch):
    put = DiskStore.put

    def second_fails(self, content, image_type="png"):
        if self.names():
            raise OSError(28, "No space left on device")
        return put(self, content, image_type)

    monkeypatch.setattr(DiskStore, "put", second_fails)
    with pytest.raises(OSError, match="No space"):
        analyst.classify(ada, upload(png()))

    assert store.names() == set()
    assert not analyses.any_of(team_of(ada))


def test_deleting_removes_row_and_images(analyst: Analyst, ada: str, store: DiskStore):
    other = analyst.classify(ada, upload(png()))
    analyst.delete(analyst.detect(ada, upload(png(drawn_field())), new_id()))

    assert store.names() == set(other.image_names)
    assert analyses.page_of(team_of(ada), analyses.Filters(), 1, 20).items == (other,)


def test_an_image_that_cannot_be_deleted_keeps_the_row_to_try_again(
    analyst: Analyst, ada: str, store: DiskStore, monkeypatch
):
    analysis = analyst.classify(ada, upload(png()))

    def busy(_store: DiskStore, _name: str) -> None:
        raise OSError("busy")

    with monkeypatch.context() as broken, pytest.raises(OSError, match="busy"):
        broken.setattr(DiskStore, "delete", busy)
        analyst.delete(analysis)
    assert analyses.find(ada, analysis.id) is analysis

    analyst.delete(analysis)
    assert store.names() == set()
    assert not analyses.any_of(team_of(ada))


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("cell.png", "cell.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Scans\\cell 7.tif", "cell 7.tif"),
        ("a\x00b\u202egnp.exe\n", "abgnp.exe"),
        ("", "unnamed"),
        ("folder/", "unnamed"),
        ("Zelle-ä-细胞.png", "Zelle-ä-细胞.png"),
        ("a" * 300 + "-001.png", "a" * 79 + "…" + "a" * 32 + "-001.png"),
    ],
)
def test_file_names_are_made_fit_to_be_shown(given: str, shown: str):
    assert display_name(given) == shown
    assert len(shown) <= analyses.FILE_NAME_LENGTH


def test_a_cell_at_the_edge_of_a_field_is_cut_whole(analyst: Analyst, ada: str):
    analysis = analyst.detect(ada, upload(png(drawn_cell(64))), new_id())

    assert stored(analyst, analysis.cells_name).shape[0] == 160


def test_an_id_is_of_one_image_case_and_kind(app, analyst: Analyst, ada: str):
    sent = replace(upload(png()), id="1" * 32)
    analysis = analyst.classify(ada, sent)
    assert analyst.classify(ada, sent) is analysis
    case_id = open_case(ada).id
    for other in (replace(sent, content=png(drawn_field())), replace(sent, case_id=case_id)):
        with pytest.raises(OtherUploadError):
            analyst.classify(ada, other)
    with pytest.raises(OtherUploadError):
        app.extensions["leukoscope_fields"].take(ada, sent)
