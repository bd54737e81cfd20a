"""Encrypted files: what comes back, and what is refused."""

import io
import os
import random
import re
from pathlib import Path

import pytest

from records.storage import sealing
from records.storage.image_keys import ImageKeys, add_key, make_key_file
from records.storage.image_store import MissingImageError, UndecryptableError
from records.storage.sealing import HEADER, MARK, PIECE, TAG, header_of, opened, seal, unseal

NAME, OTHER = "0a" * 16 + ".png", "0b" * 16 + ".png"
SIZES = [0, 1, 15, 16, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 3 * PIECE + 12_345]
DAMAGED = "cannot be decrypted: its file is damaged, cut off, or that of another image"


@pytest.fixture
def keys(tmp_path: Path) -> ImageKeys:
    make_key_file(tmp_path / "keys", "today")
    return ImageKeys(tmp_path / "keys")


@pytest.mark.parametrize("size", SIZES)
def test_a_file_comes_back_and_is_as_long_as_its_pieces(keys: ImageKeys, size: int):
    content = os.urandom(size)
    encrypted = seal(content, keys, NAME)
    assert len(encrypted) == HEADER + size + TAG * max(1, -(-size // PIECE))
    assert unseal(encrypted, keys, NAME) == content


def test_both_ways_are_read_in_any_order(keys: ImageKeys):
    content = os.urandom(3 * PIECE + 12_345)
    assert keys.writing
    one = sealing.sealed(io.BytesIO(content), keys.writing, NAME)
    encrypted = one.read()
    two = opened(io.BytesIO(encrypted), keys, NAME)
    chosen = random.Random(7)
    for file, whole in ((one, encrypted), (two, content)):
        for _ in range(200):
            place, length = chosen.randint(0, len(whole)), chosen.randint(0, 2 * PIECE)
            assert file.seek(place) == place
            assert file.read(length) == whole[place : place + length]


def test_a_stream_is_encrypted_from_its_place_on(keys: ImageKeys):
    content = io.BytesIO(b"before|pixels")
    content.seek(7)
    assert keys.writing
    encrypted = sealing.sealed(content, keys.writing, NAME).read()
    assert unseal(encrypted, keys, NAME) == b"pixels"


def test_nothing_of_a_file_shows_and_no_two_are_alike(keys: ImageKeys):
    content = b"known bytes of a cell " * 10_000
    first, second = seal(content, keys, NAME), seal(content, keys, NAME)
    assert b"known bytes" not in first
    assert first[HEADER:] != second[HEADER:]
    assert first[: HEADER - 32] == second[: HEADER - 32]


def test_a_plain_file_is_as_it_is(keys: ImageKeys):
    for content in (b"", b"\x89PNG", MARK[:-1], os.urandom(100)):
        assert unseal(content, keys, NAME) == content
        assert opened(io.BytesIO(content), keys, NAME).read() == content


def test_a_file_under_the_name_of_another_is_refused(
    keys: ImageKeys, caplog: pytest.LogCaptureFixture
):
    with pytest.raises(UndecryptableError, match=DAMAGED) as error:
        unseal(seal(b"pixels", keys, OTHER), keys, NAME)
    assert isinstance(error.value, MissingImageError)
    assert NAME in caplog.text


@pytest.mark.parametrize("size", [0, 6, PIECE, 2 * PIECE + 6])
def test_every_cut_is_refused(keys: ImageKeys, size: int):
    encrypted = seal(os.urandom(size), keys, NAME)
    pieces = range(HEADER, len(encrypted), PIECE + TAG)
    for end in {len(MARK), HEADER - 1, *pieces, HEADER + 5, len(encrypted) - 1}:
        with pytest.raises(UndecryptableError, match=DAMAGED):
            unseal(encrypted[:end], keys, NAME)
    with pytest.raises(UndecryptableError, match=DAMAGED):
        unseal(encrypted + b"!", keys, NAME)


def test_every_changed_byte_of_key_nonce_and_content_is_refused(keys: ImageKeys):
    encrypted = seal(b"pixels", keys, NAME)
    for place in range(len(MARK), len(encrypted)):
        changed = bytearray(encrypted)
        changed[place] ^= 1
        with pytest.raises(UndecryptableError):
            unseal(bytes(changed), keys, NAME)


def test_pieces_that_changed_places_are_refused(keys: ImageKeys):
    encrypted = seal(bytes(3 * PIECE), keys, NAME)
    each = PIECE + TAG
    first, second, third = (encrypted[HEADER + n * each :][:each] for n in range(3))
    for pieces in ((second, first, third), (first, first, third), (first, third), (first, second)):
        with pytest.raises(UndecryptableError, match=DAMAGED):
            unseal(encrypted[:HEADER] + b"".join(pieces), keys, NAME)


def test_pieces_of_another_file_with_the_same_key_are_refused(keys: ImageKeys):
    one, two = (seal(bytes(PIECE), keys, NAME) for _ in range(2))
    with pytest.raises(UndecryptableError, match=DAMAGED):
        unseal(one[:HEADER] + two[HEADER:], keys, NAME)


def test_a_damaged_piece_is_refused_where_it_is_read(keys: ImageKeys):
    encrypted = bytearray(seal(bytes(2 * PIECE), keys, NAME))
    encrypted[HEADER + PIECE + TAG + 7] ^= 1
    with opened(io.BytesIO(encrypted), keys, NAME) as file:
        assert file.read(PIECE) == bytes(PIECE)
        with pytest.raises(UndecryptableError, match=DAMAGED):
            file.read(1)


def test_the_log_says_which_key_is_wanted(
    keys: ImageKeys, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    encrypted = seal(b"pixels", keys, NAME)
    make_key_file(tmp_path / "others", "today")
    with pytest.raises(UndecryptableError):
        unseal(encrypted, ImageKeys(tmp_path / "others"), NAME)
    with pytest.raises(UndecryptableError):
        unseal(encrypted, ImageKeys(), NAME)
    wanted = f"The image {NAME} is encrypted with the key {keys.writing}, which "
    assert f"{wanted}LEUKOSCOPE_IMAGES_KEY_FILE does not have" in caplog.text
    assert f"{wanted}the key file (LEUKOSCOPE_IMAGES_KEY_FILE is not set) does not" in caplog.text


def test_former_keys_read_and_the_first_one_writes(keys: ImageKeys, tmp_path: Path):
    former = seal(b"pixels", keys, NAME)
    added = add_key(tmp_path / "keys", "tomorrow")
    later = ImageKeys(tmp_path / "keys")
    assert unseal(former, later, NAME) == b"pixels"
    header = header_of(seal(b"pixels", later, NAME))
    assert header
    assert header.key_id == added.id


def test_a_newer_format_is_told_apart_from_damage(keys: ImageKeys):
    encrypted = seal(b"pixels", keys, NAME)
    newer = encrypted.replace(MARK + b"\x01", MARK + b"\x02", 1)
    with pytest.raises(UndecryptableError, match="by a newer version of this program"):
        unseal(newer, keys, NAME)


def test_the_format_stays_readable(tmp_path: Path):
    """A file that the first version wrote: a change of the format must not lose it."""
    path = tmp_path / "keys"
    path.touch(mode=0o600)
    path.write_text("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n")
    assert unseal(bytes.fromhex(re.sub(r"\s", "", KEPT)), ImageKeys(path), NAME) == b"pixels"


KEPT = """
4c65756b496d67016afaa8823fe18b7d8bea17a961c804d6813e72a8137f4fb4
c740e7e7829021c47b3b33a1894088e3844fea0a33729d94c8fa63ebccb767b6
823087dc0b65
"""
