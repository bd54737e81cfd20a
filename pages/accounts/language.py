"""The language of the pages: of an account, and of a browser before anybody signs in."""

from __future__ import annotations

from flask import (
    Blueprint,
    Response,
    abort,
    flash,
    make_response,
    redirect,
    render_template,
    url_for,
)
from flask_babel import refresh
from werkzeug.wrappers import Response as AnyResponse
from wtforms import SelectField, SubmitField

from pages.common import reading_language
from pages.common.addresses import page_before
from pages.common.choices import SelectChoice
from pages.common.current_account import current_account
from pages.common.requires import Audience, requires
from pages.common.text_fields import GuardedForm
from services.accounts import languages
from services.language import ENGLISH, LANGUAGES, gettext, lazy_gettext

blueprint = Blueprint("language", __name__)

ONE_YEAR = 31_536_000


class LanguageForm(GuardedForm):
    """The language of an account; empty for that of the browser."""

    language = SelectField(
        lazy_gettext("Language"),
        choices=[
            SelectChoice("", lazy_gettext("As in the browser")),
            *(SelectChoice(code, name) for code, name in LANGUAGES.items()),
        ],
    )
    submit = SubmitField(lazy_gettext("Save"))


@blueprint.route("/account/language", methods=["GET", "POST"])
@requires(Audience.SIGNED_IN)
def choose() -> str | AnyResponse | tuple[str, int]:
    """Choose the language of the account."""
    form = LanguageForm(data={"language": current_account().language or ""})
    if form.validate_on_submit():
        languages.choose(current_account(), form.language.data or None)
        refresh()
        flash(gettext("Language saved."), "success")
        return redirect(url_for("language.choose"))
    page = render_template("accounts/language.html", form=form)
    return (page, 422) if form.errors else page


@blueprint.post("/language/<code>")
@requires(Audience.ANYBODY)
def switch(code: str) -> AnyResponse:
    """Answer this browser in another language, and lead back to the page."""
    if code not in LANGUAGES:
        abort(404)
    response = redirect(page_before() or url_for("home.index"))
    reading_language.remember(response, code)
    return response


@blueprint.get("/language/<code>.js")
@requires(Audience.ANYBODY)
def scripts(code: str) -> Response:
    """Return the texts of the scripts in a language; the address changes with them."""
    if code not in LANGUAGES or code == ENGLISH:
        abort(404)
    response = make_response(reading_language.scripts_texts(code))
    response.mimetype = "text/javascript"
    response.cache_control.private = True
    response.cache_control.max_age = ONE_YEAR
    response.cache_control.immutable = True
    return response
