"""Where the pieces of snapshots and deltas are kept: in S3, or in a local folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

import pyarrow as pa

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


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

    def write(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Return a local file that is uploaded when the block ends without an error."""
        raise NotImplementedError

    def open(self, name: str) -> pa.NativeFile:
        """Open an object; its bytes are read by range, on condition of its ETag."""
        raise NotImplementedError

    def delete(self, names: Iterable[str]) -> None:
        """Delete objects, a thousand with each call."""
        raise NotImplementedError

    def names(self, prefix: str) -> Iterator[str]:
        """Yield the names that begin with a prefix."""
        raise NotImplementedError


@dataclass(frozen=True)
class LocalPieces:
    """Files below a folder: for the command line and the bench."""

    folder: Path

    def write(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Return a file that gets its name when the block ends without an error."""
        raise NotImplementedError

    def open(self, name: str) -> pa.NativeFile:
        """Open a file, mapped into memory."""
        raise NotImplementedError

    def delete(self, names: Iterable[str]) -> None:
        """Delete files."""
        raise NotImplementedError

    def names(self, prefix: str) -> Iterator[str]:
        """Yield the names that begin with a prefix."""
        raise NotImplementedError
