"""How many rows a drop holds that is not sent, for the receipt that says so."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from activation.drops.chunk import DropReader
from activation.drops.open import open_drop
from activation.drops.source import S3Source
from activation.errors import ActivationError
from activation.model import Cursor
from activation.runs.invocation import Invocation


@dataclass(frozen=True)
class HeldRows:
    """The rows that were counted; `whole` says that the end of the file was reached."""

    rows: int
    whole: bool


def count_rows(invocation: Invocation) -> HeldRows:
    """Count the rows of the drop, as far as this invocation's time and the file's form allow; raises LeaseLost.

    Nothing of it is sent, so a file that cannot be read on is no failure.
    """
    rows = 0
    with suppress(ActivationError, ClientError, BotoCoreError):
        for chunk in _open(invocation).chunks(Cursor()):
            rows = chunk.first_row + chunk.row_count - 1
            if not invocation.keep_and_may_go_on():
                return HeldRows(rows, whole=False)
        return HeldRows(rows, whole=True)
    return HeldRows(rows, whole=False)


def _open(invocation: Invocation) -> DropReader:
    drop, reading = invocation.work.drop, invocation.reading
    return open_drop(
        S3Source.of(invocation.connector.clients.s3, drop.bucket, drop.key, drop.version_id, drop.etag),
        single=invocation.located.kind.single,
        declared_encoding=reading.encoding or None,
        declared_delimiter=reading.delimiter or None,
    )
