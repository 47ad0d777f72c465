"""Transfers: one whole object with its facts, whoever is killed, or nothing and a reason."""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from threading import Lock
from typing import Any

import moto.s3.models
import pytest
from activation.aws.lease import LeaseHeld, LeaseLost
from activation.errors import ConfigError, Rejected, Retryable
from botocore.exceptions import ClientError, ParamValidationError

from lambdas.ci360 import fetching, rows
from lambdas.ci360.checksums import encoded
from lambdas.ci360.occurrences import State
from lambdas.ci360.redaction import RedactingFormatter
from lambdas.ci360.rows import MAX_RECORD_BYTES
from lambdas.ci360.storage import UploadGone, Whole
from lambdas.ci360.transferring import MAX_IDLE, MAX_RESTARTS
from tests.unit.ci360.world import BUCKET, MotoStorage, World

HEADER = b"identity_id,email,city\n"
SMALL = 'id-1,anna@example.com,"Z\u00fcrich, ""City"""\nid-2,ben@example.com,Bern\n'


class Killed(BaseException):
    """The process is gone."""


ROWS = 3000
PART_BYTES = 50_000


def large(count: int = ROWS) -> str:
    """Write a file of three parts, with a quoted line break now and then."""
    chance = random.Random(7)
    lines = []
    for number in range(count):
        city = '"Town\nof, N"' if chance.random() < 0.001 else "Town"
        lines.append(f"id-{number:07d},person{number}@example.com,{city}\n")
    return "".join(lines)


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Make a part a hundredth of what it is, so that files of several parts are quickly made."""
    if "as_large_as" not in request.node.name:
        monkeypatch.setattr(fetching, "PART_BYTES", PART_BYTES)
        monkeypatch.setattr(rows, "MAX_RECORD_BYTES", 2000)
        monkeypatch.setattr(moto.s3.models, "S3_UPLOAD_PART_MIN_SIZE", 1)


@pytest.fixture(scope="module")
def large_file() -> str:
    """Return the large file, made once."""
    return large()


def check_landed(world: World, key: str, data: bytes, count: int) -> None:
    """Check that there is one object, with its facts, and nothing beside it."""
    body, metadata = world.object(key)
    assert body == HEADER + data
    record = world.record(key)
    assert metadata == {"columns": "3", "occurrence": record.occurrence_id, "source": "ci360"}
    assert (record.state, record.rows, record.written_bytes) == (State.LANDED, count, len(body))
    head = world.s3.head_object(Bucket=BUCKET, Key=key, ChecksumMode="ENABLED")
    assert record.crc32 == zlib.crc32(body)
    assert head["ChecksumCRC32"] == encoded(record.crc32)
    assert (record.data_link, record.metadata_link) == ("", "")
    assert world.keys() == [key]
    assert world.uploads() == []
    assert world.messages(world.dead_letters) == []


def check_failed(world: World, key: str, code: str) -> None:
    """Check that nothing is left, that the reason is, and that it was told."""
    record = world.record(key)
    assert (record.state, record.code) == (State.FAILED, code)
    assert (record.data_link, record.metadata_link) == ("", "")
    assert world.keys() == []
    assert world.uploads() == []
    (letter,) = world.messages(world.dead_letters)
    assert letter["MessageAttributes"]["code"]["StringValue"] == code
    (detail,) = world.events.details("Landing Failed")
    assert detail["reason"]["code"] == code
    assert detail["key"] == key


@pytest.mark.parametrize("metadata", ["json", "csv"])
def test_a_small_file_lands_with_its_header(world: World, metadata: str) -> None:
    """Either form of metadata gives the header; rows and digest are the object's metadata."""
    key = world.accept(SMALL, metadata=metadata)
    assert world.advance(key) is State.LANDED
    check_landed(world, key, SMALL.encode(), 2)
    (detail,) = world.events.details("Landing Completed")
    assert (detail["rows"], detail["key"]) == (2, key)


def test_a_large_file_lands_in_parts(world: World, large_file: str) -> None:
    """Parts end where records do, and the object is the file."""
    key = world.accept(large_file)
    assert world.advance(key) is State.LANDED
    check_landed(world, key, large_file.encode(), ROWS)
    assert world.record(key).part == 4


def test_a_drop_s_key_makes_a_drop(world: World) -> None:
    """A task whose file name is a drop's key fills that connector's prefix."""
    key = world.accept(SMALL, s3_filename="meta/VIP customers/raw/people.csv", occurrence_id="run-1")
    assert key == "meta/VIP customers/raw/people_run-1.csv"
    assert world.advance(key) is State.LANDED
    check_landed(world, key, SMALL.encode(), 2)


