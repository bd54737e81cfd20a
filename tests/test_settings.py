from collections.abc import Callable
from pathlib import Path

import pytest

from settings import Bucket, Settings, SettingsError, pairs_of, place_of


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Settings]:
    """The settings that these variables give."""

    def from_variables(**variables: str) -> Settings:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return Settings.from_environment()

    return from_variables


def test_without_variables_the_defaults_hold(read):
    settings = read()
    assert (settings.port, settings.signup, settings.readers) == (5000, "approved", 1)
    assert settings.max_upload_bytes == 64 * 1024 * 1024


def test_variables_are_read_in_the_units_of_their_names(read, tmp_path: Path):
    settings = read(
        **{
            "LEUKOSCOPE_PORT": "8080",
            "LEUKOSCOPE_INSTANCE": str(tmp_path),
            "LEUKOSCOPE_SIGNUP": "Open",
            "LEUKOSCOPE_MAX_UPLOAD_MB": "3",
            "LEUKOSCOPE_MAX_MEGAPIXELS": "2",
            "LEUKOSCOPE_HOSTNAMES": "a.example, b.example",
            "LEUKOSCOPE_INSECURE_COOKIES": "yes",
        }
    )

    assert settings.port == 8080
    assert settings.images_dir == tmp_path / "images"
    assert str(settings.database) == f"sqlite:///{tmp_path}/leukoscope.sqlite3"
    assert settings.signup == "open"
    assert settings.max_upload_bytes == 3 * 1024 * 1024
    assert settings.max_pixels == 2_000_000
    assert settings.hostnames == ("a.example", "b.example")
    assert settings.insecure_cookies


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ben:geheim@db.example:5433/leuko",
        "postgres://ben:geheim@db.example:5433/leuko",
        " postgresql://ben:geheim@db.example:5433/leuko?sslmode=require ",
    ],
)
def test_a_database_of_postgresql_is_named_without_its_password(read, url: str):
    settings = read(LEUKOSCOPE_DATABASE_URL=url)
    assert settings.database.drivername == "postgresql+psycopg"
    assert settings.database.password == "geheim"
    assert place_of(settings.database) == "postgresql://db.example:5433/leuko"
    for told in (repr(settings), str(settings), repr(settings.database), str(settings.database)):
        assert "geheim" not in told


@pytest.mark.parametrize(
    "url",
    [
        "mysql://ben:geheim@db.example/leuko",
        "sqlite:///geheim",
        "postgresql+asyncpg://ben:geheim@db.example/leuko",
        "postgresql://ben:geheim@db.example",
        "postgresql://ben:ge@heim@db.example/leuko",
        "postgresql://ben:geheim@db.example:port/leuko",
        "geheim",
    ],
)
def test_another_address_is_refused_and_not_repeated(read, url: str):
    with pytest.raises(SettingsError) as caught:
        read(LEUKOSCOPE_DATABASE_URL=url)
    assert str(caught.value) == (
        "LEUKOSCOPE_DATABASE_URL must be a URL such as postgresql://USER:PASSWORD@HOST/NAME, with "
        "%40 for an @ in it."
    )


@pytest.mark.parametrize("url", [None, "", "file:"])
def test_images_are_in_the_instance_unless_a_bucket_is_named(read, url: str | None):
    assert read(**({} if url is None else {"LEUKOSCOPE_IMAGES_URL": url})).images_bucket is None


@pytest.mark.parametrize(
    ("variables", "bucket", "text"),
    [
        ({"URL": "s3://images"}, Bucket("images"), "s3://images"),
        ({"URL": "s3://images/"}, Bucket("images"), "s3://images"),
        (
            {"URL": " s3://my.images-1/Clinic_2/a.b/ ", "ENCRYPTION": "AES256"},
            Bucket("my.images-1", "Clinic_2/a.b", "AES256"),
            "s3://my.images-1/Clinic_2/a.b",
        ),
        (
            {"URL": "s3://images", "ENCRYPTION": "aws:kms", "KMS_KEY": "alias/images"},
            Bucket("images", "", "aws:kms", "alias/images"),
            "s3://images",
        ),
    ],
)
def test_a_bucket_is_read_with_its_prefix_and_encryption(
    read, variables: dict[str, str], bucket: Bucket, text: str
):
    settings = read(**{f"LEUKOSCOPE_IMAGES_{name}": value for name, value in variables.items()})
    assert settings.images_bucket == bucket
    assert str(settings.images_bucket) == text


