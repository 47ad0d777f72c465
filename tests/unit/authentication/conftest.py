"""The worlds that the tests of authentication play in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.unit.authentication.token_endpoint import TokenEndpoint, serving
from tests.unit.authentication.world import Watched, World, spec
from tests.unit.line.aws_in_memory import Secrets
from tests.unit.line.table_in_memory import Table

Aws = tuple[Any, Any]  # Secrets Manager and DynamoDB


@pytest.fixture(scope="module")
def moto() -> Iterator[Aws]:
    """Return moto's AWS."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            patch.setenv(name, "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        dynamodb = boto3.client("dynamodb")
        dynamodb.create_table(
            TableName="ledger",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield boto3.client("secretsmanager"), dynamodb


@pytest.fixture(params=["memory", "moto"])
def aws(request: pytest.FixtureRequest) -> Aws:
    """Return each kind of AWS in turn, to show that both answer alike."""
    found: Aws = request.getfixturevalue("moto") if request.param == "moto" else (Secrets(), Table())
    return found


@pytest.fixture
def make_world() -> Iterator[Callable[..., World]]:
    """Return the maker of worlds in memory; further arguments are the specification's."""
    with ExitStack() as stack:

        def make(rotation: str = "none", *, expires_in: object = 1800, **about: Any) -> World:
            endpoint = stack.enter_context(serving(TokenEndpoint(rotation, expires_in)))
            about.setdefault("rotates", rotation != "none")
            return World(Watched(Secrets()), Table(), endpoint, spec=spec(**about))

        yield make
