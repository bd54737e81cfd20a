"""What a file is that is no slide, by its first bytes, and what to do with it."""

from __future__ import annotations

from core.translatable import translatable

NEEDED = 16
"""Bytes of the beginning of a file that are looked at."""

IMAGES = {
    b"\x89PNG\r\n\x1a\n": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"BM": "a BMP image",
    b"GIF8": "a GIF image",
}
PLAIN_TIFFS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
DOCUMENTS = {b"%PDF": "a PDF document", b"7z\xbc\xaf": "a 7z archive", b"Rar!": "a RAR archive"}

FIELD = translatable(
    "This is {}, not a whole slide. Upload it under Detect, or export the slide as SVS, NDPI, SCN, "
    "or pyramidal TIFF."
)
OTHER = translatable(
    "This is {}, not a whole slide. Use SVS, NDPI, SCN or pyramidal TIFF, and for MRXS and DICOM a "
    "ZIP of the folder."
)
EMPTY = translatable("The file is empty. Choose the slide again.")
UNKNOWN = translatable(
    "No slide was found in this file. Use SVS, NDPI, SCN or pyramidal TIFF, and for MRXS and DICOM "
    "a ZIP of the folder."
)
LONE_MRXS = translatable(
    "An MRXS slide is a file and a folder of the same name. Pack both into one ZIP and upload that."
)
MRXS = ".mrxs"


def refusal_of(start: bytes, suffix: str) -> str | None:
    """Say why a file cannot be a slide, before the rest of it has arrived.

    Args:
        start: Its first bytes, `NEEDED` or as many as it has.
        suffix: Of its name, with the dot.

    Returns:
        A sentence; None where it may be one.
    """
    if not start:
        return EMPTY
    if suffix.lower() == MRXS:
        return LONE_MRXS
    for signature, name in IMAGES.items():
        if start.startswith(signature):
            return FIELD.format(name)
    for signature, name in DOCUMENTS.items():
        if start.startswith(signature):
            return OTHER.format(name)
    return None


def refusal_of_unopened(start: bytes, suffix: str) -> str:
    """Say why a whole file that no library opens is no slide."""
    if start.startswith(PLAIN_TIFFS):
        return FIELD.format("a plain TIFF image")
    return refusal_of(start, suffix) or UNKNOWN
