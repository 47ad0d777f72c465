"""An export in the drops bucket: the parts of one extraction, and the manifests that make drops of them.

One extraction may go to several audiences. Its parts are written below the first one's folder and copied to the
others', and then each folder is closed by its manifest, which is put only where none is: of two extractions of one
slot one is sent.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from activation.aws.errors import classify, code_of
from activation.drops.folder_manifest import ManifestReading, manifest_text
from activation.drops.sidecars import EXPORT_MANIFEST
from activation.errors import Retryable
from activation.identifiers.column_map import IGNORE
from botocore.exceptions import BotoCoreError, ClientError

from lambdas.sync.declaration import Declaration, Target
from lambdas.sync.slots import export_name
from lambdas.sync.source import Extract, Part

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

MANIFEST = EXPORT_MANIFEST  # which the stack's rule knows by its name
_ABSENT = ("404", "NoSuchKey", "NotFound")
_EXISTS = ("PreconditionFailed", "ConditionalRequestConflict")  # a manifest is there, or is being put
_KEYS_AT_ONCE = 1_000  # https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html, read 2026-11-30


def folder_of(declaration: Declaration, target: Target, slot: str) -> str:
    """Return the key of the folder that a slot's export for one audience is in, ending in a slash."""
    base = f"{target.connector}/{target.audience}/raw/{declaration.action}/"
    return f"{base}{export_name(declaration.name, slot)}{_of_account(target)}/"


def _of_account(target: Target) -> str:
    """Return a suffix that keeps apart the folders of two accounts whose audiences have the same name."""
    return f"-{target.account.replace(':', '-')}" if target.account else ""


@dataclass(frozen=True)
class Parts:
    """The parts of one attempt at an extraction: see Destination."""

    client: S3Client
    bucket: str
    prefix: str

    @contextmanager
    def create(self, key: str) -> Iterator[IO[bytes]]:
        """Write a part to a temporary file, and upload it once it is whole; raises Retryable and ConfigError."""
        with tempfile.TemporaryFile() as file:
            yield file
            file.seek(0)
            with _s3():
                self.client.upload_fileobj(file, self.bucket, key)


@dataclass(frozen=True)
class Export:
    """One slot's export; `slot` is its name."""

    client: S3Client
    bucket: str
    declaration: Declaration
    slot: str

    def parts(self, attempt: str) -> Parts:
        """Return where an attempt's parts go, whose names no other attempt's have."""
        folder = folder_of(self.declaration, self.declaration.to[0], self.slot)
        return Parts(self.client, self.bucket, f"{folder}{attempt}-")

    def open_targets(self) -> list[Target]:
        """Return the audiences whose manifest is not there yet, the first one last: its folder has the parts."""
        return [one for one in reversed(self.declaration.to) if not self._has_manifest(one)]

    def close(self, extract: Extract, targets: Sequence[Target]) -> bool:
        """Copy the parts to where the other audiences' are, and put the manifests of the open targets.

        Return False where another extraction has closed the folder that the parts are in: nothing needs them then.

        A worker that dies in between leaves some audiences with its own export; the next one's goes to the others.
        Copies that another extraction's manifest came before are removed again. Raises Retryable and ConfigError.
        """
        own, needed = folder_of(self.declaration, self.declaration.to[0], self.slot), False
        for target in targets:
            folder = folder_of(self.declaration, target, self.slot)
            parts = [Part(folder + one.key.removeprefix(own), one.size_bytes, one.rows) for one in extract.parts]
            for part, made in zip(extract.parts, parts, strict=True):
                if part.key != made.key:
                    self._copy(part, made.key)
            if self._put_manifest(target, folder, parts, extract):
                needed |= folder == own
            elif folder != own:
                remove(self.client, self.bucket, [one.key for one in parts])
        return needed

    def _has_manifest(self, target: Target) -> bool:
        key = folder_of(self.declaration, target, self.slot) + MANIFEST
        try:
            self.client.head_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            if code_of(error) in _ABSENT:
                return False
            raise classify(error, code="storage") from None
        except BotoCoreError as error:
            raise classify(error, code="storage") from None
        return True

    def _copy(self, part: Part, key: str) -> None:
        with _s3():
            self.client.copy({"Bucket": self.bucket, "Key": part.key}, self.bucket, key)

    def _put_manifest(self, target: Target, folder: str, parts: Sequence[Part], extract: Extract) -> bool:
        """Put a manifest, and return False where another extraction of the slot has put one.

        One that is there may be this very one: S3's answer was lost, and the SDK has put it again.
        """
        files = [(one.key, one.size_bytes) for one in parts]
        document = json.loads(manifest_text(self.bucket, files, ManifestReading(columns_of(self.declaration))))
        document.setdefault("activation", {}).update(self._told(target, extract))
        body = json.dumps(document, ensure_ascii=False, indent=1).encode()
        try:
            self.client.put_object(
                Bucket=self.bucket,
                Key=f"{folder}{MANIFEST}",
                Body=body,
                ContentType="application/json",
                IfNoneMatch="*",
            )
        except ClientError as error:
            if code_of(error) in _EXISTS:
                return self._stored(f"{folder}{MANIFEST}") == body
            raise classify(error, code="storage") from None
        except BotoCoreError as error:
            raise classify(error, code="storage") from None
        return True

    def _stored(self, key: str) -> bytes:
        """Return a manifest that another request has put, or is putting: then raise Retryable."""
        try:
            with self.client.get_object(Bucket=self.bucket, Key=key)["Body"] as found:
                return found.read()
        except ClientError as error:
            if code_of(error) in _ABSENT:
                raise Retryable("storage_busy", "another request is putting the manifest", after_s=5) from None
            raise classify(error, code="storage") from None
        except BotoCoreError as error:
            raise classify(error, code="storage") from None

    def _told(self, target: Target, extract: Extract) -> Mapping[str, Any]:
        """Return the block of the manifest that the receipt takes over."""
        return {
            "slot": self.slot,
            "declaration": self.declaration.name,
            "rows": extract.rows,
            "left_out": {code: count for code, count in sorted(extract.left_out.items()) if count},
            **({"account": target.account} if target.account else {}),
        }


