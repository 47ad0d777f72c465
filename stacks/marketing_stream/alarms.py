"""Alarms on waiting or refused data, and on subscriptions that are about to fail."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.marketing_stream.fanout import FanOut
from stacks.marketing_stream.landing import Landing
from stacks.marketing_stream.settings import StreamDataset
from stacks.watch import CHECKED_EVERY, Watch


class StreamAlarms(Construct):
    """The alarms of one dataset stack."""

    def __init__(self, scope: Construct, id_: str, *, wanted: StreamDataset, topic: sns.ITopic) -> None:
        super().__init__(scope, id_)
        # By ARN: given the construct, alarms would add themselves to the policy of a topic in another stack.
        told = sns.Topic.from_topic_arn(self, "Topic", topic.topic_arn)
        self._watch = Watch(self, told, f"{wanted.stack_name}: ")

    def of_landing(self, landing: Landing) -> None:
        """Alarm on records that the delivery stream has not written yet, or could not write."""
        for id_, name, statistic, threshold, sentence in (
            ("Freshness", "DeliveryToS3.DataFreshness", "Maximum", 1800, "has records that wait for half an hour"),
            ("Throttled", "ThrottledRecords", "Sum", 1, "has refused records because of its throughput limit"),
        ):
            metric = cloudwatch.Metric(
                namespace="AWS/Firehose",
                metric_name=name,
                dimensions_map={"DeliveryStreamName": landing.stream.ref},
                period=CHECKED_EVERY,
                statistic=statistic,
            )
            self._watch.alarm(id_, metric, threshold, f"delivery stream {sentence}")

    def of_fan_out(self, fan_out: FanOut) -> None:
        """Alarm on queues and functions."""
        ingress, confirmations = fan_out.ingress, fan_out.confirmations
        self._watch.age(
            "Lag", ingress.queue, Duration.hours(1), "data has waited in the ingress queue for an hour"
        )
        self._watch.depth(
            "DeadLetters", ingress.dead_letters, "there are dead letters; each has a reason attribute"
        )
        # When this alarm fires, a week is left.
        self._watch.age(
            "DeadLettersForgotten", ingress.dead_letters, Duration.days(7), "dead letters are older than a week"
        )
        # A confirmation token is valid for only two days; after that the subscription has failed and must be
        # created again.
        self._watch.age(
            "ConfirmationLag", confirmations.queue, Duration.minutes(30), "a subscription waits to be confirmed"
        )
        self._watch.depth(
            "ConfirmationFailed",
            confirmations.dead_letters,
            "a subscription was not confirmed; its dead letter has the reason",
        )
        for prefix, worker, name in (
            ("FanOut", fan_out.fan_out, "the fan-out function"),
            ("Confirm", fan_out.confirm, "the confirmation function"),
        ):
            self._watch.function(prefix, worker.function, name, worker.mapping)
        self._watch.alarm(
            "DataTopicFailed",
            fan_out.topic.metric_number_of_notifications_failed(period=CHECKED_EVERY, statistic="Sum"),
            1,
            "the data topic could not deliver to a consumer; give its subscription a dead-letter queue",
        )
