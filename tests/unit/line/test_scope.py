"""What a row that said no holds is kept out of every other row of the drop, whatever happens on the way."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from activation.drops.limits import DEFAULT
from activation.drops.locate import locate
from activation.drops.open import open_drop
from activation.drops.source import BytesSource
from activation.identifiers.row_rules import read_rule, written
from activation.ledger.progress import Progress
from activation.ledger.runs import RunState
from activation.model import Action
from activation.pipeline.scanning import scan
from activation.row_rule import NO_RULE, RowRule, Scope

from cli.connectors import NamedConnector
from cli.dry_run import DryRun
from tests.unit.line.effects import effects
from tests.unit.line.folders import drop_folder
from tests.unit.line.platform import Fault, hashed
from tests.unit.line.tiny_publisher import TABLE, platform_of
from tests.unit.line.world import World, people

Make = Callable[..., World]

CONSENT = read_rule({"column": "consent", "allow": [True], "scope": "identifiers"})
CHANGES = read_rule({"column": "op", "allow": ["I", "U"]})
FLAG = read_rule({"column": "deleted", "allow": [False]})
ADA, BOB, CY, DEE = people(4)


@pytest.fixture
def make_ruled(make_world: Make) -> Make:
    """Return the maker of worlds with rules; with `split`, a few hundred bytes are a large file."""

    def make(
        *, consent: RowRule = NO_RULE, operation: RowRule = NO_RULE, split: int = 0, **settings: Any
    ) -> World:
        world = make_world(**settings)
        world.settings = replace(
            world.settings, consent=consent, operation=operation, split_above_bytes=split, max_parts=4
        )
        world.restart()
        return world

    return make


def lines(header: str, *rows: str) -> str:
    """Write a file."""
    return "\n".join((header, *rows, ""))


def kept_sets(world: World) -> list[str]:
    """Name the sets of refused identifiers that are still stored."""
    return [key for bucket, key in world.aws.s3.objects if bucket == "receipts" and ".refused/" in key]


def check(world: World, sent: list[str], taken_out: dict[str, int]) -> dict[str, Any]:
    """Hold the receipt and the platform's members against what is right; no set outlives its run."""
    receipt = world.receipt()
    assert (receipt["state"], receipt["rejected_by_us"]) == ("applied", taken_out)
    assert receipt["rows"]["acknowledged"] == len(sent)
    world.check_sums(receipt)
    world.check_members(*set(sent))
    assert kept_sets(world) == []
    return receipt


def test_who_said_no_in_one_row_is_in_no_other(make_ruled: Make) -> None:
    """Earlier and later rows go, however the address is spelled; each is counted with a code of its own."""
    world = make_ruled(consent=CONSENT)
    rows = (f" {ADA.upper()} ,yes", f"{ADA},no", f"{BOB},yes", f"{ADA},yes", f"{CY},", f"{DEE},yes")
    world.run(world.drop(lines("email,consent", *rows)))
    check(world, [BOB, DEE], {"no_consent": 2, "no_consent_elsewhere": 2})
    assert [(row, code) for row, _, code in world.rejects()] == [
        ("1", "no_consent_elsewhere"), ("2", "no_consent"), ("4", "no_consent_elsewhere"), ("5", "no_consent"),
    ]  # fmt: skip


def test_a_no_is_its_rows_alone_unless_the_settings_say_more(make_ruled: Make) -> None:
    """By default an answer to a question of consent takes out its own row."""
    world = make_ruled(consent=replace(CONSENT, scope=None))
    world.run(world.drop(lines("email,consent", f"{ADA},no", f"{ADA},yes", f"{BOB},yes")))
    check(world, [ADA, BOB], {"no_consent": 1})


@pytest.mark.parametrize("setup", [{}, {"one_kind": True}, {"max_rows": 1}])
def test_a_person_is_recognised_by_any_address_of_the_row(make_ruled: Make, setup: dict[str, Any]) -> None:
    """Second columns, cells with several addresses and other fields count, and what is no identifier does not."""
    world = make_ruled(consent=CONSENT, **setup)
    header = "email,email,spare,customer_id,consent"
    many = people(4, start=90)
    rows = (
        f"{ADA},{BOB},{CY},7,no",
        f"{people(1, start=50)[0]};{';'.join(many)},,,8,no",
        f"{BOB},,,1,yes",
        f"{people(1, start=60)[0]},,{CY},2,yes",
        f"{people(1, start=61)[0]},{ADA},,3,yes",
        *(f"{one},,,4,yes" for one in many),
        f"{DEE},,,7,yes",
    )
    world.run(world.drop(lines(header, *rows)))
    receipt = world.receipt()
    assert receipt["rejected_by_us"] == {"no_consent": 2, "no_consent_elsewhere": 7}
    assert receipt["rows"]["acknowledged"] == 1
    world.check_sums(receipt)


