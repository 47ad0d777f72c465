"""What the emulator refuses to write into a table with an index, and what the app writes."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from activation.aws.table import ConditionalTable
from activation.ledger.suppression_lists import KEY, SuppressionList, SuppressionLists, SuppressionRecord
from activation.mirror.state import MirrorState, Size
from activation.mirror.states import SIZES_KEPT, MirrorStates
from ministack.services.dynamodb import _index_key_type_reason
from moto import mock_aws

from sandbox.emulator.index_keys import with_lengths
from stacks.run_index import ACTION, RUN_INDEX, STARTED_AT
from tests.unit.cli.ledger_in_moto import LEDGER, make_ledger

LOCK = "account#meta#1#audience#VIP"
TABLE: dict[str, Any] = {
    "AttributeDefinitions": [
        {"AttributeName": ACTION, "AttributeType": "S"},
        {"AttributeName": STARTED_AT, "AttributeType": "N"},
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": RUN_INDEX,
            "KeySchema": [
                {"AttributeName": ACTION, "KeyType": "HASH"},
                {"AttributeName": STARTED_AT, "KeyType": "RANGE"},
            ],
        }
    ],
}
reason = with_lengths(_index_key_type_reason)


@pytest.mark.parametrize(("size_bytes", "refused"), [(2048, False), (2049, True)])
def test_a_value_longer_than_a_key_may_be_is_refused(size_bytes: int, refused: bool) -> None:
    """Also if the item has no start, so that the index would not have it."""
    assert bool(reason(TABLE, {"pk": {"S": "a"}, ACTION: {"S": "x" * size_bytes}})) is refused


def test_the_ledgers_longest_records_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """The state of a mirror with all its sizes, and that of the suppression lists, are longer than any key."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        make_ledger()
        client = boto3.client("dynamodb")
        table = ConditionalTable(client, LEDGER)
        sizes = tuple(Size(f"{at:064x}", 1_780_000_000 + at, 1, 2, 3) for at in range(SIZES_KEPT))
        MirrorStates(table).erase(LOCK, MirrorState(), MirrorState(sizes=sizes))
        lists = SuppressionLists().with_list(
            "no", SuppressionList(runs=tuple(f"{at:064x}" for at in range(50))), {}
        )
        SuppressionRecord(table).write(SuppressionLists(), lists)
        items = client.scan(TableName=LEDGER)["Items"]
    assert KEY in {one["pk"]["S"] for one in items}
    assert [len(one["state"]["S"]) > 2048 for one in items] == [True, True]
    assert [reason(TABLE, one) for one in items] == [None, None]
