"""Several conditional writes to the ledger table that take effect together, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from activation.aws.errors import classify, code_of
from activation.aws.table import ConditionalTable, Write

_CANCELLED = frozenset({"TransactionCanceledException", "TransactionConflictException"})


class NotWritten(Exception):
    """None of the writes took effect: a condition did not hold, or another transaction was under way."""


def write_all(table: ConditionalTable, writes: Sequence[Write]) -> None:
    """Make all of several writes of different records, or none of them, which raises NotWritten.

    A write without an expression only checks its condition. A unit that is written in a transaction costs two
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html, read 2026-11-30). The
    SDK sends a token with it, by which DynamoDB knows a repetition. Raises Retryable and ConfigError as the table
    does.
    """
    items = [_item(table.name, one) for one in writes]
    try:
        table.client.transact_write_items(TransactItems=items)
    except ClientError as error:
        if code_of(error) in _CANCELLED:
            raise NotWritten from None
        raise classify(error, code="ledger", after_s=10) from None
    except BotoCoreError as error:
        raise classify(error, code="ledger", after_s=10) from None


def _item(table_name: str, one: Write) -> Any:
    said: dict[str, Any] = {
        "TableName": table_name,
        "Key": {"pk": {"S": one.pk}},
        "ConditionExpression": one.condition,
    }
    if one.names:
        said["ExpressionAttributeNames"] = dict(one.names)
    if one.values:
        said["ExpressionAttributeValues"] = dict(one.values)
    return {"Update": {**said, "UpdateExpression": one.expression}} if one.expression else {"ConditionCheck": said}
