"""The exports themselves as tables of the Glue catalogue, where the settings say their columns.

A table for each such export, over its prefix with all folders below. Athena passes over names that begin with "_"
or "."; compressed files are read by the endings of their names
(https://docs.aws.amazon.com/athena/latest/ug/compression-formats.html, read 2026-11-30).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.athena import PARQUET, FileFormat, add_database, add_table, add_workgroup
from stacks.normalize.analyst import Queried, may_read
from stacks.normalize.settings import ExportSettings
from stacks.receipt_table import RESULTS_OF_EXPORTS
from stacks.statements import allow, through, through_key
from stacks.storage import StorageStack

_TEXT = "org.apache.hadoop.mapred.TextInputFormat"
_TEXT_OUTPUT = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
# Not OpenX's, whose results "can be non-deterministic":
# https://docs.aws.amazon.com/athena/latest/ug/openx-json-serde.html, read 2026-11-30
_JSON = FileFormat("json", _TEXT, _TEXT_OUTPUT, "org.apache.hive.hcatalog.data.JsonSerDe")


def file_format(files: Mapping[str, object]) -> FileFormat:
    """Return how Athena reads files that a mapping's `input` describes.

    The SerDe of text files is the one that knows quotes, with `separatorChar`, `quoteChar` and `escapeChar`:
    https://docs.aws.amazon.com/athena/latest/ug/csv-serde.html, read 2026-11-30. A doubled quote is one
    by itself.
    """
    match files.get("format"):
        case "parquet":
            return PARQUET
        case "jsonl":
            return _JSON
        case format_:
            escape = {"escapeChar": "\\"} if files.get("escape") == "backslash" else {}
            delimiter = "\t" if format_ == "tsv" else str(files["delimiter"])
            return FileFormat(
                "csv",
                _TEXT,
                _TEXT_OUTPUT,
                "org.apache.hadoop.hive.serde2.OpenCSVSerde",
                {"separatorChar": delimiter, "quoteChar": '"', **escape},
                {"skip.header.line.count": "1"},
            )


class ExportCatalogue(Construct):
    """Database, a table for each of `exports`, workgroup, and the policy of people who query.

    The policy reads the exports, which hold people in plain text. `key_arn` encrypts the bucket if it is not the
    app's own, "" for S3's own key.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        app: str,
        exports: Sequence[ExportSettings],
        bucket: s3.IBucket,
        key_arn: str,
        storage: StorageStack,
    ) -> None:
        super().__init__(scope, id_)
        self.exports = exports
        self.database_name = f"{app.replace('-', '_')}_exports"
        self.workgroup_name = f"{app}-exports"
        database = add_database(self, self.database_name, "Exports that the normalize job takes")
        for one in exports:
            add_table(
                self,
                f"{one.id}Table",
                database=self.database_name,
                name=one.table,
                description=f"The files of export {one.name}",
                columns={name: (type_, "") for name, type_ in one.columns.items()},
                location=f"s3://{bucket.bucket_name}/{one.prefix}",
                form=file_format(one.mapping.input),
            ).add_resource_dependency(database)
        add_workgroup(
            self,
            "Workgroup",
            name=self.workgroup_name,
            description="Queries over exports",
            results=f"s3://{storage.receipts.bucket_name}/{RESULTS_OF_EXPORTS}",
            key=storage.key,
        )
        queried = Queried(
            self.database_name,
            self.workgroup_name,
            [one.table for one in exports],
            storage.receipts,
            RESULTS_OF_EXPORTS,
            bucket,
            sorted(one.prefix for one in exports),
        )
        self.analyst = iam.ManagedPolicy(
            self,
            "Analyst",
            description="Query the exports themselves",
            statements=[
                *may_read(Stack.of(self), queried),
                through_key(storage.key, ["kms:Decrypt", "kms:GenerateDataKey"], "s3"),
                *([allow("KeyOfExports", ["kms:Decrypt"], [key_arn], through("s3"))] if key_arn else []),
            ],
        )
