"""Every setting of an installation, once: name, environment variable, default and meaning.

The variable of a field is its name in capitals after `LEUKOSCOPE_`, unless the field names another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

from babel.dates import get_timezone
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

ROOT = Path(__file__).resolve().parent
PREFIX = "LEUKOSCOPE_"
MEBIBYTE = 1024 * 1024
DATABASE = "leukoscope.sqlite3"
QUEUES = "queues.sqlite3"
POSTGRESQL_URL = "a URL such as postgresql://USER:PASSWORD@HOST/NAME, with %40 for an @ in it"
ON_DISK = ("", "file:")
"""Addresses of the images in the instance folder."""
BUCKET_URL = (
    "“file:” for the instance folder, or a bucket such as s3://BUCKET/PREFIX, without account and "
    "password, which are in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
)
_BUCKET_URL = re.compile(
    r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])((?:/(?!\.+(?:/|$))[A-Za-z0-9._-]+)*)/?"
)
TRACES_URL = (
    "an http or https address such as http://collector:4318/v1/traces, without user, password and "
    "parameters"
)
_ENCRYPTION = {"none": "", "aes256": "AES256", "aws:kms": "aws:kms"}
_POSTGRESQL = ("postgresql", "postgres", "postgresql+psycopg")
ADMINISTRATOR = "administrator"
OIDC_ROLES = ("none", "viewer", "reader", "reviewer", ADMINISTRATOR)
"""What a group of the identity provider may give; an administrator's rights beside any role."""
OWASP_MEMORY_KIB, OWASP_PASSES = 19_456, 2
TOKEN_LENGTH = 24
_TOKEN = re.compile(rf"[A-Za-z0-9._~+/=-]{{{TOKEN_LENGTH},}}")


class SettingsError(ValueError):
    """A setting has a value that cannot be used; the text is a sentence for the administrator."""


def _split(names: object) -> object:
    if isinstance(names, str):
        return tuple(name.strip() for name in names.split(",") if name.strip())
    return names


def _absolute(path: Path) -> Path:
    return path.expanduser().resolve()


@dataclass(frozen=True)
class Bucket:
    """A bucket of a server with the S3 API, and the prefix of an installation in it.

    `encryption` is what the server is told with every file, empty for nothing.
    """

    name: str
    prefix: str = ""
    encryption: str = ""
    kms_key: str = ""

    def __str__(self) -> str:
        return f"s3://{self.name}/{self.prefix}".rstrip("/")


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
AbsolutePath = Annotated[Path, AfterValidator(_absolute)]


