import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from records import db
from records.storage.image_keys import make_key_file
from settings import ROOT, Settings
from tests.backups import another, install_models
from tests.people import sign_in_as
from tests.trail import tamper
from tests.uploads import upload_cell

pytestmark = pytest.mark.sqlite_only("backups are of SQLite")


@pytest.fixture
def shell(app: Flask, settings: Settings) -> FlaskCliRunner:
    install_models(settings)
    upload_cell(sign_in_as(app, "ada"))
    return app.test_cli_runner()


@pytest.fixture
def elsewhere(settings: Settings, tmp_path: Path) -> Iterator[FlaskCliRunner]:
    app = another(settings.model_copy(update={"instance_dir": tmp_path / "elsewhere"}))
    yield app.test_cli_runner()
    with app.app_context():
        db.engine.dispose()


def test_a_backup_is_made_restored_and_verified(
    shell: FlaskCliRunner, elsewhere: FlaskCliRunner, tmp_path: Path
):
    made = shell.invoke(args=["backup", str(tmp_path / "backup")])
    assert made.exit_code == 0
    assert "verified: 2 images, 0 waiting fields" in made.output
    assert "the secret key" in made.output
    end = made.output.split()[-1]

    restored = elsewhere.invoke(args=["restore", str(tmp_path / "backup")])
    assert restored.exit_code == 0
    assert "2 images, 0 waiting fields" in restored.output
    assert "Everybody is signed out" in restored.output
    verified = elsewhere.invoke(args=["audit", "verify", "--head", end])
    assert (verified.exit_code, verified.output.split()[1:3]) == (0, ["entries,", "none"])


def test_a_backup_of_encrypted_images_asks_for_another_one_of_the_key(
    shell: FlaskCliRunner, app: Flask, elsewhere: FlaskCliRunner, settings: Settings, tmp_path: Path
):
    make_key_file(tmp_path / "keys", "today")
    app.config["LEUKOSCOPE"] = settings.model_copy(update={"images_key_file": tmp_path / "keys"})
    assert shell.invoke(args=["encrypt-images"]).exit_code == 0
    made = shell.invoke(args=["backup", str(tmp_path / "backup")])
    assert made.exit_code == 0
    assert f"the key file {tmp_path / 'keys'} is not in it" in made.output
    assert not list((tmp_path / "backup").rglob("keys*"))

    restored = elsewhere.invoke(args=["restore", str(tmp_path / "backup")])
    assert restored.exit_code == 0
    assert "Warning: The image " in restored.stderr
    assert "(LEUKOSCOPE_IMAGES_KEY_FILE is not set)" in restored.stderr


def test_what_cannot_be_done_is_a_sentence(
    shell: FlaskCliRunner, elsewhere: FlaskCliRunner, tmp_path: Path
):
    for answer in (
        elsewhere.invoke(args=["backup", str(tmp_path / "backup")]),
        elsewhere.invoke(args=["restore", str(tmp_path / "backup")]),
        shell.invoke(args=["backup", str(tmp_path)]),
    ):
        assert answer.exit_code == 1
        assert answer.output.startswith("Error: ")
        assert answer.output.count("\n") == 1


def test_what_is_replaced_and_which_models_to_use_is_told(
    shell: FlaskCliRunner, settings: Settings, tmp_path: Path
):
    shell.invoke(args=["backup", str(tmp_path / "backup")])
    install_models(settings, version="2")
    answer = shell.invoke(args=["restore", "--replace", str(tmp_path / "backup")])

    assert answer.exit_code == 0
    assert f"The previous instance is in {settings.instance_dir / 'replaced-'}" in answer.output
    assert f"LEUKOSCOPE_WEIGHTS={settings.instance_dir / 'weights'}\n" in answer.output


def test_lost_images_are_a_warning(shell: FlaskCliRunner, settings: Settings, tmp_path: Path):
    next(settings.images_dir.rglob("*.png")).unlink()
    answer = shell.invoke(args=["backup", str(tmp_path / "backup")])

    assert answer.exit_code == 0
    assert "Warning: 1 files are missing in the instance itself" in answer.stderr


def test_a_changed_trail_is_told_at_both_ends(
    app: Flask, shell: FlaskCliRunner, elsewhere: FlaskCliRunner, tmp_path: Path
):
    with app.app_context():
        tamper("UPDATE audit_entries SET account_name = 'eve' WHERE number = 3")
    for runner, name in ((shell, "backup"), (elsewhere, "restore")):
        answer = runner.invoke(args=[name, str(tmp_path / "backup")])
        assert answer.exit_code == 1
        assert "Row 3 was changed" in answer.stderr
        assert "was altered" in answer.stderr


def test_a_full_disk_is_a_sentence_and_leaves_nothing(
    app: Flask, shell: FlaskCliRunner, settings: Settings, tmp_path: Path
):
    """On a file system of its own, with room for a part of the backup only."""
    if shutil.which("unshare") is None:
        pytest.skip("file systems cannot be mounted here: unshare is missing")
    (tmp_path / "small").mkdir()
    code = f"""
from pathlib import Path
from services.backups.manifest import BackupError
from settings import Settings
from tests.backups import another, back_up
chosen = Settings(instance_dir=Path({str(settings.instance_dir)!r}),
                  weights_dir=Path({str(settings.weights_dir)!r}))
try:
    back_up(another(chosen), Path({str(tmp_path / "small" / "backup")!r}))
except BackupError as error:
    print(error, list(Path({str(tmp_path / "small" / "backup")!r}).iterdir()))
"""
    script = (
        f"mount -t tmpfs -o size=96k none {tmp_path / 'small'} && echo mounted && "
        f"exec {shlex.quote(sys.executable)} -c {shlex.quote(code)}"
    )
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    if "mounted" not in ended.stdout:
        pytest.skip(f"file systems cannot be mounted here: {ended.stderr}")

    assert ended.stdout.split("\n")[1] == (
        f"There is no room left in {tmp_path / 'small' / 'backup'}. What was copied there is "
        "removed again. []"
    )
