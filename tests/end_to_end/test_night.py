"""A night in its order: an outage, a person forgotten in it, a token, a bad release, a lost event, a replayed day.

Waits are shortened: hours pass by the sandbox's clock, a run gives up after two hours (`DEADLINE_S`, as deployed
three days), and TikTok processes a file in a second (`processing_s`). A run that is stopped at the half, and
undone, is in tests/end_to_end/test_run_actions.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.driver import until
from tests.end_to_end.evidence import Evidence
from tests.end_to_end.line import Line
from tests.end_to_end.night import AUDIENCE, DROPS_AN_HOUR, PEOPLE, Night, outage
from tests.end_to_end.people import as_csv, people, sha256
from tests.end_to_end.release import Releases
from tests.end_to_end.test_alarms import ALARM, FORGOTTEN_S, OK, Alarms
from tests.end_to_end.test_commands import activation

PLATFORMS = ("meta", "tiktok", "snapchat")
SETTINGS = {"DEADLINE_S": "7200"}
TOKEN = "EAAnight0123456789"


@pytest.fixture
def night(lines: dict[str, Line], evidence: Evidence) -> Iterator[Night]:
    """Return a night over three connectors, whose alarms are at rest; nothing of anybody may be found after it."""
    three = {name: next(one for one in lines.values() if one.platform == name) for name in PLATFORMS}
    for line in three.values():
        line.reset(SETTINGS)
    sandbox = three["meta"].sandbox
    sandbox.advance(FORGOTTEN_S)
    alarms = Alarms(sandbox)
    alarms.mailed("")
    alarms.heard.clear()
    (leaver,) = people(1, "night-leaver", first=PEOPLE)  # nobody of a drop has this number in their phone number
    made = Night(sandbox, three, alarms, leaver)
    yield made
    print("", *made.shown(), sep="\n")
    sandbox.end_faults()
    for line in three.values():
        line.reset()
    assert evidence.search() == []


def _queue_alarm(night: Night, connector: str) -> str:
    url = night.sandbox.connector(connector)["dead_letter_queue_url"]
    return night.alarms.on("ApproximateNumberOfMessagesVisible", "QueueName", url.rpartition("/")[2])


def _command(night: Night, *arguments: str, code: int = 0) -> str:
    done = activation(night.lines["meta"], *arguments)
    assert done.returncode == code, done.stdout + done.stderr
    night.note(f"  $ activation {' '.join(one.rpartition('/')[2] for one in arguments)}")
    return done.stdout


@pytest.mark.faults
@pytest.mark.timeout(2400)
def test_a_night_in_its_order_loses_nobody(night: Night, tmp_path: Path) -> None:
    """Every row is accounted for, each platform holds whom it should, and each alarm that fired has cleared."""
    meta, tiktok, snapchat = night.lines.values()
    began = datetime.now(tz=UTC) - timedelta(seconds=5)
    letters = {name: _queue_alarm(night, name) for name in ("meta", "tiktok")}
    errors = night.alarms.on("Errors", "FunctionName", snapchat.addresses["function_name"])

    refused = people(PEOPLE, "night-0")[3]  # the first drop is Meta's
    night.sandbox.simulator_config("meta", refused_values=[sha256(refused.email)])
    night.hour("a quiet hour; Meta refuses one person's row")

    with outage(tiktok):
        night.hour("TikTok answers every upload with an error")
        night.hour("it still does", drops=2)
        forgotten = _forget(night, tmp_path)
        night.hour("it still does", drops=3)
        night.hour("the first runs give up after two hours")
        night.wait_for(letters["tiktok"], ALARM)
    night.note("TikTok is back")
    _command(night, "redrive", "--connector", "tiktok")
    night.wait_for(letters["tiktok"], OK)

    night.sandbox.simulator_config("meta", **meta.dialect.states["expired"])
    night.hour("Meta's token has expired")
    night.wait_for(letters["meta"], ALARM)
    _repair_token(night, tmp_path)
    night.wait_for(letters["meta"], OK)

    with Releases.of(night.sandbox, "snapchat").broken():
        night.hour("a release of Snapchat's connector is deployed that cannot start")
        night.wait_for(errors, ALARM)
    night.note("it is rolled back")
    night.wait_for(errors, OK)

    with meta.held_back():
        lost = night.drop("meta")
        meta.take_messages(1)
    night.note("the event of one of Meta's drops is lost")
    night.hour("a quiet hour")

    delivered = [one for one in night.drops if one is not lost]
    before = {one.put.run_id: night.finish_one(one) for one in delivered}
    calls = {line.connector: len(line.calls()) for line in night.lines.values()}
    name = _replay(night, began)
    night.finish()
    assert night.receipts[lost.put.run_id]["replay"] == name
    night.note("the lost drop was sent by the replay")

    told = json.loads(_command(night, "forget", "--resume", forgotten, "--json", "--within", "60"))
    assert _outcomes(told) == {name: ["removed"] for name in PLATFORMS}
    night.pass_minutes(20)
    sent = {line.connector: len(line.calls()) - calls[line.connector] for line in night.lines.values()}
    assert sent == {"meta": 1, "tiktok": 0, "snapchat": 0}
    changed = {run_id: _changed(receipt, night.receipts[run_id]) for run_id, receipt in before.items()}
    assert {run_id: fields for run_id, fields in changed.items() if fields} == {}
    _check_sums(night, refused.email)
    assert night.fired() == {*letters.values(), errors}
    assert {one["AlarmName"] for one in night.alarms.all() if one["StateValue"] == ALARM} == set()


def _forget(night: Night, folder: Path) -> str:
    """Forget the leaver by the command, which cannot finish while TikTok is out; return the forget's id."""
    file = folder / "leaver.csv"
    file.write_bytes(as_csv([night.leaver]))
    found: dict[str, Any] = {}

    def type_it() -> None:
        night.note("a person of every drop is forgotten")
        found.update(
            json.loads(_command(night, "forget", "--file", str(file), "--yes", "--json", "--within", "20", code=1))
        )

    night.forget(type_it)
    assert found["suppression_list"] == "added"
    assert _outcomes(found) == {"meta": ["removed"], "tiktok": ["goes on"], "snapchat": ["removed"]}
    return str(found["forget_id"])


