"""A connector's alarms, and the topic that receives them."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.alarm_topic import alarm_topic
from stacks.storage import StorageStack
from stacks.watch import MAX_EVENT_AGE, RETRY_ATTEMPTS, Watch

# The event source that the functions put into their events.
NOTICE_SOURCE = "audience-activation"
FINDING = "Activation Finding"  # of the daily `doctor`


class ConnectorAlarms(Construct):
    """The alarms on a connector, and the topic they publish to: its own if it has an address, else the app's."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        alarm_email: str = "",
        queue: sqs.Queue,
        dead_letters: sqs.Queue,
        undelivered: sqs.Queue,
        undelivered_notices: sqs.Queue,
        storage: StorageStack,
        rule: events.Rule,
    ) -> None:
        super().__init__(scope, id_)
        self._name, self._email = name, alarm_email
        self.is_told_alone = bool(alarm_email)
        self.topic = self._topic(storage)
        self.watch = Watch(self, self.topic, f"Connector {name}: ")
        self.watch.depth(
            "DeadLetters",
            dead_letters,
            f"drops have failed: `activation redrive --list` says why; remove the cause, then {self._redrive}",
        )
        # Dead letters are kept for 14 days: when this alarm fires, a week is left.
        self.watch.age(
            "DeadLettersForgotten",
            dead_letters,
            Duration.days(7),
            f"drops failed a week ago, and SQS forgets them in another: {self._redrive}, or discard a code's "
            f"letters: `activation redrive --connector {self._name} --reason CODE --discard`",
        )
        # A wait is a new message, so an old message is work that no worker is doing.
        self.watch.age(
            "Backlog",
            queue,
            Duration.hours(6),
            "a drop has waited for six hours: look for errors and throttles of its function",
        )
        self.watch.depth(
            "Undelivered",
            undelivered,
            f"the events of drops did not reach its queue: deploy again, then {self._redrive}",
        )
        self.watch.depth(
            "NoticesUndelivered",
            undelivered_notices,
            "notices of failed or blocked runs did not reach the topic: `activation status` lists the runs",
        )
        self.notices = self._notices(storage.bus, undelivered_notices)
        self.watch.rule("Drops", rule, "its queue of undelivered events")
        self.watch.rule("Notices", self.notices, "its queue of undelivered notices", storage.bus)

    @property
    def _redrive(self) -> str:
        return f"`activation redrive --connector {self._name}`"

    def _topic(self, storage: StorageStack) -> sns.ITopic:
        if not self._email:
            # By ARN: given the construct, alarms would add themselves to the policy of a topic in another stack.
            return sns.Topic.from_topic_arn(self, "AppTopic", storage.alarm_topic.topic_arn)
        return alarm_topic(
            self,
            "Topic",
            title=f"Audience Activation: {self._name}",
            email=self._email,
            key=storage.notices_key,
            notices=True,
        )

    def _notices(self, bus: events.IEventBus, undelivered: sqs.Queue) -> events.Rule:
        """Notify of failed, blocked and incomplete runs, late files, open folders, overdue drops, and findings.

        An alarm could only say that there is one.
        """
        return events.Rule(
            self,
            "Notices",
            description=f"Failed, blocked, incomplete runs, late files, findings of {self._name}",
            event_bus=bus,
            event_pattern=events.EventPattern(
                source=[NOTICE_SOURCE],
                detail_type=[
                    "Activation Failed",
                    "Activation Blocked",
                    "Activation Incomplete",
                    "Activation Late Part",
                    "Activation Folder Open",
                    "Activation Overdue",
                    FINDING,
                ],
                # An event without a notice is for listeners alone, such as that of a run which somebody has ended.
                detail={"connector": [self._name], "notice": {"what": events.Match.exists()}},
            ),
            targets=[
                targets.SnsTopic(
                    # By ARN: given the construct, the target would add to the topic's policy once more.
                    sns.Topic.from_topic_arn(self, "NoticesTopic", self.topic.topic_arn),
                    message=mail(),
                    retry_attempts=RETRY_ATTEMPTS,
                    max_event_age=MAX_EVENT_AGE,
                    dead_letter_queue=undelivered,
                )
            ],
        )


def mail() -> events.RuleTargetInput:
    """Return what people read: what happened, why, and what to run.

    EventBridge escapes no value in a text, so all of them are the function's `notice`, which has no quotation
    mark: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html, read
    2026-11-29.
    """
    lines = (events.EventField.from_path(f"$.detail.notice.{one}") for one in ("what", "why", "next"))
    return events.RuleTargetInput.from_multiline_text("\n".join(lines))