class Settings(BaseSettings):
    """The settings of one installation; sizes and times in the unit of their name."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", populate_by_name=True
    )

    # Where the server listens.
    host: str = "127.0.0.1"
    port: int = Field(default=5000, ge=1, le=65_535)
    # Requests worked on at the same time.
    threads: int = Field(default=8, ge=1, le=64)
    # Connections at the same time, in all and from one address (a clinic may have a single one).
    max_connections: int = Field(default=512, ge=16, le=10_000)
    max_connections_per_address: int = Field(default=128, ge=1, le=10_000)
    # Seconds in which the headers of a request must arrive; a body has more, by its size.
    request_seconds: int = Field(default=20, ge=1, le=3_600)
    # How many reverse proxies stand in front; their X-Forwarded-For, -Proto, -Host and -Prefix are
    # believed.
    proxies: int = Field(default=0, ge=0, le=9)
    # Host names under which the server answers, with commas; empty: see `trusted_hosts`.
    hostnames: Names = ()
    # Lets the session cookie travel over plain http beyond this machine. For trials only.
    insecure_cookies: bool = False

    # What one installation keeps (images, secret key, database), and the trained networks.
    instance_dir: AbsolutePath = Field(
        default=ROOT / "instance", validation_alias=f"{PREFIX}INSTANCE"
    )
    weights_dir: AbsolutePath = Field(default=ROOT / "weights", validation_alias=f"{PREFIX}WEIGHTS")
    # A PostgreSQL database, as postgresql://USER:PASSWORD@HOST/NAME with the parameters of libpq
    # after "?"; empty: SQLite in the instance folder.
    database_url: SecretStr = SecretStr("")
    # Where images are kept: "s3://BUCKET/PREFIX" on a server with the S3 API, whose address and
    # account are in the usual AWS_ variables; "file:" or empty: in the instance folder.
    images_url: str = ""
    # How that server encrypts them, and with "aws:kms" by which key (empty: the bucket's own).
    images_encryption: Literal["none", "aes256", "aws:kms"] = "none"
    images_kms_key: str = ""
    # A file with the keys that encrypt images before they are kept; none: they are kept as they
    # are. Made by: flask --app app images-key new FILE.
    images_key_file: AbsolutePath | None = None
    # "auto" computes in bf16 where the processor does, which is twice as fast; "f32" never.
    precision: Literal["auto", "f32"] = "auto"

    # Who may use a new account: "approved" waits for an administrator, "open" does not.
    signup: Literal["approved", "open"] = "approved"
    # Who needs a second factor beside the password: "everybody", "required" of administrators and
    # reviewers, "optional" for everybody, or "auto": see `second_factor_policy`.
    second_factor: Literal["auto", "everybody", "required", "optional"] = "auto"
    # Sign-on at the hospital's identity provider by OpenID Connect; empty: there is none. The
    # words after "Sign in with", by default the provider's host name.
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr = SecretStr("")
    oidc_name: str = Field(default="", max_length=64)
    # The claim with a person's groups, and what these give: GROUP=ROLE and GROUP=TEAM, with commas.
    oidc_groups_claim: str = "groups"
    oidc_roles: Names = ()
    oidc_teams: Names = ()
    # Who may sign in with a password of this program beside it.
    oidc_local: Literal["on", "administrators", "off"] = "on"
    # A session ends after so long without a request, and after so long in any case.
    idle_minutes: int = Field(default=30, ge=1, le=1_440)
    session_hours: int = Field(default=12, ge=1, le=168)
    # The cost of one Argon2id hash; the defaults are the least that OWASP recommends.
    password_memory_kib: int = Field(default=OWASP_MEMORY_KIB, ge=OWASP_MEMORY_KIB, le=4_194_304)
    password_passes: int = Field(default=OWASP_PASSES, ge=OWASP_PASSES, le=100)

    # The largest image file, the largest request (many files at once), the largest image.
    max_upload_mb: int = Field(default=64, ge=1, le=1_024)
    max_request_mb: int = Field(default=512, ge=1, le=8_192)
    max_megapixels: int = Field(default=120, ge=1, le=1_000)
    # The largest file of a whole slide, and the largest area of one that is read at once.
    max_slide_mb: int = Field(default=8_192, ge=16, le=262_144)
    max_area_megapixels: int = Field(default=50, ge=1, le=1_000)
    # Fields that may wait for one person, each with its file on the disk until it is read.
    max_waiting: int = Field(default=200, ge=1, le=10_000)
    # Reviewers who must sign a case before it is final: with 2 a second one agrees or adjudicates.
    readers: int = Field(default=1, ge=1, le=2)
    # Lets the second reviewer of cases opened from now on see nothing of the first's work until
    # both have signed. Needs 2 readers.
    blind: bool = False
    # White cells that a differential counts at the least, of blood, of blood in leukopenia, and of
    # bone marrow; who signs with fewer gives a reason.
    min_white_cells: int = Field(default=200, ge=1, le=10_000)
    min_white_cells_leukopenia: int = Field(default=100, ge=1, le=10_000)
    min_white_cells_marrow: int = Field(default=500, ge=1, le=10_000)
    # Lets webhooks be sent to machines of private networks, such as the clinic's own.
    webhook_private: bool = False
    # Analyses on one page of the history.
    page_size: int = Field(default=20, ge=1, le=200)
    # The time zone in which pages and reports write days and times, such as "Europe/Berlin".
    time_zone: str = "UTC"
    # "json" logs an object a line, with each request; "text" what goes wrong, in sentences.
    log_format: Literal["text", "json"] = "text"
    # What a monitoring system must send as bearer token to read /metrics; empty: nobody can.
    metrics_token: str = Field(default="", repr=False)
    # Where a collector of OpenTelemetry takes traces, as http://collector:4318/v1/traces; empty:
    # there are none.
    traces_url: str = ""
    # Where this installation's source can be had (AGPL, section 13), linked at the foot.
    source_url: str = ""

    @field_validator(
        "precision",
        "signup",
        "second_factor",
        "log_format",
        "oidc_local",
        "images_encryption",
        mode="before",
    )
    @classmethod
    def _in_any_case(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            get_timezone(name)
        except LookupError:
            raise ValueError(name) from None
        return name

    @field_validator("database_url")
    @classmethod
    def _of_postgresql(cls, url: SecretStr) -> SecretStr:
        if url.get_secret_value():
            postgresql_url(url.get_secret_value())
        return url

    @model_validator(mode="after")
    def _file_fits_into_request(self) -> Settings:
        if self.max_upload_mb > self.max_request_mb:
            raise ValueError(f"{PREFIX}MAX_REQUEST_MB must be at least {PREFIX}MAX_UPLOAD_MB.")
        return self

    @model_validator(mode="after")
    def _token_cannot_be_guessed(self) -> Settings:
        # Not a rule of the field: its sentence would repeat the token.
        if self.metrics_token and not _TOKEN.fullmatch(self.metrics_token):
            raise ValueError(
                f"{PREFIX}METRICS_TOKEN must have at least {TOKEN_LENGTH} characters, and none but "
                "letters, digits and -._~+/=."
            )
        return self

    @model_validator(mode="after")
    def _traces_have_a_place(self) -> Settings:
        # Not a rule of the field: its sentence would repeat what may have a password.
        if self.traces_url and not _is_plain_url(self.traces_url):
            raise ValueError(f"{PREFIX}TRACES_URL must be {TRACES_URL}.")
        return self

    @model_validator(mode="after")
    def _blind_needs_two(self) -> Settings:
        if self.blind and self.readers != 2:
            raise ValueError(f"{PREFIX}BLIND needs {PREFIX}READERS=2.")
        return self

    @model_validator(mode="after")
    def _images_have_a_place(self) -> Settings:
        # Not a rule of the field: its sentence would repeat what may have a password.
        if self.images_url not in ON_DISK:
            bucket_of(self.images_url, self.images_encryption, self.images_kms_key)
        elif self.images_encryption != "none" or self.images_kms_key:
            raise ValueError(
                f"{PREFIX}IMAGES_ENCRYPTION and {PREFIX}IMAGES_KMS_KEY are for a bucket, which "
                f"{PREFIX}IMAGES_URL names."
            )
        return self

    @model_validator(mode="after")
    def _oidc_is_whole(self) -> Settings:
        if reason := _wrong_with_oidc(self):
            raise ValueError(reason)
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read arguments and variables; one that is empty or spaces counts as unset."""
        if isinstance(env_settings, EnvSettingsSource):
            kept = {name: value.strip() for name, value in env_settings.env_vars.items() if value}
            env_settings.env_vars = {name: value for name, value in kept.items() if value}
        return init_settings, env_settings

    @property
    def max_upload_bytes(self) -> int:
        """The largest image file."""
        return self.max_upload_mb * MEBIBYTE

    @property
    def max_request_bytes(self) -> int:
        """The largest request."""
        return self.max_request_mb * MEBIBYTE

    @property
    def max_pixels(self) -> int:
        """The largest image."""
        return self.max_megapixels * 1_000_000

    @property
    def max_slide_bytes(self) -> int:
        """The largest file of a whole slide."""
        return self.max_slide_mb * MEBIBYTE

    @property
    def max_area_pixels(self) -> int:
        """The largest area of a slide: it is kept as an image, so no larger than one may be."""
        return 1_000_000 * min(self.max_area_megapixels, self.max_megapixels)

    @property
    def images_bucket(self) -> Bucket | None:
        """The bucket that has the images; None where the instance folder has them."""
        if self.images_url in ON_DISK:
            return None
        return bucket_of(self.images_url, self.images_encryption, self.images_kms_key)

    @property
    def images_dir(self) -> Path:
        """Where uploaded images are kept, unless a bucket has them."""
        return self.instance_dir / "images"

    @property
    def uploads_dir(self) -> Path:
        """Where uploaded fields are kept until they are read, unless a bucket has them."""
        return self.instance_dir / "uploads"

    @property
    def slides_dir(self) -> Path:
        """Where whole slides are kept, a folder for each."""
        return self.instance_dir / "slides"

    @property
    def thumbnails_dir(self) -> Path:
        """Where small pictures of cells are kept; they can be made again."""
        return self.instance_dir / "thumbnails"

    @property
    def database(self) -> URL:
        """The database of the installation."""
        if url := self.database_url.get_secret_value():
            return postgresql_url(url)
        return self.sqlite

    @property
    def sqlite(self) -> URL:
        """The database in the instance folder, where no other is set."""
        return URL.create("sqlite", database=str(self.instance_dir / DATABASE))

    @property
    def one_process(self) -> bool:
        """Whether a single process serves the installation and works for it."""
        return not self.database_url.get_secret_value()

    @property
    def queues_url(self) -> str:
        """The database of the queues of background tasks, as a SQLAlchemy URL with its password."""
        if self.one_process:
            return f"sqlite:///{self.instance_dir / QUEUES}"
        return self.database.render_as_string(hide_password=False)

    @property
    def local_only(self) -> bool:
        """Whether only this machine can reach the server: it listens on loopback, without proxy."""
        return self.host in {"127.0.0.1", "::1", "localhost"} and self.proxies == 0

    @property
    def secure_cookies(self) -> bool:
        """Whether cookies travel over https only."""
        return not (self.local_only or self.insecure_cookies)

    @property
    def identity_provider(self) -> str:
        """What people call the identity provider; empty where there is none."""
        return self.oidc_name or urlsplit(self.oidc_issuer).hostname or ""

    @property
    def second_factor_policy(self) -> str:
        """Who needs a second factor; "auto" requires it where other machines reach the server."""
        if self.second_factor == "auto":
            return "optional" if self.local_only else "required"
        return self.second_factor

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the administrator should know before anybody signs in, as sentences."""
        return (*self._warnings_of_network, *self._warnings_of_key)

    @property
    def _warnings_of_network(self) -> tuple[str, ...]:
        if self.local_only or self.proxies:
            return ()
        if self.insecure_cookies:
            return ("Passwords and images are sent unprotected. Use this for trials only.",)
        return (
            "Nobody can sign in over plain http. Put an https proxy in front and set "
            "LEUKOSCOPE_PROXIES=1.",
        )

    @property
    def _warnings_of_key(self) -> tuple[str, ...]:
        beside = self.images_key_file and self.images_key_file.is_relative_to(self.instance_dir)
        if beside and not self.images_bucket:
            return (
                "The key of the images is in the instance folder: whoever copies the folder can "
                "decrypt them. Move it elsewhere and set LEUKOSCOPE_IMAGES_KEY_FILE.",
            )
        return ()

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
    def from_environment(cls) -> Settings:
        """Read the settings from variables; raises `SettingsError` naming each wrong one."""
        try:
            return cls()
        except ValidationError as error:
            wrong = error.errors(include_url=False)
            raise SettingsError(" ".join(_sentence(one) for one in wrong)) from None


def postgresql_url(text: str) -> URL:
    """Parse the address of a PostgreSQL database; raises `ValueError`, which does not repeat it."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ValueError("no URL") from None
    # An unescaped "@" in a password makes the rest of it a part of the host.
    if url.drivername not in _POSTGRESQL or not url.database or "@" in (url.host or ""):
        raise ValueError("no database of PostgreSQL")
    return url.set(drivername="postgresql+psycopg")


