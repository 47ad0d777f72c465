"""The watch over the drops bucket and the sources: objects under no connector's prefix, drops without a run."""

from __future__ import annotations

import json
from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.log_groups import log_group
from stacks.names import SUPPRESSIONS, metrics_namespace
from stacks.object_events import object_created
from stacks.packaging import ARCHITECTURES, RUNTIMES
from stacks.permissions import watch_statements
from stacks.queues import encrypted_queue
from stacks.removal import removal_policy
from stacks.retention_settings import DEAD_LETTER_DAYS
from stacks.settings import Settings
from stacks.storage import StorageStack
from stacks.watch import MAX_EVENT_AGE, RETRY_ATTEMPTS, Watch

EVERY = Duration.hours(1)


class DropWatch(Construct):
    """One function with two rules: one for objects that no connector's rule matches, one for the time."""

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
        self._expects = tuple((one.name, expected) for one in settings.connectors for expected in one.expects)
        self._connectors = (*(one.name for one in settings.connectors), SUPPRESSIONS)
        self.elsewhere = (f"{settings.ci360.landing_prefix}/",) if settings.ci360 else ()
        self._service = f"{settings.name}-drop-watch"
        self.undelivered = encrypted_queue(
            self, "Undelivered", retention=Duration.days(DEAD_LETTER_DAYS), removal=removal_policy(settings)
        )
        self.log_group = log_group(self, self._settings, self._storage.key)
        self.role = iam.Role(
            self,
            "Role",
            description="Permissions of the watch over the drops bucket",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies={
                "Watch": iam.PolicyDocument(
                    statements=watch_statements(
                        self._connectors,
                        storage,
                        self.log_group,
                        settings.sources,
                        expecting=sorted({name for name, _ in self._expects}),
                    )
                )
            },
        )
        self.environment = self._environment()
        self.function = self._function(layers, code)
        self.strays = self._rule(
            "Strays",
            "New objects under no connector's prefix",
            event_pattern=object_created(storage.drops.bucket_name, but=(*self._prefixes(), *self.elsewhere)),
        )
        self.hourly = self._rule(
            "Hourly",
            "Compares drops bucket and sources with the ledger",
            schedule=events.Schedule.rate(EVERY),
        )
        self._alarms()

    def _prefixes(self) -> Sequence[str]:
        return [f"{name}/" for name in self._connectors]

    def _function(self, layers: list[lambda_.ILayerVersion], code: lambda_.Code) -> lambda_.Function:
        wheels = self._settings.wheels
        return lambda_.Function(
            self,
            "Function",
            description="Watches the drops bucket for objects without a run",
            code=code,
            handler="lambdas.drop_watch.handler.lambda_handler",
            runtime=RUNTIMES[wheels.python],
            architecture=ARCHITECTURES[wheels.architecture],
            layers=layers,
            memory_size=512,
            timeout=Duration.minutes(5),
            environment=self.environment,
            log_group=self.log_group,
            tracing=lambda_.Tracing.ACTIVE,
            role=self.role.without_policy_updates(),
        )

    def _environment(self) -> dict[str, str]:
        """Return what the function is told."""
        storage, sources = self._storage, self._settings.sources
        told = [{"connector": one.connector, "source": one.variable} for one in sources]
        return {
            "DROPS_BUCKET": storage.drops.bucket_name,
            "LEDGER_TABLE": storage.ledger.table_name,
            "EVENT_BUS_NAME": storage.bus.event_bus_name,
            "CONNECTORS": json.dumps(self._connectors),
            "ELSEWHERE": json.dumps(self.elsewhere),
            "LEDGER_TTL_DAYS": str(self._settings.retention.ledger_days),
            "POWERTOOLS_SERVICE_NAME": self._service,
            "POWERTOOLS_METRICS_NAMESPACE": metrics_namespace(self._settings.name),
            "POWERTOOLS_LOG_LEVEL": self._settings.log_level,
            **self._told_expects(),
            **({"SOURCES": json.dumps(told, ensure_ascii=False, separators=(",", ":"))} if told else {}),
        }

    def _told_expects(self) -> dict[str, str]:
        """Return the variable that says which drops are expected when, none if none is."""
        told = [expected.variable(name) for name, expected in self._expects]
        return {"EXPECTS": json.dumps(told, ensure_ascii=False, separators=(",", ":"))} if told else {}

    def _rule(
        self,
        id_: str,
        description: str,
        *,
        event_pattern: events.EventPattern | None = None,
        schedule: events.Schedule | None = None,
    ) -> events.Rule:
        return events.Rule(
            self,
            id_,
            description=description,
            event_pattern=event_pattern,
            schedule=schedule,
            targets=[
                targets.LambdaFunction(
                    self.function,
                    retry_attempts=RETRY_ATTEMPTS,
                    max_event_age=MAX_EVENT_AGE,
                    dead_letter_queue=self.undelivered,
                )
            ],
        )

    def _alarms(self) -> None:
        # By ARN: given the construct, alarms would add themselves to the policy of a topic in another stack.
        topic = sns.Topic.from_topic_arn(self, "AppTopic", self._storage.alarm_topic.topic_arn)
        watch = Watch(self, topic, "Drops bucket: ")
        watch.alarm(
            "Ignored",
            self._metric("DropsIgnored", Duration.minutes(5), "Sum"),
            1,
            "an object under no connector's prefix was ignored: `activation status --state ignored` shows its key",
        )
        watch.alarm(
            "Missing",
            self._metric("DropsMissing", EVERY, "Maximum"),
            1,
            "a drop has no run yet: `activation status --missing` lists it; `activation replay` sends it",
        )
        if self._expects:
            watch.alarm(
                "Overdue",
                self._metric("DropsOverdue", EVERY, "Maximum"),
                1,
                "an expected drop has not come: the notice names its audience; `activation status` lists others",
            )
        watch.depth("NotWatched", self.undelivered, "the watch could not be called: deploy again")
        watch.rule("Strays", self.strays, "the watch's queue of undelivered events")
        watch.rule("Hourly", self.hourly, "the watch's queue of undelivered events")
        watch.function("Watch", self.function, "the watch's function")

    def _metric(self, name: str, period: Duration, statistic: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=metrics_namespace(self._settings.name),
            metric_name=name,
            dimensions_map={"service": self._service},
            period=period,
            statistic=statistic,
        )
