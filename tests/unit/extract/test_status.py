"""The status of a row: written back once, in the slots' order, whatever comes twice or late."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import adbc_driver_postgresql.dbapi as postgres
import pytest
from activation.errors import ConfigError, Retryable
from activation.ledger.runs import Run, RunState

from lambdas.sync.configurations import RowProblem
from tests.unit.extract.configured import LIKE, TABLE, Configured

ALL = ("last_sync", "next_sync", "total_customers", "custom_audience_id", "sync_status", "error_log")


@dataclass
class End:
    """The end of a run."""

    slot: str
    state: RunState = RunState.APPLIED
    held: int = 0
    reason: dict[str, str] | None = None
    declaration: str = "cdp:kangoo"
    receipt: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.receipt = {
            "audience": {"id": "9001"},
            "reason": self.reason,
            "rows": {"unchanged": self.held - 10, "acknowledged": 10, "in": self.held + 5},
        }


def stopped(code: str, sentence: str, state: RunState = RunState.BLOCKED) -> Run:
    """Return a slot's record as it is left."""
    run = Run.__new__(Run)
    run.state, run.code, run.sentence = state, code, sentence
    return run


def test_an_applied_run_is_written_back(configured: Configured) -> None:
    """The slot, the next one, the people held, the audience's id; no error."""
    configured.insert("kangoo", more="error_log = 'old', sync_status = 'failed'")
    configured.statuses.ended(End("2026-12-03T13:00:00Z", held=1200))
    assert configured.column("kangoo", *ALL) == (
        "2026-12-03 13:00:00", "2026-12-05 13:00:00", "1200", "9001", "applied", None,
    )  # fmt: skip


@pytest.mark.parametrize("state", [RunState.BLOCKED, RunState.FAILED])
def test_a_run_that_ends_otherwise_keeps_what_is_held(configured: Configured, state: RunState) -> None:
    """Its code and sentence are written, and the people who are still in the audience are not counted anew."""
    configured.insert("kangoo", more="total_customers = 1200, custom_audience_id = '9001'")
    reason = {"code": "needs_approval", "sentence": "40 % would leave"}
    configured.statuses.ended(End("2026-12-03T13:00:00Z", state, 700, reason))
    found = configured.column("kangoo", "total_customers", "custom_audience_id", "sync_status", "error_log")
    assert found == ("1200", "9001", str(state), "needs_approval: 40 % would leave")


def test_ends_in_any_order_and_any_number_leave_the_newest(configured: Configured) -> None:
    """Three slots' ends in every order, each twice, leave what the newest said."""
    ends = [End(f"2026-12-0{day}T13:00:00Z", held=day * 100) for day in (1, 2, 3)]
    for number, order in enumerate(permutations(ends)):
        configured.insert(f"s{number}")
        for one in (*order, *order):
            one.declaration = f"cdp:s{number}"
            configured.statuses.ended(one)
        assert configured.column(f"s{number}", "last_sync", "total_customers") == ("2026-12-03 13:00:00", "300")


def test_the_extraction_is_told_before_the_run_and_never_after(configured: Configured) -> None:
    """Waiting and running show why; they never replace the end of the same or a newer slot."""
    configured.insert("kangoo")
    declared = configured.declared()["cdp:kangoo"]
    statuses, slot = configured.statuses, "2026-12-03T13:00:00Z"
    statuses.noted(declared, slot, stopped("source_unreachable", "cut", RunState.WAITING))
    found = configured.column("kangoo", "sync_status", "error_log", "last_sync")
    assert found == ("waiting", "source_unreachable: cut", None)
    statuses.noted(declared, slot, stopped("", "", RunState.APPLIED))
    assert configured.column("kangoo", "sync_status", "error_log") == ("running", None)
    statuses.ended(End(slot, held=50))
    statuses.noted(declared, slot, stopped("", "", RunState.APPLIED))
    statuses.noted(declared, slot, stopped("source_unreachable", "cut", RunState.WAITING))
    statuses.noted(declared, "2026-12-01T13:00:00Z", stopped("consent_missing", "no column"))
    assert configured.column("kangoo", "sync_status", "error_log") == ("applied", None)
    statuses.noted(declared, "2026-12-05T13:00:00Z", stopped("consent_missing", "no column"))
    assert configured.column("kangoo", "sync_status", "error_log", "total_customers") == (
        "blocked", "consent_missing: no column", "50",
    )  # fmt: skip


