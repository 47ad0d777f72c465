"""What arrives in the ingress queue: data, requests to confirm a subscription, notices that one ended, the rest.

https://advertising.amazon.com/API/docs/en-us/guides/amazon-marketing-stream/onboarding/sqs/get-started and
https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html, both read 2026-11-22.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NoReturn

from lambdas.marketing_stream.topics import DatasetTopics

# The longest record a delivery stream accepts, line end included:
# https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html, read 2026-11-22
MAX_LINE_BYTES = 1000 * 1024 - 1


class Reason(StrEnum):
    """Why a message becomes a dead letter; the message itself is kept unchanged."""

    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    NO_DATASET = "no_dataset_id"
    UNKNOWN_DATASET = "unknown_dataset"
    FOREIGN_TOPIC = "foreign_topic"
    UNSUBSCRIBED = "unsubscribed"
    TOO_LARGE = "too_large"
    REFUSED_BY_STREAM = "refused_by_delivery_stream"
    REFUSED_BY_TOPIC = "refused_by_data_topic"
    NO_TOKEN = "no_token"  # noqa: S105  the name of a reason
    REFUSED_BY_SNS = "refused_by_sns"


@dataclass(frozen=True)
class Data:
    """A record of a dataset: its text, unchanged except for line ends, which mean nothing outside of strings."""

    text: str


@dataclass(frozen=True)
class Confirmation:
    """SNS's request to confirm a subscription; `topic` and `token` are "" if the message has none."""

    topic: str
    token: str


@dataclass(frozen=True)
class Unwanted:
    """A message that is neither data nor a confirmation, and why."""

    reason: Reason


Message = Data | Confirmation | Unwanted


@dataclass(frozen=True)
class MessageReader:
    """Classifies messages; `known` are the identifiers of all datasets, the stack's own included."""

    source: DatasetTopics
    known: frozenset[str]

    def read(self, body: str) -> Message:
        """Read one message's body; never raises."""
        document = _parsed(body)
        if isinstance(document, Unwanted):
            return document
        kind = document.get("Type")
        if kind == "SubscriptionConfirmation":
            return Confirmation(_text(document, "TopicArn"), _text(document, "Token"))
        if kind == "UnsubscribeConfirmation":
            return Unwanted(Reason.UNSUBSCRIBED)
        if kind == "Notification":
            return self._unwrapped(document)
        return self._data(document, body)

    def _unwrapped(self, envelope: dict[str, Any]) -> Message:
        """Return the record in an envelope, which Amazon's messages have if raw delivery is off."""
        if not self.source.sends(_text(envelope, "TopicArn")):
            return Unwanted(Reason.FOREIGN_TOPIC)
        text = _text(envelope, "Message")
        document = _parsed(text)
        return document if isinstance(document, Unwanted) else self._data(document, text)

    def _data(self, document: dict[str, Any], text: str) -> Message:
        """Accept a record of any known dataset: a record in the wrong queue must not be lost."""
        dataset = document.get("dataset_id")
        if not isinstance(dataset, str):
            return Unwanted(Reason.NO_DATASET)
        if dataset not in self.known:
            return Unwanted(Reason.UNKNOWN_DATASET)
        line = text.strip().replace("\r", " ").replace("\n", " ")
        if len(line.encode()) > MAX_LINE_BYTES:
            return Unwanted(Reason.TOO_LARGE)
        return Data(line)


def _parsed(text: str) -> dict[str, Any] | Unwanted:
    try:
        # Text that UTF-8 cannot represent could not be sent on.
        text.encode()
        document = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return Unwanted(Reason.NOT_JSON)
    return document if isinstance(document, dict) else Unwanted(Reason.NOT_AN_OBJECT)


def _refuse(_: str) -> NoReturn:
    """Refuse NaN and Infinity, which Python's JSON reader accepts and no other does."""
    raise ValueError("not JSON")


def _text(document: dict[str, Any], key: str) -> str:
    value = document.get(key)
    return value if isinstance(value, str) else ""
