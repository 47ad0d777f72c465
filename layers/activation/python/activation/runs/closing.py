"""What closes a folder: its run lists it once, notes that in the folder's record, and goes on like any other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from activation.drops.folder_closing import Before, Closed, list_folder
from activation.drops.folder_listing import FolderListing, listing_key, load_listing, save_listing
from activation.drops.folder_look import SignReplaced
from activation.drops.locate import Located
from activation.drops.messages import Work
from activation.drops.places import Role, place_of
from activation.drops.sidecars import SUCCESS
from activation.drops.source import choice, read_error
from activation.drops.sources import Origin
from activation.errors import ConfigError, Rejected
from activation.ledger.audience_lock import Superseded
from activation.ledger.folders import Closing, Folder
from activation.ledger.runs import STOPPED
from activation.model import Drop
from activation.runs.invocation import Connector, Invocation

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SEVERAL_S = 15 * 60  # two manifests, or two files below one replace, that come in this time belong together or not
MOST_NESTED = 200  # folders below a closed one in whose records that is noted too


def is_quiet(key: str) -> bool:
    """Return whether a run's key is a folder's own, as after a quiet time; that of a whole bucket is ""."""
    return not key or key.endswith("/")


def origin_of(connector: Connector, drop: Drop) -> Origin:
    """Return where a drop is."""
    return connector.settings.origins.of(drop.bucket, drop.key)


def facts_of(located: Located, prefix: str) -> Mapping[str, str]:
    """Return what a folder's record says of it to people."""
    return {"object_prefix": prefix, "audience": located.audience.name, "action": located.audience.action}


def close_folder(invocation: Invocation) -> None:
    """List the run's folder and freeze the list, unless the run has one or its drop is a single file.

    Raises Rejected for a folder that is not to be sent, Superseded when a newer version of the sign will close it,
    Retryable and ConfigError when S3 or the ledger cannot be used.
    """
    work, place, held = invocation.work, invocation.located.place, invocation.held
    if held.run.progress.plan.listing or not (place.role is Role.SIGN or is_quiet(work.drop.key)):
        return
    connector, run_id = invocation.connector, invocation.identity.run_id
    key = listing_key(connector.settings.connector, run_id)
    client, bucket = connector.clients.s3, connector.settings.receipts_bucket
    if not is_quiet(work.drop.key):  # else it was listed when the quiet time had passed
        earlier = _earlier_listing(connector, work) if work.again else None
        if earlier is None:
            FolderClosing(connector, work, invocation.located, run_id).close()
        else:
            save_listing(client, bucket, key, earlier)
    with held.lock:
        held.run.progress.plan.listing = key
        held.save()


def closes_nothing(connector: Connector, work: Work, located: Located) -> bool:
    """Return whether a sign is only a tool's mark: `_SUCCESS` where no folder is, or beside a manifest."""
    if work.drop.key.rsplit("/", 1)[-1].lower() != SUCCESS:
        return False
    try:
        return FolderClosing(connector, work, located, work.run_id(connector.settings.connector)).look().ignored
    except (Rejected, SignReplaced):
        return False  # the run says so


@dataclass(frozen=True)
class FolderClosing:
    """The closing of a folder by the sign that `work` announces, for the run `run_id`."""

    connector: Connector
    work: Work
    located: Located
    run_id: str

    @cached_property
    def _prefix(self) -> str:
        return origin_of(self.connector, self.work.drop).key(self.located.place.folder)

    @cached_property
    def _key(self) -> str:
        return self.connector.folders.key(self.work.drop.bucket, self._prefix, self.work.ad_account)

    def look(self) -> Closed:
        """List the folder as it is now; raises what listing raises."""
        drop = self.work.drop
        seen = Folder() if self.work.again else self.connector.folders.read(self._key)
        before = before_of(self.connector, seen, self.run_id)
        return list_folder(
            self.connector.clients.s3, origin_of(self.connector, drop), drop, self.located.place, before
        )

    def close(self) -> None:
        """Note the closing, then list the folder and freeze the list.

        In this order, so that a file whose event does not find the closing was there before the list was made. A
        refused closing is noted with its code: files that come later are late all the same.
        """
        connector = self.connector
        bucket = connector.settings.receipts_bucket
        listed_at = connector.clock()
        stored_at = _written_at(connector.clients.s3, self.work) or listed_at
        key = listing_key(connector.settings.connector, self.run_id)
        closing = Closing(self.run_id, key, self.work.drop.key, listed_at, stored_at)
        self._note(self._key, closing)
        try:
            closed = self.look()
            if closed.ignored:
                raise Rejected("empty_folder", "the sign closes no folder, or one that a manifest closes")
        except (Rejected, SignReplaced) as error:
            code = error.code if isinstance(error, Rejected) else "superseded"
            self._note(self._key, replace(closing, listing="", code=code))
            if isinstance(error, SignReplaced):
                raise Superseded from None
            raise
        listing = save_listing(connector.clients.s3, bucket, key, closed.listing)
        self._note_nested(listing, closing, listed_at)

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


def before_of(connector: Connector, seen: Folder, run_id: str) -> Before:
    """Return what earlier closings took; those whose run has failed or is blocked took nothing."""
    files: set[tuple[str, str]] = set()
    signs: set[str] = set()
    at = 0.0
    for one in seen.closings:
        run = connector.ledger.read(one.run_id) if one.listing and one.run_id != run_id else None
        if not one.listing or one.run_id == run_id or (run is not None and run.state in STOPPED):
            continue
        at = max(at, one.stored_at)
        if connector.clock() - one.at >= SEVERAL_S:
            signs.add(one.sign_key)
        files |= _listed(connector, one.listing)
    return Before(at, frozenset(files), frozenset(signs))


def _listed(connector: Connector, key: str) -> frozenset[tuple[str, str]]:
    try:
        listing = load_listing(connector.clients.s3, connector.settings.receipts_bucket, key)
    except (Rejected, ConfigError):  # deleted since; the time of its sign still says what is older
        return frozenset()
    return listing.identities


def _earlier_listing(connector: Connector, work: Work) -> FolderListing | None:
    """Return the list of the run that a forced replay repeats, None where there is none any more."""
    name = connector.settings.connector
    key = listing_key(name, replace(work, again="").run_id(name))
    try:
        return load_listing(connector.clients.s3, connector.settings.receipts_bucket, key)
    except (Rejected, ConfigError):
        return None


def _written_at(client: S3Client, work: Work) -> float:
    """Return when a sign was written, in Unix seconds by S3's clock, 0 for one that is gone."""
    drop = work.drop
    try:
        head = client.head_object(Bucket=drop.bucket, Key=drop.key, **choice(drop.version_id, drop.etag))
    except (ClientError, BotoCoreError) as error:
        if (found := read_error(error)).code not in ("object_gone", "object_changed"):
            raise found from error
        return 0.0
    return head["LastModified"].timestamp()


def _nested(listing: FolderListing, origin: Origin) -> set[str]:
    """Return the folders of a listing's files other than the one that was closed."""
    places = (place_of(origin.layout_key(file.key)) for file in listing.files)
    return {origin.key(place.folder) for place in places if place is not None} - {listing.prefix}
