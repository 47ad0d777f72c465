"""What Meta's secret says, what is wrong with it by name, and where it goes in a request."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import parse_qs, urlsplit

import pytest
from activation.errors import ConfigError
from activation.platforms.request import Request

from lambdas.meta.platform import PLATFORM
from tests.platforms.conversation import answer, hold
from tests.platforms.meta_publisher import AUDIENCE, OPENED, account, digest, page, publisher, signed, upload
from tests.platforms.signing import account_of, signer_of


def test_missing_account_is_named() -> None:
    """A secret without the ad account stops with the key's name and no value."""
    with pytest.raises(ConfigError, match="ad_account_id") as caught:
        account_of(PLATFORM, {"access_token": "tok-123"})
    assert "tok-123" not in str(caught.value)


def test_missing_token_is_named() -> None:
    """A secret without the token stops with the key's name and no value."""
    with pytest.raises(ConfigError, match="access_token") as caught:
        signer_of(PLATFORM, {"ad_account_id": "55501", "app_secret": "sec-9"})
    assert "sec-9" not in str(caught.value)


@pytest.mark.parametrize("given", ["act_55501", "55501", 55501, " 55501\n"])
def test_account_with_or_without_prefix(given: object) -> None:
    """An ad account's id is taken with or without act_, as text or number."""
    assert account(ad_account_id=given).account_id == "55501"


@pytest.mark.parametrize(
    "wrong",
    [
        {"ad_account_id": "act_x"},
        {"ad_account_id": "act_"},
        {"endpoint": "http://graph.facebook.com"},
        {"endpoint": "https://user:pw@graph.facebook.com"},
        {"endpoint": "ftp://localhost"},
        {"endpoint": "https://[bad"},
    ],
)
def test_unusable_account_is_refused(wrong: dict[str, object]) -> None:
    """A value that could not be used as it is stops before anything is sent."""
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        account(**wrong)


@pytest.mark.parametrize("token", ["two\nlines", ["list"], "", None])
def test_unusable_token_is_refused(token: object) -> None:
    """A token that no header can carry stops before anything is sent."""
    with pytest.raises(ConfigError, match="access_token"):
        signed(Request("find", "GET", "https://graph.facebook.com/"), access_token=token)


def test_token_is_in_the_header_alone() -> None:
    """Neither the URL nor the body nor a repr carries the token or the app secret."""
    one = publisher()
    request = signed(one.encode(upload({"EMAIL": [digest("a")]}), AUDIENCE, OPENED), app_secret="sec-9")
    assert request.headers["Authorization"] == "Bearer tok-123"
    for text in (request.url, request.content.decode(), repr(request), repr(one)):
        assert "tok-123" not in text
        assert "sec-9" not in text


def test_proof_signs_every_call() -> None:
    """With an app secret each call carries the HMAC of the token under it, once, beside its own query."""
    one = publisher()
    proof = hmac.new(b"sec-9", b"tok-123", hashlib.sha256).hexdigest()
    members = one.encode(upload({"EMAIL": [digest("a")]}), AUDIENCE, OPENED)
    question = one.arrived(upload({"EMAIL": [digest("a")]}), AUDIENCE, OPENED)
    assert question is not None
    script = [page(), page(), answer({"id": "1"})]
    _, (find, every, create) = hold(one.open(AUDIENCE, ("EMAIL",)), one, script)
    for request in (find, every, create, members, question):
        asked = parse_qs(urlsplit(signed(request, app_secret="sec-9").url).query)
        assert asked == parse_qs(urlsplit(request.url).query) | {"appsecret_proof": [proof]}
        assert signed(request, app_secret="sec-9").content == request.content
        assert signed(request).url == request.url
