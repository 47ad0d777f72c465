"""A platform that threw away what was uploaded before it was put to use gets it once more, and is counted once."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from activation.aws.lease import LeaseLost
from activation.ledger.runs import RunState
from activation.platforms.request import Answer, Request

from tests.unit.line.effects import effects
from tests.unit.line.platform import Fault, TinyPlatform, hashed
from tests.unit.line.world import World, people, table

Make = Callable[..., World]
BAD = ["not an address", "", "n/a"]


def mixed(good: list[str]) -> str:
    """Write a file with a row that is no address behind every other one."""
    rows = [row for at, one in enumerate(good) for row in ([one, BAD[at % 3]] if at % 2 else [one])]
    return "email\n" + "".join(f'"{row}"\n' for row in rows)


class Forgetful:
    """A platform that throws uploads away: of the first `times` closings it has none any more, and says so."""

    def __init__(self, platform: TinyPlatform, times: int) -> None:
        self.platform, self.times = platform, times
        self.gone: set[str] = set()
        self._send = platform.send

    def send(self, request: Request, *, timeout_s: float) -> Answer:
        """Play the server's part."""
        if request.call != "close":
            return self._send(request, timeout_s=timeout_s)
        self.platform.guard("close begins")
        handles = set(json.loads(request.body)["handles"].split(","))
        if self.times and not handles & self.gone:
            self.times -= 1
            self.gone |= handles
            for held in (self.platform.members, self.platform.applied_rows):
                held.clear()
        if handles & self.gone:
            self.platform.calls["close"] += 1
            self.platform.guard("close ended")
            return Answer(410, {}, b"")
        return self._send(request, timeout_s=timeout_s)


def losing(make_world: Make, times: int = 1, **settings: Any) -> World:
    """Make a world whose platform throws away, so often, all that it was sent."""
    world = make_world(handles=True, **settings)
    world.platform.send = Forgetful(world.platform, times).send  # type: ignore[method-assign]  # in front of it
    return world


COUNTS = (
    "rows",
    "rejected_by_us",
    "rejected_by_platform",
    "cells_left_out",
    "batches",
    "columns",
    "state",
    "rows_mended",
)


def counts(receipt: dict[str, Any]) -> dict[str, Any]:
    """Return what a receipt says of rows."""
    return {key: receipt[key] for key in COUNTS}


def test_what_is_lost_is_sent_once_more(make_world: Make) -> None:
    """The receipt's rows are those of a run that lost nothing; requests are counted as often as they were sent."""
    good = people(10)
    worlds = [make_world(handles=True), losing(make_world)]
    for world in worlds:
        world.platform.drops = {hashed(good[3])}
        world.run(world.drop(mixed(good)))
    left = [one for one in good if one is not good[3]]
    plain, again = worlds[0].check(*left), worlds[1].check(*left)
    assert counts(again) == counts(plain)
    assert sorted(worlds[1].rejects()) == sorted(worlds[0].rejects())
    assert (again["started_over"], again["resent"]) == (1, again["batches"])
    assert "started_over" not in plain
    assert plain["resent"] == 0
    assert again["requests"] == worlds[1].platform.calls.total()
    assert worlds[1].platform.calls["users"] == 2 * worlds[0].platform.calls["users"]
    assert again["audience"] == {**plain["audience"], "id": again["audience"]["id"]}
    assert again["audience"]["created"] is True
    assert worlds[1].platform.created == 1
    assert [one["DetailType"] for one in worlds[1].events] == ["Activation Completed"]


def test_the_audience_is_waited_for_before_anything_is_uploaded_again(make_world: Make) -> None:
    """While the platform does not let it be changed, an upload would only expire once more."""
    world = losing(make_world)
    world.platform.faults.append(Fault(call="find", skip=1, times=3, status=409, headers={"retry-after": "900"}))
    begun = world.clock()
    world.run(world.drop(table(people(4))))
    world.check(*people(4))
    assert world.clock() - begun > 3 * 900
    assert world.platform.calls["users"] == 4


def test_what_is_lost_again_fails_the_run_until_it_is_redriven(make_world: Make) -> None:
    """The way round ends: the platform's reason is in the receipt and in the dead letters."""
    world = losing(make_world, times=2)
    body = world.drop(table(people(4)))
    world.run(body)
    receipt = world.receipt()
    assert (receipt["state"], receipt["reason"]["code"]) == (RunState.FAILED, "uploads_gone")
    assert receipt["rows"]["acknowledged"] == 4
    world.redrive()
    world.run()
    assert world.check(*people(4))["started_over"] == 2
    assert world.dead_codes() == []


