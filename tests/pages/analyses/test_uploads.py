import re
import struct
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import hypothesis
import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from imaging.decoding.formats import ACCEPT, NAMES
from jobs.runner import GOING_WRONG
from records import db
from records.analyses.analyses import Analysis
from records.storage.image_store import DiskStore
from settings import Settings
from tests.applications import empty_app
from tests.image_files import damaged_files
from tests.known_pixels import as_bits, tiff
from tests.people import csrf_token, sign_in_as
from tests.stand_ins import drawn_cell, drawn_field
from tests.uploads import DARK, cell_image, encoded, follow, png, send, texts, upload_field

PATHS = ["/classify", "/detect"]


def bomb() -> bytes:
    """Some bytes of PNG that say 40,000 x 40,000 pixels: 4.8 GB once decoded."""
    header = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(10_000))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def cell_file() -> BytesIO:
    return BytesIO(png())


def animated(file_format: str) -> bytes:
    frames = [cell_image(), cell_image().rotate(90)]
    return encoded(frames[0], file_format, save_all=True, append_images=frames[1:])


REFUSED = {
    "text": (b"no image at all", "not an image that can be read"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "This is an SVG drawing"),
    "gif": (encoded(cell_image(), "GIF"), "This is a GIF, which cannot be read"),
    "zip": (b"PK\3\4 and more", "This is a ZIP archive"),
    "empty": (b"", "The file is empty"),
    "animated PNG": (animated("PNG"), "several pictures"),
    "animated WebP": (animated("WEBP"), "several pictures"),
    "pages of TIFF": (animated("TIFF"), "several pictures"),
    "CIELab": (
        tiff(np.asarray(cell_image()), photometric="cielab"),
        "CIELab colours (uncompressed, 8 bits, 3 samples)",
    ),
    "tiny": (png(np.zeros((8, 8, 3), np.uint8)), "at least 16"),
}
DAMAGED = {
    "PNG": png()[:-200],
    "JPEG": encoded(cell_image(), "JPEG")[:900],
}
CONVERTED = {
    "CMYK": (cell_image().convert("CMYK"), "JPEG", "CMYK colours were converted to RGB."),
    "palette": (cell_image().quantize(64), "PNG", None),
    "alpha": (
        Image.merge("RGBA", [*cell_image().split(), Image.linear_gradient("L").resize((120, 120))]),
        "PNG",
        "Transparent parts were made black.",
    ),
    "grey 16-bit": (
        Image.fromarray(np.linspace(0, 65535, 14400).reshape(120, 120).astype(np.uint16)),
        "PNG",
        "16-bit PNG, scaled from 0–65535.",
    ),
    "BMP": (cell_image(), "BMP", None),
    "AVIF": (cell_image(), "AVIF", None),
    "JPEG 2000": (cell_image(), "JPEG2000", None),
    "WebP": (cell_image(), "WEBP", None),
}


@pytest.fixture
def small(settings: Settings) -> Iterator[FlaskClient]:
    """A browser signed in where files may have 1 MiB at most."""
    with empty_app(settings.model_copy(update={"max_upload_mb": 1})) as app:
        yield sign_in_as(app, "ada")


