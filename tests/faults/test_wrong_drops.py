"""Drops that are wrong: no operator is called for what only another drop, or another setting, can correct."""

from __future__ import annotations

import json

import pytest

from tests.end_to_end.people import as_csv
from tests.end_to_end.test_commands import activation
from tests.faults.scenario import Scenario


@pytest.mark.faults
@pytest.mark.on("meta")
@pytest.mark.case("F71")
def test_a_wrong_drop_leaves_no_dead_letter_and_is_repeated_by_its_record(scenario: Scenario) -> None:
    """Its event that comes once more, hours later, changes nothing; corrected, a redrive of its code sends it."""
    line, some = scenario.line, scenario.people(50)
    body = as_csv(some).replace(b"email", b"kontakt_x", 1).replace(b"phone", b"kontakt_y", 1)
    with line.held_back():
        put = line.put(scenario.audience, body)
        (event,) = line.take_messages(1)
        line.send(event)
    receipt = line.finish(put)
    assert (receipt["state"], receipt["reason"]["code"]) == ("failed", "no_usable_column")
    line.pass_time(7200)
    line.send(event)
    line.wait_until_quiet()
    assert line.sandbox.receipt(put.receipt_key)["written_at"] == receipt["written_at"]
    assert line.dead_letters() == []
    listed = json.loads(activation(line, "redrive", "--connector", line.connector, "--list", "--json").stdout)
    assert [(one["run_id"], one["dead_letter"]) for one in listed] == [(put.run_id, False)]
    line.configure(environment={"COLUMN_MAP": json.dumps({"kontakt_x": "email", "kontakt_y": "phone"})})
    done = activation(line, "redrive", "--connector", line.connector, "--reason", "no_usable_column", "--yes")
    assert done.stdout == "1 run without a dead letter repeated\n"
    receipt = line.finish_again(put)
    assert receipt["state"] == "applied"
    assert receipt["orders"][0]["kind"] == "retry"
    scenario.account(receipt, len(some))
    scenario.hold(scenario.audience, some)


@pytest.mark.faults
@pytest.mark.on("meta")
@pytest.mark.case("F71", what="a key that names no run: its letter stays")
def test_a_drop_without_a_record_of_its_mistake_keeps_its_letter(scenario: Scenario) -> None:
    """A key that names no run has no record with a message, so a redrive needs the letter."""
    line = scenario.line
    unread = line.put_key("meta/A/emails/people.csv", b"email\n")
    line.sandbox.receipt(f"receipts/meta/_unreadable/{unread.run_id}.json")
    line.wait_until_quiet()
    assert [one["code"] for one in line.dead_letters()] == ["unknown_identifiers"]
