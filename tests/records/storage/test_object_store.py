"""A bucket of a real server, and servers that refuse, answer nonsense or nothing."""

import io
import os
import ssl
import threading
import time
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path

import obstore
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from records.faults import Fault, fault_of
from records.storage.image_store import StoreError
from records.storage.image_stores import in_bucket
from records.storage.object_store import BLOCK
from settings import Bucket, SettingsError
from tests.object_server import USER, ObjectServer

SECRET = "a-secret-that-nobody-may-read"
NAME = "0a" * 16 + ".png"


class Recorder(ThreadingHTTPServer):
    """A server that notes what it is asked and gives one answer to everything."""

    status, body = 200, b""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Noting)
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.answers = threading.Event()
        self.answers.set()


class Noting(BaseHTTPRequestHandler):
    server: Recorder

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.command, self.path, dict(self.headers)))
        self.server.answers.wait(30)
        self.send_response(self.server.status)
        self.send_header("ETag", '"0"')
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def do_GET(self) -> None:
        self.answer()

    def do_PUT(self) -> None:
        self.answer()

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    server = Recorder()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    yield server
    server.answers.set()
    server.shutdown()
    server.server_close()
    thread.join()


def refused(bucket: Bucket) -> StoreError:
    """What each use of a store says that refuses them all alike."""
    store, said = in_bucket(bucket), []
    for use in (
        lambda: store.images.put(b"pixels"),
        lambda: store.images.put_stream(io.BytesIO(bytes(9_000_000)), "upload"),
        lambda: store.images.read(NAME),
        lambda: store.images.delete(NAME),
        lambda: store.images.names(),
        store.check,
        store.check_whole,
    ):
        with pytest.raises(StoreError) as error:
            use()
        said.append(error.value)
        text = "".join(traceback.format_exception(error.value))
        assert SECRET not in text
        assert "Signature" not in text.replace("SignatureDoesNotMatch", "")
        assert "AWSAccessKeyId" not in text
    assert len({str(each) for each in said}) == 1
    return said[0]


@pytest.mark.object_store
def test_a_store_that_can_be_used_says_nothing_and_keeps_nothing(bucket: Bucket):
    stores = in_bucket(bucket)
    stores.check()
    stores.check_whole()
    assert stores.images.names() == stores.uploads.names() == set()


@pytest.mark.object_store
def test_a_file_is_fetched_in_large_pieces(bucket: Bucket, monkeypatch: pytest.MonkeyPatch):
    store, fetched = in_bucket(bucket).images, []
    name = store.put(bytes(3 * BLOCK))
    get_range = obstore.get_range

    def noted(*args: object, length: int, **options: object) -> obstore.Bytes:
        fetched.append(length)
        return get_range(*args, length=length, **options)

    monkeypatch.setattr(obstore, "get_range", noted)
    with store.open(name) as file:
        while file.read(BLOCK):
            pass
    assert fetched == [BLOCK] * 3
    with store.open(name) as file:
        assert len(file.read()) == 3 * BLOCK
    assert fetched[3:] == [3 * BLOCK]


