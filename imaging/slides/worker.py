"""Read one slide for another process: `python -m imaging.slides.worker FOLDER`.

Requests come as lines of JSON on the standard input. An answer is a line of JSON with the number of
bytes that follow it, or with the sentence why there are none.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image

from imaging.slides.opening import open_slide
from imaging.slides.slide import DAMAGED, MAX_PIXELS, Slide, SlideError, read_scaled

MAX_MEMORY = 1024**3
"""Bytes of memory that one slide may take, where the system can keep to it."""

JPEG_QUALITY = 85


def main(folder: Path) -> None:
    """Answer until the input ends."""
    _bound_memory()
    answers = sys.stdout.buffer
    # Whatever a library prints must not come between the answers.
    sys.stdout = sys.stderr
    slide = _opened(folder, answers)
    if slide:
        for line in sys.stdin.buffer:
            _answer(answers, partial(_read, slide, line))


def _bound_memory() -> None:
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (MAX_MEMORY, MAX_MEMORY))


def _opened(folder: Path, answers: BinaryIO) -> Slide | None:
    """Open the slide, and send what it says of itself."""
    slides: list[Slide] = []

    def info() -> bytes:
        slides.append(open_slide(folder))
        return json.dumps(slides[0].info.to_dict()).encode()

    _answer(answers, info)
    return slides[0] if slides else None


def _read(slide: Slide, request: bytes) -> bytes:
    wanted = json.loads(request)
    width, height = wanted["size"]
    if width * height > MAX_PIXELS:
        raise ValueError("too many pixels for one answer")
    rgb = read_scaled(slide, tuple(wanted["box"]), width, height)
    if not wanted["jpeg"]:
        return rgb.tobytes()
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue()


def _answer(answers: BinaryIO, make: Callable[[], bytes]) -> None:
    """Send bytes, or why there are none; a damaged file can fail with any exception."""
    try:
        content = make()
    except SlideError as error:
        _send(answers, {"error": str(error)})
    except Exception as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        _send(answers, {"error": DAMAGED})
    else:
        _send(answers, {"bytes": len(content)}, content)


def _send(answers: BinaryIO, head: dict[str, Any], content: bytes = b"") -> None:
    answers.write(json.dumps(head).encode() + b"\n" + content)
    answers.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
