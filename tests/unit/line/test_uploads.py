"""A batch in several uploads: a row is acknowledged when all that carry it are."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from activation.errors import Rejected
from activation.ledger.runs import RunState
from activation.platforms.upload import Batch, Upload

from tests.unit.line.platform import Fault, hashed
from tests.unit.line.tiny_publisher import TinyPublisher
from tests.unit.line.world import World, people

Make = Callable[..., World]
FOUR = "email,spare\n" + "".join(f"person{at}@example.com,spare{at}@example.com\n" for at in range(1, 5))


def test_four_rows_of_two_kinds_are_four_people_in_eight_lines(make_world: Make) -> None:
    """One kind of identifier a request: two uploads, eight identifiers, four people acknowledged."""
    world = make_world(max_rows=4, one_kind=True)
    world.run(world.drop(FOUR))
    receipt = world.receipt()
    assert receipt["state"] == RunState.APPLIED
    assert receipt["rows"] == {
        "in": 4,
        "read": 4,
        "acknowledged": 4,
        "rejected_by_us": 0,
        "rejected_by_platform": 0,
    }
    assert receipt["identifiers"] == {"EMAIL": 4, "SPARE": 4}
    assert world.platform.calls["users"] == 2
    assert world.platform.members.total() == 8


def test_rows_that_say_the_same_share_a_line_and_its_fate(make_world: Make) -> None:
    """Three rows with one address are one line; refused, all three are rejected, each in the list."""
    world = make_world(max_rows=6, one_kind=True)
    shared, other = "shared@example.com", "other@example.com"
    world.platform.drops = {hashed(shared)}
    world.run(world.drop("email,spare\n" + f"{shared},\n{other},\n{shared},a@example.com\n{shared},\n"))
    receipt = world.receipt()
    assert receipt["rows"]["acknowledged"] == 1
    assert receipt["rejected_by_platform"] == {"row_refused": 3}
    assert world.rejects() == [(row, "EMAIL", "row_refused") for row in ("1", "3", "4")]
    assert receipt["identifiers"] == {"EMAIL": 1, "SPARE": 1}


def test_a_row_refused_in_two_uploads_is_rejected_once(make_world: Make) -> None:
    """The list names both identifiers, the sums count one person."""
    world = make_world(max_rows=4, one_kind=True)
    world.platform.drops = {
        hashed("person2@example.com"),
        hashed("spare2@example.com"),
        hashed("spare3@example.com"),
    }
    world.run(world.drop(FOUR))
    receipt = world.receipt()
    assert (receipt["rows"]["acknowledged"], receipt["rejected_by_platform"]) == (2, {"row_refused": 2})
    assert sorted(world.rejects()) == [
        ("2", "EMAIL", "row_refused"),
        ("2", "SPARE", "row_refused"),
        ("3", "SPARE", "row_refused"),
    ]


def test_unnamed_refusals_are_never_more_than_the_rows(make_world: Make) -> None:
    """Counts without names add up to at most the rows of the batch."""
    world = make_world(max_rows=4, one_kind=True)
    world.platform.drops = {
        hashed(f"{kind}{at}@example.com") for kind in ("person", "spare") for at in range(1, 5)
    }
    world.platform.unnamed_drops = True
    world.run(world.drop(FOUR))
    receipt = world.receipt()
    assert (receipt["rows"]["acknowledged"], receipt["rejected_by_platform"]) == (0, {"refused": 4})


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("in_flight", [1, 3])
def test_a_crash_at_any_effect_counts_every_person_once(make_world: Make, in_flight: int, after: bool) -> None:
    """What was refused of an upload before the crash is remembered when the others are acknowledged after it."""
    for at in range(1, 45):
        world = make_world(max_rows=2, one_kind=True, in_flight=in_flight)
        world.platform.drops = {hashed("person2@example.com"), hashed("spare2@example.com")}
        body = world.drop(FOUR)
        world.aws.fuse.set(at, after=after)
        world.run(body)
        receipt = world.receipt()
        assert receipt["state"] == RunState.APPLIED, at
        assert (receipt["rows"]["acknowledged"], receipt["rejected_by_platform"]) == (3, {"row_refused": 1}), at
        assert world.platform.resent <= world.crashes * in_flight


def test_a_failed_run_of_several_uploads_adds_up(make_world: Make) -> None:
    """A row whose second upload was never acknowledged is not among those read to an end."""
    world = make_world(max_rows=2, one_kind=True)
    world.platform.faults.append(Fault(skip=3, status=403))
    world.run(world.drop(FOUR))
    rows = world.receipt()["rows"]
    assert world.receipt()["state"] == "blocked"
    assert rows == {"in": None, "read": 2, "acknowledged": 2, "rejected_by_us": 0, "rejected_by_platform": 0}


def test_an_upload_that_depends_on_another_is_sent_after_it_with_its_handle(make_world: Make) -> None:
    """What the platform returned for the first is at hand for the second, after a crash, too."""
    for at in (0, 12, 14, 16):
        world = make_world(max_rows=4, one_kind=True, dependent=True, in_flight=4)
        body = world.drop(FOUR)
        world.aws.fuse.set(at)
        world.run(body)
        assert world.receipt()["rows"]["acknowledged"] == 4
        assert world.platform.earlier[0] == []
        assert len(world.platform.earlier[-1]) == 1


@pytest.mark.parametrize("in_flight", [1, 4])
def test_an_audience_that_the_first_upload_creates_is_created_once(make_world: Make, in_flight: int) -> None:
    """The others wait for it, and the receipt has its id."""
    world = make_world(max_rows=2, by_upload=True, in_flight=in_flight)
    world.run(world.drop("email\n" + "".join(f"{one}\n" for one in people(10))))
    receipt = world.check(*people(10))
    assert world.platform.created == 1
    assert receipt["audience"] == {"name": "vip", "id": "a1", "created": True}


def test_what_the_platform_refuses_afterwards_is_taken_from_the_acknowledged(make_world: Make) -> None:
    """Verdicts come by the uploads' handles, may be repeated, and end in the final receipt."""
    world = make_world(max_rows=3, handles=True)
    world.platform.close_says = ["working"]
    world.platform.follow_says = [
        {"state": "working", "refused": [{"too_old": 1}]},
        {"state": "done", "refused": [{"too_old": 1}, {"too_old": 1, "unknown_person": 1}]},
    ]
    world.run(world.drop("email\n" + "".join(f"{one}\n" for one in people(6))))
    receipt = world.receipt()
    assert receipt["state"] == RunState.APPLIED
    assert receipt["rows"] == {
        "in": 6,
        "read": 6,
        "acknowledged": 3,
        "rejected_by_us": 0,
        "rejected_by_platform": 3,
    }
    assert receipt["rejected_by_platform"] == {"too_old": 2, "unknown_person": 1}
    world.check_sums(receipt)
    assert world.rejects(receipt) == [("", "", "too_old")] * 2 + [("", "", "unknown_person")]


