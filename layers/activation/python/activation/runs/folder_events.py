"""The files of a folder as they are announced: noted until a sign closes it, looked at again when they are late.

A file sends nothing by its own event. The event that opens a folder queues a delayed message that looks at it
until it is closed: it closes the folder after a quiet time, where the settings say one, and reports a folder that
stays open. A file that comes after its folder was closed queues one of its own, which waits for another sign.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from activation.aws.app_events import put_event
from activation.drops.folder_closing import Closed, list_quiet
from activation.drops.folder_listing import identity, is_multipart, listing_key, load_listing, save_listing
from activation.drops.locate import Located
from activation.drops.messages import Check, CheckKind, Work
from activation.drops.source import head_error
from activation.errors import Rejected, Retryable
from activation.ledger.folders import Closing, Folder
from activation.ledger.runs import RunState
from activation.model import Action, Drop
from activation.report.announce import FOLDER_OPEN, LATE_PART
from activation.report.late_parts import last_closing, what_to_do
from activation.report.notice import folder_notice
from activation.runs.closing import facts_of
from activation.runs.earlier_closings import before_of, closings_above, origin_of
from activation.runs.effects import refuse_key
from activation.runs.invocation import Connector
from activation.runs.known_listings import KnownListings
from activation.runs.states import MAX_DELAY_S
from activation.runs.telemetry import Telemetry

WHOLE = frozenset((Action.REPLACE, Action.MIRROR))  # actions by which a late file would take out everybody else
_TRIES = 20
_LISTING_AGAIN_S = 60.0  # when to look again at a list that is still being made


@dataclass(frozen=True)
class FolderEvents:
    """Handles the events of files that belong to folders, and the delayed messages that look after them."""

    connector: Connector
    telemetry: Telemetry

    @cached_property
    def _listings(self) -> KnownListings:
        return KnownListings(self.connector)

    def is_sent_with_folder(self, work: Work, located: Located) -> bool:
        """Return whether a folder's listing has a file that lies directly below its audience."""
        return self._listings.have(self._closings(work, located, self._read(work, located)), work.drop)

    def note(self, work: Work, located: Located) -> None:
        """Note a file that was announced, and see to it that somebody looks at it again."""
        folders, key, event = self.connector.folders, self._key(work, located), self._event(work)
        seen = folders.read(key)
        for _ in range(_TRIES):
            closings = self._closings(work, located, seen)
            if self._listings.have(closings, work.drop):
                self.telemetry.file_settled("listed")
                return
            facts = facts_of(located, self._prefix(work, located))
            now_is, noted = folders.note_file(key, event, facts, seen)
            if noted:
                break
            seen = now_is
        else:
            raise Retryable("ledger_busy", "a folder's record was overtaken again and again", after_s=10)
        self.telemetry.file_noted(open_files=now_is.files)
        if now_is.opened_by == event:
            self._look_again(work, Check(CheckKind.OPEN, self.connector.clock()), now_is, located, closings)
        if closings:
            self._queue(
                work, Check(CheckKind.LATE, self.connector.clock()), self.connector.settings.folders.late_s
            )
        return

    def check(self, work: Work, located: Located) -> Work | None:
        """Look at a folder, or at a late file; return what is to be sent as a run of its own, None for nothing."""
        assert work.check is not None  # noqa: S101  narrows a type
        seen = self._read(work, located)
        if work.check.kind is CheckKind.LATE:
            return self._check_late(work, work.check, located, seen)
        self._check_open(work, work.check, located, seen)
        return None

    def _check_late(self, work: Work, check: Check, located: Located, seen: Folder) -> Work | None:
        """Send a late file by itself, or report it; it goes on waiting while others still arrive."""
        times, now, key = self.connector.settings.folders, self.connector.clock(), self._key(work, located)
        closings = self._closings(work, located, seen)
        if self._listings.have(closings, work.drop):
            self._settle(key, seen, "listed")
            return None
        wait_s = seen.last_event + times.late_s - now
        if any(map(self._listings.is_being_made, closings)):
            wait_s = times.late_s  # it may yet have this file
        waits = wait_s > 0 and now - check.since < times.open_s
        if seen.opened_at and self._is_closable(located, closings):  # the quiet time sends it with the others
            quiet_in_s = seen.last_event + times.quiet_s - now
            wait_s, waits = max(_LISTING_AGAIN_S, quiet_in_s), quiet_in_s > -times.open_s
        if waits:
            self._queue(work, check, wait_s)
            return None
        refused = self._is_refused(closings)
        if not closings or not self._came_late(work.drop, closings[0], is_refused=refused):
            self._settle(key, seen, "left over")
            return None
        if located.audience.action not in WHOLE and not refused:
            self.connector.folders.note_none_open(key, seen)
            return replace(work, check=None)
        if not self.connector.folders.note_late(key, seen):
            self._queue(work, check, 1.0)  # closed meanwhile, perhaps with this file
            return None
        self.telemetry.late_part()
        self._announce(
            LATE_PART,
            "late_part",
            "a file came after its folder had been closed, and was not sent: "
            + ("the folder's run was refused" if refused else "it would replace everybody else")
            + f". To send it, {what_to_do(last_closing(closings), is_refused=refused)}",
            work,
            located,
        )
        return None

    def _settle(self, key: str, seen: Folder, why: str) -> None:
        """Note that a late file needs nothing more."""
        self.connector.folders.note_none_open(key, seen)
        self.telemetry.file_settled(why)

    def _check_open(self, work: Work, check: Check, located: Located, seen: Folder) -> None:
        """Close a folder in which nothing has arrived for the quiet time, or report one open for too long."""
        if not seen.opened_at or seen.opened_by != self._event(work):
            for one in seen.closings:
                if not one.sign_key and one.listing and one.opened_by == self._event(work):
                    self._begin_quiet_run(work, located, one)  # its message may not have been queued
            return
        times, now = self.connector.settings.folders, self.connector.clock()
        closings = self._closings(work, located, seen)
        if any(map(self._listings.is_being_made, closings)):
            self._queue(work, check, _LISTING_AGAIN_S)
            return
        if self._is_closable(located, closings) and now - seen.last_event >= times.quiet_s:
            self._close_quiet(work, located, seen, closings)
            return
        if not check.told and now - seen.opened_at >= times.open_s:
            if closings and self._list_quiet(work, located, closings) is None:  # closed by a folder above
                self.connector.folders.note_none_open(self._key(work, located), seen)
                return
            check = replace(check, told=True)
            self.telemetry.folder_overdue()
            self._announce(
                FOLDER_OPEN,
                "folder_open",
                f"a folder has been open for {times.open_s / 3600:.3g} hours; it waits for _SUCCESS or a manifest,"
                " and nothing of it is sent before",
                work,
                located,
            )
        self._look_again(work, check, seen, located, closings)

    def _list_quiet(self, work: Work, located: Located, closings: Sequence[Closing]) -> Closed | None:
        before = before_of(self.connector, closings)
        return list_quiet(self.connector.clients.s3, origin_of(self.connector, work.drop), located.place, before)

    def _close_quiet(self, work: Work, located: Located, seen: Folder, closings: Sequence[Closing]) -> None:
        """List the folder, freeze the list and queue its run."""
        connector, prefix, key = self.connector, self._prefix(work, located), self._key(work, located)
        settings = connector.settings
        listed_at = connector.clock()
        try:
            closed = self._list_quiet(work, located, closings)
        except Rejected as error:
            self._refuse(work, located, error)
            return
        if closed is None:  # its files are gone
            connector.folders.note_none_open(key, seen)
            return
        run = self._folder_work(work, prefix, closed.listing.digest, closed.listing.size_bytes)
        run_id = run.run_id(settings.connector)
        at = listing_key(settings.connector, run_id)
        save_listing(connector.clients.s3, settings.receipts_bucket, at, closed.listing)
        closing = Closing(run_id, at, "", listed_at, closed.at)
        if connector.folders.note_closing_of(key, closing, facts_of(located, prefix), seen, undisturbed=True):
            self._send(run.next_message(), 0)
        else:  # a file has arrived meanwhile
            self._queue(work, Check(CheckKind.OPEN, listed_at), 1.0)

    def _begin_quiet_run(self, work: Work, located: Located, closing: Closing) -> None:
        settings = self.connector.settings
        listing = load_listing(self.connector.clients.s3, settings.receipts_bucket, closing.listing)
        run = self._folder_work(work, self._prefix(work, located), listing.digest, listing.size_bytes)
        if run.run_id(settings.connector) == closing.run_id:  # else a redriven run has listed the folder again
            self._send(run.next_message(), 0)

    def _refuse(self, work: Work, located: Located, error: Rejected) -> None:
        """Report a folder that cannot be closed; it is not looked at again."""
        connector = self.connector
        run = self._folder_work(work, self._prefix(work, located), self._event(work), 0)
        run_id = run.run_id(connector.settings.connector)
        now = connector.clock()
        closing = Closing(run_id, "", "", now, now, code=error.code)
        connector.folders.note_closing(
            self._key(work, located), closing, facts_of(located, self._prefix(work, located))
        )
        refuse_key(connector, run, run_id, error)
        self.telemetry.key_refused(error)

    def _folder_work(self, work: Work, prefix: str, version: str, size_bytes: int) -> Work:
        """Return the message of the run of a folder without a sign; its version is a digest of the listing."""
        return replace(work, drop=Drop(work.drop.bucket, prefix, version, "", size_bytes), check=None)

    def _is_closable(self, located: Located, closings: Sequence[Closing]) -> bool:
        """Return whether a quiet time closes the folder: it may not make a late file the whole of an audience.

        Nor a part of an export: only a sign says that a mirror's folder has all of its files.
        """
        action, was_closed = located.audience.action, any(one.listing for one in closings)
        if action is Action.MIRROR or (was_closed and action in WHOLE):
            return False
        return bool(self.connector.settings.folders.quiet_s)

    def _look_again(
        self, work: Work, check: Check, seen: Folder, located: Located, closings: Sequence[Closing]
    ) -> None:
        """Queue the next look at an open folder, when something may be due; none where nothing will be."""
        times, now = self.connector.settings.folders, self.connector.clock()
        waits = [] if check.told else [seen.opened_at + times.open_s - now]
        if self._is_closable(located, closings):
            waits.append(seen.last_event + times.quiet_s - now)
        if waits:
            self._queue(work, check, min(waits))

    def _is_refused(self, closings: Sequence[Closing]) -> bool:
        """Return whether nothing of the folder is sent before it is closed again, or its run is redriven.

        A sign that came before its files is no such refusal: they are late, and nothing else is in doubt.
        """
        last = last_closing(closings)
        if last is None or last.code:
            return last is not None and last.code != "empty_folder"
        run = self.connector.ledger.read(last.run_id)
        return run is not None and run.state is RunState.FAILED and not run.progress.tally.requests

    def _came_late(self, drop: Drop, last: Closing, *, is_refused: bool) -> bool:
        """Return whether a file is there as it was announced, and was not there at the last closing.

        S3 counts whole seconds. A file of the closing's own second counts as late, so that none is forgotten;
        where the closing was refused, as one of those that were refused with it.
        """
        client = self.connector.clients.s3
        try:
            head = client.head_object(Bucket=drop.bucket, Key=drop.key)
        except (ClientError, BotoCoreError) as error:
            if (found := head_error(client, drop.bucket, drop.key, error)).code != "object_gone":
                raise found from error
            return False
        now_is = identity(drop.key, head["VersionId"] if drop.is_versioned else "", head["ETag"])
        if now_is != identity(drop.key, drop.version_id, drop.etag):
            return False
        if is_multipart(head["ETag"]) and (left := self._listings.left(last)) is not None:
            return now_is not in left
        written_at = head["LastModified"].timestamp()
        return written_at > last.stored_at if is_refused else written_at >= last.stored_at

    def _read(self, work: Work, located: Located) -> Folder:
        return self.connector.folders.read(self._key(work, located))

    def _closings(self, work: Work, located: Located, seen: Folder) -> Sequence[Closing]:
        """Return the closings of a folder and of those above it, the last first."""
        above = closings_above(self.connector, work, located.place, self._listings.holds)
        own = {one.run_id for one in seen.closings}
        both = [*seen.closings, *(one for one in above if one.run_id not in own)]
        return sorted(both, key=lambda one: -one.at)

    def _key(self, work: Work, located: Located) -> str:
        return self.connector.folders.key(work.drop.bucket, self._prefix(work, located), work.ad_account)

    def _prefix(self, work: Work, located: Located) -> str:
        """Return the prefix of a file's folder in its bucket."""
        return origin_of(self.connector, work.drop).key(located.place.folder)

    def _event(self, work: Work) -> str:
        return replace(work, check=None).run_id(self.connector.settings.connector)

    def _announce(self, kind: str, code: str, sentence: str, work: Work, located: Located) -> None:
        """Put an event on the app's bus, which the connector's alarms forward."""
        audience = located.audience
        detail: Mapping[str, Any] = {
            "code": code,
            "sentence": sentence,
            "connector": audience.connector,
            "audience": {"name": audience.name},
            "action": audience.action.value,
            "key": work.drop.key,
            "folder": self._prefix(work, located),
            "notice": folder_notice(audience.connector, self._prefix(work, located), code, sentence),
        }
        put_event(self.connector.clients.events, self.connector.settings.event_bus_name, kind, detail)

    def _queue(self, work: Work, check: Check, after_s: float) -> None:
        self._send(work.check_message(check), after_s)

    def _send(self, body: str, after_s: float) -> None:
        self.connector.clients.sqs.send_message(
            QueueUrl=self.connector.settings.queue_url,
            MessageBody=body,
            DelaySeconds=max(1, min(MAX_DELAY_S, round(after_s))),
        )
