"""One message to one run: what it asks for, whether there is anything to do, and whose lease does it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

from activation.drops.forgetting import is_forgetting
from activation.drops.locate import Located
from activation.drops.messages import Work, read
from activation.drops.places import Role, role_of
from activation.errors import Rejected
from activation.ledger.orders import ORDERED, OrderKind
from activation.ledger.runs import FINAL, STOPPED, HeldRun, Run, RunState
from activation.model import Action, Audience
from activation.report import stored
from activation.report.receipts import Identity, stem
from activation.runs.advance import Active, advance
from activation.runs.closing import closes_nothing
from activation.runs.cold_start import Connector
from activation.runs.earlier_closings import origin_of
from activation.runs.effects import refuse_key, refuse_message
from activation.runs.final_drop import discard_final_drop
from activation.runs.folder_events import FolderEvents
from activation.runs.invocation import Invocation
from activation.runs.letters import ends_for_good
from activation.runs.location import located
from activation.runs.ordered import OrderWatch
from activation.runs.part import ActivePart
from activation.runs.plain_start import PlainStart, facts_of, is_fresh
from activation.runs.run import ActiveRun
from activation.runs.states import StateMachine
from activation.runs.stopwatch import Stopwatch
from activation.runs.telemetry import Counted, Telemetry
from activation.runs.waking import release_after_stop, release_audience

GRACE_S = 3600.0  # how long a run's next message may be overdue before another message may replace it


@dataclass(frozen=True)
class Dispatcher:
    """Dispatches the messages of one connector's queue to their runs. Made once per cold start.

    `connector` is what all messages share, `telemetry` where the function logs and counts.
    `active` makes the run or part of a claimed record. `at_once` says that the runs are of audiences, so that
    plain ones begin and end in one transaction each (PlainStart).
    """

    connector: Connector
    telemetry: Telemetry = field(default_factory=Telemetry)
    active: Callable[[Invocation], Active] = field(default_factory=lambda: _active)
    at_once: bool = True

    def handle(self, body: str, *, aws_account: str, time_left_s: Callable[[], float]) -> RunState | None:
        """Advance the run of one message; return its state, None when there was nothing to do.

        Raises LeaseHeld and LeaseLost, after which the message must return.
        """
        connector, settings = self.connector, self.connector.settings
        try:
            work = read(body, origins=settings.origins, account=aws_account)
        except Rejected as error:
            refuse_message(connector, body, error)
            self.telemetry.message_refused(error)
            return RunState.FAILED
        work = replace(work, ad_account=connector.platform.account.canonical(work.ad_account))
        run_id = work.run_id(settings.connector)
        self.telemetry.begins(run_id, work)
        mine = self._of_run(work, run_id)
        if mine is None:
            return None
        work = mine
        if run := self._begun(work, run_id):
            place = located(connector, work)
            identity = self._identity(work, run_id, place.audience, place)
            return self._advance(identity, place, run, time_left_s=time_left_s, is_plain=True)
        return self._continue(work, run_id, time_left_s)

    def _continue(self, work: Work, run_id: str, time_left_s: Callable[[], float]) -> RunState | None:
        """Advance the run of one message as its record asks for, or begin it step by step."""
        connector = self.connector
        known = connector.ledger.read(run_id, work.part)
        if known is not None and self._is_settled(work, known):
            if work.part is None:
                self._free(known, run_id)
                discard_final_drop(connector, work, known)
            self.telemetry.nothing_to_do(known.state)
            return None
        located = self._locate(work, run_id)
        if known is None and not work.drop.is_versioned:
            connector.ledger.note_unversioned(work.drop)
        if located is None:
            return RunState.FAILED
        if known is None and self._begins_nothing(work, run_id, located):
            return None
        return self._run(work, run_id, located, known, time_left_s)

    def _begins_nothing(self, work: Work, run_id: str, located: Located) -> bool:
        """Return whether a message of no known run begins none either, which is reported."""
        if self._is_done_by_folder(work, located):
            self.telemetry.marker_ignored()
            return True
        ended = self._ended_before(work, run_id, located)
        if ended is not None:
            self.telemetry.nothing_to_do(ended)
        return ended is not None

    def _ended_before(self, work: Work, run_id: str, located: Located) -> RunState | None:
        """Return how a run ended that the ledger no longer remembers, None where its receipt tells of no end.

        Without it a replay would send the drop again, or find it gone and report a failure.
        """
        if work.part is not None or is_fresh(self.connector, work):
            return None
        connector, key = self.connector, f"{stem(located.audience, run_id)}.json"
        receipt = stored.read_final(connector.clients.s3, connector.settings.receipts_bucket, key)
        return RunState(receipt["state"]) if receipt else None

    def _free(self, known: Run, run_id: str) -> None:
        """Release the audience lock that an ended run has: its last worker died before it did so, or could not."""
        if known.state in FINAL:
            release_audience(self.connector, known.audience_lock, run_id)
        elif known.state in STOPPED and known.lease_until == 0:
            release_after_stop(self.connector, known, run_id)

    def _of_run(self, work: Work, run_id: str) -> Work | None:
        """Return the message if it is for a run; a file of a folder is noted or looked at, a sidecar ignored."""
        if work.check is None:
            # A forced replay is of something that had a run: the key of a quiet folder's ends in "/" as a mark's.
            role = self._role(work) if work.is_event and not work.again else Role.FILE
            if role is Role.SIDECAR:
                self.telemetry.marker_ignored()
                return None
            if role is not Role.PART:
                return work
        located = self._locate(work, run_id)
        if located is None:
            return None
        if work.check is not None:
            return self._folders.check(work, located)
        self._folders.note(work, located)
        return None

    def _role(self, work: Work) -> Role:
        drop = work.drop
        return role_of(origin_of(self.connector, drop).layout_key(drop.key), drop.size_bytes)

    def _is_done_by_folder(self, work: Work, located: Located) -> bool:
        """Return whether an object begins no run: a sign that closes nothing, or a file that a manifest listed."""
        if not work.is_event or work.again:
            return False
        if located.place.role is Role.SIGN:
            return closes_nothing(self.connector, work, located)
        return located.place.role is Role.FILE and self._folders.is_sent_with_folder(work, located)

    @cached_property
    def _folders(self) -> FolderEvents:
        return FolderEvents(self.connector, self.telemetry)

    def _locate(self, work: Work, run_id: str) -> Located | None:
        """Return what the drop's key says, None when it cannot be parsed, which is reported."""
        try:
            return located(self.connector, work)
        except Rejected as error:
            given = self.connector.orders.of(run_id)
            if given and given[-1].kind is OrderKind.DISCARD:
                self.telemetry.nothing_to_do(RunState.FAILED)
                return None
            refuse_key(self.connector, work, run_id, error)
            self.telemetry.key_refused(error)
            return None

    def _begun(self, work: Work, run_id: str) -> Run | None:
        """Return the run of a plain drop, which begins with this message; None where that is to be seen yet."""
        if not self.at_once:
            return None
        try:
            return PlainStart(self.connector).begin(work, run_id, located(self.connector, work))
        except Rejected:
            return None  # reported below, where the run is not known

    def _run(
        self, work: Work, run_id: str, located: Located, known: Run | None, time_left_s: Callable[[], float]
    ) -> RunState | None:
        """Claim the record that the message is for, and advance it."""
        connector, audience = self.connector, located.audience
        if work.undo:  # its drop is read as one that adds
            audience = replace(audience, action=Action.REMOVE)
        if known is None and (work.again or work.ad_account) and work.part is None:
            # Before the claim, so that the drop's own run, if it ends now, leaves the drop.
            connector.drop_users.begin(work.drop, run_id)
        if (
            known is None
            and work.part is None
            and audience.name in connector.settings.expected
            and not _is_ours(work)
        ):
            connector.arrivals.note(audience.connector, audience.name)
        crashed = known is not None and 0 < known.lease_until < connector.clock()
        run = connector.ledger.claim(run_id, work.continuation, facts_of(work, audience), work.part)
        if run.state in FINAL and work.part is None:  # it ended between our read and our claim
            connector.ledger.save(run, release=True)
            return None
        connector.secret.begin(afresh=run.state in STOPPED)
        identity = self._identity(work, run_id, audience, located)
        return self._advance(identity, located, run, time_left_s=time_left_s, crashed=crashed)

    def _identity(self, work: Work, run_id: str, audience: Audience, located: Located) -> Identity:
        return Identity(run_id, work, audience, located.kind.declared, self.connector.platform.name)

    def _advance(
        self,
        identity: Identity,
        located: Located,
        run: Run,
        *,
        time_left_s: Callable[[], float],
        crashed: bool = False,
        is_plain: bool = False,
    ) -> RunState:
        """Advance a claimed record."""
        connector, held = self.connector, HeldRun(run, self.connector.ledger)
        orders = OrderWatch(connector.orders, identity.run_id, connector.clock)
        if is_plain:
            orders.looked()
        invocation = Invocation(
            connector=connector,
            identity=identity,
            located=located,
            held=held,
            time_left_s=time_left_s,
            crashed=crashed,
            is_plain=is_plain,
            stopwatch=Stopwatch(connector.clock, connector.clock()),
            orders=orders,
        )
        before = Counted.of(held.run.progress.tally)
        try:
            state = advance(self.active(invocation))
            self.telemetry.advanced(
                held.run, before, is_part=identity.work.part is not None, now=connector.clock()
            )
        finally:  # also of an invocation that fails: that is when latency and throttles are looked at
            self.telemetry.asked(invocation.calls)
        return state

    def _is_settled(self, work: Work, known: Run) -> bool:
        """Return whether the message has nothing to do: the run has ended, or another message continues it.

        The message of a stopped run is in the dead letters or in its record; a replay asks for the run to continue
        without it.
        """
        now = self.connector.clock()
        if known.state in FINAL:
            return work.part is None or work.continuation <= known.continuation  # a part may be needed again
        if known.lease_until > now:  # a worker holds it; its message returns if that worker dies
            return work.continuation < known.continuation
        # Only a person continues what somebody has stopped, or a replay what its drop was wrong for.
        if ends_for_good(known.state, known.code) and (known.code in ORDERED or not work.replay):
            return work.continuation <= known.continuation
        carried_on = known.lease_until == 0 and not (known.state in STOPPED and work.replay)
        due = max(known.not_before, known.updated_at) + GRACE_S
        return carried_on and work.continuation <= known.continuation and now < due


def _active(invocation: Invocation) -> Active:
    """Return the run or the part that a message is for."""
    run, connector, part = invocation.held.run, invocation.connector, invocation.work.part
    if part is not None:
        return ActivePart(invocation, StateMachine.of_part(run, connector.clock), part)
    return ActiveRun(invocation, StateMachine.of_run(run, connector.settings.deadline_s, connector.clock))


def _is_ours(work: Work) -> bool:
    """Return whether somebody here has sent a drop, again or to forget people, and not who is expected to."""
    return bool(work.replay or work.again or work.undo) or is_forgetting(work.drop.key)
