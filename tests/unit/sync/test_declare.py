"""`activation audiences apply`, `run` and `status`: what is put in force, what is asked, and who is first."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from activation.aws.table import ConditionalTable
from typer.testing import CliRunner, Result

from cli import deployment
from cli.__main__ import app
from cli.declared import SyncDeployment
from lambdas.sync.catalogue import KEY
from lambdas.sync.messages import SlotWork, read
from lambdas.sync.upcoming import Coming, Upcoming
from tests.unit.sync.world import SLOT, World

TEXT = """\
sources: {cdp: {kind: postgres}}
defaults: {source: cdp, consent: selected, every: 1d, at: "06:00", timezone: UTC, from: 2026-12-01}
audiences:
  vip: {table: marts.vip, columns: {mail: email}, to: [{connector: meta, audience: VIP}]}
  lapsed: {table: marts.lapsed, columns: {mail: email}, to: [{connector: snapchat, audience: Lapsed}]}
"""
ONLY_VIP = "\n".join(line for line in TEXT.splitlines() if "lapsed" not in line)
Typed = Callable[..., Result]


@pytest.fixture
def typed(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Typed:
    """Return a function that types a command where the app is deployed, with its answers."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.chdir(tmp_path)
    found = deployment.Deployment("drops", "receipts", "ledger", "a:b:c:us-east-1", {}, {"snapchat": "snapchat"})
    found = replace(found, mirrors_bucket="mirrors")
    monkeypatch.setattr(deployment, "find", lambda: found)
    sync = SyncDeployment(world.queue_url, world.dead_url, world.dead_url, ())
    monkeypatch.setattr("cli.declared.find_sync", lambda: sync)

    def typed(*arguments: str, answers: str = "", file: str = TEXT) -> Result:
        (tmp_path / "audiences.yml").write_text(file)
        return CliRunner().invoke(app, ["audiences", *arguments], input=answers, env=dict(os.environ))

    return typed


def in_force(world: World) -> dict[str, Any]:
    """Return what is in force."""
    found: dict[str, Any] = json.loads(world.s3.get_object(Bucket="mirrors", Key=KEY)["Body"].read())
    return found


def test_apply_shows_what_changes_and_asks(world: World, typed: Typed) -> None:
    """A no leaves everything as it was, a yes puts the whole file in force, and again there is nothing to do."""
    refused = typed("apply", answers="n\n")
    assert refused.exit_code == 1
    assert "+ vip" in refused.output
    assert world.s3.list_objects_v2(Bucket="mirrors").get("KeyCount") == 0
    assert typed("apply", answers="y\n").exit_code == 0
    assert in_force(world)["audiences"].keys() == {"vip", "lapsed"}
    assert "nothing changes" in typed("apply").output
    changed = typed("apply", "--yes", file=TEXT.replace("06:00", "07:00"))
    assert "~ vip: at" in changed.output


@pytest.mark.parametrize(
    ("first", "second", "shares"),
    [
        ("audience: VIP", 'audience: VIP, account: "100"', True),  # the connector's own, said and not said
        ('audience: VIP, account: "100"', 'audience: VIP, account: "act_100"', True),
        ('audience: VIP, id: "9"', 'audience: Lapsed, account: "100", id: "9"', True),
        ("audience: VIP", 'audience: VIP, account: "200"', False),
        ('audience: VIP, id: "8"', 'audience: Lapsed, id: "9"', False),
    ],
)
def test_two_declarations_of_one_audience_are_refused_however_it_is_named(
    typed: Typed, tmp_path: Path, first: str, second: str, shares: bool
) -> None:
    """By name or by id, with the connector's own account or without: each would take out the other's people."""
    meta = {"name": "meta", "platform": "meta", "account": "act_100", "accounts": ["200"]}
    settings = {"audience_activation": {"name": "audience-activation", "connectors": [meta]}}
    (tmp_path / "cdk.context.json").write_text(json.dumps(settings))
    file = TEXT.replace("audience: VIP", first).replace(
        "connector: snapchat, audience: Lapsed", f"connector: meta, {second}"
    )
    done = typed("apply", "--yes", file=file)
    assert (done.exit_code, "audiences.lapsed.to[0]: is filled by vip as well" in done.output) == (shares, shares)
    assert done.output.count("is filled by vip as well") == shares
    paused = typed("apply", "--yes", file=file.replace("lapsed: {", "lapsed: {paused: true, "))
    assert paused.exit_code == 0


def test_apply_asks_for_each_declaration_that_disappears(world: World, typed: Typed) -> None:
    """Its members are kept, or its audience is sent a mirror of nobody, which waits for an approval."""
    typed("apply", "--yes")
    kept = typed("apply", answers="keep\ny\n", file=ONLY_VIP)
    assert "lapsed is not declared any more" in kept.output
    assert in_force(world)["audiences"].keys() == {"vip"}
    assert world.objects() == []
    typed("apply", "--yes")
    emptied = typed("apply", answers="what\nempty\ny\n", file=ONLY_VIP)
    assert "once you approve it" in emptied.output, emptied.output
    (manifest,) = world.manifests().values()
    assert manifest["activation"]["columns"] == {"mail": "email"}
    assert len(world.objects()) == 2
    assert all(key.startswith("snapchat/Lapsed/raw/mirror/emptied-") for key in world.objects())


