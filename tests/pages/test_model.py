"""The pages of the models, on what lies beside the networks and on nothing else."""

import re

import pytest
from flask.testing import FlaskClient

from models.versions import active_folder
from settings import ROOT, Settings
from tests.networks import active, write_classifier
from tests.uploads import texts, upload_cell

CARD = """# Classifier test-1

Reads one cell.

## Figures

| set | AUROC |
| --- | ---: |
| held-out subjects | 0.871 |

![ROC curves of held-out subjects](charts/roc.svg)
"""


@pytest.fixture
def weights(settings: Settings):
    folder = write_classifier(active(settings.weights_dir / "classifier"))
    (folder / "model_card.md").write_text(CARD)
    (folder / "charts").mkdir()
    (folder / "charts" / "roc.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    return folder


def test_the_bar_leads_to_both_models(signed_in: FlaskClient, weights):
    page = signed_in.get("/models").text

    assert 'href="/models" aria-current="page">Models' in page
    assert 'href="/models/classifier"' in page
    assert 'href="/models/detector"' in page
    assert "Version test-1" in texts(page)


def test_a_card_is_shown_with_version_hashes_figures_and_charts(signed_in: FlaskClient, weights):
    page = signed_in.get("/models/classifier").text

    assert re.search(r"<h1>\s*Classifier test-1\s*</h1>", page)
    assert page.count("<h1") == 1
    assert '<td class="number">0.871</td>' in page
    assert 'src="/models/classifier/charts/roc.svg" alt="ROC curves of held-out subjects"' in page
    assert 'href="#figures"' in page
    assert "It does not diagnose" in page
    assert re.search(r"<code>[0-9a-f]{64}</code>", page)


def test_every_number_comes_from_what_lies_beside_the_network(signed_in: FlaskClient):
    page = signed_in.get("/models/classifier").text
    main = texts(re.search(r"<main[^>]*>(.*)</main>", page, re.DOTALL).group(1))

    assert not re.search(r"\d", main)


@pytest.mark.parametrize("path", ["/models", "/models/classifier", "/models/detector"])
def test_a_missing_card_is_a_sentence(signed_in: FlaskClient, path: str):
    answer = signed_in.get(path)

    assert answer.status_code == 200
    assert "Details unavailable" in texts(answer.text)


def test_an_unreadable_card_is_a_sentence(signed_in: FlaskClient, weights):
    (weights / "model_card.md").write_bytes(b"\xff\xfe\x00")
    (weights / "manifest.json").write_text('{"model": "classifier"}')

    page = texts(signed_in.get("/models/classifier").text)

    assert "performance is unknown" in page
    assert "Details unavailable" in page


def test_a_chart_is_an_image_that_may_style_itself_and_no_more(signed_in: FlaskClient, weights):
    answer = signed_in.get("/models/classifier/charts/roc.svg")

    assert (answer.status_code, answer.mimetype) == (200, "image/svg+xml")
    policy = answer.headers["Content-Security-Policy"]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "/models/classifier/charts/none.svg",
        "/models/classifier/charts/..%2fmanifest.json",
        "/models/detector/charts/roc.svg",
        "/models/nothing",
        "/models/..",
    ],
)
def test_other_names_are_not_found(signed_in: FlaskClient, weights, path: str):
    assert signed_in.get(path).status_code == 404


@pytest.mark.parametrize(
    "path", ["/models", "/models/classifier", "/models/classifier/charts/roc.svg"]
)
def test_anonymous_visitors_sign_in_first(client: FlaskClient, weights, path: str):
    assert client.get(path).headers["Location"].startswith("/sign-in")


def test_a_result_leads_to_the_model_that_gave_it(signed_in: FlaskClient, weights):
    result = signed_in.get(f"/classify/{upload_cell(signed_in)}").text
    link = re.search(r'href="(/models/classifier\?version=[^"]+)">performance', result)

    assert "Your result came from version" in texts(signed_in.get(link.group(1)).text)
    assert (
        "Your result came from version"
        not in signed_in.get("/models/classifier?version=test-1").text
    )


@pytest.mark.parametrize("model", ["classifier", "detector"])
def test_the_shipped_cards_have_the_charts_that_they_show(model: str):
    folder = active_folder(ROOT / "weights", model)
    shown = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", (folder / "model_card.md").read_text())

    assert all((folder / chart).is_file() for chart in shown)
