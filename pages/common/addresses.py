"""Addresses as the browser knows them, also below a sub-path of a reverse proxy."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, request
from werkzeug.middleware.proxy_fix import ProxyFix

_PREFIX = re.compile(r"(?:/(?!\.\.?(?:/|$))[A-Za-z0-9._~-]+)+")
# A path on this server: browsers read // and /\ as another host, and skip control characters.
_LOCAL_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")

PROBES = {"/healthz", "/readyz", "/metrics"}
"""What load balancers and monitoring ask for, by the server's address; no answer has a link."""


class ProbesByAddress:
    """Lets requests for `PROBES` name no host that is known, but the address of the server.

    Args:
        wsgi_app: the application.
        host: one that it knows, which these requests are then to.
    """

    def __init__(self, wsgi_app: WSGIApplication, host: str) -> None:
        self._wsgi_app = wsgi_app
        self._host = host

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        if environ.get("PATH_INFO") in PROBES:
            environ["HTTP_HOST"] = self._host
        return self._wsgi_app(environ, start_response)


def init_app(app: Flask) -> None:
    """Let the templates name the page that was asked for."""
    app.jinja_env.globals.update(this_path=this_path)


def behind(wsgi_app: WSGIApplication, proxies: int) -> ProxyFix:
    """Believe `X-Forwarded-For`, `-Proto`, `-Host` and `-Prefix` of so many reverse proxies."""
    return ProxyFix(
        _with_plain_prefix(wsgi_app),
        x_for=proxies,
        x_proto=proxies,
        x_host=proxies,
        x_prefix=proxies,
    )


def this_path() -> str:
    """Return the path of this request, with the prefix under which a proxy serves it."""
    return f"{request.script_root}{request.path}"


def page_wanted() -> str | None:
    """Return the page that was asked for, or that whose form was sent, if it is of this site."""
    if request.method != "GET":
        return page_before()
    return f"{request.script_root}{request.full_path}".rstrip("?")


def page_before() -> str | None:
    """Return the page whose form or link led here, if it is of this site."""
    sent_from = urlsplit(request.referrer or "")
    if sent_from.netloc != request.host:
        return None
    query = f"?{sent_from.query}" if sent_from.query else ""
    return local_path(f"{sent_from.path}{query}")


def local_path(target: str | None) -> str | None:
    """Return the target of a redirect if it is a path of this program on this server."""
    if not target or not _LOCAL_PATH.fullmatch(target):
        return None
    return target if target.startswith(f"{request.script_root}/") else None


def _with_plain_prefix(wsgi_app: WSGIApplication) -> WSGIApplication:
    """Ignore a prefix that is no plain path: addresses that begin with it lead elsewhere."""

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        prefix = environ.get("SCRIPT_NAME", "").rstrip("/")
        environ["SCRIPT_NAME"] = prefix if _PREFIX.fullmatch(prefix) else ""
        return wsgi_app(environ, start_response)

    return application
