from pathlib import Path

import pytest

from settings import Settings, SettingsError


def test_nothing_in_the_environment_gives_the_defaults():
    assert Settings.from_environment({}) == Settings()


def test_variables_are_read_in_the_units_of_their_names(tmp_path: Path):
    settings = Settings.from_environment(
        {
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


def test_an_empty_variable_is_no_variable():
    assert Settings.from_environment({"LEUKOSCOPE_PORT": " "}).port == Settings().port


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
def test_a_wrong_value_is_refused_in_a_sentence_that_names_it(variable: str, value: str):
    with pytest.raises(SettingsError, match=f"{variable} is “{value}”, but it must be .+\\."):
        Settings.from_environment({variable: value})


def test_a_file_must_fit_into_a_request():
    with pytest.raises(SettingsError, match="LEUKOSCOPE_MAX_REQUEST_MB"):
        Settings.from_environment({"LEUKOSCOPE_MAX_REQUEST_MB": "10"})


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
