"""Image files in a bucket of a server with the S3 API, by the client obstore.

Imported only where such a store is set: the default installation starts without it.
"""

from __future__ import annotations

import errno
import io
import os
import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from records.storage.image_store import (
    NAME,
    ImageStore,
    MissingImageError,
    StoredImage,
    StoreError,
)
from records.storage.names import place_of
from records.storage.ranges import Ranges
from settings import Bucket, SettingsError, is_safe_url

if TYPE_CHECKING:
    from obstore.store import S3Config

CONNECT_SECONDS = 3
SILENT_SECONDS, REQUEST_SECONDS = 20, 60
"""Without a byte of an answer, and in all, for one request: a file, or a part of a large one."""

RETRIES, RETRY_SECONDS = 3, 10
"""Further attempts of a request that failed, and how long after the first another one begins."""

PART_BYTES, PARTS_AT_ONCE = 8 * 1024 * 1024, 4
"""Larger files go in parts of this size; so many of them are in memory."""

BLOCK = 1024 * 1024
"""Bytes that are fetched at the least when a file is read in any order."""

PAGE = 1000
"""Objects in one answer to a request for a list: the most that the S3 API gives."""

ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
ALLOW_HTTP = "AWS_ALLOW_HTTP"

UNSAFE = (
    "AWS_ENDPOINT_URL must be an https address: over plain http anybody between can read the "
    "images. For a network that is safe by itself, set AWS_ALLOW_HTTP=true."
)
UNKNOWN = "The image store {} cannot be set up. Check the variables that begin with AWS_."
REFUSED = "The image store {} refuses: {}."
SILENT = (
    "The image store {} does not answer. Check AWS_ENDPOINT_URL, and that the server runs and can "
    "be reached."
)
UNTRUSTED = (
    "The certificate of the image store {} is not trusted ({}). Set SSL_CERT_FILE to a file with "
    "the authority that issued it."
)
NO_BUCKET = "The image store {} has no such bucket. Create it, or correct LEUKOSCOPE_IMAGES_URL."
NO_CREDENTIALS = (
    "The image store {} needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: none are set, and no "
    "server that hands them out answers."
)

_CODE = re.compile(r"<Code>(\w{1,64})</Code>")
_STATUS = re.compile(r"status code: (\d{3})")
_CERTIFICATE = re.compile(r"InvalidCertificate\(\s*(\w+)")
_METADATA = re.compile(r"/latest/(?:api|meta-data)/")


class ObjectStore(ImageStore):
    """Keeps the images of one folder of an installation as objects below a prefix.

    The server checks by the signature of each request that what arrives is what was sent. The last
    who writes a name wins, and names are made once.
    """

    def __init__(self, client: S3Store, place: str, folder: str) -> None:
        """Set up.

        Args:
            client: of the bucket and the prefix of the installation; see `client_of`.
            place: what people call it, such as `s3://bucket/prefix`.
            folder: `images` or `uploads`.
        """
        self._client = client
        self._place = place
        self._folder = folder

    def put_named(self, name: str, content: IO[bytes]) -> None:
        """Keep a file under the name that another store made (`ImageStore`)."""
        key = self._key(name)
        with self._asked(name):
            obstore.put(
                self._client,
                key,
                content,
                chunk_size=PART_BYTES,
                max_concurrency=PARTS_AT_ONCE,
            )

    def read(self, name: str) -> bytes:
        """Return one image's bytes (`ImageStore`)."""
        key = self._key(name)
        with self._asked(name):
            return obstore.get(self._client, key).bytes().to_bytes()

    def open(self, name: str) -> IO[bytes]:
        """Open one file to be read in any order (`ImageStore`)."""
        key = self._key(name)
        try:
            with self._asked(name):
                size = obstore.head(self._client, key)["size"]
        except MissingImageError:
            # Only the answer to this request says whether the file is missing, or the bucket.
            return io.BytesIO(self.read(name))

        def fetch(start: int, length: int) -> bytes:
            with self._asked(name):
                got = obstore.get_range(self._client, key, start=start, length=length)
                return got.to_bytes()

        return io.BufferedReader(Ranges(fetch, size), BLOCK)

    def delete(self, name: str) -> None:
        """Remove one file (`ImageStore`)."""
        key = self._key(name)
        try:
            with self._asked(name):
                obstore.delete(self._client, key)
        except MissingImageError:
            return

    def names(self) -> set[str]:
        """Return the names of all images kept (`ImageStore`)."""
        return {each.name for each in self.files()}

    def files(self) -> Iterator[StoredImage]:
        """Yield every file that a store made (`ImageStore`)."""
        with self._asked(self._folder):
            for page in obstore.list(self._client, self._folder, chunk_size=PAGE):
                for each in page:
                    name = each["path"].rsplit("/", 1)[-1]
                    if NAME.fullmatch(name) and each["path"] == self._key(name):
                        yield StoredImage(name, each["last_modified"].timestamp())

    def place(self, name: str) -> str:
        """Say where a file is kept (`ImageStore`)."""
        return f"{self._place}/{self._folder}/{name[:2]}/{name}"

    def check(self) -> None:
        """Ask for a list that is empty; raises `StoreError` where the store cannot be used."""
        with self._asked(self._folder):
            for _ in obstore.list(self._client, self._folder, offset=f"{self._folder}/~"):
                return

    def check_whole(self) -> None:
        """Write, read and remove a file; raises `StoreError` where one of them is not allowed."""
        name = self.put(b"whether images can be kept here", "upload")
        self.read(name)
        self.delete(name)

    def _key(self, name: str) -> str:
        return place_of(name, NAME, Path(self._folder)).as_posix()

    @contextmanager
    def _asked(self, name: str) -> Generator[None]:
        """Ask the server something; raises `MissingImageError` or `StoreError`."""
        try:
            yield
        except FileNotFoundError as error:
            raise _missing(error, name, self._place) from None
        except BaseError as error:
            raise _told(error, self._place) from None


