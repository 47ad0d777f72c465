"""Firehose objects that cannot be written yet: kept, written later, and their age published, as on AWS.

https://docs.aws.amazon.com/firehose/latest/dev/retry.html (read 2026-11-30): what S3 does not accept is retried
for up to 24 hours and then lost. `DeliveryToS3.DataFreshness` is the age of the oldest record in Firehose since it
came in, by an older text of https://docs.aws.amazon.com/firehose/latest/dev/cloudwatch-metrics.html
(https://github.com/awsdocs/amazon-kinesis-data-firehose-developer-guide, read 2026-11-30; today's page was not
opened). Here the age begins with the first attempt to write, without the time in the buffer. By itself the
emulator loses such a record at once. Here a bucket refuses a record only by not being there, and a stream
throttles only by a fault that answers a put with ServiceUnavailableException.
"""

from __future__ import annotations

import json
import threading
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from ministack.services import s3

from sandbox.emulator import clock
from sandbox.emulator.cloudwatch.metric_names import FRESHNESS, THROTTLED_RECORDS
from sandbox.emulator.cloudwatch.metrics import record
from sandbox.emulator.hook import Function, Hook

_FIREHOSE = "ministack.services.firehose"
_DELIVER = Hook(_FIREHOSE, "_deliver_to_s3", ("stream", "dest", "record_data", "lambda_keys"))
_PUT = Hook(_FIREHOSE, "_put_s3_object", ("bucket", "key", "body"))

HOOKS = (_DELIVER, _PUT, Hook("ministack.services.s3", "_ensure_bucket", ("name",)))

_KEPT_S = 24 * 3600.0
_MINUTE_S = 60.0

_stream: ContextVar[str] = ContextVar("name of the delivery stream that is writing", default="")


@dataclass(frozen=True)
class _Undelivered:
    stream: str
    since: float
    bucket: str
    key: str
    body: bytes


_undelivered: list[_Undelivered] = []
_listing = threading.Lock()


def install() -> None:
    """Keep what has no bucket. The sandbox's other hooks of Firehose are installed later, and run before these."""
    _DELIVER.replace(_knowing_stream)
    _PUT.replace(_or_kept)


def sample(end: float) -> None:
    """Try again what is kept, and publish how old it is at the end of a minute, on the sandbox's clock."""
    with _listing:
        kept, _undelivered[:] = list(_undelivered), []
    oldest: dict[str, float] = {}
    for one in kept:
        if s3._ensure_bucket(one.bucket) is not None:
            _write(one)
        elif end - one.since < _KEPT_S:
            with _listing:
                _undelivered.append(one)
            oldest[one.stream] = min(one.since, oldest.get(one.stream, one.since))
    for name, since in oldest.items():
        record(FRESHNESS, max(0.0, end - since), name, at=end - _MINUTE_S)


def throttled(action: str, text: str) -> None:
    """Count the records of a put that a fault refuses; `text` is a call's path, a line end, and its body."""
    if action in ("PutRecord", "PutRecordBatch"):
        body = json.loads(text.partition("\n")[2])
        record(THROTTLED_RECORDS, len(body.get("Records", [None])), body["DeliveryStreamName"])


def _write(one: _Undelivered) -> None:
    token = _stream.set(one.stream)
    try:
        _PUT.current()(one.bucket, one.key, one.body)
    finally:
        _stream.reset(token)


def _knowing_stream(original: Function) -> Function:
    def deliver(stream: dict[str, Any], *rest: Any, **named: Any) -> None:
        token = _stream.set(stream["name"])
        try:
            original(stream, *rest, **named)
        finally:
            _stream.reset(token)

    return deliver


def _or_kept(original: Function) -> Function:
    def put(bucket: str, key: str, body: bytes) -> None:
        if s3._ensure_bucket(bucket) is None:
            with _listing:
                _undelivered.append(_Undelivered(_stream.get(), clock.now(), bucket, key, body))
            return
        original(bucket, key, body)
        record(FRESHNESS, 0, _stream.get())

    return put
