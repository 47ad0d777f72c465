"""A run folder: the parts of one export that belong together, once a `_SUCCESS` or a manifest has closed it.

For `add` and `remove` every part of a folder is a drop of its own, and the folder is nothing. Where an export
replaces or mirrors an audience, its parts are one run: half of them would empty the audience of the other half.
So nothing is read before the tool says that it is done, and what is read is the set of object versions that were
there then: named, sized and digested, so that a redelivered marker gives the same set or is refused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from activation.drops.source import read_error
from activation.errors import Rejected

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SUCCESS = "_success"
# "manifest" itself, and what UNLOAD writes behind its prefix:
# https://docs.aws.amazon.com/redshift/latest/dg/r_UNLOAD.html, read 2026-11-22
_MANIFESTS = ("manifest", "_manifest", "manifest.json", "_manifest.json")
MOST_PARTS = 10_000
MANIFEST_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class FolderPart:
    """One object version of a run folder; `size_bytes` as stored."""

    key: str
    version_id: str
    etag: str
    size_bytes: int


@dataclass(frozen=True)
class RunFolder:
    """The parts of a closed run folder, by key; objects without a byte are left out."""

    bucket: str
    prefix: str
    parts: tuple[FolderPart, ...]

    @property
    def size_bytes(self) -> int:
        """The stored size of all parts."""
        return sum(part.size_bytes for part in self.parts)

    @property
    def digest(self) -> str:
        """Name the set of versions, in 32 hex digits: the same for the same set, whatever closed the folder."""
        lines = [f"{part.key}\n{part.version_id}\n{part.size_bytes}" for part in self.parts]
        return hashlib.sha256("\n\n".join((self.bucket, *lines)).encode()).hexdigest()[:32]


def closes_folder(key: str) -> bool:
    """Whether the object says that its folder is complete: Spark's `_SUCCESS`, or a manifest."""
    name = key.rsplit("/", 1)[-1].lower()
    return name == SUCCESS or _is_manifest(name)


def read_folder(client: S3Client, bucket: str, marker_key: str, marker_version_id: str) -> RunFolder:
    """List what a marker closes; `marker_version_id` is the version that was announced.

    A `_SUCCESS` closes all objects beside it but hidden ones (`_` or `.` first), a manifest those that it lists:
    Redshift's form, `{"entries": [{"url": "s3://bucket/key", "meta": {"content_length": 1}}]}`
    (https://docs.aws.amazon.com/redshift/latest/dg/loading-data-files-using-manifest.html, read 2026-11-22).

    Raises Rejected: nested_folder (parts below folders of their own), empty_folder, too_many_parts, bad_manifest,
    folder_changed (a part is newer than the marker, gone, or of another size than the manifest says: the tool
    writes again, and will close the folder again), object_gone (the marker is). Retryable and ConfigError as
    reading a drop does.
    """
    prefix = marker_key[: marker_key.rfind("/") + 1]
    marker = _head(client, bucket, marker_key, marker_version_id)
    if _is_manifest(marker_key.rsplit("/", 1)[-1].lower()):
        wanted = _entries(_manifest(client, bucket, marker_key, marker_version_id), bucket, prefix)
    else:
        wanted = _listed(client, bucket, prefix)
    parts = []
    for key, size_bytes in sorted(wanted.items()):
        head = _head(client, bucket, key)
        # S3 tells times to the second; a part of the marker's own second was there before it.
        if head["LastModified"] > marker["LastModified"] or size_bytes not in (None, head["ContentLength"]):
            raise _changed()
        if head["ContentLength"]:
            parts.append(FolderPart(key, head["VersionId"], head["ETag"], head["ContentLength"]))
    if not parts:
        raise Rejected("empty_folder", "the folder was closed without any file that has content")
    return RunFolder(bucket, prefix, tuple(parts))


def _is_manifest(name: str) -> bool:
    return name in _MANIFESTS or name.endswith((".manifest", "_manifest"))


def _listed(client: S3Client, bucket: str, prefix: str) -> dict[str, int | None]:
    """Return the keys and sizes of the files in a folder."""
    found: dict[str, int | None] = {}
    try:
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for item in page.get("Contents", []):
                name = item["Key"].removeprefix(prefix)
                if not name or closes_folder(name) or name.startswith(("_", ".")):
                    continue
                if "/" in name:
                    raise Rejected("nested_folder", "the folder has folders; only files directly in it are read")
                found[item["Key"]] = item["Size"]
                if len(found) > MOST_PARTS:
                    raise _too_many()
    except (ClientError, BotoCoreError) as error:
        raise read_error(error) from error
    return found


def _manifest(client: S3Client, bucket: str, key: str, version_id: str) -> bytes:
    try:
        answer = client.get_object(Bucket=bucket, Key=key, VersionId=version_id)
        with answer["Body"] as body:
            text: bytes = body.read(MANIFEST_BYTES + 1)
    except (ClientError, BotoCoreError) as error:
        raise read_error(error) from error
    if len(text) > MANIFEST_BYTES:
        raise Rejected("bad_manifest", f"the manifest is longer than {MANIFEST_BYTES:,} bytes")
    return text


def _entries(text: bytes, bucket: str, prefix: str) -> dict[str, int | None]:
    """Return the keys that a manifest lists, and their sizes where it says them."""
    try:
        entries = json.loads(text)["entries"]
        listed = [(str(one["url"]), one.get("meta", {}).get("content_length")) for one in entries]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Rejected("bad_manifest", 'the manifest is not {"entries": [{"url": "s3://..."}]}') from None
    if len(listed) > MOST_PARTS:
        raise _too_many()
    found: dict[str, int | None] = {}
    for url, size_bytes in listed:
        key = url.removeprefix(f"s3://{bucket}/")
        if key == url or not key.startswith(prefix):
            raise Rejected("bad_manifest", "the manifest lists a file that is not beside it in the drops bucket")
        if not isinstance(size_bytes, int | None):
            raise Rejected("bad_manifest", "the manifest gives a content_length that is no number")
        found[key] = size_bytes
    return found


def _head(client: S3Client, bucket: str, key: str, version_id: str = "") -> Mapping[str, Any]:
    version: dict[str, Any] = {"VersionId": version_id} if version_id else {}
    try:
        head: Mapping[str, Any] = client.head_object(Bucket=bucket, Key=key, **version)
    except (ClientError, BotoCoreError) as error:
        found = read_error(error)
        raise _changed() if found.code == "object_gone" and not version_id else found from error
    return head


def _changed() -> Rejected:
    return Rejected(
        "folder_changed", "the folder was written to after it was closed; what closes it again starts the run"
    )


def _too_many() -> Rejected:
    return Rejected("too_many_parts", f"the folder has more than {MOST_PARTS:,} files")
