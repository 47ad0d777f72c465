"""Faults on the AWS side, as clients and functions meet them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError, ConnectionClosedError, ResponseStreamingError

from tests.unit.sandbox.emulator.driver import Emulator

SetFaults = Callable[[list[dict[str, Any]]], None]


def test_error_hits_as_often_as_asked(emulator: Emulator, faults: SetFaults) -> None:
    """`skip` lets calls through first, `times` bounds the hits, other actions are left alone."""
    s3, bucket = emulator.client("s3"), emulator.bucket()
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    faults([{"service": "s3", "action": "GetObject*", "status": 503, "code": "SlowDown", "skip": 1, "times": 1}])
    s3.get_object(Bucket=bucket, Key="k")
    with pytest.raises(ClientError) as raised:
        s3.get_object(Bucket=bucket, Key="k")
    assert raised.value.response["Error"]["Code"] == "SlowDown"
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    s3.put_object(Bucket=bucket, Key="k", Body=b"y")
    s3.get_object(Bucket=bucket, Key="k")
    (report,) = requests.get(f"{emulator.url}/_faults", timeout=5).json()
    assert (report["matched"], report["applied"]) == (3, 1)


def test_json_services_get_their_error_shape(emulator: Emulator, faults: SetFaults) -> None:
    """A DynamoDB call fails with the code it was told."""
    faults([{"service": "dynamodb", "status": 400, "code": "ProvisionedThroughputExceededException"}])
    with pytest.raises(ClientError) as raised:
        emulator.client("dynamodb").list_tables()
    assert raised.value.response["Error"]["Code"] == "ProvisionedThroughputExceededException"


@pytest.mark.parametrize(("drop", "arrived"), [("before", 0), ("after", 1)])
def test_dropped_connection_with_and_without_effect(
    emulator: Emulator, faults: SetFaults, drop: str, arrived: int
) -> None:
    """The answer is lost either way; only with "after" has the call been done."""
    url, _ = emulator.queue()
    faults([{"service": "sqs", "action": "SendMessage", "drop": drop, "times": 1}])
    with pytest.raises(ConnectionClosedError):
        emulator.client("sqs").send_message(QueueUrl=url, MessageBody="x")
    assert len(emulator.receive(url, within_s=0.2)) == arrived


def test_error_after_the_call_was_done(emulator: Emulator, faults: SetFaults) -> None:
    """With `after` the caller sees an error although the call had its effect."""
    url, _ = emulator.queue()
    faults([{"service": "sqs", "action": "SendMessage", "status": 500, "after": True, "times": 1}])
    with pytest.raises(ClientError):
        emulator.client("sqs").send_message(QueueUrl=url, MessageBody="x")
    assert len(emulator.receive(url)) == 1


def test_body_is_cut_short(emulator: Emulator, faults: SetFaults) -> None:
    """A truncated object breaks off while it is read, after the bytes that were let through."""
    s3, bucket = emulator.client("s3"), emulator.bucket()
    s3.put_object(Bucket=bucket, Key="k", Body=b"x" * 500_000)
    faults([{"service": "s3", "action": "GetObject*", "truncate_bytes": 1000, "times": 1}])
    body = s3.get_object(Bucket=bucket, Key="k")["Body"]
    with pytest.raises(ResponseStreamingError):
        body.read()


def test_delay(emulator: Emulator, faults: SetFaults) -> None:
    """A delayed call is answered in full, later."""
    faults([{"service": "sqs", "action": "ListQueues", "delay_s": 0.4}])
    start = time.monotonic()
    emulator.client("sqs").list_queues()
    assert time.monotonic() - start >= 0.4


def test_functions_calls_are_told_from_others(emulator: Emulator, faults: SetFaults) -> None:
    """With the caller "lambda" a function's call fails and the same call from outside does not."""
    name = emulator.function(
        "import boto3\n"
        "from botocore.exceptions import ClientError\n"
        "def handler(event, context):\n"
        "    try:\n"
        "        boto3.client('sqs').list_queues()\n"
        "    except ClientError as error:\n"
        "        return error.response['Error']['Code']\n"
    )
    faults([{"service": "sqs", "caller": "lambda", "status": 403, "code": "AccessDenied"}])
    emulator.client("sqs").list_queues()
    assert emulator.invoke(name) == "AccessDenied"


@pytest.mark.parametrize("wrong", [{}, [{"nonsense": 1}], [{"drop": "sideways"}], [{"caller": "me"}]])
def test_unreadable_faults_are_refused(emulator: Emulator, wrong: object) -> None:
    """A list with an unknown member or value is answered with 400 and changes nothing."""
    answer = requests.post(f"{emulator.url}/_faults", json=wrong, timeout=5)
    assert answer.status_code == 400
    assert answer.json()["error"]
