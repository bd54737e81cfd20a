"""Which format a file is: by its first bytes, and by the extension of its name."""

from __future__ import annotations

from pathlib import PurePath

from imaging.decoding.errors import ImageError

SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
    b"BM": "BMP",
}

EXTENSIONS = {
    "PNG": (".png", ".apng"),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "TIFF": (".tif", ".tiff"),
    "BMP": (".bmp", ".dib"),
    "WEBP": (".webp",),
    # Not taken, but such a name on an image of another format is a contradiction too.
    "other": (".gif", ".heic", ".heif", ".avif", ".jp2", ".dcm", ".pdf", ".svg", ".zip"),
}
_FORMAT_OF = {suffix: name for name, suffixes in EXTENSIONS.items() for suffix in suffixes}
_SPOKEN = {"WEBP": "WebP"}


def format_of(data: bytes) -> str:
    """Tell the format by the first bytes, in Pillow's word.

    Raises:
        ImageError: If it is none of the formats that are taken.
    """
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    for signature, name in SIGNATURES.items():
        if data.startswith(signature):
            return name
    raise ImageError("This is not an image that can be read. Use PNG, JPEG, TIFF, BMP or WebP.")


def check_extension(file_name: str, file_format: str) -> None:
    """Check that the name does not claim another format; unknown extensions pass.

    Raises:
        ImageError: If the extension is of another format than the content.
    """
    extension = PurePath(file_name).suffix.lower()
    if _FORMAT_OF.get(extension, file_format) != file_format:
        spoken = _SPOKEN.get(file_format, file_format)
        raise ImageError(
            f"This file is named {extension} but holds {spoken} data. Rename it or export it again."
        )
