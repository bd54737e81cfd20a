"""Why a ZIP, or a file in one, was not read: sentences for whoever sent it."""

from __future__ import annotations

from imaging.archive import MAX_FILES, MAX_RATIO, MAX_TOTAL_BYTES, Fault
from services.language import lazy_gettext

SENTENCES = {
    Fault.DAMAGED: lazy_gettext(
        "The ZIP file is damaged or incomplete. Pack it again and upload that."
    ),
    Fault.EMPTY: lazy_gettext("The ZIP file holds no images."),
    Fault.TOO_MANY: lazy_gettext(
        "The ZIP file holds more than %(max_files)s files. Pack fewer at a time.",
        max_files=MAX_FILES,
    ),
    Fault.TOO_LARGE: (
        lazy_gettext(
            "Unpacked, this ZIP file has more than %(max_total_bytes)s GB. Pack fewer "
            "images at a time.",
            max_total_bytes=MAX_TOTAL_BYTES // 2**30,
        )
    ),
    Fault.ENCRYPTED: lazy_gettext(
        "The file is protected by a password. Pack it again without one."
    ),
    Fault.NESTED: lazy_gettext("This is a ZIP file inside a ZIP file. Upload it by itself."),
    Fault.LINK: lazy_gettext("This is a link, not an image. Pack the image itself."),
    Fault.METHOD: (
        lazy_gettext(
            "The file is packed by a method that is not read. Pack it again as an ordinary ZIP "
            "file."
        )
    ),
    Fault.FILE_TOO_LARGE: lazy_gettext(
        "The file is too large. Save it as PNG or JPEG, or cut it into parts."
    ),
    Fault.BOMB: (
        lazy_gettext(
            "The file unpacks to more than %(max_ratio)s times its packed size, as no "
            "image does. It was not read.",
            max_ratio=MAX_RATIO,
        )
    ),
    Fault.FILE_DAMAGED: lazy_gettext("The file is damaged inside the ZIP file. Pack it again."),
}
GONE = lazy_gettext("The ZIP file is no longer on the server. Choose it again.")


def archive_sentence(fault: Fault) -> str:
    """Say why a ZIP or an entry of it was not read, and what to do."""
    return str(SENTENCES[fault])
