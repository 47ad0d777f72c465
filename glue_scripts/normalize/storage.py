"""Folders that exports are read from and drops written to: on this machine, or in S3 by the AWS SDK.

Spark's own file systems are not used: reading with the project's readers refuses or counts what Spark would turn
into nulls, and a part is listed only if the task that wrote it succeeded.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

from activation.drops.chunk import ByteSource
from activation.drops.source import FileSource, S3Source, read_error
from activation.errors import Rejected
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

_S3 = re.compile(r"s3[an]?://([^/]+)/?(.*)", re.DOTALL)
S3_FOLDER = re.compile(r"s3[an]?://[^/]+/(.*/)?", re.DOTALL)
_MOST_DELETED = 1_000  # objects of one DeleteObjects


@dataclass(frozen=True)
class StoredFile:
    """A file below a folder: its name there, its size in bytes, and in S3 the ETag of its bytes, in quotes."""

    name: str
    size_bytes: int
    etag: str = ""


class Folder(Protocol):
    """A folder whose files are read and written by their names below it. It can be sent to a Spark task."""

    def files(self) -> tuple[StoredFile, ...]:
        """Return all files at any depth, in the order of their names."""
        ...

    def source(self, file: StoredFile) -> ByteSource:
        """Return the bytes of a file as it was when it was listed."""
        ...

    def write(self, name: str, content: bytes) -> None:
        """Write a file; a reader sees all of it or nothing."""
        ...

    def delete(self, names: Iterable[str]) -> None:
        """Delete files."""
        ...

    def folder(self, name: str) -> Folder:
        """Return a folder below this one."""
        ...

    def url(self, name: str) -> str:
        """Return a file's URL, as manifests have it."""
        ...


@dataclass(frozen=True)
class LocalFolder:
    """A folder of this machine."""

    path: Path

    def files(self) -> tuple[StoredFile, ...]:
        """Return all files at any depth, in the order of their names."""
        found = [path for path in self.path.rglob("*") if path.is_file()]
        names = sorted(path.relative_to(self.path).as_posix() for path in found)
        return tuple(StoredFile(name, (self.path / name).stat().st_size) for name in names)

    def has_folder(self, name: str) -> bool:
        """Return whether a folder of this name is there at any depth, be it empty."""
        return any(path.is_dir() for path in self.path.rglob(name))

    def source(self, file: StoredFile) -> ByteSource:
        """Return the bytes of a file."""
        return FileSource(self.path / file.name)

    def write(self, name: str, content: bytes) -> None:
        """Write a file under another name first; raises Rejected: output_not_written."""
        path = self.path / name
        partial = path.with_name(f".{path.name}.partial")
        with _told_as_rejected():
            path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(content)
            partial.replace(path)

    def move(self, to: LocalFolder) -> None:
        """Move the folder to a path that does not exist yet; raises Rejected: output_not_written."""
        with _told_as_rejected():
            to.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.rename(to.path)

    def delete(self, names: Iterable[str]) -> None:
        """Delete files."""
        for name in names:
            (self.path / name).unlink(missing_ok=True)

    def folder(self, name: str) -> LocalFolder:
        """Return a folder below this one."""
        return LocalFolder(self.path / name)

    def url(self, name: str) -> str:
        """Return a file's URL."""
        return f"file://{quote(str((self.path / name).resolve()))}"

    def remove(self) -> None:
        """Remove the folder with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)


@dataclass(frozen=True)
class S3Folder:
    """A prefix of a bucket; `prefix` is "" or ends in "/"."""

    bucket: str
    prefix: str = field(default="")

    def files(self) -> tuple[StoredFile, ...]:
        """Return all objects below the prefix, in the order of their keys; raises as reading a drop does."""
        found = []
        try:
            for page in s3().get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix):
                found += [
                    StoredFile(one["Key"].removeprefix(self.prefix), one["Size"], one["ETag"])
                    for one in page.get("Contents", [])
                ]
        except (ClientError, BotoCoreError) as error:
            raise read_error(error) from error
        return tuple(found)

    def source(self, file: StoredFile) -> ByteSource:
        """Return the bytes of an object, on condition of its ETag."""
        return S3Source(s3(), self.bucket, self.prefix + file.name, "", file.size_bytes, file.etag)

    def write(self, name: str, content: bytes) -> None:
        """Write an object."""
        s3().put_object(Bucket=self.bucket, Key=self.prefix + name, Body=content)

    def delete(self, names: Iterable[str]) -> None:
        """Delete objects; raises RuntimeError if S3 keeps one."""
        keys: list[ObjectIdentifierTypeDef] = [{"Key": self.prefix + name} for name in names]
        for begin in range(0, len(keys), _MOST_DELETED):
            some = keys[begin : begin + _MOST_DELETED]
            answer = s3().delete_objects(Bucket=self.bucket, Delete={"Objects": some, "Quiet": True})
            if answer.get("Errors"):
                raise RuntimeError(f"S3 did not delete {len(answer['Errors'])} files that an earlier attempt left")

    def folder(self, name: str) -> S3Folder:
        """Return a prefix below this one."""
        return S3Folder(self.bucket, f"{self.prefix}{name}/")

    def url(self, name: str) -> str:
        """Return an object's URL."""
        return f"s3://{self.bucket}/{self.prefix}{name}"


@contextmanager
def _told_as_rejected() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = (error.strerror or "unknown error").lower()
        raise Rejected("output_not_written", f"the output cannot be written: {why}; no drop was made") from error


@lru_cache(maxsize=1)
def s3() -> S3Client:
    """Return this process's client; a Spark worker makes its own."""
    import boto3

    return boto3.client("s3")


def folder_of(text: str) -> LocalFolder | S3Folder:
    """Return the folder of a path or of s3://bucket/prefix."""
    found = _S3.fullmatch(text)
    if found is None:
        return LocalFolder(Path(text))
    prefix = found[2]
    return S3Folder(found[1], prefix if not prefix or prefix.endswith("/") else f"{prefix}/")


def text_of(text: str) -> bytes:
    """Return the bytes of the mapping file at a path or s3:// URL.

    Raises Rejected (mapping_missing) if there is none, and what `text_if_there` raises.
    """
    found = text_if_there(text)
    if found is None:
        raise Rejected("mapping_missing", "there is no mapping file at the path or URL that was given")
    return found


def text_if_there(text: str) -> bytes | None:
    """Return the bytes at a path or s3:// URL, None if there is no file.

    Raises Rejected (file_unreadable) where this machine does not let it be read, and in S3 as reading a drop does.
    """
    found = _S3.fullmatch(text)
    try:
        if found is None:
            return Path(text).read_bytes()
        return s3().get_object(Bucket=found[1], Key=found[2])["Body"].read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        why = (error.strerror or "unknown error").lower()
        raise Rejected("file_unreadable", f"the file that was given cannot be read: {why}") from error
    except (ClientError, BotoCoreError) as error:
        read = read_error(error)
        if read.code == "object_gone":
            return None
        raise read from error


def write_text(url: str, text: str) -> None:
    """Write the object or file of a path or s3:// URL."""
    place, _, name = url.rpartition("/")
    folder_of(f"{place}/").write(name, text.encode())
