"""The worlds that the tests of the line play in."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from aws_lambda_powertools import Logger
from moto import mock_aws

from tests.unit.line.large_files import ABOVE_BYTES, Make
from tests.unit.line.watched_aws import Aws
from tests.unit.line.world import World


@pytest.fixture(scope="session", autouse=True)
def _function() -> Iterator[None]:
    """Set what the function's environment sets, and make its logger, which `logs` listens to."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            patch.setenv(name, "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Tests")
        patch.setenv("POWERTOOLS_SERVICE_NAME", "line")
        Logger()
        yield


@pytest.fixture
def logs() -> Iterator[io.StringIO]:
    """Return what is logged while the test runs."""
    (handler,) = logging.getLogger("line").handlers
    assert isinstance(handler, logging.StreamHandler)
    stream = io.StringIO()
    before = handler.setStream(stream)
    yield stream
    if before is not None:
        handler.setStream(before)


@pytest.fixture(scope="module")  # not longer: moto forgets its tables only when the last of its users leaves
def _moto(_function: None) -> Iterator[Aws]:
    with mock_aws():
        aws = Aws(
            s3=boto3.client("s3"),
            sqs=boto3.client("sqs"),
            events=boto3.client("events"),
            dynamodb=boto3.client("dynamodb"),
            secrets=boto3.client("secretsmanager"),
        )
        for bucket in ("drops", "receipts"):
            aws.s3.create_bucket(Bucket=bucket)
        aws.s3.put_bucket_versioning(Bucket="drops", VersioningConfiguration={"Status": "Enabled"})
        aws.dynamodb.create_table(
            TableName="ledger",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        aws.events.create_event_bus(Name="app")
        yield aws


@pytest.fixture
def moto(_moto: Aws) -> Iterator[Aws]:
    """Return moto's AWS; faults that a test injected are removed afterwards."""
    yield _moto
    _moto.fuse.set(0)
    _moto.before.clear()
    _moto.after.clear()


@pytest.fixture(params=["memory", "moto"])
def aws(request: pytest.FixtureRequest) -> Aws:
    """Return each kind of AWS in turn, to show that both answer alike."""
    found: Aws = request.getfixturevalue("moto") if request.param == "moto" else Aws.in_memory()
    return found


def _world(**settings: object) -> World:
    return World(Aws.in_memory(), **settings)  # type: ignore[arg-type]  # the maker's own arguments


@pytest.fixture
def make_world() -> Callable[..., World]:
    """Return the maker of worlds, each with an AWS of its own in memory."""
    return _world


@pytest.fixture
def world() -> World:
    """Return a world with small batches, sent one at a time."""
    return _world()


@pytest.fixture
def make_large(make_world: Make) -> Make:
    """Return the maker of worlds in which a few hundred bytes are a large file."""

    def make(*, max_parts: int = 4, **settings: Any) -> World:
        world = make_world(**settings)
        world.settings = replace(world.settings, split_above_bytes=ABOVE_BYTES, max_parts=max_parts)
        world.restart()
        return world

    return make
