"""What an operator has to hear of: data that waits or was refused, subscriptions that are about to fail."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.marketing_stream.fanout import FanOut
from stacks.marketing_stream.landing import Landing
from stacks.marketing_stream.settings import StreamDataset

_CHECKED_EVERY = Duration.minutes(5)


class StreamAlarms(Construct):
    """The alarms of one dataset stack."""

    def __init__(self, scope: Construct, id_: str, *, wanted: StreamDataset, topic: sns.Topic) -> None:
        super().__init__(scope, id_)
        self._wanted = wanted
        # By its ARN: alarms would otherwise write themselves into the policy of a topic in another stack.
        self._speaks = actions.SnsAction(sns.Topic.from_topic_arn(self, "Topic", topic.topic_arn))

    def of_landing(self, landing: Landing) -> None:
        """Watch what the delivery stream has not written yet, and what it could not write."""
        for id_, name, statistic, threshold, sentence in (
            ("Freshness", "DeliveryToS3.DataFreshness", "Maximum", 1800, "has records that wait for half an hour"),
            ("Throttled", "ThrottledRecords", "Sum", 1, "has refused records for want of throughput"),
        ):
            metric = cloudwatch.Metric(
                namespace="AWS/Firehose",
                metric_name=name,
                dimensions_map={"DeliveryStreamName": landing.stream.ref},
                period=_CHECKED_EVERY,
                statistic=statistic,
            )
            self._alarm(id_, metric, threshold, f"delivery stream {sentence}")

    def of_fan_out(self, fan_out: FanOut) -> None:
        """Watch queues and functions."""
        ingress, confirmations = fan_out.ingress, fan_out.confirmations
        self._age("Lag", ingress.queue, Duration.hours(1), "data has waited in the ingress queue for an hour")
        self._depth("DeadLetters", ingress.dead_letters, "messages are among the dead letters; each says why")
        # A week is left when this one speaks.
        self._age(
            "DeadLettersForgotten", ingress.dead_letters, Duration.days(7), "dead letters are older than a week"
        )
        # A confirmation is good for two days only; then the subscription has failed and must be made anew.
        self._age(
            "ConfirmationLag", confirmations.queue, Duration.minutes(30), "a subscription waits to be confirmed"
        )
        self._depth(
            "ConfirmationFailed",
            confirmations.dead_letters,
            "a subscription was not confirmed; its message says why",
        )
        self._errors("FanOutErrors", fan_out.fan_out.function, "the fan-out function fails")
        self._errors("ConfirmErrors", fan_out.confirm.function, "the confirmation function fails")
        self._alarm(
            "DataTopicFailed",
            fan_out.topic.metric_number_of_notifications_failed(period=_CHECKED_EVERY, statistic="Sum"),
            1,
            "a consumer of the data topic was not reached; give its subscription dead letters of its own",
        )

    def _depth(self, id_: str, queue: sqs.Queue, sentence: str) -> None:
        metric = queue.metric_approximate_number_of_messages_visible(period=_CHECKED_EVERY, statistic="Maximum")
        self._alarm(id_, metric, 1, sentence)

    def _age(self, id_: str, queue: sqs.Queue, limit: Duration, sentence: str) -> None:
        metric = queue.metric_approximate_age_of_oldest_message(period=_CHECKED_EVERY, statistic="Maximum")
        self._alarm(id_, metric, limit.to_seconds(), sentence)

    def _errors(self, id_: str, function: lambda_.Function, sentence: str) -> None:
        self._alarm(id_, function.metric_errors(period=_CHECKED_EVERY, statistic="Sum"), 1, sentence)

    def _alarm(self, id_: str, metric: cloudwatch.Metric, threshold: float, sentence: str) -> None:
        alarm = cloudwatch.Alarm(
            self,
            id_,
            alarm_description=f"{self._wanted.stack_name}: {sentence}.",
            metric=metric,
            threshold=threshold,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            # An hour without records says nothing at all.
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(self._speaks)
        alarm.add_ok_action(self._speaks)
