import pytest
from flask import Flask
from sqlalchemy import String

from records import db
from records.analyses import explanations
from records.analyses.analyses import Analysis
from records.analyses.explanations import Explanation
from records.storage import stored_files
from records.storage.stored_files import IMAGES, SLIDES, UPLOADS, StoredFile
from tests.people import sign_in_as
from tests.uploads import upload_cell, upload_field

NO_FILES = {
    *("analyses.file_name", "cell_tasks.file_name", "field_tasks.file_name", "slides.file_name"),
    *("slides.folded_name", "analysis_summaries.folded_name"),
    *("audit_entries.account_name", "accounts.full_name"),
}
"""What people call a file or themselves."""


def test_every_column_that_names_a_file_is_known_to_do_so():
    """A column of another type would have its files removed at the next start."""
    columns = [column for table in db.metadata.sorted_tables for column in table.columns]
    names = {
        str(column)
        for column in columns
        if column.name.endswith("_name") and isinstance(column.type, String | StoredFile)
    }

    assert names - NO_FILES == {
        str(column) for column in columns if isinstance(column.type, StoredFile)
    }


@pytest.mark.parametrize("folder", [IMAGES, UPLOADS, SLIDES])
def test_an_empty_database_names_nothing(app: Flask, folder: str):
    with app.app_context():
        assert stored_files.named(folder) == set()


def test_every_kind_of_row_is_asked(app: Flask):
    client = sign_in_as(app, "ada")
    cell_id, field = upload_cell(client), upload_field(client)
    with app.app_context():
        explanations.ask_for(cell_id)
        picture = db.session.scalars(db.select(Explanation)).one()
        picture.picture_name = "0" * 32 + ".png"
        kept = db.session.scalars(db.select(Analysis)).all()
        db.session.flush()

        assert {one.id for one in kept} == {cell_id, field["id"]}
        assert stored_files.named(IMAGES) == {
            picture.picture_name,
            *(name for one in kept for name in one.image_names),
        }