def test_a_landing_may_go_without_header(world: World) -> None:
    """The settings can keep the reference's output, without names; a drop has them all the same."""
    bare = replace(world.settings, landing_header=False)
    key = world.accept(SMALL)
    assert world.advance(key, world.transfers(settings=bare)) is State.LANDED
    assert world.object(key)[0] == SMALL.encode()
    drop = world.accept(SMALL, s3_filename="meta/VIP/raw/people.csv")
    assert world.advance(drop, world.transfers(settings=bare)) is State.LANDED
    assert world.object(drop)[0] == HEADER + SMALL.encode()


def test_a_mark_goes_and_line_ends_stay(world: World) -> None:
    """A byte order mark would stand in the middle behind the header; the header's line end is the data's."""
    key = world.accept("\ufeffid-1,a@example.com,X\r\n")
    assert world.advance(key) is State.LANDED
    assert world.object(key)[0] == b"identity_id,email,city\r\nid-1,a@example.com,X\r\n"


def test_an_empty_audience_is_a_header(world: World) -> None:
    """Nobody was selected: the file is there, with no row, and says so."""
    key = world.accept("")
    assert world.advance(key) is State.LANDED
    check_landed(world, key, b"", 0)


def test_cells_are_not_rewritten(world: World) -> None:
    """What a spreadsheet would take for a formula is somebody's data."""
    data = "id-1,=cmd|'/c calc'!A1,X\n"
    key = world.accept(data)
    assert world.advance(key) is State.LANDED
    check_landed(world, key, data.encode(), 1)


@pytest.mark.parametrize(
    ("task", "code"),
    [
        ({"data": "id-1,M\n"}, "column_count"),
        ({"data": SMALL + "id-3,c@example.com\n"}, "column_count"),
        ({"data": 'id-1,"a@example.com,X\n'}, "broken_csv"),
        ({"data": SMALL, "metadata": '{"columnName":"identity_id"}'}, "metadata_not_array"),
        ({"data": SMALL, "metadata": '[{"columnName":"a"},{"columnName":"b"},{"columnName":"a"}]'},
         "metadata_duplicate_column"),
    ],
)  # fmt: skip
def test_a_bad_file_ends_with_its_reason(world: World, task: dict[str, Any], code: str) -> None:
    """Nothing of it is visible, the record has the code, the message is among the dead letters."""
    key = world.accept(**task)
    assert world.advance(key) is State.FAILED
    check_failed(world, key, code)


def test_a_bad_row_far_down_leaves_nothing(world: World, large_file: str) -> None:
    """Parts that were uploaded already are removed when the last row does not fit."""
    key = world.accept(large_file + "one,two\n")
    assert world.advance(key) is State.FAILED
    check_failed(world, key, "column_count")
    assert f"row {ROWS + 1} " in world.record(key).sentence


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"redirect_to": "http://127.0.0.1:9001/"}, "redirect"),
        ({"no_length": True}, "no_length"),
        ({"encoding": "gzip"}, "encoded"),
    ],
)
def test_a_bad_answer_ends_it(world: World, settings: dict[str, Any], code: str) -> None:
    """A server's misbehaviour has a status of its own."""
    key = world.accept(SMALL)
    world.outside.configure(**settings)
    assert world.advance(key) is State.FAILED
    check_failed(world, key, code)


def test_an_expired_link_ends_it(world: World) -> None:
    """There is nothing to wait for; CI360 has to run the task again."""
    key = world.accept(SMALL)
    world.outside.advance(2 * 3600)
    assert world.advance(key) is State.FAILED
    check_failed(world, key, "link_expired")
    assert world.advance(key) is State.FAILED
    assert len(world.events.entries) == 1


def test_a_file_above_the_cap_ends_it(world: World) -> None:
    """The cap is checked before anything is stored."""
    key = world.accept(SMALL)
    small_cap = world.transfers(settings=replace(world.settings, max_file_bytes=10))
    assert world.advance(key, small_cap) is State.FAILED
    check_failed(world, key, "too_large")


def test_a_busy_server_is_asked_again_later(world: World) -> None:
    """The message comes again after a while, the lease is free, and then it lands."""
    key = world.accept(SMALL)
    world.messages(world.queue)
    world.outside.fail({"route": "data.csv", "status": 503, "headers": {"Retry-After": "2"}})
    assert world.advance(key) is State.FETCHING
    assert world.record(key).code == "source_busy"
    assert world.advance(key) is State.LANDED
    assert world.record(key).code == ""
    check_landed(world, key, SMALL.encode(), 2)


