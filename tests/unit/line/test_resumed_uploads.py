"""Batches of several uploads, and uploads in halves, that one invocation begins and another ends."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from activation.ledger.runs import HeldRun
from activation.pipeline.acknowledgements import Acknowledgements

from tests.unit.line.platform import Fault, hashed
from tests.unit.line.watched_aws import Crashed
from tests.unit.line.world import World, people, table

Make = Callable[..., World]
FOUR = "email,spare\n" + "".join(f"person{at}@example.com,spare{at}@example.com\n" for at in range(1, 5))
CRASHES = range(1, 40)


def test_what_half_of_an_upload_refused_is_remembered_over_a_wait(make_world: Make) -> None:
    """A row that one half was told is refused is not acknowledged when the other half comes an hour later."""
    world = make_world(max_rows=4, one_kind=True)
    world.platform.max_members = 2
    world.platform.drops = {hashed("person1@example.com")}
    world.platform.faults.append(Fault(skip=2, status=429, headers={"retry-after": "600"}))
    world.run(world.drop(FOUR))
    receipt = world.receipt()
    assert (receipt["rows"]["acknowledged"], receipt["rows"]["rejected_by_platform"]) == (3, 1)
    world.check_sums(receipt)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("unnamed", [False, True])
def test_a_refused_row_is_counted_once_wherever_the_worker_dies(
    make_world: Make, after: bool, unnamed: bool
) -> None:
    """The list that a dead worker wrote for an upload that nobody acknowledged counts with that upload alone."""
    for at in CRASHES:
        world = make_world(max_rows=4, one_kind=True, can_ask=not unnamed)
        world.platform.unnamed_drops = unnamed
        world.platform.drops = {hashed("spare2@example.com")}
        body = world.drop(FOUR)
        world.aws.fuse.set(at, after=after)
        world.run(body)
        assert world.receipt()["rows"]["acknowledged"] == 3, f"died at effect {at}"


def test_a_record_never_names_an_upload_as_done_without_its_rows(
    make_world: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever another thread saves before the worker dies, every row is accounted for afterwards."""
    world = make_world(max_rows=4, one_kind=True, in_flight=2)
    real, finished = Acknowledgements.finish, iter(range(100))

    def finish(acknowledgements: Acknowledgements, unit: object) -> None:
        if next(finished) == 1:
            world.aws.fuse.blown = True
            raise Crashed
        real(acknowledgements, unit)  # type: ignore[arg-type]  # a unit

    monkeypatch.setattr(Acknowledgements, "finish", finish)
    world.run(world.drop(FOUR))
    receipt = world.receipt()
    assert (receipt["state"], receipt["rows"]["acknowledged"]) == ("applied", 4)


@pytest.mark.parametrize("can_ask", [False, True])
def test_a_lost_answer_to_the_creating_upload_creates_no_second_audience(make_world: Make, can_ask: bool) -> None:
    """The audience is looked for again, and everybody is in it."""
    world = make_world(max_rows=2, by_upload=True, can_ask=can_ask)
    world.platform.faults.append(Fault(lost="after"))
    world.run(world.drop(table(people(10))))
    receipt = world.receipt()
    assert (world.platform.created, receipt["state"]) == (1, "applied")
    assert receipt["audience"] == {"name": "vip", "id": "a1", "created": True}
    assert {hashed(one) for one in people(10)} == {one[0] for one in world.platform.members}


@pytest.mark.parametrize("can_ask", [False, True])
def test_a_worker_that_dies_with_the_creating_upload_leaves_one_audience(make_world: Make, can_ask: bool) -> None:
    """Wherever it dies."""
    for at in CRASHES:
        world = make_world(max_rows=2, by_upload=True, can_ask=can_ask)
        body = world.drop(table(people(10)))
        world.aws.fuse.set(at, after=True)
        world.run(body)
        assert (world.platform.created, world.receipt()["state"]) == (1, "applied"), f"died at effect {at}"


def test_an_upload_that_had_arrived_is_put_to_use_with_the_others(make_world: Make) -> None:
    """The platform's answer to the question carries the handle that the lost answer had."""
    world = make_world(max_rows=3, handles=True, can_ask=True)
    world.platform.faults.append(Fault(lost="after"))
    world.run(world.drop(table(people(9))))
    assert world.platform.closed == ["h1,h2,h3"]
    assert world.receipt()["rows"]["acknowledged"] == 9


def test_odd_answers_are_counted_whatever_wait_they_ask_for(make_world: Make) -> None:
    """Two sends, though the platform says to come back in half a minute."""
    world = make_world()
    world.platform.faults.append(Fault(times=99, status=418, headers={"retry-after": "30"}))
    world.run(world.drop("email\nperson1@example.com\n"))
    assert world.platform.calls["users"] == 2


