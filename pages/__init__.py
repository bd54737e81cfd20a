"""The pages: one blueprint per file, all of them listed here."""

from __future__ import annotations

from flask import Flask
from flask_bootstrap import Bootstrap5
from flask_wtf import CSRFProtect


def register(app: Flask) -> None:
    """Add every page, and what all pages share, to the application."""
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

    for shared in (
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
    ):
        shared.init_app(app)
    access.init_app(app)
    help.init_app(app)
    tour.init_app(app)
    CSRFProtect(app)
    Bootstrap5(app)
    uploading = (archives, known_files)
    own = (classification, explanation, detection, batches, field, history)
    of_slides = (arrival, slides, tiles)
    of_cases = (cases, demo, work, reading_room, reading_room_keys, sign_off, reports)
    of_models = (model, laboratory_models)
    of_people = (admin, everybodys_tokens, audit)
    of_laboratory = (*of_people, laboratory, laboratory_classes, statistics, quality)
    administration = (*of_models, *of_laboratory, help, tour)
    of_passwords = (second_factor, security_keys)
    of_accounts = (accounts, provider, full_names, language, sessions, *of_passwords)
    for_programs = (tokens, webhooks, health, metrics)
    own_pages = (*uploading, *own, *of_slides, *of_cases)
    for page in (home, *of_accounts, *for_programs, *own_pages, *administration):
        app.register_blueprint(page.blueprint)
    app.context_processor(lambda: {"navigation": navigation.NAVIGATION})
