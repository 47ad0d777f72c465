"""Reading an object version by range: what is asked for, what is checked, and what each failure means."""

from __future__ import annotations

import gzip
import io
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import boto3
import pytest
from activation.drops.limits import ReadLimits
from activation.drops.open import open_drop
from activation.drops.source import BytesSource, FileSource, S3Source, stream
from activation.errors import ActivationError, ConfigError, Rejected, Retryable
from botocore.exceptions import ClientError, ConnectionClosedError, ParamValidationError, ReadTimeoutError
from botocore.response import StreamingBody
from moto import mock_aws
from mypy_boto3_s3 import S3Client
from urllib3.exceptions import ProtocolError

from tests.unit.drops.reading import read

DATA = bytes(range(256)) * 4_000


class Breaking(io.BytesIO):
    """A body whose connection breaks after some bytes."""

    def __init__(self, data: bytes, after: int | None) -> None:
        super().__init__(data)
        self.after = after

    def read(self, size: int | None = -1) -> bytes:
        """Read, or break."""
        if self.after is not None and self.tell() >= self.after:
            raise ProtocolError("Connection broken")
        left = -1 if self.after is None else self.after - self.tell()
        return super().read(size if left < 0 or size is None else min(size, left))


@dataclass
class FakeS3:
    """An S3 client whose next answers may break, lie or refuse."""

    data: bytes = DATA
    faults: list[Any] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)
    versions: set[str] = field(default_factory=set)

    def get_object(self, *, Bucket: str, Key: str, VersionId: str, Range: str) -> dict[str, Any]:
        """Answer with a range, or with what the test asks for."""
        self.ranges.append(Range)
        self.versions.add(VersionId)
        first, last = map(int, Range.removeprefix("bytes=").split("-"))
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, Exception):
            raise fault
        last = min(last, len(self.data) - 1)
        part = self.data[first : last + 1]
        answer = {
            "Body": StreamingBody(Breaking(part, fault if isinstance(fault, int) else None), len(part)),
            "ContentRange": f"bytes {first}-{last}/{len(self.data)}",
            "ETag": '"e"',
            "ResponseMetadata": {"HTTPStatusCode": 206},
        }
        return answer | (fault if isinstance(fault, dict) else {})


@dataclass(frozen=True)
class Forbidden:
    """What S3 answers a HEAD with that is not allowed."""

    status_code: int = 403


def source(fake: FakeS3) -> S3Source:
    """Read the fake's object, without waiting between tries."""
    return S3Source(cast(S3Client, fake), "b", "k", "v1", len(DATA), '"e"', sleep=lambda _: None)


def error(code: str, status: int) -> ClientError:
    """Build what boto3 raises for an error answer."""
    return ClientError(
        {"Error": {"Code": code, "Message": "secret words"}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item] # boto's own answers have more
        "GetObject",
    )


def test_a_range_of_the_version_is_read() -> None:
    """Offset and length become one ranged request for the version; the end bounds them."""
    fake = FakeS3()
    assert source(fake).read(5, 10) == DATA[5:15]
    assert source(fake).read(len(DATA) - 3, 10) == DATA[-3:]
    assert fake.ranges == ["bytes=5-14", f"bytes={len(DATA) - 3}-{len(DATA) - 1}"]
    assert fake.versions == {"v1"}


def test_an_interrupted_body_is_read_on_from_the_byte_reached() -> None:
    """A broken body costs one more request for what is missing, and no byte twice."""
    fake = FakeS3(faults=[300_000, 100])
    assert source(fake).read(0, len(DATA)) == DATA
    assert fake.ranges == ["bytes=0-1023999", "bytes=300000-1023999", "bytes=300100-1023999"]


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_a_drop_is_read_whole_through_a_storm_of_interruptions(compress: Callable[[bytes], bytes]) -> None:
    """Broken bodies and lost connections at any place cost requests, never a row."""
    data = compress(b"id,email\n" + b"".join(b"%d,a%d@example.com\n" % (row, row) for row in range(20_000)))
    lost = ConnectionClosedError(endpoint_url="http://s3")
    fake = FakeS3(data, faults=[5, lost, 1_000, 70, lost, 3, 40_000, lost, 0, 12] * 3)
    opened = open_drop(
        S3Source(cast(S3Client, fake), "b", "k", "v1", len(data), '"e"', sleep=lambda _: None),
        limits=ReadLimits(block_bytes=64 * 1024),
    )
    assert read(opened).rows == {row + 1: (str(row), f"a{row}@example.com") for row in range(20_000)}
    assert not fake.faults


def test_a_connection_that_cannot_be_made_is_tried_again() -> None:
    """Errors before the answer are interruptions too."""
    lost = [ConnectionClosedError(endpoint_url="http://s3"), ReadTimeoutError(endpoint_url="http://s3")]
    assert source(FakeS3(faults=[*lost])).read(0, 9) == DATA[:9]


