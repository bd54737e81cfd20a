"""The one error that a file which cannot be used ends in."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

DAMAGED = "The image file is incomplete or damaged. Copy or save it again, then upload it anew."
NO_MEMORY = "The image needs more memory than the server has. Cut it into parts."
OVERLOADED = "The file holds far more {} than an image needs. Export the image again, as PNG."


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
