"""Receipts in their bucket: written only where that loses nothing of what a final one says, and their pages."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from activation.aws.errors import code_of
from activation.errors import Retryable, where
from activation.ledger.runs import FINAL
from activation.report.page import document
from activation.report.places import first_places

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

_LOG = logging.getLogger(__name__)
TRIES = 5  # how often another writer may come between our read and our write
# What S3 answers where the object is not as the write expects: another version, one at all, none any more.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html, read 2026-11-29; a role needs
# s3:PutObject for If-None-Match, and s3:GetObject as well for If-Match.
_CHANGED = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
_GONE = frozenset({"NoSuchKey", "404"})


def write(client: S3Client, bucket: str, key: str, receipt: Mapping[str, Any]) -> bool:
    """Write a receipt unless the one that is stored says more; return whether it was written.

    An interim receipt is replaced by every later one, a final one only by one that says as much (`outranks`).
    Raises Retryable when others kept writing the same receipt meanwhile, and ClientError as S3 answers it.
    """
    body = json.dumps(receipt, indent=2, ensure_ascii=False).encode()
    # An S3 without the stored receipt answers the first call; only a replacement takes two more.
    expected: dict[str, str] = {"IfNoneMatch": "*"}
    for _ in range(TRIES):
        try:
            client.put_object(
                Bucket=bucket,
                Key=key,
                Body=body,
                ContentType="application/json",
                **expected,  # type: ignore[arg-type]  # the stubs want each condition by its name
            )
        except ClientError as error:
            if code_of(error) not in _CHANGED | _GONE:
                raise
        else:
            return True
        stored, tag = _read(client, bucket, key)
        if stored is not None and outranks(stored, receipt):
            return False
        expected = {"IfMatch": tag} if stored is not None else {"IfNoneMatch": "*"}
    raise Retryable("receipt_contended", "others kept writing this receipt", after_s=10)


def write_page(client: S3Client, bucket: str, stem: str, receipt: Mapping[str, Any]) -> None:
    """Write the page of a receipt that `write` has just written, as `<stem>.html`.

    Raises nothing. A page that cannot be drawn or written is left out, which is logged: the receipt says the same,
    and a run must not fail for its picture.
    """
    try:
        page = document(receipt, first_places(client, bucket, receipt["rejects_key"]))
        client.put_object(
            Bucket=bucket, Key=f"{stem}.html", Body=page.encode(), ContentType="text/html; charset=utf-8"
        )
    except Exception as error:  # noqa: BLE001  whatever it is, it is the page's trouble and not the run's
        _LOG.error("the receipt's page cannot be made: %s at %s", type(error).__name__, where(error))


def read_final(client: S3Client, bucket: str, key: str) -> Mapping[str, Any] | None:
    """Return the stored receipt of a run that has ended for good, None where there is none."""
    stored = read(client, bucket, key)
    return stored if stored is not None and stored.get("state") in FINAL else None


def read(client: S3Client, bucket: str, key: str) -> Mapping[str, Any] | None:
    """Return a stored receipt, None where there is none.

    It is listed first: without the right to list the whole bucket, S3 answers 403 to a read of what is not there.
    """
    listed = client.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("Contents", [])
    if not any(one.get("Key") == key for one in listed):
        return None
    stored, _ = _read(client, bucket, key)
    return stored


def outranks(stored: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Return whether a stored receipt must stay: it is final, and the new one would take something from it.

    A run that ended well stays so, with at least as many acknowledged rows. One that failed or is blocked keeps
    the rows it counts, until its run ends well.
    """
    if not stored.get("final"):
        return False
    ended_well = stored.get("state") in FINAL
    if new.get("state") in FINAL and not ended_well:
        return False
    if ended_well and new.get("state") not in FINAL:
        return True
    return _acknowledged(new) < _acknowledged(stored)


def _acknowledged(receipt: Mapping[str, Any]) -> int:
    count = receipt.get("rows", {}).get("acknowledged", 0)
    return count if isinstance(count, int) else 0


def _read(client: S3Client, bucket: str, key: str) -> tuple[Mapping[str, Any] | None, str]:
    """Return the stored receipt and its entity tag; None where there is none, an empty one for damaged text."""
    try:
        answer = client.get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if code_of(error) in _GONE:
            return None, ""
        raise
    try:
        found = json.loads(answer["Body"].read())
    except ValueError:
        found = {}
    return (found if isinstance(found, dict) else {}), answer["ETag"]
