"""The function of suppression lists: rule, queues, role and alarms of the drops below `suppressions/`."""

from __future__ import annotations

import json

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.alarms import ConnectorAlarms
from stacks.log_groups import log_group
from stacks.names import SUPPRESSIONS, metrics_namespace
from stacks.object_events import object_created
from stacks.packaging import ARCHITECTURES, RUNTIMES
from stacks.permissions import list_statements
from stacks.queues import encrypted_queue
from stacks.removal import removal_policy
from stacks.retention_settings import DEAD_LETTER_DAYS
from stacks.settings import Settings
from stacks.storage import StorageStack
from stacks.watch import COUNT_EVENTS, MAX_EVENT_AGE, RETRY_ATTEMPTS
from stacks.wheels import ALLOCATOR

MAX_RECEIVES = 5
TIMEOUT_S = 900  # a drop is read by one invocation: about ten million rows
MEMORY_MB = 1769


class Suppressions(Construct):
    """One function, from the rule on `suppressions/` to its dead-letter queue."""

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
        self.dead_letters, self.undelivered, self.undelivered_notices = (
            encrypted_queue(self, id_, retention=Duration.days(DEAD_LETTER_DAYS), removal=removal_policy(settings))
            for id_ in ("DeadLetters", "Undelivered", "NoticesUndelivered")
        )
        self.queue = encrypted_queue(
            self,
            "Queue",
            retention=Duration.days(4),  # shorter than the dead letters': their age counts from here
            removal=RemovalPolicy.DESTROY,
            visibility_timeout=Duration.seconds(6 * TIMEOUT_S),  # as AWS advises
            dead_letters=self.dead_letters,
            max_receives=MAX_RECEIVES,
        )
        self.log_group = log_group(self, self._settings, self._storage.key)
        self.role = iam.Role(
            self,
            "Role",
            description="Permissions of the function that keeps the suppression lists",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies={
                "Suppressions": iam.PolicyDocument(
                    statements=list_statements(
                        storage,
                        self.queue,
                        self.dead_letters,
                        self.log_group,
                        deletes_final_drops=settings.retention.deletes_final_drops,
                    )
                )
            },
        )
        self.environment = self._environment()
        self.function = self._function(layers, code)
        self.rule = self._rule()
        self.mapping = lambda_.EventSourceMapping(
            self,
            "Mapping",
            target=self.function,
            event_source_arn=self.queue.queue_arn,
            batch_size=1,
            max_concurrency=2,  # the least that Lambda takes: drops of lists wait for each other's record
            report_batch_item_failures=True,
            metrics_config=COUNT_EVENTS,
        )
        self.alarms = ConnectorAlarms(
            self,
            "Alarms",
            name=SUPPRESSIONS,
            queue=self.queue,
            dead_letters=self.dead_letters,
            undelivered=self.undelivered,
            undelivered_notices=self.undelivered_notices,
            storage=storage,
            rule=self.rule,
        )
        self.alarms.watch.function("Function", self.function, "function", self.mapping)

    def _environment(self) -> dict[str, str]:
        """Return what the function is told: names, addresses and numbers."""
        settings, storage = self._settings, self._storage
        countries = sorted({one.default_country for one in settings.connectors} or {""})
        placeholders = sorted({text for one in settings.connectors for text in one.placeholders})
        return {
            "DROPS_BUCKET": storage.drops.bucket_name,
            "RECEIPTS_BUCKET": storage.receipts.bucket_name,
            "MIRRORS_BUCKET": storage.mirrors.bucket_name,
            "LEDGER_TABLE": storage.ledger.table_name,
            "QUEUE_URL": self.queue.queue_url,
            "DEAD_LETTER_QUEUE_URL": self.dead_letters.queue_url,
            "EVENT_BUS_NAME": storage.bus.event_bus_name,
            "DEFAULT_COUNTRIES": json.dumps(countries),
            "PLACEHOLDERS": json.dumps(placeholders),
            "MOST_ROWS": str(settings.suppressions.most_rows),
            "LEDGER_TTL_DAYS": str(settings.retention.ledger_days),
            **({"DELETE_FINAL_DROPS": "1"} if settings.retention.deletes_final_drops else {}),
            "POWERTOOLS_SERVICE_NAME": SUPPRESSIONS,
            "POWERTOOLS_METRICS_NAMESPACE": metrics_namespace(settings.name),
            "POWERTOOLS_LOG_LEVEL": settings.log_level,
            **ALLOCATOR,
        }

    def _function(self, layers: list[lambda_.ILayerVersion], code: lambda_.Code) -> lambda_.Function:
        wheels = self._settings.wheels
        return lambda_.Function(
            self,
            "Function",
            description="Keeps the lists of people who must not be reached",
            code=code,
            handler="lambdas.suppressions.handler.lambda_handler",
            runtime=RUNTIMES[wheels.python],
            architecture=ARCHITECTURES[wheels.architecture],
            layers=layers,
            memory_size=MEMORY_MB,
            timeout=Duration.seconds(TIMEOUT_S),
            environment=self.environment,
            log_group=self.log_group,
            tracing=lambda_.Tracing.ACTIVE,
            # A run that waits queues its own next message, as a connector's does; the ledger has its own limit.
            recursive_loop=lambda_.RecursiveLoop.ALLOW,
            role=self.role.without_policy_updates(),
        )

    def _rule(self) -> events.Rule:
        return events.Rule(
            self,
            "Rule",
            description=f"New drops below {SUPPRESSIONS}/",
            event_pattern=object_created(self._storage.drops.bucket_name, f"{SUPPRESSIONS}/"),
            targets=[
                targets.SqsQueue(
                    self.queue,
                    retry_attempts=RETRY_ATTEMPTS,
                    max_event_age=MAX_EVENT_AGE,
                    dead_letter_queue=self.undelivered,
                )
            ],
        )
