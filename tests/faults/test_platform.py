"""What the platform does wrong, by script: it fails, hangs, throttles, breaks off, or loses its answer."""

from __future__ import annotations

import json

import pytest

from tests.end_to_end.dialects.meta import refusal
from tests.end_to_end.people import DOMAIN, as_csv, sha256
from tests.faults.scenario import BATCH_ROWS, SETTINGS, Scenario

RECEIVED = {"audience_id": "1", "session_id": "1", "num_received": BATCH_ROWS, "invalid_entry_samples": {}}


@pytest.mark.faults
@pytest.mark.every_platform("server")
@pytest.mark.case("F01")
def test_an_outage_of_a_minute_is_waited_out(scenario: Scenario) -> None:
    """The run is put off and goes on; nothing is lost, sent again or given up."""
    scenario.script(scenario.refuse("server", skip=3, times=14))
    put, some = scenario.start()
    receipt = scenario.check(put, len(some), some)
    assert receipt["continuations"] >= 2
    assert scenario.line.dead_letters() == []


@pytest.mark.faults
@pytest.mark.every_platform("server")
@pytest.mark.case("F02")
def test_an_outage_of_a_day_ends_the_run_until_it_is_redriven(scenario: Scenario) -> None:
    """Behind its deadline the run fails and waits in the dead letters; a redrive goes on after the last batch."""
    line = scenario.line
    line.configure(environment={**SETTINGS, "DEADLINE_S": "7200"})
    scenario.script(scenario.refuse("server", skip=5 * scenario.uploads, times=None))
    put, some = scenario.start()
    line.wait_for_run(put, "waiting")
    line.pass_time(86_400)
    receipt = line.finish(put)
    assert (receipt["state"], receipt["reason"]["code"]) == ("failed", "deadline")
    assert receipt["rows"]["acknowledged"] == 5 * BATCH_ROWS
    (letter,) = line.dead_letters()
    assert letter["code"] == "deadline"
    line.sandbox.end_faults()
    line.redrive()
    line.wait_until_quiet()
    scenario.check(put, len(some), some)


@pytest.mark.every_platform("throttled")
@pytest.mark.case("F11")
def test_too_many_requests_are_fewer_requests(scenario: Scenario) -> None:
    """The run waits as the platform asks, outside of any invocation, and sends each batch once."""
    scenario.script(scenario.refuse("throttled", skip=4, times=scenario.dialect.throttles))
    put, some = scenario.start()
    receipt = scenario.check(put, len(some), some)
    assert receipt["continuations"] >= 1


@pytest.mark.faults
@pytest.mark.on("meta")
@pytest.mark.case("F12")
def test_an_absurd_wait_is_waited_for_an_hour_at_most(scenario: Scenario) -> None:
    """A wait of centuries, a negative one and a word each hold the run up for a minute to an hour."""
    line = scenario.line

    def usage(wait_minutes: object) -> dict[str, str]:
        bucket = {"type": "custom_audience", "call_count": 100, "estimated_time_to_regain_access": wait_minutes}
        return {"X-Business-Use-Case-Usage": json.dumps({"1": [bucket]})}

    waits: list[object] = [10**9, -5, "soon", 2, None]
    scenario.script(
        *(refusal(80003, 2446079, headers=usage(wait), skip=2 if n == 0 else 0) for n, wait in enumerate(waits)),
    )
    put, some = scenario.start()
    waited_s = [line.wait_out(put) for _ in waits]
    assert all(55 <= one <= 3_600 for one in waited_s), waited_s
    scenario.check(put, len(some), some)


@pytest.mark.faults
@pytest.mark.on("meta")
@pytest.mark.case("F13")
def test_metas_own_throttles_are_known(scenario: Scenario) -> None:
    """An error of the throttling kind in a 400 is a wait and not a failure, whatever its code."""
    codes = [(4, None), (17, 2446079), (32, None), (613, 1487742), (80003, 2446079)]
    scenario.script(*(refusal(code, subcode, skip=2 if n == 0 else 0) for n, (code, subcode) in enumerate(codes)))
    put, some = scenario.start(6)
    receipt = scenario.check(put, len(some), some)
    assert receipt["continuations"] == len(codes)
    assert scenario.line.dead_letters() == []


@pytest.mark.on("meta")
@pytest.mark.case("F16")
def test_a_request_refused_for_one_row_is_halved_down_to_it(scenario: Scenario) -> None:
    """The bad row is in the rejects by its number; everybody else is sent, with few more calls."""
    halvings = 8  # 250 rows to one
    some = scenario.people(6 * BATCH_ROWS)
    bad = scenario.chance.randrange(len(some))
    scenario.set(refused_values=[sha256(some[bad].email)])
    put = scenario.line.put(scenario.audience, as_csv(some))
    receipt = scenario.check(put, len(some), [*some[:bad], *some[bad + 1 :]], rejected_by_platform=1)
    assert [row for row, _, _ in scenario.line.rejects(receipt)] == [str(bad + 1)]
    assert len(scenario.line.calls()) <= 6 + 2 * halvings


