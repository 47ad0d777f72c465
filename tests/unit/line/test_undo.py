"""An undo leaves in the audience whom other runs, or the mirror's state, have sent too."""

from __future__ import annotations

import json

import pytest
from activation.aws.table import ConditionalTable
from activation.ledger.audiences import KnownAudiences
from activation.ledger.orders import OrderKind
from activation.ledger.progress import Progress
from activation.report.verdict import verdict

from tests.unit.line.folders import cut, drop_folder
from tests.unit.line.large_files import Make
from tests.unit.line.mirrors import deliver, mirror_world
from tests.unit.line.platform import Fault, hashed
from tests.unit.line.test_orders import ARN, stopped
from tests.unit.line.undoing import order, removal, undo, undone
from tests.unit.line.world import World, people, table


def test_the_receipt_and_the_page_of_an_undone_run_name_its_undo(make_world: Make) -> None:
    """Once the undo has ended; nothing else of the receipt changes."""
    world = make_world()
    body = world.drop(table(people(4)))
    world.run(body)
    before, message = world.receipt(), undo(world, body)
    order(world, message, OrderKind.UNDO)
    receipt = undone(world, message)
    (after,) = [one for one in world.receipts() if one["run_id"] == before["run_id"]]
    told = after.pop("undone_by")
    assert after == before
    assert (told["run_id"], told["state"], told["rows_removed"], told["by"]) == (
        receipt["run_id"],
        "applied",
        4,
        ARN,
    )
    page = world.aws.s3.get_object(Bucket="receipts", Key=f"receipts/{world.name}/vip/{before['run_id']}.html")
    assert f"Undone by run {receipt['run_id']}, 4 rows removed; asked for by {ARN}" in page["Body"].read().decode()
    assert "undone_by" not in receipt


def test_whom_other_runs_have_sent_stays(make_world: Make) -> None:
    """Runs before and after the undone one count, and so does the half that a stopped one has sent."""
    world = make_world()
    before, body = world.drop(table(people(4)), file="before.csv"), world.drop(table(people(30)))
    after = world.drop(table(people(30)[20:22]), file="after.csv")
    world.run(before)
    world.run(body)
    world.run(after)
    receipt = undone(world, undo(world, body, before, after))
    assert (receipt["state"], receipt["rows"]["acknowledged"]) == ("applied", 24)
    assert receipt["rejected_by_us"] == {"sent_by_other_runs": 6}
    assert (receipt["rows"]["rejected_by_us"], receipt["rows"]["left_in"]) == (6, 6)
    assert verdict(receipt).endswith(
        "24 were removed from the audience and 6 were left in it, as other runs sent them too or may have."
    )
    assert world.platform.cells == {hashed(one) for one in (*people(4), *people(30)[20:22])}
    listed = world.aws.s3.list_objects_v2(Bucket="receipts", Prefix=f"receipts/{world.name}/")["Contents"]
    assert [one["Key"] for one in listed if ".refused/" in one["Key"]] == []


@pytest.mark.parametrize("half", [False, True])
def test_whom_a_folder_has_sent_stays(make_world: Make, *, half: bool) -> None:
    """Its files are read by the list that its run has kept; of a run that was stopped, as far as it came."""
    world = make_world(max_rows=3, in_flight=1) if half else make_world()
    folder = drop_folder(world, cut(people(12), 5, 9))
    if half:
        world.platform.faults.append(Fault(skip=2, act=lambda: order(world, folder, OrderKind.STOP)))
    world.run(folder)
    world.clock.pass_s(60)
    sent = world.run_of(folder).progress.tally.acknowledged
    assert (0 < sent < 12) if half else sent == 12
    body = world.drop(table(people(14)), file="undone.csv")
    world.run(body)
    receipt = undone(world, undo(world, body, folder))
    assert (receipt["state"], receipt["rejected_by_us"]) == ("applied", {"sent_by_other_runs": sent})
    assert world.platform.cells == {hashed(one) for one in people(sent)}


def test_a_folder_whose_file_is_gone_refuses_the_undo(make_world: Make) -> None:
    """The operator was told that its people stay, and nobody can say any more who they are."""
    world = make_world()
    folder = drop_folder(world, cut(people(12), 5, 9))
    world.run(folder)
    body = world.drop(table(people(14)), file="undone.csv")
    world.run(body)
    held = set(world.platform.cells)
    (key,) = (key for _, key in world.aws.s3.objects if key.endswith("part-1"))
    world.aws.s3.delete_object(Bucket="drops", Key=key)
    receipt = undone(world, undo(world, body, folder))
    assert (receipt["state"], receipt["reason"]["code"]) == ("failed", "undo_refused")
    assert "cannot be read" in receipt["reason"]["sentence"]
    assert world.platform.cells == held


