"""AWS in one process for the tests of the line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import boto3
import pytest
from aws_lambda_powertools import Logger
from botocore.config import Config
from moto import mock_aws

from tests.unit.line.world import Aws, World


@pytest.fixture(scope="session")
def _aws() -> Iterator[Aws]:
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            patch.setenv(name, "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Tests")
        patch.setenv("POWERTOOLS_SERVICE_NAME", "line")
        Logger()  # the function's own, whose child the connector has
        config = Config(retries={"mode": "standard", "max_attempts": 2}, max_pool_connections=20)
        clients = {
            name: boto3.client(service, config=config)
            for name, service in {
                "s3": "s3",
                "sqs": "sqs",
                "events": "events",
                "dynamodb": "dynamodb",
                "secrets": "secretsmanager",
            }.items()
        }
        aws = Aws(**clients)
        aws.prepare()
        yield aws


@pytest.fixture
def aws(_aws: Aws) -> Iterator[Aws]:
    """Give the shared clients, with whatever a test hung onto them taken off afterwards."""
    yield _aws
    _aws.fuse.set(0)
    _aws.before.clear()
    _aws.after.clear()


@pytest.fixture
def make_world(aws: Aws) -> Callable[..., World]:
    """Give the maker of worlds; the newest is the one that is watched."""
    return partial(World, aws)


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """Give a world with small batches, sent one at a time."""
    return make_world()
