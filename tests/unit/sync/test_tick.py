"""Ticks, the declarations in force, and what follows the ends of runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from activation.aws.lease import LeaseHeld
from activation.errors import ConfigError, Rejected
from activation.ledger.runs import RunState

from lambdas.sync.catalogue import KEY, Catalogue, Found
from lambdas.sync.declaration import Declaration, TableDeclaration, TableRow
from lambdas.sync.ended import EndedRun, RunEnds
from lambdas.sync.export import MANIFEST, folder_of
from lambdas.sync.messages import RunEnded, SlotWork, read
from lambdas.sync.slots import Slots
from lambdas.sync.source import unreachable
from lambdas.sync.tick import FALLBACK_DELAY_S, tick
from lambdas.sync.upcoming import KEY as UPCOMING
from lambdas.sync.upcoming import Coming, Upcoming
from tests.unit.sync.world import NEXT_SLOT, SLOT, VIP, World

DOCUMENT: dict[str, Any] = {
    "sources": {"cdp": {"kind": "postgres"}},
    "audiences": {
        "vip": {
            "source": "cdp",
            "table": "marts.vip",
            "columns": {"mail": "email"},
            "consent": "selected",
            "to": [{"connector": "meta", "audience": "VIP people"}],
            "every": "48h",
            "at": "10:00",
            "timezone": "UTC",
            "from": "2026-12-01",
        }
    },
    "tables": [{"source": "cdp", "table": "cdp.facebook_configurations", "like": "vip"}],
}


class Rows:
    """A table with one row, and one that cannot be read."""

    def rows(
        self, table: TableDeclaration, like: Declaration, before: Sequence[Declaration]
    ) -> Sequence[Declaration]:
        """Return the row as a declaration."""
        if table.table == "locked":
            raise unreachable("the table is locked")
        return [] if any(one.name == "kangoo" for one in before) else [replace(like, name="kangoo")]


def ticked(world: World, found: Found, at: datetime) -> list[tuple[str, str]]:
    """Let a tick come, and return the slots that it queues."""
    tick(found, world.slots, world.sqs, world.queue_url, clock=lambda: at)
    works = [read(one["Body"]) for one in world.messages()]
    return [(one.declaration, one.slot) for one in works if isinstance(one, SlotWork)]


def test_a_tick_queues_each_slot_once(world: World) -> None:
    """Between two slots nothing is queued, and what is paused never is."""
    found = Found((VIP, replace(VIP, name="off", paused=True)))
    first = datetime(2026, 12, 1, 10, tzinfo=UTC)
    assert ticked(world, found, first) == [("vip", SLOT)]
    assert ticked(world, found, first) == []
    assert ticked(world, found, first.replace(day=2)) == []
    assert ticked(world, found, first.replace(day=3)) == [("vip", NEXT_SLOT)]


def test_a_tick_takes_the_first_slot_itself(world: World) -> None:
    """Its message comes a minute later, in case the tick died; those of other slots come at once."""
    found = Found((VIP, replace(VIP, name="other")))
    at = datetime(2026, 12, 1, 10, tzinfo=UTC)
    ticked = tick(found, world.slots, world.sqs, world.queue_url, clock=lambda: at)
    assert ticked.taken == VIP
    assert ticked.due == (SlotWork("vip", SLOT), SlotWork("other", SLOT))
    assert world.sqs.delays_s == [FALLBACK_DELAY_S, 0]
    assert tick(found, world.slots, world.sqs, world.queue_url, clock=lambda: at).taken is None


TABLE = TableDeclaration("cdp", "cdp.rows", "vip", "{system_name}")
ROW = replace(VIP, name="cdp:kangoo", row=TableRow(TABLE, "kangoo"))


def test_a_tick_tells_what_comes_next_of_the_rows_of_tables(world: World) -> None:
    """After the slot that it has queued, or at the time that somebody asks for in between."""
    at = datetime(2026, 12, 1, 10, tzinfo=UTC)

    def told(*declarations: Declaration) -> dict[str, Coming]:
        return tick(Found(declarations), world.slots, world.sqs, world.queue_url, clock=lambda: at).coming

    assert told(VIP, ROW) == {"cdp:kangoo": Coming(NEXT_SLOT, "UTC")}
    asked = replace(ROW, asked_for=at + timedelta(hours=3))
    assert told(asked) == {"cdp:kangoo": Coming("2026-12-01T13:00:00Z", "UTC")}
    assert told(replace(ROW, paused=True)) == {"cdp:kangoo": Coming(NEXT_SLOT, "UTC", paused=True)}


def test_what_comes_next_is_noted_where_it_has_changed(world: World) -> None:
    """A row that is gone is forgotten; of a source that could not be read the rows stay as they were."""
    upcoming = Upcoming(world.table, ttl_days=400)
    first, second = Coming(SLOT, "UTC"), Coming(NEXT_SLOT, "Europe/Berlin", paused=True)
    assert upcoming.read() == {}
    upcoming.note({"cdp:a": first, "crm:b": second}, world.now)
    assert upcoming.read() == {"cdp:a": first, "crm:b": second}
    written = world.table.read(UPCOMING)
    world.now += 300
    upcoming.note({"crm:b": second}, world.now, unread=["cdp"])
    assert world.table.read(UPCOMING) == written
    upcoming.note({"crm:b": second}, world.now)
    assert upcoming.read() == {"crm:b": second}


def test_of_more_rows_than_a_record_holds_the_first_are_noted(world: World) -> None:
    """The tick goes on all the same."""
    rows = {f"cdp:{number:060}": Coming(f"2027-01-01T{number % 24:02}:00:00Z", "UTC") for number in range(6_000)}
    upcoming = Upcoming(world.table, ttl_days=400)
    upcoming.note(rows, world.now)
    found = upcoming.read()
    assert 2_000 < len(found) < 6_000
    assert max(one.slot for one in found.values()) <= min(rows[name].slot for name in rows.keys() - found.keys())


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ('{"cdp:a":{"slot":"2026-12-01T10:00:00Z","timezone":"UTC","later":1}}', {"cdp:a": Coming(SLOT, "UTC")}),
        ('{"cdp:a":{"at":"2026-12-01T10:00:00Z"}}', {}),
        ("[", {}),
    ],
)
def test_a_record_of_a_newer_release_stops_no_tick(world: World, rows: str, found: dict[str, Coming]) -> None:
    """Unknown fields are ignored; a record that does not read as one counts as empty, and the tick replaces it."""
    noted(world, rows)
    upcoming = Upcoming(world.table, ttl_days=400)
    assert upcoming.read() == found
    second = Coming(NEXT_SLOT, "UTC")
    upcoming.note({"crm:b": second}, world.now, unread=["cdp"])
    assert upcoming.read() == {**found, "crm:b": second}


def noted(world: World, rows: str) -> None:
    """Store the rows of the record as another release wrote them."""
    item = {"pk": {"S": UPCOMING}, "rows": {"S": rows}, "updated_at": {"N": "1"}}
    world.dynamodb.put_item(TableName="ledger", Item=item)


class Interrupted(Slots):
    """Records of slots that another tick comes before."""

    between: Callable[[], None]

    def note(self, name: str, slot: str) -> str:
        """Let the other tick come, then note the slot."""
        self.between()
        return super().note(name, slot)


@pytest.mark.parametrize("times", [10, pytest.param(100, marks=pytest.mark.faults)])
def test_two_ticks_at_once_a_hundred_times_lead_to_one_extraction_each(world: World, times: int) -> None:
    """A tick between another one's message and its note queues the slot again: of two workers one extracts it."""
    world.change(to=VIP.to[:1])
    found, works, refused = Found((VIP,)), list[SlotWork](), list[str]()
    first = datetime(2026, 12, 1, 10, tzinfo=UTC)

    def now() -> datetime:
        return datetime.fromtimestamp(world.now, UTC)

    def another() -> None:
        tick(found, world.slots, world.sqs, world.queue_url, clock=now)

    def second() -> None:
        world.source.before = lambda: None
        with pytest.raises(LeaseHeld):
            world.extractor().handle(works[-1], lambda: 900.0)
        refused.append(works[-1].slot)

    slots = Interrupted(world.table, ttl_days=400, clock=lambda: world.now)
    slots.between = another
    for number in range(times):
        world.now = (first + number * timedelta(days=2)).timestamp()
        tick(found, slots, world.sqs, world.queue_url, clock=now)
        queued = [read(one["Body"]) for one in world.messages()]
        works = [one for one in queued if isinstance(one, SlotWork)]
        assert len(works) == len(set(works)) + 1 == 2
        world.source.before = second
        for work in works:
            assert world.extractor().handle(work, lambda: 900.0) is RunState.APPLIED
        assert ticked(world, found, now()) == []
    assert world.source.extractions == len(set(refused)) == len(world.manifests()) == times


