"""A folder's record, in memory and in DynamoDB as moto has it."""

from __future__ import annotations

import pytest
from activation.aws.table import ConditionalTable
from activation.ledger.folders import CLOSINGS_KEPT, Closing, Folder, Folders

from tests.unit.line.watched_aws import Aws, Clock
from tests.unit.line.world import NAMES

FACTS = {"object_prefix": "tiny/vip/raw/run-7/", "audience": "vip", "action": "add"}


@pytest.fixture
def clock() -> Clock:
    """Return a clock that is wound by hand."""
    return Clock()


@pytest.fixture
def folders(aws: Aws, clock: Clock) -> Folders:
    """Return the records of a connector of its own."""
    return Folders(ConditionalTable(aws.dynamodb, "ledger"), f"tiny{next(NAMES)}", ttl_days=1, clock=clock)


@pytest.fixture
def key(folders: Folders) -> str:
    """Return the key of a folder's record."""
    return folders.key("drops", FACTS["object_prefix"], "")


def closing(run: str, *, opened_by: str = "") -> Closing:
    """Return the closing that began a run."""
    return Closing(run, f"listings/{run}", "sign", 1.0, 1.0, opened_by=opened_by)


def note(folders: Folders, key: str, event: str) -> Folder:
    """Note a file."""
    record, noted = folders.note_file(key, event, FACTS, folders.read(key))
    assert noted
    return record


def test_files_are_counted_from_the_one_that_opens_the_folder(folders: Folders, key: str, clock: Clock) -> None:
    """The first event opens it and is remembered; the others count and say when the last one came."""
    began = clock.now
    note(folders, key, "first")
    clock.pass_s(5)
    record = note(folders, key, "second")
    assert record == folders.read(key)
    assert (record.opened_at, record.opened_by, record.last_event, record.files) == (began, "first", began + 5, 2)


def test_two_events_that_open_a_folder_at_once_are_one_opening(folders: Folders, key: str) -> None:
    """The second one is told what the record is, and notes itself as one of several."""
    seen = folders.read(key)
    note(folders, key, "first")
    record, noted = folders.note_file(key, "second", FACTS, seen)
    assert (noted, record.opened_by, record.files) == (False, "first", 1)


def test_a_closing_ends_what_was_open(folders: Folders, key: str) -> None:
    """It names the event that had opened the folder, and a file that read the record before it is not noted."""
    seen = note(folders, key, "first")
    folders.note_closing(key, closing("a"), FACTS)
    record, noted = folders.note_file(key, "second", FACTS, seen)
    assert (noted, record.opened_at, record.files, record.revision) == (False, 0.0, 0, 1)
    assert record.closings == (closing("a", opened_by="first"),)
    assert note(folders, key, "second").opened_by == "second"


def test_a_closing_that_is_noted_twice_leaves_what_came_since_open(folders: Folders, key: str) -> None:
    """A redelivered sign changes nothing; one that is refused after all replaces what it had noted."""
    folders.note_closing(key, closing("a"), FACTS)
    note(folders, key, "late")
    folders.note_closing(key, closing("a"), FACTS)
    assert folders.read(key).opened_by == "late"
    assert folders.read(key).opened_at > 0
    folders.note_closing(key, Closing("a", "", "sign", 1.0, 1.0, code="bad_manifest"), FACTS)
    assert [(one.run_id, one.code) for one in folders.read(key).closings] == [("a", "bad_manifest")]


def test_the_newest_closings_are_kept(folders: Folders, key: str) -> None:
    """So a record does not grow, however often its folder is closed."""
    for run in "abcde":
        folders.note_closing(key, closing(run), FACTS)
    assert [one.run_id for one in folders.read(key).closings] == list("edcba")[:CLOSINGS_KEPT]


def test_a_quiet_folder_is_closed_only_if_it_is_still_quiet(folders: Folders, key: str, clock: Clock) -> None:
    """A file that was announced since the folder was listed keeps it open."""
    seen = note(folders, key, "first")
    clock.pass_s(5)
    note(folders, key, "second")
    assert not folders.note_closing_of(key, closing("a"), FACTS, seen, undisturbed=True)
    assert folders.note_closing_of(key, closing("a"), FACTS, folders.read(key), undisturbed=True)


def test_a_late_file_counts_until_the_next_closing(folders: Folders, key: str) -> None:
    """It is not counted for a folder that was closed meanwhile, perhaps with it."""
    folders.note_closing(key, closing("a"), FACTS)
    seen = note(folders, key, "late")
    assert folders.note_late(key, seen)
    record = folders.read(key)
    assert (record.late_files, record.opened_at) == (1, 0.0)
    folders.note_closing(key, closing("b"), FACTS)
    assert not folders.note_late(key, record)
    assert folders.read(key).late_files == 0


def test_nothing_is_open_only_while_no_other_file_has_come(folders: Folders, key: str, clock: Clock) -> None:
    """A file that came since keeps its folder open."""
    seen = note(folders, key, "first")
    clock.pass_s(5)
    note(folders, key, "second")
    folders.note_none_open(key, seen)
    assert folders.read(key).opened_at > 0
    folders.note_none_open(key, folders.read(key))
    assert folders.read(key).opened_at == 0


def test_an_account_of_its_own_is_a_folder_of_its_own(folders: Folders, key: str) -> None:
    """Events that name another ad account are noted apart."""
    note(folders, key, "first")
    assert folders.read(folders.key("drops", FACTS["object_prefix"], "act_2")) == Folder()


def test_a_refused_closing_hands_its_late_files_on(folders: Folders, key: str) -> None:
    """Whoever closes the folder next is in the same doubt; once a closing has taken the files there is none."""
    note(folders, key, "first")
    folders.note_closing(key, closing("a"), FACTS)
    assert folders.note_late(key, folders.read(key))
    for run in ("b", "c"):
        folders.note_closing(key, closing(run), FACTS)
        folders.note_closing(key, Closing(run, "", "sign", 1.0, 1.0, code="stale_files"), FACTS)
    for run in ("d", "e"):
        folders.note_closing(key, closing(run), FACTS)
    late = {one.run_id: one.late_files for one in folders.read(key).closings}
    assert late == {"e": 0, "d": 1, "c": 1, "a": 0}
