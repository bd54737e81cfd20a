"""What the start says of a PostgreSQL database that cannot be used."""

import pytest
from flask import Flask
from pydantic import SecretStr

from app import create_app
from records import db, opening
from settings import Settings, SettingsError
from tests import postgres
from tests.applications import put_blank_database
from tests.stand_ins import stand_in_models

pytestmark = pytest.mark.postgres_only("needs a server of PostgreSQL")


def start(settings: Settings) -> Flask:
    app = create_app(settings, stand_in_models())
    with app.app_context():
        try:
            with opening.usable(settings):
                opening.bring_up_to_date(settings)
        finally:
            db.session.remove()
            db.engine.dispose()
    return app


def test_an_empty_database_gets_its_tables_and_keeps_them(settings: Settings):
    put_blank_database(settings)
    start(settings)
    start(settings)


@pytest.mark.parametrize("where", ["127.0.0.1:1/leukoscope", "/leukoscope?host=/nowhere"])
def test_a_server_that_does_not_answer_is_told_without_the_password(settings: Settings, where: str):
    url = SecretStr(f"postgresql://ben:geheim@{where}")
    with pytest.raises(SettingsError) as caught:
        start(settings.model_copy(update={"database_url": url}))
    assert "/leukoscope cannot be used: connection " in str(caught.value)
    assert "Check LEUKOSCOPE_DATABASE_URL" in str(caught.value)
    assert "geheim" not in str(caught.value)


def test_a_database_that_is_not_there_is_named(settings: Settings):
    name = settings.database.database
    with pytest.raises(SettingsError, match=f'database "{name}" does not exist'):
        start(settings)


def test_another_encoding_than_utf_8_is_refused(settings: Settings):
    postgres.present().create(settings.database_url.get_secret_value(), encoding="SQL_ASCII")
    with pytest.raises(SettingsError, match="its encoding is SQL_ASCII"):
        start(settings)