def test_the_last_row_of_a_person_is_the_truth_of_a_log_of_changes(make_ruled: Make) -> None:
    """Inserted and deleted: not added. Inserted, deleted and inserted again: added, by the last row."""
    world = make_ruled(operation=CHANGES)
    rows = (f"I,{ADA}", f"U,{BOB}", f"D,{CY}", f"D,{ADA}", f"I,{DEE}", f"D,{BOB}", f"I,{BOB}", f"I,{CY}")
    world.run(world.drop(lines("op,email", *rows)))
    check(world, [DEE, BOB, CY], {"deleted_at_source": 3, "deleted_elsewhere": 2})


def test_a_flag_of_deletion_has_no_order(make_ruled: Make) -> None:
    """A person with one deleted row is in doubt, wherever the other row stands, and is left out."""
    world = make_ruled(operation=FLAG)
    world.run(world.drop(lines("email,deleted", f"{ADA},1", f"{ADA},0", f"{BOB},0", f"{CY},0", f"{CY},1", ",1")))
    check(world, [BOB], {"deleted_at_source": 3, "deleted_elsewhere": 2})


def test_the_scope_of_a_rule_can_be_set(make_ruled: Make) -> None:
    """Each row by itself, as long as that is what the settings say."""
    world = make_ruled(operation=replace(CHANGES, scope=Scope.ROW))
    world.run(world.drop(lines("op,email", f"I,{ADA}", f"D,{ADA}", "D,")))
    check(world, [ADA], {"deleted_at_source": 2})
    world = make_ruled(consent=replace(CONSENT, scope=Scope.LAST))
    world.run(world.drop(lines("consent,email", f"yes,{ADA}", f"no,{ADA}", f"no,{BOB}", f"yes,{BOB}", "no,")))
    check(world, [BOB], {"no_consent": 3, "no_consent_elsewhere": 1})


@pytest.mark.parametrize("split", [0, 60])
def test_a_deletion_that_has_only_the_key_of_the_record(make_ruled: Make, split: int) -> None:
    """It stops the drop until the settings name the column of the key; then whoever it deletes is not added."""
    world = make_ruled(operation=CHANGES, split=split)
    text = lines("op,row_id,email", f"I,1,{ADA}", f"I,2,{BOB}", "D,1,", f"I, 3 ,{CY}", "D,3,", f"I,3,{DEE}")
    world.run(world.drop(text))
    receipt = world.receipt()
    assert (receipt["state"], receipt["reason"]["code"]) == ("failed", "operation_unkeyed")
    assert receipt["reason"]["sentence"].startswith("row 3 ")
    assert not world.platform.calls.total()
    world.settings = replace(world.settings, operation=replace(CHANGES, key="row id"))
    world.restart()
    world.redrive()
    world.run()
    check(world, [BOB, DEE], {"deleted_at_source": 2, "deleted_elsewhere": 2})


def test_a_deletion_whose_address_is_unusable_stops_nothing(make_ruled: Make) -> None:
    """The row that inserted it is not sent either."""
    world = make_ruled(operation=CHANGES)
    world.run(world.drop(lines("op,email", "I,nobody", f"I,{ADA}", "D,nobody")))
    check(world, [ADA], {"not_an_email": 1, "deleted_at_source": 1})


def test_a_file_without_the_column_of_the_key_is_refused(make_ruled: Make) -> None:
    """Nobody knows then whom its rows delete."""
    world = make_ruled(operation=replace(CHANGES, key="row id"))
    world.run(world.drop(lines("op,email", f"I,{ADA}")))
    assert world.receipt()["reason"]["code"] == "operation_missing"


def test_both_rules_hold_and_the_first_is_counted(make_ruled: Make) -> None:
    """A row that two others take out is counted under consent."""
    world = make_ruled(consent=CONSENT, operation=CHANGES)
    rows = (f"I,{ADA},yes", f"I,{ADA},no", f"D,{ADA},yes", f"I,{BOB},yes", f"D,{BOB},no", f"I,{CY},yes")
    world.run(world.drop(lines("op,email,consent", *rows)))
    check(world, [CY], {"no_consent": 2, "no_consent_elsewhere": 2, "deleted_at_source": 1})


@pytest.mark.parametrize("split", [0, 40])
def test_the_files_of_a_folder_have_no_order(make_ruled: Make, split: int) -> None:
    """Who is deleted in one of them is left out of all, unless the settings say that the last row counts."""
    files = {"a": lines("op,email", f"D,{ADA}", f"I,{BOB}"), "b": lines("op,email", f"I,{ADA}", f"I,{CY}")}
    world = make_ruled(operation=CHANGES, split=split)
    world.run(drop_folder(world, files))
    check(world, [BOB, CY], {"deleted_at_source": 1, "deleted_elsewhere": 1})
    world = make_ruled(operation=replace(CHANGES, scope=Scope.LAST), split=split)
    world.run(drop_folder(world, files))
    check(world, [BOB, CY, ADA], {"deleted_at_source": 1})


