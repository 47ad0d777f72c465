"""A DynamoDB table in memory, with conditional updates."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError
from moto.dynamodb.parsing.reserved_keywords import ReservedKeywords

from tests.unit.line.aws_in_memory import LOCK, Values, refusal

KNOWN = "#known#"  # the only records that are scanned for in this table
SYNTAX = frozenset(("SET", "ADD", "REMOVE", "AND", "OR", "NOT"))


@dataclass
class Table:
    """A DynamoDB table with the expressions that this project writes."""

    items: dict[str, dict[str, Any]] = field(default_factory=dict)

    def get_item(self, *, Key: Values, **_: Any) -> dict[str, Any]:
        """Read an item."""
        with LOCK:
            item = self.items.get(Key["pk"]["S"])
            return {"Item": dict(item)} if item else {}

    def get_paginator(self, _scan: str) -> Table:
        """Return itself as the paginator of a scan."""
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        """Return all items as one page, with their keys, whatever the filter."""
        with LOCK:
            return [{"Items": [{"pk": {"S": pk}, **item} for pk, item in self.items.items() if KNOWN in pk]}]

    def update_item(
        self,
        *,
        Key: Values,
        UpdateExpression: str,
        ConditionExpression: str,
        ExpressionAttributeValues: Values,
        ExpressionAttributeNames: Values | None = None,
        **_: Any,
    ) -> dict[str, Any]:
        """Update an item when the condition holds."""
        pk, names, values = Key["pk"]["S"], ExpressionAttributeNames or {}, ExpressionAttributeValues
        if reserved := _reserved(f"{UpdateExpression} {ConditionExpression}"):
            raise refusal("UpdateItem", "ValidationException", Reserved=reserved)
        with LOCK:
            item = self.items.get(pk, {})
            if not _holds(ConditionExpression, item, names, values):
                raise refusal("UpdateItem", "ConditionalCheckFailedException", Item=dict(item))
            rest, *adds = UpdateExpression.removeprefix("SET ").split(" ADD ")
            sets, *removes = rest.split(" REMOVE ")
            new = {"pk": {"S": pk}, **item}
            for one in re.split(r", (?![^(]*\))", sets):
                name, value = one.split(" = ")
                new[names.get(name, name)] = _value(value, item, names, values)
            for one in (name for some in removes for name in some.split(", ")):
                new.pop(names.get(one, one), None)
            for one in adds:
                name, value = one.split(" ")
                before = float(item.get(name, {"N": "0"})["N"])
                new[name] = {"N": str(int(before + float(values[value]["N"])))}
            self.items[pk] = new
            return {"Attributes": dict(new)}

    def transact_write_items(self, *, TransactItems: list[dict[str, Any]]) -> None:
        """Make every write, or none where a condition does not hold."""
        writes = [(kind, said) for one in TransactItems for kind, said in one.items()]
        keys = [said["Key"]["pk"]["S"] for _, said in writes]
        assert len(set(keys)) == len(keys), "DynamoDB refuses two writes of one record"
        with LOCK:
            before = dict(self.items)
            try:
                for kind, said in writes:
                    if kind == "Update":
                        self.update_item(**said)
                    elif not _holds(said["ConditionExpression"], before.get(said["Key"]["pk"]["S"], {}), {}, {}):
                        raise refusal("ConditionCheck", "ConditionalCheckFailedException")
            except ClientError as error:
                self.items.clear()
                self.items.update(before)
                if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                    raise
                raise refusal("TransactWriteItems", "TransactionCanceledException") from None


def _reserved(expressions: str) -> set[str]:
    """Return the words in place of attributes' names that DynamoDB keeps for itself.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html, read 2026-11-30
    """
    names = set(re.findall(r"(?<![#:\w])[A-Za-z_]\w*(?!\w*\()", expressions)) - SYNTAX
    return {one for one in names if one.upper() in ReservedKeywords.get_reserved_keywords()}


class Repeating:
    """A table whose writes are all sent twice, as the SDK does when an answer was lost."""

    def __init__(self, table: Any) -> None:
        self._table = table

    def update_item(self, **arguments: Any) -> dict[str, Any]:
        """Write twice and answer the second time."""
        self._table.update_item(**arguments)
        answer: dict[str, Any] = self._table.update_item(**arguments)
        return answer


def _value(text: str, item: Values, names: Values, values: Values) -> Any:
    if found := re.fullmatch(r"if_not_exists\((\S+), (\S+)\)", text):
        return item.get(names.get(found[1], found[1]), values[found[2]])
    return values[text]


def _holds(condition: str, item: Values, names: Values, values: Values) -> bool:
    return any(
        all(_one_holds(one, item, names, values) for one in both.split(" AND "))
        for both in condition.split(" OR ")
    )


def _one_holds(condition: str, item: Values, names: Values, values: Values) -> bool:
    condition = re.sub(r"^\((.*)\)$", r"\1", condition)
    if found := re.fullmatch(r"attribute_not_exists\((\S+)\)", condition):
        return names.get(found[1], found[1]) not in item
    if found := re.fullmatch(r"attribute_exists\((\S+)\)", condition):
        return names.get(found[1], found[1]) in item
    name, sign, value = condition.split(" ")
    if names.get(name, name) not in item:
        return False
    mine, theirs = _plain(item[names.get(name, name)]), _plain(values[value])
    signs = {"=": operator.eq, "<>": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt}
    holds: bool = signs[sign](mine, theirs)
    return holds


def _plain(value: Values) -> Any:
    return float(value["N"]) if "N" in value else value["S"]
