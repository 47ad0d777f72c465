"""The files of a folder as they are announced: noted until a sign closes it, looked at again when they are late.

A file sends nothing by its own event. The event that opens a folder queues a delayed message that looks at it
until it is closed: it closes the folder after a quiet time, where the settings say one, and reports a folder that
stays open. A file that comes after its folder was closed queues one of its own, which waits for another sign.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from activation.drops.folder_closing import Closed, list_quiet
from activation.drops.folder_listing import listing_key, load_listing, save_listing
from activation.drops.locate import Located
from activation.drops.messages import Check, CheckKind, Work
from activation.errors import Rejected, Retryable
from activation.ledger.folders import Closing, Folder
from activation.report.announce import FOLDER_OPEN
from activation.runs.cold_start import Connector
from activation.runs.earlier_closings import before_of, origin_of
from activation.runs.effects import refuse_key
from activation.runs.folder_file import LISTING_AGAIN_S, FolderFile
from activation.runs.known_listings import KnownListings
from activation.runs.late_file import LateFile
from activation.runs.telemetry import Telemetry

_TRIES = 20


@dataclass(frozen=True)
class FolderEvents:
    """Handles the events of files that belong to folders, and the delayed messages that look after them."""

    connector: Connector
    telemetry: Telemetry

    @cached_property
    def _listings(self) -> KnownListings:
        return KnownListings(self.connector)

    def _file(self, work: Work, located: Located) -> FolderFile:
        return FolderFile(self.connector, self._listings, work, located)

    def is_sent_with_folder(self, work: Work, located: Located) -> bool:
        """Return whether a folder's listing has a file that lies directly below its audience."""
        file = self._file(work, located)
        return self._listings.have(file.closings(file.read_folder()), work.drop)

    def note(self, work: Work, located: Located) -> None:
        """Note a file that was announced, and see to it that somebody looks at it again."""
        folders, file = self.connector.folders, self._file(work, located)
        seen = file.read_folder()
        for _ in range(_TRIES):
            closings = file.closings(seen)
            if self._listings.have(closings, work.drop):
                self.telemetry.file_settled("listed")
                return
            now_is, noted = folders.note_file(file.key, file.event, file.facts, seen)
            if noted:
                break
            seen = now_is
        else:
            raise Retryable("ledger_busy", "a folder's record was overtaken again and again", after_s=10)
        self.telemetry.file_noted(open_files=now_is.files)
        if now_is.opened_by == file.event:
            self._look_again(file, Check(CheckKind.OPEN, self.connector.clock()), now_is, closings)
        if closings:
            check = Check(CheckKind.LATE, self.connector.clock())
            file.queue_check(check, self.connector.settings.folders.late_s)

    def check(self, work: Work, located: Located) -> Work | None:
        """Look at a folder, or at a late file; return what is to be sent as a run of its own, None for nothing."""
        assert work.check is not None  # noqa: S101  narrows a type
        file = self._file(work, located)
        seen = file.read_folder()
        if work.check.kind is CheckKind.LATE:
            return LateFile(file, self.telemetry).check(work.check, seen)
        self._check_open(file, work.check, seen)
        return None

    def _check_open(self, file: FolderFile, check: Check, seen: Folder) -> None:
        """Close a folder in which nothing has arrived for the quiet time, or report one open for too long."""
        if not seen.opened_at or seen.opened_by != file.event:
            for one in seen.closings:
                if not one.sign_key and one.listing and one.opened_by == file.event:
                    self._begin_quiet_run(file, one)  # its message may not have been queued
            return
        times, now = self.connector.settings.folders, self.connector.clock()
        closings = file.closings(seen)
        if any(map(self._listings.is_being_made, closings)):
            file.queue_check(check, LISTING_AGAIN_S)
            return
        if file.is_closable(closings) and now - seen.last_event >= times.quiet_s:
            self._close_quiet(file, seen, closings)
            return
        if not check.told and now - seen.opened_at >= times.open_s:
            if closings and self._list_quiet(file, closings) is None:  # closed by a folder above
                self.connector.folders.note_none_open(file.key, seen)
                return
            check = replace(check, told=True)
            self.telemetry.folder_overdue()
            file.announce(
                FOLDER_OPEN,
                "folder_open",
                f"a folder has been open for {times.open_s / 3600:.3g} hours; it waits for _SUCCESS or a manifest,"
                " and nothing of it is sent before",
            )
        self._look_again(file, check, seen, closings)

    def _list_quiet(self, file: FolderFile, closings: Sequence[Closing]) -> Closed | None:
        before, origin = before_of(self.connector, closings), origin_of(self.connector, file.work.drop)
        return list_quiet(self.connector.clients.s3, origin, file.located.place, before)

    def _close_quiet(self, file: FolderFile, seen: Folder, closings: Sequence[Closing]) -> None:
        """List the folder, freeze the list and queue its run."""
        connector = self.connector
        settings = connector.settings
        listed_at = connector.clock()
        try:
            closed = self._list_quiet(file, closings)
        except Rejected as error:
            self._refuse(file, error)
            return
        if closed is None:  # its files are gone
            connector.folders.note_none_open(file.key, seen)
            return
        run = file.folder_work(closed.listing.digest, closed.listing.size_bytes)
        run_id = run.run_id(settings.connector)
        at = listing_key(settings.connector, run_id)
        save_listing(connector.clients.s3, settings.receipts_bucket, at, closed.listing)
        closing = Closing(run_id, at, "", listed_at, closed.at)
        if connector.folders.note_closing_of(file.key, closing, file.facts, seen, undisturbed=True):
            file.queue(run.next_message(), 0)
        else:  # a file has arrived meanwhile
            file.queue_check(Check(CheckKind.OPEN, listed_at), 1.0)

    def _begin_quiet_run(self, file: FolderFile, closing: Closing) -> None:
        settings = self.connector.settings
        listing = load_listing(self.connector.clients.s3, settings.receipts_bucket, closing.listing)
        run = file.folder_work(listing.digest, listing.size_bytes)
        if run.run_id(settings.connector) == closing.run_id:  # else a redriven run has listed the folder again
            file.queue(run.next_message(), 0)

    def _refuse(self, file: FolderFile, error: Rejected) -> None:
        """Report a folder that cannot be closed; it is not looked at again."""
        connector = self.connector
        run = file.folder_work(file.event, 0)
        run_id = run.run_id(connector.settings.connector)
        now = connector.clock()
        closing = Closing(run_id, "", "", now, now, code=error.code)
        connector.folders.note_closing(file.key, closing, file.facts)
        refuse_key(connector, run, run_id, error)
        self.telemetry.key_refused(error)

    def _look_again(self, file: FolderFile, check: Check, seen: Folder, closings: Sequence[Closing]) -> None:
        """Queue the next look at an open folder, when something may be due; none where nothing will be."""
        times, now = self.connector.settings.folders, self.connector.clock()
        waits = [] if check.told else [seen.opened_at + times.open_s - now]
        if file.is_closable(closings):
            waits.append(seen.last_event + times.quiet_s - now)
        if waits:
            file.queue_check(check, min(waits))