def bucket_of(url: str, encryption: str = "none", kms_key: str = "") -> Bucket:
    """Parse the address of a bucket; raises `ValueError` with a sentence, which does not repeat it.

    Args:
        url: `s3://BUCKET` or `s3://BUCKET/PREFIX`.
        encryption: `none`, `aes256` or `aws:kms`.
        kms_key: the id of a key, with `aws:kms` alone.
    """
    found = _BUCKET_URL.fullmatch(url)
    if not found:
        raise ValueError(f"{PREFIX}IMAGES_URL must be {BUCKET_URL}.")
    if kms_key and encryption != "aws:kms":
        raise ValueError(f"{PREFIX}IMAGES_KMS_KEY needs {PREFIX}IMAGES_ENCRYPTION=aws:kms.")
    return Bucket(found[1], found[2].lstrip("/"), _ENCRYPTION[encryption], kms_key)


def pairs_of(names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Split each GROUP=VALUE at its last sign; raises `ValueError` naming one that is none."""
    pairs = [tuple(part.strip() for part in name.rpartition("=")) for name in names]
    for name, (group, sign, value) in zip(names, pairs, strict=True):
        if not (group and sign and value):
            raise ValueError(name)
    return tuple((group, value) for group, _, value in pairs)


def _wrong_with_oidc(settings: Settings) -> str | None:
    """Say what is wrong with the settings of the identity provider."""
    if not settings.oidc_issuer:
        lone = settings.oidc_local != "on"
        return f"{PREFIX}OIDC_LOCAL needs {PREFIX}OIDC_ISSUER." if lone else None
    if not is_safe_url(settings.oidc_issuer):
        return (
            f"{PREFIX}OIDC_ISSUER must be an https address as the provider states it, such as "
            "https://login.example.org/realms/hospital."
        )
    for name in ("client_id", "groups_claim", "roles"):
        if not getattr(settings, f"oidc_{name}"):
            return f"{PREFIX}OIDC_ISSUER needs {PREFIX}OIDC_{name.upper()}."
    if not settings.oidc_client_secret.get_secret_value():
        return f"{PREFIX}OIDC_ISSUER needs {PREFIX}OIDC_CLIENT_SECRET."
    return _wrong_with_groups(settings)


def _wrong_with_groups(settings: Settings) -> str | None:
    try:
        roles, _ = pairs_of(settings.oidc_roles), pairs_of(settings.oidc_teams)
    except ValueError as error:
        return (
            f"{PREFIX}OIDC_ROLES and {PREFIX}OIDC_TEAMS are lists of GROUP=ROLE and GROUP=TEAM "
            f"with commas, but “{error}” is neither."
        )
    unknown = [role for _, role in roles if role not in OIDC_ROLES]
    if unknown:
        known = ", ".join(OIDC_ROLES)
        return f"{PREFIX}OIDC_ROLES names the role “{unknown[0]}”. There are: {known}."
    if settings.oidc_local == "off" and ADMINISTRATOR not in {role for _, role in roles}:
        return f"{PREFIX}OIDC_LOCAL=off needs a group of administrators in {PREFIX}OIDC_ROLES."
    return None


def is_safe_url(address: str) -> bool:
    """Whether nobody between can read or change what is sent there; this machine may use http."""
    parts = urlsplit(address) if _is_plain_url(address) else None
    return parts is not None and (
        parts.scheme == "https" or parts.hostname in {"127.0.0.1", "::1", "localhost"}
    )


def _is_plain_url(address: str) -> bool:
    """Whether it is an http or https address with a host, and without user and parameters."""
    try:
        parts = urlsplit(address)
        whole = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return whole and not (parts.query or parts.fragment or parts.username or parts.password)


def place_of(url: URL) -> str:
    """Name a database for people: without user, password and parameters."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    host = f"[{url.host}]" if ":" in (url.host or "") else url.host or ""
    port = f":{url.port}" if url.port else ""
    return f"postgresql://{host}{port}/{url.database}"


def _sentence(error: ErrorDetails) -> str:
    if not error["loc"]:
        return str(error.get("ctx", {}).get("error", error["msg"]))
    name = str(error["loc"][0])
    rule = _rule(Settings.model_fields[name])
    if Settings.model_fields[name].annotation is SecretStr:
        # What was given may have a password.
        return f"{PREFIX}{name.upper()} must be {rule}."
    return f"{PREFIX}{name.upper()} is “{error['input']}”, but it must be {rule}."


def _rule(field: FieldInfo) -> str:
    """Say which values a field takes."""
    if field.annotation is bool:
        return "1 or 0"
    if field.annotation is SecretStr:
        return POSTGRESQL_URL
    if any(type(one).__name__ == "MaxLen" for one in field.metadata):
        return "a few words"
    if field.annotation is str:
        return "a time zone such as Europe/Berlin"
    bounds: dict[str, Any] = {type(one).__name__: one for one in field.metadata}
    if "Ge" in bounds:
        return f"a whole number from {bounds['Ge'].ge} to {bounds['Le'].le}"
    return "one of: " + ", ".join(get_args(field.annotation))
