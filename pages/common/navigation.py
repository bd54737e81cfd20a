"""The bar at the top of every page."""

from __future__ import annotations

NAVIGATION = (
    ("classification.new", "Classify"),
    ("detection.new", "Detect"),
    ("cases.index", "Cases"),
    ("history.index", "History"),
    ("model.index", "Models"),
    ("admin.people", "People"),
    ("audit.index", "Audit"),
)
"""What the bar offers to those who may use it, in order: endpoint and word."""
