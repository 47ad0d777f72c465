"""The sync: one function, its queue, the schedule of its ticks, and the rule for the ends of runs."""

from __future__ import annotations

import json

from activation.platforms.discovery import platform_named
from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.alarms import NOTICE_SOURCE
from stacks.connector_settings import ConnectorSettings
from stacks.log_groups import log_group
from stacks.names import metrics_namespace
from stacks.packaging import ARCHITECTURES, RUNTIMES
from stacks.queues import encrypted_queue
from stacks.removal import removal_policy
from stacks.retention_settings import DEAD_LETTER_DAYS
from stacks.schedule_role import schedule_role
from stacks.settings import Settings
from stacks.statements import allow
from stacks.storage import StorageStack
from stacks.sync.alarms import watch
from stacks.sync.permissions import statements
from stacks.sync.settings import SyncSettings
from stacks.watch import COUNT_EVENTS, MAX_EVENT_AGE, RETRY_ATTEMPTS
from stacks.wheels import ALLOCATOR

EVERY = "rate(5 minutes)"
# A SELECT may take minutes before its first row; what works on in the background is polled.
TIMEOUT = Duration.minutes(15)
# Heartbeats hide a message for six minutes at a time; this is for a worker that could not even begin.
VISIBILITY = Duration.minutes(90)
RECEIVES = 10  # a worker that dies is followed by one that finds its lease for up to 16 minutes
# What a run that sent an export puts on the bus; see lambdas/sync/export.py and activation/report/announce.py.
MANIFEST_ENDING = "/sync.manifest"
RUN_ENDS = ("Activation Completed", "Activation Superseded", "Activation Failed", "Activation Blocked")


