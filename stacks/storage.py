"""Storage stack: the buckets of drops, receipts and mirrors, the ledger, and the event archive for replays."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.alarm_topic import address, alarm_topic, notices_key, topic_arn
from stacks.ci360.settings import Ci360Settings
from stacks.log_key import let_logs_use
from stacks.normalize.settings import NormalizeSettings
from stacks.object_events import any_created, object_created
from stacks.other_accounts import let_drop
from stacks.people import Readers, sas_files_reader
from stacks.receipt_catalogue import ReceiptCatalogue
from stacks.receipt_table import PREFIX, RESULTS, RESULTS_OF_EXPORTS, RESULTS_OF_PARTS
from stacks.removal import removal_policy
from stacks.retention_settings import Retention
from stacks.run_index import ACTION, INCLUDED, RUN_INDEX, STARTED_AT
from stacks.settings import Settings
from stacks.source_settings import SourceSettings


class StorageStack(Stack):
    """Everything that outlives a connector. One customer key encrypts all that contains or names members."""

    def __init__(self, scope: Construct, id_: str, *, settings: Settings) -> None:
        super().__init__(
            scope,
            id_,
            description="Audience Activation: drops, receipts, ledger, event archive",
            termination_protection=settings.removal == "retain",
        )
        retention = settings.retention
        self._removal = removal_policy(settings)
        existing = settings.storage
        self.key: kms.IKey = (
            kms.Key.from_key_arn(self, "Key", existing.key_arn) if existing.key_arn else self._key(settings.name)
        )
        self.access_logs = self._access_logs(retention)
        self.drops = self._drops(retention, existing.drops_bucket, settings.ci360)
        self.receipts = self._receipts(retention, existing.receipts_bucket)
        self.mirrors = self._mirrors(existing.mirrors_bucket)
        self.sas_files = self._sas_files(retention, settings.ci360)
        self.exports = self._exports(retention, settings.normalize)
        self.ledger = self._ledger(retention)
        self.bus = events.EventBus(self, "Bus", description="Receipts and rejects of each drop")
        self.archive = self._archive(retention, settings.sources)
        for connector in settings.connectors:
            let_drop(connector, self.drops, self.key)
        self.readers = Readers(
            self,
            "People",
            app=settings.name,
            connectors=settings.connectors,
            key=self.key,
            drops=self.drops,
            receipts=self.receipts,
            ledger=self.ledger,
        )
        self.catalogue = ReceiptCatalogue(
            self, "ReceiptCatalogue", app=settings.name, receipts=self.receipts, key=self.key
        )
        self.sas_files_reader = sas_files_reader(self, self.sas_files, self.key) if self.sas_files else None
        self.notices_key = notices_key(
            self,
            "NoticesKey",
            name=settings.name,
            removal=self._removal,
            alarms=f"{settings.name}-*",
            notices=True,
        )
        self.alarm_topic = self._alarm_topic(settings)
        self._outputs()

    def _key(self, name: str) -> kms.Key:
        key = kms.Key(
            self,
            "Key",
            description=f"{name}: drops, receipts, ledger, secrets and logs",
            enable_key_rotation=True,
            removal_policy=self._removal,
        )
        let_logs_use(key, f"{name}-*")
        return key

    def _access_logs(self, retention: Retention) -> s3.Bucket:
        # S3 delivers access logs to SSE-S3 buckets only:
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html, read 2026-11-22
        return self._bucket("AccessLogs", s3.LifecycleRule(expiration=Duration.days(retention.access_logs_days)))

    def _drops(self, retention: Retention, name: str, ci360: Ci360Settings | None) -> s3.Bucket:
        bucket = self._bucket(
            "Drops",
            s3.LifecycleRule(
                expiration=Duration.days(retention.drops_days),
                noncurrent_version_expiration=Duration.days(retention.noncurrent_drops_days),
                abort_incomplete_multipart_upload_after=Duration.days(1),
            ),
            key=self.key,
            versioned=True,
            name=name,
        )
        if ci360 is not None and ci360.landing_days:
            # Beside the rule above; the sooner of the two counts.
            bucket.add_lifecycle_rule(
                prefix=f"{ci360.landing_prefix}/", expiration=Duration.days(ci360.landing_days)
            )
        _tell_event_bridge(bucket)
        return bucket

    def _receipts(self, retention: Retention, name: str) -> s3.Bucket:
        # A separate bucket without events: a receipt can never be taken for a drop.
        # With versions, so that whoever overwrites or deletes a receipt by mistake destroys no evidence.
        bucket = self._bucket(
            "Receipts",
            s3.LifecycleRule(
                expiration=Duration.days(retention.receipts_days),
                noncurrent_version_expiration=Duration.days(retention.noncurrent_receipts_days),
                abort_incomplete_multipart_upload_after=Duration.days(1),
            ),
            key=self.key,
            versioned=True,
            name=name,
        )
        # What Athena wrote of a query was read as soon as it had ended, and the table is made of the receipts.
        day = Duration.days(1)
        for results in (RESULTS, RESULTS_OF_PARTS, RESULTS_OF_EXPORTS):
            bucket.add_lifecycle_rule(prefix=results, expiration=day, noncurrent_version_expiration=day)
        bucket.add_lifecycle_rule(prefix=PREFIX, noncurrent_version_expiration=day)
        return bucket

    def _mirrors(self, name: str) -> s3.Bucket:
        # Hashes of people, in a bucket of its own that only the connectors' functions read. What an audience holds
        # now must never expire, so the run that commits deletes what it no longer needs; without versions, since a
        # deleted snapshot is somebody's wish to be forgotten.
        return self._bucket(
            "Mirrors",
            s3.LifecycleRule(abort_incomplete_multipart_upload_after=Duration.days(1)),
            key=self.key,
            name=name,
        )

    def _sas_files(self, retention: Retention, ci360: Ci360Settings | None) -> s3.Bucket | None:
        """Make the bucket of files as SAS's connector writes them, unless there are none or it exists already."""
        files = ci360.sas_files if ci360 else None
        if files is None or files.bucket:
            return None
        # Each run of a task writes its file anew: with versions, the one before is not lost at once.
        return self._bucket(
            "SasFiles",
            s3.LifecycleRule(
                expiration=Duration.days(files.days) if files.days else None,
                noncurrent_version_expiration=Duration.days(retention.noncurrent_drops_days),
                abort_incomplete_multipart_upload_after=Duration.days(1),
            ),
            key=self.key,
            versioned=True,
        )

    def _exports(self, retention: Retention, normalize: NormalizeSettings | None) -> s3.Bucket | None:
        """Make the bucket of exports that a job turns into drops, unless there are none or it exists already."""
        if normalize is None or normalize.bucket:
            return None
        bucket = self._bucket(
            "Exports",
            s3.LifecycleRule(
                expiration=Duration.days(normalize.exports_days),
                noncurrent_version_expiration=Duration.days(retention.noncurrent_drops_days),
                abort_incomplete_multipart_upload_after=Duration.days(1),
            ),
            key=self.key,
            versioned=True,
        )
        _tell_event_bridge(bucket)
        return bucket

    def _bucket(
        self,
        id_: str,
        rule: s3.LifecycleRule,
        *,
        key: kms.IKey | None = None,
        versioned: bool = False,
        name: str = "",
    ) -> s3.Bucket:
        """Make a private bucket: encrypted with `key` and access-logged, or neither."""
        return s3.Bucket(
            self,
            id_,
            bucket_name=name or None,
            encryption=s3.BucketEncryption.KMS if key else s3.BucketEncryption.S3_MANAGED,
            encryption_key=key,
            # One data key for many objects, because KMS would slow down a large export.
            bucket_key_enabled=True if key else None,
            versioned=versioned,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            server_access_logs_bucket=self.access_logs if key else None,
            server_access_logs_prefix=f"{id_.lower()}/" if key else None,
            lifecycle_rules=[rule],
            removal_policy=self._removal,
        )

    def _ledger(self, retention: Retention) -> dynamodb.Table:
        table = dynamodb.Table(
            self,
            "Ledger",
            partition_key=dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
            encryption_key=self.key,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True, recovery_period_in_days=retention.backups_days
            ),
            time_to_live_attribute="expires_at",
            deletion_protection=self._removal is RemovalPolicy.RETAIN,
            removal_policy=self._removal,
        )
        table.add_global_secondary_index(
            index_name=RUN_INDEX,
            partition_key=dynamodb.Attribute(name=ACTION, type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name=STARTED_AT, type=dynamodb.AttributeType.NUMBER),
            projection_type=dynamodb.ProjectionType.INCLUDE,
            non_key_attributes=[*INCLUDED],
        )
        return table

    def _archive(self, retention: Retention, sources: Sequence[SourceSettings]) -> events.Archive:
        archive = events.Archive(
            self,
            "Archive",
            source_event_bus=events.EventBus.from_event_bus_name(self, "DefaultBus", "default"),
            description="New objects in the drops bucket and the sources, for `activation replay`",
            event_pattern=any_created(self.drops, sources) if sources else object_created(self.drops.bucket_name),
            retention=Duration.days(retention.archive_days),
        )
        archive.apply_removal_policy(self._removal)
        return archive

    def _alarm_topic(self, settings: Settings) -> sns.ITopic:
        """Return the topic of whoever is told of the whole app, with no subscription if nobody is."""
        if given := topic_arn(settings.alarms):
            return sns.Topic.from_topic_arn(self, "AlarmTopic", given)
        return alarm_topic(
            self,
            "AlarmTopic",
            title="Audience Activation",
            email=address(settings.alarms),
            key=self.notices_key,
            alarms=f"{settings.name}-*",
            notices=True,
        )

    def _outputs(self) -> None:
        CfnOutput(self, "DropsBucket", value=self.drops.bucket_name)
        # Who uploads with a header of their own names this key; the bucket uses it by default.
        CfnOutput(self, "KeyArn", value=self.key.key_arn)
        CfnOutput(self, "ForgetterPolicyArn", value=self.readers.forgetter.managed_policy_arn)
        CfnOutput(self, "ReaderPolicyArn", value=self.readers.reader.managed_policy_arn)
        for name, policy in self.readers.droppers.items():
            prefix = "".join(part.title() for part in name.split("-"))
            CfnOutput(self, f"{prefix}DropperPolicyArn", value=policy.managed_policy_arn)
        if self.sas_files and self.sas_files_reader:
            CfnOutput(self, "SasFilesBucket", value=self.sas_files.bucket_name)
            CfnOutput(self, "SasFilesReaderPolicyArn", value=self.sas_files_reader.managed_policy_arn)
        if self.exports:
            CfnOutput(self, "ExportsBucket", value=self.exports.bucket_name)
        CfnOutput(self, "ReceiptsBucket", value=self.receipts.bucket_name)
        CfnOutput(self, "ReceiptsDatabase", value=self.catalogue.database_name)
        CfnOutput(self, "ReceiptsWorkgroup", value=self.catalogue.workgroup_name)
        CfnOutput(self, "AnalystPolicyArn", value=self.catalogue.analyst.managed_policy_arn)
        CfnOutput(self, "MirrorsBucket", value=self.mirrors.bucket_name)
        CfnOutput(self, "LedgerTable", value=self.ledger.table_name)
        CfnOutput(self, "EventBusName", value=self.bus.event_bus_name)
        CfnOutput(self, "ArchiveArn", value=self.archive.archive_arn)
        CfnOutput(self, "AlarmTopicArn", value=self.alarm_topic.topic_arn)


def _tell_event_bridge(bucket: s3.Bucket) -> None:
    """Send the bucket's events to EventBridge; event_bridge_enabled=True would use a custom function."""
    resource = bucket.node.default_child
    assert isinstance(resource, s3.CfnBucket)
    resource.add_property_override("NotificationConfiguration.EventBridgeConfiguration.EventBridgeEnabled", True)
