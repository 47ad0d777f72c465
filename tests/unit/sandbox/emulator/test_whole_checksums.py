"""The CRC-32 of a whole object that was uploaded in parts, as S3 compares and gives it."""

from __future__ import annotations

import base64
import zlib
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.unit.sandbox.emulator.driver import Emulator

BODIES = (b"0123456789abcdef" * (5 * 1024 * 64), b"end")


def encoded(crc32: int) -> str:
    """Write a CRC-32 as S3 does."""
    return base64.b64encode(crc32.to_bytes(4, "big")).decode()


def uploaded(emulator: Emulator) -> tuple[Any, dict[str, Any]]:
    """Upload the parts; returns the client and what completes the upload, without a checksum."""
    s3, where = emulator.client("s3"), {"Bucket": emulator.bucket(), "Key": "k"}
    begun = s3.create_multipart_upload(**where, ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    assert begun["ChecksumType"] == "FULL_OBJECT"
    parts = []
    for number, body in enumerate(BODIES, start=1):
        given = {"PartNumber": number, "ChecksumCRC32": encoded(zlib.crc32(body))}
        made = s3.upload_part(**where, **given, UploadId=begun["UploadId"], Body=bytearray(body))
        parts.append({**given, "ETag": made["ETag"]})
    return s3, {**where, "UploadId": begun["UploadId"], "MultipartUpload": {"Parts": parts}}


def test_the_whole_s_checksum_is_kept_with_the_object(emulator: Emulator) -> None:
    """It is that of all bytes, whatever the parts were."""
    s3, upload = uploaded(emulator)
    checksum = encoded(zlib.crc32(b"".join(BODIES)))
    s3.complete_multipart_upload(**upload, ChecksumType="FULL_OBJECT", ChecksumCRC32=checksum, IfNoneMatch="*")
    head = s3.head_object(Bucket=upload["Bucket"], Key=upload["Key"], ChecksumMode="ENABLED")
    assert (head["ChecksumType"], head["ChecksumCRC32"]) == ("FULL_OBJECT", checksum)


def test_another_checksum_makes_no_object(emulator: Emulator) -> None:
    """The upload stays as it is, and can be completed with the right one."""
    s3, upload = uploaded(emulator)
    with pytest.raises(ClientError) as refused:
        s3.complete_multipart_upload(**upload, ChecksumType="FULL_OBJECT", ChecksumCRC32="AAAAAA==")
    assert refused.value.response["Error"]["Code"] == "BadDigest"
    assert "Contents" not in s3.list_objects_v2(Bucket=upload["Bucket"])
    s3.complete_multipart_upload(**upload)


def test_only_a_crc_can_be_of_a_whole(emulator: Emulator) -> None:
    """A SHA-256 of parts cannot be made into one."""
    with pytest.raises(ClientError) as refused:
        emulator.client("s3").create_multipart_upload(
            Bucket=emulator.bucket(), Key="k", ChecksumAlgorithm="SHA256", ChecksumType="FULL_OBJECT"
        )
    assert refused.value.response["Error"]["Code"] == "InvalidRequest"
