"""The first half of a mirror run: the drop read as a whole, and compared with what the audience holds."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from activation.drops.row_filters import none_sent
from activation.errors import ConfigError, Rejected
from activation.identifiers.needed import identifies_alone
from activation.identifiers.table import FieldTable
from activation.ledger.mirror_run import MirrorPhase, MirrorRun
from activation.ledger.units import Span
from activation.mirror import commands
from activation.mirror.difference import Difference, compare
from activation.mirror.guard import verdict
from activation.mirror.lines import lines_table
from activation.mirror.snapshot import Snapshot, SnapshotWriter
from activation.mirror.state import MirrorState
from activation.model import Action
from activation.pipeline.client import OutOfTime
from activation.platforms.session import answers_s
from activation.records import from_json, to_json
from activation.runs.drop import RunDrop
from activation.runs.invocation import Invocation
from activation.runs.mirror_audience import DIFFERENCE, REPLACE, blocked, is_mirrored, known, mirror_of
from activation.runs.requests import find_publisher, suppression_of

CAUSES = {
    "emptied": "the drop has nobody for the audience",
    "columns_changed": "the drop's columns are others than before, and with them too many people leave",
    "table_changed": "the platform's fields are read otherwise since the last release, and too many people leave",
    "other_people": "about as many people leave as join: the drop holds other people than before",
    "leaving": "too many people leave",
    "shrinking": "the drop is much smaller than the one before",
}


def version_of(table: FieldTable) -> str:
    """Return a text that changes when the rules of a platform's fields do."""
    rules = "\n".join(f"{one.key} {type(one.rule).__name__} {one.digest} {one.read}" for one in table.fields)
    return hashlib.sha256(rules.encode()).hexdigest()[:12]


def rows_left(state: MirrorState, found: Difference) -> int:
    """Return how many rows the audience loses, by the rows before and after; who has changed has not left.

    What runs that did not end have changed has no count of rows: then it is the lines that somebody is removed by.
    """
    return found.removed if state.pending else max(0, state.rows + found.joined - found.rows)


def run_name(invocation: Invocation) -> str:
    """Return the name under which a run keeps what it finds: another one each time that it compares anew."""
    attempt = mirror_of(invocation).attempt
    return f"{invocation.identity.run_id}{f'-{attempt}' if attempt else ''}"


