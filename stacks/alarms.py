"""Alarms of one connector: what an operator has to hear of, and where it is told."""

from __future__ import annotations

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.settings import ConnectorSettings

# What the functions sign their events with.
NOTICE_SOURCE = "audience-activation"
_CHECKED_EVERY = Duration.minutes(5)


class Alarms(Construct):
    """The alarms on a connector's queues and the topic they speak to."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        connector: ConnectorSettings,
        queue: sqs.Queue,
        dead_letters: sqs.Queue,
        undelivered: sqs.Queue,
        bus: events.IEventBus,
    ) -> None:
        super().__init__(scope, id_)
        self._connector = connector
        self.topic = sns.Topic(
            self, "Topic", display_name=f"Audience Activation: {connector.name}", enforce_ssl=True
        )
        if connector.alarm_email:
            self.topic.add_subscription(subscriptions.EmailSubscription(connector.alarm_email))
        self._depth(
            "DeadLetters",
            dead_letters,
            "has dead letters: read their reason attributes, remove the cause, then `activation redrive`",
        )
        # Dead letters are kept for 14 days: a week is left when this one speaks.
        self._age(
            "DeadLettersForgotten",
            dead_letters,
            Duration.days(7),
            "has dead letters older than a week; SQS deletes them after two",
        )
        # Handled waits are new messages, so an old one is work that nothing takes up.
        self._age("Backlog", queue, Duration.hours(6), "has a drop that has waited for six hours")
        self._depth("Undelivered", undelivered, "has events that EventBridge could not deliver")
        self._notices(bus, undelivered)
        self._who_may_speak()

    def _notices(self, bus: events.IEventBus, undelivered: sqs.Queue) -> None:
        """Tell failed and blocked runs with what the event says of them; an alarm only knows that there is one."""
        self.notices = events.Rule(
            self,
            "Notices",
            description=f"Failed and blocked runs of {self._connector.name}",
            event_bus=bus,
            event_pattern=events.EventPattern(
                source=[NOTICE_SOURCE],
                detail_type=["Activation Failed", "Activation Blocked"],
                detail={"connector": [self._connector.name]},
            ),
            targets=[
                targets.SnsTopic(
                    # By its ARN: the target would open the topic to every rule of every account.
                    sns.Topic.from_topic_arn(self, "NoticesTopic", self.topic.topic_arn),
                    retry_attempts=3,
                    dead_letter_queue=undelivered,
                )
            ],
        )

    def _who_may_speak(self) -> None:
        """Let this connector's rule and this stack's alarms publish.

        A topic with a policy of its own, here for TLS, has lost the default one that lets the account's alarms in.
        """
        stack = Stack.of(self)
        alarms = stack.format_arn(
            service="cloudwatch",
            resource="alarm",
            resource_name=f"{stack.stack_name}-*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        for sid, service, source in (
            ("AlarmsOfThisStack", "cloudwatch", {"ArnLike": {"aws:SourceArn": alarms}}),
            ("NoticesRule", "events", {"ArnEquals": {"aws:SourceArn": self.notices.rule_arn}}),
        ):
            self.topic.add_to_resource_policy(
                iam.PolicyStatement(
                    sid=sid,
                    principals=[iam.ServicePrincipal(f"{service}.amazonaws.com")],
                    actions=["sns:Publish"],
                    resources=[self.topic.topic_arn],
                    conditions=source,
                )
            )

    def _depth(self, id_: str, queue: sqs.Queue, sentence: str) -> None:
        metric = queue.metric_approximate_number_of_messages_visible(period=_CHECKED_EVERY, statistic="Maximum")
        self._alarm(id_, metric, 1, sentence)

    def _age(self, id_: str, queue: sqs.Queue, limit: Duration, sentence: str) -> None:
        metric = queue.metric_approximate_age_of_oldest_message(period=_CHECKED_EVERY, statistic="Maximum")
        self._alarm(id_, metric, limit.to_seconds(), sentence)

    def _alarm(self, id_: str, metric: cloudwatch.Metric, threshold: float, sentence: str) -> None:
        alarm = cloudwatch.Alarm(
            self,
            id_,
            alarm_description=f"Connector {self._connector.name} {sentence}.",
            metric=metric,
            threshold=threshold,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            # An empty queue that nobody uses reports nothing at all.
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))
        alarm.add_ok_action(actions.SnsAction(self.topic))
