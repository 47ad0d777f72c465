"""What the dataset stacks of one realm share: access logs, the logs' key, alarms' topic, query database."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import Aws, CfnOutput, Duration, Environment, Stack
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.alarm_topic import address, alarm_topic, notices_key, topic_arn
from stacks.log_key import let_logs_use
from stacks.marketing_stream.catalogue import Realm
from stacks.marketing_stream.guard import GuardFunction
from stacks.marketing_stream.settings import StreamSettings
from stacks.removal import removal_policy
from stacks.settings import Settings


class StreamRegionStack(Stack):
    """The shared stack of each realm that receives a dataset."""

    def __init__(
        self, scope: Construct, id_: str, *, settings: Settings, realm: Realm, root: Path, datasets: bool
    ) -> None:
        super().__init__(
            scope,
            id_,
            description=f"Amazon Marketing Stream, {realm}: access logs, alarms and the query database",
            env=Environment(region=realm.region),
        )
        assert settings.marketing_stream is not None
        self.realm = realm
        self._removal = removal_policy(settings)
        self.access_logs = self._access_logs(settings)
        self.logs_key = self._logs_key(settings, settings.marketing_stream)
        # The stacks of v2 are this project's own, and nothing has to be kept in them.
        self.guard = (
            GuardFunction(self, "Guard", settings=settings, realm=realm, root=root, logs_key=self.logs_key)
            if datasets
            else None
        )
        self.alarm_topic = self._alarm_topic(settings, settings.marketing_stream)
        glue.CfnDatabase(
            self,
            "Database",
            catalog_id=Aws.ACCOUNT_ID,
            database_input=glue.CfnDatabase.DatabaseInputProperty(
                name=settings.marketing_stream.database, description="Landed records of Amazon Marketing Stream"
            ),
        )
        CfnOutput(self, "AlarmTopicArn", value=self.alarm_topic.topic_arn)
        CfnOutput(self, "DatabaseName", value=settings.marketing_stream.database)

    def _logs_key(self, settings: Settings, stream: StreamSettings) -> kms.Key:
        """Make the key of the realm's logs: one of the app's own region could not be used from here."""
        key = kms.Key(
            self,
            "LogsKey",
            description=f"{settings.name}, stream: logs",
            enable_key_rotation=True,
            removal_policy=self._removal,
        )
        let_logs_use(key, f"{stream.prefix}AmzStream*-{self.realm}-*", f"{self.stack_name}-*")
        return key

    def _alarm_topic(self, settings: Settings, stream: StreamSettings) -> sns.ITopic:
        """Return the topic of the realm's alarms: an alarm can only publish in its own region."""
        email = stream.alarm_email
        if not email and (given := topic_arn(settings.alarms)):
            return sns.Topic.from_topic_arn(self, "AlarmTopic", given)
        alarms = f"{stream.prefix}AmzStream*-{self.realm}-*"
        return alarm_topic(
            self,
            "AlarmTopic",
            title=f"Amazon Marketing Stream {self.realm}",
            email=email or address(settings.alarms),
            key=notices_key(
                self, "NoticesKey", name=f"{settings.name}, stream", removal=self._removal, alarms=alarms
            ),
            alarms=alarms,
            sid="AlarmsOfTheStream",
        )

    def _access_logs(self, settings: Settings) -> s3.Bucket:
        # S3 delivers access logs to SSE-S3 buckets only:
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html, read 2026-11-22
        bucket = s3.Bucket(
            self,
            "AccessLogs",
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            lifecycle_rules=[s3.LifecycleRule(expiration=Duration.days(settings.retention.access_logs_days))],
            removal_policy=self._removal,
        )
        # Not granted by the data buckets: a policy that named them would make the stacks depend on each other.
        bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AccessLogsOfThisAccount",
                principals=[iam.ServicePrincipal("logging.s3.amazonaws.com")],
                actions=["s3:PutObject"],
                resources=[bucket.arn_for_objects("*")],
                conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
            )
        )
        return bucket
