"""The administrator's page of the laboratory: what its reports print beside a reading."""

from __future__ import annotations

import io

from flask import (
    Blueprint,
    Response,
    abort,
    flash,
    redirect,
    render_template,
    request,
    send_file,
    url_for,
)
from werkzeug.wrappers import Response as AnyResponse

from imaging.decoding.errors import ImageError
from imaging.logos import MAX_BYTES, MAX_SIDE, MIN_SIDE
from pages.administration.laboratory_forms import LaboratoryForm
from pages.common.current_account import current_account
from pages.common.requires import Audience, requires
from records.laboratory import laboratory as records
from services.laboratory import settings as service
from services.laboratory.classes import cell_classes
from services.language import lazy_gettext

blueprint = Blueprint("laboratory", __name__, url_prefix="/admin/laboratory")

SAVED = lazy_gettext("Settings saved. Versions already signed stay as they are.")
NOTHING_NEW = lazy_gettext("Nothing was changed.")
LOGO_SAVED = lazy_gettext("Logo saved. Versions already signed keep theirs.")
LOGO_REMOVED = lazy_gettext("Logo removed. Versions already signed keep theirs.")
LOGO_HELP = lazy_gettext(
    "PNG or JPEG, at most %(max_bytes)s kB, %(min_side)s to %(max_side)s pixels "
    "wide and high. Printed on white, at most 60 × 18 mm.",
    max_bytes=MAX_BYTES // 1024,
    min_side=MIN_SIDE,
    max_side=MAX_SIDE,
)


@blueprint.get("")
@requires(Audience.ADMINISTRATORS)
def show() -> str:
    """Show the settings."""
    return _page(LaboratoryForm.of(service.present()))


@blueprint.post("")
@requires(Audience.ADMINISTRATORS)
def save() -> AnyResponse | tuple[str, int]:
    """Save everything but the logo."""
    form = LaboratoryForm()
    if not form.validate():
        return _page(form), 422
    saved = service.save(current_account(), form.values)
    return _back(SAVED if saved else NOTHING_NEW)


@blueprint.get("/logo.png")
@requires(Audience.ADMINISTRATORS)
def logo() -> Response:
    """Send the logo."""
    values = service.present()
    png = records.find_logo(values.logo) if values and values.logo else None
    return send_file(io.BytesIO(png or abort(404)), "image/png")


@blueprint.post("/logo")
@requires(Audience.ADMINISTRATORS)
def save_logo() -> AnyResponse | tuple[str, int]:
    """Take a logo."""
    sent = request.files.get("logo")
    try:
        service.save_logo(current_account(), sent.read() if sent else b"")
    except ImageError as error:
        return _page(LaboratoryForm.of(service.present()), logo_error=str(error)), 422
    return _back(LOGO_SAVED)


@blueprint.post("/logo/remove")
@requires(Audience.ADMINISTRATORS)
def remove_logo() -> AnyResponse:
    """Print reports without a logo."""
    service.remove_logo(current_account())
    return _back(LOGO_REMOVED)


def _page(form: LaboratoryForm, logo_error: str = "") -> str:
    return render_template(
        "administration/laboratory.html",
        form=form,
        values=service.present(),
        own_classes=[one.name for one in cell_classes().own if not one.retired],
        logo_error=logo_error,
        logo_help=LOGO_HELP,
    )


def _back(sentence: str) -> AnyResponse:
    flash(sentence, "success")
    return redirect(url_for("laboratory.show"), code=303)
