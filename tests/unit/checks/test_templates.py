"""How checkov's findings are held against those that are accepted, and what the workflow runs."""

from __future__ import annotations

import re

import pytest
import yaml

from checks.templates import Accepted, complaints, findings, read_accepted
from sandbox.place import ROOT

QUEUES = Accepted("CKV_1", ("AWS::SQS::Queue.*",), "because")
FOUND = ("CKV_1", "AWS::SQS::Queue.Dead", "/a.json")


def test_an_accepted_finding_is_no_complaint() -> None:
    """A finding of the check, on a resource that a pattern names, is accepted."""
    assert complaints([FOUND], [QUEUES]) == []


@pytest.mark.parametrize("new", [("CKV_2", FOUND[1], FOUND[2]), ("CKV_1", "AWS::SNS::Topic.T", FOUND[2])])
def test_a_new_finding_is_named(new: tuple[str, str, str]) -> None:
    """Another check, or another resource, is a complaint."""
    (told,) = complaints([FOUND, new], [QUEUES])
    assert told.startswith(f"{new[0]} on {new[1]} in /a.json")


def test_an_entry_that_matches_nothing_is_named() -> None:
    """What was mended is not accepted for ever."""
    (told,) = complaints([], [QUEUES])
    assert "nothing there has it any more" in told


def test_reports_of_one_and_of_several_frameworks_are_read() -> None:
    """Checkov writes one object, or a list of them."""
    one = {"results": {"failed_checks": [dict(zip(("check_id", "resource", "file_path"), FOUND, strict=True))]}}
    assert list(findings(one)) == list(findings([one])) == [FOUND]


def test_every_accepted_finding_has_a_reason() -> None:
    """Each entry says why, in a sentence, and no check is listed twice."""
    accepted = read_accepted()
    assert len({one.check for one in accepted}) == len(accepted) > 0
    for one in accepted:
        assert one.resources
        assert re.fullmatch(r"[A-Z].{40,}\.", one.reason), one.check


def test_the_workflow_pins_its_actions_and_runs_make() -> None:
    """Each action is a commit with its release beside it, and each command a target of the Makefile."""
    text = (ROOT / ".github" / "workflows" / "checks.yml").read_text()
    assert re.findall(r"uses: (.*)", text)
    for used in re.findall(r"uses: (.*)", text):
        assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", used), used
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    jobs = yaml.safe_load(text)["jobs"].values()
    runs = [step["run"] for job in jobs for step in job["steps"] if "run" in step]
    assert runs == ["make check", "make smoke", "make test"]
    assert {run.removeprefix("make ") for run in runs} <= targets
