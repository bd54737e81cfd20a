from pathlib import Path

import pytest

from records.storage.slide_store import SlideStore


@pytest.fixture
def store(tmp_path: Path) -> SlideStore:
    return SlideStore(tmp_path / "slides")


def test_each_slide_has_a_folder_that_only_the_server_reads(store: SlideStore):
    one, other = store.create(), store.create()
    assert one != other
    assert store.folder(one).stat().st_mode & 0o777 == 0o700
    assert store.arriving(one).stat().st_mode & 0o777 == 0o600
    assert store.files_of(one) == [store.arriving(one)]
    assert sorted(store.files()) == sorted([(n, store.arriving(n)) for n in (one, other)])


@pytest.mark.parametrize("name", ["", "../x", "a" * 32, f"{'a' * 32}.png", f"{'a' * 32}.slide/x"])
def test_a_name_that_was_not_made_here_is_refused(store: SlideStore, name: str):
    for act in (store.folder, store.arriving, store.delete, store.files_of):
        with pytest.raises(ValueError, match="not a name"):
            act(name)


def test_a_slide_is_removed_with_all_its_files(store: SlideStore):
    name = store.create()
    (store.folder(name) / "files" / "deep").mkdir(parents=True)
    (store.folder(name) / "files" / "deep" / "a").touch()
    store.delete(name)
    store.delete(name)
    assert list(store.files()) == []


def test_the_disk_has_room(store: SlideStore):
    assert store.free_bytes() > 0