def kept(app: Flask) -> tuple[int, int]:
    """How many analyses and how many images there are."""
    with app.app_context():
        rows = db.session.scalar(db.select(db.func.count()).select_from(Analysis))
        named = {
            name for row in db.session.scalars(db.select(Analysis)) for name in row.image_names
        }
    store = DiskStore(app.config["LEUKOSCOPE"].images_dir)
    assert store.names() == named
    return rows, len(named)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_read_is_refused_with_a_sentence_and_kept_nowhere(
    app: Flask, signed_in: FlaskClient, path: str, kind: str
):
    content, sentence = REFUSED[kind]
    answer = send(signed_in, path, ("cell", content), as_json=True)

    assert answer.status_code == 422
    assert list(answer.json) == ["error"]
    assert sentence in answer.json["error"]
    assert kept(app) == (0, 0)


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_cell_is_refused_at_once(app: Flask, signed_in: FlaskClient, kind: str):
    answer = send(signed_in, "/classify", (f"cell.{kind.lower()}", DAMAGED[kind]), as_json=True)

    assert answer.status_code == 422
    assert "incomplete or damaged" in answer.json["error"]
    assert kept(app) == (0, 0)


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_field_is_refused_when_it_is_read(app: Flask, signed_in: FlaskClient, kind: str):
    answer = send(signed_in, "/detect", (f"field.{kind.lower()}", DAMAGED[kind]), as_json=True)
    shown = follow(signed_in, answer.json)

    assert (shown["state"], shown["cancel"], shown["retry"]) == ("failed", None, None)
    assert "incomplete or damaged" in shown["error"]
    assert kept(app) == (0, 0)
    assert DiskStore(app.config["LEUKOSCOPE"].uploads_dir).names() == set()


