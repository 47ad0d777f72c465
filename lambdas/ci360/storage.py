"""The drops bucket as a transfer uses it: parts out of sight, then one object, whole, once, with its facts.

S3 fixes an object's metadata when its upload begins, and the number of rows is known when it ends. So parts go
to a staging key that no rule listens to, and the whole is then copied, inside S3, to where it belongs. Tags
could be set afterwards, but the event and the object would be there before them.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from activation.errors import ConfigError, Rejected, Retryable
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

STAGING_PREFIX = "ci360-staging/"
CONTENT_TYPE = "text/csv; charset=utf-8"
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html (read 2026-11-22)
MIN_PART_BYTES = 5 * 1024 * 1024
MAX_COPY_BYTES = 5 * 1024**3
COPY_PART_BYTES = 512 * 1024**2
_COPIES_AT_ONCE = 4
_READ_BYTES = 1024 * 1024


class UploadGone(Exception):
    """The upload is not there: completed by an earlier attempt, or ended by the bucket's lifecycle rule."""


class _Exists(Exception):
    """There is an object under the key already."""


class _Missing(Exception):
    """There is no such object."""


@dataclass(frozen=True)
class Storage:
    """Parts and objects of one bucket. Raises Retryable and ConfigError, as any call to S3 may fail."""

    s3: S3Client
    bucket: str
    max_copy_bytes: int = MAX_COPY_BYTES
    copy_part_bytes: int = COPY_PART_BYTES

    def begin(self, key: str) -> str:
        """Begin an upload of parts for `key`, which stay out of sight; gives its id."""
        answer = self._ask(
            self.s3.create_multipart_upload,
            Key=staging_key(key),
            ContentType=CONTENT_TYPE,
            ChecksumAlgorithm="CRC32",
        )
        return str(answer["UploadId"])

    def put_part(self, key: str, upload_id: str, number: int, body: bytes | bytearray) -> None:
        """Store a part; the same number again replaces it. Raises UploadGone."""
        self._ask(
            self.s3.upload_part,
            Key=staging_key(key),
            UploadId=upload_id,
            PartNumber=number,
            Body=body,
            # Given, so that the SDK does not read the part a second time; S3 compares it.
            ChecksumCRC32=base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode(),
        )

    def finish(self, key: str, upload_id: str, parts: int, size_bytes: int) -> str:
        """Put parts 1 to `parts` together under the staging key; gives the version. Raises UploadGone."""
        try:
            listed = self._parts(key, upload_id)[:parts]
            if len(listed) < parts or sum(part.pop("Size") for part in listed) != size_bytes:
                raise UploadGone
            answer = self._ask(
                self.s3.complete_multipart_upload,
                Key=staging_key(key),
                UploadId=upload_id,
                MultipartUpload={"Parts": listed},
            )
        except UploadGone:
            # An attempt whose answer was lost may have done it: parts are the same whoever makes them.
            head = self._head(staging_key(key))
            if head is None or head["ContentLength"] != size_bytes:
                raise
            return str(head["VersionId"])
        return str(answer["VersionId"])

    def _parts(self, key: str, upload_id: str) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = []
        marker = 0
        while True:
            page = self._ask(
                self.s3.list_parts,
                Key=staging_key(key),
                UploadId=upload_id,
                PartNumberMarker=marker,
                MaxParts=1000,
            )
            for part in page.get("Parts", []):
                kept = ("PartNumber", "ETag", "ChecksumCRC32", "Size")
                listed.append({name: part[name] for name in kept if name in part})
            if not page.get("IsTruncated"):
                return listed
            marker = int(page["NextPartNumberMarker"])

    def digest(self, key: str, version: str, alive: Callable[[], None]) -> str:
        """Read what is staged and give its SHA-256 in hex; `alive` is called every megabyte."""
        body = self._ask(self.s3.get_object, Key=staging_key(key), VersionId=version)["Body"]
        digest = hashlib.sha256()
        try:
            for piece in body.iter_chunks(_READ_BYTES):
                digest.update(piece)
                alive()
        except BotoCoreError as error:
            raise Retryable("bucket", f"reading the staged file broke off: {type(error).__name__}") from None
        finally:
            body.close()
        return digest.hexdigest()

    def put(self, key: str, body: bytes, facts: Mapping[str, str]) -> str:
        """Let a small file appear; gives its version. Raises Rejected (key_taken)."""
        return self._once(
            key,
            facts,
            lambda: self._ask(
                self.s3.put_object,
                Key=key,
                Body=body,
                ContentType=CONTENT_TYPE,
                Metadata=dict(facts),
                IfNoneMatch="*",
                ChecksumSHA256=base64.b64encode(bytes.fromhex(facts["sha256"])).decode(),
            ),
        )

    def copy(self, key: str, version: str, size_bytes: int, facts: Mapping[str, str]) -> str:
        """Let the staged file appear as a whole under its key; gives its version. Raises Rejected (key_taken)."""
        source = {"Bucket": self.bucket, "Key": staging_key(key), "VersionId": version}
        if size_bytes > self.max_copy_bytes:
            return self._once(key, facts, lambda: self._copy_in_parts(key, source, size_bytes, facts))
        return self._once(
            key,
            facts,
            lambda: self._ask(
                self.s3.copy_object,
                Key=key,
                CopySource=source,
                MetadataDirective="REPLACE",
                ContentType=CONTENT_TYPE,
                Metadata=dict(facts),
                IfNoneMatch="*",
            ),
        )

    def _copy_in_parts(
        self, key: str, source: Mapping[str, str], size_bytes: int, facts: Mapping[str, str]
    ) -> Mapping[str, Any]:
        begun = self._ask(self.s3.create_multipart_upload, Key=key, ContentType=CONTENT_TYPE, Metadata=dict(facts))
        upload = {"Key": key, "UploadId": begun["UploadId"]}

        def copy(number: int) -> dict[str, Any]:
            first = (number - 1) * self.copy_part_bytes
            last = min(first + self.copy_part_bytes, size_bytes) - 1
            answer = self._ask(
                self.s3.upload_part_copy,
                **upload,
                PartNumber=number,
                CopySource=source,
                CopySourceRange=f"bytes={first}-{last}",
            )
            made = answer["CopyPartResult"]
            kept = {name: value for name, value in made.items() if name == "ETag" or name.startswith("Checksum")}
            return {"PartNumber": number, **kept}

        try:
            with ThreadPoolExecutor(_COPIES_AT_ONCE) as pool:
                parts = list(pool.map(copy, range(1, -(-size_bytes // self.copy_part_bytes) + 1)))
            answer: Mapping[str, Any] = self._ask(
                self.s3.complete_multipart_upload, **upload, MultipartUpload={"Parts": parts}, IfNoneMatch="*"
            )
        except BaseException:
            self._abort(**upload)
            raise
        return answer

    def _once(self, key: str, facts: Mapping[str, str], write: Callable[[], Mapping[str, Any]]) -> str:
        """Write where nothing is, or find that an earlier attempt of this very occurrence has done so."""
        head = self._head(key)
        if head is None:
            try:
                return str(write()["VersionId"])
            except (_Exists, _Missing):
                head = self._head(key)
        if head is None:
            raise Retryable("bucket", "the object could not be written just now", after_s=10)
        if head["Metadata"] != dict(facts):
            raise Rejected("key_taken", "there is another object under the key; nothing is ever overwritten")
        return str(head["VersionId"])

    def abandon(self, key: str, upload_id: str, staged_version: str) -> None:
        """Remove what is staged, parts or whole; nothing happens where nothing is."""
        if upload_id:
            self._abort(Key=staging_key(key), UploadId=upload_id)
        if staged_version:
            # By version: otherwise the bucket would keep the data for its noncurrent days.
            self._ask(self.s3.delete_object, Key=staging_key(key), VersionId=staged_version)

    def _abort(self, **upload: str) -> None:
        try:
            self._ask(self.s3.abort_multipart_upload, **upload)
        except UploadGone:
            return

    def _head(self, key: str) -> Mapping[str, Any] | None:
        try:
            head: Mapping[str, Any] = self._ask(self.s3.head_object, Key=key)
        except _Missing:
            return None
        return head

    def _ask(self, operation: Callable[..., Any], **arguments: Any) -> Any:
        try:
            return operation(Bucket=self.bucket, **arguments)
        except ClientError as error:
            raise _meaning(error) from None
        except BotoCoreError as error:
            raise Retryable("bucket", f"S3 did not answer: {type(error).__name__}", after_s=10) from None


def staging_key(key: str) -> str:
    """Give the key under which the parts of `key` are put together."""
    return f"{STAGING_PREFIX}{hashlib.sha256(key.encode()).hexdigest()}"


def _meaning(error: ClientError) -> Exception:
    """Say what a refusal of S3's means: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html."""
    code = error.response["Error"]["Code"]
    match code:
        case "NoSuchUpload" | "InvalidPart":
            return UploadGone(code)
        case "PreconditionFailed" | "ConditionalRequestConflict" | "412" | "409":
            return _Exists(code)
        case "NoSuchKey" | "NoSuchVersion" | "404" | "NotFound":
            return _Missing(code)
        case "AccessDenied" | "NoSuchBucket" | "403" | "AllAccessDisabled" | "KMS.DisabledException":
            return ConfigError("bucket", f"the drops bucket cannot be used: {code}")
    return Retryable("bucket", f"S3 refused: {code}", after_s=10)