def _outcomes(told: dict[str, Any]) -> dict[str, list[str]]:
    return {name: [one["outcome"] for one in found] for name, found in told["platforms"].items()}


def _repair_token(night: Night, folder: Path) -> None:
    """Write a secret with a new token, as an operator does, and redrive what the old one blocked."""
    line = night.lines["meta"]
    assert line.dialect.new_token is not None
    secret, settings = line.dialect.new_token(night.sandbox.simulator_secret("meta"), TOKEN)
    night.sandbox.simulator_config("meta", **settings)
    file = folder / "secret.json"
    file.write_text(json.dumps(secret))
    _command(night, "secret", "set", "meta", "--file", str(file))
    _command(night, "redrive", "--connector", "meta")


def _replay(night: Night, since: datetime) -> str:
    """Replay everything since then by the command, and wait until every event is out; return the replay's name."""
    to = datetime.now(tz=UTC) + timedelta(seconds=2)
    told = _command(night, "replay", "--from", f"{since:%Y-%m-%dT%H:%M:%S}", "--to", f"{to:%Y-%m-%dT%H:%M:%S}")
    (name,), events = re.findall(r"^replay (\S+) started", told, re.MULTILINE), night.sandbox.client("events")
    until(lambda: True if events.describe_replay(ReplayName=name)["State"] == "COMPLETED" else None, 60)
    return str(name)


def _changed(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a receipt that are not what they were, each with both values."""
    names = sorted({*before, *after})
    return {name: (before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)}


def _check_sums(night: Night, refused: str) -> None:
    """Hold every receipt to the accounting identity, and every platform to the people it should have."""
    assert len(night.drops) == 7 * DROPS_AN_HOUR + 1
    for one in night.drops:
        receipt = night.receipts[one.put.run_id]
        assert receipt["state"] == "applied", (one.put.key, receipt["reason"])
        by_us, by_platform = 1 + one.suppressed, int(any(person.email == refused for person in one.own))
        assert receipt["rows"] == {
            "in": one.rows,
            "read": one.rows,
            "acknowledged": one.rows - by_us - by_platform,
            "rejected_by_us": by_us,
            "rejected_by_platform": by_platform,
        }, one.put.key
        assert receipt["rejected_by_us"].get("suppressed", 0) == one.suppressed
    for line in night.lines.values():
        line.wait_until_processed()
        own = [person for one in night.drops if one.line is line for person in one.own if person.email != refused]
        assert line.held(AUDIENCE) == line.members(own)
        # The leaver was alone in each call that carried them, which is so only where they are removed.
        carried = night.carried(line)
        assert {one["rows"] for one in carried} == {1}
        accepted = [one for one in carried if not one["fault"] and not line.dialect.refuses(one)]
        assert len(accepted) == line.dialect.uploads
        assert line.dead_letters() == []
