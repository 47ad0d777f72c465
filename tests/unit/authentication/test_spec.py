"""Authentication as data: which keys of a secret it needs, and whether it is written back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from activation.platforms.authentication import (
    Authentication,
    BodySignature,
    LongLivedToken,
    OAuth1,
    OAuth2Refresh,
    Several,
    StaticToken,
)

CLIENT = ("client_id", "client_secret", "refresh_token")
PROVEN = StaticToken(proof_key="app_secret")
DATA = (
    BodySignature("advertiser_secret_key", "TtdSignature"),
    BodySignature("data_provider_secret_key", "TtdSignature-dp", optional=True),
)


@pytest.mark.parametrize(
    ("spec", "required", "optional", "rewritten"),
    [
        (StaticToken(), ("access_token",), (), ()),
        (PROVEN, ("access_token",), ("app_secret",), ()),
        (
            LongLivedToken("https://h/oauth", PROVEN),
            ("access_token",),
            ("app_id", "app_secret"),
            ("access_token", "issued"),
        ),
        (OAuth2Refresh("https://h/t"), CLIENT, (), ()),
        (OAuth2Refresh("https://h/t", rotates=True), CLIENT, (), ("refresh_token", "issued")),
        (
            OAuth2Refresh("https://h/t", secret_headers={"DeveloperToken": "developer_token", "C": "client_id"}),
            (*CLIENT, "developer_token"),
            (),
            (),
        ),
        (OAuth1(), ("consumer_key", "consumer_secret", "access_token", "access_token_secret"), (), ()),
        (Several(DATA), ("advertiser_secret_key",), ("data_provider_secret_key",), ()),
        (
            Several((OAuth2Refresh("https://h/t", rotates=True), *DATA)),
            (*CLIENT, "advertiser_secret_key"),
            ("data_provider_secret_key",),
            ("refresh_token", "issued"),
        ),
    ],
)
def test_a_specification_names_the_keys_of_its_secret(
    spec: Authentication, required: tuple[str, ...], optional: tuple[str, ...], rewritten: tuple[str, ...]
) -> None:
    """The templates grant writing exactly where a key may be written back."""
    assert (spec.required_keys, spec.optional_keys, spec.rewritten_keys) == (required, optional, rewritten)
    assert spec.rotates is bool(rewritten)


def test_oauth1s_library_is_loaded_by_its_signer_only() -> None:
    """No other platform's function pays for it at its cold start."""
    program = "import sys; import activation.authentication.signers; print('oauthlib' in sys.modules)"
    path = str(Path(__file__).parents[3] / "layers" / "activation" / "python")
    answer = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "False"


def test_the_templates_can_read_it_without_the_functions_libraries() -> None:
    """Importing the specification loads nothing that is not Python's own."""
    program = (
        "import sys; import activation.platforms.authentication;"
        "print([one for one in ('pyarrow', 'boto3', 'botocore', 'urllib3', 'aws_lambda_powertools', 'oauthlib')"
        " if one in sys.modules])"
    )
    path = str(Path(__file__).parents[3] / "layers" / "activation" / "python")
    answer = subprocess.run(
        [sys.executable, "-S", "-c", program], env={"PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"
