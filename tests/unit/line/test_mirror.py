"""Mirrors: after each the audience holds the people of the drop, and the receipt says how it came to that."""

from __future__ import annotations

import pytest
from activation.ledger.runs import RunState

from tests.unit.line.mirrors import ALL, Make, check_holds, counts, deliver, kept, mirror, mirror_world, state_of
from tests.unit.line.platform import Fault, hashed
from tests.unit.line.world import people, table

pytestmark = pytest.mark.filterwarnings("error")
each_way = pytest.mark.parametrize("replaces", [False, True], ids=["difference", "replace"])


@each_way
def test_a_first_mirror_fills_a_new_audience(make_world: Make, replaces: bool) -> None:
    """Everybody joins, and the audience is known to be the app's own from then on."""
    world = mirror_world(make_world, replaces=replaces)
    receipt = deliver(world, people(10))
    assert receipt["state"] == RunState.APPLIED
    world.check_sums(receipt)
    check_holds(world, people(10))
    assert receipt["rows"] == {
        "in": 10,
        "read": 10,
        "acknowledged": 10,
        "rejected_by_us": 0,
        "rejected_by_platform": 0,
        "unchanged": 0,
    }
    assert receipt["mirror"]["mode"] == ("replace" if replaces else "difference")
    assert receipt["audience"]["created"]
    assert counts(receipt) == {"joined": 10}
    assert (state_of(world).rows, state_of(world).pending) == (10, ())


@each_way
def test_the_next_mirror_takes_out_who_left(make_world: Make, replaces: bool) -> None:
    """Three leave and two join; a difference sends these five, and a replace everybody."""
    world = mirror_world(make_world, replaces=replaces)
    deliver(world, people(20))
    wanted = people(19, start=4)
    receipt = deliver(world, wanted)
    check_holds(world, wanted)
    world.check_sums(receipt)
    assert counts(receipt) == {"unchanged": 17, "joined": 2, "left": 3}
    assert receipt["rows"]["unchanged"] == (0 if replaces else 17)
    assert receipt["rows"]["acknowledged"] == (19 if replaces else 2)
    assert (receipt["mirror"]["size"], receipt["mirror"]["size_before"]) == (19, 20)
    assert [one.rows for one in state_of(world).sizes] == [20, 19]


@each_way
def test_nothing_is_sent_where_nothing_has_changed(make_world: Make, replaces: bool) -> None:
    """The same people in another order are all unchanged, and the platform gets no member."""
    world = mirror_world(make_world, replaces=replaces)
    first = deliver(world, people(12))
    before = world.platform.calls["users"]
    receipt = deliver(world, people(12)[::-1])
    assert world.platform.calls["users"] == before
    assert receipt["state"] == RunState.APPLIED
    assert (receipt["rows"]["unchanged"], receipt["rows"]["acknowledged"]) == (12, 0)
    assert receipt["audience"]["id"] == first["audience"]["id"] != ""
    world.check_sums(receipt)


@each_way
def test_rows_that_cannot_be_sent_are_rejected_and_listed(make_world: Make, replaces: bool) -> None:
    """The sum of unchanged, acknowledged and rejected rows is that of the file, and the list names their rows."""
    world = mirror_world(make_world, replaces=replaces)
    deliver(world, people(10))
    receipt = deliver(world, table([*people(9), "nobody", *people(1, start=30)]))
    world.check_sums(receipt)
    assert receipt["rows"]["rejected_by_us"] == 1
    assert [row for row, _, _ in world.rejects(receipt)] == ["10"]
    check_holds(world, [*people(9), *people(1, start=30)])


@each_way
def test_a_first_mirror_of_rejects_alone_fails_with_their_codes(make_world: Make, replaces: bool) -> None:
    """Nothing is sent, and the reason counts the rows by code, though the comparison came first."""
    world = mirror_world(make_world, replaces=replaces)
    receipt = deliver(world, ["nobody", "nothing"])
    assert (receipt["state"], receipt["reason"]["code"]) == (RunState.FAILED, "all_rows_rejected")
    assert receipt["reason"]["sentence"].startswith("every row was rejected: not_an_email 2;")


