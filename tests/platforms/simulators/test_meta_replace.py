"""Replace at Meta, the whole line against the simulator: what the audience holds, whatever happens on the way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from activation.ledger.runs import RunState

from sandbox.platforms.outside import Outside
from tests.platforms.simulators.meta_line import RUN_OUT_S, MetaLine, digests
from tests.unit.line.world import people

OLD, NEW = people(25), people(45, start=20)  # five people stay


@pytest.fixture
def line(meta: Outside, monkeypatch: pytest.MonkeyPatch) -> Iterator[MetaLine]:
    """Return the line, its audience filled with the old people."""
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Tests")
    one = MetaLine(meta)
    one.deliver(OLD, "add", "old.csv")
    yield one
    assert one.queue == []


def check_session(line: MetaLine) -> None:
    """Assert that one session has replaced the audience: batch 1 once and first, no gap, the last one last."""
    batches = line.batches()
    numbers = [number for _, number, _ in batches]
    assert len({session for session, _, _ in batches}) == 1
    assert numbers[0] == 1
    assert numbers.count(1) == 1
    assert set(numbers) == set(range(1, max(numbers) + 1))
    assert [last for _, _, last in batches] == [False] * (len(batches) - 1) + [True]
    assert numbers[-1] == max(numbers)


def test_a_replace_is_one_session(line: MetaLine) -> None:
    """The audience holds the drop's people and nobody else; the receipt adds up and names nothing unfinished."""
    receipt = line.deliver(NEW)
    assert line.held() == digests(NEW)
    assert receipt["state"] == RunState.APPLIED
    assert receipt["rows"] == {
        "in": 45,
        "read": 45,
        "acknowledged": 45,
        "rejected_by_us": 0,
        "rejected_by_platform": 0,
    }
    assert receipt["resent"] == 0
    assert "replace_incomplete" not in [one["code"] for one in receipt["warnings"]]
    assert "replace_interrupted" not in receipt["platform_notes"]
    check_session(line)
    assert len(line.batches()) == 5


def test_a_replace_of_one_request_begins_and_ends_with_it(line: MetaLine) -> None:
    """The first batch is the last one, too."""
    line.deliver(NEW[:4])
    assert line.held() == digests(NEW[:4])
    assert [(number, last) for _, number, last in line.batches()] == [(1, True)]


def test_a_new_audience_is_created_and_filled_by_a_replace(meta: Outside) -> None:
    """A replace needs no audience to be there."""
    one = MetaLine(meta)
    receipt = one.deliver(NEW)
    assert receipt["audience"]["created"]
    assert one.held() == digests(NEW)


def test_the_run_is_accepted_until_meta_has_ended_the_replace(line: MetaLine) -> None:
    """While the audience shows a replace in progress the run polls it, and ends once it does not."""
    line.meta.configure(replacing_s=1000)
    receipt = line.deliver(NEW)
    assert receipt["state"] == RunState.APPLIED
    assert receipt["seconds"] >= 1000
    assert line.held() == digests(NEW)


def test_a_replace_waits_for_the_matching_of_an_upload(line: MetaLine) -> None:
    """An audience that Meta still fills is waited for before anything is sent."""
    line.meta.configure(matching_s=3000)
    line.deliver(people(3, start=90), "add", "more.csv")
    receipt = line.deliver(NEW)
    assert (receipt["state"], line.held()) == (RunState.APPLIED, digests(NEW))
    check_session(line)


@pytest.mark.parametrize("drop", ["before", "after"])
@pytest.mark.parametrize("skip", range(5))
def test_a_lost_answer_sends_no_first_batch_twice(line: MetaLine, skip: int, drop: str) -> None:
    """Whichever batch loses its answer, applied or not, the session begins once and the audience is exact."""
    line.meta.fail({"route": "/usersreplace", "times": 1, "skip": skip, "drop": drop})
    receipt = line.deliver(NEW)
    assert receipt["state"] == RunState.APPLIED
    assert line.held() == digests(NEW)
    check_session(line)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_anywhere(meta: Outside, monkeypatch: pytest.MonkeyPatch, after: bool) -> None:
    """A worker killed before or after any effect leaves a run that ends exact; batch 1 is applied once."""
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Tests")
    for at in range(1, 400):
        meta.reset()
        line = MetaLine(meta)
        line.deliver(OLD[:5], "add", "old.csv")
        body = line.message(NEW[:25])
        line.aws.fuse.set(at, after=after)
        line.run(body)
        where = line.aws.fuse.trace[-1:]
        assert line.held() == digests(NEW[:25]), (at, where)
        assert line.run_of(body).state is RunState.APPLIED, (at, where)
        firsts = [number for _, number, _ in line.batches() if number == 1]
        assert firsts == [1], (at, where)
        if not line.crashes:
            break
    else:
        pytest.fail("the sweep did not reach the end of a run")
    assert at > 25