class Dying(Slots):
    """Records of slots whose writer is killed before it writes."""

    def note(self, name: str, slot: str) -> str:
        """Die."""
        raise KeyboardInterrupt


def test_a_tick_that_dies_before_it_notes_a_slot_is_repeated_by_the_next(world: World) -> None:
    """Its message is there twice then, and never not at all."""
    at = datetime(2026, 12, 1, 10, tzinfo=UTC)
    slots = Dying(world.table, ttl_days=400, clock=lambda: world.now)
    with pytest.raises(KeyboardInterrupt):
        tick(Found((VIP,)), slots, world.sqs, world.queue_url, clock=lambda: at)
    assert len(ticked(world, Found((VIP,)), at)) == 2


def test_what_is_in_force_are_the_stored_declarations_and_the_rows_of_tables(world: World) -> None:
    """Before the first `apply` nothing is; a table that cannot be read keeps nothing else from being due."""
    catalogue = Catalogue(world.s3, "mirrors", Rows())
    assert catalogue.all() == Found(())
    tables = [*DOCUMENT["tables"], {**DOCUMENT["tables"][0], "table": "locked"}]
    world.s3.put_object(Bucket="mirrors", Key=KEY, Body=json.dumps({**DOCUMENT, "tables": tables}))
    found = catalogue.all()
    assert [one.name for one in found.declarations] == ["vip", "kangoo"]
    assert {name: error.code for name, error in found.problems.items()} == {"locked": "source_unreachable"}
    kangoo = catalogue.find("kangoo")
    assert kangoo is not None
    assert kangoo.to == found.declarations[0].to
    with pytest.raises(Exception, match="source_unreachable"):
        catalogue.find("brio")


