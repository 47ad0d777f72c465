"""The stack of the daily `doctor`: one function for the whole app, its schedule, and the alarm on its findings."""

from __future__ import annotations

from pathlib import Path

from activation.platforms.discovery import platform_named
from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.activation import ActivationStack
from stacks.alarms import FINDING, NOTICE_SOURCE, mail
from stacks.doctor_permissions import statements
from stacks.log_groups import log_group
from stacks.names import metrics_namespace
from stacks.packaging import ARCHITECTURES, ROOT, RUNTIMES, function_code, layers
from stacks.queues import encrypted_queue
from stacks.removal import removal_policy
from stacks.retention_settings import DEAD_LETTER_DAYS
from stacks.schedule_role import schedule_role
from stacks.settings import Settings
from stacks.statements import allow
from stacks.storage import StorageStack
from stacks.watch import CHECKED_EVERY, MAX_EVENT_AGE, RETRY_ATTEMPTS, Watch

# A connector takes seconds, unless its platform does not answer: then each of its calls waits for 20 s.
TIMEOUT = Duration.minutes(15)
MEMORY_MB = 512
# The alarms on what was found: their ids, the metrics of lambdas/doctor/report.py, and what they say.
FOUND = (
    (
        "Findings",
        "DoctorFailures",
        "something needs attention now: `activation doctor` says what, and what mends it",
    ),
    (
        "Tokens",
        "TokensExpiring",
        "a token is refused or expires soon: `activation doctor` names the connector and what writes a new one",
    ),
    (
        "Versions",
        "VersionsEnding",
        "a platform ends the version of its API that this release calls: update this app",
    ),
    (
        "Shrinking",
        "AudiencesShrinking",
        "an audience has become much smaller within 30 days: `activation audiences` lists the sizes",
    ),
)
NO_CONNECTOR = "_"  # what findings of the whole app have in place of a connector's name; see ledger/keys.py


