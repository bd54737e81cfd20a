"""Slides are read by processes of their own: whatever becomes of these, the server goes on."""

import io
import os
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from imaging.slides.deep_zoom import TILE_SIDE
from imaging.slides.processes import MAX_FAILURES, SlideProcess, SlideProcesses
from imaging.slides.slide import SlideError
from imaging.slides.worker import MAX_MEMORY
from tests.image_files import Edit


@pytest.fixture
def processes():
    made = SlideProcesses()
    yield made
    made.close()


def test_a_tile_is_a_picture_of_its_part(slides: dict[str, Path], processes: SlideProcesses):
    with processes.using(slides["plain"].parent) as slide:
        tile = Image.open(io.BytesIO(slide.tile(13, 7, 2)))
        part = slide.region((3584, 1024, 4096, 1536), 512, 512)
    assert (tile.format, tile.size) == ("JPEG", (TILE_SIDE, TILE_SIDE))
    assert np.abs(np.asarray(tile).astype(int) - part).mean() < 4


def test_there_is_no_tile_outside(slides: dict[str, Path], processes: SlideProcesses):
    with processes.using(slides["plain"].parent) as slide, pytest.raises(LookupError):
        slide.tile(13, 14, 0)


def test_a_large_part_comes_in_bands_that_fit(slides, processes, monkeypatch):
    with processes.using(slides["nested"].parent) as slide:
        whole = slide.region((3000, 2000, 4000, 3000), 1000, 1000)
        monkeypatch.setattr("imaging.slides.processes.MAX_PIXELS", 4 * 1000 * 130)
        banded = slide.region((3000, 2000, 4000, 3000), 1000, 1000)
    assert np.array_equal(whole, banded)


def test_a_slide_stays_open_until_others_are_looked_at(slides: dict[str, Path]):
    processes = SlideProcesses(open_at_once=1)
    with processes.using(slides["plain"].parent) as first:
        pass
    with processes.using(slides["plain"].parent) as again:
        assert again is first
        with processes.using(slides["nested"].parent):
            # It is in use, one too many or not.
            assert first.alive
    with processes.using(slides["aperio"].parent):
        assert not first.alive
    processes.close()


def test_several_ask_at_the_same_time(slides: dict[str, Path], processes: SlideProcesses):
    folder, seen = slides["plain"].parent, []

    def ask() -> None:
        with processes.using(folder) as slide:
            seen.append((slide.pid, slide.tile(8, 0, 0)))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 6
    assert len(set(seen)) == 1


def test_a_process_that_ends_is_replaced_until_it_ends_too_often(slides, processes):
    folder = slides["plain"].parent
    for _ in range(MAX_FAILURES):
        with processes.using(folder) as slide:
            os.kill(slide.pid, signal.SIGKILL)
            with pytest.raises(SlideError, match="incomplete or damaged"):
                slide.tile(8, 0, 0)
    with pytest.raises(SlideError, match="incomplete or damaged"), processes.using(folder):
        pass
    processes.forget(folder)
    with processes.using(folder) as slide:
        assert slide.tile(8, 0, 0)


def test_an_answer_that_takes_too_long_is_given_up(slides: dict[str, Path]):
    began = time.monotonic()
    with pytest.raises(SlideError, match="incomplete or damaged"):
        SlideProcess(slides["plain"].parent, seconds=0.001)
    assert time.monotonic() - began < 15


@pytest.mark.skipif(sys.platform != "linux", reason="the system bounds no memory")
def test_the_memory_of_a_slide_is_bounded(slides, processes: SlideProcesses):
    with processes.using(slides["nested"].parent) as slide:
        limits = Path(f"/proc/{slide.pid}/limits").read_text()
    assert f"Max data size             {MAX_MEMORY}" in limits


PLACES = st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=3)


@given(
    st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=3), st.integers(0, 2**32 - 1)
)
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_damaged_slides_are_read_or_refused(slides, tmp_path, places, number):
    content = slides["nested"].read_bytes()
    for index, place in enumerate(places):
        # Half of the damage hits the directories.
        where = place / 1000 if index % 2 == 0 else place
        content = Edit("little", where, number).apply(content)
    (tmp_path / "slide.tif").write_bytes(content)
    try:
        slide = SlideProcess(tmp_path, seconds=10)
    except SlideError:
        return
    try:
        assert slide.tile(8, 0, 0)
    except (SlideError, LookupError):
        pass
    finally:
        slide.close()


@pytest.mark.parametrize("share", [0.0001, 0.3, 0.999])
def test_a_slide_that_was_cut_off_is_refused_or_read_in_part(slides, tmp_path, share):
    for name in ("nested", "aperio"):
        content = slides[name].read_bytes()
        (tmp_path / "slide.tif").write_bytes(content[: int(share * len(content))])
        try:
            slide = SlideProcess(tmp_path)
        except SlideError as error:
            assert str(error).endswith(".")
            continue
        with pytest.raises(SlideError, match="incomplete or damaged"):
            for level, row in [(10, 1), *((13, row) for row in range(14))]:
                slide.tile(level, 1, row)
        slide.close()
