"""The drops that the job makes, as tables of the Glue catalogue, and the Athena workgroup that queries them.

A table for each export. Its partitions are the drops' folders, which Athena takes from the query and looks up
nowhere (https://docs.aws.amazon.com/athena/latest/ug/partition-projection-dynamic-id-partitioning.html, read
2026-11-30): no crawler runs, nothing has to be registered, and a drop that was deleted has no rows. What lies
beside the parts begins with "_", which Athena passes over.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.athena import add_database, add_table, add_workgroup
from stacks.normalize.analyst import Queried, may_read
from stacks.normalize.output_columns import output_columns
from stacks.normalize.settings import ExportSettings
from stacks.receipt_table import RESULTS_OF_PARTS
from stacks.statements import through_key
from stacks.storage import StorageStack

FOLDER = "folder"  # the partition key: the name of a drop's folder


class PartsCatalogue(Construct):
    """Database, a table for each of `exports`, workgroup, and the policy of people who query.

    The exports' drops are Parquet. The policy reads the drops themselves, in the form that the mappings give them.
    """

    def __init__(
        self, scope: Construct, id_: str, *, app: str, exports: Sequence[ExportSettings], storage: StorageStack
    ) -> None:
        super().__init__(scope, id_)
        self.exports = exports
        self.database_name = f"{app.replace('-', '_')}_normalize"
        self.workgroup_name = f"{app}-normalize"
        database = add_database(self, self.database_name, "Drops that the normalize job makes")
        for one in self.exports:
            location = f"s3://{storage.drops.bucket_name}/{one.mapping.folders}"
            add_table(
                self,
                f"{one.id}Table",
                database=self.database_name,
                name=one.table,
                description=f"The drops of export {one.name}",
                columns=dict.fromkeys(output_columns(one.mapping), ("string", "")),
                partitions={FOLDER: ("string", "the drop's folder, which each query has to name")},
                location=location,
                parameters={
                    "projection.enabled": "true",
                    f"projection.{FOLDER}.type": "injected",
                    "storage.location.template": f"{location}${{{FOLDER}}}/",
                },
            ).add_resource_dependency(database)
        add_workgroup(
            self,
            "Workgroup",
            name=self.workgroup_name,
            description="Queries over the drops that the normalize job makes",
            results=f"s3://{storage.receipts.bucket_name}/{RESULTS_OF_PARTS}",
            key=storage.key,
        )
        queried = Queried(
            self.database_name,
            self.workgroup_name,
            [one.table for one in self.exports],
            storage.receipts,
            RESULTS_OF_PARTS,
            storage.drops,
            self.readable,
        )
        self.analyst = iam.ManagedPolicy(
            self,
            "Analyst",
            description="Query the drops that the normalize job makes",
            statements=[
                *may_read(Stack.of(self), queried),
                through_key(storage.key, ["kms:Decrypt", "kms:GenerateDataKey"], "s3"),
            ],
        )

    @property
    def readable(self) -> list[str]:
        """Return the prefixes below which the policy reads drops, for policies, where `*?$` have a meaning."""
        return sorted({re.sub(r"[*?$]", "?", one.mapping.folders) for one in self.exports})
