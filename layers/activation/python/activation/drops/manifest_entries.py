"""Reading a folder's manifest: the files that it names, checked before anything of them is read.

`{"entries": [{"url": "s3://bucket/key", "meta": {"content_length": 1}}]}`, as Redshift's UNLOAD writes it
(https://docs.aws.amazon.com/redshift/latest/dg/loading-data-files-using-manifest.html, read 2026-11-29) and as
`activation drop` does, which adds what was said of the columns.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from activation.drops.folder_manifest import (
    ManifestExport,
    ManifestReading,
    manifest_export,
    manifest_reading,
)
from activation.drops.source import choice, read_error
from activation.errors import Rejected
from activation.model import Drop

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# 10,000 entries of keys as long as S3 lets them be (1,024 bytes) take less.
MANIFEST_BYTES = 16 * 1024 * 1024
_URL = re.compile(r"s3[an]?://([^/]+)/(.+)", re.DOTALL)


@dataclass(frozen=True)
class Manifest:
    """What a manifest says: sizes in bytes by key, None where it says none; how files are read; the export."""

    files: Mapping[str, int | None]
    reading: ManifestReading | None
    export: ManifestExport | None = None


def read_manifest(client: S3Client, sign: Drop, folder: str) -> Manifest:
    """Read one version of a manifest; `folder` is the prefix that all of its files must have.

    Raises Rejected: bad_manifest, bad_columns, manifest_elsewhere (a file of another bucket or folder),
    manifest_lists_itself, manifest_duplicate, too_many_parts (a manifest too long to be read), object_gone.
    Retryable and ConfigError as reading a drop does. No sentence holds a part of the manifest.
    """
    return _parsed(_text(client, sign), sign.bucket, sign.key, folder)


def _text(client: S3Client, sign: Drop) -> bytes:
    which = choice(sign.version_id, sign.etag)
    try:
        with client.get_object(Bucket=sign.bucket, Key=sign.key, **which)["Body"] as body:
            text: bytes = body.read(MANIFEST_BYTES + 1)
    except (ClientError, BotoCoreError) as error:
        raise read_error(error) from error
    if len(text) > MANIFEST_BYTES:
        raise Rejected(
            "too_many_parts", f"the manifest is longer than {MANIFEST_BYTES:,} bytes; write fewer, larger files"
        )
    return text


def _parsed(text: bytes, bucket: str, key: str, folder: str) -> Manifest:
    try:
        document: Any = json.loads(text)
        entries = [(one["url"], (one.get("meta") or {}).get("content_length")) for one in document["entries"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _bad() from None
    files: dict[str, int | None] = {}
    for number, (url, size_bytes) in enumerate(entries, 1):
        found = _URL.fullmatch(url) if isinstance(url, str) else None
        if found is None or not (size_bytes is None or type(size_bytes) is int):
            raise _bad()
        if found[1] != bucket or not found[2].startswith(folder):
            where = "folder" if found[1] == bucket else "bucket"
            raise Rejected("manifest_elsewhere", f"entry {number} of the manifest names a file of another {where}")
        if found[2] == key:
            raise Rejected("manifest_lists_itself", f"entry {number} of the manifest is the manifest itself")
        if found[2] in files:
            raise Rejected("manifest_duplicate", f"entry {number} of the manifest names a file a second time")
        files[found[2]] = size_bytes
    return Manifest(files, manifest_reading(document), manifest_export(document))


def _bad() -> Rejected:
    return Rejected("bad_manifest", 'the manifest is not {"entries": [{"url": "s3://..."}]}')
