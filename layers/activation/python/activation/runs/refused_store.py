"""The refused identifiers of a run, kept beside its receipt until it has ended: first in pieces, then as a whole.

A piece is named by the rows it is from and written before the record says that they were read, so that a worker
that died, or has lost its lease, can only have written the same again, or a piece that no record names.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from activation.aws.errors import code_of
from activation.errors import Rejected
from activation.identifiers.refused import DamagedSet, Refused
from activation.pipeline.gathering import together

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

GONE = frozenset(("NoSuchKey", "404"))


class RefusedStore:
    """Keeps the sets of one run; `stem` is the receipt's key without its suffix."""

    def __init__(self, client: S3Client, bucket: str, stem: str) -> None:
        self._client = client
        self._bucket = bucket
        self._stem = stem

    def keep(self, setting: str, first_row: int, last_row: int, refused: Refused) -> str:
        """Write a piece and return its name."""
        name = f"{setting}-{first_row:012d}-{last_row:012d}"
        self._write(name, refused)
        return name

    def put_together(self, settings: Iterable[str], names: Iterable[str]) -> None:
        """Write the whole set of each setting from the pieces of all workers.

        Raises Rejected with too_many_refused, and with refused_gone where a piece is no longer there.
        """
        names = list(names)
        pieces = {
            setting: [partial(self._read, name) for name in names if name.startswith(f"{setting}-")]
            for setting in settings
        }
        for setting, whole in together(pieces).items():
            self._write(setting, whole)

    def whole(self, setting: str) -> Refused:
        """Return the whole set of a setting; raises Rejected with refused_gone where it is no longer there."""
        return self._read(setting)

    def remove(self) -> None:
        """Delete all that is kept."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=f"{self._stem}.refused/"
        )
        for page in pages:
            if keys := [item["Key"] for item in page.get("Contents", [])]:
                self._client.delete_objects(
                    Bucket=self._bucket, Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True}
                )

    def _write(self, name: str, refused: Refused) -> None:
        with TemporaryFile() as file:  # not in memory, which a large set would fill a second time
            refused.write(file)
            file.seek(0)
            config = TransferConfig(use_threads=False)
            self._client.upload_fileobj(file, self._bucket, self._key(name), Config=config)

    def _read(self, name: str) -> Refused:
        """Return a set; a lost one is no empty one, since everybody in it would be sent."""
        try:
            body = self._client.get_object(Bucket=self._bucket, Key=self._key(name))["Body"].read()
            return Refused.from_bytes(body)
        except DamagedSet:
            pass
        except ClientError as error:
            if code_of(error) not in GONE:
                raise
        raise Rejected(
            "refused_gone",
            "the set of those to whom the drop says no is gone, or cannot be read; redrive the run, which reads "
            "the drop through again",
        )

    def _key(self, name: str) -> str:
        return f"{self._stem}.refused/{name}.arrow"
