"""The server as security keys know it."""

from __future__ import annotations

import pytest
from flask import Flask

from pages.common.site import present_site
from services.accounts.security_keys import Site


@pytest.mark.parametrize(
    ("address", "site"),
    [
        ("http://localhost", Site("localhost", "http://localhost")),
        ("http://localhost:5000", Site("localhost", "http://localhost:5000")),
        ("https://clinic.example", Site("clinic.example", "https://clinic.example")),
        ("https://Clinic.Example:443", Site("clinic.example", "https://clinic.example")),
        ("https://clinic.example:8443", Site("clinic.example", "https://clinic.example:8443")),
        ("http://clinic.example", None),
        ("http://127.0.0.1:5000", None),
        ("https://192.0.2.7", None),
        ("https://[2001:db8::1]", None),
    ],
)
def test_a_key_is_bound_to_a_name_over_https_or_to_localhost(
    app: Flask, address: str, site: Site | None
):
    app.config["TRUSTED_HOSTS"] = None
    with app.test_request_context(base_url=address):
        assert present_site() == site
