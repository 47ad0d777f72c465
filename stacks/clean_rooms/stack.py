"""The stack of the configured Clean Rooms queries: a schedule for each, one queue, one function."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from aws_cdk import App, CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.clean_rooms.permissions import statements
from stacks.clean_rooms.settings import CleanRoomsQuery
from stacks.log_groups import log_group
from stacks.packaging import ARCHITECTURES, RUNTIMES, function_code, layers
from stacks.queues import encrypted_queue
from stacks.removal import removal_policy
from stacks.retention_settings import DEAD_LETTER_DAYS
from stacks.schedule_role import schedule_role
from stacks.settings import Settings
from stacks.statements import allow
from stacks.storage import StorageStack
from stacks.watch import COUNT_EVENTS, MAX_EVENT_AGE, RETRY_ATTEMPTS, Watch

LAYERS = ("vendor", "activation")  # nothing here reads a row
TIMEOUT_S = 60
# AWS's advice for a queue that a function reads:
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html, read 2026-11-22
MAX_RECEIVES, VISIBILITY_TIMEOUTS = 5, 6
# https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-cleanrooms.html, read 2026-11-30
ENDS = ("Succeeded", "Failed", "Cancelled", "Timed Out")


def add_clean_rooms(app: App, settings: Settings, storage: StorageStack, root: Path) -> CleanRoomsStack | None:
    """Add the stack to the app; return None if the settings have no query."""
    if not settings.clean_rooms:
        return None
    return CleanRoomsStack(app, f"{settings.name}-clean-rooms", settings=settings, storage=storage, root=root)


class CleanRoomsStack(Stack):
    """Everything that runs the queries; it is only deployed if the settings have any."""

    def __init__(
        self, scope: Construct, id_: str, *, settings: Settings, storage: StorageStack, root: Path
    ) -> None:
        super().__init__(scope, id_, description="Audience Activation: Clean Rooms queries by schedule")
        self.runs = QueryRuns(
            self,
            "Queries",
            settings=settings,
            storage=storage,
            layers=layers(self, settings.wheels, root, LAYERS),
            code=function_code("clean_rooms", root=root),
        )
        CfnOutput(self, "CleanRoomsQueueUrl", value=self.runs.queue.queue_url)
        CfnOutput(self, "CleanRoomsDeadLetterQueueUrl", value=self.runs.dead_letters.queue_url)
        CfnOutput(self, "CleanRoomsFunctionName", value=self.runs.function.function_name)
        CfnOutput(self, "CleanRoomsRoleArn", value=self.runs.role.role_arn)


class QueryRuns(Construct):
    """Schedules, queues, function, role, rule and alarms."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        storage: StorageStack,
        layers: list[lambda_.ILayerVersion],
        code: lambda_.Code,
    ) -> None:
        super().__init__(scope, id_)
        self._settings, self._storage = settings, storage
        self.queries: Sequence[CleanRoomsQuery] = [_placed(one, storage) for one in settings.clean_rooms]
        self.undelivered = self._queue("Undelivered", Duration.days(DEAD_LETTER_DAYS))
        self.dead_letters = self._queue("DeadLetters", Duration.days(DEAD_LETTER_DAYS))
        self.queue = self._queue("Queue", Duration.days(4), self.dead_letters)
        self.log_group = log_group(self, self._settings, self._storage.key)
        self.role = iam.Role(
            self,
            "Role",
            description="Permissions of the function that runs Clean Rooms queries",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies={
                "Queries": iam.PolicyDocument(
                    statements=statements(self.queries, storage, self.queue, self.dead_letters, self.log_group)
                )
            },
        )
        self.environment = self._environment()
        self.function = self._function(layers, code)
        self.mapping = lambda_.EventSourceMapping(
            self,
            "Mapping",
            target=self.function,
            event_source_arn=self.queue.queue_arn,
            batch_size=1,
            max_concurrency=2,
            report_batch_item_failures=True,
            metrics_config=COUNT_EVENTS,
        )
        self.schedule_role = schedule_role(
            self,
            "Sends what is due to the queue of Clean Rooms queries",
            [allow("Send", ["sqs:SendMessage"], [self.queue.queue_arn, self.undelivered.queue_arn])],
            policy="Send",
        )
        for query in self.queries:
            self._schedule(query)
        self.rule = self._rule()
        self._alarms()

    def _queue(self, id_: str, retention: Duration, dead_letters: sqs.Queue | None = None) -> sqs.Queue:
        """Make a queue, whose messages name a query and a slot; with `dead_letters` it is the function's."""
        return encrypted_queue(
            self,
            id_,
            retention=retention,
            removal=RemovalPolicy.DESTROY if dead_letters else removal_policy(self._settings),
            visibility_timeout=Duration.seconds(VISIBILITY_TIMEOUTS * TIMEOUT_S) if dead_letters else None,
            dead_letters=dead_letters,
            max_receives=MAX_RECEIVES,
        )

    def _environment(self) -> dict[str, str]:
        """Return what the function is told."""
        told = [one.variable for one in self.queries]
        return {
            "LEDGER_TABLE": self._storage.ledger.table_name,
            "LEDGER_TTL_DAYS": str(self._settings.retention.ledger_days),
            "QUEUE_URL": self.queue.queue_url,
            "DEAD_LETTER_QUEUE_URL": self.dead_letters.queue_url,
            "QUERIES": json.dumps(told, ensure_ascii=False, separators=(",", ":")),
            "POWERTOOLS_SERVICE_NAME": f"{self._settings.name}-clean-rooms",
            "POWERTOOLS_LOG_LEVEL": self._settings.log_level,
        }

    def _function(self, layers: list[lambda_.ILayerVersion], code: lambda_.Code) -> lambda_.Function:
        wheels = self._settings.wheels
        return lambda_.Function(
            self,
            "Function",
            description="Runs Clean Rooms queries, and closes their results",
            code=code,
            handler="lambdas.clean_rooms.handler.lambda_handler",
            runtime=RUNTIMES[wheels.python],
            architecture=ARCHITECTURES[wheels.architecture],
            layers=layers,
            memory_size=512,
            timeout=Duration.seconds(TIMEOUT_S),
            environment=self.environment,
            log_group=self.log_group,
            tracing=lambda_.Tracing.ACTIVE,
            # It sends itself messages until a query has ended: MOST_TURNS in lambdas/clean_rooms/runs.py.
            recursive_loop=lambda_.RecursiveLoop.ALLOW,
            # All permissions are explicit; no construct may add to the role.
            role=self.role.without_policy_updates(),
        )

    def _schedule(self, query: CleanRoomsQuery) -> None:
        """Send a query's name and the scheduled time, which is the same however often it is sent.

        https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html, read
        2026-11-30
        """
        scheduler.CfnSchedule(
            self,
            f"{query.id}Schedule",
            description=f"The Clean Rooms query {query.name}",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            schedule_expression=query.schedule,
            schedule_expression_timezone=query.time_zone,
            state="DISABLED" if query.paused else "ENABLED",
            target=scheduler.CfnSchedule.TargetProperty(
                arn=self.queue.queue_arn,
                role_arn=self.schedule_role.role_arn,
                input=json.dumps({"query": query.name, "slot": "<aws.scheduler.scheduled-time>"}),
                dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(arn=self.undelivered.queue_arn),
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=3_600, maximum_retry_attempts=10
                ),
            ),
        )

    def _rule(self) -> events.Rule:
        """Send the ends of queries to the queue; no documented field says of which membership they are."""
        return events.Rule(
            self,
            "Ends",
            description="Ends of Clean Rooms queries",
            event_pattern=events.EventPattern(
                source=["aws.cleanrooms"], detail_type=[f"Protected Query {one}" for one in ENDS]
            ),
            targets=[
                targets.SqsQueue(
                    self.queue,
                    retry_attempts=RETRY_ATTEMPTS,
                    max_event_age=MAX_EVENT_AGE,
                    dead_letter_queue=self.undelivered,
                )
            ],
        )

    def _alarms(self) -> None:
        # By ARN: given the construct, alarms would add themselves to the policy of a topic in another stack.
        topic = sns.Topic.from_topic_arn(self, "AppTopic", self._storage.alarm_topic.topic_arn)
        watch = Watch(self, topic, "Clean Rooms: ")
        watch.depth(
            "NotCompleted",
            self.dead_letters,
            "a query did not lead to a drop: its dead letter says why; `activation redrive --clean-rooms` runs it"
            " again, which costs",
        )
        watch.depth(
            "NotDelivered", self.undelivered, "a schedule or an event did not reach the queue: deploy again"
        )
        watch.age("Backlog", self.queue, Duration.hours(1), "messages have waited for an hour")
        watch.function("Function", self.function, "the function", self.mapping)
        watch.rule("Ends", self.rule, "the queue of undelivered events")


def _placed(query: CleanRoomsQuery, storage: StorageStack) -> CleanRoomsQuery:
    """Return a query with the bucket and key of its results, where these are the app's own."""
    if query.bucket or storage.exports is None:
        return query
    return replace(
        query,
        bucket=storage.exports.bucket_name,
        bucket_arn=storage.exports.bucket_arn,
        key_arn=storage.key.key_arn,
    )
