import json

import pytest

from services.model_cards import read_card, read_chart
from tests.networks import write_classifier


@pytest.fixture
def weights(tmp_path):
    folder = write_classifier(tmp_path / "classifier")
    (folder / "model_card.md").write_text("# Classifier test-1\n\nKörner\n", encoding="utf-8")
    (folder / "charts").mkdir()
    (folder / "charts" / "roc.svg").write_text("<svg/>")
    (folder / "charts" / "notes.txt").write_text("no chart")
    return tmp_path


def test_a_card_is_what_lies_beside_the_network(weights):
    card = read_card(weights, "classifier")

    assert card.manifest.version == "test-1"
    assert "Körner" in card.text
    assert card.charts == {"roc.svg"}
    assert read_chart(weights, "classifier", "roc.svg") == b"<svg/>"


def test_what_is_missing_is_none(tmp_path, caplog):
    card = read_card(tmp_path, "classifier")

    assert (card.manifest, card.text, card.charts) == (None, None, frozenset())
    assert "manifest.json is missing" in caplog.text


@pytest.mark.parametrize("content", [b"\xff\xfe", b"[]", b'"text"', json.dumps({}).encode()])
def test_what_cannot_be_read_is_none(weights, content):
    for name in ("manifest.json", "model_card.md"):
        (weights / "classifier" / name).write_bytes(b"\xff" + content)

    card = read_card(weights, "classifier")

    assert (card.manifest, card.text) == (None, None)


@pytest.mark.parametrize(
    "name", ["none.svg", "notes.txt", "../manifest.json", "../../classifier/charts/roc.svg", ""]
)
def test_nothing_but_charts_is_given_out(weights, name):
    with pytest.raises(FileNotFoundError):
        read_chart(weights, "classifier", name)
