"""List the image formats that are read or refused, and recognise each by its content."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

from core.translatable import translatable
from imaging.decoding.errors import ImageError


@dataclass(frozen=True)
class Format:
    """One format that is read.

    Attributes:
        key: Its word in code, in records and in Pillow.
        name: As people write it.
        extensions: Of its files, lower case, with the dot.
        media_types: Of its files, the registered one first.
        isolated: Whether it is decoded in a process of its own: by libraries that nobody else here
            has bounded.
    """

    key: str
    name: str
    extensions: tuple[str, ...]
    media_types: tuple[str, ...]
    isolated: bool = False


FORMATS = (
    Format("PNG", "PNG", (".png", ".apng"), ("image/png",)),
    Format("JPEG", "JPEG", (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"), ("image/jpeg",)),
    Format("TIFF", "TIFF", (".tif", ".tiff"), ("image/tiff",), isolated=True),
    Format("BMP", "BMP", (".bmp", ".dib"), ("image/bmp",)),
    Format("WEBP", "WebP", (".webp",), ("image/webp",)),
    Format("HEIF", "HEIC", (".heic", ".heif", ".hif"), ("image/heic", "image/heif"), isolated=True),
    Format("AVIF", "AVIF", (".avif",), ("image/avif",), isolated=True),
    Format("JPEG2000", "JPEG 2000", (".jp2", ".j2k", ".jpx"), ("image/jp2",), isolated=True),
    Format("DICOM", "DICOM", (".dcm", ".dicom"), ("application/dicom",), isolated=True),
)
BY_KEY = {each.key: each for each in FORMATS}

NAMES = ", ".join(each.name for each in FORMATS)
"""All that is read, for a sentence of any language."""

ACCEPT = ",".join(
    part for each in FORMATS for part in (*each.media_types, *each.extensions) if part
)
"""The `accept` of a form that takes such files; extensions too, as few browsers know the types."""

SAVE_AS = translatable("Save the image as PNG or TIFF and upload that.")

_SIGNATURES = (
    (0, b"\x89PNG\r\n\x1a\n", "PNG"),
    (0, b"\xff\xd8\xff", "JPEG"),
    (0, b"II*\0", "TIFF"),
    (0, b"MM\0*", "TIFF"),
    (0, b"II+\0", "TIFF"),
    (0, b"MM\0+", "TIFF"),
    (0, b"BM", "BMP"),
    (8, b"WEBP", "WEBP"),
    (0, b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG2000"),
    (128, b"DICM", "DICOM"),
)
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_CANON_RAW = b"crx "
_AVIF_BRANDS = (b"avif", b"avis")

_REFUSED = (
    (0, b"GIF8", "a GIF"),
    (0, b"%PDF", "a PDF document"),
    (0, b"PK\3\4", "a ZIP archive"),
    (0, b"\x1f\x8b", "a GZIP archive"),
    (0, b"7z\xbc\xaf", translatable("a 7-Zip archive")),
    (0, b"Rar!", "a RAR archive"),
    (0, b"8BPS", translatable("a Photoshop document")),
    (0, b"ZISRAWFILE", "a Zeiss CZI file"),
    (0, b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL image"),
    (0, b"\xff\x0a", "a JPEG XL image"),
    (0, b"II\xbc\x01", "a JPEG XR image"),
    (0, b"\x76\x2f\x31\x01", "an OpenEXR image"),
    (0, b"#?RADIANCE", translatable("a Radiance image")),
    (0, b"IIRO", translatable("a camera's raw file")),
    (0, b"IIU\0", translatable("a camera's raw file")),
    (4, b"ftyp" + _CANON_RAW, translatable("a camera's raw file")),
    (0, b"FUJIFILMCCD-RAW", translatable("a camera's raw file")),
    (0, b"\x89HDF", "an HDF5 file"),
    (0, b"SIMPLE  =", "a FITS file"),
    (0, b"\0\0\1\0", translatable("an icon")),
    (0, b"<svg", "an SVG drawing"),
    (0, b"\xd0\xcf\x11\xe0", translatable("an Office document")),
)
_UNPACK = translatable("Unpack it and upload the images in it.")

_FORMAT_OF = {suffix: each.key for each in FORMATS for suffix in each.extensions}
# Not read, but such a name on an image of another format is a contradiction too.
_OTHER_EXTENSIONS = (".gif", ".jxl", ".pdf", ".svg", ".zip", ".psd", ".czi")


def format_of(data: bytes) -> str:
    """Tell the format by the first bytes.

    Returns:
        The key of one of `FORMATS`.

    Raises:
        ImageError: If it is none of the formats that are read; it names what the file is.
    """
    for start, signature, key in _SIGNATURES:
        if data.startswith(signature, start):
            return key
    if key := _iso_media(data):
        return key
    raise ImageError(_refusal(data))


def check_extension(file_name: str, file_format: str) -> None:
    """Check that the name does not claim another format; unknown extensions pass.

    Raises:
        ImageError: If the extension is of another format than the content.
    """
    extension = PurePath(file_name).suffix.lower()
    claimed = "other" if extension in _OTHER_EXTENSIONS else _FORMAT_OF.get(extension, file_format)
    if claimed != file_format:
        raise ImageError(
            translatable(
                "This file is named {} but holds {} data. Rename it or export it again."
            ).format(extension, BY_KEY[file_format].name)
        )


def _iso_media(data: bytes) -> str | None:
    """Tell HEIC and AVIF, which share a container, by their brands."""
    if data[4:8] != b"ftyp":
        return None
    end = min(int.from_bytes(data[:4], "big"), 256)
    brands = [data[8:12], *(data[place : place + 4] for place in range(16, end, 4))]
    if any(brand in _AVIF_BRANDS for brand in brands):
        return "AVIF"
    return "HEIF" if any(brand in _HEIF_BRANDS for brand in brands) else None


def _refusal(data: bytes) -> str:
    if data[4:8] == b"ftyp" and data[8:12] != _CANON_RAW:
        return translatable("This is a video, not an image. Save a still picture from it.")
    for start, signature, name in _REFUSED:
        if data.startswith(signature, start):
            do = _UNPACK if name.endswith("archive") else SAVE_AS
            return translatable("This is {}, which cannot be read. {}").format(name, do)
    return translatable("This is not an image that can be read. Use {}.").format(NAMES)
