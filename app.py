"""The application: the only place where its parts are wired together."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable

import waitress.server
from flask import Flask

import records
import serving
from api import v1
from cli import accounts, processes
from core import tracing
from imaging.images import ImageLimits
from imaging.slides.processes import SlideProcesses
from jobs.engine import Tasks
from models.installed import InstalledModels, Versions
from models.manifest import WeightsError
from models.registry import Models
from pages import registration
from pages.common import addresses, errors, logs, turns
from records import db, opening, statements
from records.audit.audit import Event
from records.engines import options_for
from records.storage import instance_lock, serving_lock
from records.storage.image_store import ImageStore
from records.storage.image_stores import ImageStores, image_stores
from records.storage.secret_key import secret_key
from records.storage.slide_store import SlideStore
from services.accounts.accounts import Accounts
from services.accounts.confirmations import Confirmations
from services.accounts.external_accounts import ExternalAccounts
from services.analyses.analysis import Analyst
from services.analyses.archives import Archives
from services.analyses.cell_queue import CellQueue
from services.analyses.cell_reading import LocalReader
from services.analyses.explanations import Explainer
from services.analyses.field_queue import FieldQueue
from services.analyses.field_reading import FieldReader
from services.analyses.thumbnails import Thumbnails
from services.audit import audit
from services.cases.checks import AtLeast
from services.cases.references import References
from services.cases.sign_off import SignOff
from services.instance import leftovers
from services.instance.newest_image import NewestImage, check_keys
from services.instance.readiness import StoreProbe
from services.learning.feature_refresh import FeatureRefresh
from services.learning.fitting import Fitting
from services.learning.laboratory_models import LaboratoryModels
from services.programs.deliveries import Deliveries
from services.slides.arrival import Arrival
from services.slides.slides import Slides
from services.statistics import field_measures
from services.statistics.quality import Watch
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
    "blind",
)
"""Settings that the audit trail records at each start."""

PROVIDER_SETTINGS = ("oidc_issuer", "oidc_client_id", "oidc_roles", "oidc_teams", "oidc_local")
"""Recorded as well where people sign in at an identity provider."""

IMAGE_SETTINGS = ("images_url", "images_encryption")
"""Recorded as well where a bucket holds the images."""

OFTEN, SELDOM = 0.2, 5.0
"""Seconds between two looks for cells that web servers left: somebody waits there, or nobody."""


def create_app(settings: Settings | None = None, models: Models | None = None) -> Flask:
    """Build the application; raises `SettingsError` or `WeightsError` with the reason."""
    settings = settings or Settings.from_environment()
    app = logs.Application(__name__, instance_path=str(settings.instance_dir))
    app.config.from_mapping(configuration(settings))
    if settings.hostnames:
        app.wsgi_app = addresses.ProbesByAddress(app.wsgi_app, settings.hostnames[0].lstrip("."))
    if settings.proxies:
        app.wsgi_app = addresses.behind(app.wsgi_app, settings.proxies)

    records.init_app(app)
    if settings.traces_url:
        with app.app_context():
            statements.count(db.engine)
    installed = _installed(settings, models)
    app.extensions["leukoscope_models"] = installed
    add_accounts(app, settings)
    laboratory = LaboratoryModels(installed, settings.weights_dir, settings.precision)
    app.extensions["leukoscope_laboratory_models"] = laboratory
    stores = image_stores(settings)
    app.extensions["leukoscope_image_stores"] = stores
    if settings.images_bucket or settings.images_key_file:
        app.extensions["leukoscope_store_probe"] = store_probe(stores)
    app.extensions["leukoscope_analyst"] = analyst(settings, stores, installed, laboratory)
    app.extensions["leukoscope_thumbnails"] = Thumbnails(
        settings.thumbnails_dir, app.extensions["leukoscope_analyst"], stores.keys
    )
    app.extensions["leukoscope_references"] = References(app.extensions["leukoscope_thumbnails"])
    app.extensions["leukoscope_sign_off"] = SignOff(
        app.extensions["leukoscope_accounts"],
        settings.weights_dir,
        settings.readers,
        AtLeast(
            settings.min_white_cells,
            settings.min_white_cells_leukopenia,
            settings.min_white_cells_marrow,
        ),
    )
    field_measures.listen()
    app.extensions["leukoscope_watch"] = Watch()
    add_slides(app, settings)
    add_background(app, settings, stores, installed)
    turns.init_app(app, settings)
    registration.register(app)
    v1.register(app)
    errors.init_app(app)
    accounts.init_app(app)
    add_processes(app)
    return app


def add_accounts(app: Flask, settings: Settings) -> None:
    """Set up who signs people in: here, and at the identity provider where there is one."""
    accounts = Accounts(settings)
    app.extensions["leukoscope_accounts"] = accounts
    app.extensions["leukoscope_confirmations"] = Confirmations(lambda: accounts.clock())
    if settings.oidc_issuer:
        # Its libraries take 11 MB, and few installations have one.
        from services.accounts.identity_provider import IdentityProvider

        provider = IdentityProvider(settings, lambda: accounts.clock())
        app.extensions["leukoscope_external_accounts"] = ExternalAccounts(
            accounts, provider, settings
        )


def _installed(settings: Settings, models: Models | None) -> InstalledModels:
    if models is not None:
        return InstalledModels.of(models)
    return InstalledModels.found(settings.weights_dir, settings.precision)


def store_probe(stores: ImageStores) -> StoreProbe:
    """Return the probe that checks the image store and whether its images can be decrypted."""
    newest = NewestImage(stores.images)

    def check() -> None:
        stores.check()
        newest.check()

    return StoreProbe(check)


def analyst(
    settings: Settings, stores: ImageStores, models: InstalledModels, fields: FieldReader
) -> Analyst:
    """Who reads uploads and keeps them, within the limits of the settings."""
    limits = ImageLimits(settings.max_upload_bytes, settings.max_pixels)
    return Analyst(models.get, stores.images, limits, fields)


def add_slides(app: Flask, settings: Settings) -> None:
    """Set up who takes whole slides and who shows them."""
    store, processes = SlideStore(settings.slides_dir), SlideProcesses()
    app.extensions["leukoscope_slide_processes"] = processes
    app.extensions["leukoscope_arrival"] = Arrival(store, processes, settings.max_slide_bytes)
    app.extensions["leukoscope_slides"] = Slides(store, processes)


def add_background(
    app: Flask, settings: Settings, stores: ImageStores, models: InstalledModels
) -> None:
    """Set up the background work of this process; `main` starts it."""
    tasks = Tasks(app.app_context, settings.queues_url, sole=settings.one_process)
    app.extensions["leukoscope_tasks"] = tasks
    app.extensions["leukoscope_deliveries"] = Deliveries(
        tasks, secret_key(settings.instance_dir), settings.webhook_private
    )
    app.extensions["leukoscope_explainer"] = Explainer(models, stores.images, tasks)
    app.extensions["leukoscope_fields"] = FieldQueue(
        app.extensions["leukoscope_analyst"],
        app.extensions["leukoscope_thumbnails"],
        stores.uploads,
        app.extensions["leukoscope_slides"],
        tasks,
        settings.max_waiting,
    )
    add_cell_reading(app, settings, stores.uploads)
    app.extensions["leukoscope_fitting"] = Fitting(
        app.extensions["leukoscope_laboratory_models"], app.extensions["leukoscope_analyst"], tasks
    )
    app.extensions["leukoscope_feature_refresh"] = FeatureRefresh(
        app.extensions["leukoscope_laboratory_models"], app.extensions["leukoscope_analyst"], tasks
    )
    app.extensions["leukoscope_archives"] = Archives(stores.uploads, settings.max_upload_bytes)


def add_cell_reading(app: Flask, settings: Settings, uploads: ImageStore) -> None:
    """Read cells in this process, and those that web servers without networks left."""
    reading = app.extensions["leukoscope_analyst"], app.extensions["leukoscope_explainer"]
    app.extensions["leukoscope_cell_reader"] = LocalReader(*reading)
    app.extensions["leukoscope_cell_queue"] = CellQueue(
        *reading,
        uploads,
        app.extensions["leukoscope_tasks"],
        settings.max_waiting,
        SELDOM if settings.one_process else OFTEN,
    )


def leave_to_workers(app: Flask, settings: Settings) -> None:
    """Serve pages alone: workers do the background work, and have the networks."""
    app.extensions["leukoscope_tasks"].leave_to_others()
    app.extensions["leukoscope_cell_reader"] = app.extensions["leukoscope_cell_queue"]
    turns.wait_for_workers(app, settings)


def configuration(settings: Settings) -> dict[str, object]:
    """Return the configuration of Flask and its extensions."""
    secure = settings.secure_cookies
    return {
        "LEUKOSCOPE": settings,
        "SECRET_KEY": secret_key(settings.instance_dir),
        "SQLALCHEMY_DATABASE_URI": settings.database,
        "SQLALCHEMY_ENGINE_OPTIONS": {
            # Else the log shows pseudonyms and notes with each error of the database.
            "hide_parameters": True,
            # A connection for each thread that serves, and some for those that read fields.
            "pool_size": settings.threads,
            "max_overflow": 10,
            **options_for(settings.database),
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
    """Bring the database up to date, serve and work; raises `SettingsError` or `WeightsError`."""
    started = time.time()
    logs.configure(settings)
    opening.check_finished(settings)
    app = create_app(settings)
    app.extensions["leukoscope_models"].get()
    prepare(app, settings)
    sweep(app, settings, started)
    trace(settings, "all")
    run_server(app, settings, app.extensions["leukoscope_tasks"].start)


def trace(settings: Settings, role: str) -> None:
    """Send traces of this process to the collector, if one is set."""
    if settings.traces_url:
        # Its libraries take 8 MB, and few installations have one.
        from core.telemetry import Telemetry

        tracing.send_to(Telemetry(settings.traces_url, role))


def sweep(app: Flask, settings: Settings, started: float) -> None:
    """Remove what a killed server left, unless other processes are at work."""
    with app.app_context(), opening.usable(settings):
        try:
            with serving_lock.alone():
                leftovers.sweep(settings, started)
        except SettingsError as error:
            logging.getLogger(__name__).info("Leftover files stay: %s", error)


def prepare(app: Flask, settings: Settings) -> None:
    """Bring the database up to date and note the start; raises `SettingsError`."""
    with app.app_context(), opening.usable(settings):
        app.extensions["leukoscope_image_stores"].check_whole()
        opening.bring_up_to_date(settings)
        check_keys(app.extensions["leukoscope_image_stores"])
        note_start(app, settings)
        app.extensions["leukoscope_feature_refresh"].ask()


def run_server(app: Flask, settings: Settings, when_ready: Callable[[], None]) -> None:
    """Serve until stopped; raises `SettingsError`."""
    with app.app_context(), serving_lock.shared():
        _run_server(app, settings, when_ready)


def _run_server(app: Flask, settings: Settings, when_ready: Callable[[], None]) -> None:
    server = make_server(app, settings)
    for warning in settings.warnings:
        logs.tell(settings, warning, logging.WARNING)
    logs.tell(settings, f"Leukoscope is ready at {settings.address}")
    when_ready()
    serving.settle()
    server.run()
    close(app)


def close(app: Flask) -> None:
    """End the background and what it started."""
    app.extensions["leukoscope_tasks"].stop()
    app.extensions["leukoscope_slide_processes"].close()
    tracing.close()


def add_processes(app: Flask) -> None:
    """Let `flask` start the parts of an installation of several processes."""

    def begin(app: Flask, settings: Settings, role: str) -> None:
        logs.configure(settings)
        prepare(app, settings)
        trace(settings, role)

    processes.init_app(app, begin, leave_to_workers, run_server, close)


def note_start(app: Flask, settings: Settings) -> None:
    """Note what matters to safety of this start in the audit trail: settings and models."""
    models: Versions = app.extensions["leukoscope_models"].versions
    stores: ImageStores = app.extensions["leukoscope_image_stores"]
    names = SAFETY_SETTINGS + (PROVIDER_SETTINGS if settings.oidc_issuer else ())
    names += IMAGE_SETTINGS if settings.images_bucket else ()
    kept = {name: getattr(settings, name) for name in names}
    if key := stores.keys.writing:
        kept["images_key"] = str(key)
    audit.keep(
        Event.START,
        **kept,
        classifier=models.classifier,
        detector=models.detector,
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
