"""One announced file of a folder: the folder's record and closings, and the checks and events about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from activation.aws.app_events import put_event
from activation.drops.locate import Located
from activation.drops.messages import Check, Work
from activation.ledger.folders import Closing, Folder
from activation.model import SNAPSHOTS, Action, Drop
from activation.report.notice import folder_notice
from activation.runs.closing import facts_of
from activation.runs.cold_start import Connector
from activation.runs.earlier_closings import closings_above, origin_of
from activation.runs.known_listings import KnownListings
from activation.runs.states import MAX_DELAY_S

LISTING_AGAIN_S = 60.0  # when to look again at a list that is still being made


@dataclass(frozen=True)
class FolderFile:
    """A file that was announced, and the folder that it is in.

    `listings` are those of the connector's folders. `work` is the file's own message, or a delayed check that it
    queued; `located` is what its key says.
    """

    connector: Connector
    listings: KnownListings
    work: Work
    located: Located

    @property
    def prefix(self) -> str:
        """Return the prefix of the folder in its bucket."""
        return origin_of(self.connector, self.work.drop).key(self.located.place.folder)

    @property
    def key(self) -> str:
        """Return the key of the folder's record in the ledger."""
        return self.connector.folders.key(self.work.drop.bucket, self.prefix, self.work.ad_account)

    @property
    def event(self) -> str:
        """Return what identifies the event by which the file was announced."""
        return replace(self.work, check=None).run_id(self.connector.settings.connector)

    @property
    def facts(self) -> Mapping[str, str]:
        """Return what the folder's record says of it."""
        return facts_of(self.located, self.prefix)

    def read_folder(self) -> Folder:
        """Return the folder's record; raises what reading the ledger raises."""
        return self.connector.folders.read(self.key)

    def closings(self, seen: Folder) -> Sequence[Closing]:
        """Return the closings of the folder and of those above it, the last first."""
        above = closings_above(self.connector, self.work, self.located.place, self.listings.holds)
        own = {one.run_id for one in seen.closings}
        both = [*seen.closings, *(one for one in above if one.run_id not in own)]
        return sorted(both, key=lambda one: -one.at)

    def is_closable(self, closings: Sequence[Closing]) -> bool:
        """Return whether a quiet time closes the folder: it may not make a late file the whole of an audience.

        Nor a part of an export: only a sign says that a mirror's folder has all of its files.
        """
        action, was_closed = self.located.audience.action, any(one.listing for one in closings)
        if action is Action.MIRROR or (was_closed and action in SNAPSHOTS):
            return False
        return bool(self.connector.settings.folders.quiet_s)

    def folder_work(self, version: str, size_bytes: int) -> Work:
        """Return the message of the run of a folder without a sign; its version is a digest of the listing."""
        drop = Drop(self.work.drop.bucket, self.prefix, version, "", size_bytes)
        return replace(self.work, drop=drop, check=None)

    def announce(self, kind: str, code: str, sentence: str) -> None:
        """Put an event on the app's bus, which the connector's alarms forward."""
        audience = self.located.audience
        detail: Mapping[str, Any] = {
            "code": code,
            "sentence": sentence,
            "connector": audience.connector,
            "audience": {"name": audience.name},
            "action": audience.action.value,
            "key": self.work.drop.key,
            "folder": self.prefix,
            "notice": folder_notice(audience.connector, self.prefix, code, sentence),
        }
        put_event(self.connector.clients.events, self.connector.settings.event_bus_name, kind, detail)

    def queue_check(self, check: Check, after_s: float) -> None:
        """Queue a look at the file's folder."""
        self.queue(self.work.check_message(check), after_s)

    def queue(self, body: str, after_s: float) -> None:
        """Queue a message, after a second at least and the longest delay of SQS at most."""
        self.connector.clients.sqs.send_message(
            QueueUrl=self.connector.settings.queue_url,
            MessageBody=body,
            DelaySeconds=max(1, min(MAX_DELAY_S, round(after_s))),
        )
