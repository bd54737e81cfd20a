"""Security headers of every response."""

from __future__ import annotations

from flask import Flask, Response, request
from werkzeug.wrappers import Response as AnyResponse

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "object-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        # blob: for previews of chosen files; data: for the arrows and ticks in Bootstrap's CSS.
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "font-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in ("camera", "display-capture", "geolocation", "microphone", "payment", "usb")
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Permissions-Policy": PERMISSIONS_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: over https the protection against forged forms compares the referrer.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
ONE_YEAR = 31_536_000


def init_app(app: Flask) -> None:
    """Add the headers to every answer, errors included."""
    app.after_request(_protect)


def clear_cache(response: AnyResponse) -> AnyResponse:
    """Let the browser drop what it keeps of a person whose session has ended.

    Not "storage": corrections that the server has not taken yet wait there for the same person.
    Not "cookies": that clears those of the whole registered domain, other programs' included, and
    the device cookie; the session behind the session's cookie is gone anyway.
    """
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


def _protect(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = f"max-age={ONE_YEAR}; includeSubDomains"
    if not (_is_static() or response.cache_control.private):
        response.headers["Cache-Control"] = "no-store"
    return response


def _is_static() -> bool:
    """Return whether the response is a file of the program, not personal data."""
    return request.endpoint is not None and request.endpoint.split(".")[-1] == "static"
