"""A run's tally: what the receipt counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from activation.identifiers.codes import Code
from activation.ledger.units import LeftOutCells
from activation.platforms.publisher import Verdict

# What was taken out when it was to be sent, by us: events for their time, and suppressed people.
WITHHELD = frozenset((Code.TOO_OLD_FOR_PLATFORM.value, Code.EVENT_IN_FUTURE.value, Code.SUPPRESSED.value))
REFERENCES_KEPT = 20  # enough for a support case; the record has to stay small


@dataclass
class Tally:
    """The counts of the receipt.

    `acknowledged`, `rejected_by_us` and `rejected_by_platform` count rows, the latter two by code; a row is
    acknowledged once all uploads that carry it are. `identifiers` counts the cells of acknowledged uploads by
    field, without those of refused lines. `verdicts` counts, by an upload's handle and by code, the rows that the
    platform refused after it had acknowledged the upload; `rejected_by_platform` includes them. `left_out` are
    the cells left out of rows that were sent. `mended` counts rows that lacked blank cells at their end or had
    too many. `uploads` counts acknowledged uploads, each half as one. `requests`, `resent` and `bytes_sent` count
    what was sent, acknowledged or not; `resent` only what the platform may have had before. `references` are the
    platform's newest request ids. `active_s` is the duration of all invocations in seconds. Of events, `in_doubt`
    counts how often one was sent that the platform may have had already, each time once, and `by_row` those whose
    id is made of the drop and the row.
    """

    acknowledged: int = 0
    rejected_by_us: Counter[str] = field(default_factory=Counter)
    rejected_by_platform: Counter[str] = field(default_factory=Counter)
    identifiers: Counter[str] = field(default_factory=Counter)
    verdicts: dict[str, dict[str, int]] = field(default_factory=dict)
    left_out: LeftOutCells = field(default_factory=dict)
    mended: int = 0
    uploads: int = 0
    requests: int = 0
    resent: int = 0
    bytes_sent: int = 0
    references: list[str] = field(default_factory=list)
    active_s: float = 0.0
    in_doubt: int = 0
    by_row: int = 0

    @property
    def rows_settled(self) -> int:
        """Return how many rows have a known outcome; at the end of the file, all of them must."""
        return self.acknowledged + self.rejected_by_us.total() + self.rejected_by_platform.total()

    @property
    def refused_late(self) -> Counter[str]:
        """Return how many rows the platform refused after it had acknowledged them, by code."""
        counts: Counter[str] = Counter()
        for refused in self.verdicts.values():
            counts.update(refused)
        return counts

    def count_rows(self, rows: int, refused: Mapping[str, int]) -> None:
        """Count rows whose uploads are all acknowledged, less those that were refused, by code.

        What we took out when it was to be sent is among the refused, and is not the platform's refusal.
        """
        self.acknowledged += rows - sum(refused.values())
        self.rejected_by_us.update({code: count for code, count in refused.items() if code in WITHHELD})
        self.rejected_by_platform.update({code: count for code, count in refused.items() if code not in WITHHELD})

    def judge(self, verdicts: Iterable[Verdict]) -> None:
        """Count rows as rejected that the platform had acknowledged before; a repeated verdict changes nothing."""
        for verdict in verdicts:
            before = self.verdicts.pop(verdict.handle, {})
            self.acknowledged += sum(before.values())
            self.rejected_by_platform.subtract(before)
            refused = {}
            for code, count in verdict.refused.items():
                refused[code] = min(
                    count, self.acknowledged
                )  # a platform cannot refuse more rows than it acknowledged
                self.acknowledged -= refused[code]
            self.rejected_by_platform.update(refused)
            self.rejected_by_platform = +self.rejected_by_platform
            if any(refused.values()):
                self.verdicts[verdict.handle] = refused

    def count_sent(self, rows: int, suppressed: int = 0) -> None:
        """Count the rows of lines that are all acknowledged, refused or suppressed, in place of the lines.

        `suppressed` is how many rows of the drop were suppressed before any line was sent.
        """
        refused: Counter[str] = Counter()
        for code, count in sorted(self.rejected_by_platform.items()):
            refused[code] = min(count, rows - refused.total())
        self.rejected_by_platform = +refused
        code = Code.SUPPRESSED.value
        withheld = min(self.rejected_by_us[code] - suppressed, rows - refused.total())
        self.rejected_by_us = +Counter({**self.rejected_by_us, code: suppressed + withheld})
        self.acknowledged = rows - refused.total() - withheld

    def forget_sent(self) -> None:
        """Reset the counts of what the platform acknowledged and refused; those of requests and uploads stay."""
        self.acknowledged = 0
        self.rejected_by_platform, self.identifiers, self.verdicts = Counter(), Counter(), {}

    def forget_rows(self) -> None:
        """Reset the counts of rows, which are counted again; those of requests stay."""
        self.acknowledged = self.uploads = self.mended = self.by_row = 0
        self.rejected_by_us, self.rejected_by_platform = Counter(), Counter()
        self.identifiers, self.verdicts, self.left_out = Counter(), {}, {}
