"""Suppression lists through the deployed app: who is listed is in no request that adds, and is still removed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from stacks.names import SUPPRESSIONS
from tests.end_to_end.conversions import Conversions, sales
from tests.end_to_end.driver import until
from tests.end_to_end.line import Line
from tests.end_to_end.people import Person, as_csv, people
from tests.end_to_end.records import Put
from tests.end_to_end.test_commands import activation

COUNT, LISTED = 1_600, 100
STACK = "audience-activation-activation"


@pytest.fixture
def tiktok(meta: Line, lines: dict[str, Line]) -> Iterator[Line]:
    """Return TikTok's line beside Meta's; both have an empty ledger, and so no list."""
    line = next(one for one in lines.values() if one.platform == "tiktok")
    line.reset()
    yield line
    line.reset()
    meta.reset()


class Lists:
    """The deployed function of lists, fed by the command; `line` is any of the sandbox's connectors."""

    def __init__(self, line: Line, folder: Path) -> None:
        self.line, self.folder = line, folder

    def command(self, *arguments: str) -> Any:
        """Type a command, and return what it prints as JSON's values, or as a text."""
        done = activation(self.line, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout) if "--json" in arguments else done.stdout

    def upload(self, some: Sequence[Person], name: str, *options: str) -> str:
        """Suppress some people; return the key of the drop's receipt."""
        file = self.folder / f"{name}.csv"
        file.write_bytes(as_csv(some))
        told = self.command("suppress", str(file), "--list", name, "--json", *options)
        return f"receipts/{SUPPRESSIONS}/{name}/{told['run_id']}.json"

    def put(self, some: Sequence[Person], name: str, *options: str) -> None:
        """Suppress some people, and wait until that holds."""
        receipt = self.line.sandbox.receipt(self.upload(some, name, *options))
        assert (receipt["state"], receipt["rows"]["acknowledged"]) == ("applied", len(some)), receipt["reason"]

    def configure(self, most_rows: int) -> None:
        """Change how many people one drop may put on a list."""
        name, client = self.outputs()["SuppressionsFunctionName"], self.line.sandbox.client("lambda")
        found = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        variables = {**found, "MOST_ROWS": str(most_rows)}
        client.update_function_configuration(FunctionName=name, Environment={"Variables": variables})

    def outputs(self) -> dict[str, str]:
        """Return the outputs of the stack."""
        client = self.line.sandbox.client("cloudformation")
        listed = client.describe_stacks(StackName=STACK)["Stacks"][0]["Outputs"]
        return {one["OutputKey"]: one["OutputValue"] for one in listed}

    def dead_letters(self) -> int:
        """Return how many drops of lists are in the dead letters."""
        url = self.outputs()["SuppressionsDeadLetterQueueUrl"]
        found = self.line.sandbox.client("sqs").get_queue_attributes(
            QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"]
        )
        return int(found["Attributes"]["ApproximateNumberOfMessages"])


def mirror(line: Line, some: Sequence[Person], night: int) -> Put:
    """Drop all of a mirrored audience; return what begins the run."""
    folder = f"{line.connector}/Mirrored/raw/mirror/night-{night}"
    line.sandbox.drop(f"{folder}/people.csv", as_csv(some))
    return line.put_key(f"{folder}/_SUCCESS", b"")


def suppressed(line: Line, put: Put) -> int:
    """Return how many rows of an applied run were suppressed, by its receipt."""
    receipt = line.finish(put)
    assert receipt["state"] == "applied", receipt["reason"]
    return int(receipt["rejected_by_us"].get("suppressed", 0))


def test_who_is_listed_is_added_nowhere_and_removed_everywhere(meta: Line, tiktok: Line, tmp_path: Path) -> None:
    """On two platforms, as events and in a mirror; once they are lifted they are added again."""
    events, lists = Conversions.of(meta.sandbox), Lists(meta, tmp_path)
    everybody = people(COUNT, "unlisted")
    listed, others = everybody[:LISTED], everybody[LISTED:]
    before = [line.put("Before", as_csv(everybody)) for line in (meta, tiktok)]
    nights = [mirror(meta, everybody, 1)]
    assert [suppressed(line, put) for line, put in zip((meta, tiktok), before, strict=True)] == [0, 0]
    assert suppressed(meta, nights[0]) == 0
    lists.put(listed, "court")

    for line in (meta, tiktok):
        assert suppressed(line, line.put("After", as_csv(everybody))) == LISTED
        line.wait_until_processed()
        assert line.held("After") == line.members(others)
        # Who is on a list can still be removed, and is not added by that.
        assert suppressed(line, line.put("Before", as_csv(listed), action="remove")) == 0
        line.wait_until_processed()
        assert line.held("Before") == line.members(others)
    assert suppressed(meta, mirror(meta, everybody, 2)) == LISTED
    assert meta.held("Mirrored") == meta.members(others)
    assert suppressed(events, events.put_sales(sales(everybody))) == LISTED
    assert events.dataset()["received"] == len(others)

    lists.put(listed[:1], "court", "--lift")
    assert suppressed(meta, meta.put("Lifted", as_csv(everybody))) == LISTED - 1
    assert meta.held("Lifted") == meta.members([listed[0], *others])


def test_a_forgotten_person_is_listed(meta: Line, tmp_path: Path) -> None:
    """The drop after a forget, which still names them, does not bring them back."""
    lists, (leaver, *stay) = Lists(meta, tmp_path), people(COUNT, "comeback")
    first = meta.put("Kept", as_csv([leaver, *stay]))
    assert suppressed(meta, first) == 0
    file = tmp_path / "one.csv"
    file.write_bytes(as_csv([leaver]))
    told = lists.command("forget", "--file", str(file), "--yes", "--json", "--within", "90")
    assert (told["done"], told["suppression_list"]) == (True, "added")
    assert suppressed(meta, meta.put("Kept", as_csv([leaver, *stay]), file="again.csv")) == 1
    assert meta.held("Kept") == meta.members(stay)


@pytest.mark.faults
def test_a_drop_of_a_list_is_redriven(meta: Line, tmp_path: Path) -> None:
    """One that the guard blocked is in the dead letters until the setting is raised."""
    lists, some = Lists(meta, tmp_path), people(20, "guarded", phones=False)
    lists.configure(most_rows=5)
    try:
        key = lists.upload(some, "guarded")
        until(lambda: lists.dead_letters() or None, 60)
        blocked = until(lambda: meta.sandbox.receipt_so_far(key), 60)
        assert (blocked["state"], blocked["reason"]["code"]) == ("blocked", "too_many_at_once")
    finally:
        lists.configure(most_rows=1_000_000)
    lists.command("redrive", "--connector", SUPPRESSIONS)
    receipt = until(lambda: _applied(meta, key), 60)
    assert receipt["rows"]["acknowledged"] == len(some)


def _applied(line: Line, key: str) -> dict[str, Any] | None:
    receipt = line.sandbox.receipt_so_far(key)
    return receipt if receipt is not None and receipt["state"] == "applied" else None
