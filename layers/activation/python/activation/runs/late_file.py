"""A file that came after its folder was closed: sent by itself, or reported, once no other sign has taken it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from botocore.exceptions import BotoCoreError, ClientError

from activation.drops.folder_listing import identity, is_multipart
from activation.drops.messages import Check, Work
from activation.drops.source import head_error
from activation.ledger.folders import Closing, Folder
from activation.ledger.runs import RunState
from activation.model import SNAPSHOTS
from activation.report.announce import LATE_PART
from activation.report.late_parts import last_closing, what_to_do
from activation.runs.folder_file import LISTING_AGAIN_S, FolderFile
from activation.runs.telemetry import Telemetry


@dataclass(frozen=True)
class LateFile:
    """A file that may have come late, as a delayed check finds it."""

    file: FolderFile
    telemetry: Telemetry

    def check(self, check: Check, seen: Folder) -> Work | None:
        """Send a late file by itself, or report it; it goes on waiting while others still arrive.

        `seen` is the folder's record. Return the message of the run that sends the file, None for nothing.
        """
        file, connector, work = self.file, self.file.connector, self.file.work
        closings = file.closings(seen)
        if file.listings.have(closings, work.drop):
            self._settle(seen, "listed")
            return None
        wait_s, waits = self._wait(check, seen, closings)
        if waits:
            file.queue_check(check, wait_s)
            return None
        refused = self._is_refused(closings)
        if not closings or not self._came_late(closings[0], is_refused=refused):
            self._settle(seen, "left over")
            return None
        if file.located.audience.action not in SNAPSHOTS and not refused:
            connector.folders.note_none_open(file.key, seen)
            return replace(work, check=None)
        if not connector.folders.note_late(file.key, seen):
            file.queue_check(check, 1.0)  # closed meanwhile, perhaps with this file
            return None
        self.telemetry.late_part()
        file.announce(
            LATE_PART,
            "late_part",
            "a file came after its folder had been closed, and was not sent: "
            + ("the folder's run was refused" if refused else "it would replace everybody else")
            + f". To send it, {what_to_do(last_closing(closings), is_refused=refused)}",
        )
        return None

    def _wait(self, check: Check, seen: Folder, closings: Sequence[Closing]) -> tuple[float, bool]:
        """Return after how many seconds to look again, and whether to do so at all."""
        file, times, now = self.file, self.file.connector.settings.folders, self.file.connector.clock()
        wait_s = seen.last_event + times.late_s - now
        if any(map(file.listings.is_being_made, closings)):
            wait_s = times.late_s  # it may yet have this file
        waits = wait_s > 0 and now - check.since < times.open_s
        if seen.opened_at and file.is_closable(closings):  # the quiet time sends it with the others
            quiet_in_s = seen.last_event + times.quiet_s - now
            wait_s, waits = max(LISTING_AGAIN_S, quiet_in_s), quiet_in_s > -times.open_s
        return wait_s, waits

    def _settle(self, seen: Folder, why: str) -> None:
        """Note that a late file needs nothing more."""
        self.file.connector.folders.note_none_open(self.file.key, seen)
        self.telemetry.file_settled(why)

    def _is_refused(self, closings: Sequence[Closing]) -> bool:
        """Return whether nothing of the folder is sent before it is closed again, or its run is redriven.

        A sign that came before its files is no such refusal: they are late, and nothing else is in doubt.
        """
        last = last_closing(closings)
        if last is None or last.code:
            return last is not None and last.code != "empty_folder"
        run = self.file.connector.ledger.read(last.run_id)
        return run is not None and run.state is RunState.FAILED and not run.progress.tally.requests

    def _came_late(self, last: Closing, *, is_refused: bool) -> bool:
        """Return whether the file is there as it was announced, and was not there at the last closing.

        S3 counts whole seconds. A file of the closing's own second counts as late, so that none is forgotten;
        where the closing was refused, as one of those that were refused with it.
        """
        client, drop = self.file.connector.clients.s3, self.file.work.drop
        try:
            head = client.head_object(Bucket=drop.bucket, Key=drop.key)
        except (ClientError, BotoCoreError) as error:
            if (found := head_error(client, drop.bucket, drop.key, error)).code != "object_gone":
                raise found from error
            return False
        now_is = identity(drop.key, head["VersionId"] if drop.is_versioned else "", head["ETag"])
        if now_is != identity(drop.key, drop.version_id, drop.etag):
            return False
        if is_multipart(head["ETag"]) and (left := self.file.listings.left(last)) is not None:
            return now_is not in left
        written_at = head["LastModified"].timestamp()
        return written_at > last.stored_at if is_refused else written_at >= last.stored_at
