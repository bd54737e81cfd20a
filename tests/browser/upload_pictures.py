"""Drop a folder of 60 mixed files on Detect, and take its pictures for docs/screenshots:
`python -m tests.browser.upload_pictures`.

Uses fields of ../shared/data (TXL-PBC, MIT) and files of ../shared/cases, made of such fields. It
fails where a file does not end as it should: read, or refused for the true reason.
"""

from __future__ import annotations

import io
import re
import sys
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pillow_heif
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from imaging.images import RgbImage, encode_png, read_image
from settings import ROOT
from tests.archives import packed
from tests.browser.drops import drop, line
from tests.browser.screenshots import PATIENCE, SIZES, take
from tests.browser.serving import browser, open_page, served, sign_up_and_in, watched
from tests.dicom_files import dicom
from tests.known_pixels import as_bits, tiff
from tests.uploads import encoded
from training.data import DEFAULT_DATA

FIELDS = DEFAULT_DATA / "txl_pbc" / "images" / "test"
CASES = ROOT.parent / "shared" / "cases" / "images"
OF_CASES = ("phone.heic", "vl_microscopic.dcm", "smear.jp2", "fields.zip")
FILES = 60

REFUSED = {
    "broken.jpg": "The image file is incomplete or damaged.",
    "broken.zip": "The ZIP file is damaged or incomplete.",
    "inner.zip": "This is a ZIP file inside a ZIP file.",
    "notes.txt": "This is not an image that can be read.",
}
LEFT_OUT = "4 system or hidden files left out."


def main() -> None:
    """Drop the folder, check each line, take the pictures."""
    for folder in (FIELDS, CASES):
        if not folder.is_dir():
            sys.exit(f"Skipped: {folder} is not here.")
    with (
        tempfile.TemporaryDirectory() as folder,
        served(Path(folder) / "instance", signup="open") as address,
        browser() as chrome,
    ):
        smears = Path(folder) / "smears"
        files = write_folder(smears)
        wide, narrow = SIZES
        page = open_page(chrome, address, viewport={"width": wide, "height": SIZES[wide]})
        complaints = watched(page)
        sign_up_and_in(page, "ada")
        page.goto("/detect")
        play(page, smears, files, wide)
        page.set_viewport_size({"width": narrow, "height": SIZES[narrow]})
        take(page, "uploads", narrow)
        assert complaints == [], complaints


def play(page: Page, smears: Path, files: list[str], width: int) -> None:
    """Drop the folder, and wait until every file is read or refused."""
    drop(page, smears)
    expect(page.locator("[data-status]")).to_contain_text(re.compile(r"^[12]\d of \d+ sent"))
    take(page, "uploads-busy", width)
    expect(page.locator(".upload-item")).to_have_count(len(files))
    unread = page.locator(".upload-item:not([data-state=read], [data-state=refused])")
    expect(unread).to_have_count(0, timeout=6 * PATIENCE)
    for name in files:
        check(line(page, name), name)
    expect(page.locator("[data-left-out]")).to_have_text(LEFT_OUT)
    print(page.locator("[data-status]").inner_text())
    page.get_by_role("button", name="Problems").click()
    take(page, "uploads", width)


def check(item: Locator, name: str) -> None:
    """Check that a file was read, or refused for its reason."""
    if name in REFUSED:
        expect(item).to_contain_text(REFUSED[name])
    else:
        assert item.get_attribute("data-state") == "read", f"{name}: {item.inner_text()}"


def write_folder(folder: Path) -> list[str]:
    """Write 60 files of every kind, and what systems put beside them; the names of all lines."""
    contents = dict(mixed_files())
    assert len(contents) == FILES, len(contents)
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for name in (".DS_Store", "Thumbs.db", "desktop.ini"):
        (folder / name).write_bytes(b"x")
    lines = {Path(name).name for name in contents} - {"fields.zip", "more.zip"}
    return sorted(lines | {"a.png", "51.png", "52.png", "inner.zip"})


def mixed_files() -> Iterator[tuple[str, bytes]]:
    """Give 60 files by their paths: 54 fields in six formats, ZIPs, broken ones."""
    paths = iter(sorted(FIELDS.glob("*.jpg")))
    for number, path in enumerate(islice(paths, 26), start=1):
        yield f"camera/{number:02}.jpg", path.read_bytes()
    for number, path in enumerate(islice(paths, 12), start=27):
        yield f"scanner/{number}.png", encode_png(_pixels(path))
    for number, path in enumerate(islice(paths, 8), start=39):
        twelve = tiff(as_bits(_pixels(path), 12), photometric="rgb", compression="zlib")
        yield f"scanner/12 bits/{number}.tif", twelve
    for number, path in enumerate(islice(paths, 2), start=47):
        yield f"phone/{number}.heic", _heic(Image.open(path))
    for number, path in enumerate(islice(paths, 2), start=49):
        yield f"archive/{number}.dcm", dicom(_pixels(path))
    for name in OF_CASES:
        yield f"others/{name}", (CASES / name).read_bytes()
    yield from broken_files(paths)
    fields = {f"{number}.png": encode_png(_pixels(next(paths))) for number in (51, 52)}
    more = packed({**fields, "inner.zip": packed(fields), "__MACOSX/._51.png": b"x"})
    yield "more.zip", more
    yield "53.bmp", encoded(Image.open(next(paths)), "BMP")
    yield "54.webp", encoded(Image.open(next(paths)), "WEBP", quality=95)


def broken_files(paths: Iterator[Path]) -> Iterator[tuple[str, bytes]]:
    """Give files that nobody can read."""
    whole = next(paths).read_bytes()
    yield "broken.jpg", whole[: len(whole) // 2]
    yield "broken.zip", packed({"1.jpg": whole})[:-30]
    yield "notes.txt", b"Smears of Monday."


def _heic(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    pillow_heif.from_pillow(image).save(buffer, quality=90)
    return buffer.getvalue()


def _pixels(path: Path) -> RgbImage:
    return read_image(path.read_bytes()).rgb


if __name__ == "__main__":
    main()
