"""A ZIP of a slide's folder is unpacked where it belongs, or not at all."""

import zipfile
from pathlib import Path

import pytest

from imaging.slides.archive import is_archive, unpack
from imaging.slides.slide import SlideError


def packed(folder: Path, files: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    path = folder / "slide.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def test_files_keep_their_places(tmp_path: Path):
    path = packed(tmp_path, {"Alder 7.mrxs": b"one", "Alder 7/Slidedat.ini": b"two"})
    assert is_archive(path)
    unpack(path, tmp_path / "out", 100)
    assert (tmp_path / "out" / "Alder 7" / "Slidedat.ini").read_bytes() == b"two"


@pytest.mark.parametrize(
    ("files", "method", "sentence"),
    [
        ({"../../out.txt": b"x"}, zipfile.ZIP_STORED, "cannot be unpacked"),
        ({"/etc/out.txt": b"x"}, zipfile.ZIP_STORED, "cannot be unpacked"),
        ({"a/..": b"x"}, zipfile.ZIP_STORED, "cannot be unpacked"),
        ({"a\\..\\b": b"x"}, zipfile.ZIP_STORED, "cannot be unpacked"),
        ({"a": b"x" * 200}, zipfile.ZIP_STORED, "most that a slide may have"),
        ({f"{n}": b"" for n in range(2001)}, zipfile.ZIP_STORED, "more than 2000 files"),
        ({"one": b"1", "one/two": b"2"}, zipfile.ZIP_STORED, None),
    ],
)
def test_nothing_else_is_written(tmp_path: Path, files, method, sentence):
    path = packed(tmp_path, files, method)
    with pytest.raises((SlideError, OSError), match=sentence):
        unpack(path, tmp_path / "deep" / "out", 100)
    assert [each.name for each in tmp_path.rglob("*") if each.is_file()] == ["slide.zip"]


def test_a_bomb_is_refused(tmp_path: Path):
    path = packed(tmp_path, {"a": b"\0" * 50_000_000}, zipfile.ZIP_DEFLATED)
    with pytest.raises(SlideError, match="cannot be unpacked"):
        unpack(path, tmp_path / "out", 10**9)
    assert not (tmp_path / "out").exists()


def test_a_damaged_one_is_refused(tmp_path: Path):
    path = packed(tmp_path, {"a": bytes(range(256)) * 100})
    content = bytearray(path.read_bytes())
    content[500] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(SlideError, match="cannot be unpacked"):
        unpack(path, tmp_path / "out", 10**9)
    path.write_bytes(content[:4000])
    with pytest.raises(SlideError, match="cannot be unpacked"):
        unpack(path, tmp_path / "out", 10**9)
