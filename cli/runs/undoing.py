"""Undoing a run: what is known beforehand of whom that takes out, and the message that begins it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from activation.platforms.discovery import platforms

from cli.printable import counted
from cli.runs.actions import CONTINUABLE, RefusedActionError
from cli.runs.drop_copy import drop_of, refuse_drop, upload_copy
from cli.runs.listing import Wanted, list_runs, read_records
from cli.runs.others import OtherRuns, is_there, replaced_since, tell_apart
from cli.runs.rows import OPEN, RunRow

if TYPE_CHECKING:
    from cli.deployment import Deployment
    from cli.runs.view import RunView

REFUSED, GONE = "undo_refused", "object_gone"
OTHERS_READ = 10_000  # runs of one audience; an audience with more cannot be judged


@dataclass(frozen=True)
class Undo:
    """The undo of the run of `view`, not yet begun.

    `others` are the other runs that have written to the same audience, and `again` is what tells the undo from the
    run itself, in its id and in its message. `copy` is a person's own copy of the drop, None where that is there.
    """

    view: RunView
    others: OtherRuns
    again: str
    platform: str = ""
    copy: Path | None = None

    @property
    def too_few(self) -> str:
        """Return the warning that the platform may refuse to remove the last people, "" if other runs sent enough.

        Only some platforms refuse removals that leave too few.
        """
        known = platforms().get(self.platform)
        if known is None or not known.minimum.refuses_removals:
            return ""
        fewest = known.minimum.people
        sent = (one for one in (*self.others.compared, *self.others.unknown) if one.action != "remove")
        if sum(one.rows_acknowledged for one in sent) >= fewest:
            return ""
        return (
            f"this audience may be left with fewer than {fewest:,} people: {known.title} can refuse to remove the"
            " last ones, and the undo then fails; to remove everybody, delete the audience at the platform"
        )

    @property
    def rows(self) -> int:
        """Return how many rows the run has sent."""
        return self.view.row.rows_acknowledged

    @property
    def not_told_apart(self) -> int:
        """Return the most of these rows of which nobody can tell whether other runs have sent them too."""
        if self.others.forgotten or not all(one.rows_acknowledged for one in self.others.unknown):
            return self.rows  # what a run has sent in doubt is not counted
        return min(self.rows, sum(one.rows_acknowledged for one in self.others.unknown))

    def sentences(self) -> Iterator[str]:
        """Yield what happens to people whom other runs have sent too, without full stops."""
        adding = [one for one in self.others.compared if one.action != "remove"]
        whose = [counted(len(adding), "other run")] if adding else []
        whose += ["the mirror"] if self.others.mirror else []
        if self.copy is not None:
            yield "it uploads your copy of the drop, and deletes it when the undo is final or refused"
        if whose:
            yield f"people whom {' or '.join(whose)} of this audience sent too stay in it"
        if not (doubtful := self.not_told_apart):
            return
        if unknown := self.others.unknown:
            runs = counted(len(unknown), "further run" if whose else "other run")
            rows = counted(sum(one.rows_acknowledged for one in unknown), "row")
            gone = f"the drops of {runs} ({rows} acknowledged) are gone or cannot be compared"
            yield f"{gone}: people who were in those too, up to {doubtful:,}, are removed"
        else:
            yield f"runs that the ledger has forgotten may have sent up to {doubtful:,} too: these are removed"

    def begin(self, found: Deployment, by: str) -> str:
        """Begin the undo, and return its run's id; `by` is who asks for it, as AWS names them."""
        import boto3
        from activation.aws.table import ConditionalTable
        from activation.ledger.orders import OrderKind, Orders

        from cli import resend

        row, drop = self.view.row, self.view.receipt["drop"]
        run_id = _run_id(self.view, self.again)
        Orders(ConditionalTable(boto3.client("dynamodb"), found.ledger_table), row.connector).note(
            run_id, OrderKind.UNDO, by, undoes=row.run_id
        )
        message = resend.event_of(drop, self.again) | {"undo": row.run_id, "others": self.others.message}
        if self.copy is not None:
            message |= {"copy": upload_copy(found, row, self.copy, run_id)}
        boto3.client("sqs").send_message(
            QueueUrl=found.connector(row.connector).queue_url, MessageBody=json.dumps(message)
        )
        return run_id


def refuse(found: Deployment, view: RunView, copy: Path | None = None) -> None:
    """Raise RefusedActionError where a run cannot be undone, by its receipt and its drop alone.

    `copy` is a person's own copy of the drop, None for none. Costs a listing of the drop's versions; other runs
    are not looked at. Raises what S3, the ledger and reading the copy raise.
    """
    import boto3

    row = view.row
    if row.connector not in found.connectors:
        raise RefusedActionError(f"it is no run of a connector, but of {row.connector}")
    if row.action != "add" or "in_doubt" in view.receipt:  # only receipts of events have the latter
        what = "events cannot be taken back" if row.action == "add" else f"it is a {row.action}"
        raise RefusedActionError(f"{what}: only a run that added people can be undone")
    if row.state in OPEN:
        raise RefusedActionError("it has not ended: stop it first")
    if not row.rows_acknowledged:
        raise RefusedActionError("it has sent nobody")
    if "folder" in view.receipt:
        raise RefusedActionError("its drop is a folder, whose files may have changed since")
    refuse_drop(found, view, copy, is_there=is_there(boto3.client("s3"), view.receipt["drop"]))


