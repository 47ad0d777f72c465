"""One invocation for one record: what its drop says, what the run knows so far, and its lease and time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

from activation.audience_options import NO_OPTIONS
from activation.drops.folder_files import FolderFiles
from activation.drops.folder_header import FolderHeader
from activation.drops.folder_listing import FolderListing, load_listing
from activation.drops.locate import Located
from activation.drops.messages import Work
from activation.drops.reading import Reading
from activation.drops.row_filters import reaching
from activation.identifiers.table import FieldTable
from activation.ledger.keys import mirror_prefix
from activation.ledger.mirror_run import MirrorPhase
from activation.ledger.runs import HeldRun
from activation.mirror.guard import Guard
from activation.mirror.store import S3Pieces
from activation.model import EVENTS, Action, Audience
from activation.pipeline.repeats import EVENT_IDS
from activation.platforms.session import UploadSession
from activation.report import receipts
from activation.report.receipts import Identity
from activation.report.rejects import Rejects
from activation.runs.cold_start import Connector
from activation.runs.ordered import OrderWatch
from activation.runs.platform_calls import PlatformCalls
from activation.runs.refused_store import RefusedStore
from activation.runs.stopwatch import Stopwatch

MARGIN_S = 20.0  # seconds kept for what follows the last platform call: a ledger write, a receipt, a message


@dataclass(frozen=True)
class Invocation:
    """One invocation for a claimed record, whether a run's or a part's of a large run.

    `connector` is what all messages share. `identity` is whose run it is, `located` what its key says, `held` the
    claimed record. `time_left_s` returns the seconds that the invocation has left. `crashed` says that the
    record's last worker died while it held the lease. `stopwatch` was started when the invocation began. `orders`
    is what people have asked of the run, and `calls` counts the platform's answers. `is_plain` says that the
    record was claimed by a PlainStart, which has found out what else there is to know of a run's audience. `files`
    and `headers` are those of the folders that it has opened, which a mirror opens several times.
    """

    connector: Connector
    identity: Identity
    located: Located
    held: HeldRun
    time_left_s: Callable[[], float]
    crashed: bool
    stopwatch: Stopwatch = field(repr=False)
    orders: OrderWatch = field(repr=False)
    calls: PlatformCalls = field(default_factory=PlatformCalls, repr=False)
    is_plain: bool = False
    files: dict[str, FolderFiles] = field(default_factory=dict, repr=False)
    headers: dict[str, FolderHeader] = field(default_factory=dict, repr=False)
    _parts_written: set[str] = field(default_factory=set, repr=False)  # of the rejects, in this invocation
    _listings: dict[str, FolderListing] = field(default_factory=dict, repr=False)

    @property
    def work(self) -> Work:
        """Return the message that started this invocation."""
        return self.identity.work

    @property
    def audience(self) -> Audience:
        """Return where the drop's people go, with what was said of the audience when the run began."""
        return replace(self.identity.audience, options=self.held.run.progress.plan.options or NO_OPTIONS)

    @property
    def account(self) -> str:
        """Return the id of the ad account that the drop names, in its message or its folder's manifest.

        "" stands for the one that the connector's secret names. Raises what reading the folder's listing raises.
        """
        export = self.listing.export if self.listing else None
        named = self.connector.platform.account.canonical(export.account) if export else ""
        return self.identity.audience.account or named

    @property
    def guard(self) -> Guard:
        """Return what a mirror may do unasked: what is said of the audience, else of all of the connector's."""
        return self.connector.settings.guard.narrowed(self.audience.options.guard)

    @property
    def table(self) -> FieldTable:
        """Return the platform's fields, with those required that every row of the audience fills."""
        return self.connector.platform.table_for(self.audience.options)

    @property
    def size_bytes(self) -> int:
        """Return the drop's stored size, in a folder that of all files; raises what reading its listing raises."""
        return self.listing.size_bytes if self.listing else self.work.drop.size_bytes

    @property
    def stem(self) -> str:
        """Return the receipt's key without its suffix."""
        return receipts.stem(self.identity.audience, self.identity.run_id)

    @property
    def rejects(self) -> Rejects:
        """Return the rejects of the run."""
        connector, plan, run = self.connector, self.held.run.progress.plan, self.held.run
        # A record with its first fence has had no worker but this one, in no invocation but this one.
        alone = run.fence == 1 and run.continuation == 0 and self.work.part is None and plan.split is None
        return Rejects(
            connector.clients.s3,
            connector.settings.receipts_bucket,
            self.stem,
            in_folder=bool(plan.listing),
            parts=self._parts_written,
            knows_parts=alone,
        )

    @property
    def listing(self) -> FolderListing | None:
        """Return the list of the folder's files, None for a single file; raises what reading it raises."""
        key, connector = self.held.run.progress.plan.listing, self.connector
        if key and key not in self._listings:
            self._listings[key] = load_listing(connector.clients.s3, connector.settings.receipts_bucket, key)
        return self._listings.get(key)

    def keep_listing(self, key: str, listing: FolderListing) -> None:
        """Keep a listing that this invocation has stored, so that it is not read back."""
        self._listings[key] = listing

    @cached_property
    def refused(self) -> RefusedStore:
        """Return the refused identifiers of the run."""
        return RefusedStore(self.connector.clients.s3, self.connector.settings.receipts_bucket, self.stem)

    @property
    def is_of_events(self) -> bool:
        """Return whether the rows are events, which count again whenever they arrive again."""
        return self.located.kind == EVENTS

    @property
    def drop_id(self) -> str:
        """Return the drop's name in the ids of events that have none: the same when it is sent again by force."""
        return replace(self.work, again="").run_id(self.connector.settings.connector)

    @property
    def reaching(self) -> tuple[str, ...]:
        """Return what is gathered from the whole drop before any of it is sent.

        That is the settings by which a no takes out other rows, too (see row_filters.py), and the ids of events.
        """
        if self.located.kind.single:
            return ()
        found = reaching(self.reading, self.located.audience.action)
        return (*found, EVENT_IDS) if self.is_of_events else found

    @property
    def scans(self) -> bool:
        """Return whether the whole drop is read before anything of it is sent."""
        return self.located.kind.hashed or bool(self.reaching) or self.session is not None

    @property
    def reading(self) -> Reading:
        """Return how the drop is read: as when the run began, so that a resumed run cuts the same batches."""
        settings = self.connector.settings
        now = Reading(
            settings.context,
            settings.encoding,
            settings.delimiter,
            tuple(settings.columns.items()),
            consent=settings.consent,
            operation=settings.operation,
            audience_consent=self.audience.options.consent,
        )
        return self.held.run.progress.plan.reading or now

    @property
    def session(self) -> UploadSession | None:
        """Return the session in which the platform takes the drop's uploads, None if each stands alone."""
        return self.connector.limits.session_of(self.sent_to.action)

    @property
    def is_mirror(self) -> bool:
        """Return whether the drop is all of its audience, whatever that holds now."""
        return self.identity.audience.action is Action.MIRROR

    @property
    def sent_to(self) -> Audience:
        """Return the audience with the action that uploads are sent with now: of a mirror, that of its phase."""
        audience, mirror = self.audience, self.held.run.progress.mirror
        if not self.is_mirror or mirror is None:
            return audience
        match mirror.phase:
            case MirrorPhase.REMOVE:
                return replace(audience, action=Action.REMOVE)
            case MirrorPhase.ADD | MirrorPhase.COMMIT if mirror.is_difference:
                return replace(audience, action=Action.ADD)
            case MirrorPhase.REPLACE | MirrorPhase.COMMIT:
                return replace(audience, action=Action.REPLACE)
        return audience

    @property
    def newly_created(self) -> Audience:
        """Return the run's audience, which says whether another run has created it a short while ago.

        The run holds the audience's lock. Raises what reading the ledger raises.
        """
        lock, run_id = self.held.run.audience_lock, self.identity.run_id
        audiences = self.connector.audiences
        is_new = audiences.is_remembered_as_new if self.is_plain else audiences.is_new
        return replace(self.sent_to, is_new=is_new(lock, run_id))

    @cached_property
    def pieces(self) -> S3Pieces:
        """Return where the run's audience is kept, known by its lock: the run has acquired that before."""
        prefix = mirror_prefix(self.held.run.audience_lock)
        return S3Pieces(self.connector.clients.s3, self.connector.settings.mirrors_bucket, prefix)

    @property
    def is_untouched(self) -> bool:
        """Return whether nothing of the run was sent yet: until then its columns are judged, and never after.

        A part's columns are its run's, which was judged.
        """
        run = self.held.run
        return self.work.part is None and run.opened is None and not run.progress.tally.requests

    def suspect_in_flight(self) -> None:
        """Take to be in doubt what an earlier worker may have sent before it died.

        Only the invocation that claims the dead worker's lease knows that it died: the record has to say so even
        when this invocation sends nothing.
        """
        checkpoint = self.held.run.progress.checkpoint
        if self.crashed:
            checkpoint.suspects = max(checkpoint.suspects, self.connector.slots.most)

    def time_for_calls_s(self) -> float:
        """Return the seconds left for calls to the platform, and for reading the drop."""
        left_s = self.time_left_s() - MARGIN_S
        # What is accepted is sent as a whole: there is nothing left to stop.
        return left_s if self.held.run.progress.checkpoint.closed else self.orders.time_left_s(left_s)

    def keep_lease(self) -> None:
        """Renew the lease where it may end during a call; raises LeaseLost when another worker holds the run."""
        # A call that never quite goes silent may take twice its timeout.
        self.held.keep(2 * self.connector.timeout_s + MARGIN_S)

    def note_sent(self, size_bytes: int, repeated: bool) -> None:
        """Count a request that was sent; `repeated` says that the platform may already have had its members."""
        self.held.note_sent(size_bytes, repeated)

    def note_answer(self, seconds: float, *, throttled: bool) -> None:
        """Count how long the platform took for a request, and whether its answer limits the rate of requests."""
        self.calls.note(seconds, throttled=throttled)

    def note_repeat(self, rows: int) -> None:
        """Count events that may be sent twice; people may be, since an audience holds a member once."""
        if self.is_of_events and rows:
            self.held.note_repeat(rows)

    def keep_and_may_go_on(self) -> bool:
        """Keep the lease while nothing is sent, and return whether there is time to go on."""
        self.held.keep(self.connector.timeout_s + MARGIN_S)
        return self.time_for_calls_s() > self.connector.timeout_s

    def note_time(self) -> None:
        """Add the time since the invocation began, or since the last call, to the run's active time."""
        self.held.run.progress.tally.active_s += self.stopwatch.lap_s()
