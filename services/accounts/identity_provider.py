"""The hospital's identity provider: OpenID Connect, authorization code flow with PKCE.

OpenID Connect Core 1.0, section 3.1; RFC 7636; RFC 9700. Nothing is asked of the provider before
somebody signs in, so that it need not answer when the server starts.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from requests import RequestException

from records import utc_now
from services.accounts.identities import Asked, Identity, IdentityError, ProviderError
from settings import Settings

log = logging.getLogger(__name__)

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
"""Of signatures by a key that the provider alone has: neither `none` nor a shared secret."""

CLOCK_SECONDS = 30
"""How far the clocks of the provider and of this server may be apart."""

WITHIN = timedelta(minutes=10)
"""How long somebody may take at the provider."""

_KEPT = timedelta(hours=1)
# After a failure, so that few threads wait for a provider that is down.
_PAUSE = timedelta(seconds=10)
_TIMEOUT = (5, 10)  # seconds to connect, and to wait for an answer
_KINDS = {"RSA", "EC"}
_SUBJECT_LENGTH = 255
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class IdentityProvider:
    """The provider of one installation; `clock` returns the time (aware, UTC)."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime] = utc_now) -> None:
        self.issuer = settings.oidc_issuer
        self._client_id = settings.oidc_client_id
        self._secret = settings.oidc_client_secret.get_secret_value()
        self._groups_claim = settings.oidc_groups_claim
        self._clock = clock
        self._lock = threading.Lock()
        self._metadata: tuple[datetime, dict[str, Any]] | None = None
        self._failed_at: datetime | None = None
        self._keys: KeySet | None = None

    def ask(self, redirect_uri: str, anew: bool = False) -> tuple[str, Asked]:
        """Begin to ask who somebody is; raises `ProviderError`.

        Args:
            redirect_uri: where the answer comes.
            anew: whether the person must sign in again, whoever is signed in at the provider.

        Returns:
            Where to send the browser, and what was asked.
        """
        at = int(self._clock().timestamp())
        state, nonce, verifier = map(secrets.token_urlsafe, (32, 32, 48))
        asked = Asked(state, nonce, verifier, at, anew)
        options: dict[str, object] = {"prompt": "login", "max_age": 0} if anew else {}
        with self._session(redirect_uri) as session:
            address, _ = session.create_authorization_url(
                self._described()["authorization_endpoint"],
                state=asked.state,
                nonce=asked.nonce,
                code_verifier=asked.verifier,
                **options,
            )
        return address, asked

    def identify(self, asked: Asked, answer: Mapping[str, str], redirect_uri: str) -> Identity:
        """Say who signed in; raises `IdentityError` or `ProviderError`.

        Args:
            asked: what was asked of the provider from this browser.
            answer: the parameters with which the browser came back.
            redirect_uri: the one that was given with the question.
        """
        self._check_answer(asked, answer)
        tokens = self._redeem(asked, answer["code"], redirect_uri)
        claims = self._verify(tokens, asked)
        return self._identity(claims, tokens)

    def sign_out_url(self, back: str) -> str | None:
        """Return where the person signs out at the provider; None where it has no such place."""
        end = self._described().get("end_session_endpoint")
        if not isinstance(end, str) or not self._is_safe(end):
            return None
        query = {"client_id": self._client_id, "post_logout_redirect_uri": back}
        return f"{end}{'&' if urlsplit(end).query else '?'}{urlencode(query)}"

    def _check_answer(self, asked: Asked, answer: Mapping[str, str]) -> None:
        if not secrets.compare_digest(asked.state.encode(), answer.get("state", "").encode()):
            raise IdentityError("state")
        if self._clock().timestamp() - asked.at > WITHIN.total_seconds():
            raise IdentityError("too late")
        # RFC 9207: who sent the browser here, where the provider says so.
        if answer.get("iss", self.issuer) != self.issuer:
            raise IdentityError("issuer")
        if "error" in answer or not answer.get("code"):
            raise IdentityError("refused by the provider")

    def _redeem(self, asked: Asked, code: str, redirect_uri: str) -> dict[str, Any]:
        """Exchange the code for tokens: the provider takes each code once."""
        with self._session(redirect_uri) as session:
            try:
                tokens = session.fetch_token(
                    self._described()["token_endpoint"],
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=asked.verifier,
                )
            except (RequestException, ValueError) as error:
                raise _unreachable(error) from error
            except AuthlibBaseError as error:
                if error.error == "invalid_grant":
                    raise IdentityError("code") from error
                log.warning("The identity provider refused a code: %s", error.error)
                raise ProviderError("token endpoint") from error
        return dict(tokens)

    def _verify(self, tokens: Mapping[str, Any], asked: Asked) -> CodeIDToken:
        """Check the ID token (Core, 3.1.3.7)."""
        try:
            token = self._decoded(str(tokens.get("id_token", "")))
            claims = CodeIDToken(
                token.claims,
                token.header,
                {"iss": {"values": [self.issuer]}, "aud": {"values": [self._client_id]}},
                {
                    "nonce": asked.nonce,
                    "client_id": self._client_id,
                    "access_token": tokens.get("access_token"),
                },
            )
            claims.validate(int(self._clock().timestamp()), CLOCK_SECONDS)
        except (JoseError, AuthlibBaseError, ValueError, TypeError, KeyError) as error:
            log.warning("An ID token was refused: %s", error)
            raise IdentityError("ID token") from error
        if asked.anew:
            _check_freshness(claims, asked)
        return claims

    def _decoded(self, id_token: str) -> jwt.Token:
        try:
            return jwt.decode(id_token, self._key_set(), algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            # The provider may have changed its key since.
            return jwt.decode(id_token, self._key_set(anew=True), algorithms=ALGORITHMS)

    def _identity(self, claims: CodeIDToken, tokens: Mapping[str, Any]) -> Identity:
        subject = claims.get("sub")
        if not isinstance(subject, str) or not 0 < len(subject) <= _SUBJECT_LENGTH:
            raise IdentityError("subject")
        known = dict(claims)
        if self._groups_claim not in known:
            known = {**self._user_info(subject, tokens), **known}
        groups = known.get(self._groups_claim, ())
        listed = (groups,) if isinstance(groups, str) else groups
        texts = [known.get(name) for name in ("preferred_username", "email", "name")]
        return Identity(
            subject,
            tuple(group for group in listed if isinstance(group, str))
            if isinstance(listed, (list, tuple))
            else (),
            tuple(text for text in texts if isinstance(text, str)),
            known["name"] if isinstance(known.get("name"), str) else "",
        )

    def _user_info(self, subject: str, tokens: Mapping[str, Any]) -> dict[str, Any]:
        """Ask for claims that the ID token lacks (Core, 5.3); of the same person, or not at all."""
        endpoint = self._described().get("userinfo_endpoint")
        if not isinstance(endpoint, str) or not self._is_safe(endpoint):
            return {}
        bearer = {"Authorization": f"Bearer {tokens.get('access_token', '')}"}
        claims = self._get(endpoint, headers=bearer)
        if claims.get("sub") != subject:
            raise IdentityError("userinfo")
        return claims

    def _described(self) -> dict[str, Any]:
        """Return what the provider says of itself (Discovery 1.0), asked once an hour."""
        now = self._clock()
        with self._lock:
            if self._metadata and now - self._metadata[0] < _KEPT:
                return self._metadata[1]
            if self._failed_at and now - self._failed_at < _PAUSE:
                raise ProviderError("asked just now")
        try:
            described = self._describe()
        except ProviderError:
            with self._lock:
                self._failed_at = now
            raise
        with self._lock:
            self._metadata, self._failed_at = (now, described), None
        return described

    def _describe(self) -> dict[str, Any]:
        described = self._get(self.issuer.rstrip("/") + "/.well-known/openid-configuration")
        if described.get("issuer") != self.issuer:
            log.warning("The provider calls itself %r.", described.get("issuer"))
            raise ProviderError("issuer")
        for name in _ENDPOINTS:
            if not isinstance(described.get(name), str) or not self._is_safe(described[name]):
                raise ProviderError(name)
        return described

    def _key_set(self, anew: bool = False) -> KeySet:
        with self._lock:
            if self._keys and not anew:
                return self._keys
        listed = self._get(self._described()["jwks_uri"]).get("keys", [])
        # Secrets are no keys to check by, whatever the list says of them.
        fit = [key for key in listed if key.get("kty") in _KINDS and key.get("use") != "enc"]
        try:
            keys = KeySet.import_key_set({"keys": fit})
        except (JoseError, ValueError, KeyError) as error:
            raise ProviderError("keys") from error
        with self._lock:
            self._keys = keys
        return keys

    def _get(self, address: str, **options: Any) -> dict[str, Any]:  # noqa: ANN401  those of requests
        with self._session() as session:
            try:
                response = session.get(address, withhold_token=True, **options)
                response.raise_for_status()
                answer = response.json()
            except (RequestException, ValueError) as error:
                raise _unreachable(error) from error
        if not isinstance(answer, dict):
            raise ProviderError("answer")
        return answer

    def _session(self, redirect_uri: str | None = None) -> Any:  # noqa: ANN401  it has no types
        method = None
        if redirect_uri:
            known = self._described().get("token_endpoint_auth_methods_supported", [])
            post = "client_secret_post" in known and "client_secret_basic" not in known
            method = "client_secret_post" if post else "client_secret_basic"
        session: Any = OAuth2Session(
            self._client_id,
            self._secret,
            token_endpoint_auth_method=method,
            scope="openid profile email",
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            default_timeout=_TIMEOUT,
        )
        # Codes and secrets go to the addresses of the description alone.
        session.max_redirects = 0
        return session

    def _is_safe(self, address: str) -> bool:
        """Whether an endpoint is as well protected on its way as the issuer's address."""
        return urlsplit(address).scheme in {"https", urlsplit(self.issuer).scheme}


def _check_freshness(claims: CodeIDToken, asked: Asked) -> None:
    """Refuse a sign-in from before the question: the provider did not ask the person."""
    signed_in = claims.get("auth_time")
    if not isinstance(signed_in, (int, float)) or isinstance(signed_in, bool):
        raise IdentityError("no auth_time")
    if signed_in < asked.at - CLOCK_SECONDS:
        raise IdentityError("auth_time")


def _unreachable(error: Exception) -> ProviderError:
    log.warning("The identity provider does not answer: %s", error)
    return ProviderError(type(error).__name__)
