"""The metrics of a run, as a connector's function logs them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from activation.aws.lease import LeaseLost
from activation.ledger.progress import Progress
from activation.ledger.runs import Run, RunState
from activation.runs.advance import Active
from activation.runs.invocation import Invocation
from activation.runs.platform_calls import PlatformCalls
from activation.runs.telemetry import Counted, Telemetry
from aws_lambda_powertools import Metrics

from tests.unit.line.world import World, people, table


def written(capsys: pytest.CaptureFixture[str], telemetry: Telemetry) -> dict[str, list[Any]]:
    """Return the values of each metric that was written."""
    capsys.readouterr()
    telemetry.metrics.flush_metrics()
    found: dict[str, list[Any]] = defaultdict(list)
    for line in capsys.readouterr().out.splitlines():
        if '"_aws"' in line:
            entry = json.loads(line)
            assert entry["connector"] == entry["service"] == "meta"
            for one in entry["_aws"]["CloudWatchMetrics"][0]["Metrics"]:
                found[one["Name"]] += entry[one["Name"]]
    return found


@pytest.fixture
def telemetry() -> Telemetry:
    """Return metrics of a connector, with the dimensions that its function gives them."""
    metrics = Metrics(namespace="AudienceActivation", service="meta")
    # One provider and one set of dimensions for all of a process: a test before may have named them.
    metrics.clear_default_dimensions()
    metrics.clear_metrics()  # after them: it fills in the defaults again
    metrics.provider.service = "meta"
    metrics.set_default_dimensions(connector="meta")
    return Telemetry(metrics=metrics)


def run(state: RunState, *, acknowledged: int = 0, rejected: int = 0, refused: int = 0) -> Run:
    """Return a run's record with its counts, begun at second 100."""
    progress = Progress()
    progress.tally.acknowledged = acknowledged
    progress.tally.rejected_by_us["not_an_email"] = rejected
    progress.tally.rejected_by_platform["invalid_entries"] = refused
    return Run(
        pk="meta#run#1",
        fence=1,
        state=state,
        continuation=0,
        started_at=100.0,
        updated_at=160.0,
        lease_until=0.0,
        not_before=0.0,
        no_progress=0,
        progress=progress,
    )


def advanced(telemetry: Telemetry, made: Run, *, is_part: bool = False) -> None:
    """Report an invocation that began with nothing and ended at second 160."""
    telemetry.advanced(made, Counted(0, 0, 0, 0), is_part=is_part, now=160.0)


def test_an_applied_run_tells_its_share_of_rejected_rows_and_its_time(
    telemetry: Telemetry, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rows that we and the platform rejected count together."""
    advanced(telemetry, run(RunState.APPLIED, acknowledged=60, rejected=30, refused=10))
    found = written(capsys, telemetry)
    assert (found["RejectPercent"], found["TimeToActivate"], found["RowsRejected"]) == ([40.0], [60.0], [40])


@pytest.mark.parametrize("state", [RunState.WAITING, RunState.BLOCKED, RunState.ACCEPTED, RunState.SUPERSEDED])
def test_a_run_that_goes_on_tells_no_share(
    telemetry: Telemetry, capsys: pytest.CaptureFixture[str], state: RunState
) -> None:
    """Its rows are counted, and its share once it has ended."""
    advanced(telemetry, run(state, acknowledged=1, rejected=9))
    found = written(capsys, telemetry)
    assert found["RowsRejected"] == [9]
    assert not found["RejectPercent"] + found["TimeToActivate"]


def test_a_failed_run_tells_its_share_and_no_time(
    telemetry: Telemetry, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run without a row has none, and neither has a part."""
    advanced(telemetry, run(RunState.FAILED, acknowledged=1, rejected=1))
    advanced(telemetry, run(RunState.FAILED))
    advanced(telemetry, run(RunState.APPLIED, acknowledged=1, rejected=3), is_part=True)
    found = written(capsys, telemetry)
    assert (found["RejectPercent"], found["TimeToActivate"]) == ([50.0], [])


def test_the_platforms_answers_are_told_where_it_was_asked(
    telemetry: Telemetry, capsys: pytest.CaptureFixture[str]
) -> None:
    """The mean of an invocation, and how many answers were throttled; one that asked nothing tells nothing."""
    calls = PlatformCalls()
    telemetry.asked(calls)
    calls.note(0.1, throttled=False)
    calls.note(0.3, throttled=True)
    telemetry.asked(calls)
    found = written(capsys, telemetry)
    assert (found["PlatformLatency"], found["PlatformThrottles"]) == ([pytest.approx(200)], [1])


def test_an_invocation_that_fails_tells_how_the_platform_answered(
    make_world: Callable[..., World], telemetry: Telemetry, capsys: pytest.CaptureFixture[str]
) -> None:
    """The error is raised all the same, so that the message returns."""
    world = make_world()

    def failing(invocation: Invocation) -> Active:
        invocation.calls.note(0.2, throttled=True)
        raise LeaseLost

    world.connector = replace(world.connector, active=failing, telemetry=telemetry)
    with pytest.raises(LeaseLost):
        world.handle(world.drop(table(people(1))))
    found = written(capsys, telemetry)
    assert (found["PlatformLatency"], found["PlatformThrottles"]) == ([pytest.approx(200)], [1])
