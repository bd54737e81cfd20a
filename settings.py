"""Every setting of an installation, once: name, environment variable, default and meaning."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent
MEBIBYTE = 1024 * 1024
DATABASE = "leukoscope.sqlite3"
OWASP_MEMORY_KIB, OWASP_PASSES = 19_456, 2


class SettingsError(ValueError):
    """A setting has a value that cannot be used; the text is a sentence for the administrator."""


def _text(value: str) -> str:
    return value.strip()


def _names(value: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in value.split(",") if name.strip())


def _yes_or_no(value: str) -> bool:
    answers = {"1": True, "yes": True, "true": True, "0": False, "no": False, "false": False}
    try:
        return answers[value.strip().lower()]
    except KeyError:
        raise SettingsError("must be 1 or 0") from None


def _folder(value: str) -> Path:
    return Path(value).expanduser().resolve()


def _one_of(*choices: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value.strip().lower() not in choices:
            raise SettingsError("must be one of: " + ", ".join(choices))
        return value.strip().lower()

    return parse


def _whole(low: int, high: int, unit: int = 1) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not value.strip().isdecimal() or not low <= int(value) <= high:
            raise SettingsError(f"must be a whole number from {low} to {high}")
        return int(value) * unit

    return parse


def _variable(name: str, parse: Callable[[str], Any]) -> dict[str, Any]:
    return {"variable": "LEUKOSCOPE_" + name, "parse": parse}


@dataclass(frozen=True)
class Settings:
    """The settings of one installation; sizes in bytes, times in the unit of their name."""

    # Where the server listens.
    host: str = field(default="127.0.0.1", metadata=_variable("HOST", _text))
    port: int = field(default=5000, metadata=_variable("PORT", _whole(1, 65_535)))
    # Requests worked on at the same time.
    threads: int = field(default=8, metadata=_variable("THREADS", _whole(1, 64)))
    # Connections at the same time, in all and from one address (a clinic may have a single one).
    max_connections: int = field(
        default=512, metadata=_variable("MAX_CONNECTIONS", _whole(16, 10_000))
    )
    max_connections_per_address: int = field(
        default=128, metadata=_variable("MAX_CONNECTIONS_PER_ADDRESS", _whole(1, 10_000))
    )
    # Seconds in which the headers of a request must arrive; a body has more, by its size.
    request_seconds: int = field(
        default=20, metadata=_variable("REQUEST_SECONDS", _whole(1, 3_600))
    )
    # How many reverse proxies stand in front; their X-Forwarded-For and -Proto are believed.
    proxies: int = field(default=0, metadata=_variable("PROXIES", _whole(0, 9)))
    # Host names under which the server answers, with commas; empty: see `trusted_hosts`.
    hostnames: tuple[str, ...] = field(default=(), metadata=_variable("HOSTNAMES", _names))
    # Lets the session cookie travel over plain http beyond this machine. For trials only.
    insecure_cookies: bool = field(
        default=False, metadata=_variable("INSECURE_COOKIES", _yes_or_no)
    )

    # What one installation keeps (database, images, secret key), and the trained networks.
    instance_dir: Path = field(default=ROOT / "instance", metadata=_variable("INSTANCE", _folder))
    weights_dir: Path = field(default=ROOT / "weights", metadata=_variable("WEIGHTS", _folder))
    # "auto" computes in bf16 where the processor does, which is twice as fast; "f32" never.
    precision: str = field(default="auto", metadata=_variable("PRECISION", _one_of("auto", "f32")))

    # Who may use a new account: "approved" waits for an administrator, "open" does not.
    signup: str = field(
        default="approved", metadata=_variable("SIGNUP", _one_of("approved", "open"))
    )
    # Who needs a second factor beside the password: "everybody", "required" of administrators and
    # reviewers, "optional" for everybody, or "auto": see `second_factor_policy`.
    second_factor: str = field(
        default="auto",
        metadata=_variable("SECOND_FACTOR", _one_of("auto", "everybody", "required", "optional")),
    )
    # A session ends after so long without a request, and after so long in any case.
    idle_minutes: int = field(default=30, metadata=_variable("IDLE_MINUTES", _whole(1, 1_440)))
    session_hours: int = field(default=12, metadata=_variable("SESSION_HOURS", _whole(1, 168)))
    # The cost of one Argon2id hash; the defaults are the least that OWASP recommends.
    password_memory_kib: int = field(
        default=OWASP_MEMORY_KIB,
        metadata=_variable("PASSWORD_MEMORY_KIB", _whole(OWASP_MEMORY_KIB, 4_194_304)),
    )
    password_passes: int = field(
        default=OWASP_PASSES, metadata=_variable("PASSWORD_PASSES", _whole(OWASP_PASSES, 100))
    )

    # The largest image file, the largest request (many files at once), the largest image.
    max_upload_bytes: int = field(
        default=64 * MEBIBYTE, metadata=_variable("MAX_UPLOAD_MB", _whole(1, 1_024, MEBIBYTE))
    )
    max_request_bytes: int = field(
        default=512 * MEBIBYTE, metadata=_variable("MAX_REQUEST_MB", _whole(1, 8_192, MEBIBYTE))
    )
    max_pixels: int = field(
        default=120_000_000, metadata=_variable("MAX_MEGAPIXELS", _whole(1, 1_000, 1_000_000))
    )
    # Fields that may wait for one person, each with its file on the disk until it is read.
    max_waiting: int = field(default=200, metadata=_variable("MAX_WAITING", _whole(1, 10_000)))
    # Reviewers who must sign a case before it is final: with 2 a second one agrees or adjudicates.
    readers: int = field(default=1, metadata=_variable("READERS", _whole(1, 2)))
    # Analyses on one page of the history.
    page_size: int = field(default=20, metadata=_variable("PAGE_SIZE", _whole(1, 200)))
    # Where this installation's source can be had (AGPL, section 13), linked at the foot.
    source_url: str = field(default="", metadata=_variable("SOURCE_URL", _text))

    @property
    def images_dir(self) -> Path:
        """Where uploaded images are kept."""
        return self.instance_dir / "images"

    @property
    def uploads_dir(self) -> Path:
        """Where uploaded fields are kept as they came, until they are read."""
        return self.instance_dir / "uploads"

    @property
    def thumbnails_dir(self) -> Path:
        """Where small pictures of cells are kept; they can be made again."""
        return self.instance_dir / "thumbnails"

    @property
    def database_url(self) -> str:
        """The SQLite database of the installation, as a SQLAlchemy URL."""
        return f"sqlite:///{self.instance_dir / DATABASE}"

    @property
    def local_only(self) -> bool:
        """Whether only this machine can reach the server: it listens on loopback, without proxy."""
        return self.host in {"127.0.0.1", "::1", "localhost"} and self.proxies == 0

    @property
    def secure_cookies(self) -> bool:
        """Whether cookies travel over https only."""
        return not (self.local_only or self.insecure_cookies)

    @property
    def second_factor_policy(self) -> str:
        """Who needs a second factor; "auto" requires it where other machines reach the server."""
        if self.second_factor == "auto":
            return "optional" if self.local_only else "required"
        return self.second_factor

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the administrator should know before anybody signs in, as sentences."""
        if self.local_only or self.proxies:
            return ()
        if self.insecure_cookies:
            return ("Passwords and images cross the network unprotected: for trials only.",)
        return (
            "Nobody can sign in over plain http: put a proxy that speaks https in front and set "
            "LEUKOSCOPE_PROXIES=1.",
        )

    @property
    def trusted_hosts(self) -> list[str] | None:
        """Host names a request may carry, or None for any (then the proxy must check them)."""
        if self.hostnames:
            return list(self.hostnames)
        return ["127.0.0.1", "localhost", "[::1]"] if self.local_only else None

    @property
    def address(self) -> str:
        """The address to open in a browser."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read the settings from variables; raises `SettingsError` naming the wrong one."""
        given = {}
        for setting in fields(cls):
            variable = setting.metadata["variable"]
            if environment.get(variable, "").strip():
                given[setting.name] = _parsed(setting.metadata["parse"], variable, environment)
        settings = cls(**given)
        if settings.max_upload_bytes > settings.max_request_bytes:
            raise SettingsError(
                "LEUKOSCOPE_MAX_REQUEST_MB must be at least LEUKOSCOPE_MAX_UPLOAD_MB."
            )
        return settings


def _parsed(parse: Callable[[str], Any], variable: str, environment: Mapping[str, str]) -> object:
    value = environment[variable]
    try:
        return parse(value)
    except SettingsError as error:
        raise SettingsError(f"{variable} is “{value}”, but it {error}.") from None
