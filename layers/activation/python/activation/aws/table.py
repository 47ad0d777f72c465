"""Conditional writes to the ledger table, with DynamoDB's errors as this project's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from activation.aws.errors import classify, code_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

Item = Mapping[str, Any]


class ConditionFailed(Exception):
    """The condition did not hold; `item` is the record as it stands."""

    def __init__(self, item: Item) -> None:
        super().__init__("the condition did not hold")
        self.item = item


@dataclass(frozen=True)
class Write:
    """A conditional update of the record `pk`, as in `ConditionalTable.update`; "" checks the condition alone."""

    pk: str
    expression: str
    values: Item
    condition: str
    names: Mapping[str, str] | None = None


class ConditionalTable:
    """The ledger table, by its partition key `pk`.

    Every call raises Retryable when DynamoDB is throttled or failing after the SDK's own retries, and
    ConfigError when the table is missing or access is denied.
    """

    def __init__(self, client: DynamoDBClient, name: str) -> None:
        self.client = client
        self.name = name

    def read(self, pk: str) -> Item | None:
        """Read a record, consistently; None when there is none."""
        answer = _ask(self.client.get_item, TableName=self.name, Key={"pk": {"S": pk}}, ConsistentRead=True)
        item: Item | None = answer.get("Item")
        return item

    def update(
        self,
        pk: str,
        expression: str,
        values: Item,
        *,
        condition: str,
        names: Mapping[str, str] | None = None,
    ) -> Item:
        """Update a record and return it as written; raises ConditionFailed."""
        arguments: dict[str, Any] = {"ExpressionAttributeNames": dict(names)} if names else {}
        answer = _ask(
            self.client.update_item,
            TableName=self.name,
            Key={"pk": {"S": pk}},
            UpdateExpression=expression,
            ConditionExpression=condition,
            ExpressionAttributeValues=dict(values),
            ReturnValues="ALL_NEW",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
            **arguments,
        )
        item: Item = answer["Attributes"]
        return item

    def write(self, one: Write) -> Item:
        """Make a write by itself, as `update` does."""
        return self.update(one.pk, one.expression, one.values, condition=one.condition, names=one.names)


def number(value: float) -> dict[str, str]:
    """Return a number as a DynamoDB value, with three decimals."""
    return {"N": f"{value:.3f}"}


def read_number(item: Item, name: str) -> float:
    """Read a number; 0 where the record has none."""
    return float(item.get(name, {}).get("N", "0"))


def read_text(item: Item, name: str) -> str:
    """Read a text; "" where the record has none."""
    return str(item.get(name, {}).get("S", ""))


def _ask(operation: Callable[..., Any], **arguments: Any) -> Any:
    try:
        return operation(**arguments)
    except ClientError as error:
        if code_of(error) == "ConditionalCheckFailedException":
            answer: Mapping[str, Any] = {**error.response}
            raise ConditionFailed(answer.get("Item", {})) from None
        raise classify(error, code="ledger", after_s=10) from None
    except BotoCoreError as error:
        raise classify(error, code="ledger", after_s=10) from None
