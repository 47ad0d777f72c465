"""Suppressed people: in no request that adds, replaces or mirrors them, whatever happens to the run."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from activation.ledger.runs import RunState
from activation.ledger.suppression_lists import KEY
from activation.model import Action
from activation.runs.mirror_sending import MirrorSending
from activation.suppression.current import ACCEPTED_AFTER_S

from tests.unit.line.listed import suppress
from tests.unit.line.mirrors import ALL, Make, check_holds, counts, deliver, mirror_world
from tests.unit.line.platform import Fault, hashed
from tests.unit.line.world import World, people, table

pytestmark = pytest.mark.filterwarnings("error")


def held(world: World) -> set[str]:
    """Return the identifiers that the platform holds."""
    return world.platform.cells


def test_a_listed_person_is_not_sent(world: World) -> None:
    """The row is counted and listed under its own code, and the sums add up."""
    everybody = people(10)
    suppress(world, everybody[3], everybody[8])
    world.run(world.drop(table(everybody)))
    receipt = world.receipt()
    world.check_sums(receipt)
    assert receipt["rejected_by_us"] == {"suppressed": 2}
    assert world.rejects() == [("4", "", "suppressed"), ("9", "", "suppressed")]
    assert held(world) == {hashed(one) for one in everybody} - {hashed(everybody[3]), hashed(everybody[8])}


def test_without_a_list_everybody_is_sent(world: World) -> None:
    """The positive control: the same drop, and nobody is listed."""
    everybody = people(10)
    world.run(world.drop(table(everybody)))
    world.check(*everybody)


@pytest.mark.parametrize("one_kind", [False, True], ids=["rows", "one kind of identifier a request"])
def test_a_row_is_taken_out_whole(make_world: Make, one_kind: bool) -> None:
    """No other cell of the row, and none of its further lines, reaches somebody who said no."""
    world = make_world(one_kind=one_kind)
    rows = ("a@x.example;z@x.example,b@x.example,1", "c@x.example,,2", "d@x.example,e@x.example,3")
    text = "\n".join(("email,spare,customer_id", *rows))
    suppress(world, "b@x.example")
    world.run(world.drop(text))
    receipt = world.receipt()
    world.check_sums(receipt)
    assert receipt["rejected_by_us"] == {"suppressed": 1}
    assert {hashed("a@x.example"), hashed("b@x.example"), hashed("z@x.example"), "1"}.isdisjoint(held(world))
    assert {hashed("c@x.example"), hashed("d@x.example"), hashed("e@x.example")} <= held(world)


def test_a_hashed_drop_is_asked_about_too(world: World) -> None:
    """The digest on the wire is what is listed."""
    suppress(world, people(4)[1])
    world.run(world.drop("\n".join(map(hashed, people(4))), kind="email_sha256"))
    assert world.receipt()["rejected_by_us"] == {"suppressed": 1}
    assert held(world) == {hashed(one) for one in people(4) if one != people(4)[1]}


def test_a_removal_is_never_suppressed(world: World) -> None:
    """Whoever is on the list is removed like anybody else."""
    world.run(world.drop(table(people(4))))
    suppress(world, *people(4))
    world.run(world.drop(table(people(4)), kind="raw/remove"))
    assert held(world) == set()


def test_a_drop_of_listed_people_alone_ends_as_empty(world: World) -> None:
    """Nothing was sent, as was wanted; that is no failure."""
    suppress(world, *people(4))
    world.run(world.drop(table(people(4))))
    receipt = world.receipt()
    assert (receipt["state"], receipt["rejected_by_us"]) == (RunState.EMPTY, {"suppressed": 4})
    assert world.platform.calls["users"] == 0


def test_a_list_that_grows_holds_from_the_next_request_on(world: World) -> None:
    """Who was sent before stays counted as sent; nobody moves into another batch."""
    everybody = people(12)
    world.platform.faults = [Fault(skip=1, act=lambda: suppress(world, everybody[0], everybody[10]))]
    world.run(world.drop(table(everybody)))
    receipt = world.receipt()
    world.check_sums(receipt)
    assert receipt["rejected_by_us"] == {"suppressed": 1}
    assert hashed(everybody[10]) not in held(world)
    assert hashed(everybody[0]) in held(world)


def test_a_waiting_request_is_made_anew_when_the_list_changes(world: World) -> None:
    """A request that the platform put off is not sent again as it was made."""
    everybody = people(3)
    world.platform.faults = [Fault(status=503, act=lambda: suppress(world, everybody[1]))]
    world.run(world.drop(table(everybody)))
    receipt = world.receipt()
    world.check_sums(receipt)
    assert held(world) == {hashed(everybody[0]), hashed(everybody[2])}
    assert receipt["rejected_by_us"] == {"suppressed": 1}


@pytest.mark.parametrize("traits", [{}, {"can_ask": True}, {"one_kind": True}], ids=["rows", "asked", "one kind"])
@pytest.mark.parametrize("at", range(1, 40, 3))
def test_the_sums_hold_whenever_a_worker_dies_and_the_list_grows(
    make_world: Make, traits: dict[str, bool], at: int
) -> None:
    """Each row is counted once, and nobody of the second list is sent after it was accepted."""
    world = make_world(**traits)
    everybody = people(12)
    body = world.drop(table(everybody))
    suppress(world, everybody[5])
    world.aws.fuse.set(at)
    world.send(body)
    sent_before: set[str] = set()

    def grow() -> None:
        if not sent_before:
            suppress(world, everybody[5], everybody[7], everybody[11])
            sent_before.update(held(world), {"begun"})

    world.platform.faults = [Fault(skip=2, times=9, act=grow)]
    world.run()
    receipt = world.receipt()
    world.check_sums(receipt)
    assert receipt["state"] == RunState.APPLIED
    assert hashed(everybody[5]) not in held(world)
    assert hashed(everybody[11]) not in held(world) - sent_before


def test_halves_are_cut_where_they_would_be_without_a_list(world: World) -> None:
    """A batch that the platform takes in halves only has each row in the half it belongs to."""
    everybody = people(12)
    world.limits = world.limits.__class__(12, 1_000_000, 1, 60.0, frozenset((Action.ADD,)))
    world.restart()
    world.platform.max_members = 5
    world.platform.faults = [Fault(skip=2, act=lambda: suppress(world, everybody[1], everybody[9]))]
    world.run(world.drop(table(everybody)))
    receipt = world.receipt()
    world.check_sums(receipt)
    assert hashed(everybody[9]) not in held(world)
    assert len(held(world)) == receipt["rows"]["acknowledged"]


def test_a_list_that_cannot_be_read_lets_nobody_through(world: World) -> None:
    """The run waits, and goes on by itself when the list is there again."""
    everybody = people(6)
    suppress(world, everybody[0])
    stored = next(key for key in world.aws.s3.objects if key[0] == "mirrors")
    kept = world.aws.s3.objects.pop(stored)
    world.send(world.drop(table(everybody)))
    world.handle(world.queue.pop(0).body)
    assert world.platform.calls["users"] == 0
    assert world.receipt()["reason"]["code"] == "suppressions_unreadable"
    world.aws.s3.objects[stored] = kept
    world.run()
    assert world.receipt()["rejected_by_us"] == {"suppressed": 1}


@pytest.mark.parametrize("what", ["object", "record"])
def test_a_damaged_list_lets_nobody_through(world: World, what: str) -> None:
    """What cannot be read is never taken for an empty list."""
    suppress(world, people(1)[0])
    stored = next(key for key in world.aws.s3.objects if key[0] == "mirrors")
    if what == "object":
        world.aws.s3.objects[stored] = [world.aws.s3.objects[stored][-1][:-1] + b"x"]
    else:
        world.aws.dynamodb.items[KEY]["state"] = {"S": "{"}
    world.send(world.drop(table(people(6))))
    world.handle(world.queue.pop(0).body)
    assert world.platform.calls["users"] == 0
    assert world.receipt()["reason"]["code"] == "suppressions_unreadable"


@pytest.mark.parametrize("replaces", [False, True], ids=["difference", "replace"])
def test_a_listed_person_leaves_a_mirror_at_its_next_run(make_world: Make, replaces: bool) -> None:
    """Nobody's candidate: taken out though the list of the mirror has her still, and never added."""
    world = mirror_world(make_world, replaces=replaces)
    deliver(world, people(20))
    suppress(world, people(20)[4], people(21)[20])
    receipt = deliver(world, people(21))
    world.check_sums(receipt)
    check_holds(world, [one for one in people(20) if one != people(20)[4]])
    assert receipt["rejected_by_us"] == {"suppressed": 2}
    assert counts(receipt)["left"] == 1


