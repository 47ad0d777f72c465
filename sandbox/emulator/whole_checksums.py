"""CRC-32 of a whole object uploaded in parts (FULL_OBJECT); the emulator only knows the composite checksum.

S3 compares it with the one in CompleteMultipartUpload, and returns it with the object:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html (read 2026-11-29).
"""

from __future__ import annotations

import base64
import re
import zlib
from typing import Any

from ministack.services import s3

from sandbox.emulator.hook import Function, Hook

_BEGIN = Hook("ministack.services.s3", "_create_multipart_upload", ("bucket_name", "key", "headers"))
_COMPLETE = Hook(
    "ministack.services.s3",
    "_complete_multipart_upload",
    ("bucket_name", "key", "body", "query_params", "headers"),
)

HOOKS = (_BEGIN, _COMPLETE)

_TYPE, _WHOLE = "x-amz-checksum-type", "FULL_OBJECT"
_CRC32 = "x-amz-checksum-crc32"
_UPLOAD = re.compile(rb"<UploadId>([^<]+)</UploadId>")
_NUMBER = re.compile(rb"<PartNumber>(\d+)</PartNumber>")

_Answer = tuple[int, dict[str, str], bytes]


def install() -> None:
    """Remember an upload's checksum type; at completion, compare and store the checksum of the whole object."""
    _BEGIN.replace(_begun)
    _COMPLETE.replace(_completed)


def _begun(original: Function) -> Function:
    def begin(bucket_name: str, key: str, headers: dict[str, str]) -> _Answer:
        whole = headers.get(_TYPE) == _WHOLE
        if whole and headers.get("x-amz-checksum-algorithm") not in {"CRC32", "CRC64NVME"}:
            sentence = "The FULL_OBJECT checksum type cannot be used with the specified checksum algorithm."
            refused: _Answer = s3._error("InvalidRequest", sentence, 400)
            return refused
        answer: _Answer = original(bucket_name, key, headers)
        status, answer_headers, body = answer
        found = _UPLOAD.search(body)
        if whole and status == 200 and found:
            s3._multipart_uploads[found[1].decode()][_TYPE] = _WHOLE
            answer_headers[_TYPE] = _WHOLE
        return answer

    return begin


def _completed(original: Function) -> Function:
    def complete(
        bucket_name: str,
        key: str,
        body: bytes,
        query_params: dict[str, Any],
        headers: dict[str, str] | None = None,
    ) -> _Answer:
        given = dict(headers or {})
        upload = s3._multipart_uploads.get(s3._qp(query_params, "uploadId"), {})
        if upload.get("checksum_algorithm") != "CRC32" or upload.get(_TYPE) != _WHOLE:
            answer: _Answer = original(bucket_name, key, body, query_params, headers)
            return answer
        checksum = _checksum(upload["parts"], [int(number) for number in _NUMBER.findall(body)])
        if given.pop(_CRC32, checksum) != checksum or given.get(_TYPE, _WHOLE) != _WHOLE:
            refused: _Answer = s3._error(
                "BadDigest", "The CRC32 you specified did not match what was received.", 400
            )
            return refused
        upload["checksum_algorithm"] = None  # otherwise the composite checksum would be computed and stored
        answer = original(bucket_name, key, body, query_params, given)
        upload["checksum_algorithm"] = "CRC32"
        if answer[0] == 200:
            kept = s3._ensure_bucket(bucket_name)["objects"][key]
            kept["checksums"], kept["checksum_type"] = {"CRC32": checksum}, _WHOLE
        return answer

    return complete


def _checksum(parts: dict[int, dict[str, Any]], numbers: list[int]) -> str:
    crc32 = 0
    for number in sorted(numbers):
        crc32 = zlib.crc32(parts.get(number, {}).get("body", b""), crc32)
    return base64.b64encode(crc32.to_bytes(4, "big")).decode()