def test_what_the_platform_refuses_is_listed_by_its_row(make_world: Make) -> None:
    """A row of the drop, not the place of its line in what was sent; it is not sent again until it changes."""
    world = mirror_world(make_world)
    deliver(world, people(20))
    wanted = [*people(17, start=4), *people(4, start=50)]
    world.platform.drops = {hashed(wanted[18])}
    receipt = deliver(world, wanted)
    world.check_sums(receipt)
    assert world.rejects(receipt) == [("19", "", "row_refused")]
    assert (receipt["rows"]["acknowledged"], receipt["rows"]["rejected_by_platform"]) == (3, 1)


def test_a_shared_identifier_stays_with_who_is_wanted(make_world: Make) -> None:
    """Who leaves shares an address with somebody who stays: only the other one is removed, or nothing is."""
    world = mirror_world(make_world)
    rows = [f"a{number}@example.com,home{number // 2}@example.com" for number in range(20)]
    deliver(world, "email,spare\n" + "\n".join(rows) + "\n")
    receipt = deliver(world, "email,spare\n" + "\n".join(rows[1:]) + "\n")
    gone = {hashed("a0@example.com")}
    everybody = {hashed(cell) for row in rows for cell in row.split(",")}
    assert world.platform.cells == everybody - gone
    assert (receipt["mirror"]["removed"], receipt["mirror"]["left"]) == (1, 1)
    world.check_sums(receipt)


@pytest.mark.parametrize("in_flight", [1, 3])
def test_a_row_of_several_requests_counts_once(make_world: Make, in_flight: int) -> None:
    """The platform takes one kind of identifier a request, and second addresses are lines of their own."""
    world = mirror_world(make_world, one_kind=True, in_flight=in_flight)

    def rows(first: int, last: int) -> tuple[str, set[str]]:
        cells = [(f"a{n}@x.example;b{n}@x.example", f"c{n}@x.example") for n in range(first, last)]
        text = "email,spare\n" + "".join(f"{','.join(one)}\n" for one in cells)
        return text, {hashed(cell) for one in cells for cell in ";".join(one).split(";")}

    deliver(world, rows(0, 12)[0])
    text, wanted = rows(2, 15)
    receipt = deliver(world, text)
    assert world.platform.cells == wanted
    assert (receipt["rows"]["unchanged"], receipt["rows"]["acknowledged"]) == (10, 3)
    assert counts(receipt)["joined"] == 3
    world.check_sums(receipt)


@each_way
def test_a_file_by_itself_is_no_mirror(make_world: Make, replaces: bool) -> None:
    """Nothing says that it is all of the export: it is refused, and the audience keeps its people."""
    world = mirror_world(make_world, replaces=replaces)
    deliver(world, people(10))
    world.run(world.event(world.put(table(people(3)), f"{world.name}/vip/raw/mirror/people.csv")))
    assert (world.dead_codes(), world.wrong_codes()) == ([], ["needs_folder"])
    check_holds(world, people(10))


@each_way
def test_a_truncated_export_takes_nobody_out(make_world: Make, replaces: bool) -> None:
    """The manifest says how many rows there are, and the files have fewer."""
    world = mirror_world(make_world, replaces=replaces)
    deliver(world, people(10))
    receipt = deliver(world, people(9), export={"slot": "2026-12-01", "rows": 10})
    assert (receipt["state"], receipt["reason"]["code"]) == ("failed", "rows_differ")
    assert receipt["folder"]["export"]["slot"] == "2026-12-01"
    check_holds(world, people(10))


@each_way
def test_a_guard_stops_a_mirror_until_somebody_approves(make_world: Make, replaces: bool) -> None:
    """Half of the people would leave: nothing is sent, the sentence says how many, and an approval sends it."""
    world = mirror_world(make_world, replaces=replaces)
    deliver(world, people(10))
    events = mirror(world, people(5))
    world.run(*events)
    (receipt,) = [one for one in world.receipts() if one["state"] == "blocked"]
    assert receipt["reason"]["code"] == "needs_approval"
    assert "5 of 10 would leave" in receipt["reason"]["sentence"]
    assert receipt["run_id"] in receipt["reason"]["sentence"]
    check_holds(world, people(10))
    world.connector.connector.approvals.note(receipt["run_id"], "arn:aws:iam::1:user/ann")
    world.redrive()
    world.run()
    (receipt,) = [one for one in world.receipts() if one["run_id"] == receipt["run_id"]]
    assert (receipt["state"], receipt["mirror"]["approved_by"]) == ("applied", "arn:aws:iam::1:user/ann")
    check_holds(world, people(5))


