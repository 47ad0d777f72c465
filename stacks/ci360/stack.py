"""The stack of SAS CI360's bulk connector: webhook, transfer, occurrence table, and optionally results."""

from __future__ import annotations

import json
from pathlib import Path

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.alarms import NOTICE_SOURCE
from stacks.ci360 import permissions
from stacks.ci360.alarms import Ci360Alarms
from stacks.ci360.api import BulkApi
from stacks.ci360.function import Function
from stacks.ci360.settings import Ci360Settings, ResultsSettings
from stacks.log_groups import log_group
from stacks.packaging import function_code, layers
from stacks.queues import encrypted_queue
from stacks.removal import removal_policy
from stacks.settings import Settings
from stacks.storage import StorageStack
from stacks.watch import MAX_EVENT_AGE, RETRY_ATTEMPTS

WEBHOOK_S = 15  # API Gateway waits for up to 29 seconds; an answer takes a fraction of a second
TRANSFER_S = 300
RESULTS_S = 60
# AWS's advice for a queue that a function reads:
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html, read 2026-11-22
MAX_RECEIVES = 5
VISIBILITY_TIMEOUTS = 6
# The functions' layers differ from the connectors': nothing here is columnar.
LAYERS = ("vendor", "activation")


class Ci360Stack(Stack):
    """The stack of SAS CI360; it is only deployed if the settings have its section."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        ci360: Ci360Settings,
        storage: StorageStack,
        root: Path,
    ) -> None:
        super().__init__(
            scope, id_, description="Audience Activation: the webhook that lands SAS CI360's bulk audiences"
        )
        self._settings, self._storage = settings, storage
        self.ci360 = ci360
        self._code = function_code("ci360", root=root)
        self._layers = layers(self, settings.wheels, root, LAYERS)
        self.table = self._table()
        self.dead_letters = self._queue("DeadLetters", retention=Duration.days(14))
        self.queue = self._queue(
            "Queue", retention=Duration.days(4), timeout_s=TRANSFER_S, dead_letters=self.dead_letters
        )
        files = ci360.sas_files
        self._sas_bucket: s3.IBucket | None = storage.sas_files
        if files and files.bucket:
            self._sas_bucket = s3.Bucket.from_bucket_name(self, "SasFiles", files.bucket)
        self.webhook = self._webhook()
        self.transfer = self._transfer()
        self.api = BulkApi(
            self,
            "Bulk",
            name=settings.name,
            ci360=ci360,
            function=self.webhook.function,
            access_log=log_group(self, settings, storage.key, "AccessLog") if ci360.logs_role != "none" else None,
        )
        self.alarms = self._alarms()
        self.results = self._results(ci360.results) if ci360.results else None
        self._outputs()

    def _table(self) -> dynamodb.Table:
        """Make the occurrence table; until a file has landed, its record contains the signed links to it."""
        retain = self._settings.removal != "destroy"
        return dynamodb.Table(
            self,
            "Occurrences",
            partition_key=dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
            encryption_key=self._storage.key,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True,
                recovery_period_in_days=self._settings.retention.backups_days,
            ),
            time_to_live_attribute="expires_at",
            deletion_protection=retain,
            removal_policy=RemovalPolicy.RETAIN if retain else RemovalPolicy.DESTROY,
        )

    def _queue(
        self, id_: str, *, retention: Duration, timeout_s: int = 0, dead_letters: sqs.Queue | None = None
    ) -> sqs.Queue:
        """Make a queue with SSE-SQS; messages name a key and contain neither a link nor a member."""
        return encrypted_queue(
            self,
            id_,
            retention=retention,
            visibility_timeout=Duration.seconds(VISIBILITY_TIMEOUTS * timeout_s) if timeout_s else None,
            dead_letters=dead_letters,
            max_receives=MAX_RECEIVES,
        )

    def _webhook(self) -> Function:
        drops = {one.name: self.ci360.drops.get(one.name, ()) for one in self._settings.connectors}
        return Function(
            self,
            "Webhook",
            settings=self._settings,
            storage=self._storage,
            code=self._code,
            layers=self._layers,
            handler="webhook",
            description="Accepts SAS CI360's bulk tasks",
            timeout_s=WEBHOOK_S,
            reserved_concurrency=self.ci360.reserved_concurrency or None,
            environment={
                "OCCURRENCE_TABLE": self.table.table_name,
                "QUEUE_URL": self.queue.queue_url,
                "DROPS_BUCKET": self._storage.drops.bucket_name,
                "LANDING_PREFIX": f"{self.ci360.landing_prefix}/",
                "DROPS": json.dumps(drops),
                "ALLOWED_HOSTS": json.dumps(self.ci360.allowed_hosts),
                "KEEP_DAYS": str(self.ci360.keep_days),
                **self._of_sas_files(),
            },
            statements=[
                *permissions.record(self.table, self._storage.key, ["UpdateItem"]),
                permissions.send("Enqueue", self.queue),
            ],
        )

    def _transfer(self) -> Function:
        ci360, storage = self.ci360, self._storage
        return Function(
            self,
            "Transfer",
            settings=self._settings,
            storage=storage,
            code=self._code,
            layers=self._layers,
            handler="transfer",
            description="Transfers SAS CI360's files into the drops bucket",
            timeout_s=TRANSFER_S,
            environment={
                "OCCURRENCE_TABLE": self.table.table_name,
                "QUEUE_URL": self.queue.queue_url,
                "DEAD_LETTER_QUEUE_URL": self.dead_letters.queue_url,
                "DROPS_BUCKET": storage.drops.bucket_name,
                "EVENT_BUS_NAME": storage.bus.event_bus_name,
                "ALLOWED_HOSTS": json.dumps(ci360.allowed_hosts),
                "LANDING_HEADER": ci360.landing_header,
                "MAX_FILE_BYTES": str(ci360.max_file_gb * 1024**3),
                "DEADLINE_S": str(ci360.deadline_hours * 3600),
                "KEEP_DAYS": str(ci360.keep_days),
                **self._of_sas_files(),
            },
            statements=[
                *permissions.record(self.table, storage.key, ["GetItem", "UpdateItem"]),
                *permissions.files(storage.drops, storage.key, ci360.prefixes),
                *self._to_sas_files(),
                permissions.send("GoOn", self.queue),
                permissions.send("Bury", self.dead_letters),
                permissions.put_events(storage.bus),
            ],
            queue=self.queue,
            max_concurrency=ci360.max_concurrency,
            loops=True,
        )

    def _of_sas_files(self) -> dict[str, str]:
        """Return what the functions must know of SAS's files, nothing if there are none."""
        if self.ci360.sas_files is None or self._sas_bucket is None:
            return {}
        return {"SAS_FILES": self.ci360.sas_files.landing, "SAS_FILES_BUCKET": self._sas_bucket.bucket_name}

    def _to_sas_files(self) -> list[iam.PolicyStatement]:
        if self.ci360.sas_files is None or self._sas_bucket is None:
            return []
        key_arn = self.ci360.sas_files.key_arn if self.ci360.sas_files.bucket else self._storage.key.key_arn
        return permissions.sas_files(self._sas_bucket.bucket_arn, key_arn)

    def _results(self, results: ResultsSettings) -> Function:
        """Make the parts that report to CI360: a rule on the app's bus, a queue, a secret, a function."""
        dead_letters = self._queue("ResultsDeadLetters", retention=Duration.days(14))
        queue = self._queue(
            "ResultsQueue", retention=Duration.days(4), timeout_s=RESULTS_S, dead_letters=dead_letters
        )
        self.secret = secretsmanager.CfnSecret(
            self,
            "Secret",
            description="SAS CI360's access point: tenant_id, client_secret; empty until an operator writes it",
            kms_key_id=self._storage.key.key_arn,
        )
        self.secret.apply_removal_policy(removal_policy(self._settings))
        function = Function(
            self,
            "Results",
            settings=self._settings,
            storage=self._storage,
            code=self._code,
            layers=self._layers,
            handler="results",
            description="Reports the results of files to SAS CI360",
            timeout_s=RESULTS_S,
            environment={
                "OCCURRENCE_TABLE": self.table.table_name,
                "QUEUE_URL": queue.queue_url,
                "SECRET_ARN": self.secret.ref,
                "GATEWAY": results.gateway,
                **({"ANY_ENDPOINT": "1"} if self._settings.endpoints == "any" else {}),
                "LANDED_EVENT": results.landed_event,
                "COMPLETED_EVENT": results.completed_event,
                "FAILED_EVENT": results.failed_event,
                "IDENTITY_FIELD": results.identity_field,
                "IDENTITY": results.identity,
            },
            statements=[
                *permissions.record(self.table, self._storage.key, ["GetItem"]),
                *permissions.read_secret(self.secret, self._storage.key),
            ],
            queue=queue,
            max_concurrency=2,
        )
        self.rule = events.Rule(
            self,
            "ResultsRule",
            description="Results of files and drops, for SAS CI360",
            event_bus=self._storage.bus,
            event_pattern=events.EventPattern(
                source=[NOTICE_SOURCE],
                detail_type=["Landing Completed", "Landing Failed", "Activation Completed", "Activation Failed"],
            ),
            targets=[
                targets.SqsQueue(
                    queue,
                    retry_attempts=RETRY_ATTEMPTS,
                    max_event_age=MAX_EVENT_AGE,
                    dead_letter_queue=dead_letters,
                )
            ],
        )
        self.alarms.dead_letters(
            "Untold", dead_letters, "did not receive results; see the queue ResultsDeadLetters"
        )
        self.alarms.function("Results", function, "the function that reports results")
        self.alarms.rule(self.rule, self._storage.bus, "the queue ResultsDeadLetters")
        CfnOutput(self, "Ci360SecretArn", value=self.secret.ref)
        CfnOutput(self, "Ci360ResultsFunctionName", value=function.function.function_name)
        return function

    def _alarms(self) -> Ci360Alarms:
        alarms = Ci360Alarms(self, "Alarms", email=self.ci360.alarm_email, storage=self._storage)
        alarms.dead_letters("DeadLetters", self.dead_letters, "a file did not land; its dead letter says why")
        alarms.backlog(
            "Backlog", self.queue, Duration.hours(1), "a file has waited for an hour; its link will expire"
        )
        alarms.function("Webhook", self.webhook, "the webhook's function")
        alarms.function("Transfer", self.transfer, "the function that transfers files")
        alarms.server_errors("ServerErrors", self.api.api, "calls of the webhook were answered with 5xx")
        return alarms

    def _outputs(self) -> None:
        CfnOutput(self, "Ci360Url", value=self.api.url)
        for number, key in enumerate(self.api.keys):
            CfnOutput(self, f"Ci360ApiKeyId{number + 1 if number else ''}", value=key.key_id)
        CfnOutput(self, "Ci360QueueUrl", value=self.queue.queue_url)
        CfnOutput(self, "Ci360DeadLetterQueueUrl", value=self.dead_letters.queue_url)
        CfnOutput(self, "Ci360OccurrenceTable", value=self.table.table_name)
        CfnOutput(self, "Ci360WebhookFunctionName", value=self.webhook.function.function_name)
        CfnOutput(self, "Ci360TransferFunctionName", value=self.transfer.function.function_name)
        if self._sas_bucket:
            CfnOutput(self, "Ci360SasFilesBucket", value=self._sas_bucket.bucket_name)
        if self.ci360.alarm_email:
            CfnOutput(self, "Ci360AlarmTopicArn", value=self.alarms.topic.topic_arn)
