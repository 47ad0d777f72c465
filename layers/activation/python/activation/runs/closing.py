"""What closes a folder: its run lists it once, notes that in the folder's record, and goes on like any other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from activation.drops.folder_closing import Closed, list_folder, list_quiet
from activation.drops.folder_listing import FolderListing, listing_key, save_listing
from activation.drops.folder_look import SignReplaced
from activation.drops.locate import Located
from activation.drops.messages import Work
from activation.drops.places import Role, place_of
from activation.drops.sidecars import SUCCESS, is_manifest
from activation.drops.source import choice, head_error
from activation.drops.sources import Origin
from activation.errors import Rejected, Retryable
from activation.ledger.audience_lock import Superseded
from activation.ledger.folders import Closing
from activation.model import SNAPSHOTS
from activation.runs.cold_start import Connector
from activation.runs.earlier_closings import (
    LISTING_S,
    before_of,
    closings_above,
    origin_of,
    stored_listing,
    took_files,
)
from activation.runs.invocation import Invocation

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MOST_NESTED = 200  # folders below a closed one in whose records that is noted too


class ClosesNothing(Exception):
    """The sign closes no folder, or one that something else has closed since the run began."""


def is_quiet(key: str) -> bool:
    """Return whether a run's key is a folder's own, as after a quiet time; that of a whole bucket is ""."""
    return not key or key.endswith("/")


def facts_of(located: Located, prefix: str) -> Mapping[str, str]:
    """Return what a folder's record says of it to people."""
    return {"object_prefix": prefix, "audience": located.audience.name, "action": located.audience.action}


def close_folder(invocation: Invocation) -> None:
    """List the run's folder and freeze the list, unless the run has one or its drop is a single file.

    Raises Rejected for a folder that is not to be sent, Superseded when a newer version of the sign will close it,
    ClosesNothing for a sign that has nothing to close any more, Retryable and ConfigError when S3 or the ledger
    cannot be used.
    """
    work, place, held = invocation.work, invocation.located.place, invocation.held
    if held.run.progress.plan.listing or not (place.role is Role.SIGN or is_quiet(work.drop.key)):
        return
    connector, run_id = invocation.connector, invocation.identity.run_id
    again = held.run.progress.plan.listed_again
    key = listing_key(connector.settings.connector, run_id, again)
    client, bucket = connector.clients.s3, connector.settings.receipts_bucket
    earlier = _earlier_listing(connector, work, invocation.located) if work.again else None
    if earlier is not None:
        save_listing(client, bucket, key, earlier)
    elif not is_quiet(work.drop.key):
        listing = FolderClosing(connector, work, invocation.located, run_id, again).close()
        invocation.keep_listing(key, listing)
    elif not work.again and stored_listing(connector, key) is None:
        # Else it was listed when the quiet time had passed: that was refused, and somebody has redriven it.
        FolderClosing(connector, work, invocation.located, run_id, again).close_quiet()
    with held.lock:
        held.run.progress.plan.listing = key
        held.save()


def closes_nothing(connector: Connector, work: Work, located: Located) -> bool:
    """Return whether a sign is only a tool's mark: `_SUCCESS` where no folder is, or beside a manifest."""
    if work.drop.key.rsplit("/", 1)[-1].lower() != SUCCESS:
        return False
    try:
        return FolderClosing(connector, work, located, work.run_id(connector.settings.connector)).look().ignored
    except (Rejected, SignReplaced, Retryable):
        return False  # the run says so


