"""The verdict beside the sums: what looks wrong although nothing refuses it, and what is refused for it.

`plan`, the receipt, `status` and the run's event all show this list. Shares are of what was read so far; what can
be said of the whole file only is said once its end was reached.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from activation.drops.folder_listing import FolderListing
from activation.drops.proposal import proposed_mapping
from activation.drops.row_filters import LEFT_IN, TAKEN_OUT
from activation.drops.sample import MAIL, PHONE, Sample
from activation.drops.sidecars import is_manifest
from activation.errors import Rejected
from activation.identifiers.table import FieldTable
from activation.ledger.runs import FINAL, STOPPED, Run
from activation.model import SNAPSHOTS, Action, RunWarning
from activation.platforms.platform import Minimum, Platform
from activation.report.event_warnings import of_events

NO_COUNTRY_CODE_SHARE = 0.5
LEFT_OUT_SHARE = 0.5
REJECTED_SHARE = 0.1
REPEATED_SHARE = 0.2
STRONG_SHARE = 0.5

# Notes of a platform that say that nobody can use the audience as it is.
UNUSABLE = ("too_small",)
ALLOW = 'or set "allow_weak": true for the connector to send it as it is'
INTERRUPTED = "replace_interrupted"  # a platform's note that it has ended a replace before all rows had arrived
NO_ROWS = "the file has no rows; its run ends at once and sends nothing"
NO_ROWS_OF_A_MIRROR = "the drop has no rows: a mirror of it leaves nobody in the audience"
LOOKS = {MAIL: "e-mail addresses", PHONE: "phone numbers"}


@dataclass(frozen=True)
class Counts:
    """The sums of a drop, all by stable codes and wire keys.

    `rows` is how many rows were read, `whole` whether that is the whole file. `sent` counts the rows that were
    sent, or in a plan would be. `rejected` counts the others by code. `left_out` are cells left out of rows that
    were sent, by field and code, `identifiers` the cells that were sent, by field. Of events, `by_row` counts
    those whose id is made of the drop and the row, `in_doubt` how often one was sent that may have arrived before.
    """

    rows: int = 0
    whole: bool = False
    sent: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    left_out: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    identifiers: Mapping[str, int] = field(default_factory=dict)
    by_row: int = 0
    in_doubt: int = 0


@dataclass(frozen=True)
class Judged:
    """A drop to be judged: where it goes, what its first rows showed, its sums, the platform's notes by code."""

    table: FieldTable
    minimum: Minimum
    action: Action
    sample: Sample = field(default_factory=Sample)
    counts: Counts = field(default_factory=Counts)
    notes: Mapping[str, str] = field(default_factory=dict)


def refuse_weak(sample: Sample) -> None:
    """Raise Rejected for a drop that can match hardly anybody, or that leaves out a column that could.

    Called before anything is sent, unless the connector's settings allow such drops.
    """
    for warning in _of_columns(sample):
        raise Rejected(warning.code, f"{warning.sentence}; nothing was sent: {_what_to_do(sample)}, {ALLOW}")


def warnings(drop: Judged) -> list[RunWarning]:
    """Return what looks wrong, the gravest first."""
    found = [
        *of_events(drop.counts.rejected, drop.counts.by_row, drop.counts.in_doubt, drop.notes),
        *_of_columns(drop.sample),
        *_of_rules(drop),
        *_of_people(drop),
    ]
    return [*found, *_of_cells(drop), *_of_size(drop)]


def of_run(
    platform: Platform,
    action: Action,
    run: Run,
    notes: Mapping[str, str],
    listing: FolderListing | None = None,
) -> list[RunWarning]:
    """Return the warnings of a run as far as it has come; `notes` are what the platform said last, by code.

    `listing` is what the drop holds if it is a folder.
    """
    progress, tally, mirror = run.progress, run.progress.tally, run.progress.mirror
    is_read = action is Action.MIRROR and mirror is not None and mirror.is_read
    counts = Counts(
        rows=mirror.rows if mirror and is_read else progress.checkpoint.cursor.row,
        whole=is_read or progress.checkpoint.read_whole,
        sent=mirror.size - tally.rejected_by_platform.total() if mirror and is_read else tally.acknowledged,
        rejected=tally.rejected_by_us + tally.rejected_by_platform,
        left_out={
            key: {code: found.cells for code, found in sorted(codes.items())}
            for key, codes in sorted(tally.left_out.items())
        },
        identifiers=tally.identifiers,
        by_row=tally.by_row,
        in_doubt=tally.in_doubt,
    )
    notes = {**(run.opened.notes if run.opened else {}), **notes}
    sample = progress.plan.sample or Sample()
    found = warnings(Judged(platform.table, platform.minimum, action, sample, counts, notes))
    left_over = _of_stale(action, listing) if listing else ()
    return [*_of_interim(run), *left_over, *found]


def _of_stale(action: Action, listing: FolderListing) -> Iterator[RunWarning]:
    """Yield a warning where a folder that is all of an audience has older files that no manifest leaves out."""
    count = len(listing.stale)
    if action in SNAPSHOTS and count and not is_manifest(listing.sign_key.rsplit("/", 1)[-1].lower()):
        yield RunWarning(
            "files_left_over",
            f"{count:,} file{'s' * (count != 1)} of the folder {'were' if count != 1 else 'was'} not written again"
            " since it was closed before, and not sent: who is in no other file is not in the audience any more",
        )


