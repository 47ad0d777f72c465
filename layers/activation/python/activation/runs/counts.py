"""The counts of a large run: the sums over its parts, beside what the run itself has sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from activation.ledger.progress import Progress
from activation.ledger.runs import Run
from activation.ledger.split import RunSplit, Sent
from activation.ledger.tally import REFERENCES_KEPT
from activation.ledger.units import add_left_out
from activation.model import Cursor
from activation.platforms.publisher import Verdict

Key = TypeVar("Key")


def gather(progress: Progress, split: RunSplit, parts: Sequence[Run | None]) -> None:
    """Write the sums over the parts into the run's own counts; gathering the same parts twice changes nothing."""
    tally, checkpoint = progress.tally, progress.checkpoint
    counted = sums(parts)
    tally.requests += counted.requests - split.counted.requests
    tally.resent += counted.resent - split.counted.resent
    tally.bytes_sent += counted.bytes_sent - split.counted.bytes_sent
    tally.active_s += counted.active_s - split.counted.active_s
    progress.plan.split = replace(split, counted=counted)
    begun = [part.progress for part in parts if part]
    tally.acknowledged = sum(part.tally.acknowledged for part in begun)
    tally.uploads = sum(part.tally.uploads for part in begun)
    tally.mended = sum(part.tally.mended for part in begun)
    tally.in_doubt = sum(part.tally.in_doubt for part in begun)
    tally.by_row = sum(part.tally.by_row for part in begun)
    tally.rejected_by_us = _total(part.tally.rejected_by_us for part in begun)
    tally.rejected_by_platform = _total(part.tally.rejected_by_platform for part in begun)
    tally.identifiers = _total(part.tally.identifiers for part in begun)
    tally.left_out = {}
    for part in begun:
        add_left_out(tally.left_out, part.tally.left_out)
        checkpoint.handles.update(part.checkpoint.handles)
    verdicts = [Verdict(handle, refused) for handle, refused in tally.verdicts.items()]
    tally.verdicts = {}
    tally.judge(verdicts)  # which only the run knows
    tally.references = [one for part in begun for one in part.tally.references][-REFERENCES_KEPT:]
    if split.pieces:
        rows = 0
        for run, piece in zip(parts, split.pieces, strict=True):
            rows += max(0, run.progress.checkpoint.cursor.row - piece[0]) if run else 0
        checkpoint.cursor = Cursor(rows)


def sums(parts: Iterable[Run | None]) -> Sent:
    """Return the sums over the parts of what the run also counts for requests of its own."""
    begun = [part.progress.tally for part in parts if part]
    return Sent(
        requests=sum(part.requests for part in begun),
        resent=sum(part.resent for part in begun),
        bytes_sent=sum(part.bytes_sent for part in begun),
        active_s=sum(part.active_s for part in begun),
    )


def _total(counts: Iterable[Counter[Key]]) -> Counter[Key]:
    total: Counter[Key] = Counter()
    for one in counts:
        total.update(one)
    return total
