"""What a mirror would change: its drop compared here with what the audience holds, as far as that may be read."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import boto3
import pyarrow as pa
from activation.aws.errors import classify
from activation.errors import ActivationError
from activation.identifiers.needed import identifies_alone
from activation.ledger.keys import mirror_prefix
from activation.mirror.difference import Difference, compare
from activation.mirror.guard import Guard, verdict
from activation.mirror.lines import lines_table
from activation.mirror.snapshot import Snapshot, SnapshotWriter
from activation.mirror.store import LocalPieces, Pieces, S3Pieces
from activation.model import Action, Cursor
from activation.runs.mirror_compare import rows_left, version_of
from botocore.exceptions import BotoCoreError, ClientError

from cli import deployment
from cli.dry_run import Content, DryRun
from cli.known_audiences import KnownAudience, known_audiences

CANDIDATE = "candidate/"


@dataclass(frozen=True)
class _Both:
    """The candidate's pieces in a local folder, and those of the audience in the app's bucket."""

    local: LocalPieces
    stored: Pieces

    def write(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Write locally."""
        return self.local.write(name)

    def open(self, name: str) -> pa.NativeFile:
        """Open a piece where it is."""
        return (self.local if name.startswith(CANDIDATE) else self.stored).open(name)

    def delete(self, names: Iterable[str]) -> None:
        """Delete locally: nothing in the bucket is a plan's to delete."""
        self.local.delete(names)

    def names(self, prefix: str) -> Iterator[str]:
        """Yield what was written locally."""
        return self.local.names(prefix)


def known_of(run: DryRun, account: str = "") -> KnownAudience | str:
    """Return what the ledger knows of the drop's audience, or why that cannot be said.

    `account` is the ad account that the drop names, "" for the connector's own.
    """
    account = run.platform.account.canonical(account)
    try:
        with contextlib.redirect_stderr(io.StringIO()):  # a plan needs no deployment
            table = deployment.find().ledger_table
            known = known_audiences(table, platform=run.platform.name, name=run.located.audience.name)
            known = [one for one in known if account in ("", one.account)]
    except deployment.FailedError as failed:
        return failed.sentence
    except (ClientError, BotoCoreError) as error:
        return classify(error, code="ledger").sentence
    if len(known) > 1:
        return "several ad accounts have an audience of this name"
    return known[0] if known else KnownAudience(run.platform.name, account, run.located.audience.name)


def mirror_plan(run: DryRun, source: Content, one: KnownAudience | str) -> dict[str, Any]:
    """Return how many would join and leave, and what the guard says; or why that cannot be said, as "unknown".

    `one` is what `known_of` returned.
    """
    if isinstance(one, str) or one.problem:
        return {"unknown": one if isinstance(one, str) else one.problem}
    try:
        with TemporaryDirectory() as folder:
            stored = S3Pieces(boto3.client("s3"), deployment.find().mirrors_bucket, mirror_prefix(one.lock))
            return _compared(run, source, one, _Both(LocalPieces(Path(folder)), stored))
    except ActivationError as error:
        why = "what the audience was sent cannot be read with your rights" if "denied" in error.code else ""
        return {"unknown": why or f"{error.code}: {error.sentence}"}


def _compared(run: DryRun, source: Content, one: KnownAudience, pieces: _Both) -> dict[str, Any]:
    snapshot, table = one.state.snapshot, run.platform.table
    candidate = _candidate(run, source, pieces, cells=snapshot is not None and snapshot.cells)
    alone = [field.key for field in table.fields if identifies_alone(field)]
    found = compare(candidate, one.state, pieces, alone, f"{CANDIDATE}delta/")
    connector = Guard(**(run.connector.settings.get("guard") or {}))
    guard = connector.narrowed(run.located.audience.options.guard)
    counts = _counts(found) | {"left": rows_left(one.state, found)}
    replaces = _replaces(run, one)
    changed = found.removed or found.unchanged < found.rows  # nothing is sent where nothing has changed
    return {
        **counts,
        "mode": "replace" if replaces else "difference",
        "rows_sent": found.rows if replaces and changed else found.rows - found.unchanged,
        "rows_before": one.state.rows,
        "guard": verdict(guard, one.state, found),
    }


def _replaces(run: DryRun, one: KnownAudience) -> bool:
    """Return whether the audience would be replaced as a whole, as far as that is known without the platform."""
    if Action.REPLACE not in run.platform.limits.actions or run.located.audience.options.shared:
        return False
    return not one.record or not one.why_no_replace


def _counts(found: Difference) -> dict[str, int]:
    names = ("unchanged", "joined", "changed", "held")
    return {name: getattr(found, name) for name in names} | {"sent_again": found.resent}


def _candidate(run: DryRun, source: Content, pieces: Pieces, *, cells: bool) -> Snapshot:
    """Read the drop once more and return its lines."""
    reader = run.open(source)
    mapped = run.mapped(reader)
    context = run.reading(reader, mapped).context
    keys = tuple(field.key for _, field in mapped.fields)
    writer = SnapshotWriter(pieces, CANDIDATE, keys, table_version=version_of(run.platform.table), cells=cells)
    for prepared in run.scanned(reader, mapped, context).spans(reader.chunks(Cursor()), Cursor(), ()):
        if prepared.columns.num_rows:
            further = [(one.columns, one.rows) for one in prepared.further]
            writer.write(lines_table([(prepared.columns, prepared.rows), *further]))
    return writer.close()
