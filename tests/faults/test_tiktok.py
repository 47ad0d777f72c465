"""What only a platform can do wrong that takes files first and makes an audience of them later, as TikTok does."""

from __future__ import annotations

from typing import Any

import pytest

from tests.end_to_end.driver import until
from tests.end_to_end.people import as_csv
from tests.faults.scenario import BATCH_ROWS, Scenario

VISIBILITY_S = 1800


def _say(scenario: Scenario, route: str, what: str, **more: Any) -> dict[str, Any]:
    return {**scenario.refuse(what, **more), "route": route}


@pytest.mark.faults
@pytest.mark.on("tiktok")
@pytest.mark.case("T01")
def test_an_audience_that_is_not_editable_is_waited_for(scenario: Scenario) -> None:
    """Each look is a message and no failure; the files are uploaded once, and no receive is used up."""
    first = scenario.people(4 * BATCH_ROWS, part="first")
    scenario.account(scenario.line.finish(scenario.line.put(scenario.audience, as_csv(first))), len(first))
    scenario.script(_say(scenario, "/update/", "busy", times=8))
    some = scenario.people(4 * BATCH_ROWS, part="second")
    put = scenario.line.put(scenario.audience, as_csv(some), file="second.csv")
    receipt = scenario.check(put, len(some), [*first, *some])
    assert receipt["seconds"] >= 8 * 900
    assert receipt["continuations"] >= 8
    assert len(scenario.line.calls()) == 8
    assert scenario.line.dead_letters() == []


@pytest.mark.faults
@pytest.mark.on("tiktok")
@pytest.mark.parametrize("drop", ["before", "after"])
@pytest.mark.case("T02")
def test_a_creation_whose_answer_is_lost_makes_one_audience(scenario: Scenario, drop: str) -> None:
    """The account is looked through before anything is created again."""
    scenario.script({"route": "/create/", "drop": drop})
    put, some = scenario.start(4)
    scenario.check(put, len(some), some)
    assert len(scenario.line.audiences()) == 1


@pytest.mark.faults
@pytest.mark.on("tiktok")
@pytest.mark.parametrize("drop", ["before", "after"])
@pytest.mark.case("T03")
def test_a_change_whose_answer_is_lost_is_made_once(scenario: Scenario, drop: str) -> None:
    """Whether it arrived shows in the audience; the people are there in the end, and nobody else."""
    first = scenario.people(4 * BATCH_ROWS, part="first")
    scenario.line.finish(scenario.line.put(scenario.audience, as_csv(first)))
    scenario.script({"route": "/update/", "drop": drop})
    some = scenario.people(2 * BATCH_ROWS, part="second")
    put = scenario.line.put(scenario.audience, as_csv(some), file="second.csv")
    scenario.check(put, len(some), [*first, *some])
    assert len([one for one in scenario.line.calls("/update/") if one["applied"]]) == 1


@pytest.mark.faults
@pytest.mark.on("tiktok")
@pytest.mark.case("T04")
def test_a_worker_killed_at_the_creation_leaves_one_audience(scenario: Scenario) -> None:
    """The next one finds what the dead one's call has made, and uploads nothing again."""
    line = scenario.line
    scenario.script({"route": "/create/", "delay_s": 3.0})
    put, some = scenario.start(4)
    until(lambda: True if line.calls("/create/") else None, 60)
    for worker in line.sandbox.workers(line.connector):
        if worker["in_flight"]:
            line.kill(worker["pid"])
            line.kills += 1
    until(lambda: True if line.audiences() else None, 30)
    line.pass_time(VISIBILITY_S)
    scenario.check(put, len(some), some)
    assert line.kills >= 1
    assert len(line.audiences()) == 1
    assert len(line.calls()) == 4


@pytest.mark.faults
@pytest.mark.on("tiktok")
@pytest.mark.case("T05")
def test_files_that_expired_are_uploaded_once_more(scenario: Scenario) -> None:
    """The receipt counts every row once, and says that the run went back to its start."""
    scenario.set(file_lifetime_s=3600.0)
    scenario.script(_say(scenario, "/create/", "server", times=12))
    put, some = scenario.start(6)
    receipt = scenario.check(put, len(some), some)
    assert (receipt["started_over"], receipt["resent"]) == (1, receipt["batches"])
    assert len(scenario.line.calls()) == 2 * receipt["batches"] == 12


@pytest.mark.faults
@pytest.mark.on("tiktok")
@pytest.mark.case("T06")
def test_a_worker_killed_after_the_files_expired_goes_on(scenario: Scenario) -> None:
    """A kill while the files are uploaded for the second time costs one of them, and no count."""
    line = scenario.line
    scenario.set(latency_s=0.5)
    scenario.script(_say(scenario, "/create/", "gone"))
    put, some = scenario.start(6)
    until(lambda: True if len(line.calls()) >= 8 else None, 90)
    line.kill_in_flight(after=7)
    line.pass_time(VISIBILITY_S)
    receipt = scenario.check(put, len(some), some)
    assert receipt["started_over"] == 1


@pytest.mark.faults
@pytest.mark.on("tiktok")
@pytest.mark.case("T07")
def test_a_file_that_is_refused_fails_the_run_and_nothing_is_applied(scenario: Scenario) -> None:
    """No audience is made of a part of a drop; a redrive goes on behind the last file that was taken."""
    line = scenario.line
    scenario.script(scenario.refuse("bad_file", skip=2))
    put, some = scenario.start(4)
    receipt = line.finish(put)
    assert (receipt["state"], receipt["reason"]["code"]) == ("failed", "file_refused")
    assert receipt["rows"]["acknowledged"] == 2 * BATCH_ROWS
    assert line.audiences() == []
    (letter,) = line.dead_letters()
    assert letter["code"] == "file_refused"
    line.redrive()
    line.wait_until_quiet()
    scenario.check(put, len(some), some)
