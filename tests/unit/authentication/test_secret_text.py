"""A secret in each form that tools and people write it in."""

from __future__ import annotations

import base64
import json

import pytest
from activation.authentication.secret_text import secret_values
from activation.authentication.store import SecretVersion
from activation.errors import ConfigError

HELD = {"access_token": "token", "pixel_id": "1234567890"}
TEXT = json.dumps(HELD)
BASE64 = base64.b64encode(TEXT.encode()).decode()


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        BASE64,
        f"{BASE64[:20]}\n{BASE64[20:]}\n",
        json.dumps({"credentials": BASE64}),
        json.dumps({" Credentials": TEXT}),
        json.dumps({"credentials": HELD}),
    ],
    ids=["plain", "base64", "lines", "wrapped base64", "wrapped text", "wrapped object"],
)
def test_a_secret_is_read_in_each_of_its_forms(text: str) -> None:
    """The keys and values are the same, however the secret wraps them."""
    assert secret_values(text) == HELD
    assert SecretVersion(text, "1").credentials.required("pixel_id") == "1234567890"


@pytest.mark.parametrize(
    "text", ["", "token", "dG9rZW4=", "[]", '{"credentials": 1}', '{"credentials": "dG9rZW4="}', '"ü"']
)
def test_what_holds_no_object_is_no_secret(text: str) -> None:
    """Nothing is guessed from a text that holds no keys."""
    with pytest.raises(ConfigError, match="not a JSON object"):
        _ = SecretVersion(text, "1").values


def test_a_key_beside_credentials_is_a_secret_as_it_stands() -> None:
    """Only a secret with that one key is a wrapper."""
    held = {"credentials": "a", "access_token": "token"}
    assert secret_values(json.dumps(held)) == held
