"""Messages that come twice, late, in the wrong order, not at all, from nowhere, or under a key nobody can read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.end_to_end.driver import until
from tests.end_to_end.people import Person, as_csv
from tests.end_to_end.records import Put
from tests.faults.scenario import BATCH_ROWS, SETTINGS, Scenario


@pytest.mark.every_platform
@pytest.mark.case("F31")
def test_an_event_that_comes_four_times_is_one_run(scenario: Scenario) -> None:
    """Copies that come while the run is on find it taken, copies that come later find it done."""
    line = scenario.line
    with line.held_back():
        put, some = scenario.start(8, latency_s=0.2)
        (body,) = line.take_messages(1)
        for _ in range(4):
            line.send(body)
    receipt = scenario.check(put, len(some), some)
    for _ in range(2):
        line.send(body)
    line.wait_until_quiet()
    assert len(line.calls()) == receipt["batches"] == 8 * scenario.uploads
    assert line.dead_letters() == []


@pytest.mark.every_platform
@pytest.mark.case("F32")
def test_an_older_version_that_adds_people_is_applied_after_a_newer_one(scenario: Scenario) -> None:
    """The event of the first version comes last, and its people are added to those of the second."""
    older, _, old, new = _newer_first(scenario, "")
    scenario.line.finish(older)
    scenario.line.wait_until_processed()  # with so few people, TikTok's run does not wait for its second file
    scenario.check(older, len(old), [*new, *old])


@pytest.mark.on("tiktok")
@pytest.mark.case("F32", what="an older version after a newer one that replaced the audience")
def test_an_older_version_never_replaces_a_newer_one(scenario: Scenario) -> None:
    """The event of the first version comes last: it is superseded, says its receipt, and sends nothing."""
    older, newer, old, new = _newer_first(scenario, "replace")
    receipt = scenario.line.finish(older)
    assert (receipt["state"], receipt["rows"]["acknowledged"]) == ("superseded", 0)
    assert receipt["rows_held"] == len(old)
    assert len(scenario.line.calls()) == scenario.uploads
    scenario.hold(newer.audience, new)


def _newer_first(scenario: Scenario, action: str) -> tuple[Put, Put, list[Person], list[Person]]:
    """Have the event of an older version come when the newer one is done; return both, and the people of each."""
    line = scenario.line
    old, new = scenario.people(BATCH_ROWS, part="old"), scenario.people(BATCH_ROWS, part="new")
    with line.held_back():
        older, newer = (line.put(scenario.audience, as_csv(some), action=action) for some in (old, new))
        bodies = {_version(body): body for body in line.take_messages(2)}
        line.send(bodies[newer.version_id])
    scenario.check(newer, len(new), new)
    line.send(bodies[older.version_id])
    line.wait_until_quiet()
    return older, newer, old, new


@pytest.mark.faults
@pytest.mark.case("F33")
def test_bytes_that_are_not_the_ones_the_run_began_with_stop_it(scenario: Scenario) -> None:
    """A run that finds another digest than the one it noted sends nothing more."""
    line = scenario.line
    line.configure(84, SETTINGS)
    put, some = scenario.start(12, latency_s=1.0)
    until(lambda: True if (line.run(put) or {}).get("continuation", 0) >= 1 else None, 60)
    line.kill_in_flight()
    line.edit_plan(put, etag="0" * 32)
    line.pass_time(1800)
    receipt = line.finish(put)
    assert (receipt["state"], receipt["reason"]["code"]) == ("failed", "object_changed")
    assert 0 < receipt["rows"]["acknowledged"] < len(some)
    scenario.bound()


@pytest.mark.every_platform
@pytest.mark.case("F34")
def test_two_files_for_one_audience_make_one_audience_of_both(scenario: Scenario) -> None:
    """They come at once; one is sent after the other, and the audience is created once."""
    line = scenario.line
    scenario.set(latency_s=0.2)
    halves = scenario.people(4 * BATCH_ROWS, part="a"), scenario.people(4 * BATCH_ROWS, part="b")
    with line.held_back():
        puts = [line.put(scenario.audience, as_csv(some), file=f"{n}.csv") for n, some in enumerate(halves)]
    for put, some in zip(puts, halves, strict=True):
        scenario.account(line.finish(put), len(some))
    scenario.hold(scenario.audience, [*halves[0], *halves[1]])
    scenario.bound()
    assert len(line.audiences()) == 1
    assert len(line.calls()) == 8 * scenario.uploads


@pytest.mark.faults
@pytest.mark.every_platform
@pytest.mark.case("F35")
def test_a_message_that_fails_five_times_waits_in_the_dead_letters(scenario: Scenario) -> None:
    """It is not lost: once the cause is gone a redrive delivers it, from where it had got to."""
    line = scenario.line
    put, some = scenario.start(8, latency_s=0.4)
    call = 0
    for _ in range(5):
        call = line.kill_in_flight(after=call)
        line.pass_time(1800)
    line.wait_until_quiet()
    assert len(line.dead_letters()) == 1
    assert line.sandbox.receipt_so_far(put.receipt_key) is None
    line.redrive()
    line.wait_until_quiet()
    scenario.check(put, len(some), some)
    assert line.dead_letters() == []


@pytest.mark.faults
@pytest.mark.every_platform
@pytest.mark.case("F36")
def test_a_replayed_day_sends_what_was_not_sent(scenario: Scenario) -> None:
    """Finished versions stay as they are, one that died half way goes on, one that was lost is sent."""
    line, since = scenario.line, datetime.now(tz=UTC)
    done, half, lost = (
        scenario.people(n * BATCH_ROWS, part=part) for n, part in ((2, "done"), (6, "half"), (1, "lost"))
    )
    first = line.put("Case F36 done", as_csv(done))
    line.finish(first)
    with line.held_back():
        third = line.put("Case F36 lost", as_csv(lost))
        line.take_messages(1)
    scenario.set(latency_s=0.4)
    second = line.put("Case F36 half", as_csv(half))
    line.kill_in_flight(after=len(line.calls("")) + 3)
    line.purge()
    line.pass_time(1800)
    assert line.run(second) is not None
    before = {put.run_id: line.sandbox.receipt_so_far(put.receipt_key) for put in (first, second, third)}
    line.replay(since, name := f"f36-{since:%H%M%S%f}")
    for put, some in ((second, half), (third, lost)):
        receipt = line.finish(put)
        assert receipt["replay"] == name
        scenario.account(receipt, len(some))
        scenario.hold(put.audience, some)
    scenario.hold(first.audience, done)
    assert line.sandbox.receipt_so_far(first.receipt_key) == before[first.run_id]
    scenario.bound()


@pytest.mark.every_platform
@pytest.mark.case("F37")
def test_a_finished_drop_is_sent_again_when_an_operator_says_so(scenario: Scenario) -> None:
    """A word in the message makes it a run of its own, once."""
    line = scenario.line
    with line.held_back():
        put, some = scenario.start(2)
        (body,) = line.take_messages(1)
        line.send(body)
    scenario.check(put, len(some), some)
    forced = json.dumps({**json.loads(body), "again": "after the audience was emptied"})
    for _ in range(2):
        line.send(forced)
        line.wait_until_quiet()
    assert len(line.calls()) == 4 * scenario.uploads
    scenario.hold(put.audience, some)


@pytest.mark.case("F38")
def test_a_replay_goes_beside_live_traffic_to_the_chosen_rule_alone(scenario: Scenario) -> None:
    """New drops are sent while old events come back, and another connector hears nothing of them."""
    line, since = scenario.line, datetime.now(tz=UTC)
    old = [scenario.people(BATCH_ROWS, part=f"old{n}") for n in range(3)]
    puts = [line.put(f"Case F38 {n}", as_csv(some)) for n, some in enumerate(old)]
    for put in puts:
        line.finish(put)
    calls = len(line.calls())
    with line.listening() as heard:
        line.replay(since, f"f38-{since:%H%M%S%f}")
        put, some = scenario.start(4)
        scenario.check(put, len(some), some)
        assert {_version(body) for body in heard()} == {put.version_id}
    assert len(line.calls()) == calls + 4 * scenario.uploads


@pytest.mark.case("F39")
def test_an_event_the_queue_does_not_take_is_kept(scenario: Scenario) -> None:
    """Without its policy the queue refuses the rule: the event waits in the rule's own dead letters."""
    line = scenario.line
    with line.refusing_events():
        put, some = scenario.start(2)
        (kept,) = line.undelivered(1)
    assert json.loads(kept)["detail"]["object"]["version-id"] == put.version_id
    line.send(kept)
    scenario.check(put, len(some), some)


