"""Options of one audience, from the settings and its file: read once, fixed for the run, and wrong ones named."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal

import pytest
from activation.identifiers.row_rules import read_rule
from activation.ledger.runs import RunState
from activation.model import Action

from tests.unit.line.aws_in_memory import refusal
from tests.unit.line.large_files import parts_of
from tests.unit.line.platform import Fault, hashed
from tests.unit.line.world import World, people, table

Form = Literal["NFC", "NFD"]
Make = Callable[..., World]
EVERYBODY = people(7)


def say(world: World, options: object, audience: str = "vip") -> Mapping[str, Any]:
    """Write the audience's file; returns what an event says of it."""
    text = options if isinstance(options, str | bytes) else json.dumps(options)
    return world.put(text, f"{world.name}/{audience}/_audience.json")


def settle(world: World, **audiences: Mapping[str, Any]) -> None:
    """Say it in the settings."""
    world.settings = replace(world.settings, audiences=audiences)
    world.restart()


def test_the_file_says_how_an_audience_is_created(world: World) -> None:
    """The publisher has the options, and the receipt shows them."""
    said = {"description": "Best customers", "retention_days": 14, "guard": {"leave": "12.5%"}}
    say(world, {"$schema": "https://example.com/audience.schema.json", **said})
    world.run(world.drop(table(EVERYBODY)))
    receipt = world.check(*EVERYBODY)
    shown = said | {"guard": {"leave": 0.125}}
    assert world.platform.created_with == shown
    assert receipt["audience"]["options"] == shown


def test_settings_and_file_are_one(world: World) -> None:
    """What the settings say and what the file says hold together."""
    settle(world, vip={"retention_days": 14}, others={"retention_days": 3})
    say(world, {"description": "Best customers"})
    world.run(world.drop(table(EVERYBODY)))
    assert world.platform.created_with == {"description": "Best customers", "retention_days": 14}


def test_an_audience_of_which_nothing_is_said_is_as_before(world: World) -> None:
    """Nothing is passed on, kept or shown where nothing is said."""
    say(world, {"retention_days": 3}, audience="others")
    world.run(world.drop(table(EVERYBODY)))
    assert "options" not in world.check(*EVERYBODY)["audience"]
    assert world.platform.created_with == {}
    assert not [key for key in world.aws.dynamodb.items if "#options#" in key]


def test_the_file_is_no_drop(world: World) -> None:
    """Its event begins no run, and is no failure, also inside a folder."""
    inside = world.put("{}", f"{world.name}/vip/raw/export/_audience.json")
    world.run(world.event(say(world, {"retention_days": 3})), world.event(inside))
    assert world.receipts() == []
    assert world.take_dead_letters() == []


def test_a_file_of_another_spelling_is_refused(world: World) -> None:
    """A name in other letters would say nothing of the audience, and is reported as a key that cannot be read."""
    world.run(world.event(world.put("{}", f"{world.name}/vip/_Audience.json")))
    assert world.dead_codes() == ["wrong_depth"]


def test_an_id_stands_for_the_name(world: World) -> None:
    """The audience with the id is filled, and none is created."""
    say(world, {"id": "a99"})
    world.run(world.drop(table(EVERYBODY)))
    assert world.check(*EVERYBODY)["audience"]["id"] == "a99"
    assert world.platform.created == 0


def test_a_bad_file_blocks_the_run_with_all_mistakes(world: World) -> None:
    """Options that the platform lacks, values that do not fit and differences are named together."""
    settle(world, vip={"description": "Best", "retention_days": "14"})
    say(world, {"description": "Worst", "opt_out_link": "https://example.com", "id": 7, "guard": {"leave": 3}})
    body = world.drop(table(EVERYBODY))
    world.run(body)
    receipt = world.receipt()
    assert (receipt["state"], receipt["reason"]["code"]) == ("blocked", "bad_audience_options")
    sentence = receipt["reason"]["sentence"]
    assert sentence.startswith("5 to correct")
    for named in (
        "the settings: retention_days must be a whole number",
        "_audience.json: opt_out_link no such option of the platform (known: consent, description, guard, id,",
        "_audience.json: id must be small letters and digits",
        "_audience.json: guard must be an object of",
        "description the settings and the file say different things",
    ):
        assert named in sentence
    assert not world.platform.calls
    assert "Worst" not in json.dumps(receipt)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not JSON"),
        ("[1]", "an object"),
        (b"\xff{}", "not UTF-8"),
        ('{"description": "a", "description": "b"}', "said twice"),
        ('{"guard": {"leave": "1%", "leave": "2%"}}', "said twice"),
        ("[" * 9_000, "JSON"),
        (" " * 20_000 + "{}", "16,384 bytes"),
    ],
)
def test_a_file_that_cannot_be_read_blocks(world: World, text: str | bytes, why: str) -> None:
    """A damaged file is never taken to say nothing."""
    say(world, text)
    world.run(world.drop(table(EVERYBODY)))
    reason = world.receipt()["reason"]
    assert (world.receipt()["state"], reason["code"]) == ("blocked", "bad_audience_options")
    assert why in reason["sentence"]