@pytest.mark.on("meta")
@pytest.mark.case("F67")
def test_a_refusal_of_every_upload_blames_no_row(scenario: Scenario) -> None:
    """A missing permission may look like a bad row: the run stops after few calls, and a redrive delivers."""
    line = scenario.line
    line.configure(environment={**SETTINGS, "REQUESTS_IN_FLIGHT": "4"})
    scenario.script(refusal(100, times=None))
    some = scenario.people(BATCH_ROWS + 50)
    put = line.put(scenario.audience, as_csv(some))
    receipt = line.finish(put)
    assert (receipt["state"], receipt["reason"]["code"]) == ("blocked", "refused_by_platform")
    assert receipt["rows"] == {
        "in": None,
        "read": 0,
        "acknowledged": 0,
        "rejected_by_us": 0,
        "rejected_by_platform": 0,
    }
    assert line.rejects(receipt) == []
    assert len(line.calls()) <= 3 * 2  # the whole and its halves, of each of the two requests in flight
    line.sandbox.end_faults()
    line.redrive()
    line.wait_until_quiet()
    scenario.check(put, len(some), some)
    assert scenario.result.resent == 0
    assert line.dead_letters() == []


@pytest.mark.on("meta")
@pytest.mark.case("F17")
def test_rows_the_platform_calls_invalid_are_rejects(scenario: Scenario) -> None:
    """Rows it quotes are named by number, the others are counted; no quoted hash is written anywhere."""
    batch = 2
    put_rows = scenario.people(4 * BATCH_ROWS)
    first = batch * BATCH_ROWS
    quoted = [
        json.dumps([sha256(person.email), sha256(person.phone)]) for person in put_rows[first + 3 : first + 5]
    ]
    answer = {**RECEIVED, "num_invalid_entries": 3, "invalid_entry_samples": dict.fromkeys(quoted, "bad")}
    scenario.script({"route": "/users", "skip": batch, "status": 200, "body": answer})
    put, some = scenario.start(4)
    receipt = scenario.line.finish(put)
    scenario.account(receipt, len(some), by_platform=3)
    assert sorted(row for row, _, _ in scenario.line.rejects(receipt)) == ["", str(first + 4), str(first + 5)]
    # The scripted answer applied nothing, so its batch is not there; all others are.
    scenario.hold(put.audience, [*some[:first], *some[first + BATCH_ROWS :]])
    scenario.bound()


@pytest.mark.every_platform
@pytest.mark.case("F18")
def test_connections_that_break_at_once_cost_nothing(scenario: Scenario) -> None:
    """What never arrived is sent again, and reaches the platform once."""
    fault = {"route": scenario.dialect.upload, "drop": "before"}
    scenario.script({**fault, "skip": 3, "times": 3}, {**fault, "skip": 4})
    put, some = scenario.start()
    scenario.check(put, len(some), some)


@pytest.mark.every_platform("cannot_tell")
@pytest.mark.case("F19")
def test_lost_answers_are_asked_for(scenario: Scenario) -> None:
    """A platform that can tell whether the batch arrived is asked, and it need not be sent twice."""
    fault = {"route": scenario.dialect.upload, "drop": "after", "times": 1}
    scenario.script(*({**fault, "skip": 3} for _ in range(3)))
    put, some = scenario.start()
    scenario.check(put, len(some), some, lost=3)
    assert scenario.result.resent == 0


@pytest.mark.every_platform
@pytest.mark.case("F19", what="answers are lost, and the platform cannot tell what arrived")
def test_lost_answers_that_nobody_can_tell_of_are_sent_again(scenario: Scenario) -> None:
    """Each lost answer is one batch sent again at most, and the audience has its people once."""
    lost = {"route": scenario.dialect.upload, "drop": "after", "times": 1}
    mute = [scenario.refuse("cannot_tell", times=None)] if scenario.dialect.knows("cannot_tell") else []
    scenario.script(*mute, *({**lost, "skip": 3} for _ in range(3)))
    put, some = scenario.start()
    receipt = scenario.check(put, len(some), some, lost=3)
    assert scenario.result.resent == receipt["resent"] == 3


@pytest.mark.faults
@pytest.mark.every_platform
@pytest.mark.case("F20")
def test_a_platform_that_hangs_is_left(scenario: Scenario) -> None:
    """A call without an answer ends after the connector's patience, and the run goes on."""
    scenario.script({"route": scenario.dialect.upload, "skip": 2, "delay_s": scenario.dialect.patience_s + 15})
    put, some = scenario.start(4)
    scenario.check(put, len(some), some, lost=1)


@pytest.mark.faults
@pytest.mark.every_platform
@pytest.mark.case("F21")
def test_answers_that_are_none_are_not_believed(scenario: Scenario) -> None:
    """HTML, nothing and foreign JSON acknowledge no row, and what they say is in no log."""
    bodies = [f"<html>Hello someone@{DOMAIN}</html>", "", {"ok": True, "who": f"someone@{DOMAIN}"}, [1, 2]]
    route = scenario.dialect.upload
    scenario.script(
        *(
            {"route": route, "status": 200, "body": body, "skip": 2 if n == 0 else 0}
            for n, body in enumerate(bodies)
        )
    )
    put, some = scenario.start(6)
    scenario.check(put, len(some), some, lost=len(bodies))
    assert scenario.result.resent == 0


@pytest.mark.every_platform("too_large")
@pytest.mark.case("F24")
def test_a_request_that_is_too_large_is_halved(scenario: Scenario) -> None:
    """The same rows go in smaller requests, and the batches after them are as they would have been."""
    scenario.script(scenario.refuse("too_large", skip=3, times=3))
    put, some = scenario.start(6)
    scenario.check(put, len(some), some)
    rows = [one["rows"] for one in scenario.line.calls() if one["applied"]]
    assert sorted(rows) == [31, 31, 63, 125, *[BATCH_ROWS] * (6 * scenario.uploads - 1)]