def test_interruptions_without_progress_end_in_a_retry_later() -> None:
    """A connection that breaks again and again at the same byte is given back to the queue."""
    fake = FakeS3(faults=[0] * 50)
    with pytest.raises(Retryable, match="storage_interrupted"):
        source(fake).read(0, 100)
    assert len(fake.ranges) == 5


@pytest.mark.parametrize(
    ("fault", "raised", "code"),
    [
        (error("NoSuchKey", 404), Rejected, "object_gone"),
        (error("NoSuchVersion", 404), Rejected, "object_gone"),
        (error("MethodNotAllowed", 405), Rejected, "object_gone"),
        (error("InvalidObjectState", 403), Rejected, "object_archived"),
        (error("AccessDenied", 403), ConfigError, "storage_denied"),
        (error("KMS.DisabledException", 400), ConfigError, "storage_denied"),
        (error("NoSuchBucket", 404), ConfigError, "storage_missing"),
        (error("InvalidRequest", 400), ConfigError, "storage_request"),
        (ParamValidationError(report="secret"), ConfigError, "storage_request"),
        (error("SlowDown", 503), Retryable, "storage_busy"),
        (error("InternalError", 500), Retryable, "storage_busy"),
        (error("SomethingNew", 500), Retryable, "storage_busy"),
        ({"ResponseMetadata": {"HTTPStatusCode": 200}}, ConfigError, "range_ignored"),
        ({"ContentRange": "bytes 0-9/9999"}, ConfigError, "range_ignored"),
        ({"ContentRange": "bytes 0-9/9999", "ETag": '"other"'}, Rejected, "object_changed"),
    ],
)
def test_each_failure_says_what_happens_next(fault: Any, raised: type[ActivationError], code: str) -> None:
    """Gone is refused, denied stops, busy comes back later, and a wrong range is never taken for rows."""
    with pytest.raises(raised) as failure:
        source(FakeS3(faults=[fault])).read(0, 10)
    assert failure.value.code == code
    assert "secret" not in str(failure.value)


