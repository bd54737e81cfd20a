from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from records.storage.secret_key import secret_key
from settings import SettingsError


def test_the_key_is_made_once_and_kept(tmp_path: Path):
    key = secret_key(tmp_path / "instance")

    assert len(key) == 32
    assert secret_key(tmp_path / "instance") == key
    assert secret_key(tmp_path / "another") != key


def test_only_the_owner_reads_it(tmp_path: Path):
    secret_key(tmp_path / "instance")

    assert (tmp_path / "instance" / "secret_key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "instance").stat().st_mode & 0o777 == 0o700
    assert [file.name for file in (tmp_path / "instance").iterdir()] == ["secret_key"]


def test_starts_at_the_same_time_agree_on_one(tmp_path: Path):
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(secret_key, [tmp_path] * 16))

    assert len(keys) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_an_exposed_key_stops_the_start(tmp_path: Path, mode: int):
    secret_key(tmp_path)
    (tmp_path / "secret_key").chmod(mode)

    with pytest.raises(SettingsError, match="can be read by others"):
        secret_key(tmp_path)


def test_a_cut_off_key_stops_the_start(tmp_path: Path):
    secret_key(tmp_path)
    (tmp_path / "secret_key").write_bytes(b"short")

    with pytest.raises(SettingsError, match="too short"):
        secret_key(tmp_path)


def test_a_folder_that_cannot_be_made_is_said_so(tmp_path: Path):
    (tmp_path / "file").write_text("")

    with pytest.raises(SettingsError, match="cannot be used"):
        secret_key(tmp_path / "file" / "instance")
