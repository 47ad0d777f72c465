"""Mirrors on the deployed app: whatever happens on the way, the audience holds the newest list and nobody else."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from tests.end_to_end.people import Person, as_csv
from tests.end_to_end.records import Put
from tests.end_to_end.test_commands import activation
from tests.faults.scenario import BATCH_ROWS, Scenario
from tests.faults.test_workers import VISIBILITY_S

ROWS = 8 * BATCH_ROWS
LEAVE = 300


def mirror(scenario: Scenario, some: Sequence[Person], name: str) -> Put:
    """Put an export of people as a folder and its manifest; return what was put last."""
    line = scenario.line
    folder = f"{line.connector}/{scenario.audience}/raw/mirror/{name}"
    part = line.put_key(f"{folder}/part-0", as_csv(some))
    entries = [{"url": f"s3://{line.sandbox.described['drops_bucket']}/{part.key}"}]
    return line.put_key(f"{folder}/manifest", json.dumps({"entries": entries}).encode())


def lists(scenario: Scenario) -> tuple[list[Person], list[Person]]:
    """Return two lists of people: from the first to the second some leave and as many join."""
    some = scenario.people(ROWS + LEAVE)
    return some[:ROWS], some[LEAVE:]


@pytest.mark.faults
@pytest.mark.every_platform
@pytest.mark.case("F68", what="a mirror's workers are killed with a call in flight, twice")
def test_a_mirror_survives_killed_workers(scenario: Scenario) -> None:
    """By a replace or by a difference: who left is out, who joined is in, once."""
    line, (old, new) = scenario.line, lists(scenario)
    first = line.finish(mirror(scenario, old, "monday"), within_s=240)
    assert first["state"] == "applied", first["reason"]
    scenario.hold(scenario.audience, old)
    scenario.set(latency_s=0.5)
    called = max(one["number"] for one in line.calls())
    put = mirror(scenario, new, "tuesday")
    for _ in range(2):
        called = line.kill_in_flight(after=called)
        line.pass_time(VISIBILITY_S)
    receipt = line.finish(put, within_s=240)
    assert receipt["state"] == "applied", receipt["reason"]
    scenario.hold(scenario.audience, new)
    scenario.result.resent, scenario.result.bound = receipt["resent"], line.kills
    assert receipt["resent"] <= line.kills
    rows, found = receipt["rows"], receipt["mirror"]
    assert rows["in"] == rows["unchanged"] + rows["acknowledged"] == ROWS
    assert (found["joined"], found["left"]) == (LEAVE, LEAVE)


@pytest.mark.faults
@pytest.mark.case("F69", what="a mirror that would take out half of the people waits until somebody approves it")
def test_a_mirror_waits_for_an_approval(scenario: Scenario) -> None:
    """Nothing is sent before, and `activation audiences approve` sends it."""
    line, (old, _) = scenario.line, lists(scenario)
    line.finish(mirror(scenario, old, "monday"), within_s=240)
    put = mirror(scenario, old[: ROWS // 2], "tuesday")
    receipt = line.finish(put, within_s=240)
    assert (receipt["state"], receipt["reason"]["code"]) == ("blocked", "needs_approval")
    scenario.hold(scenario.audience, old)
    approved = activation(line, "audiences", "approve", put.run_id)
    assert approved.returncode == 0, approved.stderr
    receipt = line.finish_again(put, within_s=240)
    assert (receipt["state"], receipt["mirror"]["guard"]) == ("applied", "leaving")
    assert receipt["mirror"]["approved_by"].startswith("arn:")
    scenario.hold(scenario.audience, old[: ROWS // 2])


@pytest.mark.faults
@pytest.mark.case("F70", what="what a mirrored audience was sent is lost")
def test_a_mirror_whose_state_is_lost_removes_nobody(scenario: Scenario) -> None:
    """It is blocked; after a reset the next list is the audience again."""
    line, (old, new) = scenario.line, lists(scenario)
    line.finish(mirror(scenario, old, "monday"), within_s=240)
    client = line.sandbox.client("s3")
    bucket = line.sandbox.described["mirrors_bucket"]
    for item in client.list_objects_v2(Bucket=bucket).get("Contents", []):
        client.delete_object(Bucket=bucket, Key=item["Key"])
    put = mirror(scenario, new, "tuesday")
    receipt = line.finish(put, within_s=240)
    assert (receipt["state"], receipt["reason"]["code"]) == ("blocked", "state_lost")
    scenario.hold(scenario.audience, old)
    reset = activation(
        line, "audiences", "reset", scenario.audience, "--connector", line.connector, "--by", "replace", "--yes"
    )
    assert reset.returncode == 0, reset.stderr
    line.redrive_when_quiet()
    receipt = line.finish_again(put, within_s=240)
    assert receipt["state"] == "applied", receipt["reason"]
    scenario.hold(scenario.audience, new)