@dataclass(frozen=True)
class FolderClosing:
    """The closing of a folder by the sign that `work` announces, for the run `run_id`.

    `again` counts how often the run has listed it before without sending anything.
    """

    connector: Connector
    work: Work
    located: Located
    run_id: str
    again: int = 0

    @cached_property
    def _prefix(self) -> str:
        return origin_of(self.connector, self.work.drop).key(self.located.place.folder)

    @cached_property
    def _key(self) -> str:
        return self.connector.folders.key(self.work.drop.bucket, self._prefix, self.work.ad_account)

    def look(self) -> Closed:
        """List the folder as it is now; raises what listing raises."""
        drop, closings = self.work.drop, () if self.work.again else self._earlier()
        before, signed = before_of(self.connector, closings), None
        if self.located.audience.action in SNAPSHOTS:
            # What a quiet time took too early and what came after it are one export: the rest alone would take
            # out the people of the first files.
            signed = before_of(self.connector, [one for one in closings if one.sign_key])
        origin = origin_of(self.connector, drop)
        return list_folder(self.connector.clients.s3, origin, drop, self.located.place, before, signed=signed)

    def _earlier(self) -> Sequence[Closing]:
        """Return the closings before this one: of one folder in the order in which they were noted."""
        noted = self.connector.folders.read(self._key).closings
        mine = next((at for at, one in enumerate(noted) if one.run_id == self.run_id), -1)
        return [*noted[mine + 1 :], *closings_above(self.connector, self.work, self.located.place, self._holds)]

    def _holds(self, one: Closing, prefix: str) -> bool:
        """Return whether a closing took a file below a prefix; one that is still being listed may."""
        listing = stored_listing(self.connector, one.listing)
        if listing is None:
            return self.connector.clock() - one.at < LISTING_S
        return any(file.key.startswith(prefix) for file in listing.files)

    def close(self) -> FolderListing:
        """Note the closing, then list the folder, freeze the list, and return it.

        In this order, so that a file whose event does not find the closing was there before the list was made. A
        refused closing is noted with its code: files that come later are late all the same.
        """
        connector = self.connector
        bucket = connector.settings.receipts_bucket
        listed_at = connector.clock()
        stored_at = _written_at(connector.clients.s3, self.work) or listed_at
        key = listing_key(connector.settings.connector, self.run_id, self.again)
        closing = Closing(self.run_id, key, self.work.drop.key, listed_at, stored_at)
        self._note(self._key, closing)
        try:
            closed = self.look()
            if closed.ignored:
                raise ClosesNothing
            self._refuse_stale(closed.listing)
        except (Rejected, SignReplaced, ClosesNothing) as error:
            code = error.code if isinstance(error, Rejected) else "superseded"
            self._note(self._key, replace(closing, listing="", code=code))
            if isinstance(error, SignReplaced):
                raise Superseded from None
            raise
        listing = save_listing(connector.clients.s3, bucket, key, closed.listing)
        self._note_nested(listing, closing, listed_at)
        return listing

    def _refuse_stale(self, listing: FolderListing) -> None:
        """Raise Rejected (stale_files) where files are left over that a late file may belong to.

        Whoever writes only that file and the sign again answers the report of it, and the run would take out all
        the people of the other files. Without a late file they are what is left of a longer export before.
        """
        if self.located.audience.action not in SNAPSHOTS or self._has_manifest:
            return
        late = self._late_files() or sum(self._late_below(listing))
        if count := late and (len(listing.stale) or self._deleted_since(listing, late)):
            raise Rejected(
                "stale_files",
                f"{count:,} file{'s' * (count != 1)} of the folder {'were' if count != 1 else 'was'} not written"
                " again since a file came late: without them their people would be taken out, so nothing was sent."
                " Write all files again and the sign last, or a manifest, which says what belongs together; or"
                " delete what is left over and still there, then redrive",
            )

    def _deleted_since(self, listing: FolderListing, late: int) -> int:
        """Return how many files were sent before, deleted since by the app, and not written again.

        0 where as many files were written as then, besides the late ones: a job may give its files other names
        each time.
        """
        if not self.connector.settings.deletes_final_drops:
            return 0
        for one in self._earlier():
            if took_files(one, self.connector.ledger.read(one.run_id) if one.listing else None):
                sent = stored_listing(self.connector, one.listing)
                here = {file.key for file in listing.files}
                if sent is None or len(here) - late >= len(sent.files):
                    return 0
                return sum(file.key not in here for file in sent.files)
        return 0

    @property
    def _has_manifest(self) -> bool:
        return is_manifest(self.work.drop.key.rsplit("/", 1)[-1].lower())

    def _late_files(self) -> int:
        """Return how many files came late since a closing took the folder's files."""
        late = 0
        for one in self.connector.folders.read(self._key).closings:
            if one.run_id != self.run_id and took_files(one, self.connector.ledger.read(one.run_id)):
                break
            late += one.late_files
        return late

    def _late_below(self, listing: FolderListing) -> Iterator[int]:
        """Yield how many files came late into each folder below, whose closing is not noted yet."""
        folders = self.connector.folders
        for prefix in sorted(_nested(listing, origin_of(self.connector, self.work.drop)))[:MOST_NESTED]:
            yield folders.read(folders.key(listing.bucket, prefix, self.work.ad_account)).late_files

    def close_quiet(self) -> None:
        """List a folder without a sign again, and freeze the list."""
        connector, listed_at = self.connector, self.connector.clock()
        before = before_of(connector, self._earlier())
        origin = origin_of(connector, self.work.drop)
        closed = list_quiet(connector.clients.s3, origin, self.located.place, before)
        if closed is None:
            raise Rejected("empty_folder", "the folder has no new file any more")
        key = listing_key(connector.settings.connector, self.run_id, self.again)
        save_listing(connector.clients.s3, connector.settings.receipts_bucket, key, closed.listing)
        self._note(self._key, Closing(self.run_id, key, "", listed_at, closed.at))

    def _note(self, key: str, closing: Closing) -> None:
        self.connector.folders.note_closing(key, closing, facts_of(self.located, self._prefix))

    def _note_nested(self, listing: FolderListing, closing: Closing, listed_at: float) -> None:
        """Note the closing for the folders below, too, but for those in which a file has arrived since."""
        folders = self.connector.folders
        for prefix in sorted(_nested(listing, origin_of(self.connector, self.work.drop)))[:MOST_NESTED]:
            key = folders.key(listing.bucket, prefix, self.work.ad_account)
            seen = folders.read(key)
            if seen.last_event <= listed_at:
                folders.note_closing_of(
                    key, closing, facts_of(self.located, prefix), seen, undisturbed=seen.files > 0
                )


