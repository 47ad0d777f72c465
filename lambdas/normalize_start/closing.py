"""What closes an export's folder: a sign, a quiet time or a schedule; and the list of its files, stored once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from activation.drops.folder_closing import Before, Closed, list_folder, list_quiet
from activation.drops.folder_listing import FolderListing, listing_key, load_listing, save_listing
from activation.drops.folder_look import SignReplaced
from activation.drops.messages import Check, CheckKind, Work
from activation.drops.places import Place, Role, place_of
from activation.drops.sidecars import is_manifest
from activation.errors import ConfigError, Rejected, Retryable
from activation.ledger.folders import Closing, Folder, Folders
from activation.ledger.keys import NO_CONNECTOR
from activation.ledger.paid_starts import PaidStarts, StartState

from lambdas.normalize_start.exports import Exports, ExportSettings
from lambdas.normalize_start.occasion import Occasion

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

SEVERAL_S = 15 * 60.0  # two manifests of one folder that come within this time belong together or not
RECORD = ".made.json"  # the ending of a report that the job keeps beside the list of its files
_TRIES = 20
_AGAIN_S = 1.0


@dataclass(frozen=True)
class Wait:
    """A folder that is looked at again after `for_s` seconds, by the message `body`."""

    body: str
    for_s: float


@dataclass(frozen=True)
class Closings:
    """Closes the folders of exports; `listings` is the bucket that lists are stored in, `clock` Unix seconds."""

    s3: S3Client
    exports: Exports
    folders: Folders
    starts: PaidStarts
    listings: str
    clock: Callable[[], float] = time.time

    def by_event(self, work: Work) -> Occasion | Wait | None:
        """Return what an object's event, or a delayed look after it, leads to.

        Raises Rejected as listing a folder does, and Retryable and ConfigError.
        """
        export = self.exports.holding(work.drop.bucket, work.drop.key)
        origin = self.exports.origin(export)
        place = place_of(origin.layout_key(work.drop.key), work.drop.size_bytes)
        if place is None or export.scheduled:
            return None
        if work.check is not None:
            return self._quiet(export, work, place)
        if place.role is Role.SIGN:
            return self._signed(export, work, place)
        if place.role is Role.PART and export.quiet_s:
            return self._noted(export, work, place)
        return None

    def by_schedule(self, export: ExportSettings, slot: str) -> Occasion | None:
        """Return the occasion of a time of a schedule, None where there is nothing new.

        Of an export that is taken whole, the job lists the files itself. Raises as `by_event` does.
        """
        if export.takes_all:
            return Occasion(export.name, slot, self._url(export.prefix))
        origin = self.exports.origin(export)
        place = place_of(origin.layout_key(export.prefix))
        assert place is not None  # noqa: S101  narrows a type: the layout is deep enough
        key = self._key(export, place)
        seen = self.folders.read(key)
        if self._is_closed(made := self._occasion(export, place, slot), seen):
            return made
        # No sign closes the folders below, so that they are the export's as well.
        closed = list_quiet(self.s3, origin, place, self._before(export, seen.closings), with_folders=True)
        if closed is None:
            return None
        if _is_unfinished(closed.listing.skipped):
            raise Rejected(
                "export_incomplete",
                "a manifest closes the folder, or a job is still writing it: an export on a schedule takes files"
                " as they are there. Leave the schedule out, so that the manifest or the _SUCCESS starts it",
            )
        return self._freeze_or_look_again(export, place, slot, closed, seen)

    def record_of(self, export: ExportSettings, slot: str) -> str:
        """Return the s3:// URL at which the job keeps the report of the drop that it makes."""
        return f"s3://{self.listings}/{_listing_key(export, slot).removesuffix('.json')}{RECORD}"

    def _signed(self, export: ExportSettings, work: Work, place: Place) -> Occasion | None:
        slot = f"sign-{work.drop.run_id(NO_CONNECTOR)[:16]}"
        seen = self.folders.read(self._key(export, place))
        if self._is_closed(made := self._occasion(export, place, slot), seen):
            return made
        before = self._before(export, seen.closings)
        try:
            closed = list_folder(self.s3, self.exports.origin(export), work.drop, place, before)
        except SignReplaced:
            return None
        if closed.ignored:
            return None
        return self._freeze_or_look_again(export, place, slot, closed, seen)

    def _noted(self, export: ExportSettings, work: Work, place: Place) -> Wait | None:
        """Note a file of a folder that a quiet time closes; the event that opens it makes the delayed look."""
        key, event = self._key(export, place), work.run_id(NO_CONNECTOR)
        seen = self.folders.read(key)
        for _ in range(_TRIES):
            now_is, noted = self.folders.note_file(key, event, {"export": export.name}, seen)
            if noted:
                wait = Wait(work.check_message(Check(CheckKind.OPEN, self.clock())), float(export.quiet_s))
                return wait if now_is.opened_by == event else None
            seen = now_is
        raise Retryable("ledger_busy", "a folder's record was overtaken again and again", after_s=10)

    def _quiet(self, export: ExportSettings, work: Work, place: Place) -> Occasion | Wait | None:
        key, event = self._key(export, place), work.run_id(NO_CONNECTOR)
        seen = self.folders.read(key)
        if not seen.opened_at or seen.opened_by != event:
            # The look that closed the folder may not have got as far as the start.
            mine = [one for one in seen.closings if not one.sign_key and one.opened_by == event]
            return self._occasion(export, place, mine[0].run_id) if mine else None
        left_s = seen.last_event + export.quiet_s - self.clock()
        if left_s > 0:
            return Wait(work.check_message(Check(CheckKind.OPEN, self.clock())), left_s)
        closed = list_quiet(self.s3, self.exports.origin(export), place, self._before(export, seen.closings))
        if closed is None:
            self.folders.note_none_open(key, seen)
            return None
        slot = f"quiet-{closed.listing.digest[:16]}"
        made = self._freeze(export, place, slot, closed, seen, undisturbed=True)
        return made or Wait(work.check_message(Check(CheckKind.OPEN, self.clock())), _AGAIN_S)

    def _freeze_or_look_again(
        self, export: ExportSettings, place: Place, slot: str, closed: Closed, seen: Folder
    ) -> Occasion:
        """Freeze; raise Retryable where another closing came between, since it may have taken the same files."""
        if made := self._freeze(export, place, slot, closed, seen):
            return made
        raise Retryable("folder_busy", "the folder was closed by another message meanwhile", after_s=5)

    def _freeze(
        self,
        export: ExportSettings,
        place: Place,
        slot: str,
        closed: Closed,
        seen: Folder,
        *,
        undisturbed: bool = False,
    ) -> Occasion | None:
        """Store the list and note the closing; return None if the folder was closed since it was `seen`.

        With `undisturbed` also if a file came since.
        """
        at = _listing_key(export, slot)
        save_listing(self.s3, self.listings, at, closed.listing)
        closing = Closing(slot, at, closed.listing.sign_key, self.clock(), closed.at)
        key, facts = self._key(export, place), {"export": export.name}
        if not self.folders.note_closing_of(key, closing, facts, seen, undisturbed=undisturbed):
            return None
        return self._occasion(export, place, slot)

    def _is_closed(self, made: Occasion, seen: Folder) -> bool:
        """Return whether an occasion has its list: its folder was closed for it, perhaps long ago."""
        return any(one.run_id == made.slot for one in seen.closings) or (
            self.starts.read(made.key).state is not StartState.NEW
        )

    def _before(self, export: ExportSettings, closings: Iterable[Closing]) -> Before:
        """Return what earlier starts took; of an export that is taken whole, only which signs they had."""
        taken = [one for one in closings if one.listing]
        signs = frozenset(one.sign_key for one in taken if self.clock() - one.at >= SEVERAL_S)
        if export.takes_all:
            return Before(signs=signs)
        listings = [self._stored(one.listing) for one in taken]
        return Before(
            at=max((one.stored_at for one in taken), default=0.0),
            files=frozenset(mark for one in listings if one for mark in one.marks),
            signs=signs,
            has_all=all(listings),
            last_sign=taken[0].sign_key if taken else None,
        )

    def _stored(self, key: str) -> FolderListing | None:
        try:
            return load_listing(self.s3, self.listings, key)
        except (Rejected, ConfigError):
            return None

    def _key(self, export: ExportSettings, place: Place) -> str:
        return self.folders.key(self.exports.bucket, self.exports.origin(export).key(place.folder), "")

    def _occasion(self, export: ExportSettings, place: Place, slot: str) -> Occasion:
        folder = self._url(self.exports.origin(export).key(place.folder))
        return Occasion(export.name, slot, folder, f"s3://{self.listings}/{_listing_key(export, slot)}")

    def _url(self, key: str) -> str:
        return f"s3://{self.exports.bucket}/{key}"


def _listing_key(export: ExportSettings, slot: str) -> str:
    return listing_key(NO_CONNECTOR, f"{export.name}-{slot}")


def _is_unfinished(skipped: Sequence[str]) -> bool:
    return any("_temporary/" in one or is_manifest(one.rsplit("/", 1)[-1]) for one in skipped)
