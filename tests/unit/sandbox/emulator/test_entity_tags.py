"""Entity tags of large bodies, which are no MD5, and of small ones, which are."""

from __future__ import annotations

import base64
import hashlib

import pytest
from botocore.exceptions import ClientError

from tests.unit.sandbox.emulator.driver import Emulator

LARGE = b"0123456789abcdef" * (5 * 1024 * 64)


def test_parts_are_put_together_under_the_tags_they_were_given(emulator: Emulator) -> None:
    """A part's tag is its own for as long as it is there, and the object is the parts."""
    bucket, s3 = emulator.bucket(), emulator.client("s3")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    parts = []
    for number, body in enumerate((LARGE, LARGE[::-1], b"end"), start=1):
        made = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=number, Body=body)
        parts.append({"PartNumber": number, "ETag": made["ETag"]})
    assert len({part["ETag"] for part in parts}) == 3
    listed = s3.list_parts(Bucket=bucket, Key="k", UploadId=upload)["Parts"]
    assert [part["ETag"] for part in listed] == [part["ETag"] for part in parts]
    s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload, MultipartUpload={"Parts": parts})
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == LARGE + LARGE[::-1] + b"end"


def test_a_wrong_tag_is_refused(emulator: Emulator) -> None:
    """What is put together has to be what was uploaded."""
    bucket, s3 = emulator.bucket(), emulator.client("s3")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=LARGE)
    parts = [{"PartNumber": 1, "ETag": f'"{"0" * 32}"'}]
    with pytest.raises(ClientError) as refused:
        s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload, MultipartUpload={"Parts": parts})
    assert refused.value.response["Error"]["Code"] == "InvalidPart"


def test_small_bodies_have_their_md5(emulator: Emulator) -> None:
    """As S3 has it for an object put at once."""
    bucket, s3 = emulator.bucket(), emulator.client("s3")
    tag = s3.put_object(Bucket=bucket, Key="k", Body=b"small")["ETag"]
    assert tag == f'"{hashlib.md5(b"small").hexdigest()}"'


def test_content_md5_is_still_compared(emulator: Emulator) -> None:
    """Whoever sends the digest of a large body is told when it does not fit."""
    bucket, s3 = emulator.bucket(), emulator.client("s3")
    right, wrong = (base64.b64encode(hashlib.md5(body).digest()).decode() for body in (LARGE, b""))
    s3.put_object(Bucket=bucket, Key="k", Body=LARGE, ContentMD5=right)
    with pytest.raises(ClientError) as refused:
        s3.put_object(Bucket=bucket, Key="k", Body=LARGE, ContentMD5=wrong)
    assert refused.value.response["Error"]["Code"] == "BadDigest"
