"""A ZIP of images is read within its bounds, whatever its headers say."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterable

import pytest

from imaging import archive
from imaging.archive import Archive, ArchiveError, Fault, Listing, is_archive, opened

MAX_BYTES = 5_000_000
NOISE = bytes(range(256)) * 40
Member = tuple[str | zipfile.ZipInfo, bytes]


def packed(members: Iterable[Member], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        for name, content in members:
            file.writestr(name, content, method)
    return buffer.getvalue()


def listed(content: bytes) -> Listing:
    with opened(io.BytesIO(content), MAX_BYTES) as zip_file:
        return zip_file.list()


def unpacked(content: bytes) -> list[bytes | Fault]:
    """What becomes of each entry."""
    with opened(io.BytesIO(content), MAX_BYTES) as zip_file:
        return [outcome(zip_file, entry.place) for entry in zip_file.list().entries]


def outcome(zip_file: Archive, place: int) -> bytes | Fault:
    try:
        return zip_file.read(zip_file.entry(place))
    except ArchiveError as error:
        return error.fault


def refusal(content: bytes) -> Fault:
    with pytest.raises(ArchiveError) as raised:
        listed(content)
    return raised.value.fault


def changed(content: bytes, before: bytes, after: bytes) -> bytes:
    assert before in content
    return content.replace(before, after)


def test_every_file_is_read_and_folders_are_none():
    content = packed([("smear/", b""), ("smear/1.png", NOISE), ("2.png", b"two")])
    assert [entry.name for entry in listed(content).entries] == ["smear/1.png", "2.png"]
    assert unpacked(content) == [NOISE, b"two"]
    assert is_archive(content[:4])


def test_files_of_the_same_name_are_files_of_their_own():
    with pytest.warns(UserWarning, match="Duplicate name"):
        content = packed([("a.png", b"one"), ("a.png", b"two"), ("b/a.png", b"three")])
    assert unpacked(content) == [b"one", b"two", b"three"]


@pytest.mark.parametrize("name", ["../../up.png", "/etc/passwd", "C:\\Windows\\a.png", "a\\..\\b"])
def test_a_name_that_leads_elsewhere_is_only_a_name(name: str):
    content = packed([(name, NOISE)])
    (entry,) = listed(content).entries
    assert entry.fault is None
    assert unpacked(content) == [NOISE]


def test_files_of_the_system_are_left_out_and_counted():
    names = ["__MACOSX/._1.png", ".DS_Store", "a/Thumbs.db", "desktop.ini", ".git/1.png", "1.png"]
    listing = listed(packed([(name, NOISE) for name in names]))
    assert ([entry.name for entry in listing.entries], listing.left_out) == (["1.png"], 5)


@pytest.mark.parametrize(
    "members", [[], [("folder/", b"")], [(".DS_Store", b"x"), ("__MACOSX/._a.png", b"x")]]
)
def test_an_empty_one_is_refused(members: list[Member]):
    assert refusal(packed(members)) is Fault.EMPTY


@pytest.mark.parametrize("content", [b"PK\3\4 and more", packed([("a", NOISE)])[:-30], b"", NOISE])
def test_a_broken_one_is_refused(content: bytes):
    assert refusal(content) is Fault.DAMAGED


def test_of_a_zip_cut_off_the_one_inside_it_is_not_taken():
    inner = packed([("other.png", NOISE)])
    content = packed([("1.png", NOISE), ("inner.zip", inner)], zipfile.ZIP_STORED)
    assert refusal(content[:-30]) is Fault.DAMAGED


def test_a_comment_does_no_harm():
    buffer = io.BytesIO(packed([("1.png", NOISE)]))
    with zipfile.ZipFile(buffer, "a") as file:
        file.comment = b"packed on Monday"
    assert unpacked(buffer.getvalue()) == [NOISE]


def test_a_file_that_is_damaged_costs_no_other():
    content = bytearray(packed([("1", NOISE), ("2", NOISE)], zipfile.ZIP_STORED))
    content[100] ^= 0xFF
    assert unpacked(bytes(content)) == [Fault.FILE_DAMAGED, NOISE]


def test_too_many_files_are_refused(monkeypatch):
    monkeypatch.setattr(archive, "MAX_FILES", 3)
    assert len(listed(packed([(f"{n}.png", b"x") for n in range(3)])).entries) == 3
    assert refusal(packed([(f"{n}.png", b"x") for n in range(4)])) is Fault.TOO_MANY


def test_a_directory_of_millions_is_not_read(monkeypatch):
    monkeypatch.setattr(archive, "MAX_DIRECTORY_BYTES", 5_000)
    content = packed([(f"{n}.png", b"") for n in range(120)])
    monkeypatch.setattr("zipfile.ZipInfo", None)
    assert refusal(content) is Fault.TOO_MANY


def test_too_much_in_all_is_refused(monkeypatch):
    monkeypatch.setattr(archive, "MAX_TOTAL_BYTES", 25_000)
    assert refusal(packed([("1", NOISE), ("2", NOISE), ("3", NOISE)])) is Fault.TOO_LARGE


def test_overlapping_files_count_each_time(monkeypatch):
    """One file that many entries of the directory name, as in a bomb without recursion."""
    monkeypatch.setattr(archive, "MAX_TOTAL_BYTES", 100_000)
    content = packed([("1.png", NOISE)], zipfile.ZIP_STORED)
    start = content.index(b"PK\1\2")
    end = content.index(b"PK\5\6")
    entry = content[start:end]
    tail = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 50, 50, 50 * len(entry), start, 0)
    assert refusal(content[:start] + 50 * entry + tail) is Fault.TOO_LARGE


def test_a_bomb_is_refused_by_its_ratio():
    content = packed([("bomb.png", bytes(4_900_000)), ("cell.png", NOISE)])
    assert listed(content).entries[0].fault is Fault.BOMB
    assert unpacked(content) == [Fault.BOMB, NOISE]


def test_a_file_that_is_too_large_is_refused():
    content = packed([("1.tif", bytes(MAX_BYTES + 1))], zipfile.ZIP_STORED)
    assert unpacked(content) == [Fault.FILE_TOO_LARGE]


@pytest.mark.parametrize("stated", [1_000, 0])
def test_a_header_that_states_less_brings_no_more_than_it_states(stated: int):
    """4.9 MB under a header of 1 kB: whatever is read is bounded by the header, and refused."""
    bomb = bytes(4_900_000)
    content = packed([("bomb.png", bomb), ("cell.png", NOISE)])
    content = changed(content, struct.pack("<L", len(bomb)), struct.pack("<L", stated))
    (first, second) = unpacked(content)
    assert first is Fault.FILE_DAMAGED
    assert second == NOISE


def test_a_header_that_lies_in_all_things_still_brings_no_more():
    bomb = bytes(4_900_000)
    content = packed([("bomb.png", bomb)])
    content = changed(content, struct.pack("<L", len(bomb)), struct.pack("<L", 1_000))
    content = changed(
        content, struct.pack("<L", zlib.crc32(bomb)), struct.pack("<L", zlib.crc32(bytes(1_000)))
    )
    assert unpacked(content) == [bytes(1_000)]


def test_the_bound_is_on_what_comes_out_not_on_the_header(monkeypatch):
    content = packed([("bomb.png", bytes(4_900_000))])
    monkeypatch.setattr(Archive, "_fault", lambda *_: None)
    assert unpacked(content) == [Fault.BOMB]
    monkeypatch.setattr(archive, "MAX_RATIO", 10_000)
    with opened(io.BytesIO(content), 1_000_000) as zip_file:
        assert outcome(zip_file, 0) is Fault.FILE_TOO_LARGE


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_packings_whose_output_has_no_bound_are_refused(method: int):
    content = packed([("1.png", bytes(4_900_000))], method)
    assert unpacked(content) == [Fault.METHOD]


def test_encrypted_files_are_refused_as_such():
    content = bytearray(packed([("1.png", NOISE), ("2.png", b"two")]))
    place = content.index(b"PK\1\2")
    content[place + 8] |= 1
    assert unpacked(bytes(content)) == [Fault.ENCRYPTED, b"two"]


def test_links_and_archives_in_it_are_refused():
    link = zipfile.ZipInfo("link.png")
    link.external_attr = 0o120777 << 16
    inner = packed([("1.png", NOISE)])
    content = packed([(link, b"/etc/passwd"), ("more.ZIP", inner), ("cell.png", NOISE)])
    assert unpacked(content) == [Fault.LINK, Fault.NESTED, NOISE]


def test_zip64_is_read():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file, file.open("1.png", "w", force_zip64=True) as one:
        one.write(NOISE)
    assert unpacked(buffer.getvalue()) == [NOISE]


def test_a_zip64_directory_is_read(monkeypatch):
    monkeypatch.setattr("zipfile.ZIP_FILECOUNT_LIMIT", 1)
    content = packed([("1.png", NOISE), ("2.png", b"two")])
    assert b"PK\6\6" in content
    assert unpacked(content) == [NOISE, b"two"]


def test_there_is_no_other_entry():
    with opened(io.BytesIO(packed([("a/", b""), ("1", b"x")])), MAX_BYTES) as zip_file:
        for place in (0, 2, -1):
            with pytest.raises(LookupError):
                zip_file.entry(place)