def interrupted(line: MetaLine, *, batches: int) -> str:
    """Let a replace send some batches, and stop there until Meta has ended its session; return its message."""
    line.meta.fail(
        {
            "route": "/usersreplace",
            "skip": batches,
            "times": 1000,
            "status": 400,
            "body": {"error": {"code": 190, "error_subcode": 463, "message": "expired"}},
        }
    )
    line.settings = replace(line.settings, requests_in_flight=1)
    line.restart()
    body = line.message(NEW)
    line.run(body)
    assert line.run_of(body).state is RunState.BLOCKED
    assert len(line.batches()) == batches
    line.meta.fail()
    return body


def replaced(line: MetaLine) -> dict[str, Any]:
    """Return the receipt of the only replace."""
    (receipt,) = [one for one in line.receipts() if one["action"] == "replace"]
    return receipt


def test_a_session_that_ran_out_is_completed_by_adding(line: MetaLine) -> None:
    """A run that was stopped for longer than the window adds the rest, and the receipt says what was held."""
    interrupted(line, batches=2)
    assert line.held() == digests(OLD), "until the session ends, Meta serves the old people"
    assert [one["code"] for one in replaced(line)["warnings"]] == ["replace_incomplete"]
    line.clock.pass_s(RUN_OUT_S)
    assert line.held() == digests(NEW[:20])
    line.redrive()
    line.run()
    assert line.held() == digests(NEW)
    receipt = replaced(line)
    assert (receipt["state"], receipt["rows"]["acknowledged"]) == (RunState.APPLIED, len(NEW))
    assert "replace_incomplete" not in [one["code"] for one in receipt["warnings"]]
    assert "the audience held only the 20 rows" in receipt["platform_notes"]["replace_interrupted"]


def test_a_run_that_waits_for_normal_says_that_its_audience_is_incomplete(line: MetaLine) -> None:
    """A throttle outlasts the window: while Meta still replaces, receipt and event say what the audience holds."""
    line.meta.configure(replacing_s=2000)
    line.settings = replace(line.settings, requests_in_flight=1)
    line.restart()
    usage = {"1": [{"type": "custom_audience", "call_count": 100, "estimated_time_to_regain_access": 60}]}
    throttle = {
        "route": "/usersreplace",
        "skip": 2,
        "times": 2,
        "status": 400,
        "headers": {"X-Business-Use-Case-Usage": json.dumps(usage)},
        "body": {"error": {"code": 80003, "error_subcode": 2446079, "message": "too many"}},
    }
    line.meta.fail(throttle)
    body = line.message(NEW)
    line.send(body)
    seen = []
    while line.queue:
        message = line.queue.pop(0)
        line.clock.pass_s(max(0.0, message.due - line.clock()))
        line.handle(message.body)
        seen.append((line.run_of(body).code, [one["code"] for one in replaced(line)["warnings"]], line.held()))
    waiting = [(warned, held) for code, warned, held in seen if code == "replace_incomplete"]
    assert waiting
    assert all(one == (["replace_incomplete"], digests(NEW[:20])) for one in waiting)
    assert [one["DetailType"] for one in line.events].count("Activation Incomplete") == 1
    assert seen[-1][1:] == (["audience_small"], digests(NEW))
    assert replaced(line)["state"] == RunState.APPLIED


def test_a_redrive_within_the_window_continues_the_session(line: MetaLine) -> None:
    """What blocked the run is corrected in time: the same session goes on, and ends with its last batch."""
    interrupted(line, batches=3)
    line.clock.pass_s(1800)
    line.redrive()
    line.run()
    assert line.held() == digests(NEW)
    check_session(line)


@pytest.mark.parametrize("subcode", [1870147, 1870148])
def test_a_replace_that_meta_loses_starts_over_once(line: MetaLine, subcode: int) -> None:
    """Meta forgets the session: all rows are sent again in a new one."""
    error = {"error": {"code": 2650, "error_subcode": subcode, "message": "lost"}}
    line.meta.fail({"route": "/usersreplace", "skip": 2, "times": 1, "status": 400, "body": error})
    line.meta.configure(tier="full")
    body = line.message(NEW)
    line.run(body)
    assert line.held() == digests(NEW)
    sessions = [session for session, _, _ in line.batches()]
    assert len(dict.fromkeys(sessions)) == 2
    (receipt,) = [one for one in line.receipts() if one["action"] == "replace"]
    assert (receipt["state"], receipt["started_over"]) == (RunState.APPLIED, 1)


def test_a_second_replace_waits_for_the_first(line: MetaLine) -> None:
    """Two drops at once: the audience's lock lets one go first, and the audience holds the other's people."""
    line.meta.configure(replacing_s=600)
    first, second = line.message(NEW), line.message(OLD[:15], file="b.csv")
    line.run(first, second)
    assert line.held() == digests(OLD[:15])
    assert {line.run_of(one).state for one in (first, second)} == {RunState.APPLIED}


