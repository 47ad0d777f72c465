"""Where records land: an encrypted bucket behind a delivery stream, and its table and queries."""

from __future__ import annotations

from aws_cdk import Aws, CfnOutput, Duration, RemovalPolicy
from aws_cdk import aws_athena as athena
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesisfirehose as firehose
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.marketing_stream import pinned
from stacks.marketing_stream.queries import queries, table_name
from stacks.marketing_stream.region import StreamRegionStack
from stacks.marketing_stream.settings import StreamDataset
from stacks.removal import removal_policy
from stacks.settings import Settings

# Java's calendar year; `YYYY` is the year of the week, which differs around New Year.
_ARRIVED = "year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/hour=!{timestamp:HH}/"
_BY_ATHENA = "year=${year}/month=${month}/day=${day}/hour=${hour}/"
# The hours in which a record may have arrived. Records older than the product do not exist.
_PARTITIONS = {"year": ("2022,2045", 4), "month": ("1,12", 2), "day": ("1,31", 2), "hour": ("0,23", 2)}


class Landing(Construct):
    """Bucket, delivery stream, table and saved queries of one dataset."""

    def __init__(
        self, scope: Construct, id_: str, *, settings: Settings, wanted: StreamDataset, region: StreamRegionStack
    ) -> None:
        super().__init__(scope, id_)
        assert settings.marketing_stream is not None
        self._settings, self._stream, self._wanted = settings, settings.marketing_stream, wanted
        self._prefix = f"{wanted.dataset.id}/"
        self.bucket = self._bucket(region)
        self.log_group = self._log_group(region)
        self._log_stream = logs.CfnLogStream(
            self, "DeliveryLog", log_group_name=self.log_group.log_group_name, log_stream_name="delivery"
        )
        self.role = self._role()
        self.stream = self._delivery_stream()
        self._table()
        self._outputs()

    def _bucket(self, region: StreamRegionStack) -> s3.Bucket:
        rules = [
            s3.LifecycleRule(
                abort_incomplete_multipart_upload_after=Duration.days(1),
                noncurrent_version_expiration=Duration.days(30),
                expiration=Duration.days(self._stream.keep_days) if self._stream.keep_days else None,
            )
        ]
        bucket = s3.Bucket(
            self,
            "Bucket",
            encryption=s3.BucketEncryption.S3_MANAGED,
            versioned=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            lifecycle_rules=rules,
            removal_policy=removal_policy(self._settings),
        )
        resource = bucket.node.default_child
        assert isinstance(resource, s3.CfnBucket)
        # Given the construct, the CDK would add this bucket to the log bucket's policy, in another stack.
        resource.logging_configuration = s3.CfnBucket.LoggingConfigurationProperty(
            destination_bucket_name=region.access_logs.bucket_name,
            log_file_prefix=f"{self._wanted.stack_name}/",
        )
        pinned.pin(bucket, pinned.LANDING_BUCKET)
        return bucket

    def _log_group(self, region: StreamRegionStack) -> logs.LogGroup:
        group = logs.LogGroup(self, "Logs", encryption_key=region.logs_key, removal_policy=RemovalPolicy.DESTROY)
        resource = group.node.default_child
        assert isinstance(resource, logs.CfnLogGroup)
        resource.retention_in_days = self._settings.retention.logs_days
        return group

    def _role(self) -> iam.Role:
        # https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html#using-iam-s3, read 2026-11-22
        statements = [
            iam.PolicyStatement(
                sid="WriteBelowItsPrefixes",
                actions=["s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload"],
                resources=self.objects,
            ),
            iam.PolicyStatement(
                sid="FindItsWay",
                actions=["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
                resources=[self.bucket.bucket_arn],
            ),
            iam.PolicyStatement(
                sid="SayWhatFailed",
                actions=["logs:PutLogEvents"],
                resources=[self.log_group.log_group_arn],
            ),
        ]
        return iam.Role(
            self,
            "Role",
            description=f"Permissions of the delivery stream of {self._wanted.stack_name}",
            assumed_by=iam.ServicePrincipal("firehose.amazonaws.com"),
            inline_policies={"Landing": iam.PolicyDocument(statements=statements)},
        )

    @property
    def objects(self) -> list[str]:
        """Return the objects that the delivery stream writes: records, and what it could not deliver."""
        return [self.bucket.arn_for_objects(f"{one}*") for one in (self._prefix, self._errors)]

    @property
    def _errors(self) -> str:
        return f"errors/{self._wanted.dataset.id}/"

    def _delivery_stream(self) -> firehose.CfnDeliveryStream:
        direct = "firehose" in self._wanted.deliveries
        stream = firehose.CfnDeliveryStream(
            self,
            "Stream",
            delivery_stream_type="DirectPut",
            delivery_stream_encryption_configuration_input=(
                firehose.CfnDeliveryStream.DeliveryStreamEncryptionConfigurationInputProperty(
                    key_type="AWS_OWNED_CMK"
                )
            ),
            extended_s3_destination_configuration=firehose.CfnDeliveryStream.ExtendedS3DestinationConfigurationProperty(
                bucket_arn=self.bucket.bucket_arn,
                role_arn=self.role.role_arn,
                prefix=f"{self._prefix}{_ARRIVED}",
                error_output_prefix=f"{self._errors}!{{firehose:error-output-type}}/{_ARRIVED}",
                buffering_hints=firehose.CfnDeliveryStream.BufferingHintsProperty(
                    interval_in_seconds=300, size_in_m_bs=64
                ),
                compression_format=self._stream.compression,
                cloud_watch_logging_options=firehose.CfnDeliveryStream.CloudWatchLoggingOptionsProperty(
                    enabled=True, log_group_name=self.log_group.log_group_name, log_stream_name="delivery"
                ),
                # Amazon's own records have no line end; those of the fan-out already have one.
                processing_configuration=_newlines() if direct else None,
            ),
        )
        stream.add_resource_dependency(self._log_stream)
        pinned.pin(stream, pinned.DELIVERY_STREAM)
        return stream

    def _table(self) -> None:
        dataset = self._wanted.dataset
        table = glue.CfnTable(
            self,
            "Table",
            catalog_id=Aws.ACCOUNT_ID,
            database_name=self._stream.database,
            table_input=glue.CfnTable.TableInputProperty(
                name=table_name(dataset.id),
                description=f"Records of {dataset.id} as they arrived, one per line, by hour of arrival in UTC",
                table_type="EXTERNAL_TABLE",
                parameters={"classification": "text", "EXTERNAL": "TRUE"} | self._projection(),
                partition_keys=[glue.CfnTable.ColumnProperty(name=one, type="int") for one in _PARTITIONS],
                storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
                    columns=[glue.CfnTable.ColumnProperty(name="line", type="string")],
                    location=f"s3://{self.bucket.bucket_name}/{self._prefix}",
                    input_format="org.apache.hadoop.mapred.TextInputFormat",
                    output_format="org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                    serde_info=glue.CfnTable.SerdeInfoProperty(
                        # The field separator is control character 1, which JSON cannot contain: the whole line is
                        # one column.
                        serialization_library="org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
                    ),
                ),
            ),
        )
        table.node.add_dependency(self.bucket)
        for query in queries(dataset.id, dataset.counting):
            athena.CfnNamedQuery(
                self,
                f"Query{query.name.title().replace('_', '')}",
                database=self._stream.database,
                name=query.name,
                description=query.purpose,
                query_string=query.sql,
            )

    def _projection(self) -> dict[str, str]:
        """Return the partitions as a rule, so that none has to be added each hour.

        https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html, read 2026-11-22
        """
        rule = {
            "projection.enabled": "true",
            "storage.location.template": f"s3://{self.bucket.bucket_name}/{self._prefix}{_BY_ATHENA}",
        }
        for name, (bounds, digits) in _PARTITIONS.items():
            rule |= {
                f"projection.{name}.type": "integer",
                f"projection.{name}.range": bounds,
                f"projection.{name}.digits": str(digits),
            }
        return rule

    def _outputs(self) -> None:
        for id_, value, logical_id in (
            ("LandingZoneBucket", self.bucket.bucket_arn, pinned.LANDING_BUCKET_OUTPUT),
            ("DeliveryStreamArn", self.stream.attr_arn, pinned.DELIVERY_STREAM_OUTPUT),
        ):
            pinned.pin(CfnOutput(self, id_, value=value), logical_id)


def _newlines() -> firehose.CfnDeliveryStream.ProcessingConfigurationProperty:
    """Return the processor that ends each record with a line feed.

    https://docs.aws.amazon.com/firehose/latest/APIReference/API_Processor.html, read 2026-11-22
    """
    return firehose.CfnDeliveryStream.ProcessingConfigurationProperty(
        enabled=True,
        processors=[
            firehose.CfnDeliveryStream.ProcessorProperty(
                type="AppendDelimiterToRecord",
                parameters=[
                    firehose.CfnDeliveryStream.ProcessorParameterProperty(
                        parameter_name="Delimiter", parameter_value="\\n"
                    )
                ],
            )
        ],
    )
