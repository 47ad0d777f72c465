"""A run that was undone says so wherever it is shown, and an undo which run it undoes."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import boto3
import pytest
from activation.aws.table import ConditionalTable
from activation.ledger.orders import OrderKind, Orders
from activation.report.undone import Undo
from moto import mock_aws
from typer.testing import CliRunner

from cli import deployment
from cli.__main__ import app
from cli.deployment import Deployment
from cli.runs.listing import Wanted, list_runs
from cli.runs.undone import undos_among
from tests.unit.cli.ledger_in_moto import LEDGER, START, item, make_ledger, put
from tests.unit.cli.test_receipts_shown import receipt

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

ANN = "arn:aws:iam::1:user/ann"
RUN, UNDO, OTHER = "a" * 32, "b" * 32, "c" * 32
FILE = f"meta/VIP/raw/{RUN}.csv"
ASKED_AT = START + 100


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[DynamoDBClient]:
    """Return a client of a ledger with a run, its undo, and a removal of another file."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(sys, "argv", [".venv/bin/activation"])
    found = Deployment("drops", "receipts", LEDGER, "archive", {})
    monkeypatch.setattr(deployment, "find", lambda: found)
    with mock_aws():
        make_ledger()
        boto3.client("s3").create_bucket(Bucket="receipts")
        put(item(RUN), item(OTHER, action="remove", at=START + 50), undoing("applied"))
        orders("meta").note(UNDO, OrderKind.UNDO, ANN, undoes=RUN)
        yield boto3.client("dynamodb")


def undoing(state: str, code: str = "") -> dict[str, object]:
    """Return the record of the undo in a state."""
    return item(UNDO, state, action="remove", at=ASKED_AT, object_key=FILE, acknowledged=7, code=code)


def orders(connector: str) -> Orders:
    """Return the orders of a connector's runs."""
    return Orders(ConditionalTable(boto3.client("dynamodb"), LEDGER), connector, lambda: ASKED_AT)


def shown(*arguments: str) -> str:
    """Run a command in this process, and return what it prints, without its breaks."""
    return " ".join(CliRunner().invoke(app, list(arguments)).stdout.replace("│", " ").split())


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ("applied", f"undone by run {UNDO}, 7 rows removed"),
        ("running", f"is being undone by run {UNDO}, 7 rows removed so far"),
        ("empty", f"undone by run {UNDO}, which had nobody to remove"),
        ("failed", f"its undo, run {UNDO}, is stopped, 7 rows removed"),
    ],
)
def test_both_runs_say_it_in_every_command(client: DynamoDBClient, state: str, says: str) -> None:
    """`runs`, `run show` and `receipt`, with who asked for it and when."""
    put(undoing(state, code="stopped" if state == "failed" else ""))
    asked = f"asked for by {ANN}, 2026-05-28 20:28:20 UTC"
    listed = shown("runs")
    assert f"{says}; {asked}" in listed
    assert f"undoes run {RUN}; {asked}" in listed
    assert f"undone {says}; {asked}" in shown("run", "show", RUN)
    assert f"undo undoes run {RUN}; {asked}" in shown("run", "show", UNDO)
    assert f"undo {says}; asked" in shown("receipt", RUN)
    assert f"undoes run {RUN}" in shown("receipt", UNDO)


@pytest.mark.usefixtures("client")
def test_programs_are_told_both() -> None:
    """In the JSON of one run and in that of the list; of a run that nothing undoes, null."""
    runs = {
        one["run_id"]: one
        for one in map(json.loads, CliRunner().invoke(app, ["runs", "--json"]).stdout.splitlines())
    }
    assert [runs[one]["undoes"] for one in (RUN, UNDO, OTHER)] == [None, RUN, None]
    assert [bool(runs[one]["undone_by"]) for one in (RUN, UNDO, OTHER)] == [True, False, False]
    told = json.loads(CliRunner().invoke(app, ["run", "show", RUN, "--json"]).stdout)
    assert told["undone_by"] == runs[RUN]["undone_by"] == told["receipt"]["undone_by"]
    assert (told["undone_by"]["by"], told["undone_by"]["at"]) == (ANN, "2026-05-28T20:28:20+00:00")


@pytest.mark.usefixtures("client")
def test_a_stored_receipt_says_it_as_well() -> None:
    """It was written before the undo, and is shown with what the ledger knows by now."""
    body = json.dumps(receipt(run_id=RUN)).encode()
    boto3.client("s3").put_object(Bucket="receipts", Key=f"receipts/meta/VIP/{RUN}.json", Body=body)
    assert f"undone by run {UNDO}" in shown("receipt", RUN)


def test_a_list_without_the_undo_says_it_too(client: DynamoDBClient) -> None:
    """The undo of an old run may be newer than all that is listed, and other removals undo nothing."""
    rows = list_runs(client, LEDGER, Wanted(action="add"), limit=9)
    undos = undos_among(client, LEDGER, rows)
    assert undos.of == {RUN: Undo(UNDO, RUN, "applied", "", 7, ANN, ASKED_AT)}
    assert undos_among(client, LEDGER, [replace(rows[0], file="another")]).of == {}


def test_the_newest_of_two_undos_counts(client: DynamoDBClient) -> None:
    """One that was refused is begun again, by a run of its own."""
    again = "d" * 32
    put(undoing("failed", code="undo_refused"), item(again, action="remove", at=ASKED_AT + 9, object_key=FILE))
    Orders(ConditionalTable(client, LEDGER), "meta", lambda: ASKED_AT + 9).note(
        again, OrderKind.UNDO, ANN, undoes=RUN
    )
    undos = undos_among(client, LEDGER, list_runs(client, LEDGER, Wanted(run=RUN), limit=1))
    assert undos.of[RUN].run_id == again


def test_a_run_is_shown_without_the_index(client: DynamoDBClient) -> None:
    """The table of an earlier release has none; a whole id is found all the same."""
    client.delete_table(TableName=LEDGER)
    client.create_table(
        TableName=LEDGER,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    put(item(RUN, pk=f"_#run#{RUN}"))
    assert f"run {RUN} applied" in shown("run", "show", RUN)