class DoctorStack(Stack):
    """The stack of the daily examination: in the connectors' stack, it would take a connector's room."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        storage: StorageStack,
        activation: ActivationStack,
        root: Path = ROOT,
    ) -> None:
        super().__init__(scope, id_, description="Audience Activation: the daily examination of the connectors")
        platforms = sorted({one.platform for one in settings.connectors})
        self.doctor = Doctor(
            self,
            "Doctor",
            settings=settings,
            storage=storage,
            activation=activation,
            platforms=platforms,
            layers=layers(self, settings.wheels, root),
            code=function_code("doctor", *_folders(platforms), root=root),
        )
        CfnOutput(self, "DoctorFunctionName", value=self.doctor.function.function_name)


def _folders(platforms: list[str]) -> list[str]:
    """Return the folders that the checks of platforms consist of, each once."""
    return sorted({folder for one in platforms for folder in platform_named(one).folders})


class Doctor(Construct):
    """Function, role, schedule, queue of failed calls, alarms, and notices of what concerns no connector alone."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        storage: StorageStack,
        activation: ActivationStack,
        platforms: list[str],
        layers: list[lambda_.ILayerVersion],
        code: lambda_.Code,
    ) -> None:
        super().__init__(scope, id_)
        self._settings, self._storage = settings, storage
        self._service = f"{settings.name}-doctor"
        self._topic = sns.Topic.from_topic_arn(self, "AppTopic", storage.alarm_topic.topic_arn)
        self.undelivered = encrypted_queue(
            self, "FailedCalls", retention=Duration.days(DEAD_LETTER_DAYS), removal=removal_policy(settings)
        )
        self.undelivered_notices = encrypted_queue(
            self, "UndeliveredNotices", retention=Duration.days(DEAD_LETTER_DAYS), removal=removal_policy(settings)
        )
        self.log_group = log_group(self, self._settings, self._storage.key)
        self.role = iam.Role(
            self,
            "Role",
            description="Permissions of the daily examination",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            managed_policies=[activation.doctor_secrets],
            inline_policies={
                "Doctor": iam.PolicyDocument(
                    statements=statements(
                        storage, activation, platforms, self.log_group, self.undelivered, sources=settings.sources
                    )
                )
            },
        )
        self.environment = {
            "APP_NAME": settings.name,
            "SHRINKS_PERCENT": str(settings.doctor.shrinks_percent),
            "POWERTOOLS_SERVICE_NAME": self._service,
            "POWERTOOLS_METRICS_NAMESPACE": metrics_namespace(settings.name),
            "POWERTOOLS_LOG_LEVEL": settings.log_level,
        }
        self.function = self._function(layers, code)
        self.schedule_role = schedule_role(
            self,
            "Calls the daily examination",
            [
                allow("Call", ["lambda:InvokeFunction"], [self.function.function_arn]),
                allow("KeepUndelivered", ["sqs:SendMessage"], [self.undelivered.queue_arn]),
            ],
        )
        self.schedule = self._schedule()
        self.notices = self._notices()
        self._alarms()

    def _function(self, layers: list[lambda_.ILayerVersion], code: lambda_.Code) -> lambda_.Function:
        wheels = self._settings.wheels
        return lambda_.Function(
            self,
            "Function",
            description="Examines secrets, tokens, permissions, audiences and queues once a day",
            code=code,
            handler="lambdas.doctor.handler.lambda_handler",
            runtime=RUNTIMES[wheels.python],
            architecture=ARCHITECTURES[wheels.architecture],
            layers=layers,
            memory_size=MEMORY_MB,
            timeout=TIMEOUT,
            environment=self.environment,
            log_group=self.log_group,
            tracing=lambda_.Tracing.ACTIVE,
            # The schedule puts calls there that did not reach Lambda, Lambda those that failed three times.
            dead_letter_queue=self.undelivered,
            # All permissions are written out; no construct may add to the role.
            role=self.role.without_policy_updates(),
        )

    def _schedule(self) -> scheduler.CfnSchedule:
        doctor = self._settings.doctor
        return scheduler.CfnSchedule(
            self,
            "Schedule",
            description="The daily examination",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            schedule_expression=doctor.cron,
            schedule_expression_timezone=doctor.time_zone,
            state="ENABLED" if doctor.is_on else "DISABLED",
            target=scheduler.CfnSchedule.TargetProperty(
                arn=self.function.function_arn,
                role_arn=self.schedule_role.role_arn,
                dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(arn=self.undelivered.queue_arn),
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=3_600, maximum_retry_attempts=10
                ),
            ),
        )

    def _notices(self) -> events.Rule:
        """Notify of findings of the whole app; a connector's are notified where its failed runs are."""
        return events.Rule(
            self,
            "Notices",
            description="Findings of the daily examination that concern no connector alone",
            event_bus=self._storage.bus,
            event_pattern=events.EventPattern(
                source=[NOTICE_SOURCE], detail_type=[FINDING], detail={"connector": [NO_CONNECTOR]}
            ),
            targets=[
                targets.SnsTopic(
                    self._topic,
                    message=mail(),
                    retry_attempts=RETRY_ATTEMPTS,
                    max_event_age=MAX_EVENT_AGE,
                    dead_letter_queue=self.undelivered_notices,
                )
            ],
        )

    def _alarms(self) -> None:
        watch = Watch(self, self._topic, "Daily examination: ")
        for id_, name, sentence in FOUND:
            watch.alarm(
                id_,
                cloudwatch.Metric(
                    namespace=metrics_namespace(self._settings.name),
                    metric_name=name,
                    dimensions_map={"service": self._service},
                    period=CHECKED_EVERY,
                    statistic="Maximum",
                ),
                1,
                sentence,
                # Where nothing is examined any more, what was found last would never be taken back.
                lasts=self._settings.doctor.is_on,
            )
        watch.depth(
            "NotExamined", self.undelivered, "the function was not called or failed: its log group says why"
        )
        watch.depth(
            "NoticesUndelivered",
            self.undelivered_notices,
            "notices of findings did not reach the topic: `activation doctor` lists them",
        )
        watch.function("Function", self.function, "the function")
        watch.rule("Notices", self.notices, "its queue of undelivered notices", self._storage.bus)