def prepare(found: Deployment, view: RunView, copy: Path | None = None) -> Undo:
    """Return the undo of a run; raises RefusedActionError where it is in doubt whom it would take out.

    `copy` is a person's own copy of its drop, None for none.
    """
    import boto3

    refuse(found, view, copy)
    row = view.row
    rows = list_runs(
        boto3.client("dynamodb"), found.ledger_table, Wanted(audience=row.audience), limit=OTHERS_READ
    )
    if len(rows) == OTHERS_READ:
        raise RefusedActionError("more runs have filled its audience than can be compared")
    platform = found.platforms.get(row.connector, "")
    again = _again(view, rows)
    others = [
        one for one in rows if one.run_id != row.run_id and found.platforms.get(one.connector, "") == platform
    ]
    if at_work := [one for one in others if one.state in OPEN]:
        at = at_work[0]
        raise RefusedActionError(f"run {at.run_id} of its audience is {at.state}: wait for its end, or stop it")
    if replaced := replaced_since(found, row, [one for one in others if one.rows_acknowledged]):
        raise RefusedActionError(f"a later {replaced.action} has set the whole audience: {replaced.run_id}")
    return Undo(view, _others(found, view, rows, others), again, platform, copy)


def _again(view: RunView, rows: Sequence[RunRow]) -> str:
    """Return what tells the undo of a run from the run itself.

    It is the same each time the undo is begun, except after one that removes nobody any more: it was refused, or
    what it was to read was gone before it had removed anybody. Raises RefusedActionError where there is another.
    """
    by_id, again = {one.run_id: one for one in rows}, f"undo {view.row.run_id}"
    while begun := by_id.get(_run_id(view, again)):
        gone = begun.code == GONE and not begun.rows_acknowledged
        if begun.code != REFUSED and not gone:
            can = "; `activation run retry` with its id continues it" if begun.state in CONTINUABLE else ""
            raise RefusedActionError(f"it has an undo already: run {begun.run_id} is {begun.state_word}{can}")
        again = f"undo {view.row.run_id} after {begun.run_id}"
    return again


def _others(found: Deployment, view: RunView, rows: Sequence[RunRow], others: Sequence[RunRow]) -> OtherRuns:
    """Return what is known of the other runs of a run's audience.

    Raises RefusedActionError where one has written to it that the list of runs does not have yet.
    """
    import boto3
    from activation.aws.table import ConditionalTable, read_number, read_text
    from activation.ledger.audiences import last_write_in
    from activation.ledger.keys import known_audience_key, run_key
    from activation.mirror.states import MirrorStates
    from activation.runs.mirror_audience import is_mirrored

    table = ConditionalTable(boto3.client("dynamodb"), found.ledger_table)
    record = table.read(run_key(view.row.connector, view.row.run_id)) or {}
    lock = read_text(record, "audience_lock")
    audience = (table.read(known_audience_key(lock)) if lock else None) or {}
    last = last_write_in(audience)
    if last.run_id and last.run_id not in {one.run_id for one in rows}:
        raise RefusedActionError("another run has written to its audience a moment ago: try again in a minute")
    first, oldest = read_number(audience, "first_written_at"), min(one.started_at for one in rows)
    mirrored = bool(lock) and is_mirrored(MirrorStates(table).read(lock))
    doubtful = _may_have_sent(found, others)
    sent = [one for one in others if one.rows_acknowledged or one.run_id in doubtful or one.state == "empty"]
    compared, unknown = tell_apart(found, view.row, sent, mirrored=mirrored)
    return OtherRuns(
        compared=tuple(compared),
        unknown=tuple(one for one in unknown if one.rows_acknowledged or one.run_id in doubtful),
        mirror=mirrored,
        forgotten=0 < first < oldest,
        last_run=last.run_id,
        last_written_at=last.at,
    )


def _may_have_sent(found: Deployment, others: Sequence[RunRow]) -> frozenset[str]:
    """Return the ids of runs that stopped with no row acknowledged, though the platform may have some."""
    import boto3
    from activation.aws.table import read_text
    from activation.ledger.keys import run_key
    from activation.ledger.progress import Progress
    from activation.records import DamagedRecord

    none = [one for one in others if one.state in CONTINUABLE and not one.rows_acknowledged]
    keys = {run_key(one.connector, one.run_id): one.run_id for one in none}
    found_in_doubt = set()
    for key, record in read_records(boto3.client("dynamodb"), found.ledger_table, [*keys]).items():
        with suppress(DamagedRecord):  # of another release
            if Progress.from_json(read_text(record, "progress")).may_have_sent:
                found_in_doubt.add(keys[key])
    return frozenset(found_in_doubt)


def _run_id(view: RunView, again: str) -> str:
    """Return the id of the run that undoes a run: the same however often it is begun."""
    account = view.receipt["drop"].get("ad_account", "")
    return drop_of(view).run_id(view.row.connector, again, account)