def test_a_hashed_drop_is_scanned_for_both(make_ruled: Make) -> None:
    """Digests refuse digests, and one plaintext value still stops the file."""
    world = make_ruled(consent=CONSENT)
    rows = [f"{hashed(ADA)},no", f"{hashed(ADA).upper()},yes", f"{hashed(BOB)},yes"]
    world.run(world.drop(lines("email,consent", *rows), kind="hashed"))
    check(world, [BOB], {"no_consent": 1, "no_consent_elsewhere": 1})
    world = make_ruled(consent=CONSENT)
    world.run(world.drop(lines("email,consent", *rows, f"{CY},yes"), kind="hashed"))
    assert world.receipt()["reason"]["code"] == "clear_text"


def test_a_drop_that_removes_is_not_scanned(make_ruled: Make) -> None:
    """Who is deleted is removed; a change file is dropped under remove first, and then to be added."""
    world = make_ruled(operation=CHANGES)
    world.platform.audiences["vip"] = "a1"
    text = lines("op,email", f"I,{ADA}", f"D,{ADA}", "D,", f"I,{BOB}")
    world.run(world.event(world.put(text, f"{world.name}/vip/raw/remove/a.csv")))
    receipt = world.receipt()
    assert receipt["rejected_by_us"] == {"not_deleted_at_source": 2, "no_identifier": 1}
    assert receipt["rows"]["acknowledged"] == 1


def test_a_file_in_which_everybody_was_deleted_again_ends_empty(make_ruled: Make) -> None:
    """Nobody is left to be sent, and nothing is wrong."""
    world = make_ruled(operation=CHANGES)
    world.run(world.drop(lines("op,email", f"I,{ADA}", f"D,{ADA}")))
    assert world.receipt()["state"] == RunState.EMPTY
    assert kept_sets(world) == []


def crowd(count: int) -> tuple[str, list[str], dict[str, int]]:
    """Return a log of changes with consent, whom to send by it, and the counts of the others.

    Of each eight people one says no before another row of theirs, one after it, one is deleted later, one is
    inserted again.
    """
    first: list[str] = []
    second: list[str] = []
    sent = []
    for at, one in enumerate(people(count)):
        rows = {
            0: [f"I,{one},no", f"I,{one},yes"],
            1: [f"I,{one},yes", f"I,{one},no"],
            3: [f"I,{one},yes", f"D,{one},yes"],
            4: [f"D,{one},yes", f"I,{one},yes"],
        }.get(at % 8, [f"U,{one},yes"])
        first, second = [*first, rows[0]], [*second, *rows[1:]]  # in other chunks, and in other parts
        sent += [] if at % 8 in (0, 1, 3) else [one]
    eighth = count // 8
    counts = {
        "no_consent": 2 * eighth, "no_consent_elsewhere": 2 * eighth,
        "deleted_at_source": 2 * eighth, "deleted_elsewhere": eighth,
    }  # fmt: skip
    return lines("op,email,consent", *first, *second), sent, counts


def small_chunks(patch: pytest.MonkeyPatch, *, one_an_invocation: bool = False) -> None:
    """Read a few rows at a time; with `one_an_invocation`, a scan has time for one chunk only."""
    patch.setattr(
        "activation.runs.opening.open_drop", partial(open_drop, limits=replace(DEFAULT, block_bytes=400))
    )
    patch.setattr("activation.pipeline.gathering.PIECE", 3)
    if one_an_invocation:

        def briefly(*arguments: Any, **named: Any) -> Any:
            return scan(*arguments, **named | {"may_go_on": lambda: False})

        patch.setattr("activation.runs.drop.scan", briefly)


@pytest.mark.parametrize("split", [0, 300])
def test_a_scan_of_many_invocations_finds_what_one_finds(
    make_ruled: Make, monkeypatch: pytest.MonkeyPatch, split: int
) -> None:
    """Pieces of many chunks and workers come to the set of one, and parts to the receipt of one stream."""
    text, sent, counts = crowd(64)
    world = make_ruled(consent=CONSENT, operation=CHANGES)
    world.run(world.drop(text))
    alone = check(world, sent, counts)
    small_chunks(monkeypatch, one_an_invocation=True)
    world = make_ruled(consent=CONSENT, operation=CHANGES, split=split)
    world.run(world.drop(text), most=1000)
    receipt = check(world, sent, counts)
    assert world.handled >= 8
    assert (receipt["rows"], receipt["rejected_by_us"]) == (alone["rows"], alone["rejected_by_us"])
    assert receipt.get("parts", 0) == (4 if split else 0)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(("split", "step"), [(0, 2), (250, 9)])
