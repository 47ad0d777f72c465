"""What the platform refuses: rows of a batch, whole batches for one row, batches that are too large."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from activation.ledger.runs import RunState

from tests.unit.line.platform import Fault, hashed
from tests.unit.line.world import World, people, table

Make = Callable[..., World]


@pytest.mark.parametrize("bad", [[0], [6], [15], [0, 15], [3, 4, 5], list(range(16))])
def test_a_batch_refused_for_some_rows_is_halved_down_to_them(make_world: Make, bad: list[int]) -> None:
    """Each bad row is found and listed with its number, and every other row arrives once."""
    world = make_world(max_rows=16)
    emails = people(20)
    world.platform.refuses = {hashed(emails[at]) for at in bad}
    world.run(world.drop(table(emails)))
    receipt = world.check(*(one for at, one in enumerate(emails) if at not in bad))
    assert receipt["rejected_by_platform"] == {"bad_member": len(bad)}
    assert world.rejects() == [(str(at + 1), "", "bad_member") for at in bad]
    assert world.platform.resent == receipt["resent"] == 0
    if len(bad) == 1:
        assert world.platform.calls["users"] == 1 + 2 * 4 + 1  # log2(16) halvings of two calls each


def test_rows_refused_in_an_otherwise_good_batch_are_listed(make_world: Make) -> None:
    """Our own rejects and the platform's stand side by side, by source row."""
    world = make_world(max_rows=4)
    emails = people(9)
    world.platform.drops = {hashed(emails[1]), hashed(emails[8])}
    text = "email\nnobody\n" + "".join(f"{one}\n" for one in emails)
    world.run(world.drop(text))
    receipt = world.check(*(one for at, one in enumerate(emails) if at not in (1, 8)))
    assert receipt["rejected_by_us"] == {"not_an_email": 1}
    assert receipt["rejected_by_platform"] == {"row_refused": 2}
    assert sorted(world.rejects()) == [
        ("1", "EMAIL", "not_an_email"),
        ("10", "", "row_refused"),
        ("3", "", "row_refused"),
    ]


def test_rows_refused_without_being_named_are_counted(make_world: Make) -> None:
    """A platform that only counts what it refuses has its count in the receipt and nameless lines in the list."""
    world = make_world(max_rows=4)
    emails = people(6)
    world.platform.drops, world.platform.unnamed_drops = {hashed(emails[1]), hashed(emails[2])}, True
    world.run(world.drop(table(emails)))
    receipt = world.check(emails[0], *emails[3:])
    assert receipt["rejected_by_platform"] == {"refused": 2}
    assert world.rejects() == [("", "", "refused_row_not_named")] * 2


def test_a_batch_too_large_for_the_platform_is_sent_in_halves_of_the_same_rows(make_world: Make) -> None:
    """The numbering of the batches stays, and no row is refused."""
    world = make_world(max_rows=8)
    world.platform.max_members = 3
    world.run(world.drop(table(people(12))))
    receipt = world.check(*people(12))
    assert receipt["batches"] == 6
    assert world.platform.resent == 0


def test_a_body_over_the_limit_is_halved_without_asking(make_world: Make) -> None:
    """What is known to be too large is never sent whole."""
    world = make_world(max_rows=8, max_bytes=500)
    sizes: list[int] = []
    inner = world.platform.send

    def send(request: object, *, timeout_s: float) -> object:
        sizes.append(len(request.body))  # type: ignore[attr-defined]  # a Request
        return inner(request, timeout_s=timeout_s)  # type: ignore[arg-type]  # the same

    world.platform.send = send  # type: ignore[method-assign,assignment]  # a spy in front of the server
    world.restart()
    world.run(world.drop(table(people(12))))
    world.check(*people(12))
    assert max(sizes) <= 500


def test_a_batch_with_more_bad_rows_than_are_sought_has_a_fault_of_its_own(make_world: Make) -> None:
    """The run fails after some of them, with the platform's code, instead of asking row by row."""
    world = make_world(max_rows=300)
    emails = people(300)
    world.platform.refuses = {hashed(one) for one in emails}
    body = world.drop(table(emails))
    world.run(body)
    receipt = world.receipt()
    assert (receipt["state"], receipt["reason"]["code"]) == ("failed", "bad_member")
    assert 50 <= receipt["rows"]["rejected_by_platform"] <= 52
    assert world.platform.calls["users"] < 150
    assert world.run_of(body).state is RunState.FAILED


@pytest.mark.parametrize("can_ask", [True, False])
def test_a_lost_answer_in_the_middle_of_a_bisection(make_world: Make, can_ask: bool) -> None:
    """The half in doubt is asked about or repeated; the halves before it are not."""
    for skip in range(1, 12):
        world = make_world(max_rows=8, can_ask=can_ask)
        emails = people(8)
        world.platform.refuses = {hashed(emails[5])}
        world.platform.faults.append(Fault(skip=skip, lost="after"))
        world.platform.faults.append(Fault(skip=skip, status=409, headers={"retry-after": "77"}))
        world.run(world.drop(table(emails)))
        receipt = world.check(*(one for one in emails if one != emails[5]))
        assert receipt["rejected_by_platform"] == {"bad_member": 1}
        assert world.platform.resent <= (0 if can_ask else world.platform.lost)
        assert receipt["resent"] <= world.platform.lost


