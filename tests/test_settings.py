from collections.abc import Callable
from pathlib import Path

import pytest

from settings import Settings, SettingsError


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
    assert settings.database_url == f"sqlite:///{tmp_path}/leukoscope.sqlite3"
    assert settings.signup == "open"
    assert settings.max_upload_bytes == 3 * 1024 * 1024
    assert settings.max_pixels == 2_000_000
    assert settings.hostnames == ("a.example", "b.example")
    assert settings.insecure_cookies


@pytest.mark.parametrize("value", ["", " "])
def test_an_empty_variable_is_no_variable(read, value: str):
    assert read(LEUKOSCOPE_PORT=value).port == 5000


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("LEUKOSCOPE_PORT", "70000"),
        ("LEUKOSCOPE_PORT", "five"),
        ("LEUKOSCOPE_SIGNUP", "anybody"),
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


def test_the_address_brackets_ipv6():
    assert Settings(host="::1", port=80).address == "http://[::1]:80"
