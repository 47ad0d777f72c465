"""Where the first rejected rows of each code are, read from the beginning of a run's list of rejects."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from activation.aws.errors import code_of

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

READ_BYTES = 256 * 1024  # some ten thousand lines; the list itself may have gigabytes
SHOWN = 10  # places of each code

Places = Mapping[str, list[str]]


def first_places(client: S3Client, bucket: str, key: str | None) -> Places:
    """Return the first places of each code in a list of rejects, such as "row 7, email"; none without a list.

    Only the list's beginning is read, so a code whose rows are all further down has no place. Raises ClientError
    as S3 answers it, unless the list is gone.
    """
    if key is None:
        return {}
    try:
        answer = client.get_object(Bucket=bucket, Key=key, Range=f"bytes=0-{READ_BYTES - 1}")
    except ClientError as error:
        if code_of(error) in ("NoSuchKey", "404"):
            return {}
        raise
    return places_in(answer["Body"].read())


def places_in(beginning: bytes) -> Places:
    """Return the first places of each code in the beginning of a list, whose last line may be cut off."""
    whole, _, _ = beginning.rpartition(b"\n")
    found: dict[str, list[str]] = {}
    for line in csv.DictReader(io.StringIO(whole.decode())):
        places = found.setdefault(line["code"], [])
        if len(places) < SHOWN and (place := _place(line)):
            places.append(place)
    return found


def _place(line: Mapping[str, str]) -> str:
    """Return one line's place in words, "" for a row that the platform refused without naming it."""
    row, column = line["row"], line["column"]
    if not row:
        return ""
    of = f"{line['file']} row {line['row_in_file']}" if line.get("file") else f"row {row}"
    return f"{of}, {column}" if column else of