def _earlier_listing(connector: Connector, work: Work, located: Located) -> FolderListing | None:
    """Return the list of the run that a forced replay repeats, None where there is none any more.

    The run of a sign without a version is found by the sign's key, since its name depends on the event.
    """
    name, origin = connector.settings.connector, origin_of(connector, work.drop)
    run_id = replace(work, again="").run_id(name)
    run = connector.ledger.read(run_id)
    found = stored_listing(connector, (run and run.progress.plan.listing) or listing_key(name, run_id))
    if found is not None or work.drop.is_versioned:
        return found
    record = connector.folders.key(work.drop.bucket, origin.key(located.place.folder), work.ad_account)
    closings = connector.folders.read(record).closings
    mine = next((one for one in closings if one.listing and one.sign_key == work.drop.key), None)
    return stored_listing(connector, mine.listing) if mine else None


def _written_at(client: S3Client, work: Work) -> float:
    """Return when a sign was written, in Unix seconds by S3's clock, 0 for one that is gone."""
    drop = work.drop
    try:
        head = client.head_object(Bucket=drop.bucket, Key=drop.key, **choice(drop.version_id, drop.etag))
    except (ClientError, BotoCoreError) as error:
        if (found := head_error(client, drop.bucket, drop.key, error)).code not in (
            "object_gone",
            "object_changed",
        ):
            raise found from error
        return 0.0
    return head["LastModified"].timestamp()


def _nested(listing: FolderListing, origin: Origin) -> set[str]:
    """Return the folders of a listing's files other than the one that was closed."""
    places = (place_of(origin.layout_key(file.key)) for file in listing.files)
    return {origin.key(place.folder) for place in places if place is not None} - {listing.prefix}
