"""The receipts as a table of the Glue catalogue, and the Athena workgroup in which people query it."""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_athena as athena
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.athena import add_database, add_table, add_workgroup, may_query
from stacks.receipt_table import COLUMNS, KEY, PREFIX, QUERIES, RESULTS, TABLE
from stacks.statements import allow, through_key


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
        database = add_database(self, self.database_name, "Receipts of Audience Activation")
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
        return add_table(
            self,
            "Table",
            database=self.database_name,
            name=TABLE,
            description="One row a receipt; `activation receipts` brings it up to date",
            columns=COLUMNS,
            location=f"s3://{receipts.bucket_name}/{PREFIX}",
        )

    def _workgroup(self, receipts: s3.IBucket, key: kms.IKey) -> athena.CfnWorkGroup:
        return add_workgroup(
            self,
            "Workgroup",
            name=self.workgroup_name,
            description="Queries over receipts",
            results=f"s3://{receipts.bucket_name}/{RESULTS}",
            key=key,
        )

    def _analyst(self, receipts: s3.IBucket, key: kms.IKey) -> iam.ManagedPolicy:
        return iam.ManagedPolicy(
            self,
            "Analyst",
            description="Query the table of receipts, together with the reader's policy",
            statements=[
                *may_query(
                    Stack.of(self),
                    workgroup=self.workgroup_name,
                    database=self.database_name,
                    tables=[TABLE],
                    bucket=receipts,
                    results=RESULTS,
                ),
                allow("BringUpToDate", ["s3:GetObject", "s3:PutObject"], [receipts.arn_for_objects(KEY)]),
                allow("FindTheBucket", ["s3:GetBucketLocation", "s3:ListBucket"], [receipts.bucket_arn]),
                through_key(key, ["kms:Decrypt", "kms:GenerateDataKey"], "s3"),
            ],
        )
