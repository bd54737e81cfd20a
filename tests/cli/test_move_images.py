from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from records.storage.image_stores import in_bucket
from settings import Bucket, Settings
from tests.people import sign_in_as
from tests.uploads import upload_cell


@pytest.fixture
def shell(app: Flask) -> FlaskCliRunner:
    upload_cell(sign_in_as(app, "ada"))
    return app.test_cli_runner()


@pytest.mark.object_store
def test_images_are_moved_and_what_to_set_is_told(
    shell: FlaskCliRunner, settings: Settings, bucket: Bucket
):
    answer = shell.invoke(args=["move-images", str(bucket), "--encryption", "aes256"])
    assert answer.exit_code == 0, answer.output
    assert f"Copied 2 images to {bucket} and verified.\n" in answer.output
    assert f"The images in {settings.instance_dir} are unchanged" in answer.output
    variables = f"LEUKOSCOPE_IMAGES_URL={bucket} LEUKOSCOPE_IMAGES_ENCRYPTION=aes256"
    assert answer.output.endswith(f"To use the copy, set {variables}.\n")
    assert len(in_bucket(bucket).images.names()) == 2


@pytest.mark.object_store
def test_lost_images_are_a_warning(shell: FlaskCliRunner, settings: Settings, bucket: Bucket):
    next(settings.images_dir.rglob("*.png")).unlink()
    answer = shell.invoke(args=["move-images", str(bucket)])
    assert answer.exit_code == 0
    assert "Warning: 1 files that rows name were missing already, such as" in answer.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["file:"], "has the images of this installation already"),
        (["s3://UPPER/x"], "URL must be “file:” for the instance folder, or a bucket such as"),
        (["s3://images", "--kms-key", "k"], "--kms-key needs --encryption=aws:kms"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(
    shell: FlaskCliRunner, arguments: list[str], sentence: str
):
    answer = shell.invoke(args=["move-images", *arguments])
    assert answer.exit_code in {1, 2}
    assert sentence in " ".join(answer.output.split())


def test_a_password_in_the_address_is_not_repeated(shell: FlaskCliRunner, tmp_path: Path):
    answer = shell.invoke(args=["move-images", "s3://somebody:s3cret@images/x"])
    assert answer.exit_code == 2
    assert "s3cret" not in answer.output