def test_cut_connections_are_taken_up_where_they_broke(world: World, large_file: str) -> None:
    """Reading goes on at the last part's end by range, and no byte is there twice."""
    world.outside.configure(
        cut_after_bytes=PART_BYTES + 10_000, cuts=3
    )  # the first of them is the metadata's answer
    key = world.accept(large_file)
    transfers = world.transfers()
    assert world.advance(key, transfers) is State.LANDED
    check_landed(world, key, large_file.encode(), ROWS)
    ranges = [one["note"].get("range") for one in world.outside.requests("data.csv")]
    assert len(ranges) == 3
    assert ranges[0] is None
    assert all(ranges[1:])


def test_a_long_file_takes_many_invocations(
    world: World, large_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each stops in time, records where it is, gives up its lease and sends the message that goes on."""
    monkeypatch.setattr(fetching, "READ_BYTES", PART_BYTES // 6)
    key = world.accept(large_file)
    world.messages(world.queue)
    states: list[State | None] = []
    places: list[int] = []
    for _ in range(10):
        reads = iter([300.0] * 8)
        states.append(world.advance(key, time_left_s=partial(next, reads, 0.0)))
        places.append(world.record(key).offset)
        if states[-1] is State.LANDED:
            break
    assert states[-1] is State.LANDED
    assert len(states) > 2
    assert places == sorted(places)
    check_landed(world, key, large_file.encode(), ROWS)


def test_a_file_that_does_not_move_is_given_up(world: World) -> None:
    """Whole invocations without one part are no transfer."""
    key = world.accept(SMALL)
    for turn in range(MAX_IDLE):
        state = world.advance(key, time_left_s=lambda: 0.0)
        assert state is (State.FETCHING if turn < MAX_IDLE - 1 else State.FAILED)
    check_failed(world, key, "too_slow")


def test_a_file_that_cannot_be_had_is_given_up_at_its_deadline(world: World) -> None:
    """However often it may be tried: after the deadline it is over, and somebody is told."""
    key = world.accept(SMALL)
    world.outside.fail({"route": "data.csv", "status": 503, "times": None})
    assert world.advance(key) is State.FETCHING
    world.clock.now += world.settings.deadline_s + 1
    assert world.advance(key) is State.FAILED
    check_failed(world, key, "deadline")


class KillingStorage(MotoStorage):
    """A storage whose process is killed at its n-th effect, before or after that has taken place."""

    at = 0
    after = False
    count = 0
    lock = Lock()

    def _ask(self, operation: Callable[..., Any], **arguments: Any) -> Any:
        if operation.__name__ in {"head_object", "list_parts"}:
            return super()._ask(operation, **arguments)
        with self.lock:
            type(self).count += 1
            number = type(self).count
        if number == self.at and not self.after:
            raise Killed
        answer = super()._ask(operation, **arguments)
        if number == self.at:
            raise Killed
        return answer


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, 6))
def test_a_killed_worker_leaves_one_whole_object(world: World, large_file: str, at: int, after: bool) -> None:
    """Killed before or after any call to S3, by whatever number: the next worker ends with the same object."""
    KillingStorage.at, KillingStorage.after, KillingStorage.count = at, after, 0
    key = world.accept(large_file)
    with pytest.raises((Killed, ClientError)):
        world.advance(key, world.transfers(storage=KillingStorage(world.s3, BUCKET)))
    with pytest.raises(LeaseHeld):
        world.advance(key)
    world.clock.now += 61
    assert world.advance(key) is State.LANDED
    abandoned = world.uploads()
    assert len(abandoned) <= 1  # begun, and killed before it was written down: the bucket's lifecycle rule ends it
    for upload in world.s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []):
        world.s3.abort_multipart_upload(Bucket=BUCKET, Key=upload["Key"], UploadId=upload["UploadId"])
    check_landed(world, key, large_file.encode(), ROWS)


def test_a_worker_that_lost_its_lease_records_nothing(world: World, large_file: str) -> None:
    """Two workers do not write into each other: the older one stops at its next record."""
    key = world.accept(large_file)
    first = world.transfers()
    others: list[int] = []

    class Slow(MotoStorage):
        def put_part(self, *arguments: Any) -> None:
            if not others:
                others.append(1)
                world.clock.now += 61
                assert world.advance(key) is State.LANDED
            super().put_part(*arguments)

    with pytest.raises((LeaseLost, Retryable)):
        world.advance(key, replace(first, storage=Slow(world.s3, BUCKET)))
    check_landed(world, key, large_file.encode(), ROWS)


@pytest.mark.parametrize("error", [Rejected("bad", "a reason to end the file"), UploadGone()])
def test_a_worker_that_lost_its_lease_ends_no_upload(world: World, large_file: str, error: Exception) -> None:
    """The next worker goes on with the upload, whatever reason the older one had to end it."""
    key = world.accept(large_file)

    class Slow(MotoStorage):
        def put_part(self, *arguments: Any) -> None:
            super().put_part(*arguments)
            world.clock.now += 61
            world.occurrences.claim(key)
            raise error

    with pytest.raises(LeaseLost):
        world.advance(key, replace(world.transfers(), storage=Slow(world.s3, BUCKET)))
    assert len(world.uploads()) == 1
    assert world.events.entries == []


def test_two_workers_at_once_are_one(world: World) -> None:
    """Who comes second is told to come back."""
    key = world.accept(SMALL)
    world.occurrences.claim(key)
    with pytest.raises(LeaseHeld) as held:
        world.advance(key)
    assert 0 < held.value.for_s <= 60


def test_a_message_too_many_changes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second message of a file that has landed meanwhile finds it so, even when it read the record before."""
    key = world.accept(SMALL)
    stale = world.record(key)
    assert world.advance(key) is State.LANDED
    landed = world.record(key)
    with monkeypatch.context() as late:
        late.setattr(world.occurrences, "read", lambda _: stale)
        assert world.advance(key) is State.LANDED
    assert world.record(key) == landed
    check_landed(world, key, SMALL.encode(), 2)


def test_a_key_that_somebody_else_used_is_not_overwritten(world: World) -> None:
    """Whatever is under the key stays; the file fails with a reason."""
    key = world.accept(SMALL)
    world.s3.put_object(Bucket=BUCKET, Key=key, Body=b"older")
    assert world.advance(key) is State.FAILED
    assert world.record(key).code == "key_taken"
    assert world.object(key)[0] == b"older"


def test_an_upload_that_is_gone_begins_again(world: World, large_file: str) -> None:
    """The lifecycle rule may end an upload that waited too long: from the beginning, to the same end."""
    key = world.accept(large_file)
    reads = iter([300.0])
    assert world.advance(key, time_left_s=lambda: next(reads, 0.0)) is State.FETCHING
    record = world.record(key)
    assert record.offset
    world.storage.abandon(key, record.upload_id)
    assert world.advance(key) is State.FETCHING
    assert world.record(key).offset == 0
    assert world.advance(key) is State.LANDED
    check_landed(world, key, large_file.encode(), ROWS)


def test_an_upload_that_is_lost_every_time_is_given_up(world: World, large_file: str) -> None:
    """What takes it away again and again is nothing to wait for until the deadline."""

    class Losing(MotoStorage):
        def complete(self, key: str, upload_id: str, parts: int, whole: Whole) -> str:
            world.storage.abandon(key, upload_id)
            return super().complete(key, upload_id, parts, whole)

    key = world.accept(large_file)
    worker = world.transfers(storage=Losing(world.s3, BUCKET))
    for _ in range(MAX_RESTARTS):
        assert world.advance(key, worker) is State.FETCHING
    assert world.advance(key, worker) is State.FAILED
    check_failed(world, key, "upload_lost")


def test_parts_that_are_not_what_was_sent_make_no_object(world: World, large_file: str) -> None:
    """S3 compares the whole's checksum before anything appears; the parts go, and the file is fetched anew."""
    key = world.accept(large_file)

    class Damaging(MotoStorage):
        def put_part(self, key: str, upload_id: str, number: int, *arguments: Any) -> None:
            super().put_part(key, upload_id, number, *arguments)
            self.parts[upload_id, number] = self.parts[upload_id, number][::-1]

    assert world.advance(key, world.transfers(storage=Damaging(world.s3, BUCKET))) is State.FETCHING
    assert (world.keys(), world.uploads(), world.record(key).offset) == ([], [], 0)
    assert world.advance(key) is State.LANDED
    check_landed(world, key, large_file.encode(), ROWS)


def test_what_took_the_key_meanwhile_is_not_overwritten(world: World, large_file: str) -> None:
    """The condition is checked when the object would appear, however long its parts have been there."""
    key = world.accept(large_file)

    class Overtaken(MotoStorage):
        def complete(self, key: str, upload_id: str, parts: int, whole: Whole) -> str:
            self.s3.put_object(Bucket=BUCKET, Key=key, Body=b"newer")
            return super().complete(key, upload_id, parts, whole)

    assert world.advance(key, world.transfers(storage=Overtaken(world.s3, BUCKET))) is State.FAILED
    assert world.record(key).code == "key_taken"
    assert world.object(key)[0] == b"newer"
    assert world.uploads() == []


def test_the_end_of_an_upload_that_meets_another_is_tried_again(
    world: World, large_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its parts stay where they are, and the file is not fetched a second time."""

    def conflict(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "ConditionalRequestConflict"}}, "CompleteMultipartUpload")

    key = world.accept(large_file)
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(world.s3, "complete_multipart_upload", conflict)
        assert world.advance(key) is State.FETCHING
    assert world.record(key).uploaded
    assert world.advance(key) is State.LANDED
    check_landed(world, key, large_file.encode(), ROWS)
    assert len(world.outside.requests("data.csv")) == 1


def test_an_object_that_appeared_before_the_deadline_has_landed(world: World, large_file: str) -> None:
    """Its worker was killed before it could write that down; a late message finds it done."""
    KillingStorage.at, KillingStorage.after, KillingStorage.count = 5, True, 0
    key = world.accept(large_file)
    with pytest.raises(Killed):
        world.advance(key, world.transfers(storage=KillingStorage(world.s3, BUCKET)))
    assert world.keys() == [key]
    world.clock.now += world.settings.deadline_s + 1
    assert world.advance(key) is State.LANDED
    check_landed(world, key, large_file.encode(), ROWS)


@pytest.mark.parametrize("refusal", ["an SDK that lacks a parameter", "InvalidRequest", "NotImplemented"])
def test_a_call_that_can_never_succeed_is_not_repeated_for_hours(
    world: World, large_file: str, monkeypatch: pytest.MonkeyPatch, refusal: str
) -> None:
    """No continuation is sent; the message comes back a few times and is a dead letter, as for permissions."""

    def refused(**_: Any) -> None:
        if " " in refusal:
            raise ParamValidationError(report='Unknown parameter in input: "ChecksumType"')
        raise ClientError({"Error": {"Code": refusal}}, "CreateMultipartUpload")

    key = world.accept(large_file)
    world.messages(world.queue)
    with monkeypatch.context() as older:
        older.setattr(world.s3, "create_multipart_upload", refused)
        with pytest.raises(ConfigError):
            world.advance(key)
    assert world.messages(world.queue) == []
    world.clock.now += 61
    assert world.advance(key) is State.LANDED


def test_a_message_nobody_sent_goes_to_the_dead_letters(world: World) -> None:
    """Without a key, or with one that no record has, there is nothing to do and something to look at."""
    for body in ("", "{}", '{"ci360": 5}', '{"ci360": "meta/x"}', "[]"):
        assert world.transfers().advance(body, time_left_s=lambda: 300.0) is None
        (letter,) = world.messages(world.dead_letters)
        assert letter["MessageAttributes"]["code"]["StringValue"] == "not_understood"
        world.sqs.delete_message(QueueUrl=world.dead_letters, ReceiptHandle=letter["ReceiptHandle"])


def test_a_closed_bucket_keeps_the_message(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a person has to put right is no fault of the file: it stays, and goes on after a redrive."""

    def denied(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied"}}, "PutObject")

    key = world.accept(SMALL)
    with monkeypatch.context() as closed:
        closed.setattr(world.s3, "put_object", denied)
        with pytest.raises(ConfigError):
            world.advance(key)
    assert world.record(key).state is State.FETCHING
    world.clock.now += 61
    assert world.advance(key) is State.LANDED


def test_no_link_and_no_cell_is_told_or_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Events, dead letters, records of final files and logs hold neither."""
    caplog.set_level("DEBUG", logger="ci360")
    for data in (SMALL, SMALL + "id-3,carla@example.com\n"):
        world.advance(world.accept(data))
    lines = [RedactingFormatter().format(record) for record in caplog.records]
    assert len(lines) == 2
    emitted = json.dumps(world.events.entries) + str(world.messages(world.dead_letters)) + "\n".join(lines)
    items = world.occurrences._table._client.scan(TableName="occurrences")["Items"]
    for text in (emitted, json.dumps(items)):
        assert "X-Amz" not in text
        assert "@example.com" not in text


def test_a_part_is_as_large_as_s3_asks() -> None:
    """What the longest record leaves of a block is a part S3 takes."""
    assert fetching.PART_BYTES - MAX_RECORD_BYTES >= 5 * 1024**2