def test_only_odd_answers_count_as_odd(make_world: Make) -> None:
    """A platform that was down once may still answer oddly once."""
    world = make_world()
    world.platform.faults += [Fault(status=503), Fault(status=418)]
    world.run(world.drop("email\nperson1@example.com\n"))
    assert world.receipt()["state"] == "applied"


def test_two_bad_rows_in_different_halves_do_not_block_a_run_that_was_accepted_before(make_world: Make) -> None:
    """The platform's words may mean anything; that it took the batch before says that they are about rows."""
    world = make_world(max_rows=16)
    emails = people(32)
    world.platform.vague = True
    world.platform.refuses = {hashed(emails[16]), hashed(emails[31])}
    world.run(world.drop(table(emails)))
    receipt = world.receipt()
    assert (receipt["state"], receipt["rows"]["rejected_by_platform"]) == ("applied", 2)


def test_an_account_that_is_refused_in_mid_run_is_found_out_by_one_line(make_world: Make) -> None:
    """No row is blamed for it, and the run says what the platform said."""
    world = make_world(max_rows=16)
    emails = people(32)
    world.platform.vague = True
    world.platform.refuses = {hashed(one) for one in emails[16:]}
    world.run(world.drop(table(emails)))
    receipt = world.receipt()
    assert (receipt["state"], receipt["rows"]["acknowledged"]) == ("blocked", 16)
    assert receipt["rows"]["rejected_by_platform"] == 0
    assert world.platform.calls["users"] == 1 + 1 + 2 * 4


@pytest.mark.parametrize("skip", range(14))
def test_looking_for_bad_rows_ends_alike_whenever_it_has_to_wait(make_world: Make, skip: int) -> None:
    """That parts of the upload were accepted is known after a wait, too."""
    world = make_world(max_rows=16)
    emails = people(16)
    world.platform.vague = True
    world.platform.refuses = {hashed(one) for one in emails[:3]}
    if skip:
        world.platform.faults.append(Fault(skip=skip, status=429, headers={"retry-after": "60"}))
    world.run(world.drop(table(emails)))
    receipt = world.receipt()
    assert (receipt["state"], receipt["rows"]["acknowledged"]) == ("applied", 13)


def test_identifiers_are_those_of_rows_that_were_not_refused(make_world: Make) -> None:
    """Whether the platform names a bad row or it is found by halves, its identifiers are not counted."""
    found = []
    for named in (False, True):
        world = make_world(max_rows=16)
        emails = people(16)
        world.platform.names_bad = named
        world.platform.refuses = {hashed(emails[0])}
        world.run(world.drop(table(emails)))
        found.append(world.receipt()["identifiers"])
    assert found == [{"EMAIL": 15}, {"EMAIL": 15}]


def test_a_whole_that_was_refused_is_not_sent_again_after_each_wait(make_world: Make) -> None:
    """An account that may be asked once an hour still gets to the end."""
    world = make_world(max_rows=16, deadline_s=100 * 3600)
    emails = people(16)
    world.platform.refuses = {hashed(emails[5])}
    for at in range(1, 40):
        world.platform.faults.append(Fault(skip=at, status=429, headers={"retry-after": "3000"}))
    world.run(world.drop(table(emails)), most=500)
    assert world.receipt()["state"] == "applied"
    assert sum(world.platform.applied_rows.values()) <= 8


@pytest.mark.parametrize("in_flight", [1, 4])
def test_a_record_does_not_grow_with_what_was_acknowledged(
    make_world: Make, in_flight: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that the platform acknowledged stays in doubt, however many uploads a drop takes."""
    most = [0]
    real = HeldRun.save

    def save(held: HeldRun, *, release: bool = False) -> None:
        most.append(len(held.run.progress.checkpoint.in_doubt))
        real(held, release=release)

    monkeypatch.setattr(HeldRun, "save", save)
    world = make_world(max_rows=2, in_flight=in_flight)
    world.run(world.drop(table(people(100))))
    assert world.receipt()["rows"]["acknowledged"] == 100
    assert max(most) <= in_flight


@pytest.mark.parametrize("split_by", ["a wait", "the limit"])
def test_one_bad_row_in_the_first_of_two_halves_blocks_no_run(make_world: Make, split_by: str) -> None:
    """Both halves are sent before a refusal is held against the account."""
    world = make_world(max_rows=2)
    emails = people(4)
    world.platform.vague = True
    world.platform.refuses = {hashed(emails[2])}
    if split_by == "a wait":
        world.platform.faults.append(Fault(skip=3, status=429, headers={"retry-after": "600"}))
    else:
        world.platform.max_members = 1
    world.run(world.drop(table(emails)))
    receipt = world.receipt()
    assert (receipt["state"], receipt["rows"]["acknowledged"]) == ("applied", 3)
