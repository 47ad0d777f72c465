"""How far a run has got: the cursor, what was acknowledged beyond it, and the counts for the receipt."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from activation.model import Cursor
from activation.platforms.publisher import Verdict
from activation.reading import Reading
from activation.split import Split

FIRST_ROWS_KEPT = 5
REFERENCES_KEPT = 20  # enough for a support case; the record has to stay small


@dataclass(frozen=True, order=True)
class Unit:
    """What the ledger acknowledges as a whole: an upload, or a part of one.

    `first_row` and `last_row` are the batch's source rows, `key` is the upload's name within the batch. `part` is
    "" for the whole upload; each half of an upload that was refused or too large appends "0" or "1".
    """

    first_row: int
    last_row: int
    key: str
    part: str = ""

    def same_upload(self, other: Unit) -> bool:
        """Whether both are parts of the same upload."""
        return (self.first_row, self.last_row, self.key) == (other.first_row, other.last_row, other.key)

    def within(self, other: Unit) -> bool:
        """Whether the unit is a part of `other`, and not all of it."""
        return self.same_upload(other) and self.part != other.part and self.part.startswith(other.part)


@dataclass(frozen=True)
class Span:
    """The consecutive source rows of one batch, and what of them is not sent.

    `rejected` counts the span's rows that we rejected, by code; `left_out` the cells of the other rows that
    were left out, by field and code. `after` is the cursor behind the span.
    """

    first_row: int
    last_row: int
    rejected: Mapping[str, int]
    left_out: Mapping[tuple[str, str], int]
    left_out_rows: Mapping[tuple[str, str], tuple[int, ...]]
    after: Cursor


@dataclass
class Progress:
    """The counts of one run; owned by the one worker that holds the run's lease, which guards it with a lock.

    Every count but `requests`, `resent` and `bytes_sent` is of acknowledged units only, so a crash loses none and
    counts none twice. `acknowledged` counts rows, each once all uploads that carry it are acknowledged;
    `identifiers` counts the cells of acknowledged uploads by field. `verdicts` are, by an upload's handle, the
    rows that the platform refused after it had acknowledged the upload; they are among `rejected_by_platform`.
    `in_doubt` are units the platform may have, though nobody acknowledged them; `suspects` says of how many of
    the next ones that is assumed, because a worker died while it may have sent them. `read_whole` is True once
    the end of the file was reached, `closed` once the platform was told that everything is there. `screened` is
    how far a hashed drop was looked through for values in clear, `screened_whole` that all of it was. `starts`
    counts how often the run went back to its start, because the platform no longer had what was uploaded, and may
    not exceed `starts_max`; `created` says that it had created the audience by then. `queued_s` is how long it
    has waited for its audience behind other drops, `queued_since` the Unix time since when it does so now, 0
    where it does not. `etag` is the object's, as the run first saw it, and `reading` how it began to read it, so
    that what was acknowledged is found again. `split` is how a large run's file is shared out, None for any
    other; `survey` is what one of its parts found of its range.
    """

    cursor: Cursor = field(default_factory=Cursor)
    ahead: set[Unit] = field(default_factory=set)
    in_doubt: set[Unit] = field(default_factory=set)
    suspects: int = 0
    read_whole: bool = False
    closed: bool = False
    screened: Cursor = field(default_factory=Cursor)
    screened_whole: bool = False
    etag: str = ""
    reading: Reading | None = None
    acknowledged: int = 0
    rejected_by_us: Counter[str] = field(default_factory=Counter)
    rejected_by_platform: Counter[str] = field(default_factory=Counter)
    identifiers: Counter[str] = field(default_factory=Counter)
    verdicts: dict[str, dict[str, int]] = field(default_factory=dict)
    left_out: Counter[tuple[str, str]] = field(default_factory=Counter)
    left_out_rows: dict[tuple[str, str], tuple[int, ...]] = field(default_factory=dict)
    batches: int = 0
    requests: int = 0
    resent: int = 0
    bytes_sent: int = 0
    starts: int = 0
    starts_max: int = 1
    created: bool = False
    queued_s: float = 0.0
    queued_since: float = 0.0
    handles: dict[str, str] = field(default_factory=dict)
    references: list[str] = field(default_factory=list)
    active_s: float = 0.0
    columns: dict[str, str] = field(default_factory=dict)
    ignored_columns: list[str] = field(default_factory=list)
    format: str = ""
    split: Split | None = None
    survey: dict[str, Any] | None = None
    _open: dict[int, tuple[Span, set[str]]] = field(default_factory=dict, repr=False)

    def begin(self, span: Span, keys: Iterable[str]) -> None:
        """Note a span whose uploads, by their keys, are about to be sent; spans begin in row order."""
        waiting = {key for key in keys if Unit(span.first_row, span.last_row, key) not in self.ahead}
        self._open[span.first_row] = (span, waiting)
        self._advance()

    def acknowledge(self, unit: Unit, *, cells: Mapping[str, int], handle: str, reference: str) -> None:
        """Note a unit as acknowledged; its rows are counted by `count_rows`.

        `cells` are its identifiers by field. `handle` is what the platform returned that closing the uploads or a
        later verdict needs, `reference` its trace of the call; "" for none. Of references the newest are kept.
        """
        self.batches += 1
        self.resent += self.starts > 0  # the platform has had these members before, and lost them
        self.identifiers.update(cells)
        self.ahead.add(unit)
        self.in_doubt = {one for one in self.in_doubt if one != unit and not unit.within(one)}
        if handle:
            self.handles[f"{unit.first_row:012d}/{unit.key}/{unit.part}"] = handle
        if reference:
            self.references = [*self.references, reference][-REFERENCES_KEPT:]

    def count_rows(self, rows: int, refused: Mapping[str, int]) -> None:
        """Count rows whose uploads are all acknowledged, less those the platform refused, by code."""
        self.acknowledged += rows - sum(refused.values())
        self.rejected_by_platform.update(refused)

    def judge(self, verdicts: Iterable[Verdict]) -> None:
        """Move rows that the platform refused after it had acknowledged them; repeated verdicts move none."""
        for verdict in verdicts:
            before = self.verdicts.pop(verdict.handle, {})
            self.acknowledged += sum(before.values())
            self.rejected_by_platform.subtract(before)
            refused = {}
            for code, count in verdict.refused.items():
                refused[code] = min(count, self.acknowledged)  # a platform that counts more than it took is wrong
                self.acknowledged -= refused[code]
            self.rejected_by_platform.update(refused)
            self.rejected_by_platform = +self.rejected_by_platform
            if any(refused.values()):
                self.verdicts[verdict.handle] = refused

    def handles_of(self, first_row: int, key: str) -> tuple[str, ...]:
        """Return the handles of an upload's parts, in row order."""
        prefix = f"{first_row:012d}/{key}/"
        return tuple(handle for name, handle in sorted(self.handles.items()) if name.startswith(prefix))

    def finish_upload(self, unit: Unit) -> None:
        """Note that nothing of the unit's upload is left to send."""
        self.ahead = {one for one in self.ahead if not one.same_upload(unit)}
        self.ahead.add(Unit(unit.first_row, unit.last_row, unit.key))
        self._open[unit.first_row][1].discard(unit.key)
        self._advance()

    def is_last(self, unit: Unit) -> bool:
        """Whether all uploads of the unit's span but this one are done."""
        return self._open[unit.first_row][1] <= {unit.key}

    def _advance(self) -> None:
        """Move the cursor over every leading span that is done, and count what those spans did not send."""
        for first_row in sorted(self._open):
            span, waiting = self._open[first_row]
            if waiting:
                return
            self.cursor = span.after
            self.rejected_by_us.update(span.rejected)
            self.left_out.update(span.left_out)
            for key, rows in span.left_out_rows.items():
                kept = self.left_out_rows.get(key, ())
                self.left_out_rows[key] = (*kept, *rows)[:FIRST_ROWS_KEPT]
            self.ahead = {unit for unit in self.ahead if unit.first_row != first_row}
            del self._open[first_row]

    def start_over(self, *, created: bool = False) -> None:
        """Go back to the first row, because everything has to be uploaded again.

        What the counts say of rows is forgotten, to be found once more; what they say of requests stays. A hashed
        drop need not be looked through again.
        """
        self.cursor, self.read_whole, self.closed = Cursor(), False, False
        self.ahead, self.in_doubt, self.suspects = set(), set(), 0
        self.acknowledged = self.batches = 0
        self.rejected_by_us, self.rejected_by_platform = Counter(), Counter()
        self.identifiers, self.verdicts = Counter(), {}
        self.left_out, self.left_out_rows, self.handles = Counter(), {}, {}
        self._open = {}
        self.starts += 1
        self.created |= created

    def done(self, unit: Unit) -> bool:
        """Whether the unit was acknowledged, in this or an earlier invocation."""
        return unit in self.ahead

    def begun_parts(self, unit: Unit) -> bool:
        """Whether halves of the unit were sent before, so that it is known to be refused as a whole."""
        return any(one.within(unit) for one in (*self.ahead, *self.in_doubt))

    def doubt(self, unit: Unit, *, begin: bool = False) -> bool:
        """Whether the platform may have the unit although nobody acknowledged it.

        With `begin` the unit is about to be sent for the first time by this worker, and takes its share of the
        suspicion a dead one left behind.
        """
        if begin and self.suspects > 0:
            self.suspects -= 1
            self.in_doubt.add(unit)
        return unit in self.in_doubt

    def resolve(self, unit: Unit, *, in_doubt: bool) -> None:
        """Note what is known of a unit that was not acknowledged when its sending ended."""
        if not in_doubt:
            self.in_doubt.discard(unit)
        elif unit not in self.ahead:
            self.in_doubt.add(unit)

    @property
    def work_done(self) -> int:
        """Count the rows that were brought forward in any way; an invocation that adds none made no progress."""
        return self.rows_settled + self.screened.row

    @property
    def rows_settled(self) -> int:
        """Rows with a known end; at the end of the file this is the rows in, or the run's sums differ."""
        return self.acknowledged + sum(self.rejected_by_us.values()) + sum(self.rejected_by_platform.values())

    def to_json(self) -> str:
        """Write everything the next invocation needs; a few kB, whatever the file's size."""
        return json.dumps(
            {
                "cursor": [self.cursor.row, self.cursor.position],
                "screened": [self.screened.row, self.screened.position],
                "screened_whole": self.screened_whole,
                "ahead": sorted([u.first_row, u.last_row, u.key, u.part] for u in self.ahead),
                "in_doubt": sorted([u.first_row, u.last_row, u.key, u.part] for u in self.in_doubt),
                "suspects": self.suspects,
                "read_whole": self.read_whole,
                "closed": self.closed,
                "etag": self.etag,
                "acknowledged": self.acknowledged,
                "rejected_by_us": self.rejected_by_us,
                "rejected_by_platform": self.rejected_by_platform,
                "identifiers": self.identifiers,
                "verdicts": self.verdicts,
                "left_out": [[*key, n, self.left_out_rows.get(key, ())] for key, n in self.left_out.items()],
                "batches": self.batches,
                "requests": self.requests,
                "resent": self.resent,
                "bytes_sent": self.bytes_sent,
                "starts": self.starts,
                "starts_max": self.starts_max,
                "created": self.created,
                "queued_s": round(self.queued_s, 3),
                "queued_since": round(self.queued_since, 3),
                "handles": self.handles,
                "references": self.references,
                "active_s": round(self.active_s, 3),
                "columns": self.columns,
                "ignored_columns": self.ignored_columns,
                "format": self.format,
                **({"split": self.split.to_json()} if self.split else {}),
                **({"survey": self.survey} if self.survey else {}),
                **({"reading": self.reading.to_json()} if self.reading else {}),
            },
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str) -> Progress:
        """Read what `to_json` wrote."""
        data: dict[str, Any] = json.loads(text)
        left_out = {(key, code): n for key, code, n, _ in data["left_out"]}
        rows = {(key, code): tuple(first) for key, code, _, first in data["left_out"]}
        return cls(
            cursor=Cursor(*data["cursor"]),
            screened=Cursor(*data["screened"]),
            screened_whole=data["screened_whole"],
            ahead={_unit(*one) for one in data["ahead"]},
            in_doubt={_unit(*one) for one in data["in_doubt"]},
            suspects=data["suspects"],
            read_whole=data["read_whole"],
            closed=data["closed"],
            etag=data["etag"],
            acknowledged=data["acknowledged"],
            rejected_by_us=Counter(data["rejected_by_us"]),
            rejected_by_platform=Counter(data["rejected_by_platform"]),
            identifiers=Counter(data.get("identifiers", {})),
            verdicts=data.get("verdicts", {}),
            left_out=Counter(left_out),
            left_out_rows=rows,
            batches=data["batches"],
            requests=data["requests"],
            resent=data["resent"],
            bytes_sent=data["bytes_sent"],
            starts=data.get("starts", 0),
            starts_max=data.get("starts_max", 1),
            created=data.get("created", False),
            queued_s=data.get("queued_s", 0.0),
            queued_since=data.get("queued_since", 0.0),
            handles=data["handles"],
            references=data["references"],
            active_s=data["active_s"],
            columns=data["columns"],
            ignored_columns=data["ignored_columns"],
            format=data["format"],
            split=Split.of(data["split"]) if "split" in data else None,
            survey=data.get("survey"),
            reading=Reading.of(data["reading"]) if "reading" in data else None,
        )


def _unit(first_row: int, last_row: int, key: str | int, part: str) -> Unit:
    """Read a unit; an earlier release numbered the uploads of a batch."""
    return Unit(first_row, last_row, str(key), part)
