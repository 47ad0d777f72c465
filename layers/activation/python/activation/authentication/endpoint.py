"""Requests to a token endpoint, and the classification of its answers."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

from activation.authentication.grant import Grant
from activation.authentication.tools import Tools
from activation.errors import ConfigError, Retryable
from activation.platforms.authentication import LongLivedToken, OAuth2Refresh
from activation.platforms.credentials import Credentials, one_word
from activation.platforms.http import AnswerLost, NotSent
from activation.platforms.request import Answer, Request
from activation.untrusted import json_object, mapping, number, whole

TIMEOUT_S = 10.0
LONGEST_WAIT_S = 3600.0
FORM = "application/x-www-form-urlencoded"
# https://www.rfc-editor.org/rfc/rfc6749#section-5.2 (read 2026-11-29), and two of OpenID Connect's
KNOWN_REFUSALS = frozenset(
    {
        "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type",
        "invalid_scope", "interaction_required", "consent_required",
    }
)  # fmt: skip
PASSING = frozenset({"temporarily_unavailable", "server_error", "slow_down"})
# Unknown error, service down, throttling: https://developers.facebook.com/docs/graph-api/guides/error-handling
# (read 2026-09-12)
META_PASSING = frozenset({1, 2, 4, 17, 341})


class TokenRefused(Exception):
    """The token endpoint refused the secret's token or client; `code` is its error's name, or the HTTP status."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def token_refused(code: str) -> ConfigError:
    """Return the error for a secret that the token endpoint refused; it says what to do."""
    if code in ("invalid_client", "unauthorized_client"):
        return ConfigError(
            "token_refused",
            f"the platform rejected the client id and secret in the connector's secret ({code});"
            " correct them and redrive",
        )
    return ConfigError(
        "token_refused",
        f"the platform rejected the refresh token in the connector's secret ({code}); authorise the app again,"
        " write the new refresh token and redrive",
    )


class TokenRequest(Request):
    """A request whose URL may carry secrets, so its repr leaves it out."""

    def __repr__(self) -> str:
        return f"TokenRequest({self.call!r})"


def token_url(url: str, endpoint: str) -> str:
    """Return the URL of the token endpoint: `url`, or its path at `endpoint` when the secret names one."""
    return f"{endpoint}{urlsplit(url).path}" if endpoint else url


def refresh(spec: OAuth2Refresh, credentials: Credentials, tools: Tools) -> Grant:
    """Exchange the secret's refresh token for an access token.

    Raises TokenRefused, Retryable when the endpoint gives no usable answer, and
    ConfigError when the secret lacks a key.
    """
    client_id = credentials.required(spec.client_id_key)
    client_secret = credentials.required(spec.client_secret_key)
    form = {
        "grant_type": "refresh_token",
        "refresh_token": credentials.required(spec.refresh_token_key),
        **spec.form,
    }
    headers = {"Content-Type": FORM, "Accept": "application/json", **spec.headers}
    if spec.client_in == "form":
        form |= {"client_id": client_id, "client_secret": client_secret}
    else:
        # Both are form-encoded before they are joined: https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1
        pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    request = TokenRequest(
        "token",
        "POST",
        token_url(spec.token_url, tools.endpoint),
        headers=headers,
        body=urlencode(form).encode(),
        repeatable=False,
    )
    return _ask(request, tools, spec.default_expires_s)


def exchange(spec: LongLivedToken, credentials: Credentials, tools: Tools) -> Grant:
    """Exchange the secret's token for one that lasts longer; raises as `refresh` does."""
    query = {
        "grant_type": "fb_exchange_token",
        "client_id": credentials.required(spec.app_id_key),
        "client_secret": credentials.required(spec.app_secret_key),
        **spec.query,
        "fb_exchange_token": credentials.required(spec.token.key),
    }
    url = f"{token_url(spec.renewal_url, tools.endpoint)}?{urlencode(query)}"
    request = TokenRequest("token", "GET", url, headers={"Accept": "application/json"})
    return _ask(request, tools, spec.default_expires_s)


def _ask(request: Request, tools: Tools, default_expires_s: float) -> Grant:
    asked_at = tools.clock()  # a token's lifetime counts from before the request
    answer: Answer | None = None
    try:
        answer = tools.http.send(request, timeout_s=TIMEOUT_S)
    except NotSent:
        problem = "the platform's token endpoint could not be reached"
    except AnswerLost:
        problem = "the platform's token endpoint did not answer in time"
    if answer is None:
        raise Retryable("token_endpoint", problem)  # outside the handler: the request must not be in a traceback
    said = json_object(answer.body)
    if said is None or not (200 <= answer.status < 300):
        raise _failure(answer, said)
    access_token, refresh_token = said.get("access_token"), said.get("refresh_token") or ""
    if not (_token(access_token) and access_token and _token(refresh_token)):
        raise Retryable("token_endpoint", "the platform's token endpoint answered without a usable token")
    expires_in_s = number(said.get("expires_in"))
    if expires_in_s is None or expires_in_s <= 0:
        expires_in_s = default_expires_s
    return Grant(str(access_token), asked_at + expires_in_s, str(refresh_token))


def token_digest(token: str) -> str:
    """Return a short digest that identifies a token without storing it."""
    return hashlib.sha256(token.encode()).hexdigest()[:16]


def _token(value: object) -> bool:
    return isinstance(value, str) and one_word(value)


def _failure(answer: Answer, said: Mapping[str, Any] | None) -> TokenRefused | Retryable:
    """Classify an answer without a token: only a JSON object with status 400, 401 or 403 is a refusal."""
    unreadable = Retryable(
        "token_endpoint",
        f"the platform's token endpoint answered HTTP {answer.status} without a token",
        after_s=_wait_s(answer),
    )
    if said is None or answer.status not in (400, 401, 403):
        return unreadable
    error = said.get("error")
    if isinstance(error, str):
        if error in PASSING:
            return unreadable
        return TokenRefused(error if error in KNOWN_REFUSALS else f"HTTP {answer.status}")
    about = mapping(error)  # Meta's envelope
    if about.get("is_transient") is True or whole(about.get("code")) in META_PASSING:
        return unreadable
    return TokenRefused(f"HTTP {answer.status}")


def _wait_s(answer: Answer) -> float:
    asked_s = number(answer.headers.get("retry-after"))
    return 30.0 if asked_s is None else min(max(asked_s, 1.0), LONGEST_WAIT_S)