def test_a_corrected_file_is_read_when_the_run_is_redriven(world: World) -> None:
    """A blocked run keeps its place, and reads the file as it is by then."""
    say(world, "{")
    world.run(world.drop(table(EVERYBODY)))
    say(world, {"retention_days": 14})
    world.redrive()
    world.run()
    world.check(*EVERYBODY)
    assert world.platform.created_with == {"retention_days": 14}


def test_a_run_that_stopped_before_it_sent_anything_reads_the_file_again(world: World) -> None:
    """Options that fit and were wrong all the same are corrected by another file and a redrive."""
    world.platform.faults.append(Fault("find", status=403))
    say(world, {"description": "Worst"})
    world.run(world.drop(table(EVERYBODY)))
    say(world, {"description": "Best"})
    world.redrive()
    world.run()
    world.check(*EVERYBODY)
    assert world.platform.created_with == {"description": "Best"}


def test_a_run_keeps_the_options_that_it_began_with(world: World) -> None:
    """A file that comes while a run waits or sends says nothing of that run, and everything of the next."""
    say(world, {"id": "a1"})
    world.budget_s = 80.25  # for some of the batches
    assert world.handle(world.drop(table(EVERYBODY))) == RunState.RUNNING
    world.budget_s = 300.0
    say(world, {"id": "a2", "value_based": True})
    world.run()
    assert world.check(*EVERYBODY)["audience"] == {
        "name": "vip",
        "id": "a1",
        "created": False,
        "options": {"id": "a1"},
    }


def test_the_parts_of_a_large_run_have_its_options(make_world: Make) -> None:
    """Workers that share a file send only the rows that the audience's options allow."""
    world = make_world(max_rows=3)
    world.settings = replace(world.settings, split_above_bytes=600, max_parts=3)
    world.restart()
    say(world, {"value_based": True})
    rows = [f"{one},{at if at % 2 else ''}" for at, one in enumerate(people(60))]
    world.run(world.drop("email,customer_id\n" + "\n".join(rows)))
    receipt = world.receipt()
    assert parts_of(world)
    assert (receipt["state"], receipt["rows"]["acknowledged"]) == ("applied", 30)
    assert receipt["rejected_by_us"] == {"required_missing": 30}


def test_a_value_based_audience_needs_a_value_in_every_row(world: World) -> None:
    """Rows without one are rejected by us, and a drop without the column is refused before anything is sent."""
    say(world, {"value_based": True})
    world.run(world.drop("email,customer_id\na@example.com,5\nb@example.com,\n"))
    receipt = world.receipt()
    assert receipt["rejected_by_us"] == {"required_missing": 1}
    assert set(world.platform.members) == {(hashed("a@example.com"), "5")}
    body = world.drop(table(EVERYBODY), file="without.csv")
    world.run(body)
    assert world.run_of(body).code == "required_column_missing"


def test_what_the_file_said_outlives_it(world: World) -> None:
    """The bucket's retention deletes the file like a drop; it holds until another takes it back."""
    key = say(world, {"retention_days": 14})["key"]
    world.run(world.drop(table(EVERYBODY)))
    world.aws.s3.delete_object(Bucket="drops", Key=key)
    del world.platform.audiences["vip"]
    world.clock.pass_s(3600)
    world.run(world.drop(table(EVERYBODY), file="later.csv"))
    assert (world.platform.created, world.platform.created_with) == (2, {"retention_days": 14})
    say(world, {})
    last = world.drop(table(EVERYBODY), file="last.csv")
    world.run(last)
    options = world.run_of(last).progress.plan.options
    assert options is not None
    assert options.retention_days == 0


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("dropped", ["NFC", "NFD"])
def test_the_name_of_the_audience_may_be_decomposed(world: World, form: Form, dropped: Form) -> None:
    """Drop and file find each other however each spells the name that people see."""
    name = "Fidélité"
    say(world, {"retention_days": 14}, audience=unicodedata.normalize(form, name))
    world.run(world.drop(table(EVERYBODY), audience=unicodedata.normalize(dropped, name)))
    assert world.platform.created_with == {"retention_days": 14}