@hypothesis.settings(
    max_examples=100,
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
@hypothesis.given(data=damaged_files())
@pytest.mark.parametrize("path", PATHS)
def test_damaged_files_are_taken_or_refused_and_leave_nothing(
    app: Flask, signed_in: FlaskClient, path: str, data: bytes
):
    answer = send(signed_in, path, ("smear", data), as_json=True)

    assert answer.status_code in {201, 202, 422}, answer.text
    if answer.status_code == 202:
        assert follow(signed_in, answer.json)["error"] != GOING_WRONG
    kept(app)
    assert DiskStore(app.config["LEUKOSCOPE"].uploads_dir).names() == set()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("as_json", [True, False])
def test_an_extension_that_contradicts_the_content_is_refused(
    app: Flask, signed_in: FlaskClient, path: str, as_json: bool
):
    jpeg = encoded(cell_image(), "JPEG")
    answer = send(signed_in, path, ("cell.PNG", jpeg), as_json=as_json)

    assert answer.status_code == 422
    assert "This file is named .png but holds JPEG data. Rename it or export it again." in texts(
        answer.text
    )
    assert kept(app) == (0, 0)
    assert DiskStore(app.config["LEUKOSCOPE"].uploads_dir).names() == set()


@pytest.mark.parametrize("path", PATHS)
def test_damaged_directories_of_tiff_are_refused(
    app: Flask, signed_in: FlaskClient, path: str, damaged_tiffs: list[bytes]
):
    answers = [
        send(signed_in, path, ("smear.tif", data), as_json=True).status_code
        for data in damaged_tiffs
    ]
    assert answers == [422] * len(damaged_tiffs)
    assert kept(app) == (0, 0)


@pytest.mark.parametrize("path", PATHS)
def test_a_decompression_bomb_is_refused_before_it_is_decoded(
    app: Flask, signed_in: FlaskClient, path: str
):
    answer = send(signed_in, path, ("bomb.png", bomb()), as_json=True)

    assert answer.status_code == 422
    assert "40000 × 40000 pixels" in answer.json["error"]
    assert kept(app) == (0, 0)


@pytest.mark.parametrize("kind", CONVERTED)
def test_unusual_images_are_converted_and_it_is_noted(
    app: Flask, signed_in: FlaskClient, kind: str
):
    image, file_format, note = CONVERTED[kind]
    answer = send(signed_in, "/classify", ("cell", encoded(image, file_format)), as_json=True)

    assert answer.status_code == 201, answer.text
    with app.app_context():
        analysis = db.session.get(Analysis, answer.json["id"])
        assert (analysis.width, analysis.height) == (120, 120)
        assert analysis.notes == ([note] if note else [])


@pytest.mark.parametrize("path", PATHS)
def test_how_the_values_were_read_is_told_on_the_page_and_kept(
    app: Flask, signed_in: FlaskClient, path: str
):
    line = "16-bit TIFF with 12-bit values, scaled from 0–4095."
    pixels = (drawn_cell(chromatin=DARK) if path == "/classify" else drawn_field()).copy()
    pixels[0, 0] = 255
    content = tiff(as_bits(pixels, 12), photometric="rgb", compression="zlib")
    document = send(signed_in, path, ("camera.tif", content), as_json=True).json
    if path == "/detect":
        document = follow(signed_in, document)
    page = signed_in.get(document["url"]).text

    assert texts(page).count(line) == 1
    with app.app_context():
        analysis = db.session.scalar(db.select(Analysis))
        assert analysis.finding["reading"] == {
            "samples": "16-bit",
            "low": 0,
            "high": 4095,
            "bits": 12,
            "stated": False,
            "compression": "Deflate",
            "notes": [line],
        }
        analysis.finding = {k: v for k, v in analysis.finding.items() if k != "reading"}
        db.session.commit()
    # As a finding of before is kept: told with the file, where it always was.
    assert texts(signed_in.get(document["url"]).text).count(line) == 1


@pytest.mark.parametrize("path", PATHS)
def test_the_form_names_and_accepts_what_is_read(signed_in: FlaskClient, path: str):
    page = signed_in.get(path).text
    assert NAMES in texts(page)
    assert f'accept="{ACCEPT},.zip,application/zip"' in page
    assert "also in ZIP files" in texts(page)


def test_a_script_gets_the_result_with_its_address(signed_in: FlaskClient):
    answer = send(signed_in, "/classify", ("cell.png", png()), as_json=True)

    assert answer.status_code == 201
    document = answer.json
    assert document["url"] == f"/classify/{document['id']}"
    assert re.fullmatch(r"[0-9a-f]{32}", document["id"])
    assert document["label"] == "all_blast"
    assert document["word"] == "ALL blast"
    assert document["summary"] == "Probability of ALL blast: 98%"
    assert document["probability"] == pytest.approx(0.98)
    assert document["usable"] is True
    assert signed_in.get(document["url"]).status_code == 200
    assert signed_in.get(document["thumbnail"]).mimetype == "image/jpeg"


def test_a_cell_image_that_is_not_usable_is_kept_with_its_reason(
    app: Flask, signed_in: FlaskClient
):
    blank = png(np.full((100, 100, 3), 90, np.uint8))
    document = send(signed_in, "/classify", ("blank.png", blank), as_json=True).json

    assert document["label"] is document["probability"] is None
    assert document["usable"] is False
    assert document["reason"].startswith("The image is blank.")
    assert kept(app) == (1, 2)


def test_a_field_is_counted(signed_in: FlaskClient):
    document = upload_field(signed_in)

    assert document["url"] == f"/detect/{document['id']}"
    assert document["word"] == "Blasts suspected"
    assert document["summary"] == "Blasts: 1 of 2 white cells, 1 uncertain"


def test_in_a_batch_the_good_ones_go_on(app: Flask, signed_in: FlaskClient):
    answer = send(
        signed_in, "/classify", ("good.png", png()), ("bad.png", b"no"), ("too.png", png())
    )
    page = texts(answer.text)

    assert answer.status_code == 200
    assert "2 of 3 images analysed." in page
    assert "bad.png This is not an image that can be read" in page
    assert len(re.findall(r'href="/classify/[0-9a-f]{32}"', answer.text)) == 2
    assert kept(app)[0] == 2


def test_one_image_of_the_plain_form_goes_straight_to_its_result(signed_in: FlaskClient):
    answer = send(signed_in, "/classify", ("cell.png", png()))

    assert answer.status_code == 303
    assert re.fullmatch(r"/classify/[0-9a-f]{32}", answer.headers["Location"])


@pytest.mark.parametrize("path", PATHS)
def test_a_batch_of_bad_ones_says_so(signed_in: FlaskClient, path: str):
    answer = send(signed_in, path, ("bad.png", b"no"))

    assert answer.status_code == 422
    assert "The image could not be used" in texts(answer.text)
    assert "not an image that can be read" in answer.text


@pytest.mark.parametrize("path", PATHS)
def test_no_file_is_said_so(signed_in: FlaskClient, path: str):
    plain, script = send(signed_in, path), send(signed_in, path, as_json=True)

    assert plain.status_code == script.status_code == 422
    assert "Choose at least one image." in texts(plain.text)
    assert script.json == {"error": "Choose at least one image."}


def test_a_script_sends_one_at_a_time(app: Flask, signed_in: FlaskClient):
    answer = send(signed_in, "/classify", ("a.png", png()), ("b.png", png()), as_json=True)

    assert answer.status_code == 422
    assert answer.json == {"error": "Send one image per request."}
    assert kept(app) == (0, 0)


def test_a_file_over_the_limit_is_refused_while_the_others_go_on(small: FlaskClient):
    noise = np.random.default_rng(1).integers(0, 255, (700, 700, 3), np.uint8)
    answer = send(small, "/classify", ("huge.png", png(noise)), ("cell.png", png()))

    assert answer.status_code == 200
    assert "at most 1 MiB are taken" in answer.text
    assert "1 of 2 images analysed." in texts(answer.text)


def test_a_request_over_the_limit_is_refused_in_the_language_of_the_script(settings: Settings):
    small = settings.model_copy(update={"max_upload_mb": 1, "max_request_mb": 1})
    with empty_app(small) as app:
        client = sign_in_as(app, "ada")
        answer = client.post(
            "/classify",
            data=bytes(2**21),
            content_type="multipart/form-data; boundary=edge",
            headers={"Accept": "application/json", "X-CSRFToken": csrf_token(client)},
        )

        assert answer.status_code == 413
        assert "larger than this server accepts at once (1 MB)" in answer.json["error"]


@pytest.mark.parametrize("path", PATHS)
def test_an_upload_needs_its_token(app: Flask, signed_in: FlaskClient, path: str):
    headers = {"Accept": "application/json"}
    answer = signed_in.post(path, data={"images": (cell_file(), "cell.png")}, headers=headers)

    assert answer.status_code == 400
    assert "had expired" in answer.json["error"]
    assert kept(app) == (0, 0)


@pytest.mark.parametrize("path", PATHS)
def test_an_upload_needs_a_sign_in(app: Flask, client: FlaskClient, path: str):
    # More than somebody who is not signed in may send.
    large = bytes(200_000)
    script = send(client, path, ("cell.png", large), as_json=True)
    plain = send(client, path, ("cell.png", large))

    assert script.status_code == 401
    assert script.json == {"error": "Sign in to continue."}
    assert plain.headers["Location"].startswith("/sign-in")
    assert kept(app) == (0, 0)


def test_a_made_up_batch_is_not_taken(app: Flask, signed_in: FlaskClient):
    send(signed_in, "/classify", ("cell.png", png()), as_json=True, batch="'; --" * 100)

    with app.app_context():
        batch_id = db.session.scalar(db.select(Analysis.batch_id))
        assert re.fullmatch(r"[0-9a-f]{32}", batch_id)


def test_many_uploads_at_once_are_all_kept(app: Flask, signed_in: FlaskClient):
    headers = {"Accept": "application/json", "X-CSRFToken": csrf_token(signed_in)}
    cookie = signed_in.get_cookie("leukoscope")

    def upload(number: int) -> int:
        client = app.test_client()
        client.set_cookie("leukoscope", cookie.value)
        status = 503
        while status == 503:  # busy: sent again, as the page's script does
            form = {"images": (cell_file(), f"{number}.png")}
            status = client.post("/classify", data=form, headers=headers).status_code
        return status

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(upload, range(24))) == [201] * 24
    assert kept(app) == (24, 48)


def test_if_the_database_fails_no_image_stays(app: Flask, signed_in: FlaskClient, monkeypatch):
    def fail(_analysis: Analysis) -> None:
        raise RuntimeError("disk full")

    monkeypatch.setattr("services.analyses.analysis.analyses.add", fail)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    answer = send(signed_in, "/classify", ("cell.png", png()), as_json=True)

    assert answer.status_code == 500
    assert "went wrong" in answer.json["error"]
    assert kept(app) == (0, 0)
