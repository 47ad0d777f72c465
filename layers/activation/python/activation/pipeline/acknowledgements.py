"""What the platform accepted and refused, written down: the rejects first, then the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from activation.ledger.runs import HeldRun
from activation.ledger.shared_saves import SharedSaves
from activation.ledger.units import LeftOutCells, Unit, add_left_out
from activation.pipeline.batching import Prepared
from activation.pipeline.delivery import BatchRefusals, UploadResult
from activation.pipeline.upload_client import NOTHING_SENT
from activation.pipeline.uploads import unit_of
from activation.platforms.outcome import Outcome
from activation.platforms.upload import Upload
from activation.report.rejects import Rejects


@dataclass(frozen=True)
class Acknowledgements:
    """The acknowledgements of one run's uploads; `saves` writes its record, `rejects` keeps what was refused."""

    saves: SharedSaves
    rejects: Rejects
    _refusals: dict[int, BatchRefusals] = field(default_factory=dict)

    @property
    def held(self) -> HeldRun:
        """Return the run's record."""
        return self.saves.held

    def begin(self, prepared: Prepared, uploads: Sequence[Upload], *, disjoint: bool) -> list[Upload]:
        """Note a span and the uploads of its batch; return those that are not acknowledged yet.

        `disjoint` says that no row is in two of the uploads.
        """
        span = prepared.span
        refusals = BatchRefusals(prepared.columns.num_rows, disjoint=disjoint)
        with self.held.lock:
            progress = self.held.run.progress
            left = [one for one in uploads if not progress.done(unit_of(one))]
            earlier = progress.acknowledged_of(span)
            progress.begin(span, [one.key for one in uploads])
            if not left:
                self.held.save()
                return []
        if earlier and not disjoint:  # an earlier invocation sent these, and kept what was refused of them
            refusals.recall(self.rejects.read_platforms(span.first_row, span.last_row, earlier))
        self._refusals[span.first_row] = refusals
        return left

    def acknowledge(self, upload: Upload, outcome: Outcome, left_out: LeftOutCells | None = None) -> None:
        """Record what the platform accepted and refused of an upload; the rejects are written first.

        `left_out` are cells that were taken out of it when it was sent.
        """
        cells = Counter(upload.without(outcome.refused)[0].cells if outcome.refused else upload.cells)
        for key, codes in (left_out or {}).items():
            cells[key] -= sum(one.cells for one in codes.values())
        result = UploadResult.of(upload, outcome)
        refusals, progress = self._refusals[upload.first_row], self.held.run.progress
        # Where a row travels in several uploads, the list says which of its identifiers was refused.
        column = (
            upload.columns.schema.names[0] if upload.columns.num_columns == 1 and not refusals.disjoint else ""
        )
        name = f"{upload.last_row:012d}-{upload.key}-{upload.part}"
        self.rejects.write_platforms(upload.first_row, name, result.named, result.unnamed, column=column)
        with self.held.lock:
            refusals.add(result)
            if refusals.disjoint:
                progress.tally.count_rows(result.rows, result.refused)
            add_left_out(progress.tally.left_out, left_out or {})
            progress.acknowledge(
                unit_of(upload),
                sent=outcome.code != NOTHING_SENT,
                cells=+cells,
                handle=outcome.value if isinstance(outcome.value, str) else "",
                reference=outcome.reference,
            )
            if upload.part:
                self.held.save()
            else:
                self.finish(unit_of(upload))

    def finish(self, unit: Unit) -> None:
        """Note once that an upload is done, and count the batch's rows when it was the last of several.

        The caller holds the lock, from the acknowledgement of an upload that was sent whole: a record saved in
        between would name it as done without its rows. Once it has released the lock, it calls `saves.save`.
        """
        progress = self.held.run.progress
        if not progress.waits_for(unit):
            return
        if progress.is_last(unit):
            refusals = self._refusals.pop(unit.first_row)
            if not refusals.disjoint:
                progress.tally.count_rows(refusals.rows, refusals.refused())
        progress.finish_upload(unit)
        self.saves.note()
