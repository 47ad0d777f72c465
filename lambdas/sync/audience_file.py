"""The `_audience.json` of a declared audience: what the declaration says of it, where its runs read that.

The file belongs to the declaration. One that somebody else has written is never replaced.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from activation.aws.errors import classify, code_of
from activation.drops.audience_file import Unreadable, parse_file
from activation.drops.sidecars import AUDIENCE_FILE
from activation.errors import ConfigError
from activation.platforms.audience_options import ID
from botocore.exceptions import BotoCoreError, ClientError

from lambdas.sync.declaration import Declaration, Target

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

OWNER = "declaration"  # the object's metadata that names the declaration


def options_of(declaration: Declaration, target: Target) -> dict[str, Any]:
    """Return what the file says."""
    return {**({ID: target.audience_id} if target.audience_id else {}), **declaration.options}


def write_audience_file(client: S3Client, bucket: str, declaration: Declaration, target: Target) -> None:
    """Have the file say what the declaration does; write nothing if it does.

    Raises ConfigError (audience_file_differs) where a file is there that no declaration has written and that says
    anything else; Retryable and ConfigError where S3 cannot be used.
    """
    key, wanted = f"{target.connector}/{target.audience}/{AUDIENCE_FILE}", options_of(declaration, target)
    found = _read(client, bucket, key)
    said, is_ours = found if found is not None else ({}, True)
    if said == wanted:
        return
    if not is_ours:
        if not wanted:
            return
        raise ConfigError(
            "audience_file_differs",
            f"the audience has a file {AUDIENCE_FILE} that was not written for the declaration and says anything"
            " else: move what it says into the declaration's options, and delete the file",
        )
    try:
        client.put_object(
            Bucket=bucket,
            Key=key,
            Body=json.dumps(wanted, ensure_ascii=False).encode(),
            ContentType="application/json",
            Metadata={OWNER: declaration.name},
        )
    except (ClientError, BotoCoreError) as error:
        raise classify(error, code="storage") from None


def _read(client: S3Client, bucket: str, key: str) -> tuple[Mapping[str, Any] | None, bool] | None:
    """Return what a file says, None for what cannot be read, and whether a declaration has written it."""
    try:
        found = client.get_object(Bucket=bucket, Key=key)
        with found["Body"] as body:
            text = body.read()
    except ClientError as error:
        if code_of(error) == "NoSuchKey":
            return None
        raise classify(error, code="storage") from None
    except BotoCoreError as error:
        raise classify(error, code="storage") from None
    try:
        return parse_file(text), OWNER in found["Metadata"]
    except Unreadable:
        return None, OWNER in found["Metadata"]
