"""The suppression lists' objects in the bucket of mirrors: read whole and checked, or not at all."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from activation.aws.errors import classify, code_of
from activation.ledger.suppression_lists import NAME, StoredSet, unreadable
from activation.suppression.listed import DamagedList, Listed

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

_GONE = frozenset(("NoSuchKey", "404"))


class ListGone(Exception):
    """An object of the lists is not there, most likely because the record has moved on since it was read."""


@dataclass(frozen=True)
class ListStore:
    """The objects, below `suppressions/` in `bucket`."""

    client: S3Client
    bucket: str

    def read(self, stored: StoredSet) -> Listed:
        """Return a set.

        Raises ListGone where the object is missing, Retryable with suppressions_unreadable where it is damaged,
        and what `classify` makes of S3's other errors.
        """
        try:
            data = self.client.get_object(Bucket=self.bucket, Key=stored.key)["Body"].read()
        except ClientError as error:
            if code_of(error) in _GONE:
                raise ListGone(stored.key) from None
            raise classify(error) from None
        except BotoCoreError as error:
            raise classify(error) from None
        try:
            found = Listed.from_bytes(data) if hashlib.sha256(data).hexdigest() == stored.sha256 else None
        except DamagedList:
            found = None
        if found is None or len(found) != stored.heads:
            raise unreadable("an object of the suppression lists is damaged")
        return found

    def write(self, folder: str, name: str, listed: Listed) -> StoredSet:
        """Write a set under a folder that no earlier write has used; `name` is a platform's."""
        data, key = listed.to_bytes(), f"{NAME}/{folder}/{name}"
        self.client.put_object(Bucket=self.bucket, Key=key, Body=data)
        return StoredSet(key, len(listed), hashlib.sha256(data).hexdigest())

    def delete(self, keys: tuple[str, ...]) -> None:
        """Delete objects that no version of the record names any more."""
        for begin in range(0, len(keys), 1_000):
            some: list[ObjectIdentifierTypeDef] = [{"Key": key} for key in keys[begin : begin + 1_000]]
            self.client.delete_objects(Bucket=self.bucket, Delete={"Objects": some, "Quiet": True})
