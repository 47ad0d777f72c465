"""Rows without consent, or deleted at their source, on their way: never sent, always counted."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import pytest
from activation.drops.locate import locate
from activation.drops.source import BytesSource
from activation.identifiers.column_map import parse, to_metadata
from activation.identifiers.row_rules import read_rule
from activation.model import Action
from activation.row_rule import NO_RULE, RowRule

from cli.connectors import NamedConnector
from cli.dry_run import DryRun
from cli.verdict import warnings
from tests.unit.line.platform import Fault
from tests.unit.line.tiny_publisher import TABLE, platform_of
from tests.unit.line.watched_aws import Crashed
from tests.unit.line.world import World, people

Make = Callable[..., World]

ANSWERS = ("Yes", "no", "", "TRUE", "perhaps", " yes ")
YES = read_rule({"column": "Accepts Marketing", "allow": [True]})
OPERATION = read_rule({"column": "op", "allow": ["I", "U"]})


def ruled(world: World, consent: RowRule = NO_RULE, operation: RowRule = NO_RULE) -> None:
    """Set rules and start the function anew."""
    world.settings = replace(world.settings, consent=consent, operation=operation)
    world.restart()


def text(count: int, column: str = "Accepts Marketing", answers: tuple[str, ...] = ANSWERS) -> str:
    """Return a file whose rows answer in turn."""
    rows = (f"{one},{answers[row % len(answers)]}\n" for row, one in enumerate(people(count)))
    return f"email,{column}\n" + "".join(rows)


def allowed(count: int, answers: tuple[str, ...] = ANSWERS, good: tuple[str, ...] = ("yes", "true")) -> list[str]:
    """Return the people of that file who may be sent."""
    return [one for row, one in enumerate(people(count)) if answers[row % len(answers)].strip().lower() in good]


def check(world: World, sent: list[str], taken_out: dict[str, int]) -> dict[str, Any]:
    """Hold the newest receipt and the platform's members against what is right."""
    receipt: dict[str, Any] = world.receipt()
    assert receipt["state"] == "applied"
    assert receipt["rejected_by_us"] == taken_out
    assert receipt["rows"]["acknowledged"] == len(sent)
    world.check_sums(receipt)
    world.check_members(*sent)
    return receipt


@pytest.mark.parametrize("setup", [{}, {"max_rows": 1}, {"max_rows": 50}, {"one_kind": True}])
def test_only_who_said_yes_is_sent(make_world: Make, setup: dict[str, Any]) -> None:
    """A no, a blank and an unknown word are taken out with a code of their own, and the sums hold."""
    world = make_world(**setup)
    ruled(world, consent=YES)
    world.run(world.drop(text(24)))
    receipt = check(world, allowed(24), {"no_consent": 12})
    assert receipt["columns"]["used"] == {"email": "EMAIL", "Accepts Marketing": "consent"}
    assert receipt["warnings"] == []


def test_rows_that_are_wrong_for_other_reasons_keep_their_codes(make_world: Make) -> None:
    """A row without consent is counted once, before its cells are read."""
    world = make_world()
    ruled(world, consent=YES)
    world.run(world.drop("email,Accepts Marketing\nnobody,yes\nnobody,no\nperson@example.com,yes\na,b,c\n"))
    receipt = world.receipt()
    assert receipt["rejected_by_us"] == {"no_consent": 1, "not_an_email": 1, "ragged_row": 1}
    world.check_sums(receipt)


def test_nobody_deleted_at_the_source_is_added(make_world: Make) -> None:
    """Consent and operations both hold; a row is counted under the first that takes it out."""
    world = make_world()
    ruled(world, consent=YES, operation=OPERATION)
    ops = ("I", "D", "u", "")
    rows = [f"{one},{ops[row % 4]},{'no' if row % 8 == 1 else 'yes'}\n" for row, one in enumerate(people(16))]
    world.run(world.drop("email,op,Accepts Marketing\n" + "".join(rows)))
    sent = [one for row, one in enumerate(people(16)) if row % 4 in (0, 2)]
    check(world, sent, {"no_consent": 2, "deleted_at_source": 6})


