"""The process that decodes: `python -m imaging.decoding.worker`, fed by `process.py`.

Each request is a line of JSON and the bytes of a file; each answer a line of JSON and the bytes of
the pixels. Nothing that comes back is executed, whatever a hostile file makes of this process.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from typing import Any, BinaryIO

from imaging.decoding.bounds import ImageLimits
from imaging.decoding.decode import check, decode
from imaging.decoding.errors import ImageError, decoder_errors_refused
from imaging.decoding.render import Rgb

BASE_MEMORY = 3 * 2**30
"""Bytes of address space that Python and the libraries may take, beside the picture."""

MEMORY_PER_PIXEL = 24
"""Bytes of address space for each pixel of the largest picture: samples, colours, the answer."""


def main() -> None:
    """Serve requests until the other end is closed."""
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    # What libraries print must not run into the answers.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    while line := requests.readline():
        request = json.loads(line)
        content = requests.read(request["bytes"])
        limits = ImageLimits(request["max_bytes"], request["max_pixels"])
        _limit_memory(limits)
        answer, pixels = _answer(request, content, limits)
        del content
        _send(answers, answer, pixels)


def _answer(
    request: dict[str, Any], content: bytes, limits: ImageLimits
) -> tuple[dict[str, Any], Rgb | None]:
    try:
        with decoder_errors_refused():
            if request["task"] == "check":
                check(content, request["format"], limits)
                return {}, None
            rgb, reading, notes = decode(content, request["format"], limits)
    except ImageError as error:
        return {"error": str(error)}, None
    return {"shape": rgb.shape, "reading": reading.to_dict(), "notes": notes}, rgb


def _send(answers: BinaryIO, answer: dict[str, Any], pixels: Rgb | None) -> None:
    answers.write(json.dumps(answer).encode() + b"\n")
    if pixels is not None:
        answers.write(pixels.data.cast("B"))
    answers.flush()


def _limit_memory(limits: ImageLimits) -> None:
    """Bound this process where the system can: a file that needs more is refused for that."""
    try:
        import resource
    except ImportError:  # Windows
        return
    wanted = BASE_MEMORY + MEMORY_PER_PIXEL * limits.max_pixels
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    # macOS has these limits, and refuses to set them.
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
