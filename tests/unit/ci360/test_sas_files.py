"""Files as SAS's own S3 connector writes them: the original bytes, the task's own name, its status and keys."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import moto.s3.models
import pytest
from activation.aws import sdk
from activation.aws.lease import LeaseHeld
from activation.errors import ConfigError, Retryable

from lambdas.ci360 import fetching, webhook
from lambdas.ci360.occurrences import State
from lambdas.ci360.storage import Whole
from lambdas.ci360.target import SasFiles
from lambdas.ci360.webhook import lambda_handler
from tests.unit.ci360.world import BUCKET, SAS_BUCKET, MotoStorage, World, event

BESIDE, INSTEAD = SasFiles.BESIDE, SasFiles.INSTEAD
NAME = "VIP Kunden S\u00fcd.csv"
# A mark, rows of different widths, and no line end at its end.
DATA = '\ufeff1,a@b.example,"X"\r\n2,c@d.example\r\n\r\nno comma at all'


def call(world: World, monkeypatch: pytest.MonkeyPatch, body: Mapping[str, Any], sas: SasFiles) -> dict[str, Any]:
    """Call the Lambda handler; returns its response."""
    monkeypatch.setattr(webhook, "_made", [world.webhook(sas)])
    return lambda_handler(event(body), None)


def queued(world: World) -> list[str]:
    """Take the queue's messages; returns the records they name."""
    return [json.loads(one["Body"])["ci360"] for one in world.messages(world.queue)]


def accept(world: World, data: str, sas: SasFiles = INSTEAD, **task: Any) -> str:
    """Let the webhook take a task on; returns the record of the file that lands as SAS's connector writes it."""
    world.webhook(sas).take_on(event(world.stage(data, **{"s3_filename": NAME, **task})), "request-1")
    (record,) = [one for one in queued(world) if one.startswith("/")]
    return record


def content(world: World, key: str = NAME) -> bytes:
    """Return an object of the bucket of SAS's files."""
    body: bytes = world.s3.get_object(Bucket=SAS_BUCKET, Key=key)["Body"].read()
    return body


