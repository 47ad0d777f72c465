"""Declared audiences, deployed: a real PostgreSQL behind TLS, ticks, slots, mirrors, and what is left of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lambdas.sync.messages import SlotWork
from tests.end_to_end.declared import AUDIENCE, SQL, WITHIN_S, Database, Sync, declared, running_database
from tests.end_to_end.driver import until
from tests.end_to_end.line import Line
from tests.end_to_end.people import DOMAIN


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    """Start the database."""
    with running_database() as started:
        yield started


@pytest.fixture
def sync(meta: Line, database: Database, tmp_path: Path) -> Sync:
    """Return the deployed sync, with a file of declarations of which nothing is in force yet."""
    return declared(meta, database, tmp_path)


def test_a_declaration_is_planned_applied_and_kept_in_step(sync: Sync) -> None:
    """From a file to the platform: a tick, one extraction, a mirror, its receipt, and nothing left in the bucket.

    Then one opts out, one leaves and one joins, and the next slot moves exactly them. A source that has lost half
    of its people, or all, stops before anything is sent.
    """
    (plan,) = map(json.loads, sync.command("plan", "--file", str(sync.file), "--json").splitlines())
    assert (plan["rows_selected"], plan["rows"], plan["refused"]) == (38, 38, None)
    assert plan["requests"] >= 1
    assert "in force" in sync.command("apply", "--file", str(sync.file), "--yes")
    assert "nothing changes" in sync.command("apply", "--file", str(sync.file), "--yes")
    with ThreadPoolExecutor(2) as both:
        list(both.map(lambda _: sync.tick(), range(2)))
    first = sync.extracted()
    assert (first["state"], first["rows"]) == ("applied", 38)
    receipt = sync.receipt(first["slot"])
    assert (receipt["state"], receipt["action"]) == ("applied", "mirror")
    assert receipt["folder"]["export"]["declaration"] == "declared"
    assert receipt["rows"]["in"] == 38
    assert sync.is_in_step()
    until(lambda: sync.objects() == [] or None, WITHIN_S)
    sync.tick()
    assert sync.states()["slot"] == first["slot"]

    sync.database.server.run(
        "update people set accepts_marketing = null where id = 10",
        "delete from people where id = 11",
        f"insert into people values (1000, 'person1000@{DOMAIN}', 25, 'Loyal', true)",
    )
    sync.command("run", "declared")
    second = sync.extracted(first["slot"])
    assert (second["rows"], second["left_out"]) == (37, {"no_consent": 1})
    receipt = sync.receipt(second["slot"])
    assert (receipt["state"], receipt["mirror"]["joined"], receipt["mirror"]["left"]) == ("applied", 1, 2)
    assert receipt["folder"]["export"]["left_out"] == {"no_consent": 1}
    assert sync.is_in_step()

    sync.database.server.run("delete from people where id > 20 and id < 1000")
    sync.command("run", "declared")
    third = sync.extracted(second["slot"])
    receipt = sync.receipt(third["slot"])
    assert (receipt["state"], receipt["reason"]["code"]) == ("blocked", "needs_approval")
    assert len(sync.line.held(AUDIENCE)) == 37
    assert sync.objects() != []

    sync.database.server.run("delete from people")
    sync.command("run", "declared")
    fourth = sync.extracted(third["slot"])
    assert (fourth["state"], fourth["rows"]) == ("applied", 0)
    receipt = sync.receipt(fourth["slot"])
    # Meta replaces an audience as a whole, and by nobody not at all.
    assert (receipt["state"], receipt["reason"]["code"]) == ("blocked", "replace_by_nobody")
    assert len(sync.line.held(AUDIENCE)) == 37


@pytest.mark.faults
def test_a_database_that_is_down_is_waited_for_and_a_lost_column_of_consent_stops(sync: Sync) -> None:
    """Nothing is sent meanwhile, and the status says why."""
    sync.command("apply", "--file", str(sync.file), "--yes")
    sync.database.proxy.faults.refuse = True
    sync.command("run", "declared")

    def waiting() -> dict[str, Any] | None:
        found = sync.states()
        return found if found["state"] == "waiting" else None

    waits = until(waiting, WITHIN_S)
    assert waits["code"] == "source_unreachable"
    sync.database.proxy.faults.refuse = False
    sync.sandbox.advance(120)
    (sync.file.parent / "people.sql").write_text(SQL.replace(", accepts_marketing", ""))
    sync.command("apply", "--file", str(sync.file), "--yes")
    sync.command("run", "declared")
    stopped = sync.extracted(waits["slot"])
    assert (stopped["state"], stopped["code"]) == ("blocked", "consent_missing")
    assert sync.line.held(AUDIENCE) == set()
    assert sync.objects() == []


@pytest.mark.faults
def test_two_workers_at_once_a_hundred_times_extract_each_slot_once(sync: Sync) -> None:
    """Of two messages for one slot in two processes at once, one leads to an extraction."""
    sync.command("apply", "--file", str(sync.file), "--yes")
    slots = [f"2099-01-01T{minute // 60:02}:{minute % 60:02}:00Z" for minute in range(101)]

    def handled(slot: str, workers: int) -> None:
        """Let so many workers handle a slot at once."""
        record = {
            "messageId": slot,
            "receiptHandle": slot,
            "body": SlotWork("declared", slot).body(),
            "attributes": {"ApproximateReceiveCount": "1"},
        }
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(lambda _: sync.call({"Records": [record]}), range(workers)))

    # The table's own count, and not that of connections: a process's first session needs one more than the others.
    before = scans(sync)
    handled(slots[0], 1)
    once = scans(sync)
    assert once > before
    for slot in slots[1:]:
        handled(slot, 2)
    assert scans(sync) - once == 100 * (once - before)


def scans(sync: Sync) -> int:
    """Return how often the table of people was read, by what PostgreSQL counts when a session has ended."""
    server = sync.database.server
    others = "select count(*) from pg_stat_activity where application_name = 'audience-activation'"
    until(lambda: server.rows(others) == [(0,)] or None, WITHIN_S)
    ((found,),) = server.rows("select seq_scan from pg_stat_user_tables where relname = 'people'")
    return int(str(found))
