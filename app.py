"""The application: the only place where its parts are wired together."""

from __future__ import annotations

import sys
import time

import waitress.server
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

import pages
import records
import serving
from cli import accounts
from imaging.images import ImageLimits
from imaging.slides.processes import SlideProcesses
from jobs.engine import Tasks
from models.manifest import WeightsError
from models.registry import Models, load_models
from pages.common import errors, turns
from records import opening
from records.audit.audit import Event
from records.storage import instance_lock
from records.storage.image_store import ImageStore
from records.storage.secret_key import secret_key
from records.storage.slide_store import SlideStore
from services.accounts.accounts import Accounts
from services.analyses.analysis import Analyst
from services.analyses.explanations import Explainer
from services.analyses.field_queue import FieldQueue
from services.analyses.thumbnails import Thumbnails
from services.audit import audit
from services.cases.sign_off import SignOff
from services.instance import leftovers
from services.slides.arrival import Arrival
from services.slides.slides import Slides
from settings import Settings, SettingsError

SAFETY_SETTINGS = (
    "host",
    "proxies",
    "insecure_cookies",
    "signup",
    "second_factor",
    "idle_minutes",
    "session_hours",
    "precision",
    "readers",
)
"""What the audit trail notes of the settings at each start."""


def create_app(settings: Settings | None = None, models: Models | None = None) -> Flask:
    """Build the application; raises `SettingsError` or `WeightsError` with the reason."""
    settings = settings or Settings.from_environment()
    app = Flask(__name__, instance_path=str(settings.instance_dir))
    app.config.from_mapping(configuration(settings))
    if settings.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.proxies, x_proto=settings.proxies)

    records.init_app(app)
    models = models or load_models(settings.weights_dir, settings.precision)
    app.extensions["leukoscope_models"] = models
    app.extensions["leukoscope_accounts"] = Accounts(settings)
    app.extensions["leukoscope_analyst"] = analyst(settings, models)
    app.extensions["leukoscope_thumbnails"] = Thumbnails(
        settings.thumbnails_dir, app.extensions["leukoscope_analyst"]
    )
    app.extensions["leukoscope_sign_off"] = SignOff(
        app.extensions["leukoscope_accounts"], settings.weights_dir, settings.readers
    )
    add_slides(app, settings)
    add_background(app, settings, models)
    turns.init_app(app, settings)
    pages.register(app)
    errors.init_app(app)
    accounts.init_app(app)
    return app


def analyst(settings: Settings, models: Models) -> Analyst:
    """Who reads uploads and keeps them, within the limits of the settings."""
    limits = ImageLimits(settings.max_upload_bytes, settings.max_pixels)
    return Analyst(models, ImageStore(settings.images_dir), limits)


def add_slides(app: Flask, settings: Settings) -> None:
    """Set up who takes whole slides and who shows them."""
    store, processes = SlideStore(settings.slides_dir), SlideProcesses()
    app.extensions["leukoscope_slide_processes"] = processes
    app.extensions["leukoscope_arrival"] = Arrival(store, processes, settings.max_slide_bytes)
    app.extensions["leukoscope_slides"] = Slides(store, processes)


def add_background(app: Flask, settings: Settings, models: Models) -> None:
    """Set up the background work of this process; `main` starts it."""
    tasks = Tasks(app.app_context)
    store = ImageStore(settings.images_dir)
    app.extensions["leukoscope_tasks"] = tasks
    app.extensions["leukoscope_explainer"] = Explainer(models, store, tasks)
    app.extensions["leukoscope_fields"] = FieldQueue(
        app.extensions["leukoscope_analyst"],
        app.extensions["leukoscope_thumbnails"],
        ImageStore(settings.uploads_dir),
        app.extensions["leukoscope_slides"],
        tasks,
        settings.max_waiting,
    )


def configuration(settings: Settings) -> dict[str, object]:
    """Return the configuration of Flask and its extensions."""
    secure = settings.secure_cookies
    return {
        "LEUKOSCOPE": settings,
        "SECRET_KEY": secret_key(settings.instance_dir),
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": {
            # Else the log shows pseudonyms and notes with each error of the database.
            "hide_parameters": True,
            # A connection for each thread that serves, and some for those that read fields.
            "pool_size": settings.threads,
            "max_overflow": 10,
        },
        "MAX_CONTENT_LENGTH": settings.max_request_bytes,
        "TRUSTED_HOSTS": settings.trusted_hosts,
        # The prefix makes browsers refuse the cookie from a sibling host or over plain http.
        "SESSION_COOKIE_NAME": "__Host-leukoscope" if secure else "leukoscope",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": secure,
        # A form is good for as long as the session it belongs to.
        "WTF_CSRF_TIME_LIMIT": None,
        "BOOTSTRAP_SERVE_LOCAL": True,
    }


def main() -> None:
    """Serve until stopped, as the only process on this instance."""
    try:
        settings = Settings.from_environment()
        with instance_lock.held(settings.instance_dir):
            serve(settings)
    except (SettingsError, WeightsError) as error:
        sys.exit(f"Leukoscope cannot start: {error}")


def serve(settings: Settings) -> None:
    """Bring the database up to date and serve; raises `SettingsError` or `WeightsError`."""
    started = time.time()
    opening.check_finished(settings)
    app = create_app(settings)
    with app.app_context(), opening.usable(settings):
        opening.bring_up_to_date(settings)
        leftovers.sweep(settings, started)
        note_start(settings, app.extensions["leukoscope_models"])
    server = make_server(app, settings)
    for warning in settings.warnings:
        print(warning, file=sys.stderr)
    print(f"Leukoscope is ready at {settings.address}", flush=True)
    app.extensions["leukoscope_tasks"].start()
    server.run()
    app.extensions["leukoscope_tasks"].stop()
    app.extensions["leukoscope_slide_processes"].close()


def note_start(settings: Settings, models: Models) -> None:
    """Note what matters to safety of this start in the audit trail: settings and models."""
    kept = {name: getattr(settings, name) for name in SAFETY_SETTINGS}
    audit.keep(
        Event.START,
        **kept,
        classifier=models.classifier.version,
        detector=models.detector.version,
    )


Server = waitress.server.MultiSocketServer | waitress.server.BaseWSGIServer


def make_server(app: Flask, settings: Settings) -> Server:
    """Listen as a production server; raise `SettingsError` if the address is taken."""
    try:
        server = waitress.server.create_server(
            app,
            host=settings.host,
            port=settings.port,
            threads=settings.threads,
            max_request_body_size=settings.max_request_bytes,
            clear_untrusted_proxy_headers=settings.proxies == 0,
            ident=None,
            **serving.limits_of(settings),
        )
    except OSError as error:
        raise SettingsError(f"{settings.address} cannot be used: {error.strerror}.") from error
    serving.bound(server, settings)
    return server


if __name__ == "__main__":
    main()
