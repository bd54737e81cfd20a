import struct
import sys
import threading
import time

import numpy as np
import pytest

from imaging.decoding import process
from imaging.decoding.errors import DAMAGED, NO_MEMORY, TOO_SLOW, ImageError
from imaging.images import ImageLimits, check_image, read_image
from tests.known_pixels import assert_reads, known_rgb, tiff

TIFF = tiff(known_rgb(), photometric="rgb")

READ_REQUEST = """
import json, os, signal, sys, time
request = json.loads(sys.stdin.buffer.readline())
sys.stdin.buffer.read(request["bytes"])
def answer(text, pixels=b""):
    sys.stdout.buffer.write(text.encode() + pixels)
    sys.stdout.buffer.flush()
"""
ENDS = {
    "crashes": "os.kill(os.getpid(), signal.SIGSEGV)",
    "ends": "sys.exit(0)",
    "answers nonsense": "answer('no json\\n')",
    "answers without end": "answer('x' * 2**21)",
    "answers nothing that is a size": "answer('{\"shape\": [0, -1, 3]}\\n')",
    "answers a huge size": "answer('{\"shape\": [99999, 99999, 3]}\\n')",
    "answers other channels": "answer('{\"shape\": [16, 16, 4]}\\n', bytes(1024))",
    "answers too few pixels": "answer('{\"shape\": [16, 16, 3]}\\n', bytes(100)); sys.exit(0)",
}


@pytest.fixture
def workers(monkeypatch):
    """Workers of its own for a test, which may replace what they run."""
    own = process._Workers()
    monkeypatch.setattr(process, "_workers", own)
    yield own
    own.end()


def runs(monkeypatch, code: str) -> None:
    monkeypatch.setattr(process, "COMMAND", (sys.executable, "-c", READ_REQUEST + code))


@pytest.mark.parametrize("end", ENDS)
def test_whatever_becomes_of_the_process_the_file_is_refused(workers, monkeypatch, end: str):
    with monkeypatch.context() as patched:
        runs(patched, ENDS[end])
        with pytest.raises(ImageError) as refused:
            read_image(TIFF)
        assert str(refused.value) == DAMAGED
    # The next file has another process.
    assert_reads(TIFF, known_rgb(), 0)


def test_a_file_that_takes_too_long_is_given_up(workers, monkeypatch):
    with monkeypatch.context() as patched:
        runs(patched, "time.sleep(60)")
        patched.setattr(process, "MAX_SECONDS", 0.5)
        start = time.monotonic()
        for reader in (check_image, read_image):
            with pytest.raises(ImageError) as refused:
                reader(TIFF)
            assert str(refused.value) == TOO_SLOW
        assert time.monotonic() - start < 20
    assert_reads(TIFF, known_rgb(), 0)


def test_a_process_serves_one_file_after_the_other(workers):
    for _ in range(3):
        assert_reads(TIFF, known_rgb(), 0)
        with pytest.raises(ImageError):
            read_image(TIFF[:-100])
    assert len(workers._idle) == 1


def test_no_more_files_are_decoded_at_once_than_memory_allows(workers):
    done = []
    threads = [
        threading.Thread(target=lambda: done.append(read_image(TIFF).width)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [48] * 8
    assert 1 <= len(workers._idle) <= process.AT_ONCE


def test_no_more_memory_is_taken_than_a_large_picture_needs(workers):
    data = tiff(known_rgb(), photometric="rgb", compression="jpeg")
    frame = data.index(b"\xff\xc0") + 5
    # The strip's own header claims 12 GB.
    huge = data[:frame] + struct.pack(">HH", 65_000, 65_000) + data[frame + 4 :]
    with pytest.raises(ImageError) as refused:
        read_image(huge)
    assert str(refused.value) in (NO_MEMORY, DAMAGED)
    assert_reads(TIFF, known_rgb(), 0)


def test_the_process_is_told_no_settings(workers, monkeypatch):
    monkeypatch.setenv("LEUKOSCOPE_SECRET_KEY", "a secret")
    runs(monkeypatch, "answer(json.dumps({'error': ' '.join(sorted(os.environ))}) + '\\n')")
    with pytest.raises(ImageError) as refused:
        check_image(TIFF)
    assert "LEUKOSCOPE" not in str(refused.value)
    assert "PATH" in str(refused.value)


def test_limits_hold_in_the_process_too(workers):
    limits = ImageLimits(max_pixels=1_000)
    for reader in (check_image, read_image):
        with pytest.raises(ImageError, match="48 × 40 pixels; at most 0 megapixels"):
            reader(TIFF, limits)


def test_a_large_picture_comes_back_whole(workers):
    tile = np.random.default_rng(0).integers(0, 256, (500, 500, 3), np.uint8)
    pixels = np.tile(tile, (4, 4, 1))
    np.testing.assert_array_equal(
        read_image(tiff(pixels, photometric="rgb")).rgb,
        pixels,
    )