def test_a_file_beside_a_begun_replace_does_not_stop_it_halfway(line: MetaLine) -> None:
    """A second file within minutes is blocked; the first one's session is ended, or people would be lost."""
    throttle = {"error": {"code": 17, "error_subcode": 2446079, "message": "too many"}}
    line.meta.fail({"route": "/usersreplace", "skip": 2, "times": 1, "status": 400, "body": throttle})
    first = line.message(NEW)
    line.handle(first)
    assert line.run_of(first).state is RunState.WAITING
    second = line.message(OLD[:15], file="b.csv", after_s=60)
    line.run(second)
    assert line.run_of(first).state is RunState.APPLIED
    assert (line.run_of(second).state, line.run_of(second).code) == (
        RunState.BLOCKED,
        "several_files_for_one_replace",
    )
    assert line.held() == digests(NEW)


def test_an_older_replace_that_arrives_late_changes_nothing(line: MetaLine) -> None:
    """A file that was put before the one that replaced the audience ends as superseded."""
    older = line.message(NEW, file="monday.csv", at="2026-11-23T06:00:00Z")
    newer = line.message(OLD[:15], file="tuesday.csv", at="2026-11-24T06:00:00Z")
    line.run(newer)
    line.run(older)
    assert line.held() == digests(OLD[:15])
    assert line.run_of(older).state is RunState.SUPERSEDED


def test_an_interrupted_replace_does_not_mix_into_a_later_one(line: MetaLine) -> None:
    """The rest of a replace is not added to what another drop has put in its place since."""
    first = interrupted(line, batches=2)
    second = line.message(OLD[:15], file="b.csv")
    line.run(second)
    assert line.held() == digests(OLD[:15])
    line.redrive()
    line.run()
    assert line.run_of(first).state is RunState.SUPERSEDED
    assert line.held() == digests(OLD[:15])


def test_a_replace_that_does_not_fit_in_the_window_is_not_begun(meta: Outside) -> None:
    """At the limited tier 18 uploads in five minutes are too slow for this drop: nothing is sent at all."""
    line = MetaLine(meta, options={"access_tier": "limited"})
    body = line.message(people(3500))
    line.run(body)
    run = line.run_of(body)
    assert (run.state, run.code) == (RunState.FAILED, "replace_too_long")
    assert "95 minutes" in run.sentence
    assert meta.requests() == []


def test_a_damaged_file_begins_no_replace(line: MetaLine) -> None:
    """A file that cannot be read to its end would leave the audience with a part of its people."""
    asked = len(line.meta.requests())
    text = "email\n" + "".join(f"{one}\n" for one in NEW)
    item = line.put(text.encode() + b"caf\xe9\xff\xfe\x00@example.com\n", "meta/VIP/raw/replace/bad.csv")
    body = line.event(item)
    line.run(body)
    assert line.run_of(body).state is RunState.FAILED
    assert line.held() == digests(OLD)
    assert not [one for one in line.meta.requests()[asked:] if "usersreplace" in one["route"]]


def test_a_column_that_is_empty_in_a_batch_stays_in_the_schema(line: MetaLine) -> None:
    """Only the last people have a phone, and all batches of the session have both columns."""
    phones = [f"+1415555{place:04}" if place > 30 else "" for place in range(len(NEW))]
    rows = [f"{email},{phone}" for email, phone in zip(NEW, phones, strict=True)]
    text = "email,phone\n" + "".join(f"{row}\n" for row in rows)
    line.run(line.event(line.put(text, "meta/VIP/raw/replace/phones.csv")))
    assert replaced(line)["state"] == RunState.APPLIED
    assert [one["schema"] for one in line.meta.audience("VIP")["schemas"]] == [["EMAIL", "PHONE"]]
    assert line.meta.audience("VIP")["count"] == len(NEW)


def test_a_replace_that_is_sent_by_force_is_the_newest_wish(line: MetaLine) -> None:
    """An operator who replays an older replace by force gets its people, whatever was put since."""
    older = line.message(NEW, file="monday.csv", at="2026-11-23T06:00:00Z")
    line.run(older)
    line.run(line.message(OLD[:15], file="tuesday.csv", at="2026-11-24T06:00:00Z"))
    line.run(json.dumps(json.loads(older) | {"again": "1"}))
    assert line.held() == digests(NEW)


def test_a_folder_is_one_replace(line: MetaLine) -> None:
    """The files of a folder are one session, closed by its sign; the audience holds the people of all of them."""
    for name, some in (("part-0.csv", NEW[:23]), ("part-1.csv", NEW[23:])):
        text = "email\n" + "".join(f"{one}\n" for one in some)
        line.run(line.event(line.put(text, f"meta/VIP/raw/replace/monday/{name}")))
    line.run(line.event(line.put("", "meta/VIP/raw/replace/monday/_SUCCESS")))
    assert replaced(line)["state"] == RunState.APPLIED
    assert line.held() == digests(NEW)
    check_session(line)


def test_a_refused_row_is_counted_and_the_others_replace(line: MetaLine) -> None:
    """Meta refuses a request because of one row: it is found, in the first, a middle and the last batch."""
    for bad in (NEW[0], NEW[25], NEW[-1]):
        line.meta.configure(refused_values=sorted(digests([bad])))
        receipt = line.deliver(NEW, file=f"{bad}.csv")
        assert receipt["state"] == RunState.APPLIED
        assert receipt["rows"]["rejected_by_platform"] == 1
        assert line.held() == digests(set(NEW) - {bad})
