"""Put messages into a connector's queue: undelivered events, and drops to send again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cli.deployment import Deployment
from cli.letters import DeadLetters
from lambdas.doctor.addresses import LineQueues

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

FINISHED = ("applied", "empty", "superseded")
TAKE_THE_PLACE = ("replace", "mirror")


def deliver(sqs: SQSClient, source_url: str, target_url: str) -> int:
    """Move the events of drops that a rule could not deliver into the queue they were meant for; return how many.

    Other messages there, such as a notice that found no listener, are not drops: they stay until SQS deletes them.
    SQS's own message move only works for the dead-letter queue of another queue, and this is an EventBridge
    target's (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html,
    read 2026-11-22). Each message is sent before it is deleted, so a crash leaves two copies, which the ledger
    makes harmless.
    """
    moved = 0
    while messages := sqs.receive_message(QueueUrl=source_url, MaxNumberOfMessages=10).get("Messages", []):
        for message in messages:
            if not _is_drop(message["Body"]):
                continue  # hidden by the visibility timeout, so the next receive returns other messages
            sqs.send_message(QueueUrl=target_url, MessageBody=message["Body"])
            sqs.delete_message(QueueUrl=source_url, ReceiptHandle=message["ReceiptHandle"])
            moved += 1
    return moved


def bring_back(sqs: SQSClient, queues: LineQueues, run_id: str) -> bool:
    """Move one run's message from the dead letters back to its queue; return whether it was there."""
    letters = DeadLetters(sqs, queues.dead_letter_queue_url, queues.queue_url)
    return letters.move(lambda one: one.run_id == run_id) > 0


def _is_drop(body: str) -> bool:
    try:
        event = json.loads(body)
    except ValueError:
        return False
    return isinstance(event, dict) and event.get("detail-type") == "Object Created"


def force(found: Deployment, connector: str, since: datetime, until: datetime) -> int:
    """Send again every drop whose run began in that time and has finished; return how many.

    Each message says that it is a forced one, so it makes a new run. Runs may be in any order: if an object's
    versions replaced what was in the audience, only the last is sent, otherwise all are. A superseded version is
    older than any that landed, so it is sent where none of these is. A drop that was sent to several ad accounts
    is sent to each of them again.
    """
    import boto3

    sqs = boto3.client("sqs")
    again = datetime.now(tz=UTC).isoformat(timespec="milliseconds")
    receipts = [one for one in receipts_of(found, connector) if one["state"] in FINISHED]
    wanted = [one for one in receipts if since <= datetime.fromisoformat(one["started_at"]) <= until]
    wanted.sort(key=lambda receipt: (receipt["state"] != "superseded", str(receipt["started_at"])))
    drops = {}  # each once, even if it was forced before
    for one in wanted:
        drop = one["drop"]
        only_last = one["action"] in TAKE_THE_PLACE or "etag" in drop  # of a key without versions only it is left
        version = "" if only_last else drop["version_id"]
        drops[drop["bucket"], drop["key"], version, drop.get("ad_account", "")] = drop
    for drop in drops.values():
        sqs.send_message(
            QueueUrl=found.connector(connector).queue_url, MessageBody=json.dumps(event_of(drop, again))
        )
    return len(drops)


def receipts_of(found: Deployment, connector: str, since: datetime | None = None) -> Iterator[dict[str, Any]]:
    """Yield a connector's receipts, in no order; with `since`, only those written since then."""
    import boto3

    s3 = boto3.client("s3")
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=found.receipts_bucket, Prefix=f"receipts/{connector}/"
    )
    for page in pages:
        for item in page.get("Contents", []):
            if item["Key"].endswith(".json") and (since is None or item["LastModified"] >= since):
                yield json.loads(s3.get_object(Bucket=found.receipts_bucket, Key=item["Key"])["Body"].read())


def event_of(drop: dict[str, Any], again: str) -> dict[str, Any]:
    """Return the event S3 would send for the version, but without a sequencer, so that it is not superseded."""
    item = {"key": drop["key"], "size": drop["size_bytes"], "version-id": drop["version_id"]}
    item |= {"etag": drop["etag"]} if "etag" in drop else {}
    return {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {"bucket": {"name": drop["bucket"]}, "object": item},
        "again": again,
        "ad_account": drop.get("ad_account", ""),  # receipts of earlier releases lack it
    }
