"""A stack for Stream v2: the bucket that Amazon writes Parquet files to, a queue of their names, and the keys.

Built from Amazon's published template, not from an observed delivery: StreamV2_S3_CF_Template.yaml in
https://github.com/amzn/ads-advanced-tools-docs/tree/main/amazon_marketing_stream, read 2026-11-22.
"""

from __future__ import annotations

from aws_cdk import Aws, CfnOutput, Duration, Environment, RemovalPolicy, Stack, Tags
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.marketing_stream.catalogue import PUBLISHER_ROLE
from stacks.marketing_stream.region import StreamRegionStack
from stacks.marketing_stream.settings import StreamV2
from stacks.removal import removal_policy
from stacks.settings import Settings
from stacks.watch import Watch

# The template's own defaults.
_VISIBILITY = Duration.seconds(300)
_RECEIVES = 5
_KEY_PENDING_DAYS = 30


class StreamV2Stack(Stack):
    """`AmzStreamV2-<realm>-<name>`: the destination of a v2 subscription; nothing here reads the files."""

    def __init__(
        self, scope: Construct, id_: str, *, settings: Settings, wanted: StreamV2, region: StreamRegionStack
    ) -> None:
        super().__init__(
            scope,
            id_,
            description=f"Amazon Marketing Stream v2, {wanted.realm}: destination of {wanted.name}",
            env=Environment(region=wanted.realm.region),
        )
        assert settings.marketing_stream is not None
        self._reviewers = [iam.ArnPrincipal(one) for one in settings.marketing_stream.reviewers]
        self._publisher = iam.ArnPrincipal(PUBLISHER_ROLE)
        self._removal = removal_policy(settings)
        self.add_stack_dependency(region)
        self.data_key = self._key("DataKey", "s3", self._removal)
        self.queue_key = self._key("QueueKey", "sqs", RemovalPolicy.DESTROY)
        self.bucket = self._bucket(wanted, region)
        self.dead_letters = self._queue("DeadLetters")
        self.queue = self._queue(
            "Queue", sqs.DeadLetterQueue(queue=self.dead_letters, max_receive_count=_RECEIVES)
        )
        self._who_may_tell()
        self._alarms(region)
        CfnOutput(
            self,
            "Destination",
            description="The destination for the v2 subscription call",
            value=self.to_json_string(
                {"bucketArn": self.bucket.bucket_arn, "notification": {"queueArn": self.queue.queue_arn}}
            ),
        )
        Tags.of(self).add("data_set_id", "ads-performance-v1")

    def _key(self, id_: str, service: str, removal: RemovalPolicy) -> kms.Key:
        key = kms.Key(
            self,
            id_,
            description=f"{self.stack_name}: what Amazon writes through {service}",
            enable_key_rotation=True,
            pending_window=Duration.days(_KEY_PENDING_DAYS),
            removal_policy=removal,
        )
        key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AmazonEncryptsWhatItSends",
                principals=[self._publisher],
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                resources=["*"],  # in a key's policy, "*" is this key
                conditions={"StringEquals": {"kms:ViaService": f"{service}.{self.region}.amazonaws.com"}},
            )
        )
        return key

    def _bucket(self, wanted: StreamV2, region: StreamRegionStack) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            "Data",
            bucket_name=f"{wanted.bucket_start}-{Aws.ACCOUNT_ID}-{self.region}-data",
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self.data_key,
            bucket_key_enabled=True,
            versioned=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            lifecycle_rules=[
                s3.LifecycleRule(
                    abort_incomplete_multipart_upload_after=Duration.days(1),
                    noncurrent_version_expiration=Duration.days(30),
                )
            ],
            removal_policy=self._removal,
        )
        resource = bucket.node.default_child
        assert isinstance(resource, s3.CfnBucket)
        resource.logging_configuration = s3.CfnBucket.LoggingConfigurationProperty(
            destination_bucket_name=region.access_logs.bucket_name, log_file_prefix=f"{self.stack_name}/"
        )
        bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AmazonWritesFiles",
                principals=[self._publisher],
                actions=["s3:PutObject"],
                resources=[bucket.arn_for_objects("*")],
            )
        )
        bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AmazonReviewsTheBucket",
                principals=self._reviewers,
                actions=["s3:ListBucket"],
                resources=[bucket.bucket_arn],
                conditions={"StringEquals": {"s3:prefix": ""}},
            )
        )
        return bucket

    def _queue(self, id_: str, dead_letters: sqs.DeadLetterQueue | None = None) -> sqs.Queue:
        return sqs.Queue(
            self,
            id_,
            encryption=sqs.QueueEncryption.KMS,
            encryption_master_key=self.queue_key,
            enforce_ssl=True,
            retention_period=Duration.days(14),
            receive_message_wait_time=Duration.seconds(20),
            visibility_timeout=_VISIBILITY if dead_letters else None,
            dead_letter_queue=dead_letters,
        )

    def _who_may_tell(self) -> None:
        for sid, principals, action in (
            ("AmazonNamesNewFiles", [self._publisher], "sqs:SendMessage"),
            ("AmazonReviewsTheQueue", self._reviewers, "sqs:GetQueueAttributes"),
        ):
            self.queue.add_to_resource_policy(
                iam.PolicyStatement(
                    sid=sid, principals=principals, actions=[action], resources=[self.queue.queue_arn]
                )
            )

    def _alarms(self, region: StreamRegionStack) -> None:
        watch = Watch(self, region.alarm_topic, f"{self.stack_name}: ")
        watch.age("Lag", self.queue, Duration.hours(1), "a new file's name has waited in the queue for an hour")
        watch.depth("DeadLettersAlarm", self.dead_letters, "file names are in the dead-letter queue")
