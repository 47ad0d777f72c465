"""A connector's alarms, and the topic that receives them."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.connector_settings import ConnectorSettings
from stacks.watch import Watch, alarm_topic, let_publish

# The event source that the functions put into their events.
NOTICE_SOURCE = "audience-activation"


class ConnectorAlarms(Construct):
    """The alarms on a connector's queues, and the topic they publish to."""

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
        self.topic = alarm_topic(
            self, "Topic", title=f"Audience Activation: {connector.name}", email=connector.alarm_email
        )
        watch = Watch(self, self.topic, f"Connector {connector.name} ")
        watch.depth(
            "DeadLetters",
            dead_letters,
            "has dead letters: read their reason attributes, remove the cause, then `activation redrive`",
        )
        # Dead letters are kept for 14 days: when this alarm fires, a week is left.
        watch.age(
            "DeadLettersForgotten",
            dead_letters,
            Duration.days(7),
            "has dead letters older than a week; SQS deletes them after two",
        )
        # A wait is a new message, so an old message is work that no worker is doing.
        watch.age("Backlog", queue, Duration.hours(6), "has a drop that has waited for six hours")
        watch.depth("Undelivered", undelivered, "has events that EventBridge could not deliver")
        self._notices(bus, undelivered)
        # Only this rule and this stack's alarms may publish to the topic.
        let_publish(self.topic, "NoticesRule", "events", {"ArnEquals": {"aws:SourceArn": self.notices.rule_arn}})

    def _notices(self, bus: events.IEventBus, undelivered: sqs.Queue) -> None:
        """Notify of failed and blocked runs, late files and folders that stay open, with their event's text.

        An alarm could only say that there is one.
        """
        self.notices = events.Rule(
            self,
            "Notices",
            description=f"Failed and blocked runs, late files and open folders of {self._connector.name}",
            event_bus=bus,
            event_pattern=events.EventPattern(
                source=[NOTICE_SOURCE],
                detail_type=[
                    "Activation Failed",
                    "Activation Blocked",
                    "Activation Late Part",
                    "Activation Folder Open",
                ],
                detail={"connector": [self._connector.name]},
            ),
            targets=[
                targets.SnsTopic(
                    # By ARN: given the construct, the target would let every rule of every account publish to the
                    # topic.
                    sns.Topic.from_topic_arn(self, "NoticesTopic", self.topic.topic_arn),
                    retry_attempts=3,
                    dead_letter_queue=undelivered,
                )
            ],
        )
