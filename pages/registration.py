"""Every page, and what all pages share, for the application."""

from __future__ import annotations

from flask import Flask
from flask_bootstrap import Bootstrap5
from flask_wtf import CSRFProtect

from pages import home, model
from pages.accounts import (
    accounts,
    full_names,
    language,
    provider,
    second_factor,
    security_keys,
    sessions,
    tokens,
    webhooks,
)
from pages.administration import (
    admin,
    audit,
    laboratory,
    laboratory_classes,
    laboratory_models,
    quality,
    statistics,
)
from pages.administration import tokens as everybodys_tokens
from pages.analyses import (
    archives,
    batches,
    classification,
    detection,
    explanation,
    field,
    history,
    known_files,
)
from pages.cases import cases, demo, reading_room, reading_room_keys, reports, sign_off, work
from pages.common import (
    access,
    access_log,
    addresses,
    formatting,
    headers,
    limits,
    logs,
    navigation,
    reading_language,
    refusals,
    signing,
    text_fields,
)
from pages.help import help, tour
from pages.operations import health, metrics, tracing
from pages.slides import arrival, slides, tiles

SHARED = (
    # first, so that all else of a request belongs to its span
    tracing,
    logs,
    reading_language,
    signing,
    text_fields,
    access_log,
    refusals,
    limits,
    headers,
    addresses,
    accounts,
    formatting,
    metrics,
    access,
    help,
    tour,
)
"""Modules that prepare the application, in the order in which they see a request."""

PAGES = (
    home,
    *(accounts, provider, full_names, language, sessions, second_factor, security_keys),
    *(tokens, webhooks, health, metrics),
    *(archives, known_files),
    *(classification, explanation, detection, batches, field, history),
    *(arrival, slides, tiles),
    *(cases, demo, work, reading_room, reading_room_keys, sign_off, reports),
    *(model, laboratory_models),
    *(admin, everybodys_tokens, audit),
    *(laboratory, laboratory_classes, statistics, quality),
    *(help, tour),
)
"""Modules with a blueprint each."""


def register(app: Flask) -> None:
    """Add every page, and what all pages share, to the application."""
    for shared in SHARED:
        shared.init_app(app)
    CSRFProtect(app)
    Bootstrap5(app)
    for page in PAGES:
        app.register_blueprint(page.blueprint)
    app.context_processor(lambda: {"navigation": navigation.NAVIGATION})
