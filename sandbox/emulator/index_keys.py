"""Keys of an index may not be longer than a table's own: the emulator stores items that DynamoDB refuses.

A write is refused if the item has too long a value under the name of any index's key, also where the index would
not have the item for want of its other key:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.OnlineOps.ViolationDetection.html (read
2026-11-30).
"""

from __future__ import annotations

from typing import Any

from sandbox.emulator.hook import Function, Hook

_REASON = Hook("ministack.services.dynamodb", "_index_key_type_reason", ("table", "item"))

HOOKS = (_REASON,)
_MOST_BYTES = {"HASH": 2048, "RANGE": 1024}


def install() -> None:
    """Make the emulator refuse what DynamoDB refuses."""
    _REASON.replace(with_lengths)


def with_lengths(original: Function) -> Function:
    """Return what says why an item cannot be written, None if it can be; `original` is the emulator's."""

    def reason(table: dict[str, Any], item: dict[str, Any]) -> Any:
        return original(table, item) or _too_long(table, item)

    return reason


def _too_long(table: dict[str, Any], item: dict[str, Any]) -> str | None:
    for index in table.get("GlobalSecondaryIndexes") or []:
        for key in index["KeySchema"]:
            text = item.get(key["AttributeName"], {}).get("S", "")
            if len(text.encode()) > (most := _MOST_BYTES[key["KeyType"]]):
                return (
                    f"One or more parameter values were invalid: Size of index key {key['AttributeName']} has"
                    f" exceeded the maximum size limit of {most} bytes IndexName: {index['IndexName']}"
                )
    return None
