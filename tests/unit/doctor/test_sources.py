"""`doctor` on a source: what the owner of its bucket has not switched on is said, with what to do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from lambdas.doctor.sources import Source, SourceExamination, allows

ROLE = "arn:aws:iam::123456789012:role/connector"
SOURCE = Source("lake", "example-lake")
OTHERS = replace(SOURCE, account="210987654321")


@dataclass
class Lake:
    """An owner's bucket, as it was made: nothing is switched on."""

    s3: Any
    kms: Any

    def checked(self, source: Source = SOURCE, region: str = "us-east-1") -> dict[str, tuple[bool, str]]:
        """Return what `doctor` finds, by check."""
        found = SourceExamination(source, self.s3, self.kms, ROLE, region).findings()
        return {one.check.removeprefix("source lake, "): (one.ok, one.says) for one in found}

    def encrypt(self, key: str) -> None:
        """Encrypt the bucket's new objects with a KMS key, "" for AWS's own."""
        default = {"SSEAlgorithm": "aws:kms", **({"KMSMasterKeyID": key} if key else {})}
        self.s3.put_bucket_encryption(
            Bucket="example-lake",
            ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": default}]},
        )


@pytest.fixture
def lake() -> Iterator[Lake]:
    """Make the bucket."""
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="example-lake")
        yield Lake(s3, boto3.client("kms", region_name="us-east-1"))


def test_a_bucket_as_it_was_made_sends_no_events(lake: Lake) -> None:
    """Without EventBridge nothing would ever start; versions are advice, and no key is needed."""
    found = lake.checked()
    ok, says = found["events"]
    assert not ok
    assert "switch it on" in says
    kept, lost = found["versions"]
    assert kept
    assert "its successor is sent" in lost
    assert "aws s3api put-bucket-versioning --bucket example-lake" in lost
    (versions,) = (
        one
        for one in SourceExamination(SOURCE, lake.s3, lake.kms, ROLE, "us-east-1").findings()
        if one.check.endswith("versions")
    )
    assert versions.warns
    assert found["key"] == (True, "none is needed")
    assert "bucket policy" not in found


def test_a_bucket_that_is_ready_passes(lake: Lake) -> None:
    """Events and versions are on."""
    # moto keeps this setting, but leaves it out of its answer.
    answer: Any = (SimpleNamespace(status_code=200), {"EventBridgeConfiguration": {}})
    lake.s3.meta.events.register("before-call.s3.GetBucketNotificationConfiguration", lambda **_: answer)
    lake.s3.put_bucket_versioning(Bucket="example-lake", VersioningConfiguration={"Status": "Enabled"})
    found = lake.checked()
    assert found["events"] == (True, "are sent to EventBridge")
    assert found["versions"] == (True, "are kept")
    assert all(ok for ok, _ in found.values())


def test_a_bucket_of_another_region_is_a_failure(lake: Lake) -> None:
    """Its events go to EventBridge there."""
    ok, says = lake.checked(region="eu-west-1")["bucket"]
    assert not ok
    assert "the app is in eu-west-1" in says


@pytest.mark.parametrize(("region", "ok"), [("us-east-1", True), ("eu-west-1", False)])
def test_who_may_not_list_a_bucket_is_told_its_region(lake: Lake, region: str, ok: bool) -> None:
    """The daily function may not, and the region is compared all the same."""
    answer: Any = (
        SimpleNamespace(status_code=403),
        {
            "Error": {"Code": "403", "Message": "Forbidden"},
            "ResponseMetadata": {"HTTPStatusCode": 403, "HTTPHeaders": {"x-amz-bucket-region": "us-east-1"}},
        },
    )
    lake.s3.meta.events.register("before-call.s3.HeadBucket", lambda **_: answer)
    assert lake.checked(region=region)["bucket"][0] is ok


def test_a_bucket_that_is_not_there_is_a_failure(lake: Lake) -> None:
    """A misspelt name would be silent for ever."""
    assert lake.checked(replace(SOURCE, bucket="example-lak"))["bucket"] == (
        False,
        "does not exist: correct its bucket in cdk.context.json, and deploy again",
    )


def test_the_key_of_the_bucket_is_the_one_of_the_settings(lake: Lake) -> None:
    """A bucket that encrypts with a key the function may not use is told, with the key."""
    key = lake.kms.create_key()["KeyMetadata"]["Arn"]
    lake.encrypt(key)
    ok, says = lake.checked()["key"]
    assert not ok
    assert key in says
    assert lake.checked(replace(SOURCE, key_arn=key))["key"][0]
    lake.encrypt("")
    assert lake.checked()["key"] == (True, "AWS's own key aws/s3 needs no permission")
    assert not lake.checked(OTHERS)["key"][0]


def test_another_accounts_bucket_must_name_the_role(lake: Lake) -> None:
    """Without a policy, or with one that forgets the list or the versions, the owner is told what to allow."""
    ok, says = lake.checked(OTHERS)["bucket policy"]
    assert not ok
    assert says == f"must allow s3:GetObject, s3:GetObjectVersion, s3:ListBucket, s3:ListBucketVersions to {ROLE}"
    allowed: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"AWS": ROLE},
        "Action": ["s3:GetObject*"],
        "Resource": "arn:aws:s3:::example-lake/vip/*",
    }
    lake.s3.put_bucket_policy(Bucket="example-lake", Policy=json.dumps({"Statement": [allowed]}))
    assert lake.checked(OTHERS)["bucket policy"] == (
        False,
        f"must allow s3:ListBucket, s3:ListBucketVersions to {ROLE}",
    )
    allowed["Action"].append("s3:ListBucket*")
    lake.s3.put_bucket_policy(Bucket="example-lake", Policy=json.dumps({"Statement": [allowed]}))
    assert lake.checked(OTHERS)["bucket policy"] == (True, "names the function's role or account")


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        ({"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "kms:*"}, True),
        ({"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "*"}, True),
        ({"Effect": "Allow", "Principal": "*", "Action": ["kms:Decrypt"]}, True),
        ({"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "kms:*"}, False),
        ({"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::999999999999:root"}, "Action": "*"}, False),
        ({"Effect": "Deny", "Principal": {"AWS": ROLE}, "Action": "kms:*"}, False),
        ({"Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": "kms:Encrypt"}, False),
    ],
)
def test_a_policy_is_read_for_the_role_and_its_account(statement: dict[str, Any], allowed: bool) -> None:
    """Names, wildcards and accounts are understood; another principal, action or a denial is none."""
    assert allows({"Statement": [statement]}, "kms:Decrypt", ROLE) is allowed
    assert allows({"Statement": statement}, "kms:Decrypt", ROLE) is allowed
