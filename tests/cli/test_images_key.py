from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from records.storage.image_keys import ImageKeys
from records.storage.image_store import DiskStore
from settings import Settings
from tests.applications import new_app
from tests.people import sign_in_as
from tests.uploads import upload_cell


@pytest.fixture
def keyed(settings: Settings, tmp_path: Path) -> Settings:
    """The settings that name a key file which is not there yet."""
    return settings.model_copy(update={"images_key_file": tmp_path / "keys"})


@pytest.fixture
def shell(app: Flask, keyed: Settings) -> FlaskCliRunner:
    """Of an installation with a cell, whose key file is still to be made."""
    upload_cell(sign_in_as(app, "ada"))
    app.config["LEUKOSCOPE"] = keyed
    return app.test_cli_runner()


def test_a_key_is_made_where_the_setting_names_a_missing_file(app: Flask, keyed: Settings):
    shell = new_app(keyed).test_cli_runner()
    answer = shell.invoke(args=["images-key", "new", str(keyed.images_key_file)])
    assert answer.exit_code == 0, answer.output
    key = ImageKeys(keyed.images_key_file).writing
    assert f"Wrote the key {key} to {keyed.images_key_file}." in answer.output
    assert f"set LEUKOSCOPE_IMAGES_KEY_FILE={keyed.images_key_file}\n" in answer.output
    assert "Back the file up now, apart from the images" in answer.output


def test_images_are_encrypted_under_a_new_key_and_decrypted(shell: FlaskCliRunner, keyed: Settings):
    file = str(keyed.images_key_file)
    assert shell.invoke(args=["images-key", "new", file]).exit_code == 0
    first = ImageKeys(keyed.images_key_file).writing
    answer = shell.invoke(args=["encrypt-images"])
    assert answer.output == (
        f"Encrypted 2 files with the key {first} and verified; 0 were so already.\n"
    )
    added = shell.invoke(args=["images-key", "add", file])
    second = ImageKeys(keyed.images_key_file).writing
    assert f"Wrote the key {second} to {file}.\n" in added.output
    assert "Keep the former keys in the file" in added.output
    answer = shell.invoke(args=["encrypt-images"])
    assert f"Encrypted 2 files with the key {second} and verified" in answer.output
    answer = shell.invoke(args=["encrypt-images", "--decrypt"])
    assert answer.output == (
        "Decrypted 2 files and verified; 0 were so already.\n"
        "To keep images in plain from now on, unset LEUKOSCOPE_IMAGES_KEY_FILE.\n"
    )


def test_a_damaged_file_is_named_at_the_end(shell: FlaskCliRunner, keyed: Settings):
    file = str(keyed.images_key_file)
    shell.invoke(args=["images-key", "new", file])
    shell.invoke(args=["encrypt-images"])
    store = DiskStore(keyed.images_dir)
    path = store.path(min(store.names()))
    path.write_bytes(path.read_bytes() + b"!")
    answer = shell.invoke(args=["encrypt-images", "--decrypt"])
    assert answer.exit_code == 1
    assert "Decrypted 1 files and verified; 0 were so already." in answer.output
    assert f"1 files cannot be decrypted and were left as they are, such as {path}" in answer.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["encrypt-images"], "keys, is missing. Put it back from where it was backed up"),
        (["images-key", "add", "{}"], "keys, is missing. Put it back from where it was backed up"),
        (["images-key", "new", "{}/below"], "below cannot be written: No such file or directory."),
    ],
)
def test_what_cannot_be_done_is_a_sentence(
    shell: FlaskCliRunner, keyed: Settings, arguments: list[str], sentence: str
):
    filled = [each.format(keyed.images_key_file) for each in arguments]
    answer = shell.invoke(args=filled)
    assert answer.exit_code == 1
    assert answer.output.startswith("Error: ")
    assert sentence in answer.output


def test_a_key_file_that_is_there_is_never_replaced(shell: FlaskCliRunner, keyed: Settings):
    shell.invoke(args=["images-key", "new", str(keyed.images_key_file)])
    assert keyed.images_key_file
    before = keyed.images_key_file.read_bytes()
    answer = shell.invoke(args=["images-key", "new", str(keyed.images_key_file)])
    assert answer.exit_code == 1
    assert "is there already. Name a new file, or put another key into it" in answer.output
    assert keyed.images_key_file.read_bytes() == before
