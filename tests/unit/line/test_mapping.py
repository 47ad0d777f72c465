"""What is said of a drop's columns: by the settings and beside the file, and kept to by the run."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from activation.drops.folder_manifest import manifest_reading
from activation.drops.reading import Reading, with_manifest
from activation.errors import Rejected
from activation.identifiers.column_map import parse, to_metadata
from activation.identifiers.table import Context

from tests.unit.line.platform import Fault
from tests.unit.line.watched_aws import Crashed
from tests.unit.line.world import World, people

Make = Callable[..., World]


def _text(count: int) -> str:
    return "Anschrift;Konto\n" + "".join(f"{one};k{row}\n" for row, one in enumerate(people(count)))


def test_the_settings_say_what_a_column_is(make_world: Make) -> None:
    """A name that nobody knows is used as the connector's settings say, and the receipt shows it."""
    world = make_world()
    world.settings = replace(world.settings, columns={"ANSCHRIFT": "email"})
    world.restart()
    world.run(world.drop(_text(3)))
    columns = world.check(*people(3))["columns"]
    assert columns["used"] == {"Anschrift": "EMAIL"}
    assert columns["mapping"] == {"ANSCHRIFT": "email"}


def test_what_is_said_beside_the_file_holds_for_that_file(make_world: Make) -> None:
    """The metadata of a drop wins over the settings, and does not concern the next drop."""
    world = make_world()
    world.settings = replace(world.settings, columns={"Anschrift": "id"})
    world.restart()
    item = world.put(_text(3), f"{world.name}/vip/raw/people.csv", to_metadata(parse(["Anschrift=email"])))
    world.run(world.event(item))
    assert world.check(*people(3))["columns"]["used"] == {"Anschrift": "EMAIL"}
    world.run(world.drop(_text(3), file="other.csv"))
    assert [one["reason"]["code"] for one in world.receipts() if one["reason"]] == ["no_usable_column"]


def test_the_encoding_of_a_drop_is_read_from_its_metadata(make_world: Make) -> None:
    """It wins over the settings and holds for that file alone; one that is not known fails the run."""
    world = make_world()
    text = "email,Ort\n" + "".join(f"{one},Köln\n" for one in people(3))
    for file, said in (
        ("a.csv", {"text-encoding": "windows-1252"}),
        ("b.csv", {"text-encoding": "klingon"}),
        ("c.csv", {}),
    ):
        world.run(world.event(world.put(text.encode("cp1252"), f"{world.name}/vip/raw/{file}", said)))
    found = {one["drop"]["key"][-5:]: (one["reason"] or {}).get("code") for one in world.receipts()}
    assert found == {"a.csv": None, "b.csv": "bad_encoding", "c.csv": "not_utf8"}
    world.check_members(*people(3))


@pytest.mark.parametrize("said", [{"encoding": "gzip"}, {"encoding": "latin-1"}, {"text-encoding": "binary"}])
def test_metadata_that_is_not_about_the_text_changes_nothing(make_world: Make, said: dict[str, str]) -> None:
    """Exporters write an `encoding` of their own, and Parquet has no encoding of text."""
    world = make_world()
    if "encoding" in said:
        text = "email,Ort\n" + "".join(f"{one},Köln\n" for one in people(3))
        item = world.put(text.encode(), f"{world.name}/vip/raw/people.csv", said)
    else:
        body = io.BytesIO()
        pq.write_table(pa.table({"email": list(people(3))}), body)
        item = world.put(body.getvalue(), f"{world.name}/vip/raw/people.parquet", said)
    world.run(world.event(item))
    assert world.receipt()["reason"] is None
    world.check_members(*people(3))


def test_the_encoding_of_a_folder_is_read_from_its_manifest() -> None:
    """It wins over the connector's, and one that is not known is named with those that are."""
    own = {"entries": [], "activation": {"encoding": "shift_jis"}}
    reading = with_manifest(Reading(Context("", frozenset(), ""), "windows-1252"), manifest_reading(own))
    assert reading.encoding == "shift_jis"
    with pytest.raises(Rejected, match='"encoding" is none of utf-8'):
        manifest_reading({"activation": {"encoding": "klingon"}})