def test_a_table_behind_one_that_cannot_be_read_declares_nothing(world: World) -> None:
    """It might have a row of the same name, which then would be extracted in the other one's place."""
    (table,) = DOCUMENT["tables"]
    tables = [{**table, "table": "locked"}, table]
    world.s3.put_object(Bucket="mirrors", Key=KEY, Body=json.dumps({**DOCUMENT, "tables": tables}))
    found = Catalogue(world.s3, "mirrors", Rows()).all()
    assert [one.name for one in found.declarations] == ["vip"]
    assert set(found.problems) == {"locked", "cdp.facebook_configurations"}


def test_of_two_tables_with_one_name_the_first_declares_it(world: World) -> None:
    """A name is never two declarations, one of which would have the other's slots."""
    (table,) = DOCUMENT["tables"]
    tables = [table, {**table, "table": "cdp.more_configurations"}]
    world.s3.put_object(Bucket="mirrors", Key=KEY, Body=json.dumps({**DOCUMENT, "tables": tables}))
    assert [one.name for one in Catalogue(world.s3, "mirrors", Rows()).all().declarations] == ["vip", "kangoo"]


def test_a_document_that_this_release_cannot_read_stops_every_slot(world: World) -> None:
    """What a newer command stored is applied again, rather than read by halves."""
    world.s3.put_object(Bucket="mirrors", Key=KEY, Body=json.dumps({**DOCUMENT, "audiences": {"vip": {}}}))
    with pytest.raises(ConfigError, match="newer_declarations"):
        Catalogue(world.s3, "mirrors").all()


def test_other_messages_are_refused() -> None:
    """The queue takes slots and ends of runs, and nothing else."""
    for body in ("", "[]", "{}", '{"detail-type": "Slot Due"}', '{"detail-type": "x", "source": "aws.s3"}'):
        with pytest.raises(Rejected):
            read(body)


