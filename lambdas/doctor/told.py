"""Whether anybody is told: the topics' subscriptions, for `doctor`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import boto3
from activation.platforms.platform import Finding
from botocore.exceptions import BotoCoreError, ClientError

# What SNS shows in place of an ARN: https://docs.aws.amazon.com/sns/latest/api/API_ListSubscriptionsByTopic.html
PENDING = "PendingConfirmation"
DENIED = ("AuthorizationError", "AuthorizationErrorException", "AccessDenied", "AccessDeniedException")


def examine_topics(topic_arns: Iterable[str], *, nobody: bool) -> Iterator[Finding]:
    """Yield a finding for each topic: an address that has not confirmed gets no mail.

    A topic that we may not look at is a warning. `nobody` says that the settings want nobody to be told: a topic
    without a subscription is as it should be.
    """
    for arn in topic_arns:
        name = arn.rsplit(":", 1)[-1]
        try:
            pages = boto3.client("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=arn)
            states = [one["SubscriptionArn"] for page in pages for one in page["Subscriptions"]]
        except (ClientError, BotoCoreError) as error:
            code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
            says = f"the subscriptions of topic {name} cannot be listed: {code}"
            # A topic of another account, say, which its owner looks after.
            denied = code in DENIED
            yield Finding("alarms", denied, says, warns=denied)
            continue
        if PENDING in states:
            says = (
                f"an address of topic {name} has not confirmed: open the link in the mail from AWS Notifications"
            )
            yield Finding("alarms", False, says)
        elif states:
            yield Finding("alarms", True, f"topic {name} has {len(states)} confirmed")
        elif nobody:
            yield Finding("alarms", True, "nobody is told, as the settings say")
        else:
            yield Finding("alarms", False, f"nobody is subscribed to topic {name}; deploy again, or subscribe")
