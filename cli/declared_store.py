"""The declarations in force, in the app's bucket: read, and replaced only if nobody else has meanwhile."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from activation.aws.errors import code_of
from botocore.exceptions import BotoCoreError, ClientError

from cli import deployment
from lambdas.sync.catalogue import KEY

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class Stored:
    """What is in force, None before the first `apply`, and the ETag of that."""

    document: dict[str, Any] | None
    etag: str


def read_stored(s3: S3Client, bucket: str) -> Stored:
    """Read what is in force; end the command where it may not be read."""
    try:
        found = s3.get_object(Bucket=bucket, Key=KEY)
        with found["Body"] as body:
            return Stored(json.loads(body.read()), found["ETag"])
    except ClientError as error:
        if code_of(error) == "NoSuchKey":
            return Stored(None, "")
        deployment.fail(f"what is in force cannot be read: {code_of(error)}; the policy is SyncOperatorPolicyArn")
    except BotoCoreError as error:
        deployment.fail(f"what is in force cannot be read: {code_of(error)}")


def store(s3: S3Client, bucket: str, document: Mapping[str, Any], before: Stored) -> None:
    """Put a document in force; end the command where somebody else has put one in force since `before`."""
    condition: dict[str, Any] = {"IfMatch": before.etag} if before.etag else {"IfNoneMatch": "*"}
    body = json.dumps(document, ensure_ascii=False, indent=1).encode()
    try:
        s3.put_object(Bucket=bucket, Key=KEY, Body=body, ContentType="application/json", **condition)
    except ClientError as error:
        if code_of(error) in ("PreconditionFailed", "ConditionalRequestConflict"):
            deployment.fail("somebody else has applied declarations meanwhile: look at them, and apply again")
        deployment.fail(f"nothing was stored: {code_of(error)}; the policy is SyncOperatorPolicyArn")
    except BotoCoreError as error:
        deployment.fail(f"nothing was stored: {code_of(error)}")
