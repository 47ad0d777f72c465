"""The ad accounts whose audiences each connector has filled, as the ledger knows them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from activation.platforms.platform import Finding
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

KNOWN = "#known#"  # in the key of the record of an audience, after its platform and account


@dataclass(frozen=True)
class FilledAccounts:
    """The ids of ad accounts by the names of the connectors that have filled audiences of theirs.

    `problem` is why the ledger cannot be read, "" where it can; `by_connector` is empty then.
    """

    by_connector: Mapping[str, Sequence[str]] = field(default_factory=dict)
    problem: str = ""

    @classmethod
    def read(cls, client: DynamoDBClient, table: str) -> FilledAccounts:
        """Scan the ledger for them; raises what the client raises, but for a ClientError.

        Reads the keys of all records: the records of audiences are in no index. No attribute is asked for but two,
        which is all that the role of the daily examination may read by a scan.
        """
        found: dict[str, set[str]] = {}
        try:
            pages = client.get_paginator("scan").paginate(
                TableName=table,
                Select="SPECIFIC_ATTRIBUTES",
                ProjectionExpression="pk, connector",
                FilterExpression="contains(pk, :known)",
                ExpressionAttributeValues={":known": {"S": KNOWN}},
            )
            for item in (item for page in pages for item in page["Items"]):
                pk = item["pk"]["S"]
                if pk.startswith("account#") and "connector" in item:
                    found.setdefault(item["connector"]["S"], set()).add(pk.split("#", 3)[2])
        except ClientError as error:
            return cls(problem=error.response["Error"]["Code"])
        return cls({name: sorted(accounts) for name, accounts in found.items()})

    def findings(self) -> Iterator[Finding]:
        """Yield a warning where only the ad account of each secret can be examined."""
        if self.problem:
            says = f"the ledger cannot be read ({self.problem}): only the ad account of each secret is examined"
            yield Finding("ledger", ok=True, says=says, warns=True)
