"""The bytes of a drop: an S3 object version, a local file, or bytes already in memory."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from activation.aws.errors import ErrorKind, classify, code_of, kind_of
from activation.drops.chunk import ByteSource
from activation.drops.codes import refused
from activation.errors import ActivationError, ConfigError, Retryable
from activation.model import NO_VERSION

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# A body is read on after this many interruptions in a row that brought nothing.
_TRIES = 5
_BODY_PIECE_BYTES = 256 * 1024
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, read 2026-11-22. HEAD answers have no
# body, so that their status stands in for the code. 405 is what the version of a delete marker answers.
_GONE = {"NoSuchKey", "NoSuchVersion", "404", "MethodNotAllowed", "405"}
_CHANGED = {"PreconditionFailed", "412"}
_NO_RANGE = {"InvalidRange", "416"}
_RANGE = re.compile(r"bytes (?P<first>\d+)-(?P<last>\d+)/(?P<size>\d+)")


def stream(source: ByteSource, offset: int, piece_bytes: int) -> Iterator[bytes]:
    """Read from `offset` to the end in pieces, each a request of its own; one is fetched ahead.

    No connection stays open while a platform makes the reader wait, a piece that fails is read again alone, and
    the next piece is on its way while this one is being worked on.
    """
    if source.size_bytes - offset <= piece_bytes:
        if offset < source.size_bytes:
            yield source.read(offset, source.size_bytes - offset)
        return
    first, *offsets = range(offset, source.size_bytes, piece_bytes)
    ahead = ThreadPoolExecutor(1, "read-ahead")
    try:
        coming = ahead.submit(source.read, first, piece_bytes)
        for at in offsets:
            piece = coming.result()
            coming = ahead.submit(source.read, at, min(piece_bytes, source.size_bytes - at))
            yield piece
        yield coming.result()
    finally:
        ahead.shutdown(wait=False, cancel_futures=True)


@dataclass(frozen=True)
class BytesSource:
    """Bytes already in memory."""

    data: bytes = field(repr=False)  # a drop's text must not get into a log by way of an error
    size_bytes: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "size_bytes", len(self.data))

    def read(self, offset: int, length: int) -> bytes:
        """Return `length` bytes from `offset`, fewer at the end."""
        return self.data[offset : offset + length]


@dataclass(frozen=True)
class FileSource:
    """A local file, for the command line; its size is taken once."""

    path: Path
    size_bytes: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "size_bytes", self.path.stat().st_size)

    def read(self, offset: int, length: int) -> bytes:
        """Return `length` bytes from `offset`, fewer at the end; raises Rejected when the file has shrunk."""
        with self.path.open("rb") as file:
            file.seek(offset)
            piece = file.read(length)
        if len(piece) < min(length, self.size_bytes - offset):
            raise refused("object_changed")
        return piece


@dataclass(frozen=True)
class S3Source:
    """One version of an object in S3, read by range; every read names the version and checks what came.

    An object without a version is read on condition of its ETag instead, so that bytes that replaced it are never
    taken for it. `first` are the object's first bytes, where they were read when it was opened: they are not asked
    for again.
    """

    client: S3Client
    bucket: str
    key: str
    version_id: str
    size_bytes: int
    etag: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    sleep: Callable[[float], None] = time.sleep
    first: bytes = field(default=b"", repr=False)

    @classmethod
    def of(cls, client: S3Client, bucket: str, key: str, version_id: str, etag: str = "") -> S3Source:
        """Ask S3 for the version's size; raises Rejected, ConfigError or Retryable as `read` does.

        `etag` names the bytes where there is no version; it may stand in quotes.
        """
        try:
            head = client.head_object(Bucket=bucket, Key=key, **choice(version_id, etag))
        except (ClientError, BotoCoreError) as error:
            raise head_error(client, bucket, key, error) from error
        metadata = head.get("Metadata", {})
        return cls(client, bucket, key, version_id, head["ContentLength"], head["ETag"], metadata)

    @classmethod
    def opened(
        cls, client: S3Client, bucket: str, key: str, version_id: str, etag: str = "", *, first_bytes: int
    ) -> S3Source:
        """Read the version's first bytes, and learn its size from the same answer; raises as `of` does.

        A body that breaks off leaves what came of it: the rest is read when it is asked for.
        """
        chosen = choice(version_id, etag)
        try:
            answer = client.get_object(Bucket=bucket, Key=key, Range=f"bytes=0-{first_bytes - 1}", **chosen)
        except (ClientError, BotoCoreError) as error:
            if code_of(error) in _NO_RANGE:  # it is empty
                return cls.of(client, bucket, key, version_id, etag)
            raise head_error(client, bucket, key, error) from error
        with closing(answer["Body"]) as body:
            found = _RANGE.fullmatch(answer.get("ContentRange", ""))
            size_bytes = int(found["size"]) if found else -1
            wanted = min(first_bytes, size_bytes)
            if found is None or (int(found["first"]), int(found["last"])) != (0, wanted - 1):
                raise _range_ignored()
            got = bytearray()
            with suppress(BotoCoreError):
                while piece := body.read(_BODY_PIECE_BYTES):
                    got += piece
        if len(got) > wanted:
            raise refused("object_changed")
        return cls(
            client,
            bucket,
            key,
            version_id,
            size_bytes,
            answer["ETag"],
            answer.get("Metadata", {}),
            first=bytes(got),
        )

    def read(self, offset: int, length: int) -> bytes:
        """Return `length` bytes from `offset`, fewer at the end; an interrupted answer is read on where it broke.

        Raises Rejected with object_gone or object_changed, ConfigError where S3 denies the read, Retryable
        when S3 is busy beyond the SDK's own retries or the connection breaks again and again.
        """
        length = min(length, self.size_bytes - offset)
        if offset + length <= len(self.first):
            return self.first[offset : offset + length]
        got = bytearray(self.first[offset : offset + length])
        tries = 0
        while len(got) < length:
            before = len(got)
            try:
                self._read_on(offset, length, got)
            except ClientError as error:
                raise read_error(error) from error
            except BotoCoreError as error:
                if kind_of(error) is not ErrorKind.BUSY:
                    raise read_error(error) from error
                tries = tries + 1 if len(got) == before else 1
                if tries >= _TRIES:
                    raise Retryable(
                        "storage_interrupted", "The connection to S3 broke repeatedly while the drop was read."
                    ) from error
                self.sleep(0.1 * 2**tries)
        return bytes(got)

    def _read_on(self, offset: int, length: int, got: bytearray) -> None:
        """Append to `got` what is still missing of a range; what came before an interruption stays in it."""
        first, last = offset + len(got), offset + length - 1
        answer = self.client.get_object(
            Bucket=self.bucket,
            Key=self.key,
            Range=f"bytes={first}-{last}",
            **choice(self.version_id, self.etag),
        )
        # Not the body's own `with`: that gives the raw connection, whose errors are not the SDK's.
        with closing(answer["Body"]) as body:
            status = answer["ResponseMetadata"]["HTTPStatusCode"]
            # In a bucket without versions, the version "null" may be other bytes by now.
            if self.etag and answer.get("ETag", self.etag) != self.etag:
                raise refused("object_changed")
            if status != 206 or answer.get("ContentRange") != f"bytes {first}-{last}/{self.size_bytes}":
                # Trusting it would give other rows than were asked for, or the same rows again.
                raise _range_ignored()
            while piece := body.read(_BODY_PIECE_BYTES):
                got += piece
        if len(got) > length:
            raise refused("object_changed")


def _range_ignored() -> ConfigError:
    return ConfigError("range_ignored", "The storage did not answer with the range asked for.")


def choice(version_id: str, etag: str) -> dict[str, Any]:
    """Return what chooses an object's bytes: its version, else a condition on its ETag."""
    if version_id not in ("", NO_VERSION):
        return {"VersionId": version_id}
    bare = etag.strip('"')
    return {"IfMatch": f'"{bare}"'} if bare else {}


def head_error(client: S3Client, bucket: str, key: str, error: ClientError | BotoCoreError) -> ActivationError:
    """Return the error to raise for a failed HeadObject: as for any read, and object_gone where S3 denies it."""
    if kind_of(error) is ErrorKind.DENIED and _is_gone(client, bucket, key):
        return refused("object_gone")
    return read_error(error)


def _is_gone(client: S3Client, bucket: str, key: str) -> bool:
    """Return whether an object that S3 denies is not there at all.

    Of a deleted object S3 says 404 only to who may list the whole bucket, and otherwise 403
    (https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html, read 2026-11-29). Of a source, a function
    may list the prefix alone.
    """
    try:
        listed = client.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("Contents", [])
    except (ClientError, BotoCoreError):
        return False
    return not any(one.get("Key") == key for one in listed)


def read_error(error: ClientError | BotoCoreError) -> ActivationError:
    """Return the error to raise for a failed call to S3: the drop is gone or archived, or as for any AWS call."""
    code = code_of(error)
    if code in _CHANGED:
        return refused("object_changed")
    if code in _GONE:
        return refused("object_gone")
    if code == "InvalidObjectState":
        return refused("object_archived")
    return classify(error, code="storage")