@pytest.mark.parametrize(
    "url",
    [
        "s3://",
        "s3://Upper",
        "s3://ab",
        "s3://images//a",
        "s3://images/../other",
        "s3://images/a b",
        "s3://somebody:geheim@images",
        "s3://images?secret=geheim",
        "https://geheim.example/images",
        "file:///geheim",
        "geheim",
    ],
)
def test_another_address_of_images_is_refused_and_not_repeated(read, url: str):
    with pytest.raises(SettingsError) as caught:
        read(LEUKOSCOPE_IMAGES_URL=url)
    assert str(caught.value) == (
        "LEUKOSCOPE_IMAGES_URL must be “file:” for the instance folder, or a bucket such as "
        "s3://BUCKET/PREFIX, without account and password, which are in AWS_ACCESS_KEY_ID and "
        "AWS_SECRET_ACCESS_KEY."
    )


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"ENCRYPTION": "rot13"}, "must be one of: none, aes256, aws:kms"),
        ({"ENCRYPTION": "aes256"}, "are for a bucket, which LEUKOSCOPE_IMAGES_URL names"),
        ({"KMS_KEY": "k"}, "are for a bucket, which LEUKOSCOPE_IMAGES_URL names"),
        ({"URL": "s3://images", "KMS_KEY": "k"}, "needs LEUKOSCOPE_IMAGES_ENCRYPTION=aws:kms"),
    ],
)
def test_an_encryption_that_cannot_be_is_refused(read, variables: dict[str, str], sentence: str):
    with pytest.raises(SettingsError, match=sentence):
        read(**{f"LEUKOSCOPE_IMAGES_{name}": value for name, value in variables.items()})


@pytest.mark.parametrize(
    "url", ["http://collector:4318/v1/traces", " https://traces.clinic.example/leukoscope "]
)
def test_a_collector_is_an_address(read, url: str):
    assert read(LEUKOSCOPE_TRACES_URL=url).traces_url == url.strip()


@pytest.mark.parametrize(
    "url",
    [
        "geheim:4318",
        "grpc://geheim:4317",
        "http://",
        "http://ben:geheim@collector:4318/v1/traces",
        "https://:geheim@collector/v1/traces",
        "https://collector/v1/traces?key=geheim",
        "https://collector/v1/traces#geheim",
        "http://geheim:port/v1/traces",
        "http://[geheim/v1/traces",
    ],
)
def test_another_address_of_a_collector_is_refused_and_not_repeated(read, url: str):
    with pytest.raises(SettingsError) as caught:
        read(LEUKOSCOPE_TRACES_URL=url)
    assert str(caught.value) == (
        "LEUKOSCOPE_TRACES_URL must be an http or https address such as "
        "http://collector:4318/v1/traces, without user, password and parameters."
    )


@pytest.mark.parametrize("value", ["", " "])
def test_an_empty_variable_is_no_variable(read, value: str):
    assert read(LEUKOSCOPE_PORT=value).port == 5000


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("LEUKOSCOPE_PORT", "70000"),
        ("LEUKOSCOPE_PORT", "five"),
        ("LEUKOSCOPE_SIGNUP", "anybody"),
        ("LEUKOSCOPE_TIME_ZONE", "Berlin"),
        ("LEUKOSCOPE_INSECURE_COOKIES", "perhaps"),
        ("LEUKOSCOPE_IDLE_MINUTES", "0"),
        ("LEUKOSCOPE_PASSWORD_MEMORY_KIB", "1024"),
    ],
)
def test_a_wrong_value_is_refused_in_a_sentence_that_names_it(read, variable: str, value: str):
    with pytest.raises(SettingsError, match=f"{variable} is “{value}”, but it must be .+\\."):
        read(**{variable: value})


def test_each_of_several_wrong_values_is_named(read):
    with pytest.raises(SettingsError) as caught:
        read(LEUKOSCOPE_PORT="five", LEUKOSCOPE_SIGNUP="anybody")
    assert str(caught.value) == (
        "LEUKOSCOPE_PORT is “five”, but it must be a whole number from 1 to 65535. "
        "LEUKOSCOPE_SIGNUP is “anybody”, but it must be one of: approved, open."
    )


def test_a_file_must_fit_into_a_request(read):
    with pytest.raises(SettingsError, match="LEUKOSCOPE_MAX_REQUEST_MB"):
        read(LEUKOSCOPE_MAX_REQUEST_MB="10")


@pytest.mark.parametrize(
    ("settings", "secure"),
    [
        (Settings(), False),
        (Settings(host="::1"), False),
        (Settings(host="0.0.0.0"), True),
        (Settings(proxies=1), True),
        (Settings(host="0.0.0.0", insecure_cookies=True), False),
    ],
)
def test_cookies_are_secure_off_this_machine(settings: Settings, secure: bool):
    assert settings.secure_cookies is secure


@pytest.mark.parametrize(
    ("settings", "policy"),
    [
        (Settings(), "optional"),
        (Settings(host="::1"), "optional"),
        (Settings(host="0.0.0.0"), "required"),
        (Settings(proxies=1), "required"),
        (Settings(second_factor="everybody"), "everybody"),
        (Settings(host="0.0.0.0", second_factor="optional"), "optional"),
    ],
)
def test_a_code_is_required_where_others_reach_the_server(settings: Settings, policy: str):
    assert settings.second_factor_policy == policy


