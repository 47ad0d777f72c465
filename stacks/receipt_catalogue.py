"""The receipts as a table of the Glue catalogue, and the Athena workgroup in which people query it."""

from __future__ import annotations

from aws_cdk import Aws, Stack
from aws_cdk import aws_athena as athena
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.receipt_table import BYTES_SCANNED_LIMIT, COLUMNS, KEY, PREFIX, QUERIES, RESULTS, TABLE
from stacks.statements import allow, through_key

_FORMAT = "org.apache.hadoop.hive.ql.io.parquet"


class ReceiptCatalogue(Construct):
    """Database, table, workgroup, named queries, and the policy of people who query.

    `app` is the app's name. `analyst` does not read the receipts themselves: who queries has the reader's
    policy too.
    """

    def __init__(self, scope: Construct, id_: str, *, app: str, receipts: s3.IBucket, key: kms.IKey) -> None:
        super().__init__(scope, id_)
        # Athena takes no hyphens in names: https://docs.aws.amazon.com/athena/latest/ug/tables-databases-columns-names.html,
        # read 2026-11-30
        self.database_name = f"{app.replace('-', '_')}_receipts"
        self.workgroup_name = f"{app}-receipts"
        database = glue.CfnDatabase(
            self,
            "Database",
            catalog_id=Aws.ACCOUNT_ID,
            database_input=glue.CfnDatabase.DatabaseInputProperty(
                name=self.database_name, description="Receipts of Audience Activation"
            ),
        )
        self._table(receipts).add_resource_dependency(database)
        workgroup = self._workgroup(receipts, key)
        for query in QUERIES:
            named = athena.CfnNamedQuery(
                self,
                f"Query{query.name.title().replace('-', '')}",
                database=self.database_name,
                name=query.name,
                description=query.purpose,
                query_string=query.sql,
                work_group=self.workgroup_name,
            )
            named.add_resource_dependency(workgroup)
            named.add_resource_dependency(database)
        self.analyst = self._analyst(receipts, key)

    def _table(self, receipts: s3.IBucket) -> glue.CfnTable:
        return glue.CfnTable(
            self,
            "Table",
            catalog_id=Aws.ACCOUNT_ID,
            database_name=self.database_name,
            table_input=glue.CfnTable.TableInputProperty(
                name=TABLE,
                description="One row a receipt; `activation receipts` brings it up to date",
                table_type="EXTERNAL_TABLE",
                parameters={"classification": "parquet", "EXTERNAL": "TRUE"},
                storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
                    columns=[
                        glue.CfnTable.ColumnProperty(name=name, type=type_, comment=comment)
                        for name, (type_, comment) in COLUMNS.items()
                    ],
                    location=f"s3://{receipts.bucket_name}/{PREFIX}",
                    input_format=f"{_FORMAT}.MapredParquetInputFormat",
                    output_format=f"{_FORMAT}.MapredParquetOutputFormat",
                    serde_info=glue.CfnTable.SerdeInfoProperty(
                        serialization_library=f"{_FORMAT}.serde.ParquetHiveSerDe"
                    ),
                ),
            ),
        )

    def _workgroup(self, receipts: s3.IBucket, key: kms.IKey) -> athena.CfnWorkGroup:
        return athena.CfnWorkGroup(
            self,
            "Workgroup",
            name=self.workgroup_name,
            description="Queries over receipts",
            # Else a workgroup in which anybody ever asked could not be deleted with the stack.
            recursive_delete_option=True,
            work_group_configuration=athena.CfnWorkGroup.WorkGroupConfigurationProperty(
                enforce_work_group_configuration=True,
                bytes_scanned_cutoff_per_query=BYTES_SCANNED_LIMIT,
                result_configuration=athena.CfnWorkGroup.ResultConfigurationProperty(
                    output_location=f"s3://{receipts.bucket_name}/{RESULTS}",
                    encryption_configuration=athena.CfnWorkGroup.EncryptionConfigurationProperty(
                        encryption_option="SSE_KMS", kms_key=key.key_arn
                    ),
                ),
            ),
        )

    def _analyst(self, receipts: s3.IBucket, key: kms.IKey) -> iam.ManagedPolicy:
        # https://docs.aws.amazon.com/athena/latest/ug/example-policies-workgroup.html and
        # https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html, read 2026-11-30
        stack = Stack.of(self)
        return iam.ManagedPolicy(
            self,
            "Analyst",
            description="Query the table of receipts, together with the reader's policy",
            statements=[
                allow(
                    "Query",
                    [
                        "athena:GetQueryExecution",
                        "athena:GetQueryResults",
                        "athena:GetWorkGroup",
                        "athena:StartQueryExecution",
                        "athena:StopQueryExecution",
                    ],
                    [stack.format_arn(service="athena", resource="workgroup", resource_name=self.workgroup_name)],
                ),
                allow(
                    "FindTheTable",
                    ["glue:GetDatabase", "glue:GetPartitions", "glue:GetTable"],
                    [
                        stack.format_arn(service="glue", resource="catalog"),
                        stack.format_arn(service="glue", resource="database", resource_name=self.database_name),
                        stack.format_arn(
                            service="glue", resource="table", resource_name=f"{self.database_name}/{TABLE}"
                        ),
                    ],
                ),
                allow("BringUpToDate", ["s3:GetObject", "s3:PutObject"], [receipts.arn_for_objects(KEY)]),
                allow(
                    "Results",
                    ["s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"],
                    [receipts.arn_for_objects(f"{RESULTS}*")],
                ),
                allow("FindTheBucket", ["s3:GetBucketLocation", "s3:ListBucket"], [receipts.bucket_arn]),
                through_key(key, ["kms:Decrypt", "kms:GenerateDataKey"], "s3"),
            ],
        )
