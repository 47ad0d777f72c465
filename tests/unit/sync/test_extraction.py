"""A slot's extraction: once, whatever happens to its workers, its source and its messages."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import NoReturn

import pytest
from activation.aws.lease import LeaseHeld, LeaseLost
from activation.drops.manifest_entries import read_manifest
from activation.drops.places import Role, place_of, role_of
from activation.errors import ActivationError, ConfigError, Retryable
from activation.ledger.runs import Ledger, Run, RunState
from activation.model import Drop

from lambdas.sync.declaration import SourceKind
from lambdas.sync.export import MANIFEST, folder_of
from lambdas.sync.extraction import DEADLINE_S, DECLARATION_BUSY, LEASE_S, LONGEST_WAIT_S
from lambdas.sync.messages import SlotWork, read
from lambdas.sync.slots import SYNC, slot_id
from lambdas.sync.source import consent_missing, still_running, unreachable
from tests.unit.sync.world import INVOCATION_S, NEXT_SLOT, SLOT, VIP, Scripted, World

WORK = SlotWork("vip", SLOT)
FOLDERS = tuple(folder_of(VIP, target, SLOT) for target in VIP.to)


class Killed(BaseException):
    """The worker was killed: nothing of its own runs any more."""


def handle(world: World, work: SlotWork = WORK) -> RunState | None:
    """Handle a message in an invocation of its own."""
    return world.extractor().handle(work, lambda: INVOCATION_S)


def raising(error: BaseException) -> Callable[[], NoReturn]:
    """Return what raises an error."""

    def raise_it() -> NoReturn:
        raise error

    return raise_it


def state(world: World, slot: str = SLOT) -> tuple[str, str]:
    """Return the state and the code of a slot's record."""
    run = world.ledger.read(slot_id("cdp", "vip", slot))
    assert run is not None
    return run.state.value, run.code


def test_a_slot_becomes_one_export_for_each_audience(world: World) -> None:
    """The parts are in each audience's folder, and its manifest says what the receipt is to repeat."""
    assert handle(world) is RunState.APPLIED
    manifests = world.manifests()
    assert sorted(manifests) == sorted(f"{folder}{MANIFEST}" for folder in FOLDERS)
    for key, document in manifests.items():
        place = place_of(key)
        assert place is not None
        assert place.role is Role.SIGN
        version = world.s3.head_object(Bucket="drops", Key=key)["VersionId"]
        read_back = read_manifest(world.s3, Drop("drops", key, version, "", 1), place.folder)
        assert read_back.export is not None
        assert (read_back.export.slot, read_back.export.declaration) == (SLOT, "vip")
        assert (read_back.export.rows, read_back.export.left_out) == (2, {"no_consent": 1})
        assert read_back.reading is not None
        assert read_back.reading.columns == (("mail", "email"), ("ok", "ignore"))
        (part,) = read_back.files
        assert world.s3.head_object(Bucket="drops", Key=part)["ContentLength"] == read_back.files[part]
        assert document["entries"][0]["url"] == f"s3://drops/{part}"
    assert world.notes == [("vip", SLOT, "applied", "")]
    run = world.ledger.read(slot_id("cdp", "vip", SLOT))
    assert run is not None
    assert (run.progress.tally.acknowledged, dict(run.progress.tally.rejected_by_us)) == (2, {"no_consent": 1})


def test_the_event_of_a_part_has_nothing_to_be_done(world: World) -> None:
    """The manifest names the parts; a worker that begins with the event of one is free again at once."""
    handle(world)
    parts = [key for key in world.objects() if key.endswith(".parquet")]
    assert len(parts) == len(FOLDERS)
    assert {role_of(key) for key in parts} == {Role.SIDECAR}


def test_a_repeated_message_extracts_nothing(world: World) -> None:
    """A slot that was extracted stays as it is, whoever asks again."""
    handle(world)
    assert handle(world) is RunState.APPLIED
    assert world.source.extractions == 1


