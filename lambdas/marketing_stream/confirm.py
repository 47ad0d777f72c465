"""The confirmation function: confirms subscriptions to Amazon's topics of this stack's dataset.

It never opens the address in the message, which anyone could have written, but calls SNS for the topic that was
checked. https://docs.aws.amazon.com/sns/latest/api/API_ConfirmSubscription.html, read 2026-11-22: a token is valid
for two days.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from activation.aws.errors import ErrorKind, code_of, kind_of
from botocore.exceptions import BotoCoreError, ClientError

from lambdas.marketing_stream.batch import Received, received, retry_messages
from lambdas.marketing_stream.clients import client
from lambdas.marketing_stream.configuration import ConfirmConfiguration, confirm_configuration, log_level
from lambdas.marketing_stream.logs import event
from lambdas.marketing_stream.messages import Confirmation, MessageReader, Reason, Unwanted
from lambdas.marketing_stream.outlets import Outlets, Parcel
from lambdas.marketing_stream.topics import DatasetTopics

_LOG = logging.getLogger(__name__)
logging.getLogger().setLevel(log_level())

# SNS's final refusals: the topic is gone; the token is too old or was never issued.
_FOR_GOOD = (ErrorKind.MISSING, ErrorKind.REQUEST)


def lambda_handler(lambda_event: Mapping[str, Any], _context: object) -> dict[str, list[dict[str, str]]]:
    """Handle a batch of the confirmation queue; return the messages to retry."""
    sns, sqs = client("sns"), client("sqs")
    outlets = Outlets(firehose=None, sns=sns, sqs=sqs, out_of_time=lambda: False)
    return confirm_all(received(lambda_event), _configuration(), outlets)


@functools.cache
def _configuration() -> ConfirmConfiguration:
    return confirm_configuration()


def confirm_all(
    messages: Sequence[Received], configuration: ConfirmConfiguration, outlets: Outlets
) -> dict[str, list[dict[str, str]]]:
    """Confirm the subscriptions that may be confirmed; send the rest to the dead letters with a reason."""
    refused: list[Parcel] = []
    again: list[Received] = []
    for message in messages:
        try:
            reason = _confirm(message, configuration.source, outlets.sns)
        except (ClientError, BotoCoreError) as error:
            event(_LOG, logging.ERROR, "not confirmed yet", error=code_of(error), receives=message.receives)
            again.append(message)
            continue
        if reason:
            event(_LOG, logging.ERROR, "refused", reason=str(reason), message_id=message.message_id)
            refused.append(Parcel(message.key, message.body, reason))
    left = outlets.send_on(configuration.dead_letter_queue_url, refused)
    again += [one for one in messages if one.key in left.later | left.never]
    if not again:
        return {"batchItemFailures": []}
    return retry_messages(outlets.sqs, configuration.queue_url, again)


def _confirm(message: Received, source: DatasetTopics, sns: Any) -> Reason | None:
    """Confirm one; return why it must not or cannot be. Raises the SDK's error if SNS may succeed later."""
    asked = MessageReader(source, frozenset()).read(message.body)
    if isinstance(asked, Unwanted):
        return asked.reason
    if not isinstance(asked, Confirmation) or not source.sends(asked.topic):
        return Reason.FOREIGN_TOPIC
    if not asked.token:
        return Reason.NO_TOKEN
    try:
        # SNS answers the same for a subscription that is already confirmed.
        sns.confirm_subscription(TopicArn=asked.topic, Token=asked.token)
    except (ClientError, BotoCoreError) as error:
        if kind_of(error) in _FOR_GOOD:
            return Reason.REFUSED_BY_SNS
        raise
    # The name of the checked topic contains dataset, marketplace and advertiser, and is no secret.
    event(_LOG, logging.INFO, "confirmed", topic=asked.topic)
    return None
