"""Mirrors at Meta, the whole line against the simulator: by a replace where the audience is ours alone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from activation.ledger.runs import RunState

from sandbox.platforms.outside import Outside
from tests.platforms.simulators.meta_line import MetaLine, digests
from tests.unit.line.world import people

OLD, NEW = people(25), people(25, start=4)


class MirrorLine(MetaLine):
    """The line to the simulated Meta, whose drops are folders below `mirror`."""

    def folder(self, emails: Iterable[str], header: str = "email") -> list[str]:
        """Put an export and its manifest, a quarter of an hour after the one before; return their events."""
        self.clock.pass_s(16 * 60)
        folder = f"meta/VIP/raw/mirror/{int(self.clock())}/"
        part = self.put(f"{header}\n" + "".join(f"{one}\n" for one in emails), f"{folder}part-0")
        entries = {"entries": [{"url": f"s3://drops/{folder}part-0"}]}
        self.clock.pass_s(1)
        return [self.event(part), self.event(self.put(json.dumps(entries), f"{folder}manifest"))]

    def mirror(self, emails: Iterable[str], header: str = "email") -> dict[str, Any]:
        """Drop an export, see it through, and return its receipt."""
        events = self.folder(emails, header)
        self.run(*events)
        assert [one for one in self.failures if not hasattr(one, "code")] == []
        run_id = self.run_of(events[-1]).pk.rpartition("#")[2]
        (receipt,) = [one for one in self.receipts() if one["run_id"] == run_id]
        return receipt


@pytest.fixture
def line(meta: Outside, monkeypatch: pytest.MonkeyPatch) -> Iterator[MirrorLine]:
    """Return the line; nothing is left in its queue at the end."""
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Tests")
    one = MirrorLine(meta)
    yield one
    assert one.queue == []


def test_an_audience_of_ours_is_replaced(line: MirrorLine) -> None:
    """One session each night: it takes out who left, and adds who joined, whatever else they are known by."""
    assert line.mirror(OLD)["audience"]["created"]
    receipt = line.mirror(NEW)
    assert line.held() == digests(NEW)
    assert (receipt["state"], receipt["mirror"]["mode"]) == (RunState.APPLIED, "replace")
    assert (receipt["mirror"]["joined"], receipt["mirror"]["left"], receipt["mirror"]["unchanged"]) == (3, 3, 22)
    line.check_sums(receipt)
    assert len({session for session, _, _ in line.batches()}) == 2


def test_meta_is_asked_once_before_it_is_sent_to(line: MirrorLine) -> None:
    """One read tells the audience's id, that it is there, and that no other change of it is in progress."""
    line.mirror(OLD)
    before = len(line.meta.requests())
    line.mirror(NEW)
    methods = [one["method"] for one in line.meta.requests()[before:]]
    assert methods.index("POST") == 1


def test_a_mirror_waits_until_meta_has_ended_the_replace(line: MirrorLine) -> None:
    """Until then the run is accepted and what the audience holds is not committed."""
    line.mirror(OLD)
    line.meta.configure(replacing_s=1000)
    receipt = line.mirror(NEW)
    assert receipt["state"] == RunState.APPLIED
    assert receipt["seconds"] >= 1000
    assert line.held() == digests(NEW)


def test_a_mirror_whose_session_runs_out_is_completed_by_adding(line: MirrorLine) -> None:
    """A token expires for longer than the ninety minutes: the audience is exact in the end all the same."""
    line.mirror(OLD)
    expired = {"error": {"code": 190, "error_subcode": 463, "message": "expired"}}
    line.meta.fail({"route": "/usersreplace", "skip": 1, "times": 1000, "status": 400, "body": expired})
    line.settings = replace(line.settings, requests_in_flight=1)
    line.restart()
    events = line.folder(NEW)
    line.run(*events)
    assert line.run_of(events[-1]).state is RunState.BLOCKED
    line.clock.pass_s(91 * 60)
    assert line.held() == digests(NEW[:10])
    line.meta.fail()
    line.redrive()
    line.run()
    assert line.held() == digests(NEW)
    assert line.run_of(events[-1]).state is RunState.APPLIED


def test_an_audience_that_others_fill_is_changed_by_the_difference(meta: Outside) -> None:
    """People whom somebody else added stay, and those who left are removed by a request of their own."""
    line = MirrorLine(meta)
    line.settings = replace(line.settings, audiences={"VIP": {"shared": True}})
    line.restart()
    line.mirror(OLD)
    receipt = line.mirror(NEW)
    assert line.held() == digests(NEW)
    assert (receipt["mirror"]["mode"], receipt["rows"]["acknowledged"], receipt["rows"]["unchanged"]) == (
        "difference",
        3,
        22,
    )
    line.check_sums(receipt)
    assert line.batches() == []


def test_columns_that_a_replace_cannot_have_are_sent_as_a_difference(line: MirrorLine) -> None:
    """Where only some rows have an EXTERN_ID, Meta would need two schemas in one session."""
    rows = [f"{one},{'' if number % 2 else number}" for number, one in enumerate(OLD, 1)]
    receipt = line.mirror(rows, header="email,extern_id")
    assert (receipt["state"], receipt["mirror"]["mode"]) == (RunState.APPLIED, "difference"), receipt["reason"]
    assert "EXTERN_ID" in receipt["mirror"]["why"]
    receipt = line.mirror(rows[3:], header="email,extern_id")
    assert (receipt["mirror"]["left"], receipt["rows"]["unchanged"]) == (3, 22)
    assert digests(OLD[:3]).isdisjoint(line.held())
    assert digests(OLD[3:]) <= line.held()


def test_meta_keeps_a_minimum(meta: Outside) -> None:
    """Where Meta refuses a removal because too few would be left, who joined is added and the rest waits."""
    line = MirrorLine(meta)
    line.settings = replace(line.settings, audiences={"VIP": {"shared": True}})
    line.restart()
    line.mirror(OLD)
    meta.configure(min_left=1000)
    receipt = line.mirror(NEW)
    assert receipt["state"] == RunState.APPLIED
    assert "too_small_to_remove" in receipt["platform_notes"]
    assert line.held() == digests([*OLD, *NEW])
    meta.configure(min_left=1)
    receipt = line.mirror(NEW)
    assert (receipt["mirror"]["left"], receipt["rows"]["unchanged"]) == (3, 25)
    assert line.held() == digests(NEW)