@each_way
def test_an_approval_is_of_one_run_and_ends_after_a_week(make_world: Make, replaces: bool) -> None:
    """Another run needs another one, and so does the same run when it was left lying."""
    world = mirror_world(make_world, replaces=replaces)
    deliver(world, people(10))
    world.run(*mirror(world, people(5)))
    world.connector.connector.approvals.note("another", "somebody")
    world.redrive()
    world.run()
    assert [one["state"] for one in world.receipts()].count("blocked") == 1
    run = next(one for one in world.receipts() if one["state"] == "blocked")["run_id"]
    world.connector.connector.approvals.note(run, "somebody")
    world.clock.pass_s(7 * 86_400)
    world.redrive()
    world.run()
    assert [one["state"] for one in world.receipts()].count("blocked") == 1
    check_holds(world, people(10))


@each_way
def test_a_newer_mirror_takes_the_place_of_one_that_waits_for_an_approval(
    make_world: Make, replaces: bool
) -> None:
    """The newest list is the wish: who approves the older one afterwards changes nothing any more."""
    world = mirror_world(make_world, replaces=replaces)
    deliver(world, people(10))
    world.run(*mirror(world, people(5)))
    waiting = next(one for one in world.receipts() if one["state"] == "blocked")["run_id"]
    deliver(world, people(11))
    world.connector.connector.approvals.note(waiting, "somebody")
    world.redrive()
    world.run()
    states = {one["run_id"]: one["state"] for one in world.receipts()}
    assert states[waiting] == RunState.SUPERSEDED
    check_holds(world, people(11))


@each_way
def test_an_empty_drop_takes_nobody_out(make_world: Make, replaces: bool) -> None:
    """It waits for an approval where that can be followed, and is blocked for good where it cannot."""
    world = mirror_world(make_world, replaces=replaces)
    deliver(world, people(10))
    receipt = deliver(world, "email\n")
    code = "replace_by_nobody" if replaces else "needs_approval"
    assert (receipt["state"], receipt["reason"]["code"]) == ("blocked", code)
    check_holds(world, people(10))


@each_way
def test_an_audience_of_somebody_else_is_not_mirrored(make_world: Make, replaces: bool) -> None:
    """Who is in it is not known: the run is blocked until somebody adopts the audience."""
    world = mirror_world(make_world, replaces=replaces)
    world.platform.audiences["vip"] = "theirs"
    receipt = deliver(world, people(10))
    assert (receipt["state"], receipt["reason"]["code"]) == ("blocked", "audience_not_ours")
    assert world.platform.calls["users"] == 0
    lock = f"account#tiny#{world.name}#audience#vip"
    world.connector.connector.audiences.adopt(lock, "arn:aws:iam::1:user/ann")
    world.redrive()
    world.run()
    assert world.receipt()["state"] == RunState.APPLIED
    check_holds(world, people(10))


@each_way
def test_only_what_the_state_needs_is_kept(make_world: Make, replaces: bool) -> None:
    """The run that commits deletes the snapshots and differences before it."""
    world = mirror_world(make_world, replaces=replaces)
    for start in (1, 2, 3):
        deliver(world, people(20, start=start))
    assert len(kept(world)) == len(state_of(world).objects()) > 0


@pytest.mark.parametrize("action", ["add", "replace"])
def test_a_drop_that_adds_to_a_mirrored_audience_is_refused(make_world: Make, action: str) -> None:
    """The next mirror would take these people out again."""
    world = mirror_world(make_world, replaces=True)
    deliver(world, people(10))
    key = f"{world.name}/vip/raw/{action}/more.csv"
    world.run(world.event(world.put(table(people(3, start=50)), key)))
    assert (world.dead_codes(), world.wrong_codes()) == ([], ["mirrored_audience"])
    check_holds(world, people(10))


@each_way
def test_a_removal_is_made_good_by_a_mirror_that_still_has_the_person(make_world: Make, replaces: bool) -> None:
    """Who asks to be removed is removed at once; the next list is what counts after that."""
    world = mirror_world(make_world, replaces=replaces)
    deliver(world, people(10))
    world.run(world.event(world.put(table(people(2)), f"{world.name}/vip/raw/remove/gone.csv")))
    check_holds(world, people(8, start=3))
    receipt = next(one for one in world.receipts() if one["action"] == "remove")
    assert (receipt["state"], receipt["rows"]["acknowledged"], "mirror" in receipt) == ("applied", 2, False)
    world.check_sums(receipt)
    assert len(state_of(world).pending) == 1
    receipt = deliver(world, people(9))
    check_holds(world, people(9))
    assert counts(receipt)["left"] == 1
    assert state_of(world).pending == ()


