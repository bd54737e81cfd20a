"""The keys of the classes in the reading room, as each person wants them."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import StringField, SubmitField
from wtforms.validators import DataRequired, Optional

from core.taxonomy import CELL_CLASSES, CellClasses
from pages.common.current_account import current_account
from pages.common.requires import requires
from pages.common.text_fields import AtMost, GuardedForm, add_error
from records.accounts.accounts import Role
from services.accounts import room_keys
from services.formatting import CLASS_TEXTS
from services.laboratory.classes import cell_classes
from services.language import gettext, lazy_gettext

blueprint = Blueprint("room_keys", __name__, url_prefix="/reading-room/keys")


def _lower(text: str | None) -> str:
    return (text or "").strip().lower()


class KeysForm(GuardedForm):
    """One key for each class; of own classes see `_form_for`."""

    submit = SubmitField(lazy_gettext("Save keys"))
    usual = SubmitField(lazy_gettext("Use the usual keys"))


def _key_field(name: str, first: DataRequired | Optional) -> StringField:
    look = {"maxlength": 1, "autocomplete": "off", "autocapitalize": "off"}
    return StringField(name, [first, AtMost(1)], filters=[_lower], render_kw=look)


for one in CELL_CLASSES:
    setattr(KeysForm, one.code, _key_field(CLASS_TEXTS[one.code], DataRequired(room_keys.NO_KEY)))


def _form_for(classes: CellClasses) -> type[KeysForm]:
    """Return the form with a field for each own class as well, which may be empty."""
    own = {one.code: _key_field(one.name, Optional()) for one in classes.own if not one.retired}
    return type("OwnKeysForm", (KeysForm,), own)


@blueprint.route("", methods=["GET", "POST"])
@requires(Role.VIEWER)
def show() -> str | Response | tuple[str, int]:
    """Show the keys of the classes, and keep others."""
    account, classes = current_account(), cell_classes()
    form = _form_for(classes)(data=room_keys.keys_of(account, classes))
    codes = [one.code for one in classes.given]
    if request.method == "POST" and _kept(form, codes):
        flash(gettext("Keys saved. They are yours in every reading room."), "success")
        return redirect(url_for("room_keys.show"))
    fields = [form[code] for code in codes]
    page = render_template("cases/reading_room/keys.html", form=form, fields=fields)
    return (page, 422) if form.errors else page


def _kept(form: KeysForm, codes: Sequence[str]) -> bool:
    """Keep what was sent; else the form says beside each key what is wrong with it."""
    if form.usual.data:
        room_keys.choose(current_account(), room_keys.USUAL)
        return True
    if not form.validate():
        return False
    keys = {code: str(form[code].data or "") for code in codes}
    found = room_keys.conflicts(keys)
    for code, sentence in found.items():
        add_error(form[code], sentence)
    if not found:
        room_keys.choose(current_account(), keys)
    return not found
