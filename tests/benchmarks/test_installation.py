"""What is said of an installation's size."""

from __future__ import annotations

from importlib.metadata import Distribution
from pathlib import Path
from random import Random

from benchmarks.installation import main, size_of_folder, size_of_package

CONTENT = Random(0).randbytes(70_000)


def test_a_package_is_as_large_as_its_files(tmp_path: Path):
    information = tmp_path / "thing-1.dist-info"
    information.mkdir()
    (tmp_path / "thing.py").write_bytes(CONTENT)
    record = "thing.py,,\nthing-1.dist-info/RECORD,,\nremoved.py,,\n"
    (information / "RECORD").write_text(record)
    assert len(CONTENT) < size_of_package(Distribution.at(information)) < 1.3 * len(CONTENT)


def test_a_folder_is_as_large_as_what_is_in_it_without_what_it_links_to(tmp_path: Path):
    outside, folder = tmp_path / "outside", tmp_path / "folder"
    for each in (outside, folder / "inner"):
        each.mkdir(parents=True)
        (each / "file").write_bytes(CONTENT)
    (folder / "link").symlink_to(outside / "file")
    (folder / "links").symlink_to(outside)
    assert len(CONTENT) < size_of_folder(folder) < 1.3 * len(CONTENT)


def test_all_the_largest_packages_and_the_weights_are_printed(monkeypatch, tmp_path, capsys):
    (tmp_path / "file").write_bytes(b"x" * 1000)
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    main()
    lines = capsys.readouterr().out.splitlines()
    assert "all that is installed" in lines[2]
    assert "other packages" in lines[-2]
    assert "the weights" in lines[-1]