class Sync(Construct):
    """Keeps declared audiences in step with their sources: see docs/sync.md."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        sync: SyncSettings,
        storage: StorageStack,
        layers: list[lambda_.ILayerVersion],
        code: lambda_.Code,
    ) -> None:
        super().__init__(scope, id_)
        self._settings, self.sync, self._storage = settings, sync, storage
        self.service = f"{settings.name}-sync"
        self.dead_letters, self.failed_calls, self.undelivered = (
            self._queue(name) for name in ("DeadLetters", "FailedCalls", "Undelivered")
        )
        self.queue = self._queue("Queue", self.dead_letters)
        self.secrets = {one.name: self._secret(one.id) for one in sync.sources if one.has_own_secret}
        self.log_group = log_group(self, self._settings, self._storage.key)
        self.role = iam.Role(
            self,
            "Role",
            description="Permissions of the sync",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies={
                "Sync": iam.PolicyDocument(
                    statements=statements(
                        sync,
                        storage,
                        queue=self.queue,
                        dead_letters=self.dead_letters,
                        failed_calls=self.failed_calls,
                        secrets=self._secret_arns(),
                        log_group=self.log_group,
                    )
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
            max_concurrency=sync.max_concurrency,
            report_batch_item_failures=True,
            metrics_config=COUNT_EVENTS,
        )
        self.schedule_role = schedule_role(
            self,
            "Calls the sync every five minutes",
            [
                allow("Call", ["lambda:InvokeFunction"], [self.function.function_arn]),
                allow("KeepUndelivered", ["sqs:SendMessage"], [self.failed_calls.queue_arn]),
            ],
        )
        self._schedule()
        self.run_ends = self._run_ends()
        watch(self, settings, storage)

    def _queue(self, id_: str, dead_letters: sqs.Queue | None = None) -> sqs.Queue:
        """Make a queue, which without dead letters is one for them."""
        return encrypted_queue(
            self,
            id_,
            retention=Duration.days(DEAD_LETTER_DAYS),
            removal=removal_policy(self._settings),
            visibility_timeout=VISIBILITY if dead_letters else None,
            dead_letters=dead_letters,
            max_receives=RECEIVES,
        )

    def _secret(self, id_: str) -> secretsmanager.CfnSecret:
        """Make a secret without a value: the operator writes it, so no template or history ever contains one."""
        secret = secretsmanager.CfnSecret(
            self,
            f"{id_}Secret",
            description="A login of the sync's; empty until an operator writes it",
            kms_key_id=self._storage.key.key_arn,
        )
        secret.apply_removal_policy(removal_policy(self._settings))
        return secret

    def _secret_arns(self) -> dict[str, str]:
        existing = {one.name: one.secret_arn for one in self.sync.sources if one.secret_arn}
        return existing | {name: secret.ref for name, secret in self.secrets.items()}

    def _environment(self) -> dict[str, str]:
        """Return what the function is told."""
        storage, arns = self._storage, self._secret_arns()
        told = [one.told(arns.get(one.name, "")) for one in self.sync.sources]
        return {
            "QUEUE_URL": self.queue.queue_url,
            "DEAD_LETTER_QUEUE_URL": self.dead_letters.queue_url,
            "DROPS_BUCKET": storage.drops.bucket_name,
            "RECEIPTS_BUCKET": storage.receipts.bucket_name,
            "MIRRORS_BUCKET": storage.mirrors.bucket_name,
            "LEDGER_TABLE": storage.ledger.table_name,
            "LEDGER_TTL_DAYS": str(self._settings.retention.ledger_days),
            "SOURCES": json.dumps(told, separators=(",", ":")),
            "CONNECTORS": json.dumps([_accounts(one) for one in self._settings.connectors], separators=(",", ":")),
            "POWERTOOLS_SERVICE_NAME": self.service,
            "POWERTOOLS_METRICS_NAMESPACE": metrics_namespace(self._settings.name),
            "POWERTOOLS_LOG_LEVEL": self._settings.log_level,
            **ALLOCATOR,
        }

    def _function(self, layers: list[lambda_.ILayerVersion], code: lambda_.Code) -> lambda_.Function:
        wheels = self._settings.wheels
        function = lambda_.Function(
            self,
            "Function",
            description="Extracts declared audiences from their sources",
            code=code,
            handler="lambdas.sync.handler.lambda_handler",
            runtime=RUNTIMES[wheels.python],
            architecture=ARCHITECTURES[wheels.architecture],
            layers=layers,
            memory_size=self.sync.memory_mb,
            timeout=TIMEOUT,
            environment=self.environment,
            log_group=self.log_group,
            tracing=lambda_.Tracing.ACTIVE,
            # A slot that waits for its source sends its next message itself; the record has a deadline.
            recursive_loop=lambda_.RecursiveLoop.ALLOW,
            # The schedule puts ticks there that did not reach Lambda, Lambda those that failed three times.
            dead_letter_queue=self.failed_calls,
            # All permissions are written out; no construct may add to the role.
            role=self.role.without_policy_updates(),
        )
        if self.sync.subnets:
            resource = function.node.default_child
            assert isinstance(resource, lambda_.CfnFunction)
            # By id: the construct would have to look the VPC up in the account when the app is synthesised.
            resource.vpc_config = lambda_.CfnFunction.VpcConfigProperty(
                subnet_ids=list(self.sync.subnets), security_group_ids=list(self.sync.security_groups)
            )
        return function

    def _schedule(self) -> None:
        # Slots in local time are the function's own: Scheduler skips a time that the clock skips, and cannot know
        # the rows of a table.
        scheduler.CfnSchedule(
            self,
            "Schedule",
            description="The ticks of the sync",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            schedule_expression=EVERY,
            state="ENABLED",
            target=scheduler.CfnSchedule.TargetProperty(
                arn=self.function.function_arn,
                role_arn=self.schedule_role.role_arn,
                dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(arn=self.failed_calls.queue_arn),
                # The next tick does what one that is late would do.
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=300, maximum_retry_attempts=3
                ),
            ),
        )

    def _run_ends(self) -> events.Rule:
        return events.Rule(
            self,
            "RunEnds",
            description="Ends of runs that sent an export of the sync",
            event_bus=self._storage.bus,
            event_pattern=events.EventPattern(
                source=[NOTICE_SOURCE],
                detail_type=list(RUN_ENDS),
                detail={"key": [{"suffix": MANIFEST_ENDING}]},
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


def _accounts(connector: ConnectorSettings) -> dict[str, str | tuple[str, ...]]:
    """Return what the function must know of a connector, to find the one that serves an ad account."""
    prefix = platform_named(connector.platform).account.prefix
    said: dict[str, str | tuple[str, ...]] = {
        "connector": connector.name,
        "platform": connector.platform,
        "own": connector.account,
        "accounts": connector.accounts,
        "prefix": prefix,
    }
    return {key: value for key, value in said.items() if value}
