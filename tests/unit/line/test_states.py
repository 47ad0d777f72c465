"""The states of runs and parts: the machine's tables, what people read of them, and what follows each cause."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from activation.errors import ConfigError, Rejected, Retryable
from activation.ledger.audience_lock import AudienceLocked, Superseded
from activation.ledger.progress import Progress
from activation.ledger.runs import FINAL, STOPPED, Run, RunState
from activation.pipeline.client import OutOfTime
from activation.runs.states import NO_PROGRESS_MAX, PARTS, RUNS, Cause, Next, Row, StateMachine, Step
from botocore.exceptions import ClientError, EndpointConnectionError

PAGE = Path(__file__).resolve().parents[3] / "docs" / "architecture.md"
NOW = 1_800_000_000.0
ERRORS = (
    OutOfTime("out_of_time", "no time"),
    Retryable("throttled", "later", after_s=40),
    Retryable("transient", "later", after_s=40),
    ConfigError("token_refused", "a person has to act"),
    Rejected("no_usable_column", "the drop is wrong"),
    AudienceLocked(60),
    Superseded(),
    EndpointConnectionError(endpoint_url="https://sqs"),
    ClientError({"Error": {"Code": "AccessDenied"}}, "PutObject"),
)
RECORDS: tuple[dict[str, Any], ...] = (
    {},
    {"no_progress": NO_PROGRESS_MAX},
    {"started_at": NOW - 10_000},
    {"not_before": NOW + 99},
)


def tables() -> Iterator[dict[str, dict[str, str]]]:
    """Yield the page's tables: by a row's first cell, then by the column's name."""
    text = PAGE.read_text(encoding="utf-8")
    for found in re.finditer(r"(?:^\|.*\n)+", text, re.MULTILINE):
        header, _, *rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in found[0].splitlines())
        yield {row[0].strip("`"): dict(zip(header, row, strict=True)) for row in rows}


def shown(row: Row | None) -> tuple[str, set[str]]:
    """Return how the page shows a row of the machine's tables."""
    if row is None:
        return "", set()
    return row.step.value, {state.value for state in row.states} or {"as it was"}


def claimed(state: RunState = RunState.RUNNING, **facts: Any) -> Run:
    """Return a record as a worker claims it."""
    fields = {"started_at": NOW, "not_before": 0.0, "no_progress": 0, "progress": Progress(), **facts}
    return Run(pk="run", fence=1, state=state, continuation=0, updated_at=NOW, lease_until=NOW + 60, **fields)


def machine(run: Run, *, part: bool = False, deadline_s: float = 3600.0) -> StateMachine:
    """Return a record's machine."""

    def clock() -> float:
        return NOW

    return StateMachine.of_part(run, clock) if part else StateMachine.of_run(run, deadline_s, clock)


def steps(*, part: bool) -> Iterator[Next]:
    """Yield a step for every cause, from records of every kind."""
    for closed in (False,) if part else (False, True):
        for facts in RECORDS:
            for error in ERRORS:
                run = claimed(**facts)
                run.progress.checkpoint.closed = closed
                one = machine(run, part=part)
                yield one.after(error)
                yield from filter(None, (one.early(), one.overdue()))
                if part:
                    yield one.idle()
                else:
                    yield one.parts_at_work(2.0)
                    yield one.ordered(Rejected("stopped", "stopped by somebody"))
                    yield from (one.done(state, {}) for state in (RunState.APPLIED, RunState.EMPTY))


def test_the_page_has_the_machines_table() -> None:
    """Each cause leads a run and a part to the same step and states in the code as on the page."""
    (page,) = [table for table in tables() if "cause" in next(iter(table.values()))]
    assert set(page) == {cause.value for cause in Cause}
    for name, row in page.items():
        for whose, table in (("a run's", RUNS), ("a part's", PARTS)):
            states = set(re.findall(r"[a-z_]+(?: it was)?", row[f"{whose} state"]))
            assert (row[f"{whose} step"], states) == shown(table.get(Cause(name))), (name, whose)


def test_the_page_has_every_step() -> None:
    """The steps that the page explains are those of the machine."""
    (page,) = [table for table in tables() if "next message" in next(iter(table.values()))]
    assert set(page) == {step.value for step in Step}


def test_the_page_says_what_continues_a_run_without_a_dead_letter() -> None:
    """Whoever misses the message of a wrong drop among the dead letters is told where it is and what sends it."""
    rows = {name: row for table in tables() for name, row in table.items()}
    leaves, message = rows["failed"]["leaves it"], rows["stop"]["this message"]
    for way in ("`run retry`", "`redrive --run`", "`redrive --reason`", "no plain `redrive`"):
        assert way in leaves.partition("without a dead letter")[2]
    assert "another drop corrects a `failed` run" in message.partition("done if")[2]


def test_the_page_has_every_state() -> None:
    """The page names each state, says which are final, and which a redrive leaves."""
    (page,) = [table for table in tables() if "final" in next(iter(table.values()))]
    assert set(page) == {state.value for state in RunState}
    assert {name for name, row in page.items() if row["final"]} == {state.value for state in FINAL}
    assert {name for name, row in page.items() if "redrive" in row["leaves it"]} == {one.value for one in STOPPED}


@pytest.mark.parametrize("part", [False, True])
def test_every_step_is_one_of_the_table(part: bool) -> None:
    """A cause leads to its step and to one of its states, and every row of the table is reached."""
    table, reached = PARTS if part else RUNS, set()
    for step in steps(part=part):
        row = table[step.cause]
        assert step.step is row.step
        assert step.state in row.states or (not row.states and step.state is RunState.RUNNING)
        reached |= {(step.cause, state) for state in (row.states & {step.state} or {None})}
    assert reached == {(cause, state) for cause, row in table.items() for state in (row.states or {None})}


@pytest.mark.parametrize("error", ERRORS[:6], ids=lambda error: type(error).__name__)
def test_a_part_waits_and_stops_as_a_run_does(error: Exception) -> None:
    """An error leads both to the same step, state, wait and reason."""
    run, part = (machine(claimed(), part=part).after(error) for part in (False, True))
    assert run == part


def test_only_the_runs_own_deadline_ends_a_part() -> None:
    """A part that has waited for years waits on."""
    one = machine(claimed(started_at=0.0), part=True)
    assert (one.deadline_s, one.overdue()) == (math.inf, None)
    assert one.after(Retryable("throttled", "later", after_s=40)).step is Step.WAIT


def test_deciding_twice_counts_an_invocation_once() -> None:
    """An error while a record is left decides the step anew, and is no second invocation without progress."""
    run = claimed(no_progress=3)
    one, error = machine(run), Retryable("transient", "later", after_s=1)
    one.after(error).write_to(run)
    again = one.after(error)
    assert (again.no_progress, again.after_s) == (4, 80.0)
