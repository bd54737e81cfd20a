"""The administrator's page of the laboratory's own cell classes."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response
from wtforms import BooleanField, StringField

from core.taxonomy import CellClass
from pages.common.current_account import current_account
from pages.common.printing import printable
from pages.common.requires import Audience, requires
from pages.common.text_fields import AtMost, GuardedForm, add_error, one_line, text_of
from services.laboratory import classes as service
from services.laboratory.classes import (
    LONGEST_CODE,
    LONGEST_LOINC,
    LONGEST_NAME,
    MOST,
    OwnClassError,
)
from services.language import gettext, lazy_gettext

blueprint = Blueprint("laboratory_classes", __name__, url_prefix="/admin/laboratory/classes")

ADDED = lazy_gettext("“{}” added. Reload reading rooms that are open to use it.")
CHANGED = lazy_gettext("“{}” saved. Versions already signed keep the old name and LOINC code.")
NOTHING_NEW = lazy_gettext("Nothing was changed.")
RETIRED = lazy_gettext("“{}” retired. Cells that have this class keep it.")
USED_AGAIN = lazy_gettext("“{}” is in use again.")


def _short(label: str, longest: int, description: str) -> StringField:
    look = {"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}
    return StringField(
        label,
        [AtMost(longest)],
        filters=[one_line],
        description=description,
        render_kw={**look, "maxlength": longest},
    )


class ChangeClassForm(GuardedForm):
    """Name and LOINC code of a class, which may change once cells have it."""

    name = StringField(
        lazy_gettext("Name"),
        [AtMost(LONGEST_NAME), printable],
        filters=[one_line],
        description=lazy_gettext(
            "For one cell, such as “Plasma cell”. Shown as typed in every language."
        ),
        render_kw={"autocomplete": "off", "maxlength": LONGEST_NAME},
    )
    loinc = _short(
        lazy_gettext("LOINC code (optional)"),
        LONGEST_LOINC,
        lazy_gettext(
            "For the percentage of white cells in blood, such as 26446-5. If the class does not "
            "count among them: for the number per 100 white cells."
        ),
    )


class AddClassForm(ChangeClassForm):
    """A class to add."""

    code = _short(
        lazy_gettext("Short code"),
        LONGEST_CODE,
        lazy_gettext(
            "For exports, such as plasma_c: at most %(longest)s lower-case letters a to z, digits "
            "or underscores. It cannot be changed later.",
            longest=LONGEST_CODE,
        ),
    )
    white = BooleanField(lazy_gettext("Counts among the white cells of the differential"))


@blueprint.get("")
@requires(Audience.ADMINISTRATORS)
def show() -> str:
    """List the own classes, with a form to add one."""
    return _page(AddClassForm(formdata=None, data={"white": True}))


@blueprint.post("")
@requires(Audience.ADMINISTRATORS)
def add() -> Response | tuple[str, int]:
    """Add a class."""
    form = AddClassForm()
    if not form.validate():
        return _page(form), 422
    texts = text_of(form.name), text_of(form.code), text_of(form.loinc)
    try:
        made = service.add(current_account(), *texts, white=form.white.data)
    except OwnClassError as error:
        add_error(form[error.field], str(error))
        return _page(form), 422
    return _back(ADDED.format(made.name))


@blueprint.get("/<code>")
@requires(Audience.ADMINISTRATORS)
def edit(code: str) -> str:
    """Show the name and LOINC code of a class, to change them."""
    one = _class(code)
    loinc = one.loinc[0] if one.loinc else ""
    return _edit_page(one, ChangeClassForm(formdata=None, data={"name": one.name, "loinc": loinc}))


@blueprint.post("/<code>")
@requires(Audience.ADMINISTRATORS)
def change(code: str) -> Response | tuple[str, int]:
    """Change the name and LOINC code of a class."""
    one, form = _class(code), ChangeClassForm()
    if not form.validate():
        return _edit_page(one, form), 422
    name = text_of(form.name)
    try:
        changed = service.change(current_account(), code, name, text_of(form.loinc))
    except OwnClassError as error:
        add_error(form[error.field], str(error))
        return _edit_page(one, form), 422
    return _back(CHANGED.format(name) if changed else str(NOTHING_NEW))


@blueprint.post("/<code>/retire")
@requires(Audience.ADMINISTRATORS)
def retire(code: str) -> Response:
    """Let nobody give a class from now on."""
    one = _class(code)
    service.retire(current_account(), code)
    return _back(RETIRED.format(one.name))


@blueprint.post("/<code>/use-again")
@requires(Audience.ADMINISTRATORS)
def use_again(code: str) -> Response:
    """Let readers give a retired class again."""
    one = _class(code)
    try:
        service.use_again(current_account(), code)
    except OwnClassError as error:
        return _back(gettext("“%(name)s”: %(reason)s", name=one.name, reason=error), "danger")
    return _back(USED_AGAIN.format(one.name))


def _class(code: str) -> CellClass:
    return service.find(code) or abort(404)


def _page(form: AddClassForm) -> str:
    own = service.cell_classes().own
    in_use = [one for one in own if not one.retired]
    return render_template(
        "administration/laboratory_classes.html",
        form=form,
        in_use=in_use,
        retired=[one for one in own if one.retired],
        most=MOST,
        full=len(in_use) >= MOST,
    )


def _edit_page(one: CellClass, form: ChangeClassForm) -> str:
    return render_template("administration/laboratory_class.html", one=one, form=form)


def _back(sentence: str, kind: str = "success") -> Response:
    flash(sentence, kind)
    return redirect(url_for("laboratory_classes.show"), code=303)