@pytest.mark.case("F41")
def test_a_function_that_may_run_once_at_a_time_does_everything(scenario: Scenario) -> None:
    """Six drops come at once and wait for one another; none ends in the dead letters."""
    line = scenario.line
    with line.at_most(1):
        some = [scenario.people(BATCH_ROWS, part=f"-{n}") for n in range(6)]
        puts = [line.put(f"Case F41 {n}", as_csv(one)) for n, one in enumerate(some)]
        for put, one in zip(puts, some, strict=True):
            scenario.account(line.finish(put), len(one))
            scenario.hold(put.audience, one)
    scenario.bound()
    assert line.dead_letters() == []


FORGED: dict[str, tuple[dict[str, Any] | str, str]] = {
    "not JSON": ("Records=1", "not_json"),
    "no object": ("[1, 2]", "not_understood"),
    "another source": ({"source": "my.app"}, "not_understood"),
    "another account": ({"account": "999999999999"}, "foreign_account"),
    "another bucket": ({"detail": {"bucket": {"name": "elsewhere"}}}, "foreign_bucket"),
    "no version": ({"detail": {"object": {"version-id": ""}}}, "no_version"),
}


@pytest.mark.case("F42", what="messages that are forged, foreign or no messages at all")
def test_messages_of_nobodys_are_refused_with_a_code(scenario: Scenario) -> None:
    """Each is in the dead letters at once with its reason; the platform and the ledger hear nothing."""
    line = scenario.line
    with line.held_back():
        put, some = scenario.start(1)
        (real,) = line.take_messages(1)
    for change, _ in FORGED.values():
        line.send(change if isinstance(change, str) else json.dumps(_merged(json.loads(real), change)))
    line.wait_until_quiet()
    assert sorted(one["code"] for one in line.dead_letters()) == sorted(code for _, code in FORGED.values())
    assert line.calls("") == []
    assert line.run(put) is None
    line.send(real)
    scenario.check(put, len(some), some)


@pytest.mark.case("F43")
def test_a_key_of_any_letters_and_any_length_is_read(scenario: Scenario) -> None:
    """1,024 bytes is as long as a key can be; nothing in it is decoded."""
    line, some = scenario.line, scenario.people(10)
    name = "Été + 100% @ Ωmega"
    room = 1024 - len(f"{line.connector}/{name}/raw/".encode()) - len(".csv")
    for file in ("a+b c%2Bd@é.csv", "ß" * (room // 2) + "x" * (room % 2) + ".csv"):
        put = line.put(name, as_csv(some), file=file)
        scenario.account(line.finish(put), len(some))
    assert len(put.key.encode()) == 1024
    scenario.hold(name, some)


def _version(body: str) -> str:
    return str(json.loads(body)["detail"]["object"]["version-id"])


def _merged(whole: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    return {
        **whole,
        **{key: _merged(whole[key], one) if isinstance(one, dict) else one for key, one in change.items()},
    }
