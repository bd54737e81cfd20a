"""One's own webhooks: addresses of other programs that are told of events."""

from __future__ import annotations

from flask import Blueprint, abort, current_app, flash, redirect, render_template, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from pages.accounts.accounts import confirms_password
from pages.accounts.webhooks_forms import EVENT_TEXTS, WebhookForm
from pages.common import limits
from pages.common.current_account import current_account
from pages.common.requires import Audience, requires
from pages.common.text_fields import text_of
from records.programs import webhooks as records
from records.programs.webhooks import Webhook
from services.language import gettext
from services.programs import webhooks as service
from services.programs.deliveries import Deliveries
from services.programs.webhooks import WebhookError

blueprint = Blueprint("webhooks", __name__, url_prefix="/account/webhooks")

SHOWN = 20
"""Deliveries that the page of a webhook lists."""

Answer = str | tuple[str, int]


def get_deliveries() -> Deliveries:
    """Return the service that sends messages."""
    return current_app.extensions["leukoscope_deliveries"]


@blueprint.get("")
@requires(Audience.SIGNED_IN)
def show() -> str:
    """List the webhooks of the account."""
    return _page(WebhookForm())


@blueprint.post("")
@requires(Audience.SIGNED_IN)
@limits.failures_of_account
def create() -> Answer:
    """Make a webhook, and show its secret once."""
    form, account = WebhookForm(), current_account()
    if not form.validate():
        return _page(form), 422
    if not confirms_password(form.password):
        return _page(form), 422
    try:
        webhook = service.create(account, text_of(form.url), form.events)
    except WebhookError as error:
        form.form_errors.append(str(error))
        return _page(form), 422
    secret = get_deliveries().secret_of(webhook.id)
    # A page and no notice: notices travel in the cookie.
    return render_template("accounts/webhook_secret.html", webhook=webhook, secret=secret)


@blueprint.get("/<webhook_id>")
@requires(Audience.SIGNED_IN)
def deliveries(webhook_id: str) -> str:
    """List what a webhook was told last."""
    webhook = _own(webhook_id)
    return render_template(
        "accounts/webhook.html",
        webhook=webhook,
        deliveries=records.newest_of(webhook.id, SHOWN),
        events=EVENT_TEXTS,
    )


@blueprint.post("/<webhook_id>/remove")
@requires(Audience.SIGNED_IN)
def remove(webhook_id: str) -> AnyResponse:
    """Tell an address nothing more."""
    service.remove(_own(webhook_id))
    flash(gettext("Webhook removed."), "success")
    return redirect(url_for("webhooks.show"), code=303)


def _own(webhook_id: str) -> Webhook:
    return records.find(current_user.id, webhook_id) or abort(404)


def _page(form: WebhookForm) -> str:
    webhooks = records.of_account(current_user.id)
    return render_template(
        "accounts/webhooks.html", form=form, webhooks=webhooks, events=EVENT_TEXTS
    )
