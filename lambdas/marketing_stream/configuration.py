"""The environment of the stream's functions, read once at cold start."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass

from lambdas.marketing_stream.topics import Source


class ConfigurationError(Exception):
    """Names the variables that are missing, never a value."""


@dataclass(frozen=True)
class FanOutConfiguration:
    """What the fan-out function is told. `line_end` is what it adds to a record before the delivery stream."""

    source: Source
    known: frozenset[str]
    delivery_stream: str
    line_end: bytes
    data_topic_arn: str
    queue_url: str
    confirmation_queue_url: str
    dead_letter_queue_url: str


@dataclass(frozen=True)
class ConfirmConfiguration:
    """What the confirmation function is told."""

    source: Source
    queue_url: str
    dead_letter_queue_url: str


def fan_out_configuration() -> FanOutConfiguration:
    """Read the fan-out's environment; raises ConfigurationError with everything that is missing."""
    given = _given(
        "DATASET_ID",
        "KNOWN_DATASETS",
        "SOURCE",
        "DELIVERY_STREAM",
        "ENDS_LINES",
        "DATA_TOPIC_ARN",
        "QUEUE_URL",
        "CONFIRMATION_QUEUE_URL",
        "DEAD_LETTER_QUEUE_URL",
    )
    return FanOutConfiguration(
        source=Source(given["SOURCE"], given["DATASET_ID"]),
        known=frozenset((given["DATASET_ID"], *given["KNOWN_DATASETS"].split(","))),
        delivery_stream=given["DELIVERY_STREAM"],
        line_end=b"\n" if given["ENDS_LINES"] == "true" else b"",
        data_topic_arn=given["DATA_TOPIC_ARN"],
        queue_url=given["QUEUE_URL"],
        confirmation_queue_url=given["CONFIRMATION_QUEUE_URL"],
        dead_letter_queue_url=given["DEAD_LETTER_QUEUE_URL"],
    )


def confirm_configuration() -> ConfirmConfiguration:
    """Read the confirmation function's environment; raises ConfigurationError with everything that is missing."""
    given = _given("DATASET_ID", "SOURCE", "QUEUE_URL", "DEAD_LETTER_QUEUE_URL")
    return ConfirmConfiguration(
        source=Source(given["SOURCE"], given["DATASET_ID"]),
        queue_url=given["QUEUE_URL"],
        dead_letter_queue_url=given["DEAD_LETTER_QUEUE_URL"],
    )


def log_level() -> int:
    """Give the level logs are written from, INFO where none is given."""
    return logging.getLevelNamesMapping().get(os.environ.get("LOG_LEVEL", ""), logging.INFO)


def _given(*names: str) -> dict[str, str]:
    missing = [name for name in names if not os.environ.get(name)]
    if missing:
        raise ConfigurationError(f"not set: {', '.join(missing)}")
    return {name: os.environ[name] for name in names}
