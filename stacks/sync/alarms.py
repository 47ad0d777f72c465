"""The alarms of the sync."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns

from stacks.names import metrics_namespace
from stacks.settings import Settings
from stacks.storage import StorageStack
from stacks.watch import CHECKED_EVERY, LASTING, Watch

if TYPE_CHECKING:
    from stacks.sync.sync import Sync

OLDEST = Duration.hours(2)


def watch(sync: Sync, settings: Settings, storage: StorageStack) -> None:
    """Make the alarms, which tell the topic of the whole app."""
    # By ARN: given the construct, alarms would add themselves to the policy of a topic in another stack.
    topic = sns.Topic.from_topic_arn(sync, "AppTopic", storage.alarm_topic.topic_arn)
    alarms = Watch(sync, topic, "Declared audiences: ")
    alarms.depth(
        "Stopped",
        sync.dead_letters,
        "a slot failed or is blocked: `activation audiences status` says why; then `audiences redrive`",
    )
    alarms.depth("NotCalled", sync.failed_calls, "a tick was not delivered or failed: the log group says why")
    alarms.depth("EndsUndelivered", sync.undelivered, "ends of runs did not reach the sync: `audiences redrive`")
    alarms.age("Late", sync.queue, OLDEST, "a slot has waited for two hours to be extracted")
    alarms.alarm(
        "TablesUnreadable",
        cloudwatch.Metric(
            namespace=metrics_namespace(settings.name),
            metric_name="TablesUnreadable",
            dimensions_map={"service": sync.service},
            period=CHECKED_EVERY,
            statistic="Maximum",
        ),
        1,
        "a table of declarations could not be read: the log group says which and why",
        periods=LASTING,
    )
    alarms.function("Function", sync.function, "the function", sync.mapping)
    alarms.rule("RunEnds", sync.run_ends, "the queue of undelivered ends of runs", storage.bus)
