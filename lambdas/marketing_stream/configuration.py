"""The environment of the stream's functions, read once at cold start."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass

from activation.aws.environment import Environment

from lambdas.marketing_stream.topics import DatasetTopics


@dataclass(frozen=True)
class FanOutConfiguration:
    """The fan-out function's settings.

    `line_end` is appended to each record that the function puts into the delivery stream. With `lands_by_topic` it
    puts none there but those that the topic cannot carry: the stream is subscribed to the topic.
    """

    source: DatasetTopics
    known: frozenset[str]
    delivery_stream: str
    line_end: bytes
    lands_by_topic: bool
    data_topic_arn: str
    queue_url: str
    confirmation_queue_url: str
    dead_letter_queue_url: str


@dataclass(frozen=True)
class ConfirmConfiguration:
    """The confirmation function's settings."""

    source: DatasetTopics
    queue_url: str
    dead_letter_queue_url: str


def fan_out_configuration() -> FanOutConfiguration:
    """Read the fan-out function's environment; raises ConfigError naming everything that is missing."""
    reader = Environment(os.environ)
    source = _source(reader)
    configuration = FanOutConfiguration(
        source=source,
        known=frozenset((source.dataset, *reader.text("KNOWN_DATASETS").split(","))),
        delivery_stream=reader.text("DELIVERY_STREAM"),
        line_end=b"\n" if reader.text("ENDS_LINES") == "true" else b"",
        lands_by_topic=reader.text("LANDS_BY_TOPIC") == "true",
        data_topic_arn=reader.text("DATA_TOPIC_ARN"),
        queue_url=reader.text("QUEUE_URL"),
        confirmation_queue_url=reader.text("CONFIRMATION_QUEUE_URL"),
        dead_letter_queue_url=reader.text("DEAD_LETTER_QUEUE_URL"),
    )
    reader.finish()
    return configuration


def confirm_configuration() -> ConfirmConfiguration:
    """Read the confirmation function's environment; raises ConfigError naming everything that is missing."""
    reader = Environment(os.environ)
    configuration = ConfirmConfiguration(
        source=_source(reader),
        queue_url=reader.text("QUEUE_URL"),
        dead_letter_queue_url=reader.text("DEAD_LETTER_QUEUE_URL"),
    )
    reader.finish()
    return configuration


def log_level() -> int:
    """Return the level from which logs are written, INFO by default."""
    return logging.getLevelNamesMapping().get(os.environ.get("LOG_LEVEL", ""), logging.INFO)


def _source(reader: Environment) -> DatasetTopics:
    return DatasetTopics(reader.text("SOURCE"), reader.text("DATASET_ID"))