def ended(world: World, state: RunState, slot: str = SLOT, key: str = "") -> tuple[int, list[EndedRun]]:
    """Let the run of a manifest, by default the first audience's, end.

    Return how many versions are deleted and who is told.
    """
    key, told = key or folder_of(VIP, VIP.to[0], slot) + MANIFEST, list[EndedRun]()
    receipt = {"folder": {"export": {"declaration": "vip", "slot": slot}}}
    world.s3.put_object(Bucket="receipts", Key="receipts/run.json", Body=json.dumps(receipt))
    ends = RunEnds(world.s3, "drops", "receipts", told.append)
    return ends.handle(RunEnded("run", state.value, "meta", key, "receipts/run.json")), told


def exported(world: World, *slots: str) -> None:
    """Extract slots."""
    for slot in slots:
        world.extractor().handle(SlotWork("vip", slot), lambda: 900.0)


def test_an_export_is_deleted_once_it_was_sent(world: World) -> None:
    """Every version of it, and those of earlier slots; later ones and those of other audiences stay."""
    exported(world, SLOT, NEXT_SLOT, "2026-12-05T10:00:00Z")
    count, (told,) = ended(world, RunState.APPLIED, NEXT_SLOT)
    assert count == 4
    assert (told.declaration, told.slot, told.state) == ("vip", NEXT_SLOT, RunState.APPLIED)
    left = [key for key in world.objects() if key.startswith("meta/VIP people/raw/")]
    assert {key.rpartition("/")[0] + "/" for key in left} == {folder_of(VIP, VIP.to[0], "2026-12-05T10:00:00Z")}
    versions = world.s3.list_object_versions(Bucket="drops", Prefix="meta/VIP people/raw/")
    assert len([*versions["Versions"], *versions.get("DeleteMarkers", [])]) == 2
    assert len([key for key in world.objects() if key.startswith("tiktok/VIP/raw/")]) == 6


@pytest.mark.parametrize("state", [RunState.EMPTY, RunState.SUPERSEDED])
def test_a_run_that_sent_nothing_leaves_the_exports_of_earlier_slots(world: World, state: RunState) -> None:
    """It ends while the run of an earlier slot may still be reading its own export."""
    exported(world, SLOT, NEXT_SLOT)
    first = [key for key in world.objects() if key.startswith(folder_of(VIP, VIP.to[0], SLOT))]
    count, _ = ended(world, state, NEXT_SLOT)
    assert count == 2
    assert [key for key in world.objects() if key.startswith("meta/VIP people/raw/")] == first


def test_an_export_for_another_account_stays_until_its_own_run_is_final(world: World) -> None:
    """Audiences of one name in several accounts have folders side by side, also those of earlier slots."""
    accounts = ("", "111", "222")
    world.change(to=tuple(replace(VIP.to[0], account=one) for one in accounts))
    exported(world, SLOT, NEXT_SLOT)
    for last in accounts:
        own = replace(VIP.to[0], account=last)
        others = {
            key
            for key in world.objects()
            if not key.startswith(tuple(folder_of(VIP, own, slot) for slot in (SLOT, NEXT_SLOT)))
        }
        key = folder_of(VIP, own, NEXT_SLOT) + MANIFEST
        ended(world, RunState.APPLIED, NEXT_SLOT, key=key)
        assert set(world.objects()) == others


@pytest.mark.parametrize("state", [RunState.FAILED, RunState.BLOCKED])
def test_a_run_that_a_person_has_to_look_at_keeps_its_export(world: World, state: RunState) -> None:
    """A redrive needs it; the source is told all the same."""
    exported(world, SLOT)
    before = world.objects()
    count, (told,) = ended(world, state)
    assert (count, told.state, world.objects()) == (0, state, before)


def test_runs_of_other_drops_are_passed_over(world: World) -> None:
    """A folder that somebody else closed is neither read nor deleted."""
    told: list[EndedRun] = []
    ends = RunEnds(world.s3, "drops", "receipts", told.append)
    assert ends.handle(RunEnded("run", "applied", "meta", "meta/VIP/raw/mirror/x/manifest", "none")) == 0
    assert told == []
