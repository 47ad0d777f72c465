"""Messages put into a connector's queue by hand: what never reached it, and what shall be sent once more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cli.deployment import Deployment

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

SENT = ("applied", "empty")  # a superseded version never landed, and would now land on the newer one
TAKE_THE_PLACE = ("replace", "mirror")


def deliver(sqs: SQSClient, source_url: str, target_url: str) -> int:
    """Move the drops' events that a rule could not deliver into the queue they were meant for; returns how many.

    What else lies there, a notice that found no listener, is no drop: it stays until SQS deletes it.
    SQS moves messages by itself from another queue's dead letters alone, and these are an EventBridge target's
    (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html, read
    2026-11-22). Each is sent before it is deleted, so a crash leaves it twice, which the ledger makes harmless.
    """
    moved = 0
    while messages := sqs.receive_message(QueueUrl=source_url, MaxNumberOfMessages=10).get("Messages", []):
        for message in messages:
            if not _is_drop(message["Body"]):
                continue  # hidden for the queue's visibility timeout, so that the next receive gives others
            sqs.send_message(QueueUrl=target_url, MessageBody=message["Body"])
            sqs.delete_message(QueueUrl=source_url, ReceiptHandle=message["ReceiptHandle"])
            moved += 1
    return moved


def _is_drop(body: str) -> bool:
    try:
        event = json.loads(body)
    except ValueError:
        return False
    return isinstance(event, dict) and event.get("detail-type") == "Object Created"


def force(found: Deployment, connector: str, since: datetime, until: datetime) -> int:
    """Send every drop once more whose run began in that time and has sent it; returns how many.

    The messages say so themselves, so each makes a run of its own. Runs come in any order: of an object's versions
    that took the place of what was in the audience only the last is sent, of others all are. What was sent to
    several ad accounts is sent to each of them again.
    """
    import boto3

    sqs = boto3.client("sqs")
    again = datetime.now(tz=UTC).isoformat(timespec="milliseconds")
    receipts = [one for one in _receipts(found, connector) if one["state"] in SENT]
    wanted = [one for one in receipts if since <= datetime.fromisoformat(one["started_at"]) <= until]
    wanted.sort(key=lambda receipt: str(receipt["started_at"]))
    drops = {}  # each once, though it may have been forced before
    for one in wanted:
        version = "" if one["action"] in TAKE_THE_PLACE else one["drop"]["version_id"]
        drops[one["drop"]["key"], version, one["drop"].get("ad_account", "")] = one["drop"]
    for drop in drops.values():
        sqs.send_message(
            QueueUrl=found.connector(connector).queue_url, MessageBody=json.dumps(_event(drop, again))
        )
    return len(drops)


def _receipts(found: Deployment, connector: str) -> Iterator[dict[str, Any]]:
    import boto3

    s3 = boto3.client("s3")
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=found.receipts_bucket, Prefix=f"receipts/{connector}/"
    )
    for page in pages:
        for item in page.get("Contents", []):
            if item["Key"].endswith(".json"):
                yield json.loads(s3.get_object(Bucket=found.receipts_bucket, Key=item["Key"])["Body"].read())


def _event(drop: dict[str, Any], again: str) -> dict[str, Any]:
    """Write the event S3 would send for the version; without a sequencer, which would call it superseded."""
    item = {"key": drop["key"], "size": drop["size_bytes"], "version-id": drop["version_id"]}
    return {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {"bucket": {"name": drop["bucket"]}, "object": item},
        "again": again,
        "ad_account": drop.get("ad_account", ""),  # an earlier release's receipt has none
    }