@pytest.mark.object_store
def test_a_wrong_password_is_a_sentence(bucket: Bucket, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    error = refused(bucket)
    assert str(error) == f"The image store {bucket} refuses: SignatureDoesNotMatch."
    assert USER not in str(error)


@pytest.mark.object_store
def test_a_missing_bucket_is_no_missing_image(bucket: Bucket):
    missing = Bucket("no-such-bucket", "clinic")
    assert str(refused(missing)).startswith(
        "The image store s3://no-such-bucket/clinic has no such bucket."
    )
    with pytest.raises(StoreError, match="no such bucket"):
        in_bucket(missing).images.open(NAME)


@pytest.mark.object_store
def test_the_server_encrypts_what_it_is_told_to(bucket: Bucket, object_server: ObjectServer):
    content = b"a picture of a patient " + os.urandom(32)
    store = in_bucket(Bucket(bucket.name, encryption="AES256")).images
    name = store.put(content)
    assert store.read(name) == content
    large = content + bytes(10_000_000)
    assert store.read(store.put(large)) == large
    assert object_server.files_with(content[:23]) == []


@pytest.mark.object_store
def test_a_server_without_that_encryption_refuses(bucket: Bucket):
    """Swift knows no keys of a KMS, and must not keep the image as if it did."""
    asked = Bucket(bucket.name, encryption="aws:kms", kms_key="key-1")
    with pytest.raises(StoreError, match="refuses: NotImplemented"):
        in_bucket(asked).check_whole()
    assert in_bucket(bucket).images.names() == set()


@pytest.mark.parametrize(
    ("bucket", "wanted"),
    [
        (Bucket("images"), {}),
        (Bucket("images", encryption="AES256"), {"x-amz-server-side-encryption": "AES256"}),
        (
            Bucket("images", "clinic", "aws:kms", "arn:aws:kms:eu-central-1:1:key/2"),
            {
                "x-amz-server-side-encryption": "aws:kms",
                "x-amz-server-side-encryption-aws-kms-key-id": "arn:aws:kms:eu-central-1:1:key/2",
            },
        ),
    ],
)
def test_every_file_is_sent_with_the_encryption_that_is_set(
    recorder: Recorder, bucket: Bucket, wanted: dict[str, str]
):
    name = in_bucket(bucket).images.put(b"pixels")
    ((method, path, headers),) = recorder.asked
    sent = {key.lower(): value for key, value in headers.items()}
    prefix = "clinic/" if bucket.prefix else ""
    assert (method, path) == ("PUT", f"/images/{prefix}images/{name[:2]}/{name}")
    assert {key: sent[key] for key in sent if "encryption" in key} == wanted
    # The server compares what arrived with this hash.
    assert len(sent["x-amz-content-sha256"]) == 64


@pytest.mark.parametrize(
    ("status", "body", "sentence", "attempts"),
    [
        (503, b"<Error><Code>SlowDown</Code></Error>", "refuses: SlowDown.", 4),
        (502, b"<html>Bad gateway</html>", "refuses: HTTP 502.", 4),
        (403, b"<Error><Code>AccessDenied</Code></Error>", "refuses: AccessDenied.", 1),
    ],
)
def test_a_server_that_fails_is_asked_again_some_times(
    recorder: Recorder, tmp_path: Path, status: int, body: bytes, sentence: str, attempts: int
):
    recorder.status, recorder.body = status, body
    with pytest.raises(StoreError) as error:
        in_bucket(Bucket("images")).images.read(NAME)
    assert str(error.value) == f"The image store s3://images {sentence}"
    assert len(recorder.asked) == attempts
    assert fault_of(error.value, tmp_path) is Fault.NO_STORE


def test_a_server_that_does_not_answer_is_a_sentence(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    error = refused(Bucket("images"))
    assert str(error).startswith("The image store s3://images does not answer. Check AWS_ENDPOINT")


def test_a_server_that_takes_a_request_and_says_nothing_is_left(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("records.storage.object_store.SILENT_SECONDS", 1)
    monkeypatch.setattr("records.storage.object_store.RETRIES", 0)
    recorder.answers.clear()
    begun = time.monotonic()
    for use in (lambda store: store.read(NAME), lambda store: store.put(b"pixels")):
        with pytest.raises(StoreError, match="does not answer"):
            use(in_bucket(Bucket("images")).images)
    assert time.monotonic() - begun < 20


@pytest.fixture
def authority(recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The certificate of an authority of the clinic's own, which issued that of the server."""
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    issuer = _certificate("clinic", "clinic", keys[0], keys[0], x509.BasicConstraints(True, None))
    address = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
    issued = _certificate("store", "clinic", keys[1], keys[0], address)
    whole = tmp_path / "server.pem"
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    whole.write_bytes(issued.public_bytes(Encoding.PEM) + keys[1].private_bytes(*form))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(whole)
    recorder.socket = context.wrap_socket(recorder.socket, server_side=True)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"https://127.0.0.1:{recorder.server_port}")
    path = tmp_path / "authority.pem"
    path.write_bytes(issuer.public_bytes(Encoding.PEM))
    return path


def _certificate(
    subject: str,
    issuer: str,
    key: ec.EllipticCurvePrivateKey,
    signed_by: ec.EllipticCurvePrivateKey,
    extension: x509.ExtensionType,
) -> x509.Certificate:
    now = datetime.now(UTC)
    names = [
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each)]) for each in (subject, issuer)
    ]
    certificate = x509.CertificateBuilder(*reversed(names), key.public_key(), 1)
    certificate = certificate.not_valid_before(now - timedelta(days=1))
    certificate = certificate.not_valid_after(now + timedelta(days=1))
    return certificate.add_extension(extension, critical=False).sign(signed_by, hashes.SHA256())


def test_the_certificate_of_the_server_is_checked(
    recorder: Recorder, authority: Path, monkeypatch: pytest.MonkeyPatch
):
    with pytest.raises(StoreError, match=r"not trusted \(UnknownIssuer\). Set SSL_CERT_FILE"):
        in_bucket(Bucket("images")).images.put(b"pixels")
    assert recorder.asked == []
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    in_bucket(Bucket("images")).images.put(b"pixels")
    assert [method for method, _, _ in recorder.asked] == ["PUT"]


def test_without_an_account_the_sentence_names_the_variables(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(StoreError, match="needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
        in_bucket(Bucket("images")).images.read(NAME)


def test_images_do_not_travel_in_the_clear(recorder: Recorder, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://store.clinic.example:9000")
    with pytest.raises(SettingsError, match="must be an https address"):
        in_bucket(Bucket("images"))
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    in_bucket(Bucket("images"))


def test_a_variable_that_cannot_be_used_is_not_repeated(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AWS_CHECKSUM_ALGORITHM", SECRET)
    with pytest.raises(SettingsError, match="variables that begin with AWS_") as error:
        in_bucket(Bucket("images"))
    assert SECRET not in "".join(traceback.format_exception(error.value))
