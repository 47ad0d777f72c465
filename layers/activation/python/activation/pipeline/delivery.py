"""Accounting for one batch in flight: which rows the platform refused, and whether to look for more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from activation.errors import Rejected
from activation.platforms.outcome import Outcome
from activation.platforms.upload import Upload

REFUSED_LINES_SOUGHT = 50  # per upload; with more bad lines than this, the fault is the upload's, not the lines'


@dataclass(frozen=True)
class UploadResult:
    """What the platform accepted and refused of an acknowledged upload.

    `rows` counts the source rows its lines carry. `named` are the rows the platform refused by name, with a code;
    `unnamed` counts those it refused without naming them, under `unnamed_code`.
    """

    rows: int
    named: Mapping[int, str]
    unnamed: int
    unnamed_code: str

    @classmethod
    def of(cls, upload: Upload, outcome: Outcome) -> UploadResult:
        """Return the result of an upload that an outcome acknowledges."""
        rows = len(upload.source_rows)
        named = {
            row: code
            for line, code in outcome.refused.items()
            if 0 <= line < upload.lines
            for row in upload.rows_of(line)
        }
        unnamed = max(0, outcome.refused_count - len(outcome.refused))
        return cls(rows, named, min(unnamed, rows - len(named)), outcome.code or "refused")

    @property
    def refused(self) -> dict[str, int]:
        """Return the number of refused rows by code."""
        counts = Counter(self.named.values())
        counts[self.unnamed_code] += self.unnamed
        return dict(+counts)


@dataclass
class BatchRefusals:
    """The refusals of one batch, over all of its uploads; guarded by the lock of the run.

    `rows` is how many rows the batch has. `disjoint` says that no row is in two uploads: then rows are counted as
    each upload, or part of one, is acknowledged. Otherwise they are counted when the last upload is done, since a
    row is acknowledged only when all its uploads are.
    """

    rows: int
    disjoint: bool
    _named: dict[int, str] = field(default_factory=dict)
    _unnamed: Counter[str] = field(default_factory=Counter)

    def add(self, result: UploadResult) -> None:
        """Add the result of an upload."""
        self._named = {**result.named, **self._named}
        self._unnamed[result.unnamed_code] += result.unnamed

    def recall(self, earlier: tuple[Mapping[int, str], int]) -> None:
        """Add the refusals of an earlier invocation: the rows that were named, and how many were not."""
        named, unnamed = earlier
        self._named = {**named, **self._named}
        self._unnamed["refused"] += unnamed

    def refused(self) -> dict[str, int]:
        """Return the refused rows of the batch by code, each row once and never more than there are."""
        counts = Counter(self._named.values())
        room = self.rows - len(self._named)
        for code, count in self._unnamed.items():
            counts[code] += min(count, room)
            room -= min(count, room)
        return dict(+counts)


@dataclass
class Delivery:
    """One upload in flight.

    `in_doubt` says that a worker that died may have sent the next part; parts are always sent in the same order.
    `accepted` is True once the platform accepted a part. `refused_lines` counts the lines found so far for which
    the platform refuses a whole request.
    """

    in_doubt: bool
    accepted: bool = False
    refused_lines: int = 0

    def accept(self) -> None:
        """Note that the platform accepted a part."""
        self.in_doubt, self.accepted = False, True

    def found(self) -> None:
        """Note a line for which the platform refuses a whole request."""
        self.in_doubt = False
        self.refused_lines += 1

    def check(self, refusal: Outcome) -> None:
        """Raise Rejected with the refusal's code once REFUSED_LINES_SOUGHT lines were found."""
        if self.refused_lines >= REFUSED_LINES_SOUGHT:
            raise Rejected(
                refusal.code or "batch_refused",
                f"the platform refuses more than {REFUSED_LINES_SOUGHT} lines of one upload; {refusal.reason}",
            )
