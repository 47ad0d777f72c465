"""A ledger in moto with the index that the storage stack gives it, and records as a worker leaves them."""

from __future__ import annotations

from typing import Any

import boto3
from activation.identifiers.codes import Code
from activation.ledger.progress import Progress
from activation.ledger.row_counts import Counted, RowCounts
from activation.model import Cursor
from activation.records import to_json

from stacks.run_index import ACTION, INCLUDED, RUN_INDEX, STARTED_AT

LEDGER = "ledger"
START = 1_780_000_000.0
RUN_S = 20.0


def make_ledger() -> None:
    """Make an empty ledger."""
    boto3.client("dynamodb").create_table(
        TableName=LEDGER,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": ACTION, "AttributeType": "S"},
            {"AttributeName": STARTED_AT, "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
        GlobalSecondaryIndexes=[
            {
                "IndexName": RUN_INDEX,
                "KeySchema": [
                    {"AttributeName": ACTION, "KeyType": "HASH"},
                    {"AttributeName": STARTED_AT, "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": [*INCLUDED]},
            }
        ],
    )


def item(
    run: str,
    state: str = "applied",
    *,
    at: float = START,
    pk: str = "",
    audience: str = "VIP",
    acknowledged: int = 9,
    counted: bool = True,
    **more: str | float,
) -> dict[str, Any]:
    """Return the record of a run that began at `at`, with one rejected row, as a worker leaves it.

    `counted` is False for one that an earlier release left, or that a worker holds.
    """
    progress = Progress()
    progress.tally.acknowledged = acknowledged
    progress.tally.rejected_by_us[Code.NOT_AN_EMAIL.value] = 1
    progress.tally.active_s = 5.0
    progress.checkpoint.cursor = Cursor(row=acknowledged + 1)
    progress.checkpoint.read_whole = state == "applied"
    fields: dict[str, str | float] = {
        "pk": pk or f"meta#run#{run}",
        "state": state,
        "started_at": at,
        "updated_at": at + RUN_S,
        "schema": 2,
        "fence": 1,
        "continuation": 0,
        "lease_until": 0,
        "not_before": 0,
        "no_progress": 0,
        "audience": audience,
        "action": "add",
        "object_key": f"meta/{audience}/raw/{run}.csv",
        "code": "",
        "sentence": "",
        "opened": "",
        "audience_lock": "",
        "rows_acknowledged": acknowledged,
        "progress": progress.to_json(),
        **more,
    }
    if counted:
        fields["counted"] = to_json(Counted(RowCounts.of(progress), progress.tally.active_s, at + RUN_S))
    return {name: {"S": value} if isinstance(value, str) else {"N": str(value)} for name, value in fields.items()}


def put(*items: dict[str, Any]) -> None:
    """Put records into the ledger."""
    for one in items:
        boto3.client("dynamodb").put_item(TableName=LEDGER, Item=one)
