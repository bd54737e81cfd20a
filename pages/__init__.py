"""The pages: one blueprint per file, all of them listed here."""

from __future__ import annotations

from flask import Flask
from flask_bootstrap import Bootstrap5
from flask_wtf import CSRFProtect


def register(app: Flask) -> None:
    """Add every page, and what all pages share, to the application."""
    from pages import home, model
    from pages.accounts import accounts, second_factor, security_keys, sessions
    from pages.administration import admin, audit
    from pages.analyses import batches, classification, detection, explanation, field, history
    from pages.cases import cases, reading_room, reports, sign_off
    from pages.common import (
        access,
        access_log,
        formatting,
        headers,
        limits,
        navigation,
        refusals,
        signing,
        text_fields,
    )
    from pages.slides import arrival, slides, tiles

    for shared in (
        signing,
        text_fields,
        access_log,
        refusals,
        limits,
        headers,
        accounts,
        formatting,
    ):
        shared.init_app(app)
    CSRFProtect(app)
    access.init_app(app)
    Bootstrap5(app)
    own = (classification, explanation, detection, batches, field, history)
    of_slides = (arrival, slides, tiles)
    of_cases = (cases, reading_room, sign_off, reports)
    of_accounts = (accounts, sessions, second_factor, security_keys)
    for page in (home, *of_accounts, *own, *of_slides, *of_cases, model, admin, audit):
        app.register_blueprint(page.blueprint)
    app.context_processor(lambda: {"navigation": navigation.NAVIGATION})