@pytest.fixture
def bucket() -> Iterator[S3Client]:
    """Return a client of a simulated S3 with a versioned bucket."""
    with mock_aws():
        client = boto3.client(
            "s3", region_name="eu-west-1", aws_access_key_id="test", aws_secret_access_key="test"
        )
        client.create_bucket(Bucket="drops", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        client.put_bucket_versioning(Bucket="drops", VersioningConfiguration={"Status": "Enabled"})
        yield client


@pytest.mark.parametrize("key", ["meta/VIP été 2026+a%20b/raw/p@x.csv", "k" * 1_000])
def test_the_version_announced_is_read_although_a_newer_one_exists(bucket: S3Client, key: str) -> None:
    """A drop is one version of a key, whatever letters the key is made of."""
    first = bucket.put_object(Bucket="drops", Key=key, Body=b"email\nold@example.com\n")
    bucket.put_object(Bucket="drops", Key=key, Body=b"email\nnew@example.com\n")
    found = S3Source.of(bucket, "drops", key, first["VersionId"])
    assert found.size_bytes == 22
    assert read(open_drop(found)).rows == {1: ("old@example.com",)}


def test_a_version_that_is_gone_is_refused(bucket: S3Client) -> None:
    """Lifecycle or a person may have removed it before its message is read."""
    put = bucket.put_object(Bucket="drops", Key="k", Body=b"x")
    bucket.delete_object(Bucket="drops", Key="k", VersionId=put["VersionId"])
    with pytest.raises(Rejected, match="object_gone"):
        S3Source.of(bucket, "drops", "k", put["VersionId"])
    with pytest.raises(Rejected, match="object_gone"):
        S3Source(bucket, "drops", "k", put["VersionId"], 1).read(0, 1)


def _opened(fake: FakeS3, first_bytes: int) -> S3Source:
    return S3Source.opened(cast(S3Client, fake), "b", "k", "v1", first_bytes=first_bytes)


def test_a_small_object_takes_one_request() -> None:
    """What was read when it was opened is not asked for again."""
    fake = FakeS3(b"email\nada@example.com\n")
    found = _opened(fake, 1_000)
    assert read(open_drop(found)).rows == {1: ("ada@example.com",)}
    assert fake.ranges == ["bytes=0-999"]


@pytest.mark.parametrize("broken_at", [None, 0, 700])
def test_the_rest_of_a_large_object_is_read_from_where_its_first_bytes_end(broken_at: int | None) -> None:
    """Each byte is asked for once, also where the first answer broke off."""
    fake = FakeS3(faults=[broken_at])
    found = _opened(fake, 1_000)
    assert found.size_bytes == len(DATA)
    assert found.read(10, 20) == DATA[10:30]
    assert found.read(0, 5_000) == DATA[:5_000]
    assert found.read(2_000, 10) == DATA[2_000:2_010]
    assert found.read(0, 1_000) == DATA[:1_000]
    begun = 1_000 if broken_at is None else broken_at
    assert fake.ranges[0] == "bytes=0-999"
    assert f"bytes={begun}-4999" in fake.ranges


@pytest.mark.parametrize("answer", [{"ContentRange": ""}, {"ContentRange": f"bytes 5-9/{len(DATA)}"}])
def test_first_bytes_that_were_not_asked_for_are_not_taken(answer: dict[str, str]) -> None:
    """A storage that answers with another range has no size to be trusted."""
    with pytest.raises(ConfigError, match="range_ignored"):
        _opened(FakeS3(faults=[answer]), 1_000)


@pytest.mark.parametrize("size_bytes", [0, 1, 5_000])
def test_an_object_is_opened_whatever_its_size(bucket: S3Client, size_bytes: int) -> None:
    """Of an empty one S3 gives no range."""
    put = bucket.put_object(Bucket="drops", Key="k", Body=DATA[:size_bytes], Metadata={"a": "b"})
    found = S3Source.opened(bucket, "drops", "k", put["VersionId"], first_bytes=1_000)
    assert (found.size_bytes, found.etag, found.metadata) == (size_bytes, put["ETag"], {"a": "b"})
    assert found.read(0, size_bytes) == DATA[:size_bytes]


def test_an_object_that_is_gone_cannot_be_opened(bucket: S3Client) -> None:
    """It is refused as for any read."""
    put = bucket.put_object(Bucket="drops", Key="k", Body=b"x")
    bucket.delete_object(Bucket="drops", Key="k", VersionId=put["VersionId"])
    with pytest.raises(Rejected, match="object_gone"):
        S3Source.opened(bucket, "drops", "k", put["VersionId"], first_bytes=10)


def test_a_file_is_read_by_range(tmp_path: Path) -> None:
    """A local file serves as a drop for the command line; one that shrinks is noticed."""
    path = tmp_path / "people.csv"
    path.write_bytes(DATA)
    local = FileSource(path)
    assert local.read(5, 10) == DATA[5:15]
    assert b"".join(stream(local, 7, 1_000)) == DATA[7:]
    path.write_bytes(b"short")
    with pytest.raises(Rejected, match="object_changed"):
        local.read(5, 10)


def test_a_stream_is_read_in_pieces() -> None:
    """Pieces are consecutive, of the size asked for, and end with the source."""
    assert [len(piece) for piece in stream(BytesSource(bytes(25)), 1, 10)] == [10, 10, 4]


def test_the_next_piece_is_fetched_while_one_is_worked_on() -> None:
    """Exactly one piece is under way ahead of the one given, and none behind the end."""
    asked: list[int] = []
    second_asked = threading.Event()

    class Watched(BytesSource):
        def read(self, offset: int, length: int) -> bytes:
            asked.append(offset)
            if len(asked) == 2:
                second_asked.set()
            return super().read(offset, length)

    pieces = stream(Watched(bytes(30)), 0, 10)
    next(pieces)
    assert second_asked.wait(5)
    assert asked == [0, 10]
    assert sum(map(len, pieces)) == 20
    assert asked == [0, 10, 20]


@mock_aws
@pytest.mark.parametrize(("key", "code"), [("there.csv", "storage_denied"), ("gone.csv", "object_gone")])
def test_a_deleted_object_is_told_from_a_forbidden_one(key: str, code: str) -> None:
    """S3 denies both to who may list a prefix alone, and its listing tells them apart."""
    client = boto3.client("s3", region_name="us-east-1")
    client.create_bucket(Bucket="exports")
    client.put_object(Bucket="exports", Key="there.csv", Body=b"x")
    client.put_object(Bucket="exports", Key="gone.csv.metadata", Body=b"x")
    answer: Any = (Forbidden(), {"Error": {"Code": "403"}})
    client.meta.events.register("before-call.s3.HeadObject", lambda **_: answer)
    with pytest.raises(ActivationError) as raised:
        S3Source.of(client, "exports", key, "v1")
    assert raised.value.code == code


@mock_aws
def test_without_a_version_an_object_is_read_on_condition_of_its_etag() -> None:
    """The bytes that were announced are read; those that replaced them are not, before or during the reading."""
    client = boto3.client("s3", region_name="us-east-1")
    client.create_bucket(Bucket="exports")
    etag = client.put_object(Bucket="exports", Key="k", Body=b"first")["ETag"]
    opened = S3Source.of(client, "exports", "k", "null", etag.strip('"'))
    assert opened.read(0, 5) == b"first"
    client.put_object(Bucket="exports", Key="k", Body=b"other")
    with pytest.raises(Rejected, match="not those of the version") as raised:
        opened.read(0, 5)
    assert raised.value.code == "object_changed"
    with pytest.raises(Rejected) as raised:
        S3Source.of(client, "exports", "k", "null", etag)
    assert raised.value.code == "object_changed"
