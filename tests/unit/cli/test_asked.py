"""Who has asked what of the runs of a list."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from activation.aws.table import ConditionalTable
from activation.ledger.approvals import Approvals
from activation.ledger.orders import OrderKind, Orders
from moto import mock_aws

from cli.runs.asked import Asked, asked_of
from cli.runs.listing import Wanted, list_runs
from tests.unit.cli.ledger_in_moto import LEDGER, START, item, make_ledger, put

ANN, BOB = "arn:aws:iam::1:user/ann", "arn:aws:sts::1:assumed-role/Operators/bob"


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[ConditionalTable]:
    """Return a ledger with three runs."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        make_ledger()
        put(*(item(letter * 32, at=START + at) for at, letter in enumerate("abc")))
        yield ConditionalTable(boto3.client("dynamodb"), LEDGER)


def test_orders_and_approvals_are_told_in_their_order(table: ConditionalTable) -> None:
    """Of each run that somebody has asked something of, and of no other."""
    Orders(table, "meta", lambda: 20.0).note("a" * 32, OrderKind.STOP, ANN)
    Orders(table, "meta", lambda: 40.0).note("a" * 32, OrderKind.RETRY, BOB)
    Approvals(table, "meta", lambda: 30.0).note("a" * 32, BOB)
    Orders(table, "meta", lambda: 50.0).note("b" * 32, OrderKind.UNDO, BOB)
    client = boto3.client("dynamodb")
    rows = list_runs(client, LEDGER, Wanted(), limit=50)
    assert asked_of(client, LEDGER, rows) == {
        "a" * 32: (Asked("stop", ANN, 20.0), Asked("approve", BOB, 30.0), Asked("retry", BOB, 40.0)),
        "b" * 32: (Asked("undo", BOB, 50.0),),
    }
    assert asked_of(client, LEDGER, ()) == {}