@pytest.mark.parametrize(
    ("column", "answers", "code"),
    [("Accepts Marketing", ANSWERS, "consent_unmapped"), ("op", ("I", "U", "D"), "operation_unmapped")],
)
def test_a_column_that_nobody_speaks_of_stops_the_drop(
    make_world: Make, column: str, answers: tuple[str, ...], code: str
) -> None:
    """Nothing is sent, even with allow_weak; the redriven run reads the settings as they are then."""
    world = make_world()
    ruled(world)
    world.settings = replace(world.settings, allow_weak=True)
    world.restart()
    world.run(world.drop(text(12, column, answers)))
    receipt = world.receipt()
    assert receipt["reason"]["code"] == code
    assert column in receipt["reason"]["sentence"]
    assert not world.platform.calls
    ruled(world, **({"consent": YES} if code == "consent_unmapped" else {"operation": OPERATION}))
    world.redrive()
    world.run()
    good = ("yes", "true") if code == "consent_unmapped" else ("i", "u")
    sent = allowed(12, answers, good)
    out = "no_consent" if code == "consent_unmapped" else "deleted_at_source"
    check(world, sent, {out: 12 - len(sent)})


def test_a_file_can_say_that_the_column_is_to_be_ignored(make_world: Make) -> None:
    """Ignoring holds for that file where no rule is set, and does not override one that is."""
    world = make_world()
    ignore = to_metadata(parse(["Accepts Marketing=ignore"]))
    world.run(world.event(world.put(text(6), f"{world.name}/vip/raw/people.csv", ignore)))
    check(world, people(6), {})
    world = make_world()
    ruled(world, consent=YES)
    world.run(world.event(world.put(text(6), f"{world.name}/vip/raw/people.csv", ignore)))
    check(world, allowed(6), {"no_consent": 3})


@pytest.mark.parametrize(
    ("rules", "code"), [({"consent": YES}, "consent_missing"), ({"operation": OPERATION}, "operation_missing")]
)
@pytest.mark.parametrize("kind", ["raw", "email"])
def test_a_file_without_the_rules_column_is_refused(
    make_world: Make, rules: dict[str, RowRule], code: str, kind: str
) -> None:
    """Nobody knows who may be sent, so nobody is; that holds for lists without a header, too."""
    world = make_world()
    ruled(world, **rules)
    world.run(world.drop("email\n" + "".join(f"{one}\n" for one in people(3)), kind=kind))
    assert world.receipt()["reason"]["code"] == code
    assert not world.platform.calls


@pytest.mark.parametrize("consent", [YES, NO_RULE])
def test_a_drop_that_removes_looks_at_no_column_and_says_so(make_world: Make, consent: RowRule) -> None:
    """Who said no may leave; the receipt's warning and the plan's are the same."""
    world = make_world()
    ruled(world, consent=consent)
    body = text(6)
    item = world.put(body, f"{world.name}/vip/raw/remove/people.csv")
    world.platform.audiences["vip"] = "a1"
    world.run(world.event(item))
    receipt = world.receipt()
    assert (receipt["state"], receipt["rows"]["acknowledged"]) == ("applied", 6)
    assert [one["code"] for one in receipt["warnings"]] == ["consent_not_applied"]
    actions = {Action.ADD, Action.REMOVE}
    key = f"{world.name}/vip/raw/remove/people.csv"
    located = locate(key, connector=world.name, table=TABLE, actions=actions)
    connector = NamedConnector(world.name, platform_of(world.limits), {"consent": {**asdict(consent), "tell": {}}})
    run = DryRun.of(located, connector)
    assert [asdict(one) for one in warnings(run, run.over(BytesSource(body.encode())))] == receipt["warnings"]


def test_a_change_file_under_remove_removes_the_deleted_alone(make_world: Make) -> None:
    """Inserted, updated and blank rows stay in the audience; a list without the column is removed whole."""
    world = make_world()
    ruled(world, operation=OPERATION)
    world.platform.audiences["vip"] = "a1"
    world.run(world.event(world.put(text(8, "op", ("I", "D", "", "u")), f"{world.name}/vip/raw/remove/a.csv")))
    receipt = world.receipt()
    assert receipt["rejected_by_us"] == {"not_deleted_at_source": 6}
    assert receipt["rows"]["acknowledged"] == 2
    assert receipt["warnings"] == []
    world.check_sums(receipt)
    item = world.put("email\n" + "".join(f"{one}\n" for one in people(3)), f"{world.name}/vip/raw/remove/b.csv")
    world.run(world.event(item))
    assert sorted(one["rows"]["acknowledged"] for one in world.receipts()) == [2, 3]


