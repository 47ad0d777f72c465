"""A run's drop opened: one object, or the files of a folder as they were listed when the run began."""

from __future__ import annotations

from dataclasses import dataclass

from activation.drops.chunk import DropReader
from activation.drops.folder_files import FolderFiles, members_of
from activation.drops.folder_header import FolderHeader, common_header
from activation.drops.folder_listing import FolderListing, load_text, save_text
from activation.drops.folder_reader import FolderReader
from activation.drops.limits import DEFAULT
from activation.drops.open import open_drop
from activation.drops.reading import Reading, with_manifest, with_metadata
from activation.drops.source import S3Source
from activation.errors import Rejected
from activation.ledger.file_plan import FilePlan
from activation.pipeline.client import OutOfTime
from activation.records import from_json, to_json
from activation.runs.invocation import Invocation
from activation.runs.undo import reading_of_copy


@dataclass(frozen=True)
class Opened:
    """A drop's reader, the ETag of its object or the digest of its listing, and how its cells are read."""

    reader: DropReader
    etag: str
    reading: Reading


def open_run(invocation: Invocation) -> Opened:
    """Open the drop of a run; raises what the reader raises, and object_changed if it is not what it was."""
    listing = invocation.listing
    return _open_folder(invocation, listing) if listing else _open_object(invocation)


def _open_object(invocation: Invocation) -> Opened:
    drop, plan = invocation.work.copy or invocation.work.drop, invocation.held.run.progress.plan
    client = invocation.connector.clients.s3
    source = S3Source.opened(
        client, drop.bucket, drop.key, drop.version_id, drop.etag, first_bytes=DEFAULT.head_bytes
    )
    _refuse_other(plan, source.etag)
    reading = plan.reading or reading_of_copy(invocation) or with_metadata(invocation.reading, source.metadata)
    reader = open_drop(
        source,
        single=invocation.located.kind.single,
        declared_encoding=reading.encoding or None,
        declared_delimiter=reading.delimiter or None,
    )
    return Opened(reader, source.etag, reading)


def _open_folder(invocation: Invocation, listing: FolderListing) -> Opened:
    plan, digest = invocation.held.run.progress.plan, listing.digest
    _refuse_other(plan, digest)
    reading = plan.reading or with_manifest(invocation.reading, listing.reading)
    key = f"{digest} {reading.encoding} {reading.delimiter}"
    files = invocation.files.get(key)
    if files is None:
        files = invocation.files[key] = FolderFiles(
            members_of(invocation.connector.clients.s3, listing),
            single=invocation.located.kind.single,
            declared_encoding=reading.encoding or None,
            declared_delimiter=reading.delimiter or None,
        )
    return Opened(FolderReader(_header(invocation, files), files), digest, reading)


def _header(invocation: Invocation, files: FolderFiles) -> FolderHeader:
    """Return the header of a folder.

    It is read from all files when the run begins, and stored beside the listing for later invocations. The reading
    in the run's record, on which it depends, is written after it, and so says that there is one. S3 would not say:
    it answers 403 for an object that is missing, since the function may not list the bucket.
    """
    plan, connector = invocation.held.run.progress.plan, invocation.connector
    client, bucket = connector.clients.s3, connector.settings.receipts_bucket
    key = f"{plan.listing.removesuffix('.json')}.header.json"
    if plan.reading is not None:
        if key not in invocation.headers:
            invocation.headers[key] = from_json(load_text(client, bucket, key), FolderHeader)
        return invocation.headers[key]
    found = common_header(files, lambda: _keep(invocation))
    save_text(client, bucket, key, to_json(found))
    invocation.headers[key] = found
    return found


def _keep(invocation: Invocation) -> None:
    if not invocation.keep_and_may_go_on():
        raise OutOfTime("out_of_time", "the headers of the folder's files are still being read", after_s=1)


def _refuse_other(plan: FilePlan, etag: str) -> None:
    if plan.etag not in ("", etag):
        raise Rejected("object_changed", "the object has changed since this run began; nothing more is sent")
