"""Fixed tokens, their proof, and HMACs of bodies."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from activation.authentication.tools import Signer
from activation.errors import ConfigError
from activation.platforms.authentication import Authentication, BodySignature, Several, StaticToken
from activation.platforms.request import Request, Stream

from tests.unit.authentication.world import REQUEST, World, spec

Make = Callable[..., World]
# https://www.rfc-editor.org/rfc/rfc2202#section-3, test case 2
KEY, DATA, DIGEST = "Jefe", b"what do ya want for nothing?", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"
TTD = Several(
    (
        BodySignature("advertiser_secret_key", "TtdSignature"),
        BodySignature("data_provider_secret_key", "TtdSignature-dp", optional=True),
    )
)


@pytest.fixture
def sign_with(make_world: Make) -> Callable[[Authentication, Mapping[str, object]], Signer]:
    """Return what makes a signer of a specification and a secret."""

    def make(spec: Authentication, secret: Mapping[str, object]) -> Signer:
        world = make_world()
        world.spec = spec
        world.write(**secret)
        return world.signer()

    return make


SignWith = Callable[[Authentication, Mapping[str, object]], Signer]


def test_a_token_is_put_into_its_header(sign_with: SignWith) -> None:
    """Everything else stays, the request that was given too."""
    signed = sign_with(StaticToken(), {"Access_Token": " t0ken\n"}).sign(REQUEST)
    assert signed.headers["Authorization"] == "Bearer t0ken"
    assert replace(signed, headers=REQUEST.headers) == REQUEST
    other = sign_with(StaticToken("api_token", "TTD-Auth", ""), {"api_token": "t0ken"}).sign(REQUEST)
    assert other.headers == {"Content-Type": "application/json", "TTD-Auth": "t0ken"}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://h/v1/me", "https://h/v1/me?appsecret_proof="),
        ("https://h/v1/me?a=b", "https://h/v1/me?a=b&appsecret_proof="),
    ],
)
def test_a_proof_goes_into_the_query_when_the_secret_has_its_key(
    sign_with: SignWith, url: str, expected: str
) -> None:
    """Without the key, the same platform's requests go out as they are."""
    spec = StaticToken(proof_key="app_secret")
    request = replace(REQUEST, url=url)
    proof = hmac.new(b"app", b"t0ken", hashlib.sha256).hexdigest()
    signed = sign_with(spec, {"access_token": "t0ken", "app_secret": "app"}).sign(request)
    assert signed.url == expected + proof
    assert sign_with(spec, {"access_token": "t0ken"}).sign(request).url == url


@pytest.mark.parametrize(
    "request_",
    [
        Request("data", "POST", "https://h/data", body=DATA),
        Request("data", "POST", "https://h/data", stream=Stream(len(DATA), lambda: iter([DATA[:5], DATA[5:]]))),
    ],
    ids=["body", "stream"],
)
def test_a_body_is_signed_byte_by_byte(sign_with: SignWith, request_: Request) -> None:
    """RFC 2202's example, in both encodings, of a body in one piece and of a stream."""
    in_base64 = base64.b64encode(bytes.fromhex(DIGEST)).decode()
    for encoding, expected in (("base64", in_base64), ("hex", DIGEST)):
        spec = BodySignature("key", "X-Signature", encoding=encoding)  # type: ignore[arg-type]  # a literal type
        signer = sign_with(spec, {"key": KEY})
        for _ in range(2):
            signed = signer.sign(request_)
            assert signed.headers["X-Signature"] == expected
            assert signed.content == DATA


def test_the_digest_is_the_specifications(sign_with: SignWith) -> None:
    """RFC 4231's test case 2, which has the same key and data under SHA-256."""
    signer = sign_with(BodySignature("key", "S", digest="sha256", encoding="hex"), {"key": KEY})
    signed = signer.sign(Request("data", "POST", "https://h/data", body=DATA))
    assert signed.headers["S"] == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"


def test_an_optional_signature_is_left_out_without_its_key(sign_with: SignWith) -> None:
    """A data provider's secret signs beside the advertiser's when there is one."""
    request = Request("data", "POST", "https://h/data", body=DATA)
    alone = sign_with(TTD, {"advertiser_secret_key": KEY}).sign(request)
    both = sign_with(TTD, {"advertiser_secret_key": KEY, "data_provider_secret_key": "other"}).sign(request)
    assert set(alone.headers) == {"TtdSignature"}
    assert set(both.headers) == {"TtdSignature", "TtdSignature-dp"}
    assert both.headers["TtdSignature"] == alone.headers["TtdSignature"] != both.headers["TtdSignature-dp"]
    with pytest.raises(ConfigError, match="lacks advertiser_secret_key"):
        sign_with(TTD, {"data_provider_secret_key": "other"})


@pytest.mark.parametrize(
    ("spec", "secret"),
    [
        (StaticToken(), {"access_token": "t"}),
        (BodySignature("key", "S"), {"key": "k"}),
        (TTD, {"advertiser_secret_key": "k"}),
    ],
)
def test_there_is_nothing_to_renew(
    sign_with: SignWith, spec: Authentication, secret: Mapping[str, object]
) -> None:
    """What only the secret can change is not fetched from anywhere."""
    signer = sign_with(spec, secret)
    signed = signer.sign(REQUEST)
    assert signer.renew(signed) is False
    assert signer.in_use(signed)


def test_of_several_the_one_that_can_be_renewed_is(make_world: Make) -> None:
    """A body's signature beside a token that expires."""
    world = make_world()
    world.spec = Several((spec(), BodySignature("client_secret", "S")))
    signer = world.signer()
    first = signer.sign(REQUEST)
    assert signer.in_use(first)
    assert signer.renew(first) is True
    second = signer.sign(REQUEST)
    assert (signer.in_use(first), signer.in_use(second)) == (False, True)
    assert first.headers["Authorization"] != second.headers["Authorization"]
    assert first.headers["S"] == second.headers["S"]


@pytest.mark.parametrize("value", [None, "", "two words", "a\r\nX-Forged: 1", "é", 1.5, True, ["t"]])
def test_a_token_that_no_header_can_carry_is_named(sign_with: SignWith, value: object) -> None:
    """The error has the key and not the value."""
    with pytest.raises(ConfigError, match="access_token") as error:
        sign_with(StaticToken(), {"access_token": value})
    assert "Forged" not in str(error.value)
