"""Sending a message to an address that a person named, and to no other machine than that."""

from __future__ import annotations

import logging
import re
import socket
import ssl
import time
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

from core.translatable import translatable

log = logging.getLogger(__name__)

SECONDS = 10
"""How long sending may take, from the search for the machine to the status of its answer."""

LONGEST_STATUS_LINE = 1_000

SCHEMES = {"http": 80, "https": 443}
"""Schemes that are used, with their ports."""

NOT_ALLOWED = translatable("Messages may not be sent to this address.")
NO_ANSWER = translatable("The address gave no answer that can be used.")

_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})[ \r\n]")

_COMPATIBLE = IPv6Network("::/96")
_NAT64 = IPv6Network("64:ff9b::/96")
"""Networks whose addresses end in one of IPv4 (RFC 4291, 2.5.5.1; RFC 6052)."""

_LOCAL = (IPv6Network("fec0::/10"), IPv6Network("64:ff9b:1::/48"))
"""Networks of one site that the library takes for public (RFC 3879, RFC 8215)."""


class SendError(Exception):
    """A message could not be sent; the text says so without a detail of any network."""


class _Pinned(HTTPConnection):
    """A connection to an address that was looked at; the name is not looked up once more."""

    def __init__(self, parts: SplitResult, address: str, end: float) -> None:
        super().__init__(parts.hostname or "", port_of(parts))
        self._address, self._encrypted, self._end = address, parts.scheme == "https", end

    def connect(self) -> None:
        """Connect to the address, and be sure of the name where the scheme promises it."""
        self.sock = socket.create_connection((self._address, self.port), _left(self._end))
        self.sock.settimeout(_left(self._end))
        if self._encrypted:
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(self.sock, server_hostname=self.host)
            self.sock.settimeout(_left(self._end))

    def status(self) -> int:
        """Return the status of the answer; nothing behind its first line is read."""
        line = b""
        # Each piece has what is left of the time, or one byte now and then held us for days.
        while b"\n" not in line and len(line) < LONGEST_STATUS_LINE:
            self.sock.settimeout(_left(self._end))
            piece = self.sock.recv(LONGEST_STATUS_LINE - len(line))
            if not piece:
                break
            line += piece
        found = _STATUS.match(line)
        if found is None:
            raise HTTPException("no status line")
        return int(found[1])


def is_usable(url: str) -> bool:
    """Return whether a text is an address that can be sent to: http or https, without password."""
    try:
        parts = urlsplit(url)
        named = bool(parts.hostname) and port_of(parts) > 0
    except ValueError:
        return False
    printable = url.isascii() and url.isprintable() and " " not in url
    return named and printable and parts.scheme in SCHEMES and "@" not in parts.netloc


def port_of(parts: SplitResult) -> int:
    """Return the port of an address."""
    return parts.port or SCHEMES.get(parts.scheme, 0)


def post(url: str, body: bytes, headers: dict[str, str], private: bool = False) -> int:
    """Send a message, and return the status of the answer; redirections are not followed.

    Args:
        url: where to; see `is_usable`.
        body: what to send.
        headers: of the request.
        private: whether machines of private networks may be sent to.

    Raises:
        SendError: there is no such machine, it may not be sent to, or it does not answer in time.
    """
    end = time.monotonic() + SECONDS
    try:
        parts = urlsplit(url)
        address = _address(parts, private)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        with closing(_Pinned(parts, address, end)) as connection:
            connection.request("POST", path, body, headers)
            return connection.status()
    except (OSError, HTTPException, ValueError) as error:
        # The person who named the address learns nothing of our network by it.
        log.info("A message of a webhook was not sent: %s", error)
        raise SendError(NO_ANSWER) from error


def _left(end: float) -> float:
    """Return how many seconds are left; raises `TimeoutError` where none are."""
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError("the time is up")
    return left


def _address(parts: SplitResult, private: bool) -> str:
    """Look the name up; raises `SendError` if any of its addresses may not be sent to."""
    found = socket.getaddrinfo(parts.hostname, port_of(parts), type=socket.SOCK_STREAM)
    addresses = [str(one[4][0]) for one in found]
    if not all(is_allowed(ip_address(one.partition("%")[0]), private) for one in addresses):
        raise SendError(NOT_ALLOWED)
    return addresses[0]


def is_allowed(address: IPv4Address | IPv6Address, private: bool = False) -> bool:
    """Return whether an address may be sent to.

    That is one machine of the internet or, where `private` ones are allowed, of a network; never
    this machine, nor one of the link, where clouds answer with their secrets.
    """
    address = _unwrapped(address)
    never = address.is_loopback or address.is_link_local or address.is_multicast
    if never or address.is_unspecified:
        return False
    return private or (address.is_global and not any(address in one for one in _LOCAL))


def _unwrapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the address of IPv4 to which one of IPv6 leads; any other as it is."""
    if isinstance(address, IPv4Address):
        return address
    within = address.ipv4_mapped or address.sixtofour
    if within is None and (address in _NAT64 or (address in _COMPATIBLE and int(address) > 1)):
        within = IPv4Address(int(address) & 0xFFFF_FFFF)
    return within or address