def test_the_answer_is_that_of_sas_s_connector(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """200 with its status and keys and nothing else: above all no link to the file."""
    response = call(world, monkeypatch, world.stage(DATA, s3_filename=NAME), BESIDE)
    assert response["statusCode"] == 200
    assert json.loads(response["body"]) == {"status": "OK", "upload_filename": NAME, "bucket_name": SAS_BUCKET}


def test_a_file_lands_beside_our_own(world: World) -> None:
    """One call makes two files: the original bytes under the task's own name, and the one with its header."""
    data = "1,a@b.example,X\n"
    world.webhook(BESIDE).take_on(event(world.stage(data, s3_filename=NAME, occurrence_id="run-1")), "request-1")
    for record in queued(world):
        assert world.advance(record) is State.LANDED
    assert content(world) == data.encode()
    body, _ = world.object("ci360/VIP_Kunden_Sud_run-1.csv")
    assert body == b"identity_id,email,city\n" + data.encode()
    details = world.events.details("Landing Completed")
    assert {(one["bucket"], one["key"], one["rows"]) for one in details} == {
        (BUCKET, "ci360/VIP_Kunden_Sud_run-1.csv", 1),
        (SAS_BUCKET, NAME, None),
    }


def test_a_file_lands_instead_of_our_own(world: World) -> None:
    """The drops bucket has nothing of it."""
    assert world.advance(accept(world, DATA)) is State.LANDED
    assert content(world) == DATA.encode()
    assert world.keys() == []


def test_the_bytes_are_the_original_ones(world: World) -> None:
    """Neither mark nor line ends nor rows of other widths are touched, whatever the metadata file says."""
    assert world.advance(accept(world, DATA, metadata="[not columns")) is State.LANDED
    head = world.s3.head_object(Bucket=SAS_BUCKET, Key=NAME)
    assert content(world) == DATA.encode()
    assert head["ContentType"] == "binary/octet-stream"
    assert not world.outside.requests("metadata.json")


def test_a_large_file_lands_in_parts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts are cut anywhere, and the object is the file to the last byte."""
    monkeypatch.setattr(fetching, "PART_BYTES", 50_000)
    monkeypatch.setattr(moto.s3.models, "S3_UPLOAD_PART_MIN_SIZE", 1)
    data = DATA * 5_000
    record = accept(world, data)
    assert world.advance(record) is State.LANDED
    assert content(world) == data.encode()
    assert world.record(record).part > 3
    assert world.record(record).crc32 == zlib.crc32(data.encode())


def test_a_drop_is_a_drop_and_no_other_file(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name below a connector fills its audience, with the same form of answer and the drops bucket's name."""
    name = "meta/VIP customers/raw/people.csv"
    body = world.stage("1,a@b.example,X\n", s3_filename=name, occurrence_id="run-1")
    response = call(world, monkeypatch, body, INSTEAD)
    answer = {"status": "OK", "upload_filename": name, "bucket_name": BUCKET}
    assert (response["statusCode"], json.loads(response["body"])) == (200, answer)
    assert queued(world) == ["meta/VIP customers/raw/people_run-1.csv"]


@pytest.mark.parametrize("name", ["daily/audience.csv", " a b+c%.csv ", "\u9867\u5ba2.csv", ".hidden"])
def test_the_key_is_the_name(world: World, name: str) -> None:
    """Nothing is added, replaced or joined in."""
    assert world.advance(accept(world, "1,a@b.example,X\n", s3_filename=name)) is State.LANDED
    assert [one["Key"] for one in world.s3.list_objects_v2(Bucket=SAS_BUCKET)["Contents"]] == [name]


@pytest.mark.parametrize("name", ["../a.csv", "/a.csv", "a\\b.csv", "%2e%2e/a.csv", "a\nb.csv", "x" * 1025, " "])
def test_hostile_names_stay_refused(world: World, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The exact key is no way around the rules for names."""
    response = call(world, monkeypatch, world.stage("1,a@b.example,X\n", s3_filename=name), INSTEAD)
    assert response["statusCode"] == 400
    assert queued(world) == []


def test_a_repeated_call_writes_nothing_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """CI360 is told the same, and the file is not replaced by itself."""
    body = world.stage(DATA, s3_filename=NAME)
    first = call(world, monkeypatch, body, INSTEAD)
    (record,) = queued(world)
    assert world.advance(record) is State.LANDED
    assert call(world, monkeypatch, body, INSTEAD)["body"] == first["body"]
    assert queued(world) == []


def test_each_run_writes_the_file_anew(world: World) -> None:
    """As with SAS's connector the name has the latest run's audience, also where somebody else had written it."""
    world.s3.put_object(Bucket=SAS_BUCKET, Key=NAME, Body=b"by SAS's own connector")
    for number in range(2):
        world.clock.now += 60
        data = f"{number},a@b.example,X\n"
        assert world.advance(accept(world, data)) is State.LANDED
        assert content(world) == data.encode()


def test_an_older_run_never_replaces_a_later_one(world: World) -> None:
    """A slow file that is overtaken ends with a reason, and the later audience stays."""
    older = accept(world, "older,a@b.example,X\n")
    world.clock.now += 1
    assert world.advance(accept(world, "later,a@b.example,X\n")) is State.LANDED
    assert world.advance(older) is State.FAILED
    assert world.record(older).code == "superseded"
    assert content(world) == b"later,a@b.example,X\n"


def test_a_write_in_between_is_noticed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The object that was looked at is the one that is replaced; else it is looked at again."""
    world.s3.put_object(Bucket=SAS_BUCKET, Key=NAME, Body=b"before")
    record = accept(world, DATA)
    put = MotoStorage.put

    def late(self: MotoStorage, key: str, body: bytes | bytearray, whole: Whole) -> str:
        head = self.s3.head_object

        def looked(**arguments: Any) -> Any:
            found = head(**arguments)
            world.s3.put_object(Bucket=SAS_BUCKET, Key=NAME, Body=b"in between")
            return found

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(self.s3, "head_object", looked)
            return put(self, key, body, whole)

    with monkeypatch.context() as patched:
        patched.setattr(MotoStorage, "put", late)
        assert world.advance(record) is State.FETCHING
    assert content(world) == b"in between"
    assert world.advance(record) is State.LANDED
    assert content(world) == DATA.encode()


def test_a_worker_killed_after_its_write_is_no_failure(world: World) -> None:
    """The next one finds the object by checksum and metadata, and writes it no second time."""

    class Killed(BaseException):
        pass

    class Killing(MotoStorage):
        def put(self, key: str, body: bytes | bytearray, whole: Whole) -> str:
            super().put(key, body, whole)
            raise Killed

    record = accept(world, DATA)
    with pytest.raises(Killed):
        world.advance(record, world.transfers(sas_files=Killing(world.s3, SAS_BUCKET, overwrites=True)))
    written = world.s3.head_object(Bucket=SAS_BUCKET, Key=NAME)["LastModified"]
    with pytest.raises(LeaseHeld):
        world.advance(record)
    world.clock.now += 61
    assert world.advance(record) is State.LANDED
    assert world.s3.head_object(Bucket=SAS_BUCKET, Key=NAME)["LastModified"] == written


def test_a_failure_leaves_the_file_before_as_it_was(world: World) -> None:
    """Whoever reads the name goes on reading the run before, and the reason is told."""
    world.s3.put_object(Bucket=SAS_BUCKET, Key=NAME, Body=b"the run before")
    record = accept(world, DATA)
    world.outside.advance(2 * 3600)
    assert world.advance(record) is State.FAILED
    assert content(world) == b"the run before"
    (detail,) = world.events.details("Landing Failed")
    assert (detail["bucket"], detail["key"], detail["reason"]["code"]) == (SAS_BUCKET, NAME, "link_expired")


def test_the_files_of_one_call_fail_and_begin_anew_each_by_itself(world: World) -> None:
    """A row that does not fit ends our own landing only; new links restart what failed and nothing else."""
    body = dict(world.stage("1,a@b.example,X\nshort\n", s3_filename="a.csv", occurrence_id="run-1"))
    world.webhook(BESIDE).take_on(event(body), "request-1")
    states = {record: world.advance(record) for record in queued(world)}
    assert states == {"ci360/a_run-1.csv": State.FAILED, "/run-1/a.csv": State.LANDED}
    world.outside.advance(60)  # links of one second are the same
    fresh = world.stage("1,a@b.example,X\n", s3_filename="a.csv", occurrence_id="run-1")
    _, known = world.webhook(BESIDE).take_on(event({**body, "presignedUrls": fresh["presignedUrls"]}), "request-2")
    assert known == "anew, repeated"
    assert queued(world) == ["ci360/a_run-1.csv"]


def test_a_file_waits_for_the_settings_that_it_needs(world: World) -> None:
    """Taken out of the settings while one is on its way, its message fails into the dead letters."""
    record = accept(world, DATA)
    with pytest.raises(ConfigError) as error:
        world.advance(record, world.transfers(sas_files=None))
    assert error.value.code == "no_sas_files"
    assert world.advance(record) is State.LANDED


def test_the_conditions_are_known_to_the_check_of_the_sdk(world: World) -> None:
    """The arguments that no call spells out are those that the runtime's SDK is checked for at its start."""
    whole = Whole(1, 0, {"source": "ci360"})
    absent = world.sas_files._condition(NAME, whole)
    world.s3.put_object(Bucket=SAS_BUCKET, Key=NAME, Body=b"before")
    present = world.sas_files._condition(NAME, whole)
    assert (set(absent), set(present)) == ({"IfNoneMatch"}, {"IfMatch"})
    for operation in ("PutObject", "CompleteMultipartUpload"):
        assert {*absent, *present} <= sdk.NEEDED["s3"][operation]
    headers = world.storage._headers({})
    for operation in ("PutObject", "CreateMultipartUpload"):
        assert set(headers) <= sdk.NEEDED["s3"][operation]


def test_an_object_deleted_in_between_is_written_again(world: World) -> None:
    """If-Match finds nothing to match; the next turn looks again and finds the key free."""

    class Deleting(MotoStorage):
        def _condition(self, key: str, whole: Whole) -> dict[str, str]:
            found = super()._condition(key, whole)
            self.s3.delete_object(Bucket=self.bucket, Key=key)
            return found

    world.s3.put_object(Bucket=SAS_BUCKET, Key=NAME, Body=b"before")
    storage, body = Deleting(world.s3, SAS_BUCKET, overwrites=True), DATA.encode()
    with pytest.raises(Retryable):
        storage.put(NAME, body, Whole(len(body), zlib.crc32(body), {"source": "ci360"}))
    record = accept(world, DATA)
    assert world.advance(record) is State.LANDED
    assert content(world) == body


def test_an_early_record_is_a_file_of_the_drops_bucket(world: World) -> None:
    """A record without the field, as earlier releases wrote it, keeps its meaning."""
    key = world.accept("1,a@b.example,X\n")
    record = world.record(key)
    assert (record.sas_key, record.object_key) == ("", key)
    assert replace(record, sas_key=NAME).object_key == NAME
