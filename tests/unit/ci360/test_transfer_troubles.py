"""Transfers whose workers die or meet, and uploads that are lost: one whole object, or none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from threading import Lock
from typing import Any

import pytest
from activation.aws.lease import LeaseHeld, LeaseLost
from activation.errors import ConfigError, Rejected, Retryable
from botocore.exceptions import ClientError, ParamValidationError

from lambdas.ci360.occurrences import State
from lambdas.ci360.storage import UploadGone, Whole
from lambdas.ci360.transferring import MAX_RESTARTS
from tests.unit.ci360.landed import ROWS, SMALL, check_failed, check_landed
from tests.unit.ci360.world import BUCKET, MotoStorage, World


class Killed(BaseException):
    """The process is gone."""


pytestmark = pytest.mark.usefixtures("small_parts")


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
    in_turn = Lock()  # parts are uploaded side by side, and each claims after the lease of the one before

    class Slow(MotoStorage):
        def put_part(self, *arguments: Any) -> None:
            super().put_part(*arguments)
            with in_turn:
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
