import pytest

from imaging.decoding.errors import ImageError
from imaging.decoding.formats import EXTENSIONS, check_extension, format_of
from tests.image_files import REAL_FILES


@pytest.mark.parametrize("kind", REAL_FILES)
def test_a_format_is_told_by_its_first_bytes(kind: str):
    assert format_of(REAL_FILES[kind]) == kind.split()[0].upper()


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"RIFF\0\0\0\0WAVE", b"%PDF-1.7", b"MM*\0"])
def test_other_files_are_refused(data: bytes):
    with pytest.raises(ImageError, match="not an image that can be read"):
        format_of(data)


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
        for named, extensions in EXTENSIONS.items()
        for extension in extensions
        for kind in ("PNG", "JPEG", "TIFF", "BMP", "WEBP")
        if named != kind
    ],
)
def test_an_extension_of_another_format_is_refused(extension: str, kind: str):
    with pytest.raises(ImageError) as refused:
        check_extension(f"smear 7{extension.upper()}", kind)
    spoken = "WebP" if kind == "WEBP" else kind
    assert str(refused.value) == (
        f"This file is named {extension} but holds {spoken} data. Rename it or export it again."
    )
