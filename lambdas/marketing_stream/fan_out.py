"""The fan-out function: lands and publishes data, and sends everything else to the queue it belongs to.

At least once: a message is deleted once it has landed and is published, or is in another queue. A failed message
is retried alone; consumers recognise a second copy by `idempotency_id`.
"""

from __future__ import annotations

import functools
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from lambdas.marketing_stream.batch import Received, received, retry_messages
from lambdas.marketing_stream.clients import client
from lambdas.marketing_stream.configuration import FanOutConfiguration, fan_out_configuration, log_level
from lambdas.marketing_stream.logs import event
from lambdas.marketing_stream.messages import Confirmation, Data, MessageReader, Reason, Unwanted
from lambdas.marketing_stream.outlets import Outlets, Parcel, fits_the_topic

_LOG = logging.getLogger(__name__)
logging.getLogger().setLevel(log_level())

# The time that the last calls of an invocation may take; nothing new is begun after it.
_MARGIN_MS = 12_000


def lambda_handler(lambda_event: Mapping[str, Any], context: Any) -> dict[str, list[dict[str, str]]]:
    """Handle a batch of the ingress queue; return the messages to retry."""
    outlets = Outlets(
        firehose=client("firehose"),
        sns=client("sns"),
        sqs=client("sqs"),
        out_of_time=lambda: context.get_remaining_time_in_millis() < _MARGIN_MS,
    )
    return fan_out(received(lambda_event), _configuration(), outlets)


@functools.cache
def _configuration() -> FanOutConfiguration:
    return fan_out_configuration()


def fan_out(
    messages: Sequence[Received], configuration: FanOutConfiguration, outlets: Outlets
) -> dict[str, list[dict[str, str]]]:
    """Send every message where it belongs; return the messages to retry."""
    reader = MessageReader(configuration.source, configuration.known)
    read = {message.key: reader.read(message.body) for message in messages}
    data = [Parcel(key, one.text) for key, one in read.items() if isinstance(one, Data)]
    asks = [Parcel(one.key, one.body) for one in messages if isinstance(read[one.key], Confirmation)]
    reasons = {key: one.reason for key, one in read.items() if isinstance(one, Unwanted)}

    put = [one for one in data if not (configuration.lands_by_topic and fits_the_topic(one))]
    landed = outlets.land(configuration.delivery_stream, put, configuration.line_end)
    there = [parcel for parcel in data if parcel.key not in landed.later | landed.never]
    published = outlets.publish(configuration.data_topic_arn, there)
    handed_on = outlets.send_on(configuration.confirmation_queue_url, asks)
    reasons |= dict.fromkeys(landed.never, Reason.REFUSED_BY_STREAM)
    reasons |= dict.fromkeys(published.never, Reason.REFUSED_BY_TOPIC)
    dead = [Parcel(one.key, one.body, reasons[one.key]) for one in messages if one.key in reasons]
    set_aside = outlets.send_on(configuration.dead_letter_queue_url, dead)

    failed = landed.later | published.later | handed_on.later | handed_on.never | set_aside.later | set_aside.never
    codes = landed.codes | published.codes | handed_on.codes | set_aside.codes
    event(_LOG, logging.INFO, "batch", messages=len(messages), landed=len(there), confirmations=len(asks))
    _log_failures(Counter(reasons.values()), failed, codes)
    if not failed:
        return {"batchItemFailures": []}
    return retry_messages(outlets.sqs, configuration.queue_url, [one for one in messages if one.key in failed])


def _log_failures(reasons: Mapping[Reason, int], failed: frozenset[str], codes: frozenset[str]) -> None:
    """Log dead letters, failures and retries."""
    if reasons:
        event(
            _LOG, logging.WARNING, "set aside", reasons={str(reason): count for reason, count in reasons.items()}
        )
    if failed:
        event(_LOG, logging.ERROR, "messages to retry", messages=len(failed), codes=sorted(codes))
    elif codes:
        event(_LOG, logging.WARNING, "delivered after retries", codes=sorted(codes))