def test_two_messages_for_a_slot_lead_to_one_extraction(world: World) -> None:
    """Of two messages for a slot the second one, in the middle of the first, finds the lease held."""
    world.change(to=VIP.to[:1])
    refused: list[str] = []

    def second() -> None:
        with pytest.raises(LeaseHeld):
            handle(world, work)
        refused.append(work.slot)

    world.source.before = second
    for minute in range(10):
        work = SlotWork("vip", f"2027-01-01T10:{minute:02}:00Z")
        assert handle(world, work) is RunState.APPLIED
    assert world.source.extractions == len(refused) == len(world.manifests()) == 10


def test_a_worker_that_dies_is_followed_by_one_that_starts_over(world: World) -> None:
    """Nothing is sent until then; what the dead worker wrote is in no manifest."""
    world.source.after = raising(Killed())
    with pytest.raises(Killed):
        handle(world)
    assert world.manifests() == {}
    with pytest.raises(LeaseHeld):
        handle(world)
    world.now += LEASE_S + 1
    world.source = Scripted()
    assert handle(world) is RunState.APPLIED
    left = {key for key in world.objects() if key.endswith(".parquet")}
    named = {one["url"].removeprefix("s3://drops/") for m in world.manifests().values() for one in m["entries"]}
    assert len(left - named) == 1
    assert len(named) == 2


def test_a_worker_that_lost_its_lease_changes_nothing(world: World) -> None:
    """The next one has closed the export meanwhile: the late manifest is refused, and its copies are removed."""
    late = world.extractor()

    def meanwhile() -> None:
        world.now += LEASE_S + 1
        world.source.after = lambda: None
        assert handle(world) is RunState.APPLIED

    world.source.after = meanwhile
    with pytest.raises(LeaseLost):
        late.handle(WORK, lambda: INVOCATION_S)
    named = {one["url"].removeprefix("s3://drops/") for m in world.manifests().values() for one in m["entries"]}
    assert len(named) == 2
    assert {key for key in world.objects() if key.endswith(".parquet")} == named
    assert state(world) == ("applied", "")


def test_a_source_that_is_down_is_asked_again_until_the_deadline(world: World) -> None:
    """The waits grow to a quarter of an hour; then the slot has failed, nothing was sent, and nothing is left."""
    world.source.before = raising(unreachable("the connection was refused"))
    began, waits, work = world.now, [], WORK
    while (left := handle(world, work)) is RunState.WAITING:
        run = world.ledger.read(slot_id("cdp", "vip", SLOT))
        assert run is not None
        assert (run.state, run.code) == (RunState.WAITING, "source_unreachable")
        waits.append(run.not_before - world.now)
        world.now = run.not_before
        work = SlotWork("vip", SLOT, run.continuation + 1)
    assert left is RunState.FAILED
    assert waits[:5] == [60, 120, 240, 480, LONGEST_WAIT_S]
    assert DEADLINE_S - LONGEST_WAIT_S <= world.now - began <= DEADLINE_S
    assert [key for key in world.objects() if not key.endswith("_audience.json")] == []
    (dead,) = world.messages(world.dead_url)
    assert dead["MessageAttributes"]["code"]["StringValue"] == "source_unreachable"
    assert world.notes[-1] == ("vip", SLOT, "failed", "source_unreachable")


def test_a_password_that_is_refused_is_tried_again_before_it_blocks(world: World) -> None:
    """A rotation of some minutes is waited for; after that a person has to correct the secret, and redrives."""
    world.source.before = raising(Retryable("source_denied", "the password is refused", after_s=60))
    waits, work = [], WORK
    while (left := handle(world, work)) is RunState.WAITING:
        run = world.ledger.read(slot_id("cdp", "vip", SLOT))
        assert run is not None
        waits.append(run.not_before - world.now)
        world.now = run.not_before
        work = SlotWork("vip", SLOT, run.continuation + 1)
    assert (left, waits) == (RunState.BLOCKED, [60, 120, 240])
    assert state(world) == ("blocked", "source_denied")
    (dead,) = world.messages(world.dead_url)
    world.source = Scripted()
    redriven = read(dead["Body"])
    assert isinstance(redriven, SlotWork)
    assert handle(world, redriven) is RunState.APPLIED


