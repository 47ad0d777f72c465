"""Where the pieces of snapshots and deltas are kept: in S3, or in a local folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryFile
from typing import IO, TYPE_CHECKING, Protocol

import pyarrow as pa
from botocore.exceptions import BotoCoreError, ClientError

from activation.aws.errors import classify
from activation.drops.parquet_file import RangedFile
from activation.drops.source import S3Source
from activation.errors import Rejected
from activation.mirror.lost import state_lost

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

_DELETED_AT_ONCE = 1_000  # https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html, read 2026-11-30
# A smaller object is one request; of the pieces of millions of lines, many are open at a time and all are larger.
_WHOLE_BYTES = 1024 * 1024
_LOST = frozenset({"object_gone", "object_changed"})
_GONE = "an object of an audience's state is gone"


class Pieces(Protocol):
    """Immutable objects by name; a name has "/" between its parts and is written once.

    Every call raises Retryable where the storage is busy, and ConfigError where it denies the call.
    """

    def write(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Return a file to write an object with: it is there once the `with` block ends without an error."""
        ...

    def open(self, name: str) -> pa.NativeFile:
        """Open an object for reading at any place; raises Rejected with state_lost where it is not there."""
        ...

    def delete(self, names: Iterable[str]) -> None:
        """Delete objects; one that is not there is no error."""
        ...

    def names(self, prefix: str) -> Iterator[str]:
        """Yield the names that begin with a prefix, in order."""
        ...


@dataclass(frozen=True)
class S3Pieces:
    """Objects below `prefix` ("" or ending with "/") of a bucket, encrypted as the bucket says."""

    client: S3Client
    bucket: str
    prefix: str = ""

    @contextmanager
    def write(self, name: str) -> Iterator[IO[bytes]]:
        """Return a local file that is uploaded when the block ends without an error."""
        from boto3.s3.transfer import TransferConfig  # noqa: PLC0415  for a process that only reads

        with TemporaryFile() as file:
            yield file
            file.seek(0)
            try:
                self.client.upload_fileobj(
                    file, self.bucket, self.prefix + name, Config=TransferConfig(use_threads=False)
                )
            except (ClientError, BotoCoreError) as error:
                raise classify(error, code="storage") from error

    def open(self, name: str) -> pa.NativeFile:
        """Open an object; its bytes are read by range, a small one's at once, on condition of its ETag."""
        try:
            source = S3Source.of(self.client, self.bucket, self.prefix + name, "")
        except Rejected as error:
            raise _lost(error) from None
        return pa.PythonFile(RangedFile(_Source(source), whole_bytes=_WHOLE_BYTES), mode="r")

    def delete(self, names: Iterable[str]) -> None:
        """Delete objects, a thousand with each call."""
        left = iter(names)
        try:
            while some := [*islice(left, _DELETED_AT_ONCE)]:
                keys: list[ObjectIdentifierTypeDef] = [{"Key": self.prefix + name} for name in some]
                self.client.delete_objects(Bucket=self.bucket, Delete={"Objects": keys, "Quiet": True})
        except (ClientError, BotoCoreError) as error:
            raise classify(error, code="storage") from error

    def names(self, prefix: str) -> Iterator[str]:
        """Yield the names that begin with a prefix."""
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=self.prefix + prefix
        )
        try:
            for page in pages:
                yield from (one["Key"].removeprefix(self.prefix) for one in page.get("Contents", []))
        except (ClientError, BotoCoreError) as error:
            raise classify(error, code="storage") from error


@dataclass(frozen=True)
class _Source:
    """An object whose loss is a lost state, and not a lost drop."""

    source: S3Source

    @property
    def size_bytes(self) -> int:
        """Return the object's size."""
        return self.source.size_bytes

    def read(self, offset: int, length: int) -> bytes:
        """Return bytes from `offset`; raises Rejected with state_lost where the object has gone meanwhile."""
        try:
            return self.source.read(offset, length)
        except Rejected as error:
            raise _lost(error) from None


def _lost(error: Rejected) -> Rejected:
    return state_lost(_GONE) if error.code in _LOST else error


@dataclass(frozen=True)
class LocalPieces:
    """Files below a folder: for the command line and the bench."""

    folder: Path

    @contextmanager
    def write(self, name: str) -> Iterator[IO[bytes]]:
        """Return a file that gets its name when the block ends without an error."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
            made = Path(file.name)
            try:
                yield file
            except BaseException:
                made.unlink()
                raise
        made.replace(path)

    def open(self, name: str) -> pa.NativeFile:
        """Open a file."""
        try:
            return pa.OSFile(str(self.folder / name))
        except FileNotFoundError:
            pass
        raise state_lost(_GONE)

    def delete(self, names: Iterable[str]) -> None:
        """Delete files."""
        for name in names:
            (self.folder / name).unlink(missing_ok=True)

    def names(self, prefix: str) -> Iterator[str]:
        """Yield the names that begin with a prefix."""
        found = (path.relative_to(self.folder).as_posix() for path in self.folder.rglob("[!.]*") if path.is_file())
        yield from sorted(name for name in found if name.startswith(prefix))
