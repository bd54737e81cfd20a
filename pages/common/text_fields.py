"""Rules for every text field, and every address: what is checked before anything reads it."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any, TypeVar

from flask import Flask, abort, request
from flask_wtf import FlaskForm
from wtforms import Field, Form, StringField
from wtforms.csrf.core import CSRFTokenField
from wtforms.fields.core import UnboundField
from wtforms.form import BaseForm
from wtforms.meta import DefaultMeta
from wtforms.validators import Length, StopValidation, ValidationError

from services.language import lazy_gettext

CONTROL_CHARACTERS = lazy_gettext(
    "This contains a control character. Type the text instead of pasting it."
)
# Tabs and line ends are typed; FHIR allows no other control character in a string.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
# In an address these could begin a line of their own in the log.
_CONTROL_OR_BREAK = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

F = TypeVar("F", bound=Field)


def init_app(app: Flask) -> None:
    """Check every address before anything else reads it."""
    app.before_request(_refuse_crafted_address)


def _refuse_crafted_address() -> None:
    if _CONTROL_OR_BREAK.search(request.path):
        abort(404)


class AtMost(Length):
    """Refuse a longer text, and keep every later rule from reading it."""

    def __init__(self, length: int, message: str | None = None) -> None:
        super().__init__(
            max=length,
            message=message or lazy_gettext("Use at most %(length)s characters.", length=length),
        )

    def __call__(self, form: BaseForm, field: StringField) -> None:
        """Stop the validation of the field; raises `StopValidation`."""
        try:
            super().__call__(form, field)
        except ValidationError as error:
            field.errors = []
            raise StopValidation(str(error)) from None


def without_control_characters(_form: Form, field: Field) -> None:
    """Refuse control characters but tabs and line ends; raises `StopValidation`."""
    # As it was sent: the filters of a field may take some of them for spaces.
    if any(_CONTROL.search(text) for text in field.raw_data or ()):
        field.errors = []
        raise StopValidation(CONTROL_CHARACTERS)


def limit_of(field: Field) -> int | None:
    """Return how many characters a field takes; None without a limit."""
    return next((rule.max for rule in field.validators if isinstance(rule, AtMost)), None)


def text_of(field: StringField) -> str:
    """Return what was typed; empty where the form lacks the field."""
    return field.data or ""


def one_line(text: str | None) -> str:
    """Join what was typed to one line with single spaces, as a filter of a field."""
    return " ".join((text or "").split())


def add_error(field: Field, sentence: str) -> None:
    """Say beside a field what is wrong with it."""
    field.errors = [*field.errors, sentence]


class _Guarded(DefaultMeta):
    """Puts the rules of every text field before those of its form."""

    def bind_field(
        self, form: BaseForm, unbound_field: UnboundField[F], options: MutableMapping[str, Any]
    ) -> F:
        field = super().bind_field(form, unbound_field, options)
        if isinstance(field, StringField) and not isinstance(field, CSRFTokenField):
            lengths = [rule for rule in field.validators if isinstance(rule, AtMost)]
            others = [rule for rule in field.validators if not isinstance(rule, AtMost)]
            field.validators = [*lengths, without_control_characters, *others]
        return field


class GuardedForm(FlaskForm):
    """A form that is posted, with its token."""

    class Meta(_Guarded, FlaskForm.Meta):
        """Guards the text fields."""


class GuardedFilters(Form):
    """A form that is sent by GET, without a token."""

    class Meta(_Guarded):
        """Guards the text fields."""
