"""Firehose as a subscriber of SNS topics, its GZIP objects, and the delimiter it appends to records."""

from __future__ import annotations

import base64
import gzip
import inspect
from contextvars import ContextVar
from typing import Any

from ministack.core.arn import parse_arn
from ministack.core.responses import request_scope
from ministack.services import firehose, sns

from sandbox.emulator.cloudwatch.metric_names import NOTIFICATIONS_FAILED
from sandbox.emulator.cloudwatch.metrics import record
from sandbox.emulator.hook import Function, Hook
from sandbox.emulator.sns_hooks import FANOUT, FIND_TOPIC

_DELIVER = Hook("ministack.services.firehose", "_deliver_to_s3", ("stream", "dest", "record_data", "lambda_keys"))
_PUT = Hook("ministack.services.firehose", "_put_s3_object", ("bucket", "key", "body"))

HOOKS = (
    FANOUT,
    _DELIVER,
    _PUT,
    Hook("ministack.services.firehose", "_put_record", ("data",)),
    FIND_TOPIC,
    Hook("ministack.services.sns", "_matches_filter_policy", ("sub", "message_attributes", "message")),
    Hook(
        "ministack.services.sns",
        "_build_envelope",
        ("topic_arn", "msg_id", "message", "subject", "message_attributes", "raw"),
    ),
)

_compression: ContextVar[str] = ContextVar("compression of the delivery stream", default="UNCOMPRESSED")


def install() -> None:
    """Deliver to subscribed streams, and compress if the stream asks for it."""
    FANOUT.replace(_to_streams_too)
    _DELIVER.replace(_knowing_compression)
    _PUT.replace(_compressed)


def _to_streams_too(original: Function) -> Function:
    def fanout(*arguments: Any, **named: Any) -> None:
        original(*arguments, **named)
        published = inspect.signature(original).bind(*arguments, **named)
        published.apply_defaults()
        _deliver(**published.arguments)

    return fanout


def _deliver(
    *,
    topic_arn: str,
    msg_id: str,
    message: str,
    subject: str,
    message_structure: str,
    message_attributes: dict[str, Any] | None,
    **_fifo: str,
) -> None:
    """Put the message into every confirmed stream whose filter it passes."""
    topic = sns._topic_by_arn_any_scope(topic_arn) or {}
    attributes = message_attributes or {}
    text = sns._resolve_message_for_protocol(message, message_structure, "firehose")
    for subscription in topic.get("subscriptions", ()):
        if subscription.get("protocol") != "firehose" or not subscription.get("confirmed"):
            continue
        if sns._matches_filter_policy(subscription, attributes, text):
            raw = subscription.get("attributes", {}).get("RawMessageDelivery", "false") == "true"
            envelope = sns._build_envelope(topic_arn, msg_id, text, subject, attributes, raw)
            if not _put(subscription["endpoint"], envelope):
                record(NOTIFICATIONS_FAILED, 1, topic_arn.rpartition(":")[2])


def _put(stream_arn: str, text: str) -> bool:
    """Put a record into a stream; return whether the stream took it."""
    stream = parse_arn(stream_arn)
    with request_scope(stream.account_id, stream.region):
        status, *_ = firehose._put_record(
            {
                "DeliveryStreamName": stream.resource.split("/", 1)[1],
                "Record": {"Data": base64.b64encode(text.encode()).decode()},
            }
        )
    return int(status) < 400


def _knowing_compression(original: Function) -> Function:
    def deliver(
        stream: dict[str, Any], dest: dict[str, Any], record_data: bytes, *rest: Any, **named: Any
    ) -> None:
        token = _compression.set(dest["config"].get("CompressionFormat") or "UNCOMPRESSED")
        try:
            original(stream, dest, record_data + _delimiter(dest["config"]), *rest, **named)
        finally:
            _compression.reset(token)

    return deliver


def _delimiter(config: dict[str, Any]) -> bytes:
    """Return what the stream appends to each record; a template writes a line feed as a backslash and an n.

    https://docs.aws.amazon.com/firehose/latest/APIReference/API_Processor.html, read 2026-11-30
    """
    processing = config.get("ProcessingConfiguration") or {}
    for processor in processing.get("Processors", ()) if processing.get("Enabled") else ():
        if processor["Type"] == "AppendDelimiterToRecord":
            values = [one["ParameterValue"] for one in processor.get("Parameters", ())]
            return values[0].encode().decode("unicode_escape").encode() if values else b"\n"
    return b""


def _compressed(original: Function) -> Function:
    def put(bucket: str, key: str, body: bytes) -> None:
        if _compression.get() == "GZIP":
            key, body = f"{key}.gz", gzip.compress(body)
        original(bucket, key, body)

    return put
