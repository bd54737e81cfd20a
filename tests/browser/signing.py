"""What a person writes on the page of the sign-off."""

from __future__ import annotations

from playwright.sync_api import Page


def give_reasons(page: Page, reason: str = "No further field.") -> None:
    """Give every warning of the open page a reason."""
    for field in page.get_by_label("Reason:").all():
        field.fill(reason)