def test_apply_does_not_ask_what_becomes_of_a_template(world: World, typed: Typed) -> None:
    """A paused declaration that the rows of a table are like has filled no audience of its own."""
    table = "tables: [{source: cdp, table: cdp.rows, like: vip, audience: '{system_name}'}]\n"
    template = TEXT.replace("{table: marts.vip,", "{table: marts.vip, paused: true,") + table
    assert typed("apply", "--yes", file=template).exit_code == 0
    without = "\n".join(line for line in TEXT.splitlines() if "vip" not in line)
    result = typed("apply", "--yes", file=without)
    assert "- vip" in result.output
    assert "members" not in result.output
    assert result.exit_code == 0


def test_a_mistake_keeps_everything_as_it_is(world: World, typed: Typed) -> None:
    """Mistakes of the file, of connectors and of fields are told together with their places."""
    file = TEXT.replace("connector: meta,", "connector: mta,").replace("{mail: email}", "{mail: emial}", 1)
    result = typed("apply", "--yes", file=file.replace("connector: mta", "connector: meta"))
    assert result.exit_code == 1
    assert "audiences.vip.columns" in result.output
    # "mobile" is what some call the field phone: it is a column all the same, and "telephon" no value of phones.
    result = typed("apply", "--yes", file=TEXT.replace("{mail: email}", "{mobile: telephon}", 1))
    assert "'telephon', which 'mobile' is to be, is no field of meta" in " ".join(result.output.split())
    result = typed("apply", "--yes", file=file)
    assert "audiences.vip.to[0].connector: no connector has this name" in result.output
    result = typed("apply", "--yes", file=file.replace("{table: marts.lapsed", "{table: 5"))
    assert "line 4: audiences.vip.to[0].connector: no connector has this name" in result.output
    assert "line 5: audiences.lapsed.table: must be" in result.output
    same = typed(
        "apply",
        "--yes",
        file=TEXT.replace("connector: snapchat, audience: Lapsed", "connector: meta, audience: VIP"),
    )
    assert same.output.count("is filled by vip as well") == 1
    assert world.s3.list_objects_v2(Bucket="mirrors").get("KeyCount") == 0


def test_of_two_who_apply_the_second_is_told(world: World, typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    """What somebody has put in force since it was read is not overwritten."""
    typed("apply", "--yes")

    def meanwhile(_text: str) -> bool:
        world.s3.put_object(Bucket="mirrors", Key=KEY, Body=b"{}")
        return True

    monkeypatch.setattr("typer.confirm", meanwhile)
    result = typed("apply", file=TEXT.replace("06:00", "07:00"))
    assert result.exit_code == 1
    assert "somebody else has applied" in result.output
    assert in_force(world) == {}


def test_run_queues_a_slot_of_its_own(world: World, typed: Typed) -> None:
    """It is named by the second, on the declaration's wall clock; what is not in force cannot be run."""
    typed("apply", "--yes")
    done = typed("run", "vip", "--json")
    assert done.exit_code == 0, done.output
    (message,) = world.messages()
    work = read(message["Body"])
    assert isinstance(work, SlotWork)
    assert (work.declaration, work.slot) == ("vip", json.loads(done.output)["slot"])
    assert typed("run", "nobody").exit_code == 1


def test_status_names_the_next_slots_of_a_tables_rows(world: World, typed: Typed) -> None:
    """As the newest tick has noted them, on their own wall clocks, also before the first slot."""
    zone = "America/Argentina/Buenos_Aires"
    rows = {"cdp:brio": Coming("2027-01-01T13:00:00Z", zone, paused=True), "cdp:kangoo": Coming(SLOT, zone)}
    Upcoming(world.table, ttl_days=400).note(rows, world.now)
    typed("apply", "--yes")
    assert "kangoo" not in typed("status").output
    typed("apply", "--yes", file=f"{TEXT}tables: [{{source: cdp, table: cdp.rows, like: vip}}]\n")
    world.slots.note("cdp:gone", SLOT)
    states = {one["declaration"]: one for one in map(json.loads, typed("status", "--json").output.splitlines())}
    shown = {name: (one["next_slot"], one["paused"]) for name, one in states.items() if ":" in name}
    assert shown == {
        "cdp:brio": ("2027-01-01T13:00:00Z", True),
        "cdp:gone": ("", False),
        "cdp:kangoo": (SLOT, False),
    }
    assert "07:00-0300" in typed("status", "cdp:kangoo").output


def test_status_says_what_became_of_the_newest_slot(world: World, typed: Typed) -> None:
    """Before the first slot it names the next one; a slot that is blocked makes the exit 1."""
    typed("apply", "--yes")
    states = [json.loads(line) for line in typed("status", "--json").output.splitlines()]
    assert [(one["declaration"], one["slot"], one["state"]) for one in states] == [
        ("lapsed", "", ""),
        ("vip", "", ""),
    ]
    assert states[0]["next_slot"].endswith("T06:00:00Z")
    world.s3.put_object(Bucket="drops", Key="meta/VIP people/_audience.json", Body=b'{"retention_days": 9}')
    world.extractor().handle(SlotWork("vip", "2026-12-01T06:00:00Z"), lambda: 900.0)
    result = typed("status", "vip")
    assert result.exit_code == 1
    assert "audience_file_differs" in result.output
    assert ConditionalTable(world.dynamodb, "ledger").read("sync#declaration#vip") is not None
