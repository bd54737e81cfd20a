"""Slides in the audit trail."""

from __future__ import annotations

from records.audit.audit import About
from records.slides.slides import Slide


def about_slide(slide: Slide) -> About:
    """Name a slide as the object of a row of the audit trail."""
    return About("slide", slide.id)