def test_a_crash_at_any_effect_lets_nobody_through(
    make_ruled: Make, monkeypatch: pytest.MonkeyPatch, split: int, step: int, *, after: bool
) -> None:
    """Wherever a worker dies, the run ends with the sums of an unbroken one, and no set is left behind."""
    small_chunks(monkeypatch)
    text, sent, counts = crowd(16)
    for at in effects(1, 600, step=step):
        world = make_ruled(consent=CONSENT, operation=CHANGES, split=split, max_rows=8)
        body = world.drop(text)
        world.aws.fuse.set(at, after=after)
        world.run(body, most=1000)
        check(world, sent, counts)
        if not world.crashes:
            break
    else:
        pytest.fail("the sweep did not reach the end of a run")
    assert at > 20


@pytest.mark.parametrize("split", [0, 300])
def test_more_refused_people_than_there_is_room_for(
    make_ruled: Make, monkeypatch: pytest.MonkeyPatch, split: int
) -> None:
    """The drop is refused before anything is sent; with another scope, a redrive sends it."""
    small_chunks(monkeypatch)
    monkeypatch.setattr("activation.pipeline.gathering.MOST", 20)
    world = make_ruled(consent=CONSENT, split=split)
    text = lines("consent,email", *(f"no,{one}" for one in people(21)), f"yes,{people(1)[0]}")
    world.run(world.drop(text))
    assert world.receipt()["reason"]["code"] == "too_many_refused"
    assert not world.platform.calls.total()
    world.settings = replace(world.settings, consent=replace(CONSENT, scope=Scope.ROW))
    world.restart()
    world.redrive()
    world.run()
    check(world, people(1), {"no_consent": 21})


@pytest.mark.parametrize("split", [0, 300])
def test_a_lost_set_stops_the_run_and_a_redrive_scans_again(make_ruled: Make, split: int) -> None:
    """Nobody is sent for want of it, and what was sent before is not sent again."""
    text, sent, counts = crowd(64)
    world = make_ruled(consent=CONSENT, operation=CHANGES, split=split)

    def lose(name: str, _: Any) -> None:
        if world.platform.calls["users"]:
            for key in kept_sets(world):
                world.aws.s3.delete_object(Bucket="receipts", Key=key)

    world.aws.after.append(lose)
    world.platform.faults.append(Fault(skip=2, status=429, headers={"retry-after": "700"}))
    world.run(world.drop(text))
    assert world.receipt()["reason"]["code"] == "refused_gone"
    assert world.platform.calls["users"]
    world.aws.after.remove(lose)
    world.redrive()
    world.run(most=1000)
    check(world, sent, counts)


def test_the_plan_takes_out_the_same_rows(make_ruled: Make) -> None:
    """A plan scans the file as a run does, and refuses what a run would."""
    text, sent, counts = crowd(64)
    world = make_ruled()
    located = locate(f"{world.name}/vip/raw/a.csv", connector=world.name, table=TABLE, actions={Action.ADD})
    rules = {"consent": written(CONSENT), "operation": written(CHANGES)}
    run = DryRun.of(located, NamedConnector(world.name, platform_of(world.limits), rules))
    sums = run.over(BytesSource(text.encode()))
    assert (sums.refusal, sums.sent) == (None, len(sent))
    assert {code: found.count for code, found in sums.rejected.items()} == counts
    refusal = run.over(BytesSource(lines("op,email,consent", f"I,{ADA},yes", "D,,yes").encode())).refusal
    assert refusal is not None
    assert refusal.code == "operation_unkeyed"


def test_no_digest_of_a_person_is_in_the_record(make_ruled: Make) -> None:
    """The ledger has the names of the stored sets and the key of their digests; the sets are without the key."""
    world = make_ruled(consent=CONSENT, operation=CHANGES, split=200)
    records: list[str] = []
    bodies: list[bytes] = []

    def watch(name: str, call: Any) -> None:
        if name == "update_item":
            records.append(json.dumps(call["ExpressionAttributeValues"]))
        bodies.extend(world.aws.s3.objects["receipts", key][-1] for key in kept_sets(world))

    world.aws.after.append(watch)
    text, _, _ = crowd(32)
    world.run(world.drop(text))
    written = [Progress.from_json(one[":progress"]["S"]) for one in map(json.loads, records) if ":progress" in one]
    (key,) = {one.plan.refused_key for one in written} - {""}
    assert len(key) == 32
    assert bodies
    assert all(key.encode() not in one for one in bodies)
    digest = bytes.fromhex(hashed(people(1)[0]))
    assert all(digest[:8] not in one for one in bodies)
