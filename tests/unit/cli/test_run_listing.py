"""The list of runs by the ledger's index."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
from activation.errors import ConfigError
from moto import mock_aws

from cli.runs.listing import Wanted, find_run, list_runs
from tests.unit.cli.ledger_in_moto import LEDGER, RUN_S, START, item, make_ledger, put

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[DynamoDBClient]:
    """Return a client of an empty ledger."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        make_ledger()
        yield boto3.client("dynamodb")


def listed(client: DynamoDBClient, wanted: Wanted, limit: int = 50) -> list[str]:
    """Return the ids of the listed runs."""
    return [row.run_id for row in list_runs(client, LEDGER, wanted, limit=limit)]


def test_the_newest_start_comes_first_whatever_the_state(client: DynamoDBClient) -> None:
    """Runs of all states are merged by their starts, and cut after the limit."""
    put(item("a1", at=START), item("a2", "failed", at=START + 2), item("a3", "running", at=START + 1))
    assert listed(client, Wanted()) == ["a2", "a3", "a1"]
    assert listed(client, Wanted(), limit=2) == ["a2", "a3"]


@pytest.mark.parametrize(
    ("wanted", "runs"),
    [
        (Wanted(connector="meta"), ["c", "b", "a"]),
        (Wanted(connector="tiktok"), ["d"]),
        (Wanted(audience="VIP"), ["d", "c", "a"]),
        (Wanted(state="waiting"), ["c", "b"]),
        (Wanted(state="accepted"), ["c"]),
        (Wanted(since=START + 1, until=START + 2), ["c", "b"]),
        (Wanted(run="d"), ["d"]),
        (Wanted(state="stopped"), ["f"]),
        (Wanted(state="failed"), ["f", "b2"]),
    ],
)
def test_the_filters(client: DynamoDBClient, wanted: Wanted, runs: list[str]) -> None:
    """Connector, audience, state and time select runs; who asks what waits means accepted runs as well."""
    put(
        item("a"),
        item("b", "waiting", at=START + 1, audience="Other"),
        item("c", "accepted", at=START + 2),
        item("d", at=START + 3, pk="tiktok#run#d"),
        item("e", at=START + 4, pk="meta#part#d#0"),
        item("b2", "failed", at=START - 2, audience="Other", pk="snapchat#run#b2"),
        item("f", "failed", at=START - 1, audience="Other", pk="snapchat#run#f", code="stopped"),
    )
    assert listed(client, wanted) == runs


def test_what_a_row_says(client: DynamoDBClient) -> None:
    """A row has counts, rate, duration, and until when and why a run waits."""
    put(item("a"), item("b", "waiting", at=START + 1, not_before=START + 900, code="busy", sentence="s"))
    waits, ended = list_runs(client, LEDGER, Wanted(), limit=2)
    assert (ended.rows_whole, ended.rows_read, ended.rows_acknowledged, ended.rows_rejected) == (10, 10, 9, 1)
    assert (ended.rows_per_s, ended.duration_s(0), ended.waits_until) == (2.0, RUN_S, None)
    assert (waits.rows_whole, waits.waits_until) == (None, START + 900)
    assert (waits.code, waits.sentence) == ("busy", "s")
    assert (waits.ended_at, waits.duration_s(START + 61)) == (None, 60.0)


def test_a_run_of_an_earlier_release_is_counted_by_its_record(client: DynamoDBClient) -> None:
    """A record that no worker of this release left says the same, at the price of reading it."""
    put(
        item("new", at=START + 1),
        item("old", counted=False),
        item("odd", at=START + 2, progress="{", counted=False),
    )
    odd, new, old = list_runs(client, LEDGER, Wanted(), limit=3)
    assert (old.rows_read, old.rows_rejected, old.duration_s(0)) == (10, 1, RUN_S)
    assert (old.rows_whole, old.rows_per_s) == (new.rows_whole, new.rows_per_s)
    assert (odd.rows_whole, odd.rows_acknowledged, odd.rows_rejected) == (None, 9, 0)


def test_a_running_run_shows_what_its_record_says_now(client: DynamoDBClient) -> None:
    """The counts of an earlier invocation are not shown while a worker is at it."""
    early = item("a", "running", acknowledged=3)
    put(item("a", "running", acknowledged=70, counted=False) | {"counted": early["counted"]})
    assert [row.rows_acknowledged for row in list_runs(client, LEDGER, Wanted(), limit=1)] == [70]


def test_a_run_is_found_by_its_id_and_by_its_beginning(client: DynamoDBClient) -> None:
    """A whole id is looked up, its beginning searched for, and two matches are told from one."""
    put(item("abc1"), item("abd2"), item("abd"))
    assert [row.run_id for row in find_run(client, LEDGER, "abd", ["meta"])] == ["abd"]
    assert [row.run_id for row in find_run(client, LEDGER, "abc", ["meta"])] == ["abc1"]
    assert [len(find_run(client, LEDGER, run, ["meta"])) for run in ("ab", "x")] == [2, 0]


def test_an_app_without_the_index_says_what_to_do(client: DynamoDBClient) -> None:
    """The table of an earlier release has no index, and none is scanned instead."""
    client.delete_table(TableName=LEDGER)
    client.create_table(
        TableName=LEDGER,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    with pytest.raises(ConfigError, match="deploy this release"):
        listed(client, Wanted())
