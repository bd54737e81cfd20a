"""The production server: its limits on slow and many connections, and its memory."""

from __future__ import annotations

import gc
import time
from collections.abc import Mapping
from typing import Any

import waitress.server
from waitress.channel import HTTPChannel

from settings import Settings

SLOWEST = 8 * 1024
"""Bytes a second that a body must bring on average, beyond the time that headers have."""

SILENT_SECONDS = 60
"""How long a connection may say nothing, or read nothing of its answer."""

CLEANUP_SECONDS = 5
_SENTENCE = b"The server is busy. Try again in a few seconds.\n"
BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\n"
    b"Content-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s" % (len(_SENTENCE), _SENTENCE)
)


def limits_of(settings: Settings) -> Mapping[str, Any]:
    """Return the limits that Waitress itself keeps, as its arguments."""
    return {
        "connection_limit": settings.max_connections,
        "channel_timeout": SILENT_SECONDS,
        "cleanup_interval": CLEANUP_SECONDS,
        # select() takes no more than 1,024 open files.
        "asyncore_use_poll": True,
    }


def bound(server: Any, settings: Settings) -> None:  # noqa: ANN401  one of two unrelated classes
    """Bound how long a request may take to arrive, and the connections of one address.

    Behind a proxy all connections are the proxy's, which then bounds those of an address.
    """
    behind_proxy = settings.proxies > 0
    channel_class = type(
        "BoundedChannel",
        (_Channel,),
        {
            "request_seconds": settings.request_seconds,
            "per_address": None if behind_proxy else settings.max_connections_per_address,
        },
    )
    # One socket, or several of a name with more than one address.
    sockets = getattr(server, "_map", None) or server.map
    for each in sockets.values():
        if isinstance(each, waitress.server.BaseWSGIServer):
            each.channel_class = channel_class


def settle() -> None:
    """Leave all that is there when serving begins out of every later search for garbage.

    It stays until the end, and a search through it would hold up every few requests of long pages.
    """
    gc.collect()
    gc.freeze()


class _Channel(HTTPChannel):
    """One connection, which ends when its request does not arrive in time."""

    request_seconds: float
    per_address: int | None
    _began: float | None = None

    def __init__(self, server: Any, sock: Any, addr: Any, adj: Any, map: Any = None) -> None:  # noqa: ANN401
        super().__init__(server, sock, addr, adj, map=map)
        if self.per_address is not None and self._others() >= self.per_address:
            self._refuse()

    def readable(self) -> bool:
        """Whether to read on; asked of every connection at least once a second."""
        if self._overdue(time.time()):
            self.will_close = True
        return super().readable()

    def received(self, data: bytes) -> bool:
        """Take what came, and note when its request began."""
        if self._began is None:
            self._began = time.time()
        taken = super().received(data)
        if self.request is None:
            self._began = None
        return taken

    def _overdue(self, now: float) -> bool:
        if self.total_outbufs_len:
            # A thread may wait until the answer is read.
            return now - self.last_activity > SILENT_SECONDS
        request, began = self.request, self._began
        if request is None or began is None:
            return False
        return now - began > self.request_seconds + request.body_bytes_received / SLOWEST

    def _others(self) -> int:
        return sum(
            isinstance(each, _Channel)
            and each is not self
            and each.addr[0] == self.addr[0]
            and not (each.will_close or each.close_when_flushed)
            for each in list(self._map.values())  # pyright: ignore[reportAttributeAccessIssue]
        )

    def _refuse(self) -> None:
        self.outbufs[-1].append(BUSY)
        self.total_outbufs_len += len(BUSY)
        self.close_when_flushed = True
