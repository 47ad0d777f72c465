"""Mirrors at TikTok, the whole line against the simulator: the files of each step are one change."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from activation.ledger.runs import RunState

from sandbox.platforms.outside import Outside
from tests.platforms.simulators.test_tiktok_line import Line, digests
from tests.unit.line.world import people

OLD, NEW = people(1300), people(1300, start=101)


class MirrorLine(Line):
    """The line to the simulated TikTok, whose drops are folders of hashes below `mirror`."""

    def mirror(self, emails: Iterable[str]) -> dict[str, Any]:
        """Drop an export, see it through, and return its receipt."""
        self.clock.pass_s(3600)
        folder = f"tiktok/VIP/EMAIL_SHA256/mirror/{int(self.clock())}/"
        part = self.put("".join(f"{one}\n" for one in sorted(digests([*emails]))), f"{folder}part-0")
        entries = {"entries": [{"url": f"s3://drops/{folder}part-0"}]}
        self.clock.pass_s(1)
        sign = self.event(self.put(json.dumps(entries), f"{folder}manifest"))
        self.run(self.event(part), sign)
        assert [one for one in self.failures if not hasattr(one, "code")] == []
        run_id = self.run_of(sign).pk.rpartition("#")[2]
        (receipt,) = [one for one in self.receipts() if one["run_id"] == run_id]
        return receipt

    def changes(self) -> list[str]:
        """Return what TikTok was asked to do with uploaded files, in order."""
        return [one["note"]["action"] for one in self.tiktok.requests() if "action" in one["note"]]


@pytest.fixture
def line(tiktok: Outside, monkeypatch: pytest.MonkeyPatch) -> MirrorLine:
    """Return the line."""
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Tests")
    return MirrorLine(tiktok)


def share(line: MirrorLine) -> None:
    """Have the settings say that others fill the audience, too."""
    line.settings = replace(line.settings, audiences={"VIP": {"shared": True}})
    line.restart()


def test_an_audience_of_ours_is_replaced(line: MirrorLine) -> None:
    """All files of an export are one REPLACE; until TikTok has processed it the run is not committed."""
    assert line.mirror(OLD)["audience"]["created"]
    receipt = line.mirror(NEW)
    assert line.held() == digests(NEW)
    assert line.changes() == ["CREATE", "REPLACE"]
    assert (receipt["state"], receipt["mirror"]["mode"], receipt["mirror"]["left"]) == ("applied", "replace", 100)
    line.check_sums(receipt)


def test_a_shared_audience_is_changed_by_the_difference(line: MirrorLine) -> None:
    """Who left is removed, and only once TikTok has done that is added who joined."""
    share(line)
    line.mirror(OLD)
    receipt = line.mirror(NEW)
    assert line.held() == digests(NEW)
    assert line.changes() == ["CREATE", "REMOVE", "APPEND"]
    assert (receipt["rows"]["unchanged"], receipt["rows"]["acknowledged"]) == (1200, 100)
    line.check_sums(receipt)


def test_tiktok_keeps_a_thousand(line: MirrorLine) -> None:
    """A removal that would leave fewer is refused: the receipt says so, and the next run tries again."""
    share(line)
    line.mirror(people(1100))
    receipt = line.mirror(people(950, start=151))
    assert receipt["state"] == RunState.APPLIED
    assert "too_small_to_remove" in receipt["platform_notes"]
    assert line.held() == digests(people(1100))
    wanted = people(1200, start=151)
    line.mirror(wanted)  # removes come first, and would still leave too few
    assert line.held() == digests(people(1350))
    receipt = line.mirror(wanted)
    assert line.held() == digests(wanted)
    assert (receipt["mirror"]["left"], receipt["rows"]["unchanged"]) == (150, 1200)


@pytest.mark.parametrize("is_shared", [False, True])
def test_files_that_expired_are_uploaded_once_more(line: MirrorLine, is_shared: bool) -> None:
    """Whatever TikTok has taken of a difference by then, the audience is exact in the end."""
    if is_shared:
        share(line)
    line.mirror(OLD)
    gone = {"code": 40910, "message": "The file has expired."}
    line.tiktok.fail({"route": "/update/", "status": 200, "body": gone})
    receipt = line.mirror(NEW)
    assert line.held() == digests(NEW)
    assert receipt["started_over"] == 1
    line.check_sums(receipt)