@dataclass(frozen=True)
class Comparison:
    """Reads the drop of a mirror run and compares it."""

    invocation: Invocation

    def read(self, drop: RunDrop) -> None:
        """Read the drop and write what the audience is to hold, in pieces; the record is saved after each.

        Its rejects are written as those of any drop. Raises OutOfTime when another invocation has to go on, and
        what reading the drop raises.
        """
        held, mirror = self.invocation.held, mirror_of(self.invocation)
        table = self.invocation.connector.platform.table
        writer = SnapshotWriter(
            self.invocation.pieces,
            f"{run_name(self.invocation)}/",
            drop.keys,
            table_version=version_of(table),
            cells=mirror.cells,
            so_far=from_json(mirror.candidate, Snapshot) if mirror.candidate else None,
        )
        spans: list[Span] = []
        try:
            suppression = suppression_of(self.invocation)
            if not mirror.candidate:  # later versions, by which the rest may be read, have at least its people
                mirror.lists = suppression.current()[0]
            for prepared in map(suppression.prepared, drop.batches()):
                drop.rejects.write_ours(prepared.span.first_row, prepared.rejected)
                if prepared.columns.num_rows:
                    further = [(one.columns, one.rows) for one in prepared.further]
                    writer.write(lines_table([(prepared.columns, prepared.rows), *further]))
                spans.append(prepared.span)
                goes_on = self.invocation.keep_and_may_go_on()
                if writer.is_full or not goes_on:
                    self._save(writer.cut(), spans)
                    spans = []
                if not goes_on:
                    raise OutOfTime("out_of_time", "the drop is still being compared", after_s=1)
        except Rejected as error:
            if error.code != "empty_file" or held.run.progress.checkpoint.cursor.row:
                raise
        self._save(writer.close(), spans)
        self._check_rows()
        with held.lock:
            mirror.rows = held.run.progress.checkpoint.cursor.row
            mirror.phase = MirrorPhase.GUARD
            held.save()

    def _save(self, candidate: Snapshot, spans: list[Span]) -> None:
        """Save how far the drop is written: not before, since the cursor must not be ahead of the pieces."""
        held, mirror = self.invocation.held, mirror_of(self.invocation)
        with held.lock:
            before = held.run.progress.checkpoint.cursor.row
            for span in spans:
                held.run.progress.begin(span, [])
            mirror.candidate = to_json(candidate)
            mirror.settled += held.run.progress.checkpoint.cursor.row - before
            held.save()

    def _check_rows(self) -> None:
        """Raise Rejected with rows_differ where the drop has other rows than its export says."""
        listing = self.invocation.listing
        said = listing.export.rows if listing and listing.export else None
        rows = self.invocation.held.run.progress.checkpoint.cursor.row
        if said is not None and said != rows:
            raise Rejected(
                "rows_differ",
                f"the manifest says that the export has {said:,} rows, and its files have {rows:,}: a mirror would"
                " take out whoever is missing, so nothing was sent. Export it again",
            )

    def judge(self) -> Difference | None:
        """Compare the drop with what the audience holds; return the difference, None to read it once more.

        Raises ConfigError with needs_approval where somebody has to agree, and with state_lost; Rejected where
        there is nobody to send.
        """
        invocation, mirror = self.invocation, mirror_of(self.invocation)
        state, candidate = known(invocation), from_json(mirror.candidate, Snapshot)
        if mirror.mode == REPLACE and not self._fits(state):
            return None
        if not candidate.lines and not is_mirrored(state):
            if mirror.rows:
                raise none_sent(invocation.held.run.progress.tally.rejected_by_us)
            return self._note(state, Difference(0, 0, 0, 0, 0, 0, 0))
        alone = [one.key for one in invocation.connector.platform.table.fields if identifies_alone(one)]
        try:
            found = compare(candidate, state, invocation.pieces, alone, f"{run_name(invocation)}/delta/")
        except Rejected as error:
            raise blocked(invocation, error) from error
        self._note(state, found)
        self._guard(state, found, candidate)
        return found

    def _note(self, state: MirrorState, found: Difference) -> Difference:
        held, mirror = self.invocation.held, mirror_of(self.invocation)
        with held.lock:
            mirror.unchanged, mirror.joined, mirror.changed = found.unchanged, found.joined, found.changed
            mirror.resent, mirror.left, mirror.held = found.resent, rows_left(state, found), found.held
            mirror.before, mirror.version = state.rows, state.version
            mirror.removes = to_json(found.removes) if found.removes else ""
            mirror.adds = to_json(found.adds) if found.adds else ""
            mirror.removes_lines = found.removes.lines if found.removes else 0
        return found

    def _guard(self, state: MirrorState, found: Difference, candidate: Snapshot) -> None:
        invocation, mirror = self.invocation, mirror_of(self.invocation)
        run_id = invocation.identity.run_id
        mirror.cause = verdict(invocation.guard, state, found) or ""
        if mirror.mode == REPLACE and not candidate.lines and found.known:
            raise ConfigError(
                "replace_by_nobody",
                "the drop has nobody for the audience, and the platform does not replace an audience by nobody;"
                " nothing was sent. If that is meant, delete the audience at the platform",
            )
        if not mirror.cause:
            return
        if approval := invocation.connector.approvals.of(run_id):
            mirror.approved_by = approval.by
            return
        leave = "would leave or lose an identifier" if found.removed > mirror.left else "would leave"
        raise ConfigError(
            "needs_approval",
            f"{CAUSES.get(mirror.cause, mirror.cause)}: {found.removed:,} of {found.known:,} {leave},"
            f" {mirror.joined:,} would join, {mirror.size:,} rows instead of {mirror.before:,}; nothing was sent."
            f" {commands.approve(run_id)} sends it within seven days; a newer drop takes its place",
        )

    def _fits(self, state: MirrorState) -> bool:
        """Return whether the replace fits into its session; where it does not, have the drop read once more.

        Raises ConfigError where the state keeps no identifiers to remove people by.
        """
        invocation, mirror = self.invocation, mirror_of(self.invocation)
        connector, audience = invocation.connector, invocation.audience
        session = connector.limits.session_of(Action.REPLACE)
        if session is None:
            return True
        requests = -(-mirror.rows // connector.limits.max_rows)
        tier = connector.platform.rate.tier(find_publisher(invocation).account.options)
        try:
            session.check_rows(mirror.rows)
            session.check_time(requests, tier, answers_s(requests, connector.in_flight))
        except Rejected as error:
            if state.snapshot is not None and not state.snapshot.cells:
                raise ConfigError(
                    error.code,
                    f"{error.sentence}. What the audience holds was sent by a replace, which keeps no identifiers"
                    " to remove people by: get the account a faster tier; or"
                    f" {commands.resets(audience.connector, audience.name, replaces=False)}; then"
                    f" {commands.redrive(audience.connector)}",
                ) from error
            self._begin_anew(f"a replace takes too long for the platform's session: {requests:,} requests")
            return False
        return True

    def _begin_anew(self, why: str) -> None:
        held = self.invocation.held
        with held.lock:
            compare_again(self.invocation)
            mirror = mirror_of(self.invocation)
            mirror.mode, mirror.why, mirror.cells = DIFFERENCE, why, True
            held.save()


def send_again(invocation: Invocation) -> None:
    """Have a mirror send everything anew because the platform has lost it: what it has taken so far is in doubt.

    A difference is made anew, which takes out and adds again what earlier requests may have done. The caller holds
    the lock of the run's record, and has begun the run's uploads again.
    """
    mirror = mirror_of(invocation)
    if mirror.is_difference:
        compare_again(invocation)
    mirror.closing = mirror.following = False


def compare_again(invocation: Invocation) -> None:
    """Have a run read its drop from the first row and compare it anew; what was sent of it so far stays noted.

    The caller holds the lock of the run's record.
    """
    progress, before = invocation.held.run.progress, mirror_of(invocation)
    progress.mirror = MirrorRun(
        attempt=before.attempt + 1,
        looked=before.looked,
        exists=before.exists,
        owned=before.owned,
        mode=before.mode,
        why=before.why,
        cells=before.cells,
        settled=before.settled + progress.tally.rows_settled,
    )
    progress.begin_stage()
    progress.tally.forget_rows()
