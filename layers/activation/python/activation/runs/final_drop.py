"""A drop of a run that is final: deleted from the app's own bucket, since nothing reads it again.

Three kinds stay until the bucket's lifecycle deletes them. One that another run still needs: a forced replay, or
one for another ad account, that has begun and is not final. A file directly below `replace` beside which another
one was written, since the two block each other as long as both are there. And a folder below `replace` of a
connector whose folders a quiet time may close: a sign that comes later sends its files again.

A file directly below its identifiers or action waits for FLAT_S: whether it is a drop of its own, or one of
several that belong together, is only settled then. A checksum of one that has added people is kept, so that an
undo can take a person's own copy of it, which is deleted in turn once that undo is final.

Nothing is ever deleted in a source. An export of the sync is left to the sync, which deletes its whole folder,
what failed attempts left in it, and earlier slots' folders.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from activation.aws.errors import classify
from activation.drops.checksum import checksum
from activation.drops.folder_listing import FolderFile
from activation.drops.forgetting import is_forgetting
from activation.drops.limits import DEFAULT
from activation.drops.locate import Located, locate
from activation.drops.messages import Work
from activation.drops.places import Role, place_of
from activation.drops.sidecars import EXPORT_MANIFEST
from activation.drops.source import S3Source
from activation.drops.sources import Origin
from activation.errors import ConfigError, Rejected, Retryable
from activation.ledger.runs import FINAL, Run
from activation.model import EVENTS, Action, Drop
from activation.runs.cold_start import Connector
from activation.runs.earlier_closings import SEVERAL_S, closings_above, stored_listing
from activation.runs.replace_guard import files_below
from activation.runs.undo import REFUSED

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

FLAT_S = SEVERAL_S  # no longer than SQS delays a message
_CHECKSUM_BYTES = 2_000_000_000  # what a function reads in less than half of its time, at 30 MB/s
_DELETED_AT_ONCE = 1_000  # https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html, read 2026-11-30


def discard_final_drop(connector: Connector, work: Work, run: Run) -> None:
    """Delete the drop of a run that is final, or queue the message by which it is deleted later.

    Does nothing where the settings keep drops, but for those of a forget; nor for a source or an export. The copy
    that an undo reads is deleted whatever the settings say, also once the undo is refused, since another one then
    reads a copy of its own. May be called any number of times. Raises Retryable where AWS is busy; a drop that
    cannot be deleted for another reason is left to the bucket's lifecycle.
    """
    is_copy = work.copy is not None
    deletes = connector.settings.deletes_final_drops or is_forgetting(work.drop.key) or is_copy
    is_over = run.state in FINAL or (is_copy and run.code == REFUSED)
    if not deletes or work.part is not None or not is_over:
        return
    if work.drop.key.endswith(f"/{EXPORT_MANIFEST}"):
        return
    final = _FinalDrop(connector, work, run)
    if final.origin.is_source or final.located is None or not work.drop.is_versioned:
        return
    try:
        final.discard(final.located)
    except (ClientError, BotoCoreError) as error:
        found = classify(error, code="storage")
        if isinstance(found, Retryable):
            raise found from error


@dataclass(frozen=True)
class _FinalDrop:
    connector: Connector
    work: Work
    run: Run

    @cached_property
    def origin(self) -> Origin:
        return self.connector.settings.origins.of(self.work.drop.bucket, self.work.drop.key)

    @cached_property
    def located(self) -> Located | None:
        """Return what the key says; None where it says nothing any more, as under another platform."""
        platform, settings = self.connector.platform, self.connector.settings
        try:
            return locate(
                self.origin.layout_key(self.work.drop.key),
                connector=settings.connector,
                table=platform.table,
                actions=platform.limits.actions,
            )
        except Rejected:
            return None

    def discard(self, located: Located) -> None:
        if self.work.copy is not None:
            self._is_needed()  # which notes that this run does not need the drop any more
            self._delete_versions([self.work.copy])
            return
        listing = self.run.progress.plan.listing
        is_flat = located.place.role is Role.FILE and not listing
        left_s = self.run.updated_at + FLAT_S - self.connector.clock() if is_flat else 0.0
        if left_s > 0:
            self._look_later(left_s)
        elif not self._is_needed() and not self._stays(located, in_folder=bool(listing)):
            if not listing:
                self._keep_checksum(located)
            self._delete(listing)

    def _keep_checksum(self, located: Located) -> None:
        """Keep the checksum of a drop whose people an undo may remove."""
        drop, connector = self.work.drop, self.connector
        adds = located.audience.action is Action.ADD and located.kind != EVENTS and not self.work.undo
        if not adds or not self.run.progress.tally.acknowledged or drop.size_bytes > _CHECKSUM_BYTES:
            return
        try:
            source = S3Source.opened(
                connector.clients.s3, drop.bucket, drop.key, drop.version_id, first_bytes=DEFAULT.head_bytes
            )
            found = checksum(source, drop)
        except (
            Rejected,
            ConfigError,
            Retryable,
        ):  # it is gone, since the message has come twice, or not to be read
            return  # the deletion never waits for it
        connector.drop_users.note_checksum(drop, found)

    def _look_later(self, after_s: float) -> None:
        self.connector.clients.sqs.send_message(
            QueueUrl=self.connector.settings.queue_url,
            MessageBody=self.work.next_message(),
            DelaySeconds=max(1, min(int(FLAT_S), round(after_s))),
        )

    def _is_needed(self) -> bool:
        """Return whether another run of the drop has begun and is not final."""
        connector, work = self.connector, self.work
        own = replace(work, again="", ad_account="").run_id(connector.settings.connector)
        mine = work.run_id(connector.settings.connector)
        if mine != own:
            connector.drop_users.end(work.drop, mine)
            first = connector.ledger.read(own)
            if first is not None and first.state not in FINAL:
                return True
        return connector.drop_users.is_used(work.drop)

    def _stays(self, located: Located, *, in_folder: bool) -> bool:
        """Return whether a replace is left for what may still be written beside it."""
        if located.audience.action is not Action.REPLACE:
            return False
        if in_folder:
            return self.connector.settings.folders.quiet_s > 0
        written = files_below(self.connector.clients.s3, self.origin, located.place.base)
        mine = written.pop(self.work.drop.key, None)
        return mine is not None and any(abs((at - mine).total_seconds()) < SEVERAL_S for at in written.values())

    def _delete(self, listing: str) -> None:
        """Delete the object version, or those of the files in the folder's listing; the sign holds nobody."""
        self._delete_versions(list(self._unused(listing)) if listing else [self.work.drop])

    def _delete_versions(self, drops: Sequence[Drop]) -> None:
        """Delete object versions of the app's own bucket."""
        client = self.connector.clients.s3
        keys: list[ObjectIdentifierTypeDef] = [{"Key": one.key, "VersionId": one.version_id} for one in drops]
        for at in range(0, len(keys), _DELETED_AT_ONCE):
            some = keys[at : at + _DELETED_AT_ONCE]
            answer = client.delete_objects(Bucket=drops[at].bucket, Delete={"Objects": some, "Quiet": True})
            codes = [one.get("Code", "") for one in answer.get("Errors", [])]
            if codes:
                raise ClientError({"Error": {"Code": codes[0], "Message": codes[0]}}, "DeleteObjects")

    def _unused(self, listing: str) -> Iterator[Drop]:
        """Yield the folder's files as they were sent, and their earlier versions, else the current ones again.

        A version that has a run of its own is deleted when that is final.
        """
        found = stored_listing(self.connector, listing)
        if found is None:
            return
        sent = {file.key: file for file in found.files}
        drops = [self._drop(file.key, file.version_id, file.size_bytes) for file in found.files]
        if all(one.is_versioned for one in drops) and self._is_only_run_left(found.prefix):
            drops += [self._drop(*one) for one in self._earlier(found.prefix, sent)]
        for one in drops:
            place = place_of(self.origin.layout_key(one.key), one.size_bytes)
            if place is not None and place.role is Role.FILE:
                run = self.connector.ledger.read(one.run_id(self.connector.settings.connector))
                if run is not None:
                    continue
            if one.is_versioned:
                yield one

    def _is_only_run_left(self, prefix: str) -> bool:
        """Return whether all other closings of the folder, and of those above it, have ended for good.

        A redrive of one that is blocked or has failed reads what was overwritten since.
        """
        connector, work, located = self.connector, self.work, self.located
        key = connector.folders.key(work.drop.bucket, prefix, work.ad_account)
        noted = [*connector.folders.read(key).closings]
        noted += closings_above(connector, work, located.place, lambda *_: True) if located else ()
        mine = work.run_id(connector.settings.connector)
        runs = [connector.ledger.read(one.run_id) for one in noted if one.run_id != mine]
        return not work.ad_account and all(run is None or run.state in FINAL for run in runs)

    def _earlier(self, prefix: str, sent: Mapping[str, FolderFile]) -> Iterator[tuple[str, str, int]]:
        """Yield key, version and size of what the files had overwritten; S3 lists a key's newest version first."""
        client, passed = self.connector.clients.s3, set[str]()
        pages = client.get_paginator("list_object_versions").paginate(Bucket=self.work.drop.bucket, Prefix=prefix)
        for one in (one for page in pages for one in page.get("Versions", ())):
            key, version = one["Key"], one["VersionId"]
            if key in passed:
                yield key, version, one["Size"]
            elif key in sent and version == sent[key].version_id:
                passed.add(key)

    def _drop(self, key: str, version_id: str, size_bytes: int) -> Drop:
        return Drop(self.work.drop.bucket, key, version_id, "", size_bytes)
