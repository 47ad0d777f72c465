"""The function that starts the job: its queue, what feeds it, its role and its alarms."""

from __future__ import annotations

import json
from pathlib import Path

from aws_cdk import Aws, Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.log_groups import log_group
from stacks.names import metrics_namespace
from stacks.normalize import permissions
from stacks.normalize.job import NormalizeJob
from stacks.normalize.settings import ExportSettings, NormalizeSettings
from stacks.object_events import any_below
from stacks.packaging import ARCHITECTURES, RUNTIMES, function_code, layers
from stacks.queues import encrypted_queue
from stacks.removal import removal_policy
from stacks.retention_settings import DEAD_LETTER_DAYS
from stacks.schedule_role import schedule_role
from stacks.settings import Settings
from stacks.statements import allow
from stacks.storage import StorageStack
from stacks.watch import CHECKED_EVERY, COUNT_EVENTS, MAX_EVENT_AGE, RETRY_ATTEMPTS, Watch

TIMEOUT = Duration.minutes(5)  # to list a folder of 10,000 files takes seconds
MEMORY_MB = 512
MAX_RECEIVES = 8  # with the waits between them, for most of a day
MAX_CONCURRENCY = 2
# A message of the function's own is delayed for at most a quarter of an hour.
BACKLOG = Duration.hours(1)
ENDS = ["SUCCEEDED", "FAILED", "TIMEOUT", "STOPPED"]


