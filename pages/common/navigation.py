"""The bar at the top of every page."""

from __future__ import annotations

from services.language import lazy_gettext

NAVIGATION = (
    ("cases.index", lazy_gettext("Cases")),
    ("classification.new", lazy_gettext("Classify")),
    ("detection.new", lazy_gettext("Detect")),
    ("history.index", lazy_gettext("History")),
    ("model.index", lazy_gettext("Models")),
    ("admin.people", lazy_gettext("People")),
    ("laboratory.show", lazy_gettext("Laboratory")),
    ("statistics.index", lazy_gettext("Statistics")),
    ("quality.show", lazy_gettext("Quality")),
    ("audit.index", lazy_gettext("Audit")),
)
"""What the bar offers to those who may use it, in order: endpoint and word."""