@pytest.mark.parametrize("error", [unreachable("down"), consent_missing("ok", "is gone")])
def test_the_first_message_of_a_slot_that_was_left_since_does_nothing(
    world: World, error: ActivationError
) -> None:
    """A later message continues the slot, or a person does, who would be told of the same twice."""
    world.source.before = raising(error)
    left = world.extractor().advance(VIP, WORK, lambda: INVOCATION_S)
    assert left in (RunState.WAITING, RunState.BLOCKED)
    kept, sent = state(world), len(world.messages()) + len(world.messages(world.dead_url))
    world.now += 3600
    assert handle(world) is None
    assert state(world) == kept
    assert (len(world.source.tokens), sent) == (1, 1)
    assert world.messages() == world.messages(world.dead_url) == []
    world.source = Scripted()
    assert handle(world, SlotWork("vip", SLOT, 1)) is RunState.APPLIED


@pytest.mark.parametrize("before", ["waiting", "blocked", "applied", "early"])
def test_a_message_with_nothing_to_do_acquires_no_lease(world: World, before: str) -> None:
    """A continuation that comes in the same moment would have to wait until that lease could have ended."""
    errors = {"blocked": consent_missing("ok", "is gone"), "applied": None}
    error = errors.get(before, unreachable("down"))
    if error is not None:
        world.source.before = raising(error)
    left = handle(world)
    world.now += 0 if before == "early" else 3600
    key = world.ledger.key(slot_id("cdp", "vip", SLOT))
    record = world.table.read(key)
    again = handle(world, SlotWork("vip", SLOT, 1) if before == "early" else WORK)
    assert again == (left if before == "applied" else None)
    assert world.table.read(key) == record


class Interrupted(Ledger):
    """Records of slots in which another worker comes between a read and the claim."""

    between: Callable[[], object]

    def read(self, run_id: str, part: int | None = None) -> Run | None:
        """Read a slot, then let the other worker come."""
        found = super().read(run_id, part)
        self.between()
        return found


def test_a_slot_that_is_extracted_between_a_read_and_the_claim_is_left_so(world: World) -> None:
    """The message finds that under its lease, and releases it."""
    ledger = Interrupted(world.table, SYNC, lease_s=LEASE_S, ttl_days=400, clock=lambda: world.now)
    ledger.between = lambda: handle(world)
    late = replace(world.extractor(), ledger=ledger)
    assert late.handle(WORK, lambda: INVOCATION_S) is RunState.APPLIED
    assert world.source.extractions == 1
    run = world.ledger.read(slot_id("cdp", "vip", SLOT))
    assert run is not None
    assert (run.state, run.lease_until) == (RunState.APPLIED, 0)


def test_a_redriven_slot_has_a_deadline_of_its_own(world: World) -> None:
    """A slot that a person sends again goes on as if it had just come."""
    world.source.before = raising(consent_missing("ok", "is not in the selection"))
    assert handle(world) is RunState.BLOCKED
    assert state(world) == ("blocked", "consent_missing")
    (dead,) = world.messages(world.dead_url)
    world.source = Scripted()
    world.now += 10 * DEADLINE_S
    redriven = read(dead["Body"])
    assert isinstance(redriven, SlotWork)
    assert handle(world, redriven) is RunState.APPLIED
    assert state(world) == ("applied", "")


@pytest.mark.parametrize("error", [unreachable("cut"), consent_missing("ok", "is gone"), ConfigError("x", "y")])
def test_a_source_that_fails_in_the_middle_leaves_no_part(world: World, error: ActivationError) -> None:
    """The parts that were written are removed, each version of them, and no manifest is there."""
    world.source.after = raising(error)
    handle(world)
    versions = world.s3.list_object_versions(Bucket="drops")
    kept = [one["Key"] for one in (*versions.get("Versions", []), *versions.get("DeleteMarkers", []))]
    assert all(key.endswith("_audience.json") for key in kept)


