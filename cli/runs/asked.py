"""Who has asked what of the runs of a list: stopped, continued, discarded, undone, approved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from activation.aws.table import read_number, read_text
from activation.ledger.keys import approval_key, order_key
from activation.ledger.orders import orders_in

from cli.runs.listing import read_records
from cli.runs.rows import RunRow

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


@dataclass(frozen=True)
class Asked:
    """What somebody has asked of a run: `kind` is a verb, `by` who, as AWS names them, `at` Unix seconds."""

    kind: str
    by: str
    at: float


def asked_of(client: DynamoDBClient, table: str, rows: Iterable[RunRow]) -> Mapping[str, tuple[Asked, ...]]:
    """Return what was asked of runs, by their ids, the oldest first; nothing for those of which nothing was.

    Costs a call for 50 runs. An approval is remembered for seven days. Raises what the client raises.
    """
    rows = list(rows)
    keys = [make(one.connector, one.run_id) for one in rows for make in (order_key, approval_key)]
    records, found = read_records(client, table, keys), {}
    for one in rows:
        orders = orders_in(records.get(order_key(one.connector, one.run_id), {}))
        asked = [Asked(order.kind.value, order.by, order.at) for order in orders]
        if approval := records.get(approval_key(one.connector, one.run_id)):
            at = read_number(approval, "approved_at")
            asked.append(Asked("approve", read_text(approval, "approved_by"), at))
        if asked:
            found[one.run_id] = tuple(sorted(asked, key=lambda each: each.at))
    return found
