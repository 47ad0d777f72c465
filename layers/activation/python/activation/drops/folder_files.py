"""The files of a folder, each opened as a drop of its own; a small one is read from S3 once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from activation.drops.chunk import ByteSource, DropReader
from activation.drops.folder_listing import FolderListing
from activation.drops.limits import DEFAULT, MIB, ReadLimits
from activation.drops.open import open_drop
from activation.drops.quotes import Escape
from activation.drops.source import S3Source
from activation.errors import Rejected

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Of small files, so many bytes stay in memory from the reading of their headers to that of their rows, which a
# mirror reads twice; a small one has at most so many.
KEPT_BYTES, SMALL_BYTES = 8 * MIB, 4 * MIB


@dataclass(frozen=True)
class FolderMember:
    """A file of a folder: its name below the folder's prefix, and its bytes."""

    name: str
    source: ByteSource = field(repr=False)


def members_of(client: S3Client, listing: FolderListing) -> tuple[FolderMember, ...]:
    """Return the files that a listing names; no request is made."""
    return tuple(
        FolderMember(
            listing.name(file),
            S3Source(client, listing.bucket, file.key, file.version_id, file.size_bytes, file.etag),
        )
        for file in listing.files
    )


@dataclass(frozen=True)
class FolderFiles:
    """Opens the files of a folder by their index; the other fields are as for `open_drop`."""

    members: Sequence[FolderMember]
    single: str | None = None
    declared_delimiter: str | None = None
    declared_encoding: str | None = None
    declared_escape: Escape | None = None
    limits: ReadLimits = DEFAULT
    _kept: dict[int, ByteSource] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # Here, since several threads open files at once.
        object.__setattr__(self, "_kept", self._kept_in_memory())

    def name(self, index: int) -> str:
        """Return a file's name below the folder's prefix."""
        return self.members[index].name

    def size_bytes(self, index: int) -> int:
        """Return a file's stored size."""
        return self.members[index].source.size_bytes

    def open(self, index: int, guard: Callable[[ByteSource], ByteSource] | None = None) -> DropReader | None:
        """Open a file, None when it has no bytes or nothing but blank lines; `guard` wraps what is read.

        Raises what `open_drop` raises, naming the file.
        """
        if not self.size_bytes(index):
            return None
        source = self._kept.get(index) or self._with_head(index)
        try:
            with naming(self.name(index)):
                return open_drop(
                    guard(source) if guard else source,
                    single=self.single,
                    declared_delimiter=self.declared_delimiter,
                    declared_encoding=self.declared_encoding,
                    declared_escape=self.declared_escape,
                    limits=self.limits,
                )
        except Rejected as error:
            if error.code == "empty_file":
                return None
            raise

    def _with_head(self, index: int) -> ByteSource:
        return HeadSource(self.members[index].source, self.limits.head_bytes)

    def _kept_in_memory(self) -> dict[int, ByteSource]:
        """Return the small files that stay in memory once they were read: the first ones, up to KEPT_BYTES."""
        kept: dict[int, ByteSource] = {}
        room = KEPT_BYTES
        for index in range(len(self.members)):
            size_bytes = self.size_bytes(index)
            if size_bytes <= min(room, SMALL_BYTES):
                kept[index] = HeadSource(self.members[index].source, size_bytes)
                room -= size_bytes
        return kept


@dataclass
class HeadSource:
    """A source whose first `head_bytes` are read in one request and then kept.

    To open a file takes several short reads of its beginning, which would each be a request of their own.
    """

    source: ByteSource
    head_bytes: int
    _head: bytes = field(default=b"", repr=False)

    @property
    def size_bytes(self) -> int:
        """Return the stored size."""
        return self.source.size_bytes

    def read(self, offset: int, length: int) -> bytes:
        """Return `length` bytes from `offset`, fewer at the end; raises what the source raises."""
        if min(offset + length, self.size_bytes) > self.head_bytes:
            return self.source.read(offset, length)
        if not self._head:
            self._head = self.source.read(0, min(self.head_bytes, self.size_bytes))
        return self._head[offset : offset + length]


@contextmanager
def naming(file: str) -> Iterator[None]:
    """Name the file in the sentence of a refusal."""
    try:
        yield
    except Rejected as error:
        raise Rejected(error.code, f"In {file}: {error.sentence}") from None