def columns_of(declaration: Declaration) -> tuple[tuple[str, str], ...]:
    """Return what a manifest says of the columns: as declared, and to pass over that of consent."""
    selection = declaration.selection
    consent = selection.consent
    if consent is None or consent.column in dict(selection.columns):
        return selection.columns
    return (*selection.columns, (consent.column, IGNORE))


def remove(client: S3Client, bucket: str, keys: Iterable[str]) -> int:
    """Delete every version of objects by their keys, and return how many versions; raises as Export does."""
    return sum(_remove_below(client, bucket, key, exact=True) for key in keys)


def remove_below(client: S3Client, bucket: str, prefix: str) -> int:
    """Delete every version of every object below a prefix, and return how many; raises as Export does."""
    return _remove_below(client, bucket, prefix, exact=False)


def folders_up_to(client: S3Client, bucket: str, last: str, begins: str) -> list[str]:
    """Return a folder and those of earlier slots beside it, whose names begin with `begins`.

    Folders of other accounts' audiences, which have the same name, are none of them.
    """
    base = last.rstrip("/").rpartition("/")[0] + f"/{begins}"
    with _s3():
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=base, Delimiter="/")
        found = [one["Prefix"] for page in pages for one in page.get("CommonPrefixes", [])]
    account = _after_slot(last, base)
    return [one for one in found if one <= last and _after_slot(one, base) == account]


def _after_slot(folder: str, base: str) -> str:
    """Return what a folder's name has after its slot: the account."""
    return folder.removeprefix(base).lstrip("0123456789TZ")


def _remove_below(client: S3Client, bucket: str, prefix: str, *, exact: bool) -> int:
    with _s3():
        pages = client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix)
        found: list[ObjectIdentifierTypeDef] = [
            {"Key": one["Key"], "VersionId": one["VersionId"]}
            for page in pages
            for one in (*page.get("Versions", []), *page.get("DeleteMarkers", []))
            if not exact or one["Key"] == prefix
        ]
        for first in range(0, len(found), _KEYS_AT_ONCE):
            some = found[first : first + _KEYS_AT_ONCE]
            client.delete_objects(Bucket=bucket, Delete={"Objects": some, "Quiet": True})
    return len(found)


@contextmanager
def _s3() -> Iterator[None]:
    """Raise what S3 answers as this project's errors."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise classify(error, code="storage") from None
