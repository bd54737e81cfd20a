"""Every setting of an installation, once: name, environment variable, default and meaning.

The variable of a field is its name in capitals after `LEUKOSCOPE_`, unless the field names another.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
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

ROOT = Path(__file__).resolve().parent
PREFIX = "LEUKOSCOPE_"
MEBIBYTE = 1024 * 1024
DATABASE = "leukoscope.sqlite3"
OWASP_MEMORY_KIB, OWASP_PASSES = 19_456, 2


class SettingsError(ValueError):
    """A setting has a value that cannot be used; the text is a sentence for the administrator."""


def _split(names: object) -> object:
    if isinstance(names, str):
        return tuple(name.strip() for name in names.split(",") if name.strip())
    return names


def _absolute(folder: Path) -> Path:
    return folder.expanduser().resolve()


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Folder = Annotated[Path, AfterValidator(_absolute)]


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
    # How many reverse proxies stand in front; their X-Forwarded-For and -Proto are believed.
    proxies: int = Field(default=0, ge=0, le=9)
    # Host names under which the server answers, with commas; empty: see `trusted_hosts`.
    hostnames: Names = ()
    # Lets the session cookie travel over plain http beyond this machine. For trials only.
    insecure_cookies: bool = False

    # What one installation keeps (database, images, secret key), and the trained networks.
    instance_dir: Folder = Field(default=ROOT / "instance", validation_alias=f"{PREFIX}INSTANCE")
    weights_dir: Folder = Field(default=ROOT / "weights", validation_alias=f"{PREFIX}WEIGHTS")
    # "auto" computes in bf16 where the processor does, which is twice as fast; "f32" never.
    precision: Literal["auto", "f32"] = "auto"

    # Who may use a new account: "approved" waits for an administrator, "open" does not.
    signup: Literal["approved", "open"] = "approved"
    # Who needs a second factor beside the password: "everybody", "required" of administrators and
    # reviewers, "optional" for everybody, or "auto": see `second_factor_policy`.
    second_factor: Literal["auto", "everybody", "required", "optional"] = "auto"
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
    # Analyses on one page of the history.
    page_size: int = Field(default=20, ge=1, le=200)
    # Where this installation's source can be had (AGPL, section 13), linked at the foot.
    source_url: str = ""

    @field_validator("precision", "signup", "second_factor", mode="before")
    @classmethod
    def _in_any_case(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @model_validator(mode="after")
    def _file_fits_into_request(self) -> Settings:
        if self.max_upload_mb > self.max_request_mb:
            raise ValueError(f"{PREFIX}MAX_REQUEST_MB must be at least {PREFIX}MAX_UPLOAD_MB.")
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
    def images_dir(self) -> Path:
        """Where uploaded images are kept."""
        return self.instance_dir / "images"

    @property
    def uploads_dir(self) -> Path:
        """Where uploaded fields are kept as they came, until they are read."""
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
            return ("Passwords and images are sent unprotected. Use this for trials only.",)
        return (
            "Nobody can sign in over plain http. Put an https proxy in front and set "
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
    def from_environment(cls) -> Settings:
        """Read the settings from variables; raises `SettingsError` naming each wrong one."""
        try:
            return cls()
        except ValidationError as error:
            wrong = error.errors(include_url=False)
            raise SettingsError(" ".join(_sentence(one) for one in wrong)) from None


def _sentence(error: ErrorDetails) -> str:
    if not error["loc"]:
        return str(error.get("ctx", {}).get("error", error["msg"]))
    name = str(error["loc"][0])
    rule = _rule(Settings.model_fields[name])
    return f"{PREFIX}{name.upper()} is “{error['input']}”, but it must be {rule}."


def _rule(field: FieldInfo) -> str:
    """Say which values a field takes."""
    if field.annotation is bool:
        return "1 or 0"
    bounds: dict[str, Any] = {type(one).__name__: one for one in field.metadata}
    if "Ge" in bounds:
        return f"a whole number from {bounds['Ge'].ge} to {bounds['Le'].le}"
    return "one of: " + ", ".join(get_args(field.annotation))