@pytest.mark.parametrize("split", [False, True])
def test_a_file_of_deleted_rows_alone_ends_empty(make_world: Make, split: bool) -> None:
    """Nothing is sent and nothing is wrong; one bad row among them is a failure as ever."""
    world = make_world(max_rows=50)
    ruled(world, operation=OPERATION)
    if split:
        world.settings = replace(world.settings, split_above_bytes=10_000, max_parts=4)
        world.restart()
    world.run(world.drop(text(1_200, "op", ("D",))))
    receipt = world.receipt()
    assert (receipt["state"], receipt["rejected_by_us"]) == ("empty", {"deleted_at_source": 1_200})
    assert not world.platform.calls["users"]
    world.run(world.drop("email,op\nperson@example.com,D\nnobody,I\n", file="other.csv"))
    assert "all_rows_rejected" in [one["reason"]["code"] for one in world.receipts() if one["reason"]]


def test_a_change_file_of_which_nothing_is_said_removes_nobody(make_world: Make) -> None:
    """Without the setting those who were inserted would leave, too."""
    world = make_world()
    world.platform.audiences["vip"] = "a1"
    world.run(world.event(world.put(text(8, "op", ("I", "D")), f"{world.name}/vip/raw/remove/a.csv")))
    assert world.receipt()["reason"]["code"] == "operation_unmapped"
    assert not world.platform.calls


def test_a_run_keeps_to_the_rule_it_began_with(make_world: Make) -> None:
    """A setting that changes while a run waits for the platform changes nothing of it."""
    world = make_world(max_rows=2)
    ruled(world, consent=YES)

    def change() -> None:
        world.settings = replace(world.settings, consent=NO_RULE)

    world.platform.faults.append(Fault(skip=1, status=429, headers={"retry-after": "300"}, act=change))
    world.run(world.drop(text(24)))
    assert check(world, allowed(24), {"no_consent": 12})["continuations"] > 0


def test_a_crash_repeats_none_of_the_sums(make_world: Make) -> None:
    """Rows that were taken out are counted once, wherever the worker dies."""
    world = make_world(max_rows=2, in_flight=1)
    ruled(world, consent=YES)

    def die() -> None:
        world.aws.fuse.blown = True
        raise Crashed

    world.platform.faults.append(Fault(skip=2, act=die))
    world.run(world.drop(text(24)))
    assert world.crashes == 1
    check(world, allowed(24), {"no_consent": 12})


def test_the_parts_of_a_large_file_keep_to_the_runs_rule(make_world: Make) -> None:
    """Each part takes its rows out, and the sums are those of the whole."""
    world = make_world(max_rows=50)
    ruled(world, consent=YES)
    world.settings = replace(world.settings, split_above_bytes=10_000, max_parts=4)
    world.restart()
    world.run(world.drop(text(1_200)))
    receipt = check(world, allowed(1_200), {"no_consent": 600})
    assert receipt["parts"] > 1


def test_a_large_file_with_a_column_nobody_speaks_of_is_stopped_before_its_parts(make_world: Make) -> None:
    """The run judges once, before any part is sent."""
    world = make_world(max_rows=50)
    world.settings = replace(world.settings, split_above_bytes=10_000, max_parts=4)
    world.restart()
    world.run(world.drop(text(1_200)))
    assert world.receipt()["reason"]["code"] == "consent_unmapped"
    assert not world.platform.calls


def test_the_plan_takes_out_the_same_rows(make_world: Make) -> None:
    """A plan counts by the settings' rule as a run does, and refuses what a run would."""
    world = make_world()
    located = locate(f"{world.name}/vip/raw/a.csv", connector=world.name, table=TABLE, actions={Action.ADD})
    rule = {"consent": {"column": "accepts marketing", "allow": [True]}}
    run = DryRun.of(located, NamedConnector(world.name, platform_of(world.limits), rule))
    sums = run.over(BytesSource(text(24).encode()))
    assert (sums.refusal, sums.sent, sums.rejected["no_consent"].count) == (None, 12, 12)
    assert sums.rejected["no_consent"].first_rows == (2, 3, 5, 8, 9)
    run = DryRun.of(located, NamedConnector(world.name, platform_of(world.limits), {}))
    refusal = run.over(BytesSource(text(24).encode())).refusal
    assert refusal is not None
    assert refusal.code == "consent_unmapped"


def test_no_answer_of_a_person_is_written_anywhere(make_world: Make) -> None:
    """The receipt and the rejects name the column and the code, never a cell."""
    world = make_world()
    ruled(world, consent=YES)
    world.run(world.drop(text(6, answers=("yes", "quite secret"))))
    assert "quite secret" not in json.dumps(world.receipt())