def test_a_platform_that_keeps_too_few_keeps_the_leavers_noted(make_world: Make) -> None:
    """Who joins is added all the same, the receipt says who stays too long, and the next run tries again."""
    world = mirror_world(make_world)
    deliver(world, people(20))
    wanted = [*people(18, start=3), *people(2, start=50)]
    world.platform.too_small = True
    receipt = deliver(world, wanted)
    assert receipt["state"] == RunState.APPLIED
    assert "too_small_to_remove" in receipt["platform_notes"]
    check_holds(world, [*people(20), *people(2, start=50)])
    world.platform.too_small = False
    receipt = deliver(world, wanted)
    assert counts(receipt) == {"unchanged": 20, "left": 2}
    check_holds(world, wanted)


@each_way
def test_an_audience_that_was_deleted_is_not_made_again_unasked(make_world: Make, replaces: bool) -> None:
    """Ad sets used it: the run is blocked, and says how to have it made again."""
    world = mirror_world(make_world, replaces=replaces)
    deliver(world, people(10))
    world.platform.audiences.clear()
    receipt = deliver(world, people(10))
    assert (receipt["state"], receipt["reason"]["code"]) == ("blocked", "audience_missing")
    assert world.platform.audiences == {}


def test_a_shared_audience_is_changed_by_the_difference(make_world: Make) -> None:
    """Although the platform replaces: people whom others added stay."""
    from dataclasses import replace

    world = make_world(actions=ALL, strict=True)
    world.settings = replace(world.settings, audiences={"vip": {"shared": True}})
    world.restart()
    world.platform.audiences["vip"] = "ours and theirs"
    world.platform.cells = {"theirs"}
    receipt = deliver(world, people(10))
    assert receipt["mirror"]["mode"] == "difference"
    deliver(world, people(9, start=2))
    assert world.platform.cells == {"theirs", *(hashed(one) for one in people(9, start=2))}


def test_uploads_that_the_platform_lost_are_compared_again(make_world: Make) -> None:
    """What of the difference had arrived is in doubt, so it is made anew."""
    world = mirror_world(make_world)
    deliver(world, people(20))
    world.platform.faults.append(Fault(status=410, skip=1))
    receipt = deliver(world, people(20, start=3))
    check_holds(world, people(20, start=3))
    assert receipt["started_over"] == 1
    world.check_sums(receipt)


def test_a_blocked_mirror_of_nobody_says_what_it_would_do(make_world: Make) -> None:
    """It does not claim to send nothing, and once approved the audience's sizes say that all have left."""
    world = mirror_world(make_world)
    deliver(world, people(10))
    receipt = deliver(world, "email\n")
    assert (receipt["state"], receipt["mirror"]["begun"], receipt["mirror"]["left"]) == ("blocked", False, 10)
    assert "sends nothing" not in str(receipt["warnings"])
    world.connector.connector.approvals.note(receipt["run_id"], "somebody")
    world.redrive()
    world.run()
    (done,) = [one for one in world.receipts() if one["run_id"] == receipt["run_id"]]
    assert (done["state"], done["mirror"]["begun"]) == ("applied", True)
    assert "sends nothing" not in str(done["warnings"])
    assert [(one.rows, one.joined, one.left) for one in state_of(world).sizes] == [(10, 10, 0), (0, 0, 10)]


def test_who_has_changed_has_not_left(make_world: Make) -> None:
    """A new second address replaces the old one: a line is removed, and the size says that nobody left."""
    world = mirror_world(make_world, one_kind=True)
    rest = "".join(f"person{n}@example.com,\n" for n in range(9))
    deliver(world, f"email,email\nann@example.com,old@example.com\n{rest}")
    receipt = deliver(world, f"email,email\nann@example.com,new@example.com\n{rest}")
    assert [receipt["mirror"][name] for name in ("changed", "joined", "removed", "left")] == [1, 0, 1, 0]
    assert state_of(world).sizes[-1].left == 0
