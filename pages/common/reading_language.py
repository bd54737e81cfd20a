"""In which language a request is answered, and the texts of the scripts in it."""

from __future__ import annotations

import hashlib
import json
from functools import cache

from flask import Flask, current_app, g, has_request_context, request, url_for
from flask_babel import Babel
from werkzeug.wrappers import Response as AnyResponse

from pages.common.programs import of_program
from services.language import (
    ENGLISH,
    LANGUAGES,
    TRANSLATIONS,
    format_date,
    format_datetime,
    format_day,
    format_number,
    format_utc,
    join,
    language,
    localize,
    lower_first,
    read_catalog,
    upper_first,
)
from services.stored_texts import translated

COOKIE = "leukoscope-language"
COOKIE_SECONDS = 365 * 24 * 3600


def init_app(app: Flask) -> None:
    """Let every answer be in the language of whoever asks, with times in the clinic's zone."""
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(TRANSLATIONS)
    app.config["BABEL_DEFAULT_TIMEZONE"] = app.config["LEUKOSCOPE"].time_zone
    Babel(app, locale_selector=_selected)
    app.jinja_env.globals.update(
        language=language, languages=LANGUAGES, scripts_url=scripts_url, lower_first=lower_first
    )
    app.jinja_env.filters.update(
        format_date=format_date,
        format_day=format_day,
        format_number=format_number,
        format_utc=format_utc,
        localized=localize,
        upper_first=upper_first,
        translated=translated,
        format_datetime=format_datetime,
        join_texts=join,
    )
    app.after_request(_describe)


def _selected() -> str:
    """Choose by the account, then by what was chosen in this browser, then as the browser asks.

    Programs read English.
    """
    if not has_request_context() or of_program():
        return ENGLISH
    # Not `current_user`: an error page must not ask a database that does not answer.
    chosen = getattr(g.get("_login_user"), "language", None) or request.cookies.get(COOKIE)
    if chosen in LANGUAGES:
        return chosen
    asked = (tag.split("-")[0].lower() for tag in request.accept_languages.values())
    return next((code for code in asked if code in LANGUAGES), ENGLISH)


def remember(response: AnyResponse, code: str) -> None:
    """Let this browser be answered in a language until somebody signs in who chose another."""
    response.set_cookie(
        COOKIE,
        code,
        max_age=COOKIE_SECONDS,
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        httponly=True,
        samesite="Lax",
    )


def scripts_url() -> str | None:
    """Return the address of the scripts' texts; None where they are in the scripts themselves."""
    code = language()
    if code == ENGLISH:
        return None
    return url_for("language.scripts", code=code, version=scripts_version(code))


@cache
def scripts_texts(code: str) -> bytes:
    """Return a script that hands the texts of a language to the other scripts."""
    catalog = read_catalog(code, "scripts")
    texts = {_key(message.id): message.string for message in catalog if message.id}
    return f"globalThis.leukoscopeTexts = {json.dumps(texts, ensure_ascii=False)};\n".encode()


@cache
def scripts_version(code: str) -> str:
    """Return what changes in an address when the texts change."""
    return hashlib.sha256(scripts_texts(code)).hexdigest()[:16]


def _key(msgid: str | tuple[str, ...] | list[str]) -> str:
    return msgid if isinstance(msgid, str) else msgid[0]


def _describe(response: AnyResponse) -> AnyResponse:
    """Tell caches and readers in which language an answer is."""
    if response.mimetype == "text/html":
        response.headers["Content-Language"] = language()
        response.vary.add("Accept-Language")
    return response