def test_a_source_that_works_in_the_background_is_asked_by_one_token_until_it_has_failed(world: World) -> None:
    """A poll is no failure: the token stays, and another comes after a failure only."""
    world.kind = SourceKind.ATHENA
    errors: list[Callable[[], None]] = [
        raising(still_running(20)),
        raising(still_running(20)),
        raising(unreachable("the query failed")),
        lambda: None,
    ]
    work = WORK
    for error in errors:
        world.source.before = error
        handle(world, work)
        run = world.ledger.read(slot_id("cdp", "vip", SLOT))
        assert run is not None
        world.now, work = max(world.now, run.not_before), SlotWork("vip", SLOT, run.continuation + 1)
    first, again, third, last = world.source.tokens
    assert first == again == third != last
    assert state(world) == ("applied", "")


def test_a_message_that_comes_too_early_leaves_the_slot_to_the_one_that_is_to_come(world: World) -> None:
    """Two ticks' messages for a slot that waits do not double its messages."""
    world.source.before = raising(unreachable("down"))
    assert handle(world) is RunState.WAITING
    assert handle(world) is None
    assert len(world.source.tokens) == 1


def test_of_several_slots_that_wait_the_newest_is_extracted(world: World) -> None:
    """The older one ends as superseded once the newer one has come."""
    world.source.before = raising(unreachable("down"))
    assert handle(world) is RunState.WAITING
    world.source = Scripted()
    world.now += LONGEST_WAIT_S
    assert handle(world, SlotWork("vip", NEXT_SLOT)) is RunState.APPLIED
    assert handle(world, SlotWork("vip", SLOT, 1)) is RunState.SUPERSEDED
    assert state(world) == ("superseded", "superseded")
    assert world.source.extractions == 1


def test_the_next_slot_waits_while_one_is_extracted(world: World) -> None:
    """Slots of a declaration do not overlap, and waiting for each other is no failure of the source."""

    def overlap() -> None:
        world.source.before = lambda: None
        assert handle(world, SlotWork("vip", NEXT_SLOT)) is RunState.WAITING

    world.source.before = overlap
    assert handle(world) is RunState.APPLIED
    run = world.ledger.read(slot_id("cdp", "vip", NEXT_SLOT))
    assert run is not None
    assert (run.state, run.code, run.no_progress) == (RunState.WAITING, DECLARATION_BUSY, 0)
    world.now = run.not_before
    assert handle(world, SlotWork("vip", NEXT_SLOT, 1)) is RunState.APPLIED


def test_a_declaration_that_is_gone_or_paused_sends_nothing(world: World) -> None:
    """A message for it is done, and leaves no record."""
    world.declarations.clear()
    assert handle(world) is None
    assert world.ledger.read(slot_id("cdp", "vip", SLOT)) is None
    assert world.objects() == []


def test_the_audiences_file_says_what_the_declaration_does(world: World) -> None:
    """It is written when it differs, also to say nothing any more, and not otherwise."""
    handle(world)
    key = "meta/VIP people/_audience.json"
    found = world.s3.get_object(Bucket="drops", Key=key)
    assert json.loads(found["Body"].read()) == {"guard": {"leave": "20%"}}
    handle(world, SlotWork("vip", NEXT_SLOT))
    assert world.s3.head_object(Bucket="drops", Key=key)["VersionId"] == found["VersionId"]
    world.change(options={})
    handle(world, SlotWork("vip", "2026-12-05T10:00:00Z"))
    assert json.loads(world.s3.get_object(Bucket="drops", Key=key)["Body"].read()) == {}


def test_a_file_that_somebody_else_wrote_is_not_replaced(world: World) -> None:
    """The slot is blocked until it is said in one place; a file that says the same is left as it is."""
    key = "meta/VIP people/_audience.json"
    world.s3.put_object(Bucket="drops", Key=key, Body=b'{"retention_days": 9}')
    assert handle(world) is RunState.BLOCKED
    assert state(world) == ("blocked", "audience_file_differs")
    assert world.manifests() == {}
    world.s3.put_object(Bucket="drops", Key=key, Body=b'{"guard": {"leave": "20%"}}')
    assert handle(world, SlotWork("vip", SLOT, 1)) is RunState.APPLIED