def test_the_list_of_rejects_follows_a_verdict_that_changes(make_world: Make) -> None:
    """Named rows and late refusals add up with the sums while the platform works on, and when it is done."""
    world = make_world(max_rows=3, handles=True)
    world.platform.drops = {hashed(people(1)[0])}
    world.platform.close_says = ["working"]
    world.platform.follow_says = [
        {"state": "working", "refused": [{"too_old": 2}, {"too_old": 1}]},
        {"state": "done", "refused": [{"unknown_person": 1}]},
    ]
    world.run(world.drop("email\n" + "".join(f"{one}\n" for one in people(6))))
    receipt = world.receipt()
    assert receipt["state"] == RunState.APPLIED
    world.check_sums(receipt)
    assert world.rejects(receipt) == [("1", "", "row_refused"), ("", "", "too_old"), ("", "", "unknown_person")]


def test_a_publisher_that_loses_a_row_fails_the_run(make_world: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows in no upload are never counted as sent."""

    def half(self: TinyPublisher, batch: Batch) -> list[Upload]:
        return [batch.upload(columns=batch.columns.slice(1), rows=batch.rows.slice(1))]

    monkeypatch.setattr(TinyPublisher, "uploads", half)
    world = make_world(max_rows=4)
    world.run(world.drop(FOUR))
    assert world.receipt()["reason"]["code"] == Rejected("rows_without_upload", "").code
    assert world.platform.calls["users"] == 0


def test_an_odd_success_is_repeated_as_often_as_the_publisher_says(make_world: Make) -> None:
    """Two attempts, then the drop is rejected with the outcome's own code."""
    world = make_world()
    world.platform.faults.append(Fault(times=9, status=418))
    world.run(world.drop("email\nperson1@example.com\n"))
    assert world.platform.calls["users"] == 2
    assert world.receipt()["reason"]["code"] == "odd"
