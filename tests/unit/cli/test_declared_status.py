"""`activation audiences status`: the state of a slot is that of the run that sends its export."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from activation.aws.table import ConditionalTable
from activation.ledger.runs import Ledger, RunState
from moto import mock_aws
from typer.testing import CliRunner

from cli import deployment
from cli.__main__ import app
from cli.declared_runs import MOST_URGENT
from lambdas.sync.catalogue import KEY
from lambdas.sync.slots import SYNC, Slots, export_name, slot_id
from tests.unit.cli.ledger_in_moto import LEDGER, item, make_ledger

SLOT = "2026-12-01T10:00:00Z"
DECLARED = {
    "sources": {"cdp": {"kind": "postgres"}},
    "audiences": {
        "vip": {
            "source": "cdp",
            "table": "vip",
            "columns": {"email": "email"},
            "consent": "selected",
            "to": [
                {"connector": "meta", "audience": "VIP"},
                {"connector": "meta", "audience": "B", "account": "7"},
            ],
            "timezone": "UTC",
            "every": "1d",
            "at": "10:00",
            "from": "2026-12-01",
        }
    },
}


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return DynamoDB's client, with a slot of `vip` that was extracted."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        make_ledger()
        s3, client = boto3.client("s3"), boto3.client("dynamodb")
        s3.create_bucket(Bucket="mirrors")
        s3.put_object(Bucket="mirrors", Key=KEY, Body=json.dumps(DECLARED).encode())
        monkeypatch.setattr(
            deployment, "find", lambda: SimpleNamespace(mirrors_bucket="mirrors", ledger_table=LEDGER)
        )
        table = ConditionalTable(client, LEDGER)
        Slots(table, ttl_days=1).note("vip", SLOT)
        slots = Ledger(table, SYNC, lease_s=60, ttl_days=1)
        run = slots.claim(
            slot_id("cdp", "vip", SLOT), 0, {"audience": "vip", "action": "mirror", "object_key": SLOT}
        )
        run.state = RunState.APPLIED
        slots.save(run, release=True)
        yield client


def add(client: Any, run: str, state: str, key: str, code: str = "") -> None:
    """Add the record of a connector's run of an object."""
    record = item(run, state, object_key=key, code=code, sentence="nobody is left" if code else "")
    client.put_item(TableName=LEDGER, Item=record)


def manifest(slot: str, account: str = "", name: str = "vip") -> str:
    """Return the key of the manifest of a slot's export."""
    return f"meta/VIP/raw/mirror/{export_name(name, slot)}{account}/sync.manifest"


def status(*arguments: str) -> tuple[int, str]:
    """Return what the command ends with and prints."""
    done = CliRunner().invoke(app, ["audiences", "status", *arguments], env={"COLUMNS": "160"})
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def test_a_slot_that_was_extracted_is_in_the_state_of_its_run(ledger: Any) -> None:
    """Before the run it is extracted; runs of other slots, declarations and files say nothing of it."""
    add(ledger, "a1", "blocked", manifest("2026-11-30T10:00:00Z"), "needs_approval")
    add(ledger, "a2", "blocked", manifest(SLOT, name="other"), "needs_approval")
    add(ledger, "a3", "failed", f"meta/VIP/raw/mirror/{export_name('vip', SLOT)}/0-part.parquet", "bad_file")
    code, shown = status()
    assert (code, "extracted" in shown, "blocked" in shown) == (0, True, False)
    add(ledger, "b1", "applied", manifest(SLOT))
    code, shown = status()
    assert (code, "1 of 2 begun" in shown, "applied" in shown, "extracted" in shown) == (0, True, False, False)
    add(ledger, "b2", "empty", manifest(SLOT, "-7"))
    code, shown = status()
    assert (code, "empty" in shown, "begun" in shown) == (0, True, False)


def test_a_blocked_run_is_what_status_says_of_its_slot(ledger: Any) -> None:
    """The most urgent of several runs counts, with its code, its sentence and the command that goes on with it."""
    add(ledger, "b1", "applied", manifest(SLOT))
    add(ledger, "b2", "blocked", manifest(SLOT, "-7"), "needs_approval")
    code, shown = status("vip")
    assert (code, "blocked" in shown, "done" in shown) == (1, True, False)
    assert "vip: needs_approval: nobody is left" in shown
    assert "audiences approve b2" in shown
    code, text = status("--json")
    found = json.loads(text)
    assert (code, found["state"], [one["run_id"] for one in found["runs"]]) == (1, "applied", ["b2", "b1"])
    assert [bool(one["what_to_do"]) for one in found["runs"]] == [True, False]


def test_another_code_is_explained_by_the_run(ledger: Any) -> None:
    """A run that no approval helps names the command that says what does."""
    add(ledger, "b1", "failed", manifest(SLOT), "audience_missing")
    code, shown = status()
    assert (code, "failed" in shown, "run show b1" in shown, "approve" in shown) == (1, True, True, False)


def test_a_run_that_failed_counts_more_than_an_empty_one(ledger: Any) -> None:
    """Each state has its place in the order of urgency."""
    assert set(RunState) <= set(MOST_URGENT)
    add(ledger, "b1", "empty", manifest(SLOT))
    add(ledger, "b2", "failed", manifest(SLOT, "-7"), "audience_missing")
    code, shown = status()
    assert (code, "failed" in shown, "empty" in shown) == (1, True, False)


def test_a_run_that_somebody_discarded_is_no_failure(ledger: Any) -> None:
    """It is called so, and another run of the slot may have been applied since."""
    add(ledger, "b1", "failed", manifest(SLOT), "discarded")
    code, shown = status()
    assert (code, "1 of 2 begun" in shown, "failed" in shown) == (0, True, False)
    add(ledger, "b2", "applied", manifest(SLOT, "-7"))
    code, shown = status()
    assert (code, "discarded" in shown, "failed" in shown) == (0, True, False)
    add(ledger, "b4", "applied", manifest(SLOT))
    code, shown = status()
    assert (code, "applied" in shown, "discarded" in shown) == (0, True, False)
    add(ledger, "b3", "failed", manifest(SLOT, "-7"), "stopped")
    code, shown = status()
    assert (code, "stopped" in shown, "run show b3" in shown) == (1, True, True)