def _of_interim(run: Run) -> Iterator[RunWarning]:
    """Yield a warning while the audience holds neither what it held before nor what the drop says."""
    opened = run.opened
    if opened is None or not opened.interim or run.state in FINAL:
        return
    if opened.by_upload and not run.progress.checkpoint.in_doubt:  # nothing has begun
        return
    if run.state in STOPPED or INTERRUPTED in opened.notes:
        yield RunWarning("replace_incomplete", opened.interim)


def _of_columns(sample: Sample) -> Iterator[RunWarning]:
    if sample.weak:
        yield RunWarning(
            "no_strong_identifier",
            f"the columns used ({', '.join(sample.fields)}) match hardly anybody by themselves",
        )
    if sample.lookalikes:
        listed = ", ".join(f"{name} ({LOOKS[look]})" for name, look in sample.lookalikes.items())
        yield RunWarning("unused_identifiers", f"columns that are not used seem to hold identifiers: {listed}")


def _of_rules(drop: Judged) -> Iterator[RunWarning]:
    """Yield a warning where a drop that removes people has a column that says who may be added."""
    sample = drop.sample
    if drop.action is Action.REMOVE and (sample.asks_in_vain or sample.unsaid.consents):
        yield RunWarning(
            "consent_not_applied", "the drop has a column of consent: people are removed whatever it says"
        )


def _what_to_do(sample: Sample) -> str:
    return proposed_mapping(sample.lookalikes) or (
        "say in the connector's columns which column holds e-mail addresses or phone numbers"
    )


def _of_people(drop: Judged) -> Iterator[RunWarning]:
    """Yield a warning where few of the people that were sent can have carried an identifier that matches alone.

    Only where a row may be sent without one: elsewhere all have one, and a platform may be sent each once.
    """
    if drop.table.events is not None:
        return
    counts, alone = drop.counts, {key for _, key in drop.table.singles}
    others = drop.table.can_identify([one.key for one in drop.table.fields if one.key not in alone])
    strong = sum(count for key, count in counts.identifiers.items() if key in alone)
    if others and not drop.sample.weak and counts.identifiers and strong < STRONG_SHARE * counts.sent:
        yield RunWarning(
            "no_strong_identifier",
            f"at most {strong:,} of {counts.sent:,} rows sent have an identifier that matches by itself",
        )


def _of_cells(drop: Judged) -> Iterator[RunWarning]:
    sample, counts = drop.sample, drop.counts
    if sample.phones and sample.bare >= NO_COUNTRY_CODE_SHARE * sample.phones:
        yield RunWarning(
            "phones_without_country_code",
            f"{_share(sample.bare, sample.phones)} of the first {sample.phones:,} phone numbers have no country"
            " code and there is no default_country; they match nobody, or the wrong person",
        )
    for key, codes in counts.left_out.items():
        cells = sum(codes.values())
        filled = cells + counts.identifiers.get(key, 0)
        if cells >= LEFT_OUT_SHARE * filled:
            worst = max(codes, key=lambda code: codes[code])
            yield RunWarning(
                "cells_left_out",
                f"{_share(cells, filled)} of the cells for {key} are left out, most often as {worst}",
            )


def _of_size(drop: Judged) -> Iterator[RunWarning]:
    sample, counts = drop.sample, drop.counts
    rejected = sum(counts.rejected.values())
    if counts.whole and not counts.rows:
        yield RunWarning("no_rows", NO_ROWS_OF_A_MIRROR if drop.action is Action.MIRROR else NO_ROWS)
    meant = sum(counts.rejected.get(code, 0) for code in (*TAKEN_OUT, *LEFT_IN))
    bad = rejected - meant
    if counts.rows and bad >= REJECTED_SHARE * counts.rows:
        yield RunWarning("rows_rejected", f"{_share(bad, counts.rows)} of the rows are rejected")
    first = "" if counts.whole and counts.rows == sample.rows else "the first "
    yield from of_repeats(sample.named, sample.people, first)
    if unusable := next((drop.notes[code] for code in UNUSABLE if code in drop.notes), None):
        yield RunWarning("audience_unusable", unusable)
    # A row of the sample may be another one than those that were sent only if it is among the rejected.
    people = min(counts.sent, sample.people + max(0, counts.sent + rejected - sample.named))
    if counts.whole and counts.sent and drop.action is not Action.REMOVE and people < drop.minimum.people:
        yield RunWarning("audience_small", f"{people:,} people at most are in this drop: {drop.minimum.why}")


def of_repeats(rows: int, people: int, first: str = "") -> Iterator[RunWarning]:
    """Yield a warning where `rows` rows are far fewer `people`; `first` says of which rows that was counted."""
    if rows and people <= (1 - REPEATED_SHARE) * rows:
        yield RunWarning("rows_repeat", f"{first}{rows:,} rows name only {people:,} different people")


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}"
