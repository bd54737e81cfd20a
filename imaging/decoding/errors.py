"""The one error that a file which cannot be used ends in."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from core.translatable import translatable

DAMAGED = translatable(
    "The image file is incomplete or damaged. Copy or save it again, then upload it anew."
)
NO_MEMORY = translatable("The image needs more memory than the server has. Cut it into parts.")
TOO_SLOW = translatable(
    "The image took too long to decode. Try again, or export it as PNG or TIFF."
)
OVERLOADED = translatable(
    "The file holds far more {} than an image needs. Export the image again, as PNG."
)


class ImageError(ValueError):
    """An image that cannot be used; its text is a sentence for the person who sent it."""


@contextmanager
def decoder_errors_refused() -> Generator[None]:
    """Turn whatever a decoder raises into `ImageError`.

    A hostile file can fail anywhere inside Pillow, its plugins or the libraries below them, and
    with any exception: `struct.error`, `TypeError`, `OverflowError`, `RecursionError`, a warning
    that is an error, an assertion.

    Raises:
        ImageError: In place of any `Exception`; an `ImageError` passes unchanged.
    """
    try:
        yield
    except ImageError:
        raise
    except MemoryError as error:
        raise ImageError(NO_MEMORY) from error
    except Exception as error:
        raise ImageError(DAMAGED) from error


def overloaded(part: str) -> ImageError:
    """Make the error for a file with too many parts of one kind."""
    return ImageError(OVERLOADED.format(part))


def several(what: str = "") -> ImageError:
    """Make the error for a file of several pictures, of which none is the one meant."""
    return ImageError(
        translatable(
            "The file holds several pictures{}. Save the one you mean as a file of its own."
        ).format(f" ({what})" if what else "")
    )


def unread(
    what: str, do: str = translatable("Save the image as 8-bit RGB, in PNG or TIFF.")
) -> ImageError:
    """Make the error for a kind of file that is whole, but not read.

    Args:
        what: Format, compression and pixel type, as in "a TIFF with CIELab colours (LZW, 8 bits)".
        do: What to do instead.
    """
    return ImageError(translatable("This is {}, which cannot be read exactly. {}").format(what, do))
