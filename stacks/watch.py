"""Alarms and their topic, as every stack makes them."""

from __future__ import annotations

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

CHECKED_EVERY = Duration.minutes(5)

# EventBridge's own defaults for a target:
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html, read 2026-11-29. They are written out because an update that leaves them out may keep what was there: three attempts,
# which suit a function, since Lambda itself retries; a queue or a topic may be away for longer.
RETRY_ATTEMPTS = 185
MAX_EVENT_AGE = Duration.hours(24)


def alarm_topic(
    scope: Construct, id_: str, *, title: str, email: str, alarms: str = "", sid: str = "AlarmsOfThisStack"
) -> sns.Topic:
    """Make the topic for alarms; those with names like `alarms` may publish to it, "" for the stack's own.

    A topic with its own policy, needed here for TLS, loses the default policy that allows the account's alarms.
    """
    topic = sns.Topic(scope, id_, display_name=title, enforce_ssl=True)
    if email:
        topic.add_subscription(subscriptions.EmailSubscription(email))
    stack = Stack.of(scope)
    names = stack.format_arn(
        service="cloudwatch",
        resource="alarm",
        resource_name=alarms or f"{stack.stack_name}-*",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
    let_publish(topic, sid, "cloudwatch", {"ArnLike": {"aws:SourceArn": names}})
    return topic


def let_publish(topic: sns.Topic, sid: str, service: str, source: dict[str, dict[str, str]] | None = None) -> None:
    """Let an AWS service publish to the topic, on condition of the `source` if given."""
    topic.add_to_resource_policy(
        iam.PolicyStatement(
            sid=sid,
            principals=[iam.ServicePrincipal(f"{service}.amazonaws.com")],
            actions=["sns:Publish"],
            resources=[topic.topic_arn],
            conditions=source,
        )
    )


class Watch:
    """Makes alarms within `scope`. `subject` begins each sentence, as in "Connector meta " or "CI360: "."""

    def __init__(self, scope: Construct, topic: sns.ITopic, subject: str) -> None:
        self._scope, self._subject = scope, subject
        self._tell = actions.SnsAction(topic)

    def depth(self, id_: str, queue: sqs.Queue, sentence: str) -> None:
        """Alarm on any message in a queue that no function reads."""
        metric = queue.metric_approximate_number_of_messages_visible(period=CHECKED_EVERY, statistic="Maximum")
        self.alarm(id_, metric, 1, sentence)

    def age(self, id_: str, queue: sqs.Queue, limit: Duration, sentence: str) -> None:
        """Alarm on a message that has waited for too long."""
        metric = queue.metric_approximate_age_of_oldest_message(period=CHECKED_EVERY, statistic="Maximum")
        self.alarm(id_, metric, limit.to_seconds(), sentence)

    def alarm(self, id_: str, metric: cloudwatch.IMetric, threshold: float, sentence: str) -> None:
        """Alarm when a metric reaches the threshold, and notify when it falls below it again."""
        alarm = cloudwatch.Alarm(
            self._scope,
            id_,
            alarm_description=f"{self._subject}{sentence}.",
            metric=metric,
            threshold=threshold,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            # An unused queue or stream reports no data.
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(self._tell)
        alarm.add_ok_action(self._tell)
