"""The pages: one blueprint per file, all of them listed here."""

from __future__ import annotations

from flask import Flask
from flask_bootstrap import Bootstrap5
from flask_wtf import CSRFProtect

NAVIGATION = (
    ("classification.new", "Classify"),
    ("detection.new", "Detect"),
    ("cases.index", "Cases"),
    ("history.index", "History"),
    ("model.index", "Models"),
    ("admin.people", "People"),
    ("audit.index", "Audit"),
)
"""What the bar at the top offers to those who may use it, in order: endpoint and word."""


def register(app: Flask) -> None:
    """Add every page, and what all pages share, to the application."""
    from pages import (
        access,
        accounts,
        admin,
        audit,
        auditing,
        batches,
        cases,
        classification,
        detection,
        explanation,
        field,
        headers,
        history,
        home,
        limits,
        model,
        reading,
        refusals,
        reports,
        second_factor,
        security_keys,
        sessions,
        sign_out,
        signing,
        text_fields,
        wording,
    )

    for shared in (signing, text_fields, auditing, refusals, limits, headers, accounts, wording):
        shared.init_app(app)
    CSRFProtect(app)
    access.init_app(app)
    Bootstrap5(app)
    own = (classification, explanation, detection, batches, field, history)
    of_cases = (cases, reading, sign_out, reports)
    of_accounts = (accounts, sessions, second_factor, security_keys)
    for page in (home, *of_accounts, *own, *of_cases, model, admin, audit):
        app.register_blueprint(page.blueprint)
    app.context_processor(lambda: {"navigation": NAVIGATION})
