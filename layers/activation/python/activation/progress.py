"""How far a run has got: the cursor, what was acknowledged beyond it, and the counts for the receipt."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from activation.model import Cursor
from activation.reading import Reading
from activation.split import Split

FIRST_ROWS_KEPT = 5
REFERENCES_KEPT = 20  # enough for a support case; the record has to stay small


@dataclass(frozen=True, order=True)
class Unit:
    """What is acknowledged as a whole: a part of one group of the rows `first_row` to `last_row`.

    `part` is "" for the whole group; where the platform refused a request and halves were sent, each half
    appends "0" or "1".
    """

    first_row: int
    last_row: int
    group: int
    part: str = ""

    def same_group(self, other: Unit) -> bool:
        """Whether both are parts of the same group of the same rows."""
        return (self.first_row, self.last_row, self.group) == (other.first_row, other.last_row, other.group)

    def within(self, other: Unit) -> bool:
        """Whether the unit is a part of `other`, and not all of it."""
        return self.same_group(other) and self.part != other.part and self.part.startswith(other.part)


@dataclass(frozen=True)
class Span:
    """Consecutive source rows whose requests end one batch: the groups that are sent, and what is not.

    `rejected` counts the span's rows that we rejected, by code; `left_out` the cells of the other rows that
    were left out, by field and code. `after` is the cursor behind the span.
    """

    first_row: int
    last_row: int
    groups: tuple[int, ...]
    rejected: Mapping[str, int]
    left_out: Mapping[tuple[str, str], int]
    left_out_rows: Mapping[tuple[str, str], tuple[int, ...]]
    after: Cursor


@dataclass
class Progress:
    """The counts of one run; owned by the one worker that holds the run's lease, which guards it with a lock.

    Every count but `requests`, `resent` and `bytes_sent` is of acknowledged units only, so a crash loses none
    and counts none twice. `in_doubt` are units the platform may have, though nobody acknowledged them; `suspects`
    says of how many of the next ones that is assumed, because a worker died while it may have sent them.
    `read_whole` is True once the end of the file was reached, `closed` once the platform was told that everything
    is there. `screened` is how far a hashed drop was looked through for values in clear, `screened_whole` that all
    of it was. `starts` counts how often the run went back to its start, because the platform no longer had
    what was uploaded, and may not exceed `starts_max`; `created` says that it had created the audience by then.
    `queued_s` is how long it has waited for its audience behind other drops, `queued_since` the Unix time since
    when it does so now, 0 where it does not. `etag` is the object's, as the run first saw it, and `reading` how it
    began to read it, so that what was acknowledged is found again. `split` is how a large run's file is shared
    out, None for any other; `survey` is what one of its parts found of its range.
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
    _open: dict[int, tuple[Span, set[int]]] = field(default_factory=dict, repr=False)

    def begin(self, span: Span) -> None:
        """Note a span whose groups are about to be sent; spans begin in row order."""
        waiting = {group for group in span.groups if Unit(span.first_row, span.last_row, group) not in self.ahead}
        self._open[span.first_row] = (span, waiting)
        self._advance()

    def acknowledge(
        self, unit: Unit, *, rows: int, refused: Mapping[str, int], handle: str, reference: str
    ) -> None:
        """Count `rows` members of a unit as acknowledged, less those the platform refused, by code.

        `handle` is what the platform gave for it that closing the upload needs, `reference` its trace of the call;
        "" for none. Of references the newest are kept.
        """
        self.acknowledged += rows - sum(refused.values())
        self.rejected_by_platform.update(refused)
        self.batches += 1
        self.resent += self.starts > 0  # the platform has had these members before, and lost them
        self.ahead.add(unit)
        self.in_doubt = {one for one in self.in_doubt if one != unit and not unit.within(one)}
        if handle:
            self.handles[f"{unit.first_row:012d}/{unit.group}/{unit.part}"] = handle
        if reference:
            self.references = [*self.references, reference][-REFERENCES_KEPT:]

    def finish_group(self, unit: Unit) -> None:
        """Note that nothing of the unit's group is left to send."""
        self.ahead = {one for one in self.ahead if not one.same_group(unit)}
        self.ahead.add(Unit(unit.first_row, unit.last_row, unit.group))
        self._open[unit.first_row][1].discard(unit.group)
        self._advance()

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
                "ahead": sorted([u.first_row, u.last_row, u.group, u.part] for u in self.ahead),
                "in_doubt": sorted([u.first_row, u.last_row, u.group, u.part] for u in self.in_doubt),
                "suspects": self.suspects,
                "read_whole": self.read_whole,
                "closed": self.closed,
                "etag": self.etag,
                "acknowledged": self.acknowledged,
                "rejected_by_us": self.rejected_by_us,
                "rejected_by_platform": self.rejected_by_platform,
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
            ahead={Unit(*one) for one in data["ahead"]},
            in_doubt={Unit(*one) for one in data["in_doubt"]},
            suspects=data["suspects"],
            read_whole=data["read_whole"],
            closed=data["closed"],
            etag=data["etag"],
            acknowledged=data["acknowledged"],
            rejected_by_us=Counter(data["rejected_by_us"]),
            rejected_by_platform=Counter(data["rejected_by_platform"]),
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
