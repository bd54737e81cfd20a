"""What a reverse proxy with a sub-path does to a request, without a proxy."""

from __future__ import annotations

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

PREFIX = "/leukoscope"
SITE = "https://localhost"


def below(prefix: str, application: WSGIApplication) -> WSGIApplication:
    """Serve an application below a sub-path over https, as the configured proxy does.

    Addresses without the sub-path are taken as well, as the helpers of the tests write them.
    """

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path.startswith(f"{prefix}/"):
            environ["PATH_INFO"] = path.removeprefix(prefix)
        environ["HTTP_X_FORWARDED_FOR"] = "192.0.2.7"
        environ["HTTP_X_FORWARDED_PROTO"] = "https"
        environ["HTTP_X_FORWARDED_HOST"] = "localhost"
        environ["HTTP_X_FORWARDED_PREFIX"] = prefix
        environ.setdefault("HTTP_REFERER", f"{SITE}{prefix}/")
        return application(environ, start_response)

    return serve
