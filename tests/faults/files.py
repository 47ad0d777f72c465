"""Many files at once, each for an audience of its own: refused with its code, or delivered to the last person."""

from __future__ import annotations

from collections.abc import Mapping

from tests.end_to_end.people import Person
from tests.end_to_end.records import Put
from tests.faults.scenario import Scenario

MIB = 1024 * 1024
Files = Mapping[str, tuple[str, bytes, str]]  # name: kind of identifiers, bytes, code of the refusal or ""


def drop_all(scenario: Scenario, files: Files) -> dict[str, Put]:
    """Drop them all at once, each for an audience of its own."""
    return {
        name: scenario.line.put(f"{scenario.audience} {name}", body, kind=kind, file=name.replace(" ", "-"))
        for name, (kind, body, _) in files.items()
    }


def judge(scenario: Scenario, files: Files) -> None:
    """Assert that each file is refused with its code, and that no row of it was acknowledged."""
    codes = {}
    for name, put in drop_all(scenario, files).items():
        receipt = scenario.line.finish(put, within_s=240)
        assert receipt["rows"]["acknowledged"] == 0, name
        codes[name] = (receipt["reason"] or {"code": receipt["state"]})["code"]
    assert codes == {name: code for name, (_, _, code) in files.items()}
    assert scenario.line.calls() == []


def deliver(scenario: Scenario, bodies: Mapping[str, bytes], some: list[Person], kind: str = "raw") -> None:
    """Assert that each file delivers exactly these people."""
    puts = drop_all(scenario, {name: (kind, body, "") for name, body in bodies.items()})
    for name, put in puts.items():
        receipt = scenario.line.finish(put, within_s=240)
        assert (name, receipt["state"]) == (name, "applied"), receipt["reason"]
        scenario.account(receipt, len(some))
        scenario.hold(put.audience, some)
    scenario.bound()
