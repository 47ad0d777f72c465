"""What the tests of commands share."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from cli import deployment
from cli.deployment import Deployment
from lambdas.doctor.addresses import ConnectorAddresses, LineQueues
from tests.unit.cli.forgetting import Deployed, end_when_polled
from tests.unit.cli.ledger_in_moto import LEDGER, make_ledger

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_sqs.client import SQSClient


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Run in an empty folder, each platform under its own name, without a network."""
    monkeypatch.chdir(tmp_path)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the plan opened a connection")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Client]:
    """Return S3 with the receipts bucket of an app whose stacks' outputs need not be read."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(deployment, "find", lambda: Deployment("drops", "receipts", "ledger", "archive", {}))
    monkeypatch.setattr(sys, "argv", [".venv/bin/activation"])
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="receipts")
        make_ledger()
        yield client


@pytest.fixture
def sqs(monkeypatch: pytest.MonkeyPatch) -> Iterator[SQSClient]:
    """Return SQS with the queues of one connector, beside an empty ledger."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(sys, "argv", [".venv/bin/activation"])
    with mock_aws():
        client = boto3.client("sqs")
        queue, dead, undelivered = (
            client.create_queue(QueueName=name)["QueueUrl"] for name in ("queue", "dead", "undelivered")
        )
        addresses = ConnectorAddresses("secret", queue, dead, undelivered, "function", "rule")
        found = Deployment("drops", "receipts", LEDGER, "archive", {"meta": addresses}, {"meta": "meta"})
        monkeypatch.setattr(deployment, "find", lambda: found)
        boto3.client("s3").create_bucket(Bucket="receipts")
        make_ledger()
        yield client


@pytest.fixture
def unpolled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Deployed]:
    """Return an app that is deployed in an empty folder, whose runs end while they are polled for."""
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    addresses = ConnectorAddresses("arn", "queue", "dead", "", "function", "rule")
    platforms = {"meta": "meta", "tiktok": "tiktok", "meta-conversions": "meta_conversions"}
    connectors = dict.fromkeys(platforms, addresses)
    found = Deployment(
        "drops", "receipts", "ledger", "a:b:c:d", connectors, platforms, lists=LineQueues("", "", "")
    )
    monkeypatch.setattr(deployment, "find", lambda: found)
    monkeypatch.setattr("cli.forget_drops.POLL_S", 0)
    with mock_aws():
        yield Deployed()


@pytest.fixture
def running(unpolled: Deployed, monkeypatch: pytest.MonkeyPatch) -> Deployed:
    """Return the app with functions that work: runs have ended when the ledger is asked for them."""
    end_when_polled(unpolled, monkeypatch)
    return unpolled
