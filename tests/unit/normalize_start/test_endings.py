"""What a run's end leads to: a record, a repetition, or a dead letter that can be redriven."""

from __future__ import annotations

import json

import pytest
from activation.errors import Retryable
from activation.ledger.paid_starts import StartState
from botocore.exceptions import ReadTimeoutError

from lambdas.normalize_start.ending import ending_of
from tests.unit.normalize_start.world import Make, World


def started(make: Make, retries: int = 0) -> World:
    """Return a world in which one run was started, with its first look taken from the queue."""
    world = make(retries=retries)
    world.put("lake/vip/000")
    world.handle(world.put("lake/vip/_SUCCESS", b""))
    return world


def test_a_run_that_succeeded_is_recorded_by_its_event_or_by_the_look_after_it(make: Make) -> None:
    """The event is only a hint: a look finds the same, and both together record it once."""
    world = started(make)
    (look,) = world.queued()
    world.handle(look["body"], world.state_change("jr_1"))
    (look,) = world.queued()  # still running: looked at again, and not by the event
    world.glue.end("jr_1", "SUCCEEDED")
    world.handle(look["body"], world.state_change("jr_1"))
    assert world.start_of(world.glue.runs[0]).state is StartState.SUCCEEDED
    assert not world.queued()
    assert not world.letters()


def test_a_failed_run_becomes_one_dead_letter_that_starts_it_again(make: Make) -> None:
    """However often its end is noticed, a failure is told once; a redrive makes one more attempt."""
    world = started(make)
    world.glue.end("jr_1", "FAILED", "SystemExit: no_rows_left: 12 rows, none is left")
    world.handle(*[world.state_change("jr_1")] * 3)
    (letter,) = world.letters()
    assert (letter["code"], letter["run_id"]) == ("no_rows_left", "jr_1")
    assert "12 rows" not in json.dumps(letter)
    (event,) = world.bus.events
    assert event["DetailType"] == "Export Failed"
    assert json.loads(event["Detail"])["reason"]["code"] == "no_rows_left"
    assert world.start_of(world.glue.runs[0]).reason == "no_rows_left"
    world.handle(*[letter["body"]] * 3)
    second, first = world.glue.runs
    assert {**second["Arguments"], "--start": ""} == {**first["Arguments"], "--start": ""}
    assert world.start_of(second).attempt == 2


def test_an_event_of_the_sign_does_not_repeat_what_failed(make: Make) -> None:
    """Only the dead letter is a wish for another attempt."""
    world = make()
    world.put("lake/vip/000")
    sign = world.put("lake/vip/_SUCCESS", b"")
    world.handle(sign)
    world.glue.end("jr_1", "TIMEOUT")
    world.handle(world.state_change("jr_1"), sign)
    assert [one["code"] for one in world.letters()] == ["job_timeout"]
    assert len(world.glue.runs) == 1


def test_failures_that_may_pass_are_repeated_as_often_as_the_settings_say(make: Make) -> None:
    """Each failed attempt is followed by one more, and the last one by a dead letter."""
    world = started(make, retries=2)
    for number in range(1, 4):
        world.glue.end(f"jr_{number}", "FAILED", "Py4JJavaError: executor lost")
        world.handle(*[world.state_change(f"jr_{number}")] * 2)
    assert len(world.glue.runs) == 3
    assert [one["code"] for one in world.letters()] == ["job_failed"]


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ("STOPPED", ""),
        ("FAILED", "bad_mapping: 2 to correct"),
        ("FAILED", "SystemExit: bad_mapping: 2 to correct"),
        ("FAILED", "Error Category: UNCLASSIFIED_ERROR; SystemExit: bad_mapping: 2 to correct"),
        (
            "FAILED",
            "Error Category: UNCLASSIFIED_ERROR; Failed Line Number: 57; SystemExit: bad_mapping: 2 to correct",
        ),
    ],
)
def test_what_cannot_change_is_not_repeated(make: Make, state: str, message: str) -> None:
    """A run that somebody stopped, or whose mapping is wrong, goes to somebody at once."""
    world = started(make, retries=2)
    world.glue.end("jr_1", state, message)
    world.handle(world.state_change("jr_1"))
    assert len(world.glue.runs) == 1
    assert len(world.letters()) == 1


def test_a_run_that_ended_before_its_start_was_recorded_waits_for_the_record(make: Make) -> None:
    """The end of a run whose answer was lost is handled once the start is settled."""
    world = make()
    world.put("lake/vip/000")
    sign = world.put("lake/vip/_SUCCESS", b"")
    world.glue.loses = ReadTimeoutError(endpoint_url="https://glue")
    with pytest.raises(Retryable, match="start_unsettled"):
        world.handle(sign)
    world.glue.end("jr_1", "SUCCEEDED")
    with pytest.raises(Retryable, match="start_unsettled"):
        world.handle(world.state_change("jr_1"))
    world.handle(sign, world.state_change("jr_1"))
    assert world.start_of(world.glue.runs[0]).state is StartState.SUCCEEDED


def test_a_run_is_looked_at_although_its_starter_died_right_after_the_start(make: Make) -> None:
    """The repeated event starts nothing, and sees to the look that finds a failure whose event was lost."""
    world = make()
    world.put("lake/vip/000")
    sign = world.put("lake/vip/_SUCCESS", b"")
    world.handle(sign)
    world.queued()  # as if the worker had died before it sent the look
    world.handle(sign)
    world.glue.end("jr_1", "TIMEOUT")
    (look,) = world.queued()
    world.handle(look["body"])
    assert [one["code"] for one in world.letters()] == ["job_timeout"]
    assert len(world.glue.runs) == 1


def test_runs_of_others_are_left_alone(make: Make) -> None:
    """Neither another job's run nor one that somebody started by hand changes anything."""
    world = started(make)
    world.glue.start_job_run(JobName="normalize", Arguments={"--mapping": "s3://a/b"})
    world.glue.end("jr_2", "FAILED")
    world.handle(world.state_change("jr_2"), world.state_change("jr_1", job="another"))
    assert not world.letters()


def test_no_word_of_a_message_is_taken_for_a_code() -> None:
    """Of what Spark says, which may hold a value, nothing is told."""
    for message in (
        "ann: is not a number",
        "SystemExit: secret_value: x",
        "Error Category: QUERY_ERROR; Failed Line Number: 9; ann: is not a number",
        "",
        "ValueError: could not read ann",
    ):
        ending = ending_of("FAILED", message)
        assert ending is not None
        assert ending.code == "job_failed"
