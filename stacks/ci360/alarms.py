"""Alarms on the webhook and its transfers."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_events as events
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.alarm_topic import alarm_topic
from stacks.ci360.function import Function
from stacks.storage import StorageStack
from stacks.watch import CHECKED_EVERY, Watch


class Ci360Alarms(Construct):
    """Alarms on queues and on 5xx answers, and the topic they publish to."""

    def __init__(self, scope: Construct, id_: str, *, email: str, storage: StorageStack) -> None:
        super().__init__(scope, id_)
        if email:
            self.topic: sns.ITopic = alarm_topic(
                self, "Topic", title="Audience Activation: SAS CI360", email=email, key=storage.notices_key
            )
        else:
            # By ARN: given the construct, alarms would add themselves to the policy of a topic in another stack.
            self.topic = sns.Topic.from_topic_arn(self, "AppTopic", storage.alarm_topic.topic_arn)
        self._watch = Watch(self, self.topic, "SAS CI360: ")

    def dead_letters(self, id_: str, queue: sqs.Queue, sentence: str) -> None:
        """Alarm on any message in a queue that no function reads."""
        self._watch.depth(id_, queue, sentence)

    def backlog(self, id_: str, queue: sqs.Queue, limit: Duration, sentence: str) -> None:
        """Alarm on a message that has waited for too long."""
        self._watch.age(id_, queue, limit, sentence)

    def server_errors(self, id_: str, api: apigateway.RestApi, sentence: str) -> None:
        """Alarm on calls that were answered with 5xx."""
        self._watch.alarm(id_, api.metric_server_error(period=CHECKED_EVERY, statistic="Sum"), 1, sentence)

    def function(self, prefix: str, function: Function, name: str) -> None:
        """Alarm on a function's errors, throttles and duration, and on messages that it gives back."""
        self._watch.function(prefix, function.function, name, function.mapping)

    def rule(self, rule: events.Rule, bus: events.IEventBus, kept: str) -> None:
        """Alarm on events that a rule could not deliver."""
        self._watch.rule("Results", rule, kept, bus)
