"""The Connector construct: rule, queues, secret, function and alarms of one platform and account."""

from __future__ import annotations

from collections.abc import Sequence

from activation.platforms.platform import Platform
from aws_cdk import Aws, Duration, RemovalPolicy
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.alarms import ConnectorAlarms
from stacks.connector_environment import environment
from stacks.connector_secret import existing_secret, own_secret
from stacks.connector_settings import ConnectorSettings
from stacks.log_groups import log_group
from stacks.object_events import object_created
from stacks.packaging import ARCHITECTURES, RUNTIMES
from stacks.permissions import Reach, statements, waking
from stacks.queues import encrypted_queue
from stacks.removal import removal_policy
from stacks.retention_settings import DEAD_LETTER_DAYS
from stacks.run_metrics import metric_of
from stacks.settings import Settings
from stacks.source_settings import SourceSettings
from stacks.storage import StorageStack
from stacks.watch import COUNT_EVENTS, MAX_EVENT_AGE, RETRY_ATTEMPTS

# How often a message may fail, and how long it stays hidden meanwhile; both are AWS's own advice:
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html, read 2026-11-22.
MAX_RECEIVES = 5
VISIBILITY_TIMEOUTS = 6
# The shortest period of a function's metrics. In five minutes the worst run would count, and a file that is
# corrected meanwhile would leave the alarm as it was until the next drop, which may be tomorrow's.
ONE_RUN = Duration.minutes(1)


