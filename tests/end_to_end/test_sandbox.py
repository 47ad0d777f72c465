"""The deployed line, from an object in the bucket to members in the ad account."""

from __future__ import annotations

import hashlib
import subprocess
import sys

from activation.model import Audience, Drop
from activation.report.receipts import stem

from sandbox.enforcement import DROPPED, IGNORED, UNKNOWN
from sandbox.place import ROOT
from tests.conftest import PLACE
from tests.end_to_end.driver import Sandbox

PEOPLE = [f"person{number}@example.com" for number in range(1200)]


def _deliver(sandbox: Sandbox, key: str, emails: list[str]) -> dict[str, object]:
    body = "\n".join(["email", *emails, ""]).encode()
    version = sandbox.drop(key, body)
    connector, name = key.split("/")[:2]
    audience = Audience(connector, name)
    run_id = Drop(sandbox.described["drops_bucket"], key, version, "", len(body)).run_id(connector)
    return sandbox.receipt(f"{stem(audience, run_id)}.json")


def test_drop_becomes_an_audience_of_exactly_its_people(sandbox: Sandbox) -> None:
    """Every row is acknowledged, and the account's audience holds the hashes of these people and no other."""
    receipt = _deliver(sandbox, "meta/End to end été/raw/people+1 a%20b.csv", PEOPLE)
    assert receipt["rows"] == {
        "in": 1200,
        "read": 1200,
        "acknowledged": 1200,
        "rejected_by_us": 0,
        "rejected_by_platform": 0,
    }
    (audience,) = [one for one in sandbox.simulator_state("meta")["audiences"] if one["name"] == "End to end été"]
    assert audience["count"] == 1200
    held = {cell for member in audience["members"] for cell in _texts(member)}
    assert {hashlib.sha256(email.encode()).hexdigest() for email in PEOPLE} <= held


def _texts(value: object) -> list[str]:
    """Return every text in a JSON value."""
    if isinstance(value, dict):
        return [text for one in value.values() for text in _texts(one)]
    if isinstance(value, list):
        return [text for one in value for text in _texts(one)]
    return [str(value)]


def test_every_property_that_has_no_effect_is_listed(sandbox: Sandbox) -> None:
    """What the emulator drops of the deployed templates has a line in `enforcement`, and nothing else has."""
    listed = sandbox.described["not_enforced"]
    assert [one for one in listed if one["effect"] == UNKNOWN] == []
    ignored = {(kind, name) for kind, effects in IGNORED.items() for name in effects}
    lost = {(one["type"], one["property"]) for one in listed} - ignored
    assert {(kind, name) for kind, effects in DROPPED.items() for name in effects} == lost


def test_function_stays_under_its_memory_bound(sandbox: Sandbox) -> None:
    """The function's processes never held more than 256 MB."""
    _deliver(sandbox, "meta/Memory/raw/people.csv", PEOPLE)
    peaks = [worker["peak_memory_bytes"] for worker in sandbox.workers("meta")]
    assert peaks
    assert all(peak is None or peak < 256 * 2**20 for peak in peaks)


def test_sandbox_that_is_up_refuses_the_other_setting_of_iam(sandbox: Sandbox) -> None:
    """A sandbox is not turned into one with or without IAM enforcement under its users' feet."""
    other = [] if sandbox.described["iam_enforced"] else ["--auth"]
    done = subprocess.run(
        [sys.executable, "-m", "cli", "sandbox", "up", "--directory", str(PLACE.directory), *other],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "--auth" in done.stderr
    assert sandbox.simulator_state("meta")["audiences"] is not None
