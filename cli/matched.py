"""How many members a platform matched, as the newest receipt of an audience says: TikTok's do."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from activation.ledger.audiences import EstimatedSize
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

    from cli.known_audiences import KnownAudience

READERS = 8


def with_matched(client: S3Client, bucket: str, known: Sequence[KnownAudience]) -> list[KnownAudience]:
    """Return audiences, those without an estimated size with what the receipt of their last run says of matches.

    `bucket` is that of receipts. Raises what reading it raises, but for a receipt that is not there.
    """

    def read(one: KnownAudience) -> KnownAudience:
        told = one.described
        if one.estimated_sizes or not told["last_run"]:
            return one
        key = f"receipts/{told['connector']}/{one.name}/{told['last_run']}.json"
        try:
            receipt = json.loads(client.get_object(Bucket=bucket, Key=key)["Body"].read())
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                return one
            raise
        return replace(one, matched=matched_in(receipt))

    with ThreadPoolExecutor(READERS) as pool:
        return list(pool.map(read, known))


def matched_in(receipt: dict[str, Any]) -> EstimatedSize | None:
    """Return the members that a receipt says were matched, with its day; None where it says nothing."""
    members = str(receipt.get("platform_notes", {}).get("matched_members", ""))
    if not members.isdecimal():
        return None
    return EstimatedSize(str(receipt.get("written_at", ""))[:10], int(members), int(members))
