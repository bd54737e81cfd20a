import pytest

from imaging.decoding.errors import ImageError
from imaging.decoding.formats import ACCEPT, BY_KEY, FORMATS, NAMES, check_extension, format_of
from tests.image_files import REAL_FILES


@pytest.mark.parametrize("kind", REAL_FILES)
def test_a_format_is_told_by_its_first_bytes(kind: str):
    assert format_of(REAL_FILES[kind]) == kind.split()[0].upper()


@pytest.mark.parametrize("data", [b"", b"RIFF\0\0\0\0WAVE", b"MM*\0", b"hello"])
def test_other_files_are_refused_with_what_is_read(data: bytes):
    with pytest.raises(ImageError, match="not an image that can be read") as refused:
        format_of(data)
    assert all(each.name in str(refused.value) for each in FORMATS)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"GIF89a", "a GIF"),
        (b"%PDF-1.7", "a PDF document"),
        (b"PK\3\4", "a ZIP archive"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "a video"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "a camera's raw file"),
        (b"8BPS\0\1", "a Photoshop document"),
        (b"\xff\x0a\0", "a JPEG XL image"),
    ],
)
def test_known_formats_that_are_not_read_are_refused_by_name(data: bytes, name: str):
    with pytest.raises(ImageError, match=rf"This is {name}.*\. .*\.$"):
        format_of(data)


@pytest.mark.parametrize(
    ("brand", "key"), [(b"heic", "HEIF"), (b"mif1", "HEIF"), (b"avif", "AVIF"), (b"avis", "AVIF")]
)
def test_heic_and_avif_are_told_by_their_brands(brand: bytes, key: str):
    assert format_of(b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0miaf" + brand) == key


def test_a_form_and_a_sentence_name_all_that_is_read():
    assert all(suffix in ACCEPT.split(",") for each in FORMATS for suffix in each.extensions)
    assert NAMES == "PNG, JPEG, TIFF, BMP, WebP, HEIC, AVIF, JPEG 2000, DICOM"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.png", "PNG"),
        ("A.JPG", "JPEG"),
        ("a.jfif", "JPEG"),
        ("a.ome.tif", "TIFF"),
        ("a", "PNG"),
        ("", "PNG"),
        ("slide 3.2", "BMP"),
        ("a.lsm", "TIFF"),
        (".png", "JPEG"),
    ],
)
def test_a_fitting_or_unknown_extension_passes(name: str, kind: str):
    check_extension(name, kind)


@pytest.mark.parametrize(
    ("extension", "kind"),
    [
        (extension, kind)
        for each in FORMATS
        for extension in each.extensions
        for kind in BY_KEY
        if each.key != kind
    ]
    + [(extension, "PNG") for extension in (".gif", ".pdf", ".svg", ".zip")],
)
def test_an_extension_of_another_format_is_refused(extension: str, kind: str):
    with pytest.raises(ImageError) as refused:
        check_extension(f"smear 7{extension.upper()}", kind)
    assert str(refused.value) == (
        f"This file is named {extension} but holds {BY_KEY[kind].name} data. "
        "Rename it or export it again."
    )
