"""Files and folders that are dropped on the upload page, as a file manager drops them."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Locator, Page


def drop(page: Page, *paths: Path) -> None:
    """Drop files or folders on the zone."""
    zone = page.locator("[data-drop-zone]")
    zone.scroll_into_view_if_needed()
    box = zone.bounding_box()
    assert box is not None
    place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + 20}
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    session = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, **place, "data": data})
    session.detach()


def line(page: Page, name: str) -> Locator:
    """The line of a file."""
    return page.locator(".upload-item").filter(has=page.get_by_text(name, exact=True))