def client_of(bucket: Bucket) -> S3Store:
    """Make a client by the usual AWS_ variables; nothing is asked of the server yet.

    Raises:
        SettingsError: a variable has a value that cannot be used.
    """
    endpoint = next(filter(None, map(os.environ.get, ENDPOINTS)), "https://")
    allow_http = os.environ.get(ALLOW_HTTP, "").lower() in {"1", "true"}
    if endpoint != "https://" and not (allow_http or is_safe_url(endpoint)):
        raise SettingsError(UNSAFE)
    try:
        return S3Store(
            bucket.name,
            prefix=bucket.prefix or None,
            config=_encryption(bucket),
            client_options={
                "allow_http": endpoint.startswith("http:"),
                "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
                "read_timeout": timedelta(seconds=SILENT_SECONDS),
                "timeout": timedelta(seconds=REQUEST_SECONDS),
            },
            retry_config={
                "max_retries": RETRIES,
                "retry_timeout": timedelta(seconds=RETRY_SECONDS),
            },
        )
    except (BaseError, ValueError):
        # Their text may repeat a value.
        raise SettingsError(UNKNOWN.format(bucket)) from None


def _encryption(bucket: Bucket) -> S3Config:
    # One request for each file works with every server, the one for many does not.
    config: S3Config = {"disable_bulk_delete": True}
    if bucket.encryption:
        config["server_side_encryption"] = bucket.encryption
    if bucket.kms_key:
        config["sse_kms_key_id"] = bucket.kms_key
    return config


def _missing(error: FileNotFoundError, name: str, place: str) -> OSError:
    if _code(error) == "NoSuchBucket":
        return StoreError(NO_BUCKET.format(place))
    return MissingImageError(errno.ENOENT, os.strerror(errno.ENOENT), name)


def _told(error: BaseError, place: str) -> StoreError:
    """Say what is wrong, without the answer itself: it has the account and the signature."""
    text = str(error)
    if _METADATA.search(text):
        return StoreError(NO_CREDENTIALS.format(place))
    if certificate := _CERTIFICATE.search(text):
        return StoreError(UNTRUSTED.format(place, certificate[1]))
    code, status = _code(error), _STATUS.search(text)
    if code == "NoSuchBucket":
        return StoreError(NO_BUCKET.format(place))
    if code or status:
        return StoreError(REFUSED.format(place, code or f"HTTP {status and status[1]}"))
    return StoreError(SILENT.format(place))


def _code(error: Exception) -> str:
    """Return the word by which the S3 API names a fault."""
    found = _CODE.search(str(error))
    return found[1] if found else ""
