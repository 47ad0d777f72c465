"""The checks of `doctor` on a source: what the bucket's owner must have switched on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import boto3
from activation.platforms.platform import Finding
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_kms.client import KMSClient
    from mypy_boto3_s3.client import S3Client

REGION_HEADER = "x-amz-bucket-region"
UNVERSIONED = (
    "are not kept: a file that is overwritten before it is read ends as object_changed; its successor is sent"
)
NOTHING_SET = frozenset({"ServerSideEncryptionConfigurationNotFoundError", "NoSuchBucketPolicy"})


@dataclass(frozen=True)
class Source:
    """A source by its name and bucket, with its KMS key and its owner's account, "" as in the settings."""

    name: str
    bucket: str
    key_arn: str = ""
    account: str = ""


def sources_in(told: Mapping[str, Any]) -> list[Source]:
    """Return a connector's sources, as the outputs of its stack describe its settings."""
    return [
        Source(one["name"], one["bucket"], one.get("key_arn", ""), one.get("account", ""))
        for one in told.get("sources", ())
    ]


def examine_sources(sources: Sequence[Source], function_name: str) -> Iterator[Finding]:
    """Yield the findings of what a connector's function reads; raises ClientError and BotoCoreError."""
    if not sources:
        return
    reader = boto3.client("lambda").get_function_configuration(FunctionName=function_name)
    s3, kms, region = boto3.client("s3"), boto3.client("kms"), reader["FunctionArn"].split(":")[3]
    for source in sources:
        yield from SourceExamination(source, s3, kms, reader["Role"], region).findings()


@dataclass(frozen=True)
class SourceExamination:
    """One source as we may look at it, who are an operator or the daily function.

    `s3` and `kms` are our clients. `role_arn` is the role of the function that is to read the source,
    `region` the app's.
    """

    source: Source
    s3: S3Client
    kms: KMSClient
    role_arn: str
    region: str

    @property
    def account(self) -> str:
        """Return the AWS account that the app is in."""
        return self.role_arn.split(":")[4]

    def findings(self) -> Iterator[Finding]:
        """Check bucket, events, versions, key and policy; what may not be looked at is said and is no failure."""
        yield self._finding("bucket", self._bucket)
        yield self._finding("events", self._events)
        yield self._finding("versions", self._versions)
        yield self._finding("key", self._key)
        if self.source.account:
            yield self._finding("bucket policy", self._bucket_policy)

    def _finding(self, check: str, look: Callable[[], tuple[bool, str]]) -> Finding:
        try:
            ok, says = look()
        except ClientError as error:
            code = error.response["Error"]["Code"]
            ok = code not in ("404", "NoSuchBucket")
            says = (
                f"not checked, AWS answered {code}: ask the bucket's owner"
                if ok
                else "does not exist: correct its bucket in cdk.context.json, and deploy again"
            )
        return Finding(f"source {self.source.name}, {check}", ok, says, warns=says.startswith(UNVERSIONED))

    def _bucket(self) -> tuple[bool, str]:
        """Compare regions; S3 names a bucket's to those as well who may not list it, as the daily function."""
        try:
            answer: Any = self.s3.head_bucket(Bucket=self.source.bucket)
        except ClientError as error:
            answer = error.response
            if answer["ResponseMetadata"]["HTTPStatusCode"] != HTTPStatus.FORBIDDEN or not _region_in(answer):
                raise
        region = _region_in(answer) or self.region
        if region != self.region:
            return False, f"is in {region}, and its events are sent there; the app is in {self.region}"
        return True, f"is in {region}"

    def _events(self) -> tuple[bool, str]:
        found = self.s3.get_bucket_notification_configuration(Bucket=self.source.bucket)
        if "EventBridgeConfiguration" in found:
            return True, "are sent to EventBridge"
        return False, "are not sent to EventBridge: switch it on in the bucket's properties, event notifications"

    def _versions(self) -> tuple[bool, str]:
        if self.s3.get_bucket_versioning(Bucket=self.source.bucket).get("Status") == "Enabled":
            return True, "are kept"
        command = f"put-bucket-versioning --bucket {self.source.bucket} --versioning-configuration Status=Enabled"
        return True, f"{UNVERSIONED}; to keep them: aws s3api {command}"

    def _key(self) -> tuple[bool, str]:
        wanted, found = self.source.key_arn, self._default_key()
        if found == "":
            if self.source.account:
                return False, "AWS's own key aws/s3 cannot be used from another account: encrypt with another key"
            return True, "AWS's own key aws/s3 needs no permission"
        if found is not None and found.rsplit("/", 1)[-1] != wanted.rsplit("/", 1)[-1]:
            return False, f"the bucket encrypts with {found}: name that key as key_arn"
        if not wanted:
            return True, "none is needed"
        policy = self.kms.get_key_policy(KeyId=wanted, PolicyName="default")["Policy"]
        if not allows(json.loads(policy), "kms:Decrypt", self.role_arn):
            return False, f"the key's policy must allow kms:Decrypt to {self.role_arn}"
        return True, "its policy names the function's role or account"

    def _default_key(self) -> str | None:
        """Return the KMS key that the bucket encrypts with, "" for S3's own KMS key, None for no KMS."""
        try:
            found = self.s3.get_bucket_encryption(Bucket=self.source.bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] in NOTHING_SET:
                return None
            raise
        for rule in found["ServerSideEncryptionConfiguration"]["Rules"]:
            default = rule.get("ApplyServerSideEncryptionByDefault")
            if default and default["SSEAlgorithm"].startswith("aws:kms"):
                return default.get("KMSMasterKeyID", "")
        return None

    def _bucket_policy(self) -> tuple[bool, str]:
        try:
            policy = json.loads(self.s3.get_bucket_policy(Bucket=self.source.bucket)["Policy"])
        except ClientError as error:
            if error.response["Error"]["Code"] not in NOTHING_SET:
                raise
            policy = {}
        actions = ("s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "s3:ListBucketVersions")
        missing = [one for one in actions if not allows(policy, one, self.role_arn)]
        if missing:
            return False, f"must allow {', '.join(missing)} to {self.role_arn}"
        return True, "names the function's role or account"


def _region_in(answer: Mapping[str, Any]) -> str:
    """Return the region that an answer of S3 names, "" if none.

    An answer of 403 names it too, which the AWS SDK itself relies on: `S3RegionRedirectorv2` in
    https://github.com/boto/botocore/blob/develop/botocore/utils.py, read 2026-11-30.
    """
    return str(answer["ResponseMetadata"].get("HTTPHeaders", {}).get(REGION_HEADER, ""))


def allows(policy: dict[str, Any], action: str, role_arn: str) -> bool:
    """Return whether a statement of a policy allows an action to a role or to its account.

    Conditions and resources are not looked at: this finds a policy that forgot the role, and proves no access.
    """
    account, partition = role_arn.split(":")[4], role_arn.split(":")[1]
    known = {role_arn, account, f"arn:{partition}:iam::{account}:root", "*"}
    for statement in _listed(policy.get("Statement", [])):
        principal = statement.get("Principal", {})
        named = {"*"} if principal == "*" else set(_listed(principal.get("AWS", [])))
        patterns = [one.lower() for one in _listed(statement.get("Action", []))]
        fits = any(fnmatchcase(action.lower(), one) for one in patterns)
        if statement.get("Effect") == "Allow" and fits and named & known:
            return True
    return False


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
