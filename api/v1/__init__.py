"""Version 1 of the API: one file a resource, all of them listed here."""

from __future__ import annotations

from flask import Flask


def register(app: Flask) -> None:
    """Add every resource, and what all of them share, to the application."""
    from api.v1 import (
        analyses,
        batches,
        cases,
        cells,
        description,
        dicomweb,
        models,
        reports,
        uploads,
    )
    from api.v1.common import authentication, bodies, document

    for shared in (document, authentication, bodies):
        shared.init_app(app)
    of_images = (description, models, uploads, dicomweb, analyses, batches)
    of_cases = (cases, cells, reports)
    blueprints = [resource.blueprint for resource in (*of_images, *of_cases)]
    for blueprint in blueprints:
        app.register_blueprint(blueprint)
        # What opens the API is in a header, which no foreign page can have a browser send.
        app.extensions["csrf"].exempt(blueprint)
    app.extensions["leukoscope_api"] = blueprints