def test_a_hashed_drop_is_not_looked_through_again(make_world: Make) -> None:
    """That it holds no plaintext is known by then."""
    world = losing(make_world)
    text = "".join(f"{hashed(one)}\n" for one in people(5))
    body = world.drop(text, kind="email_sha256")
    world.run(body)
    world.check(*people(5))
    progress = world.run_of(body).progress
    assert (progress.checkpoint.scanned.row, progress.checkpoint.scanned_whole, progress.attempts.starts) == (
        5,
        True,
        1,
    )


def test_a_crash_at_any_effect_loses_and_doubles_no_count(make_world: Make) -> None:
    """Wherever the process dies while a run goes back to its start, the sums are those of the file."""
    good = people(5)
    for at in effects(1, 121):
        world = losing(make_world)
        body = world.drop(mixed(good))
        world.aws.fuse.set(at)
        world.run(body)
        receipt = world.check(*good)
        assert receipt["rows"]["rejected_by_us"] == 2
        assert 1 <= receipt["started_over"] <= 1 + world.crashes
        assert receipt["resent"] <= receipt["batches"] + world.crashes
        assert world.take_dead_letters() == []
        if not world.crashes:
            break
    else:
        pytest.fail("the sweep did not reach the end of a run")
    assert at > 30


def test_a_zombie_takes_no_rejects_away(make_world: Make) -> None:
    """Whose lease is another's by the time it hears that the uploads are gone has nothing to begin again."""
    world = make_world(handles=True)
    body = world.drop(mixed(people(6)))

    def taken_over() -> None:
        world.aws.dynamodb.items[world.run_of(body).pk]["fence"] = {"N": "99"}

    world.platform.faults.append(Fault(call="close", status=410, act=taken_over))
    with pytest.raises(LeaseLost):
        world.handle(body)
    assert world.stored_parts() > 0


@pytest.mark.parametrize("hash_them", [False, True])
def test_a_large_file_is_sent_once_more_by_its_parts(make_world: Make, hash_them: bool) -> None:
    """Every part goes back to its own start, and what it had counted before is not counted twice."""
    world = losing(make_world)
    world.settings = replace(world.settings, split_above_bytes=200, max_parts=4)
    world.restart()
    some = people(40)
    if hash_them:
        world.run(world.drop("".join(f"{hashed(one)}\n" for one in some), kind="email_sha256"))
    else:
        world.run(world.drop(mixed(some)))
    receipt = world.check(*some)
    assert receipt["parts"] == 4
    assert (receipt["started_over"], receipt["resent"]) == (1, receipt["batches"])
    assert receipt["requests"] == world.platform.calls.total()
    assert len(world.platform.closed) == 1
    assert world.dead_codes() == []


def test_a_part_that_dies_after_the_start_goes_on(make_world: Make) -> None:
    """Crashes at random, before and after the platform lost everything, change nothing of the sums."""
    for at in range(3, 160, 13):
        world = losing(make_world)
        world.settings = replace(world.settings, split_above_bytes=200, max_parts=3)
        world.restart()
        body = world.drop(mixed(people(24)))
        world.aws.fuse.set(at)
        world.run(body)
        receipt = world.check(*people(24))
        assert receipt["rows"]["rejected_by_us"] == 12
        assert receipt["started_over"] >= 1


def test_a_drop_of_too_many_uploads_stops_early(make_world: Make) -> None:
    """Where closing names each upload, their number is bounded, and so is the record that keeps their names."""
    for shared_out in (False, True):
        world = make_world(handles=True)
        world.limits = replace(world.limits, max_uploads=4)
        if shared_out:
            world.settings = replace(world.settings, split_above_bytes=200, max_parts=4)
        world.restart()
        world.run(world.drop(table(people(60))))
        receipt = world.receipt()
        assert (receipt["state"], receipt["reason"]["code"]) == (RunState.FAILED, "too_many_uploads")
        assert "max_mb_per_request" in receipt["reason"]["sentence"]
        assert world.platform.closed == []
        assert world.dead_codes() == ["too_many_uploads"]
        world.run(world.drop(table(people(8)), file="smaller.csv"))
        assert len(world.platform.closed) == 1
