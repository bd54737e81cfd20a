"""What model cards have in common."""

from __future__ import annotations

from training.metrics.estimates import PlainEstimates, format_tables, from_dict

CARD = "model_card.md"
NOT_MEASURED = "Not measured yet."


def metrics_tables(metrics: PlainEstimates) -> str:
    """Return all metrics of a manifest as Markdown tables."""
    return format_tables(from_dict(metrics)) or NOT_MEASURED