@pytest.mark.parametrize("replaces", [False, True], ids=["difference", "replace"])
def test_a_list_that_grows_while_a_mirror_sends_keeps_its_people_out(make_world: Make, replaces: bool) -> None:
    """The receipt's sums hold, and the next run knows that they are not there."""
    world = mirror_world(make_world, replaces=replaces)
    everybody = people(12)
    world.platform.faults = [Fault(skip=1, act=lambda: suppress(world, everybody[10]))]
    receipt = deliver(world, everybody)
    world.check_sums(receipt)
    assert receipt["rejected_by_us"] == {"suppressed": 1}
    assert hashed(everybody[10]) not in held(world)
    receipt = deliver(world, everybody)
    world.check_sums(receipt)
    check_holds(world, [one for one in everybody if one != everybody[10]])


@pytest.mark.parametrize("most_rows", [1, 5], ids=["a line a request", "many"])
@pytest.mark.parametrize("replaces", [False, True], ids=["difference", "replace"])
@pytest.mark.parametrize("one_kind", [False, True], ids=["rows", "one kind"])
@pytest.mark.parametrize(
    ("now", "listed", "hers"),
    [
        ("d@x.example;e@x.example,4", "d@x.example", ["e@x.example"]),
        ("d@x.example,400", "d@x.example", []),
        ("y@x.example;z@x.example,99", "z@x.example", ["y@x.example", "z@x.example"]),
    ],
    ids=["a further address", "another number", "a new row"],
)
def test_a_list_that_grows_between_a_mirrors_comparison_and_its_requests_takes_out_whole_rows(
    make_world: Make, *, now: str, listed: str, hers: list[str], one_kind: bool, replaces: bool, most_rows: int
) -> None:
    """Nothing of the row is added, also where the listed identifier is in a line that is not sent again."""
    world = mirror_world(make_world, replaces=replaces, one_kind=one_kind, max_rows=most_rows)
    rows = [f"{name}@x.example,{number}" for number, name in enumerate("abcdfgh", 1)]
    deliver(world, "\n".join(("email,customer_id", *rows)))
    before = set(held(world))
    rows[3 if now.startswith("d") else len(rows) :] = [now, *rows[4:]] if now.startswith("d") else [now]
    grown: list[bool] = []

    def grow(phase: Callable[[MirrorSending], bool]) -> Callable[[MirrorSending], bool]:
        def begin(sending: MirrorSending) -> bool:
            if not grown:
                grown.append(True)
                suppress(world, listed)
                world.clock.pass_s(ACCEPTED_AFTER_S)
            return phase(sending)

        return begin

    with pytest.MonkeyPatch.context() as patch:
        for phase in (MirrorSending.add, MirrorSending.replace):
            patch.setattr(MirrorSending, phase.__name__, grow(phase))
        receipt = deliver(world, "\n".join(("email,customer_id", *rows)))
    world.check_sums(receipt)
    assert receipt["rejected_by_us"] == {"suppressed": 1}
    assert not (held(world) - before) & {*map(hashed, hers), "400", "99"}
    receipt = deliver(world, "\n".join(("email,customer_id", *rows)))
    world.check_sums(receipt)
    assert hashed(listed) not in held(world)


def test_a_replace_by_listed_people_alone_is_refused(make_world: Make) -> None:
    """An audience is not emptied because everybody in a drop is listed."""
    world = make_world(actions=ALL, handles=True)
    suppress(world, *people(4))
    world.run(world.drop(table(people(4)), kind="raw/replace"))
    assert world.receipt()["reason"]["code"] == "all_rows_rejected"