def test_a_wish_during_a_run_is_kept(configured: Configured) -> None:
    """A next_sync that somebody sets while a run is on is not replaced by its end; an old one is."""
    configured.now = datetime.now(UTC)
    today = f"{configured.now:%Y-%m-%d}T00:00:00Z"
    configured.insert("kangoo", more="next_sync = now() at time zone 'UTC'")
    (wish,) = configured.column("kangoo", "next_sync")
    configured.statuses.ended(End("2026-11-29T13:00:00Z", held=10))
    assert configured.column("kangoo", "next_sync") == (wish,)
    configured.world.server.run("update cdp.facebook_configurations set next_sync = '2026-01-01'")
    configured.statuses.ended(End(today, held=10))
    assert str(configured.column("kangoo", "next_sync")[0]) > str(wish)


def test_a_wish_that_has_been_run_is_replaced_by_the_next_slot(configured: Configured) -> None:
    """The slot of a wish is named to the second; what is left of a second is no later wish."""
    configured.now = datetime.now(UTC)
    configured.insert("kangoo", more="next_sync = '2026-11-29 13:00:05.7'")
    configured.statuses.ended(End("2026-11-29T13:00:05Z", held=10))
    ((found,), (now,)) = configured.column("kangoo", "next_sync"), [str(configured.now)[:19]]
    assert str(found) > now


@contextmanager
def locked(configured: Configured) -> Iterator[None]:
    """Hold the lock of every row."""
    with postgres.connect(configured.world.server.uri) as other, other.cursor() as cursor:
        cursor.execute("select 1 from cdp.facebook_configurations for update")
        cursor.fetchall()
        yield
        other.rollback()


def test_a_locked_row_is_written_later(configured: Configured) -> None:
    """While another session holds the row, the end's message has to come again, and a note is left out."""
    configured.insert("kangoo")
    declared = configured.declared()["cdp:kangoo"]
    with locked(configured):
        with pytest.raises(Retryable, match="holds a lock"):
            configured.statuses.ended(End("2026-12-03T13:00:00Z", held=50))
        configured.statuses.noted(declared, "2026-12-03T13:00:00Z", stopped("x", "y"))
    assert configured.column("kangoo", "sync_status", "total_customers") == ("pending", "0")
    configured.statuses.ended(End("2026-12-03T13:00:00Z", held=50))
    assert configured.column("kangoo", "sync_status", "total_customers") == ("applied", "50")


def test_a_database_that_is_down_keeps_no_slot_back(configured: Configured) -> None:
    """A slot whose source is down cannot be noted there, and goes on; the end of a run is told later."""
    configured.insert("kangoo")
    declared = configured.declared()["cdp:kangoo"]
    configured.world.proxy.faults.refuse = True
    configured.statuses.noted(declared, "2026-12-03T13:00:00Z", stopped("source_unreachable", "down"))
    with pytest.raises(Retryable):
        configured.statuses.ended(End("2026-12-03T13:00:00Z"))


def test_ends_at_once_are_written_one_after_the_other(configured: Configured) -> None:
    """Ten workers that write at once leave the newest slot's status."""
    configured.insert("kangoo")
    ends = [End(f"2026-12-01T{hour:02}:00:00Z", held=hour + 10) for hour in range(10)]
    threads = [threading.Thread(target=configured.statuses.ended, args=(one,)) for one in ends]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert configured.column("kangoo", "last_sync", "total_customers") == ("2026-12-01 09:00:00", "19")


def test_a_wrong_row_is_told_once(configured: Configured) -> None:
    """The row shows the code and what to write; the next tick does not write it again."""
    configured.insert("kangoo", tenants="")
    configured.declared()
    configured.statuses.wrong(configured.problems)
    status, error, updated = configured.column("kangoo", "sync_status", "error_log", "updated_at")
    assert status == "failed"
    assert str(error).startswith("tenants_missing: tenant_ids is empty")
    configured.statuses.wrong(configured.problems)
    assert configured.column("kangoo", "updated_at") == (updated,)
    configured.world.proxy.faults.refuse = True
    configured.statuses.wrong([RowProblem(TABLE, "kangoo", ConfigError("other", "not written now"))])


def test_the_files_own_declarations_have_no_row(configured: Configured) -> None:
    """The end of a run of another declaration changes no row."""
    configured.insert("kangoo")
    for name in (LIKE.name, "cdp:gone", "lake:kangoo"):
        configured.statuses.ended(End("2026-12-03T13:00:00Z", declaration=name))
    assert configured.column("kangoo", "last_sync", "sync_status") == (None, "pending")