def test_two_files_for_one_name_are_one_too_many(world: World) -> None:
    """Of two spellings of one name neither file is chosen."""
    forms: tuple[Form, ...] = ("NFC", "NFD")
    for form in forms:
        say(world, {}, audience=unicodedata.normalize(form, "Fidélité"))
    world.run(world.drop(table(EVERYBODY), audience="Fidélité"))
    assert "2 files named _audience.json" in world.receipt()["reason"]["sentence"]


def test_a_file_that_must_not_be_read_blocks(world: World) -> None:
    """Where S3 denies the file, nothing is sent as if there were none."""

    def deny(name: str, named: Mapping[str, Any]) -> None:
        if name == "get_object" and named["Key"].endswith("_audience.json"):
            raise refusal("GetObject", "AccessDenied")

    world.aws.before.append(deny)
    world.run(world.drop(table(EVERYBODY)))
    assert (world.receipt()["state"], world.receipt()["reason"]["code"]) == ("blocked", "storage_denied")


def test_removing_needs_the_value_as_well(make_world: Make) -> None:
    """A value-based audience takes no removal without values either."""
    world = make_world(actions=Action)
    say(world, {"value_based": True})
    body = world.event(world.put(table(EVERYBODY), f"{world.name}/vip/raw/remove/gone.csv"))
    world.run(body)
    assert world.run_of(body).code == "required_column_missing"


ANSWERS = "email,Mail,SMS\n" + "".join(
    f"{one},{('yes', 'no', '', 'yes')[row % 4]},{('yes', 'yes', 'yes', 'no')[row % 4]}\n"
    for row, one in enumerate(EVERYBODY)
)
ASKS_FOR_MAIL = {"column": "Mail", "allow": [True]}


@pytest.mark.parametrize("where", ["the file", "the settings"])
def test_an_audience_has_consent_of_its_own(world: World, where: str) -> None:
    """A no and a blank answer are sent to another audience, which asks for nothing of the kind, and not to it."""
    world.settings = replace(world.settings, columns={"SMS": "ignore", "Mail": "ignore"})
    if where == "the file":
        world.restart()
        say(world, {"consent": ASKS_FOR_MAIL})
    else:
        settle(world, vip={"consent": ASKS_FOR_MAIL})
    world.run(world.drop(ANSWERS))
    receipt = world.check(*(one for row, one in enumerate(EVERYBODY) if row % 4 in (0, 3)))
    assert receipt["rejected_by_us"] == {"no_consent": 4}
    assert receipt["audience"]["options"]["consent"]["column"] == "Mail"


@pytest.mark.parametrize("scope", ["row", "identifiers"])
def test_consent_of_connector_and_audience_hold_together(world: World, scope: str) -> None:
    """An audience's file, which others may write, cannot allow whom the connector's settings do not."""
    sms = read_rule({"column": "SMS", "allow": [True], "scope": scope})
    world.settings = replace(world.settings, consent=sms)
    world.restart()
    say(world, {"consent": {**ASKS_FOR_MAIL, "scope": scope}})
    world.run(world.drop(ANSWERS))
    receipt = world.check(*(one for row, one in enumerate(EVERYBODY) if row % 4 == 0))
    assert receipt["rejected_by_us"] == {"no_consent": 5}


def test_a_file_without_the_column_of_the_audiences_consent_is_refused(world: World) -> None:
    """Nobody knows then who may be sent, and the sentence names the audience's rule."""
    say(world, {"consent": ASKS_FOR_MAIL})
    world.run(world.drop(table(EVERYBODY)))
    reason = world.receipt()["reason"]
    assert reason["code"] == "consent_missing"
    assert "the audience's consent" in reason["sentence"]
    assert not world.platform.calls


def test_a_removal_asks_for_no_consent_of_the_audience(world: World) -> None:
    """Who said no may leave."""
    world.settings = replace(world.settings, columns={"SMS": "ignore"})
    world.restart()
    say(world, {"consent": ASKS_FOR_MAIL})
    world.run(world.event(world.put(ANSWERS, f"{world.name}/vip/raw/remove/a.csv")))
    receipt = world.receipt()
    assert (receipt["state"], receipt["rows"]["acknowledged"]) == (RunState.APPLIED, len(EVERYBODY))
    assert "consent_not_applied" in {one["code"] for one in receipt["warnings"]}
