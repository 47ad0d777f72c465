"""Ranged reads of one version of an object."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.unit.sandbox.emulator.driver import Emulator


@pytest.fixture
def versions(emulator: Emulator) -> tuple[str, str]:
    """Put two versions of one key; returns the bucket and the older version."""
    bucket, s3 = emulator.bucket(), emulator.client("s3")
    older = s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")["VersionId"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"newer")
    return bucket, older


@pytest.mark.parametrize(
    ("asked", "body", "told"),
    [
        ("bytes=3-", b"3456789", "bytes 3-9/10"),
        ("bytes=2-4", b"234", "bytes 2-4/10"),
        ("bytes=-2", b"89", "bytes 8-9/10"),
    ],
)
def test_range_of_a_version_is_206_with_its_content_range(
    emulator: Emulator, versions: tuple[str, str], asked: str, body: bytes, told: str
) -> None:
    """A range of an older version gives those bytes of that version, status 206 and the range."""
    bucket, version = versions
    answer = emulator.client("s3").get_object(Bucket=bucket, Key="k", VersionId=version, Range=asked)
    assert answer["Body"].read() == body
    assert answer["ContentRange"] == told
    assert answer["ContentLength"] == len(body)
    assert answer["VersionId"] == version
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206


def test_range_behind_the_end_is_416(emulator: Emulator, versions: tuple[str, str]) -> None:
    """A range that begins behind the last byte is refused."""
    bucket, version = versions
    with pytest.raises(ClientError) as raised:
        emulator.client("s3").get_object(Bucket=bucket, Key="k", VersionId=version, Range="bytes=10-")
    assert raised.value.response["Error"]["Code"] == "InvalidRange"


def test_version_without_a_range_is_whole(emulator: Emulator, versions: tuple[str, str]) -> None:
    """Without a range the version comes whole with status 200."""
    bucket, version = versions
    answer = emulator.client("s3").get_object(Bucket=bucket, Key="k", VersionId=version)
    assert answer["Body"].read() == b"0123456789"
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
