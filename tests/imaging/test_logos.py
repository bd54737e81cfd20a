import io

import pytest
from PIL import Image, PngImagePlugin

from imaging.decoding.errors import ImageError
from imaging.logos import EMPTY, MAX_BYTES, NO_LOGO, PRINTED, TOO_LARGE, WRONG_SIZE, read_logo


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def read(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(read_logo(data)))


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK", "P", "1"])
def test_a_logo_becomes_a_png_in_rgb(kind: str, mode: str):
    if (kind, mode) in {("PNG", "CMYK"), ("JPEG", "P")}:
        return
    logo = read(encoded(Image.new(mode, (120, 40)), kind))
    assert (logo.format, logo.mode, logo.size) == ("PNG", "RGB", (120, 40))


def test_what_is_transparent_becomes_white():
    assert read(encoded(Image.new("RGBA", (40, 40), (255, 0, 0, 0)))).getpixel((5, 5)) == (255,) * 3
    palette = Image.new("P", (40, 40))
    assert read(encoded(palette, transparency=0)).getpixel((5, 5)) == (255,) * 3


def test_a_large_logo_is_reduced_in_proportion():
    logo = read(encoded(Image.new("RGB", (3000, 500))))
    assert logo.size == (PRINTED[0], 200)


def test_what_else_the_file_says_is_not_kept():
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Author", "somebody")
    data = encoded(Image.new("RGB", (64, 64)), pnginfo=notes, icc_profile=b"profile")
    kept = read(data)
    assert b"somebody" not in read_logo(data)
    assert not kept.info


def test_a_turned_photograph_is_set_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    assert read(encoded(Image.new("RGB", (120, 40)), "JPEG", exif=exif)).size == (40, 120)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", EMPTY),
        (b"x" * (MAX_BYTES + 1), TOO_LARGE),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", NO_LOGO),
        (encoded(Image.new("RGB", (64, 64)), "GIF"), NO_LOGO),
        (encoded(Image.new("RGB", (64, 64)), "TIFF"), NO_LOGO),
        (encoded(Image.new("RGB", (31, 64))), WRONG_SIZE),
        (encoded(Image.new("1", (4001, 64))), WRONG_SIZE),
    ],
)
def test_what_is_refused_and_why(data: bytes, sentence: str):
    with pytest.raises(ImageError, match=sentence.split(".")[0]):
        read_logo(data)


def test_the_reason_stays_the_same_where_a_library_replaces_pillows_open(monkeypatch):
    # ultralytics does, by one that looks for a further package
    def open_or_install(*args: object, **kwargs: object):
        raise ModuleNotFoundError("pi_heif")

    monkeypatch.setattr(Image, "open", open_or_install)
    with pytest.raises(ImageError, match="neither a PNG nor a JPEG"):
        read_logo(encoded(Image.new("RGB", (64, 64)), "GIF"))


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_half_a_file_is_refused(kind: str):
    data = encoded(Image.effect_noise((200, 200), 90), kind)
    with pytest.raises(ImageError):
        read_logo(data[: len(data) // 2])
