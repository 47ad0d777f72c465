"""The other runs of an audience, as an undo sees them: whose people it can leave out, and whose it cannot tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from activation.drops.messages import MOST_COMPARED

from cli.runs.rows import RunRow
from cli.runs.view import stored_at

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

    from cli.deployment import Deployment

AT_ONCE = 16  # reads of receipts and of versions
FOLDERS_LISTED = 50  # folders of a drop that are listed one by one
REPLACES = ("replace", "mirror")


@dataclass(frozen=True)
class OtherRuns:
    """The other runs that have written to an audience.

    The worker reads the drops of those in `compared` and leaves their people out, and so it does with what the
    mirror's state holds if `mirror` says so. `unknown` are those of which nobody can say any more whom they have
    sent. `forgotten` says that the audience was filled before the oldest run that the ledger remembers. `last_run`
    is the run that has written to the audience last, and `last_written_at` when that was noted, in Unix seconds.
    """

    compared: tuple[RunRow, ...] = ()
    unknown: tuple[RunRow, ...] = ()
    mirror: bool = False
    forgotten: bool = False
    last_run: str = ""
    last_written_at: float = 0.0

    @property
    def message(self) -> dict[str, Any]:
        """Return what the undo's message says of them."""
        runs = [one.run_id for one in self.compared]
        last = {"last_run": self.last_run, "last_written_at": self.last_written_at}
        return {"runs": runs, "mirror": self.mirror, **last}


def tell_apart(
    found: Deployment, row: RunRow, others: Sequence[RunRow], *, mirrored: bool
) -> tuple[Sequence[RunRow], Sequence[RunRow]]:
    """Return which of the `others` the worker of a run's connector can compare with it, and which it cannot.

    It cannot where the drop, a file of it or the receipt is gone, where the run is of another connector, whose
    drops it may not read, and beyond the newest of as many as a message names. What mirrors have sent is known if
    the audience is `mirrored`, else it is not. A removal that cannot be compared is in neither: nobody has to stay
    for it.
    """
    import boto3

    s3 = boto3.client("s3")
    newest = [one for one in others if one.connector == row.connector and one.action != "mirror"]
    newest = newest[:MOST_COMPARED]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        there = pool.map(lambda one: _can_be_read(found, s3, one), newest)
    compared = [one for one, is_there in zip(newest, there, strict=True) if is_there]
    told = {one.run_id for one in compared}
    unknown = [
        one
        for one in others
        if one.run_id not in told and one.action != "remove" and not (mirrored and one.action == "mirror")
    ]
    return compared, unknown


def _can_be_read(found: Deployment, s3: S3Client, row: RunRow) -> bool:
    """Return whether a run's people can be found again; of an undo its receipt alone is looked at."""
    receipt = stored_at(s3, found.receipts_bucket, row)
    if receipt is None:
        return False
    if "folder" in receipt:
        return "undoes" in receipt or _are_there(found, s3, row)
    return "undoes" in receipt or is_there(s3, receipt["drop"])


def _are_there(found: Deployment, s3: S3Client, row: RunRow) -> bool:
    """Return whether the files of a folder's run, by the list that it has kept, still exist."""
    import boto3
    from activation.aws.table import ConditionalTable, read_text
    from activation.drops.folder_listing import identity, load_listing
    from activation.errors import ActivationError
    from activation.ledger.keys import run_key
    from activation.ledger.progress import Progress
    from activation.records import DamagedRecord

    table = ConditionalTable(boto3.client("dynamodb"), found.ledger_table)
    record = table.read(run_key(row.connector, row.run_id)) or {}
    try:
        key = Progress.from_json(read_text(record, "progress")).plan.listing
        listing = load_listing(s3, found.receipts_bucket, key) if key else None
    except (ActivationError, DamagedRecord):  # deleted, or of another release
        return False
    if listing is None:
        return False
    folders = {file.key.rpartition("/")[0] for file in listing.files}
    there = set()
    for folder in folders if len(folders) < FOLDERS_LISTED else {listing.prefix}:
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=listing.bucket, Prefix=folder):
            there |= {identity(one["Key"], one["VersionId"], one["ETag"]) for one in page.get("Versions", [])}
    return listing.identities <= there


def is_there(s3: S3Client, drop: Mapping[str, Any]) -> bool:
    """Return whether the object version of a drop still exists."""
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=drop["bucket"], Prefix=drop["key"])
    versions = (one for page in pages for one in page.get("Versions", []))
    return any((one["Key"], one["VersionId"]) == (drop["key"], drop["version_id"]) for one in versions)


def replaced_since(found: Deployment, row: RunRow, others: Sequence[RunRow]) -> RunRow | None:
    """Return the newest run that has set the whole audience since a run began, None for none.

    A mirror that sent differences has not: people whom it did not know stay in the audience.
    """
    import boto3

    s3 = boto3.client("s3")
    later = [one for one in others if one.action in REPLACES and one.started_at > row.started_at]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        receipts = pool.map(lambda one: stored_at(s3, found.receipts_bucket, one), later[:MOST_COMPARED])
        sets = [_sets_all(one, receipt) for one, receipt in zip(later, receipts, strict=False)]
    sets += [True] * (len(later) - len(sets))  # of so many, some are taken to have
    return next((one for one, does in zip(later, sets, strict=True) if does), None)


def _sets_all(row: RunRow, receipt: Mapping[str, Any] | None) -> bool:
    return row.action == "replace" or ((receipt or {}).get("mirror") or {}).get("mode") != "difference"
