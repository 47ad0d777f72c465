"""What every Athena data set of the app is made of: a table over files, a workgroup, and what queries need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aws_cdk import Aws, Stack
from aws_cdk import aws_athena as athena
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.receipt_table import BYTES_SCANNED_LIMIT
from stacks.statements import allow

_FORMAT = "org.apache.hadoop.hive.ql.io.parquet"


@dataclass(frozen=True)
class FileFormat:
    """How a table's files are read: Hive's classes, and parameters of the SerDe and of the table."""

    classification: str
    input_format: str
    output_format: str
    serde: str
    serde_parameters: Mapping[str, str] = field(default_factory=dict)
    table_parameters: Mapping[str, str] = field(default_factory=dict)


PARQUET = FileFormat(
    "parquet",
    f"{_FORMAT}.MapredParquetInputFormat",
    f"{_FORMAT}.MapredParquetOutputFormat",
    f"{_FORMAT}.serde.ParquetHiveSerDe",
)


def add_database(scope: Construct, name: str, description: str) -> glue.CfnDatabase:
    """Add the database of the account's catalogue that a construct's tables are in."""
    return glue.CfnDatabase(
        scope,
        "Database",
        catalog_id=Aws.ACCOUNT_ID,
        database_input=glue.CfnDatabase.DatabaseInputProperty(name=name, description=description),
    )


def add_table(
    scope: Construct,
    id_: str,
    *,
    database: str,
    name: str,
    description: str,
    columns: Mapping[str, tuple[str, str]],
    location: str,
    parameters: Mapping[str, str] | None = None,
    partitions: Mapping[str, tuple[str, str]] | None = None,
    form: FileFormat = PARQUET,
) -> glue.CfnTable:
    """Add a table over files below `location`; columns and partition keys have an Athena type and a comment."""
    return glue.CfnTable(
        scope,
        id_,
        catalog_id=Aws.ACCOUNT_ID,
        database_name=database,
        table_input=glue.CfnTable.TableInputProperty(
            name=name,
            description=description,
            table_type="EXTERNAL_TABLE",
            parameters={
                "classification": form.classification,
                "EXTERNAL": "TRUE",
                **form.table_parameters,
                **(parameters or {}),
            },
            partition_keys=_columns(partitions) if partitions else None,
            storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
                columns=_columns(columns),
                location=location,
                input_format=form.input_format,
                output_format=form.output_format,
                serde_info=glue.CfnTable.SerdeInfoProperty(
                    serialization_library=form.serde, parameters=dict(form.serde_parameters) or None
                ),
            ),
        ),
    )


def add_workgroup(
    scope: Construct, id_: str, *, name: str, description: str, results: str, key: kms.IKey
) -> athena.CfnWorkGroup:
    """Add a workgroup whose queries scan a limited number of bytes and write to `results`, an s3:// URL."""
    return athena.CfnWorkGroup(
        scope,
        id_,
        name=name,
        description=description,
        # Else a workgroup in which anybody ever asked could not be deleted with the stack.
        recursive_delete_option=True,
        work_group_configuration=athena.CfnWorkGroup.WorkGroupConfigurationProperty(
            enforce_work_group_configuration=True,
            bytes_scanned_cutoff_per_query=BYTES_SCANNED_LIMIT,
            result_configuration=athena.CfnWorkGroup.ResultConfigurationProperty(
                output_location=results,
                encryption_configuration=athena.CfnWorkGroup.EncryptionConfigurationProperty(
                    encryption_option="SSE_KMS", kms_key=key.key_arn
                ),
            ),
        ),
    )


def may_query(
    stack: Stack, *, workgroup: str, database: str, tables: Sequence[str], bucket: s3.IBucket, results: str
) -> list[iam.PolicyStatement]:
    """Return what lets people query tables in a workgroup, whose results are below `results` in `bucket`.

    https://docs.aws.amazon.com/athena/latest/ug/example-policies-workgroup.html and
    https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html, read 2026-11-30
    """
    return [
        allow(
            "Query",
            [
                "athena:GetQueryExecution",
                "athena:GetQueryResults",
                "athena:GetWorkGroup",
                "athena:StartQueryExecution",
                "athena:StopQueryExecution",
            ],
            [stack.format_arn(service="athena", resource="workgroup", resource_name=workgroup)],
        ),
        allow(
            "FindTheTable",
            ["glue:GetDatabase", "glue:GetPartitions", "glue:GetTable"],
            [
                stack.format_arn(service="glue", resource="catalog"),
                stack.format_arn(service="glue", resource="database", resource_name=database),
                *(
                    stack.format_arn(service="glue", resource="table", resource_name=f"{database}/{one}")
                    for one in tables
                ),
            ],
        ),
        allow(
            "Results",
            ["s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"],
            [bucket.arn_for_objects(f"{results}*")],
        ),
    ]


def _columns(columns: Mapping[str, tuple[str, str]]) -> list[glue.CfnTable.ColumnProperty]:
    return [
        glue.CfnTable.ColumnProperty(name=name, type=type_, comment=comment)
        for name, (type_, comment) in columns.items()
    ]
