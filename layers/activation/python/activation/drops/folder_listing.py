"""The files of a folder that is one drop: listed once, when its run is first claimed, and never listed again."""

from __future__ import annotations

import hashlib
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from activation.aws.errors import classify, code_of
from activation.drops.folder_manifest import ManifestExport, ManifestReading
from activation.errors import Rejected
from activation.model import NO_VERSION
from activation.records import from_json, to_json

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class FolderFile:
    """One object version of a folder. `etag` is as S3 gives it, with its quotes; `size_bytes` is as stored.

    `written_at` is in Unix seconds by S3's clock, and 0 for a version: without one, the ETag does not tell an
    object from the same bytes that were written there again.
    """

    key: str
    version_id: str
    etag: str
    size_bytes: int
    written_at: float = 0.0

    @property
    def mark(self) -> tuple[str, str, float]:
        """Return what tells this writing of an object from every other."""
        return *identity(self.key, self.version_id, self.etag), self.written_at


def identity(key: str, version_id: str, etag: str) -> tuple[str, str]:
    """Return what tells an object from others of its key: its version, else its ETag."""
    return key, version_id if version_id not in ("", NO_VERSION) else etag.strip('"')


def is_multipart(etag: str) -> bool:
    """Return whether an object was uploaded in parts, so that S3 dates it by the beginning of the upload.

    It may be younger than what S3 says
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html, read 2026-11-30); its ETag ends in a
    dash and the number of its parts
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html, read 2026-11-30).
    """
    return "-" in etag


@dataclass(frozen=True)
class FolderListing:
    """What a closed folder holds.

    `prefix` ends in "/". `sign_key` is the key of the object that closed the folder, "" for a quiet time. `files`
    are in the order of their keys, which is the order of the drop's rows. `skipped` are the names below the prefix
    of signs and sidecars, `stale` those of older files that are left over and not sent. `reading` is what the
    folder's manifest says of its columns, None if it says nothing. `left` are the files that were there, were not
    listed, and cannot be told by their time from files that come later. `export` is what the manifest says of the
    export, None if it says nothing.
    """

    bucket: str
    prefix: str
    sign_key: str
    files: tuple[FolderFile, ...]
    skipped: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    reading: ManifestReading | None = None
    left: tuple[FolderFile, ...] = ()
    export: ManifestExport | None = None

    @property
    def size_bytes(self) -> int:
        """Return the stored size of all files."""
        return sum(file.size_bytes for file in self.files)

    @property
    def digest(self) -> str:
        """Return a name of 32 hex digits for this set of object versions, whatever closed the folder."""
        lines = [
            f"{file.key}\n{file.version_id}\n{file.etag}\n{file.size_bytes}"
            + (f"\n{file.written_at}" if file.written_at else "")
            for file in self.files
        ]
        return hashlib.sha256("\n\n".join((self.bucket, *lines)).encode()).hexdigest()[:32]

    @property
    def identities(self) -> frozenset[tuple[str, str]]:
        """Return what tells each file from others of its key."""
        return frozenset(file.mark[:2] for file in self.files)

    @property
    def marks(self) -> frozenset[tuple[str, str, float]]:
        """Return what tells each file that was listed or left over from every other writing of its key."""
        return frozenset(file.mark for file in (*self.files, *self.left))

    def name(self, file: FolderFile) -> str:
        """Return a file's name below the prefix, its whole key if it is elsewhere."""
        return file.key.removeprefix(self.prefix)


def shown_file(name: str) -> str:
    """Return a file's name in one line of text that no spreadsheet takes for a formula."""
    text = "".join(letter if letter.isprintable() else "?" for letter in name)
    return f"./{text}" if text[:1] in ("=", "+", "-", "@") else text


def listing_key(connector: str, run_id: str, again: int = 0) -> str:
    """Return the key of a run's listing in the receipts bucket; `again` counts how often it was listed again."""
    return f"listings/{connector}/{run_id}{f'-{again}' if again else ''}.json"


def save_listing(client: S3Client, bucket: str, key: str, listing: FolderListing) -> FolderListing:
    """Store a listing unless there is one, and return the one that is stored.

    The first listing counts: a redelivered sign or a second worker may list the folder again and find other files.
    Raises Retryable or ConfigError when S3 cannot write or read it.
    """
    if save_text(client, bucket, key, to_json(listing), once=True):
        return listing
    return load_listing(client, bucket, key)


def load_listing(client: S3Client, bucket: str, key: str) -> FolderListing:
    """Return a stored listing; raises as `load_text` does."""
    return from_json(load_text(client, bucket, key), FolderListing)


def save_text(client: S3Client, bucket: str, key: str, text: str, *, once: bool = False) -> bool:
    """Store a text, with `once` only if there is no object at the key; return whether it was stored.

    S3 makes the write conditional (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html,
    read 2026-11-29). Raises Retryable or ConfigError when S3 cannot write it.
    """
    put = partial(client.put_object, Bucket=bucket, Key=key, Body=text.encode(), ContentType="application/json")
    try:
        put(IfNoneMatch="*") if once else put()
    except (ClientError, BotoCoreError) as error:
        if code_of(error) not in ("PreconditionFailed", "412"):
            raise classify(error, code="storage") from error
        return False
    return True


def load_text(client: S3Client, bucket: str, key: str) -> bytes:
    """Return what a run stored of its folder.

    Raises Rejected (listing_gone) when it was deleted, Retryable or ConfigError when S3 cannot read it.
    """
    try:
        with closing(client.get_object(Bucket=bucket, Key=key)["Body"]) as body:
            text: bytes = body.read()
    except (ClientError, BotoCoreError) as error:
        if code_of(error) in ("NoSuchKey", "404"):
            raise Rejected(
                "listing_gone", "the list of the folder's files was deleted; close the folder again to send it"
            ) from error
        raise classify(error, code="storage") from error
    return text
