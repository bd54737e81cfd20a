"""The server as the browser of a request knows it, for security keys."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import request

from services.accounts.security_keys import Site
from services.language import lazy_gettext

NEEDS_A_NAME = lazy_gettext(
    "Security keys need the server's host name over https, or localhost. They do not work with an "
    "IP address."
)


def present_site() -> Site | None:
    """Return the site of this request; None where browsers bind no key to it."""
    host = urlsplit(request.host_url).hostname or ""
    if _is_ip_address(host) or not (request.is_secure or host == "localhost"):
        return None
    return Site(host, f"{request.scheme}://{request.host.lower()}")


def _is_ip_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
