"""OAuth 1.0a: signatures as RFC 5849 and X publish them, fresh on every attempt, and not of a JSON body."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import pytest
from activation.authentication.signatures import OAuth1Signer
from activation.errors import ConfigError
from activation.platforms.authentication import OAuth1
from activation.platforms.credentials import Credentials
from activation.platforms.request import Request, Stream

from tests.unit.authentication.world import Clock

# https://developer.x.com/en/docs/authentication/oauth-1-0a/creating-a-signature (read 2026-11-29)
X_KEYS = {
    "consumer_key": "xvz1evFS4wEEPTGEFPHBog",
    "consumer_secret": "kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw",
    "access_token": "370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb",
    "access_token_secret": "LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE",
}
X_FORM = b"status=Hello%20Ladies%20%2b%20Gentlemen%2c%20a%20signed%20OAuth%20request%21"
X_NONCE, X_TIME = "kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg", 1318622958
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}
USERS = "https://ads-api.x.com/12/accounts/abc/custom_audiences/xyz/users"


def signer(keys: Mapping[str, object] = X_KEYS, clock: Clock | None = None) -> OAuth1Signer:
    """Return a signer with X's published keys."""
    return OAuth1Signer(OAuth1(), Credentials(keys), clock or Clock())


def parameters(request: Request) -> dict[str, str]:
    """Return the parameters of a request's header."""
    header = request.headers["Authorization"]
    assert header.startswith("OAuth ")
    return {name: unquote(value) for name, value in re.findall(r'(\w+)="([^"]*)"', header)}


def signature(method: str, url: str, fields: Mapping[str, str], keys: tuple[str, str], form: bytes = b"") -> str:
    """Sign as RFC 5849, section 3.4, says, independently of any library."""
    own = [(name, value) for name, value in fields.items() if name not in ("realm", "oauth_signature")]
    pairs = own + parse_qsl(urlsplit(url).query) + parse_qsl(form.decode())
    encoded = sorted((quote(name, safe="~"), quote(value, safe="~")) for name, value in pairs)
    normalized = "&".join(f"{name}={value}" for name, value in encoded)
    base = "&".join(quote(one, safe="~") for one in (method, url.split("?", maxsplit=1)[0], normalized))
    key = "&".join(quote(one, safe="~") for one in keys)
    return base64.b64encode(hmac.new(key.encode(), base.encode(), hashlib.sha1).digest()).decode()


def test_the_tests_own_signature_is_that_of_the_rfc() -> None:
    """RFC 5849, section 1.2, the request for the photo."""
    fields = {
        "realm": "Photos",
        "oauth_consumer_key": "dpf43f3p2l4k3l03",
        "oauth_token": "nnch734d00sl2jdk",
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": "137131202",
        "oauth_nonce": "chapoH",
    }
    url = "http://photos.example.net/photos?file=vacation.jpg&size=original"
    keys = ("kd94hf93k423kf44", "pfkkdhi9sl3r4s00")
    assert signature("GET", url, fields, keys) == "MdpQcU8iPSUjWoN/UDMsK2sui9I="


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("api.twitter.com", "hCtSmYh+iHYCEqBWrE7C7hYmtUk="),
        ("api.x.com", "Ls93hJiZbQ3akF3HF3x1Bz8/zU4="),
    ],
)
def test_a_form_is_signed_as_in_xs_example(monkeypatch: pytest.MonkeyPatch, host: str, expected: str) -> None:
    """The page's nonce and timestamp give the page's signature, in its older and its newer form."""
    monkeypatch.setattr("oauthlib.oauth1.rfc5849.generate_nonce", lambda: X_NONCE)
    clock = Clock()
    clock.now = X_TIME
    url = f"https://{host}/1.1/statuses/update.json?include_entities=true"
    found = parameters(signer(clock=clock).sign(Request("post", "POST", url, FORM, X_FORM)))
    assert found == {
        "oauth_consumer_key": X_KEYS["consumer_key"],
        "oauth_nonce": X_NONCE,
        "oauth_signature": expected,
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": str(X_TIME),
        "oauth_token": X_KEYS["access_token"],
        "oauth_version": "1.0",
    }


@pytest.mark.parametrize(
    "request_",
    [
        Request("users", "POST", USERS, JSON, b'[{"operation_type":"Update"}]'),
        Request("users", "POST", USERS, JSON, b"a=b&c=d"),
        Request("users", "POST", USERS, {"content-type": "application/json; charset=utf-8"}, "é".encode()),
        Request("users", "POST", USERS, JSON, stream=Stream(3, lambda: iter([b"[", b"1", b"]"]))),
        Request("users", "POST", USERS, {}, b"\xff\x00"),
        Request("find", "GET", f"{USERS}?cursor=a%2Bb%20c&count=1000&q=%C3%A9~%2A"),
        Request("gone", "DELETE", f"{USERS}?id=1"),
    ],
    ids=["json", "json like a form", "charset", "stream", "no type", "query", "delete"],
)
def test_the_query_is_signed_and_no_body_but_a_form(request_: Request) -> None:
    """A JSON body goes out untouched, and neither it nor a hash of it is among what is signed."""
    signed = signer().sign(request_)
    found = parameters(signed)
    keys = (X_KEYS["consumer_secret"], X_KEYS["access_token_secret"])
    assert found["oauth_signature"] == signature(request_.method, request_.url, found, keys)
    assert "oauth_body_hash" not in found
    assert replace(signed, headers=request_.headers) == request_
    assert {name: value for name, value in signed.headers.items() if name != "Authorization"} == request_.headers


def test_a_form_with_a_charset_is_a_form(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the type's parameters say does not matter."""
    form = {"content-type": "application/x-www-form-urlencoded;charset=UTF-8"}
    found = parameters(signer().sign(Request("post", "POST", USERS, form, b"a=b+c&d=%25")))
    keys = (X_KEYS["consumer_secret"], X_KEYS["access_token_secret"])
    assert found["oauth_signature"] == signature("POST", USERS, found, keys, b"a=b+c&d=%25")


def test_each_attempt_has_a_nonce_and_a_timestamp_of_its_own() -> None:
    """A request that is sent again is signed again."""
    clock = Clock()
    one_signer = signer(clock=clock)
    request = Request("users", "POST", USERS, JSON, b"[]")
    first = parameters(one_signer.sign(request))
    clock.pass_s(61.5)
    second = parameters(one_signer.sign(request))
    assert int(second["oauth_timestamp"]) - int(first["oauth_timestamp"]) == 61
    assert first["oauth_nonce"] != second["oauth_nonce"]
    assert first["oauth_signature"] != second["oauth_signature"]


def test_there_is_nothing_to_renew() -> None:
    """X's tokens do not expire: a refused one is a person's to replace."""
    one_signer = signer()
    assert one_signer.renew() is False
    assert one_signer.in_use(one_signer.sign(Request("users", "POST", USERS, JSON, b"[]")))


@pytest.mark.parametrize("key", X_KEYS)
def test_a_missing_key_is_named(key: str) -> None:
    """All four are needed."""
    with pytest.raises(ConfigError, match=f"lacks {key}"):
        signer({name: value for name, value in X_KEYS.items() if name != key})