def test_after_a_crash_in_a_bisection_only_what_may_have_been_sent_is_asked_about(make_world: Make) -> None:
    """Parts are sent in one order: behind the first that turns out to be there, none can have been."""
    world = make_world(max_rows=8, can_ask=True)
    emails = people(8)
    world.platform.refuses = {hashed(emails[6])}
    world.platform.faults.append(Fault(skip=1, act=lambda: world.aws.fuse.set(1, after=True)))
    world.run(world.drop(table(emails)))
    world.check(*(one for one in emails if one != emails[6]))
    assert world.crashes == 1
    assert world.platform.calls["arrived"] == 2
    assert world.platform.resent == 0


def test_an_audience_that_is_gone_stops_the_run_and_is_not_made_again(make_world: Make) -> None:
    """What the platform rejects for good fails the drop at once."""
    world = make_world()
    world.platform.faults.append(Fault(skip=1, status=404))
    world.run(world.drop(table(people(9))))
    assert world.receipt()["reason"]["code"] == "audience_gone"
    assert world.platform.created == 1
    assert world.platform.calls["users"] == 2
    assert world.dead_codes() == ["audience_gone"]


def test_of_several_failures_at_once_the_one_that_stops_for_good_counts(make_world: Make) -> None:
    """A throttle beside a refused permission does not turn the run into one that waits."""
    world = make_world(in_flight=3)
    world.platform.faults += [Fault(status=409, headers={"retry-after": "60"}), Fault(status=403)]
    world.run(world.drop(table(people(9))))
    assert world.receipt()["state"] == "blocked"
    assert world.dead_codes() == ["terms"]


def test_a_refusal_that_names_its_rows_costs_two_uploads(make_world: Make) -> None:
    """Of 1,000 rows the 10 bad ones are taken out by name, and the other 990 arrive at the second attempt."""
    world = make_world(max_rows=1000)
    emails = people(1000)
    bad = [99 * at for at in range(10)]
    world.platform.names_bad, world.platform.refuses = True, {hashed(emails[at]) for at in bad}
    world.run(world.drop(table(emails)))
    receipt = world.check(*(one for at, one in enumerate(emails) if at not in bad))
    assert world.platform.calls["users"] == 2
    assert (receipt["rows"]["acknowledged"], receipt["rejected_by_platform"]) == (990, {"bad_member": 10})
    assert sorted(int(row) for row, _, _ in world.rejects()) == [at + 1 for at in bad]


def test_a_batch_whose_every_row_is_named_is_not_sent_again(make_world: Make) -> None:
    """Nothing is left to send."""
    world = make_world(max_rows=4)
    emails = people(6)
    world.platform.names_bad, world.platform.refuses = True, {hashed(one) for one in emails[:4]}
    world.run(world.drop(table(emails)))
    receipt = world.check(*emails[4:])
    assert world.platform.calls["users"] == 2
    assert receipt["rejected_by_platform"] == {"bad_member": 4}


@pytest.mark.parametrize("can_ask", [True, False])
def test_a_lost_answer_behind_a_refusal_that_named_rows(make_world: Make, can_ask: bool) -> None:
    """The rest may have arrived: it is asked about by a name of its own, or repeated, once."""
    for skip in range(4):
        world = make_world(max_rows=4, can_ask=can_ask)
        emails = people(8)
        world.platform.names_bad, world.platform.refuses = True, {hashed(emails[1]), hashed(emails[6])}
        world.platform.faults.append(Fault(skip=skip, act=partial(world.aws.fuse.set, 1, after=True)))
        world.run(world.drop(table(emails)))
        receipt = world.check(*(one for at, one in enumerate(emails) if at not in (1, 6)))
        assert receipt["rejected_by_platform"] == {"bad_member": 2}
        assert world.crashes == 1
        assert world.platform.resent <= (0 if can_ask else 1)


@pytest.mark.parametrize("rows", [1, 2, 300])
def test_a_refusal_that_is_not_about_a_row_blames_none(make_world: Make, rows: int) -> None:
    """The whole and both its halves get the same answer: three writes, and a person is asked to act."""
    world = make_world(max_rows=300)
    world.platform.faults.append(Fault(times=1000, status=400))
    world.run(world.drop(table(people(rows))))
    receipt = world.receipt()
    assert (receipt["state"], receipt["reason"]["code"]) == ("blocked", "bad_request")
    assert "100" in receipt["reason"]["sentence"]
    assert receipt["rows"] == {
        "in": None,
        "read": 0,
        "acknowledged": 0,
        "rejected_by_us": 0,
        "rejected_by_platform": 0,
    }
    assert world.platform.calls["users"] == (1 if rows == 1 else 3)
    world.platform.faults.clear()
    world.redrive()
    world.run()
    world.check(*people(rows))


def test_a_vague_refusal_of_one_row_is_found_as_long_as_others_are_accepted(make_world: Make) -> None:
    """What is accepted beside it shows that it is about the row."""
    world = make_world(max_rows=16)
    emails = people(16)
    world.platform.vague, world.platform.refuses = True, {hashed(emails[5])}
    world.run(world.drop(table(emails)))
    receipt = world.check(*(one for one in emails if one != emails[5]))
    assert receipt["rejected_by_platform"] == {"bad_request": 1}
    assert world.rejects() == [("6", "", "bad_request")]