def test_host_names_are_those_of_this_machine_unless_told():
    assert "localhost" in Settings().trusted_hosts
    assert Settings(host="0.0.0.0").trusted_hosts is None
    assert Settings(hostnames=("leuko.example",)).trusted_hosts == ["leuko.example"]


@pytest.mark.parametrize(
    ("settings", "warning"),
    [
        (Settings(), ""),
        (Settings(host="0.0.0.0", proxies=1), ""),
        (Settings(host="0.0.0.0"), "LEUKOSCOPE_PROXIES=1"),
        (Settings(host="0.0.0.0", insecure_cookies=True), "unprotected"),
    ],
)
def test_serving_a_network_without_https_is_warned_of(settings: Settings, warning: str):
    assert warning in " ".join(settings.warnings)
    assert bool(settings.warnings) is bool(warning)


def test_a_key_beside_the_images_that_it_encrypts_is_warned_of(tmp_path: Path):
    inside = Settings(instance_dir=tmp_path, images_key_file=tmp_path / "keys")
    assert "whoever copies the folder can decrypt them" in " ".join(inside.warnings)
    bucket = inside.model_copy(update={"images_url": "s3://images"})
    outside = inside.model_copy(update={"images_key_file": tmp_path.parent / "keys"})
    assert bucket.warnings == outside.warnings == ()


def test_the_address_brackets_ipv6():
    assert Settings(host="::1", port=80).address == "http://[::1]:80"


@pytest.mark.parametrize("token", ["short", "a" * 23, "with a space and enough letters", "é" * 30])
def test_a_token_that_could_be_guessed_is_refused_and_not_repeated(read, token: str):
    with pytest.raises(SettingsError, match="LEUKOSCOPE_METRICS_TOKEN must have") as refused:
        read(LEUKOSCOPE_METRICS_TOKEN=token)

    assert token not in str(refused.value)


def test_a_token_is_in_no_text_of_the_settings(read):
    token = "b4c1f0d2e3a59687b4c1f0d2"
    assert token not in repr(read(LEUKOSCOPE_METRICS_TOKEN=token))


WHOLE = {
    "ISSUER": "https://login.clinic.example/realms/clinic",
    "CLIENT_ID": "leukoscope",
    "CLIENT_SECRET": "a secret",
    "ROLES": "haematology=reviewer, it = administrator",
}


def test_an_identity_provider_is_read_with_what_its_groups_give(read):
    settings = read(**{f"LEUKOSCOPE_OIDC_{name}": value for name, value in WHOLE.items()})

    assert pairs_of(settings.oidc_roles) == (("haematology", "reviewer"), ("it", "administrator"))
    assert settings.identity_provider == "login.clinic.example"
    assert "a secret" not in repr(settings)
    assert read(LEUKOSCOPE_OIDC_NAME="Clinic").identity_provider == "Clinic"
    assert Settings.model_construct().identity_provider == ""


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"ISSUER": "http://login.clinic.example"}, "OIDC_ISSUER must be an https address"),
        ({"ISSUER": "https://login.clinic.example/?a=b"}, "OIDC_ISSUER must be an https address"),
        ({"ISSUER": "login.clinic.example"}, "OIDC_ISSUER must be an https address"),
        ({"ISSUER": "https://[login"}, "OIDC_ISSUER must be an https address"),
        ({"ISSUER": "", "LOCAL": "off"}, "OIDC_LOCAL needs LEUKOSCOPE_OIDC_ISSUER"),
        ({"CLIENT_ID": ""}, "OIDC_ISSUER needs LEUKOSCOPE_OIDC_CLIENT_ID"),
        ({"CLIENT_SECRET": ""}, "OIDC_ISSUER needs LEUKOSCOPE_OIDC_CLIENT_SECRET"),
        ({"ROLES": ""}, "OIDC_ISSUER needs LEUKOSCOPE_OIDC_ROLES"),
        ({"ROLES": "haematology"}, "“haematology” is neither"),
        ({"TEAMS": "=Ward 7"}, "“=Ward 7” is neither"),
        ({"ROLES": "haematology=boss"}, "names the role “boss”"),
        ({"ROLES": "a=reader", "LOCAL": "off"}, "OIDC_LOCAL=off needs a group of administrators"),
        ({"LOCAL": "never"}, "OIDC_LOCAL is “never”"),
        ({"NAME": "x" * 65}, "must be a few words"),
    ],
)
def test_a_wrong_identity_provider_is_refused_in_a_sentence(read, changed: dict, sentence: str):
    with pytest.raises(SettingsError) as error:
        read(**{f"LEUKOSCOPE_OIDC_{name}": value for name, value in {**WHOLE, **changed}.items()})

    assert sentence in str(error.value)
    assert "a secret" not in str(error.value)
