"""A connector's alarms, and the topic that receives them."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.connector_settings import ConnectorSettings
from stacks.watch import MAX_EVENT_AGE, RETRY_ATTEMPTS, Watch, alarm_topic, let_publish

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
        undelivered_notices: sqs.Queue,
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
        watch.depth(
            "Undelivered",
            undelivered,
            "has events that EventBridge could not deliver: deploy again, then `activation redrive`",
        )
        self.undelivered_notices = undelivered_notices
        watch.depth(
            "NoticesUndelivered",
            undelivered_notices,
            "has failed or blocked runs whose notice could not be delivered: `activation status` lists them",
        )
        self._notices(bus, undelivered_notices)
        # EventBridge cannot have a Condition in a topic's policy, so any rule of EventBridge's may publish here:
        # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html, read 2026-11-29.
        # That page's copies differ on whether a target may have a role instead.
        let_publish(self.topic, "Notices", "events")

    def _notices(self, bus: events.IEventBus, undelivered: sqs.Queue) -> None:
        """Notify of failed and blocked runs with their event's text; an alarm could only say that there is one."""
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
                    # By ARN: given the construct, the target would add to the topic's policy once more.
                    sns.Topic.from_topic_arn(self, "NoticesTopic", self.topic.topic_arn),
                    retry_attempts=RETRY_ATTEMPTS,
                    max_event_age=MAX_EVENT_AGE,
                    dead_letter_queue=undelivered,
                )
            ],
        )