def test_of_a_stopped_run_only_what_it_sent_stays(make_world: Make) -> None:
    """The rows that it did not reach protect nobody."""
    world = make_world()
    other = stopped(world, 30)
    sent = world.run_of(other).progress.checkpoint.cursor.row
    body = world.drop(table(people(30)), file="again.csv")
    world.run(body)
    receipt = undone(world, undo(world, body, other))
    assert 0 < sent < 30
    assert receipt["rows"]["acknowledged"] == 30 - sent
    assert world.platform.cells == {hashed(one) for one in people(30)[:sent]}


def suspected(world: World, body: str, *, acknowledged: bool = True) -> None:
    """Have the record of a stopped run say that a worker died which may have sent two more units.

    Without `acknowledged`, the worker died before it had noted any row.
    """
    stored = world.aws.dynamodb.items[world.run_of(body).pk]
    progress = Progress.from_json(stored["progress"]["S"])
    if not acknowledged:
        progress = Progress(plan=progress.plan)
    progress.checkpoint.suspects = 2
    stored["progress"] = {"S": progress.to_json()}


@pytest.mark.parametrize("acknowledged", [True, False])
def test_whom_a_dead_worker_may_have_sent_stays(make_world: Make, acknowledged: bool) -> None:
    """Nobody knows how far it came: the whole drop of its run protects, also where no row is acknowledged."""
    world = make_world()
    other = stopped(world, 30)
    suspected(world, other, acknowledged=acknowledged)
    body = world.drop(table(people(32)), file="undone.csv")
    world.run(body)
    receipt = undone(world, undo(world, body, other))
    assert receipt["rejected_by_us"] == {"sent_by_other_runs": 30}
    assert world.platform.cells == {hashed(one) for one in people(30)}


def test_a_run_whose_worker_died_is_not_undone_before_it_is_continued(make_world: Make) -> None:
    """It may have sent more rows than are acknowledged, and nobody knows which."""
    world = make_world()
    body = stopped(world, 30)
    suspected(world, body)
    held = set(world.platform.cells)
    receipt = undone(world, undo(world, body))
    assert (receipt["state"], receipt["reason"]["code"]) == ("failed", "undo_refused")
    assert "continued to its end" in receipt["reason"]["sentence"]
    assert world.platform.cells == held


def test_nobody_leaves_where_all_were_sent_by_others(make_world: Make) -> None:
    """That ends well: there was nothing to remove."""
    world = make_world()
    other, body = world.drop(table(people(9)), file="other.csv"), world.drop(table(people(5)))
    world.run(other, body)
    receipt = undone(world, undo(world, body, other))
    assert (receipt["state"], receipt["rejected_by_us"]) == ("empty", {"sent_by_other_runs": 5})
    assert len(world.platform.cells) == 9


@pytest.mark.parametrize("removed_last", [True, False])
def test_a_removal_between_counts(make_world: Make, removed_last: bool) -> None:
    """Whom another run added and a removal took out is nobody's but the undone run's; added again, they stay."""
    world = make_world()
    first, gone = world.drop(table(people(3)), file="first.csv"), removal(world, people(2))
    for one in (first, gone):
        world.run(one)
        world.clock.pass_s(60)
    body, others = world.drop(table(people(6))), [gone, first]
    world.run(body)
    if not removed_last:
        others.append(world.drop(table(people(1)), file="anew.csv"))
        world.clock.pass_s(60)
        world.run(others[-1])
    receipt = undone(world, undo(world, body, *others))
    stay = people(6)[2:3] if removed_last else [people(6)[0], people(6)[2]]
    assert receipt["rows"]["acknowledged"] == 6 - len(stay)
    assert world.platform.cells == {hashed(one) for one in stay}


def test_a_run_that_was_undone_protects_nobody(make_world: Make) -> None:
    """Its undo left out whom the first run has sent, which is undone now as well."""
    world = make_world()
    first, body = world.drop(table(people(4)), file="first.csv"), world.drop(table(people(6)))
    for one in (first, body):
        world.run(one)
        world.clock.pass_s(60)
    undo_of_first = undo(world, first, body)
    receipt = undone(world, undo_of_first)
    assert receipt["rejected_by_us"] == {"sent_by_other_runs": 4}
    message = undo(world, body, first)
    told = json.loads(message)
    told["others"]["runs"].append(receipt["run_id"])
    undone(world, json.dumps(told))
    assert world.platform.cells == set()


def test_whom_the_mirror_holds_stays(make_world: Make) -> None:
    """A mirror that sends differences leaves earlier people in; undone, all leave but for its own."""
    world = mirror_world(make_world)
    body = world.drop(table(people(5)))
    world.run(body)
    adopt = KnownAudiences(ConditionalTable(world.aws.dynamodb, "ledger"))
    adopt.adopt(f"account#tiny#{world.name}#audience#vip", ARN)
    deliver(world, people(8)[3:])
    receipt = undone(world, undo(world, body, mirror=True))
    assert receipt["rejected_by_us"] == {"sent_by_other_runs": 2}
    assert (receipt["state"], receipt["rows"]["acknowledged"]) == ("applied", 3)
    assert world.platform.cells == {hashed(one) for one in people(8)[3:]}