class Connector(Construct):
    """One connector, from the rule on its prefix to its dead-letter queue."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        connector: ConnectorSettings,
        platform: Platform,
        storage: StorageStack,
        layers: list[lambda_.ILayerVersion],
        code: lambda_.Code,
        sources: Sequence[SourceSettings] = (),
    ) -> None:
        super().__init__(scope, id_)
        self.sources = sources
        self._settings = settings
        self._connector = connector
        self.platform = platform
        self._storage = storage
        self.dead_letters = self._queue("DeadLetters", retention=Duration.days(DEAD_LETTER_DAYS))
        # Shorter than the dead letters' retention: a dead letter's age counts from the first queue.
        self.queue = self._queue(
            "Queue",
            retention=Duration.days(4),
            visibility_timeout=Duration.seconds(VISIBILITY_TIMEOUTS * connector.timeout_s),
            dead_letters=self.dead_letters,
        )
        self.undelivered = self._queue("Undelivered", retention=Duration.days(DEAD_LETTER_DAYS))
        # Not the queue above: a notice that was not delivered is no drop, and cannot be redriven.
        self.undelivered_notices = self._queue("NoticesUndelivered", retention=Duration.days(DEAD_LETTER_DAYS))
        # None where the settings name one that exists.
        self.secret = (
            None
            if connector.secret.exists
            else own_secret(self, connector.name, storage.key, removal_policy(self._settings))
        )
        self.secret_arn = self.secret.ref if self.secret else existing_secret(self, connector.secret)
        self.log_group = log_group(self, self._settings, self._storage.key)
        self.role = self._role()
        self.environment = environment(
            settings,
            connector,
            storage,
            secret_arn=self.secret_arn,
            queue=self.queue,
            dead_letters=self.dead_letters,
            sources=sources,
        )
        self.function = self._function(layers, code)
        self.rule = self._rule()
        self.source_rules = {source.name: self._source_rule(source) for source in sources}
        self.mapping = self._mapping()
        self.alarms = ConnectorAlarms(
            self,
            "Alarms",
            name=connector.name,
            alarm_email=connector.alarm_email,
            queue=self.queue,
            dead_letters=self.dead_letters,
            undelivered=self.undelivered,
            undelivered_notices=self.undelivered_notices,
            storage=storage,
            rule=self.rule,
        )
        for name, rule in self.source_rules.items():
            self.alarms.watch.rule(
                f"Source{name.title().replace('-', '')}", rule, "its queue of undelivered events"
            )
        self.alarms.watch.function("Function", self.function, "function", self.mapping)
        self.alarms.watch.alarm(
            "Rejects",
            metric_of(settings, connector.name, "RejectPercent", "Maximum").with_(period=ONE_RUN),
            connector.reject_percent,
            f"{connector.reject_percent:g} % of a run's rows or more were rejected:"
            f" `activation status --connector {connector.name}` lists the runs, and a receipt says why",
            lasts=True,
        )

    def _queue(
        self,
        id_: str,
        *,
        retention: Duration,
        visibility_timeout: Duration | None = None,
        dead_letters: sqs.Queue | None = None,
    ) -> sqs.Queue:
        return encrypted_queue(
            self,
            id_,
            retention=retention,
            # What nobody has handled yet outlives a connector that is removed; new work has its event archived.
            removal=RemovalPolicy.DESTROY if dead_letters else removal_policy(self._settings),
            visibility_timeout=visibility_timeout,
            dead_letters=dead_letters,
            max_receives=MAX_RECEIVES,
        )

    def _role(self) -> iam.Role:
        connector = self._connector
        reach = Reach(
            key=self._storage.key,
            drops=self._storage.drops,
            receipts=self._storage.receipts,
            mirrors=self._storage.mirrors,
            ledger=self._storage.ledger,
            bus=self._storage.bus,
            queue=self.queue,
            dead_letters=self.dead_letters,
            secret_arn=self.secret_arn,
            log_group=self.log_group,
            sources=self.sources,
            deletes_final_drops=self._settings.retention.deletes_final_drops,
        )
        self._policy = iam.PolicyDocument(statements=statements(connector, self.platform, reach))
        return iam.Role(
            self,
            "Role",
            description=f"Permissions of connector {connector.name}",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies={"Connector": self._policy},
        )

    @property
    def rotates(self) -> bool:
        """Return whether the function writes the platform's new tokens into the secret."""
        return self.platform.authentication_of(dict(self._connector.options)).rotates

    @property
    def reads_parameter(self) -> bool:
        """Return whether the credentials are in an SSM parameter."""
        return bool(self._connector.secret.parameter)

    @property
    def secret_key_arn(self) -> str:
        """Return the customer key that the settings name for an existing secret, "" for none."""
        return self._connector.secret.key_arn

    def wakes(self, others: Sequence[Connector]) -> None:
        """Let the function wake runs of other connectors of its platform."""
        self._policy.add_statements(waking([other.queue for other in others]))

    def _function(self, layers: list[lambda_.ILayerVersion], code: lambda_.Code) -> lambda_.Function:
        connector, wheels = self._connector, self._settings.wheels
        return lambda_.Function(
            self,
            "Function",
            description=f"Sends the drops of {connector.name} to {self.platform.title}",
            code=code,
            handler=f"lambdas.{connector.platform}.handler.lambda_handler",
            runtime=RUNTIMES[wheels.python],
            architecture=ARCHITECTURES[wheels.architecture],
            layers=layers,
            memory_size=connector.memory_mb,
            timeout=Duration.seconds(connector.timeout_s),
            environment=self.environment,
            log_group=self.log_group,
            tracing=lambda_.Tracing.ACTIVE,
            # A long file takes many short runs, each started by the previous run's message; Lambda would stop that
            # after 16. The ledger has its own limit:
            # https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
            recursive_loop=lambda_.RecursiveLoop.ALLOW,
            # All permissions are in permissions.py; no construct may add to the role.
            role=self.role.without_policy_updates(),
        )

    def _rule(self) -> events.Rule:
        return self._rule_for(
            "Rule",
            f"New drops below {self._connector.name}/",
            object_created(self._storage.drops.bucket_name, f"{self._connector.name}/"),
        )

    def _source_rule(self, source: SourceSettings) -> events.Rule:
        """Make the rule of a source, which the queue's policy names like the connector's own."""
        return self._rule_for(
            f"{source.id}SourceRule",
            f"New objects of the source {source.name}",
            object_created(source.bucket, source.prefix, account=source.account or Aws.ACCOUNT_ID),
        )

    def _rule_for(self, id_: str, description: str, pattern: events.EventPattern) -> events.Rule:
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
                    dead_letter_queue=self.undelivered,
                )
            ],
        )

    def _mapping(self) -> lambda_.EventSourceMapping:
        return lambda_.EventSourceMapping(
            self,
            "Mapping",
            target=self.function,
            event_source_arn=self.queue.queue_arn,
            # One drop at a time: a drop may take a whole invocation.
            batch_size=1,
            max_concurrency=self._connector.max_concurrency,
            report_batch_item_failures=True,
            metrics_config=COUNT_EVENTS,
        )
