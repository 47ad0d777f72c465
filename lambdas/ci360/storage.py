"""A bucket as a transfer uses it: parts that nobody sees, then one object, once, when all is checked.

An upload in parts is visible to nobody before it is completed, so its parts go straight to the key of the object:
https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html (read 2026-11-29).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from activation.aws.errors import classify, code_of
from activation.errors import Rejected, Retryable
from botocore.exceptions import BotoCoreError, ClientError

from lambdas.ci360.checksums import encoded
from lambdas.ci360.occurrences import ACCEPTED_MS

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

CONTENT_TYPE = "text/csv; charset=utf-8"
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html (read 2026-11-22)
MIN_PART_BYTES = 5 * 1024 * 1024


class UploadGone(Exception):
    """The upload cannot become the object any more: ended by the lifecycle rule, or not what was sent to it."""


class _Exists(Exception):
    """There is an object under the key already."""


class _Missing(Exception):
    """There is no such object."""


class _Conflict(Retryable):
    """Another write to the key is going on, such as the end of this very upload by a worker that was killed."""


class _Damaged(Retryable):
    """What arrived has another checksum than what was sent."""


_OWN_ERRORS: Mapping[str, type[Exception]] = {
    **dict.fromkeys(("NoSuchUpload", "InvalidPart", "InvalidPartOrder", "EntityTooSmall"), UploadGone),
    **dict.fromkeys(("PreconditionFailed", "412"), _Exists),
    **dict.fromkeys(("NoSuchKey", "404", "NotFound"), _Missing),
}


@dataclass(frozen=True)
class Whole:
    """What an object has to be: its length, its CRC-32, and the metadata that say whose it is."""

    size_bytes: int
    crc32: int
    metadata: Mapping[str, str]


@dataclass(frozen=True)
class Storage:
    """Parts and objects of one bucket. Raises Retryable and ConfigError, as any call to S3 may fail.

    An object appears only where nothing is, unless the storage `overwrites`: then it replaces what is there, but
    for an object of a run that was accepted later. The bucket may be one without versions.
    """

    s3: S3Client
    bucket: str
    overwrites: bool = False

    def begin(self, key: str, metadata: Mapping[str, str]) -> str:
        """Begin an upload of parts, which stay out of sight; returns its id."""
        answer = self._ask(
            self.s3.create_multipart_upload,
            Key=key,
            **self._headers(metadata),
            ChecksumType="FULL_OBJECT",
        )
        return str(answer["UploadId"])

    def put_part(self, key: str, upload_id: str, number: int, body: bytes | bytearray, crc32: int) -> None:
        """Store a part; the same number again replaces it. Raises UploadGone."""
        self._ask(
            self.s3.upload_part,
            Key=key,
            UploadId=upload_id,
            PartNumber=number,
            Body=body,
            # Given, so that the SDK does not read the part a second time; S3 compares it.
            ChecksumCRC32=encoded(crc32),
        )

    def complete(self, key: str, upload_id: str, parts: int, whole: Whole) -> str:
        """Let parts 1 to `parts` appear as the object, if they are the `whole`; returns its version.

        Done already, by an attempt whose answer was lost, it is found to be so. Raises UploadGone when the upload
        cannot become the whole any more, Rejected when something else is under the key (key_taken) or a later
        run's file (superseded).
        """
        try:
            # What S3 has of each part. That it is what was sent, S3 finds by the checksum of the whole, which it
            # makes of those of the parts.
            listed = self._parts(key, upload_id)[:parts]
            if len(listed) < parts or sum(part.pop("Size") for part in listed) != whole.size_bytes:
                raise UploadGone
            answer = self._ask(
                self.s3.complete_multipart_upload,
                Key=key,
                UploadId=upload_id,
                MultipartUpload={"Parts": listed},
                ChecksumCRC32=encoded(whole.crc32),
                ChecksumType="FULL_OBJECT",
                **self._condition(key, whole),
            )
        except (UploadGone, _Exists, _Missing, _Conflict) as error:
            version = self._own(key, whole)
            if version is None:
                raise self._next(error) from None
            return version
        except _Damaged:
            raise UploadGone from None
        return _version(answer)

    def put(self, key: str, body: bytes | bytearray, whole: Whole) -> str:
        """Let a file of one part appear; returns its version. Raises Rejected (key_taken, superseded)."""
        try:
            answer = self._ask(
                self.s3.put_object,
                Key=key,
                Body=body,
                **self._headers(whole.metadata),
                ChecksumCRC32=encoded(whole.crc32),
                **self._condition(key, whole),
            )
        except (_Exists, _Missing, _Conflict):
            version = self._own(key, whole)
            if version is None:
                raise Retryable("bucket", "the object could not be written just now", after_s=10) from None
            return version
        return _version(answer)

    def abandon(self, key: str, upload_id: str) -> None:
        """Remove the parts of an upload; nothing happens where none are."""
        if upload_id:
            try:
                self._ask(self.s3.abort_multipart_upload, Key=key, UploadId=upload_id)
            except (UploadGone, _Missing):
                return

    def _parts(self, key: str, upload_id: str) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = []
        marker = 0
        while True:
            page = self._ask(
                self.s3.list_parts, Key=key, UploadId=upload_id, PartNumberMarker=marker, MaxParts=1000
            )
            for part in page.get("Parts", []):
                kept = ("PartNumber", "ETag", "ChecksumCRC32", "Size")
                listed.append({name: part[name] for name in kept if name in part})
            if not page.get("IsTruncated"):
                return listed
            marker = int(page["NextPartNumberMarker"])

    def _headers(self, metadata: Mapping[str, str]) -> dict[str, Any]:
        # SAS's connector names no type of content, and what it writes is S3's default one.
        kind = {} if self.overwrites else {"ContentType": CONTENT_TYPE}
        return {**kind, "Metadata": dict(metadata), "ChecksumAlgorithm": "CRC32"}

    def _condition(self, key: str, whole: Whole) -> dict[str, str]:
        """Return on which condition S3 lets the object appear; raises Rejected (superseded), _Exists if it has.

        Where an object is replaced, it is the one that was looked at, so that of two runs the later one's stays
        (read 2026-11-30): https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
        """
        head = self._head(key) if self.overwrites else None
        if head is None:
            return {"IfNoneMatch": "*"}
        if _is(head, whole):
            raise _Exists
        if _accepted_ms(head["Metadata"]) > _accepted_ms(whole.metadata):
            raise Rejected("superseded", "a later run of a task has written the key already")
        return {"IfMatch": head["ETag"]}

    def _head(self, key: str) -> Any:
        try:
            return self._ask(self.s3.head_object, Key=key, ChecksumMode="ENABLED")
        except _Missing:
            return None

    def _own(self, key: str, whole: Whole) -> str | None:
        """Return the version of the object, None when there is none; raises Rejected when it is not the whole."""
        head = self._head(key)
        if head is None or (self.overwrites and not _is(head, whole)):
            return None
        if not _is(head, whole):
            raise Rejected("key_taken", "there is another object under the key; nothing is ever overwritten")
        return _version(head)

    def _next(self, error: Exception) -> Exception:
        """Return what a failed end of an upload means when the object is not there."""
        if self.overwrites and isinstance(error, _Exists | _Missing):
            return _Conflict("bucket", "another write to the object came first", after_s=10)
        return error if isinstance(error, _Conflict) else UploadGone()

    def _ask(self, operation: Callable[..., Any], **arguments: Any) -> Any:
        try:
            return operation(Bucket=self.bucket, **arguments)
        except (ClientError, BotoCoreError) as error:
            raise _classified(error) from None


def _is(head: Mapping[str, Any], whole: Whole) -> bool:
    found = (head["ContentLength"], head.get("ChecksumCRC32"), head["Metadata"])
    return found == (whole.size_bytes, encoded(whole.crc32), dict(whole.metadata))


def _version(answer: Mapping[str, Any]) -> str:
    """Return the version that S3 names, "" in a bucket without versions."""
    return str(answer.get("VersionId", ""))


def _accepted_ms(metadata: Mapping[str, str]) -> int:
    """Return when the object's run was accepted, 0 for an object that somebody else has written."""
    text = metadata.get(ACCEPTED_MS, "")
    return int(text) if text.isdecimal() else 0


def _classified(error: ClientError | BotoCoreError) -> Exception:
    """Return the error to raise for a refusal: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html."""
    code = code_of(error)
    if code in _OWN_ERRORS:
        return _OWN_ERRORS[code](code)
    if code in {"ConditionalRequestConflict", "409"}:
        return _Conflict("bucket", "another write to the object is going on", after_s=30)
    if code == "BadDigest":
        return _Damaged("bucket", "what reached S3 was not what was sent", after_s=10)
    return classify(error, code="bucket", after_s=10)