def test_a_run_keeps_to_what_was_said_when_it_began(make_world: Make) -> None:
    """Settings that change while a run waits for the platform change nothing of it."""
    world = make_world(max_rows=2)
    world.settings = replace(world.settings, columns={"Anschrift": "email"})
    world.restart()

    def change() -> None:
        world.settings = replace(world.settings, columns={"Anschrift": "spare"})

    world.platform.faults.append(Fault(skip=1, status=429, headers={"retry-after": "300"}, act=change))
    world.run(world.drop(_text(6)))
    receipt = world.check(*people(6))
    assert receipt["continuations"] > 0
    assert receipt["columns"]["used"] == {"Anschrift": "EMAIL"}


def test_a_mistake_in_what_is_said_stops_the_drop_and_mended_settings_send_it(make_world: Make) -> None:
    """Nothing is sent by half a mapping; the redriven run reads the settings as they are then."""
    world = make_world()
    world.settings = replace(world.settings, columns={"Anschrift": "emial", "gender": "robot"})
    world.restart()
    body = world.drop(_text(2))
    world.run(body)
    reason = world.receipt()["reason"]
    assert reason["code"] == "bad_columns"
    assert "emial" in reason["sentence"]
    assert "robot" in reason["sentence"]
    world.settings = replace(world.settings, columns={"Anschrift": "email"})
    world.restart()
    world.redrive()
    world.run()
    world.check(*people(2))


def test_a_list_of_plain_addresses_needs_no_header(make_world: Make) -> None:
    """One address a line, declared by the key, is normalised and hashed as a column of them is."""
    world = make_world()
    world.run(world.drop("\n".join([*people(3), "nobody"]), kind="email", file="list.txt"))
    receipt = world.check(*people(3))
    assert receipt["rejected_by_us"] == {"not_an_email": 1}


def test_lists_inside_a_file_are_left_out_and_named(make_world: Make) -> None:
    """A list of labels does not keep the people of a file from being sent; a path can be mapped."""
    world = make_world()
    world.settings = replace(world.settings, columns={"contact.value": "email"})
    world.restart()
    lines = "".join(f'{{"contact":{{"value":"{one}"}},"labels":["a"]}}\n' for one in people(3))
    world.run(world.drop(lines, file="people.jsonl"))
    columns = world.check(*people(3))["columns"]
    assert (columns["used"], columns["ignored"]) == ({"contact.value": "EMAIL"}, ["labels (nested)"])


@pytest.mark.parametrize("setup", [{}, {"one_kind": True}, {"max_rows": 2, "in_flight": 2}])
def test_further_addresses_of_a_person_are_sent_and_the_person_counts_once(
    make_world: Make, setup: dict[str, Any]
) -> None:
    """Every address is a member, each row is acknowledged once, and the sums are exact."""
    world = make_world(**setup)
    first, second = people(5), people(5, start=50)
    lines = [
        f"{one},{two if row % 2 else one}\n" for row, (one, two) in enumerate(zip(first, second, strict=True))
    ]
    world.run(world.drop("email,e-mail\n" + "".join(lines) + ",\n"))
    receipt = world.receipt()
    assert receipt["state"] == "applied"
    assert receipt["rows"] == {
        "in": 6, "read": 6, "acknowledged": 5, "rejected_by_us": 1, "rejected_by_platform": 0,
    }  # fmt: skip
    assert receipt["identifiers"]["EMAIL"] == 7
    world.check_sums(receipt)
    world.check_members(*first, second[1], second[3])


def test_a_crash_between_a_persons_addresses_repeats_none_of_the_sums(make_world: Make) -> None:
    """The line of further addresses is a unit of its own, found again under its name."""
    world = make_world(max_rows=3, in_flight=1)

    def die() -> None:
        world.aws.fuse.blown = True
        raise Crashed

    world.platform.faults.append(Fault(skip=1, act=die))
    lines = "".join(f"{one},{two}\n" for one, two in zip(people(6), people(6, start=50), strict=True))
    world.run(world.drop("email,e-mail\n" + lines))
    receipt = world.receipt()
    assert world.crashes == 1
    assert (receipt["state"], receipt["rows"]["acknowledged"]) == ("applied", 6)
    world.check_sums(receipt)
    world.check_members(*people(6), *people(6, start=50))


def test_a_receipt_hides_what_metadata_says_if_it_may_be_somebodys_data(make_world: Make) -> None:
    """What is to be ignored need not be there, so that anything may stand in its place."""
    world = make_world()
    said = to_metadata(parse(["ada@example.com=ignore", "Anschrift=email"]))
    world.run(world.event(world.put(_text(2), f"{world.name}/vip/raw/people.csv", said)))
    assert world.check(*people(2))["columns"]["mapping"] == {"entry 1": "ignore", "Anschrift": "email"}
