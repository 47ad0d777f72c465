"""What happens to workers: killed, out of time, out of memory, overtaken, deployed anew."""

from __future__ import annotations

import resource

import pytest

from tests.end_to_end.driver import until
from tests.end_to_end.people import DOMAIN
from tests.faults.scenario import BATCH_ROWS, SETTINGS, Scenario

VISIBILITY_S = 1800
# Above what a function keeps in reserve for one call and what follows it, so that it works for some seconds.
SHORT_S = 84


def _kill(scenario: Scenario, times: int) -> None:
    """Kill a worker so often, each time with a call in flight, and let its message come back."""
    call = 0
    for _ in range(times):
        call = scenario.line.kill_in_flight(after=call)
        scenario.line.pass_time(VISIBILITY_S)


@pytest.mark.faults
@pytest.mark.every_platform
@pytest.mark.case("F03")
def test_a_file_takes_as_many_invocations_as_it_needs(scenario: Scenario) -> None:
    """A function that has little time left sends itself a message and goes on there; nothing is sent twice."""
    scenario.line.configure(scenario.short_s, SETTINGS)
    put, some = scenario.start(latency_s=0.8)
    receipt = scenario.check(put, len(some), some)
    assert receipt["continuations"] >= 2
    assert len(scenario.line.calls()) == 12 * scenario.uploads


@pytest.mark.faults
@pytest.mark.case("F03", what="the function is ended by its timeout in the middle of a file")
def test_a_function_that_is_ended_by_its_timeout_goes_on(scenario: Scenario) -> None:
    """The worker is ended without a word while it reads; its message comes back and the run goes on."""
    line = scenario.line
    line.configure(SHORT_S, SETTINGS)
    put, some = scenario.start(latency_s=0.8)
    line.wait_for_calls(3)
    stall = {
        "service": "dynamodb",
        "action": "UpdateItem",
        "caller": "lambda",
        "delay_s": 30.0,
    }  # longer than the client waits
    line.sandbox.aws_faults(stall)

    def pids() -> set[int]:
        return {worker["pid"] for worker in line.sandbox.workers(line.connector)}

    before = pids()
    until(lambda: None if before & pids() else True, 100)
    line.sandbox.aws_faults()
    line.pass_time(VISIBILITY_S)
    line.configure(0, SETTINGS)
    scenario.check(put, len(some), some, lost=1)


@pytest.mark.every_platform
@pytest.mark.case("F04", what="workers are killed with a call in flight, three times")
def test_a_killed_worker_costs_one_batch_at_most(scenario: Scenario) -> None:
    """The next worker goes on behind the last acknowledged batch, and asks about the one that was in flight."""
    put, some = scenario.start(8, latency_s=0.5)
    _kill(scenario, 3)
    scenario.check(put, len(some), some)
    assert scenario.line.kills >= 3


@pytest.mark.faults
@pytest.mark.every_platform
@pytest.mark.case("F04", what="workers are killed with one of four calls in flight, eight times")
def test_killed_workers_with_four_calls_in_flight(scenario: Scenario) -> None:
    """With four requests in flight a kill costs four batches at most; receives run out, and a redrive goes on."""
    line = scenario.line
    line.configure(0, {**SETTINGS, "REQUESTS_IN_FLIGHT": "4"})
    put, some = scenario.start(40, latency_s=0.7)
    call = 0
    for _ in range(8):
        call = line.kill_in_flight(after=call)
        line.pass_time(VISIBILITY_S)
    line.redrive_when_quiet()
    scenario.check(put, len(some), some, in_flight=4)


@pytest.mark.faults
@pytest.mark.every_platform
@pytest.mark.case("F05")
def test_a_worker_out_of_memory_is_like_a_dead_one(scenario: Scenario) -> None:
    """What cannot be had makes the invocation fail; the run goes on in another."""
    line = scenario.line
    put, some = scenario.start(latency_s=0.6)
    line.wait_for_calls(3)
    (worker,) = [one["pid"] for one in line.sandbox.workers(line.connector) if one["in_flight"]]
    resource.prlimit(worker, resource.RLIMIT_AS, (1, 1))
    until(lambda: True if not line.sandbox.queue_waits()["delivering"] else None, 60)
    line.restart()
    line.pass_time(VISIBILITY_S)
    scenario.check(put, len(some), some, lost=1)