class StartFunction(Construct):
    """Queue with dead letters, function, rules, schedules and alarms."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        normalize: NormalizeSettings,
        storage: StorageStack,
        exports: s3.IBucket,
        job: NormalizeJob,
        root: Path,
    ) -> None:
        super().__init__(scope, id_)
        self._settings, self._normalize, self._storage = settings, normalize, storage
        self._service = f"{settings.name}-normalize-start"
        self.dead_letters = self._queue("DeadLetters", Duration.days(DEAD_LETTER_DAYS))
        self.queue = self._queue("Queue", Duration.days(4), self.dead_letters)
        self.log_group = log_group(self, self._settings, self._storage.key)
        self.role = iam.Role(
            self,
            "Role",
            description="Permissions of the function that starts the normalize job",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies={
                "Start": iam.PolicyDocument(
                    statements=permissions.of_function(
                        normalize,
                        storage,
                        exports,
                        job_arn=job.arn,
                        queues=(self.queue, self.dead_letters),
                        log_group=self.log_group,
                    )
                )
            },
        )
        self.environment = self._environment(exports, job)
        self.function = self._function(root)
        self.mapping = lambda_.EventSourceMapping(
            self,
            "Mapping",
            target=self.function,
            event_source_arn=self.queue.queue_arn,
            batch_size=1,
            max_concurrency=MAX_CONCURRENCY,
            report_batch_item_failures=True,
            metrics_config=COUNT_EVENTS,
        )
        self.rules = self._rules(exports, job)
        self.schedule_role = self._schedule_role()
        for export in normalize.exports:
            if export.schedule:
                self._schedule(export)
        self._alarms(job)

    def _queue(self, id_: str, retention: Duration, dead_letters: sqs.Queue | None = None) -> sqs.Queue:
        return encrypted_queue(
            self,
            id_,
            retention=retention,
            removal=None if dead_letters else removal_policy(self._settings),
            # Six times the function's timeout:
            # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html, read 2026-11-22
            visibility_timeout=Duration.seconds(6 * TIMEOUT.to_seconds()) if dead_letters else None,
            dead_letters=dead_letters,
            max_receives=MAX_RECEIVES,
        )

    def _environment(self, exports: s3.IBucket, job: NormalizeJob) -> dict[str, str]:
        storage, settings = self._storage, self._settings
        told = [_told(one, job.mappings[one.name]) for one in self._normalize.exports]
        return {
            "ACCOUNT_ID": Aws.ACCOUNT_ID,
            "EXPORTS": json.dumps(told, ensure_ascii=False, separators=(",", ":")),
            "MAPPINGS_BUCKET": job.assets_bucket,
            "EXPORTS_BUCKET": exports.bucket_name,
            "DROPS_BUCKET": storage.drops.bucket_name,
            "RECEIPTS_BUCKET": storage.receipts.bucket_name,
            "LEDGER_TABLE": storage.ledger.table_name,
            "LEDGER_TTL_DAYS": str(settings.retention.ledger_days),
            "EVENT_BUS_NAME": storage.bus.event_bus_name,
            "JOB_NAME": job.name,
            "RETRIES": str(self._normalize.job.retries),
            "QUEUE_URL": self.queue.queue_url,
            "DEAD_LETTER_QUEUE_URL": self.dead_letters.queue_url,
            "POWERTOOLS_SERVICE_NAME": self._service,
            "POWERTOOLS_METRICS_NAMESPACE": metrics_namespace(settings.name),
            "POWERTOOLS_LOG_LEVEL": settings.log_level,
        }

    def _function(self, root: Path) -> lambda_.Function:
        wheels = self._settings.wheels
        return lambda_.Function(
            self,
            "Function",
            description="Starts the normalize job once for each export",
            code=function_code("normalize_start", root=root),
            handler="lambdas.normalize_start.handler.lambda_handler",
            runtime=RUNTIMES[wheels.python],
            architecture=ARCHITECTURES[wheels.architecture],
            layers=layers(self, wheels, root),
            memory_size=MEMORY_MB,
            timeout=TIMEOUT,
            environment=self.environment,
            log_group=self.log_group,
            tracing=lambda_.Tracing.ACTIVE,
            # It looks at a run, and waits for room, by messages to its own queue; a run's timeout ends both.
            recursive_loop=lambda_.RecursiveLoop.ALLOW,
            # All permissions are written out; no construct may add to the role.
            role=self.role.without_policy_updates(),
        )

    def _rules(self, exports: s3.IBucket, job: NormalizeJob) -> dict[str, events.Rule]:
        """Return the rules by their ids: of the job's runs, and of files unless every export has a schedule."""
        prefixes = [one.prefix for one in self._normalize.exports if not one.schedule]
        found = {
            "Runs": self._rule(
                "Runs",
                "Runs of the normalize job that have ended",
                events.EventPattern(
                    source=["aws.glue"],
                    detail_type=["Glue Job State Change"],
                    detail={"jobName": [job.name], "state": ENDS},
                ),
            )
        }
        if prefixes:
            pattern = any_below(exports.bucket_name, prefixes)
            found["Files"] = self._rule("Files", "New objects below the prefixes of exports", pattern)
        return found

    def _rule(self, id_: str, description: str, pattern: events.EventPattern) -> events.Rule:
        return events.Rule(
            self,
            id_,
            description=description,
            event_pattern=pattern,
            targets=[
                targets.SqsQueue(
                    self.queue,
                    retry_attempts=RETRY_ATTEMPTS,
                    max_event_age=MAX_EVENT_AGE,
                    dead_letter_queue=self.dead_letters,
                )
            ],
        )

    def _schedule_role(self) -> iam.Role | None:
        """Make the role with which Scheduler sends to the queue, if any export has a schedule."""
        if not any(one.schedule for one in self._normalize.exports):
            return None
        arns = [self.queue.queue_arn, self.dead_letters.queue_arn]
        return schedule_role(
            self,
            "Sends the times of exports' schedules to the queue",
            [allow("Send", ["sqs:SendMessage"], arns)],
        )

    def _schedule(self, export: ExportSettings) -> None:
        assert self.schedule_role is not None
        # Scheduler puts the time in, the same for each delivery of one invocation:
        # https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html, read
        # 2026-11-30
        body = {
            "detail-type": "Export Scheduled",
            "export": export.name,
            "time": "<aws.scheduler.scheduled-time>",
        }
        scheduler.CfnSchedule(
            self,
            f"Schedule{export.id}",
            description=f"The times of export {export.name}",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            schedule_expression=export.schedule,
            schedule_expression_timezone=export.time_zone,
            target=scheduler.CfnSchedule.TargetProperty(
                arn=self.queue.queue_arn,
                role_arn=self.schedule_role.role_arn,
                input=json.dumps(body),
                dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(arn=self.dead_letters.queue_arn),
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=3_600, maximum_retry_attempts=10
                ),
            ),
        )

    def _alarms(self, job: NormalizeJob) -> None:
        # By ARN: given the construct, alarms would add themselves to the policy of a topic in another stack.
        topic = sns.Topic.from_topic_arn(self, "AppTopic", self._storage.alarm_topic.topic_arn)
        watch = Watch(self, topic, "Exports: ")
        watch.alarm(
            "Failed",
            cloudwatch.Metric(
                namespace=metrics_namespace(self._settings.name),
                metric_name="ExportsFailed",
                dimensions_map={"service": self._service},
                period=CHECKED_EVERY,
                statistic="Sum",
            ),
            1,
            f"a run of the Glue job {job.name} failed: its log group, {job.log_folder}/.../error, says why; then"
            " `activation redrive --exports`",
        )
        watch.depth(
            "NotStarted",
            self.dead_letters,
            "an export was not turned into a drop: its dead letter says why; then `activation redrive --exports`",
        )
        watch.age("Backlog", self.queue, BACKLOG, "a message has waited for an hour: see the function's log group")
        watch.function("Start", self.function, "the function that starts the job", self.mapping)
        for id_, rule in self.rules.items():
            watch.rule(id_, rule, "the dead letters")


def _told(export: ExportSettings, mapping: str) -> dict[str, object]:
    """Return what the function must know of an export, without what it has a default for."""
    told: dict[str, object] = {"name": export.name, "prefix": export.prefix, "mapping": mapping}
    if export.takes == "all":
        told["takes_all"] = True
    if export.quiet_minutes:
        told["quiet_s"] = 60 * export.quiet_minutes
    if export.schedule:
        told["scheduled"] = True
    return told