@pytest.mark.every_platform
@pytest.mark.case("F06")
def test_one_message_at_two_workers_is_worked_on_once(scenario: Scenario) -> None:
    """While one works, the others report that they cannot; the message is not acknowledged for that."""
    line = scenario.line
    with line.visibility(2):
        # So short that the message is not received five times before the first worker is done, even if each other
        # worker takes seconds to start.
        put, some = scenario.start(6, latency_s=0.8 / scenario.uploads)
        line.wait_for_calls(5 * scenario.uploads)
        assert len(line.sandbox.workers(line.connector)) >= 2
    receipt = scenario.check(put, len(some), some)
    assert receipt["batches"] == len(line.calls()) == 6 * scenario.uploads
    assert line.dead_letters() == []


@pytest.mark.faults
@pytest.mark.every_platform
@pytest.mark.case("F07")
def test_a_worker_that_lost_its_lease_stops(scenario: Scenario) -> None:
    """While a call hangs the lease ends and another worker takes over; the first one may record nothing more."""
    line = scenario.line
    scenario.script({"route": scenario.dialect.upload, "skip": 3, "delay_s": 6.0})
    put, some = scenario.start()
    line.wait_for_calls(4)
    line.pass_time(VISIBILITY_S)
    until(lambda: True if len(line.calls()) >= 6 else None, 30)
    receipt = scenario.check(put, len(some), some, lost=1)
    assert receipt["batches"] == 12 * scenario.uploads
    fences = line.run(put)
    assert fences is not None
    assert fences["fence"] >= 2


@pytest.mark.faults
@pytest.mark.case("F08")
def test_continuations_that_lead_nowhere_end(scenario: Scenario) -> None:
    """A function that never has time for a call gives up; with more time, a redrive goes on."""
    line = scenario.line
    line.configure(30, SETTINGS)
    put, some = scenario.start(4)
    receipt = line.finish(put, within_s=240)
    assert (receipt["state"], receipt["reason"]["code"]) == ("failed", "no_progress")
    (letter,) = line.dead_letters()
    assert letter["code"] == "no_progress"
    assert line.calls() == []
    line.configure(0, SETTINGS)
    line.redrive()
    line.wait_until_quiet()
    scenario.check(put, len(some), some)


@pytest.mark.faults
@pytest.mark.every_platform
@pytest.mark.case("F09")
def test_a_deployment_in_the_middle_of_a_file_changes_no_batch_that_was_sent(scenario: Scenario) -> None:
    """What was acknowledged out of order keeps its edges when requests become smaller; no row goes missing."""
    line = scenario.line
    line.configure(0, {**SETTINGS, "REQUESTS_IN_FLIGHT": "4"})
    scenario.script({"route": scenario.dialect.upload, "skip": 4, "delay_s": 5.0})
    put, some = scenario.start(latency_s=0.4)
    line.wait_for_calls(8)
    line.configure(0, {"REQUESTS_IN_FLIGHT": "4", "MAX_ROWS_PER_REQUEST": "170"})  # its processes end at once
    line.kills += 1
    line.pass_time(VISIBILITY_S)
    scenario.check(put, len(some), some, in_flight=4)
    rows, sent = len(some) * scenario.uploads, line.sent().rows
    assert rows <= sent <= rows + 4 * BATCH_ROWS
    assert {170, BATCH_ROWS} <= {one["rows"] for one in line.calls()}


@pytest.mark.faults
@pytest.mark.case("F10")
def test_a_failure_nobody_foresaw_is_no_acknowledgement(scenario: Scenario) -> None:
    """The message comes back after a while, and once the cause is gone the drop is delivered."""
    line = scenario.line
    with line.held_back():
        put, some = scenario.start(2)
        line.spoil_record(put)
    line.wait_until_put_off()
    assert line.run(put) is not None
    assert line.calls("") == []
    line.forget_record(put)
    scenario.check(put, len(some), some)
    assert line.dead_letters() == []


@pytest.mark.case("F55")
def test_an_error_whose_text_names_somebody_is_not_told(scenario: Scenario) -> None:
    """Of an unexpected error the log has the type and the place, and not the text."""
    line = scenario.line
    with line.held_back():
        put, some = scenario.start(1)
        line.spoil_record(put, state=f"someone@{DOMAIN}")
    line.wait_until_put_off()
    line.forget_record(put)
    events = line.sandbox.client("logs").filter_log_events(
        logGroupName=line.log_group, filterPattern="ValueError"
    )["events"]
    assert any("unexpected error" in event["message"] for event in events)
    scenario.check(put, len(some), some)
