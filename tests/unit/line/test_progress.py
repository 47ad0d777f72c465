"""Counting: what is acknowledged, in whatever order, is counted once, and what is written down is read back."""

from __future__ import annotations

from collections import Counter

import pytest
from activation.drops.ranges import Piece
from activation.ledger.checkpoint import Checkpoint
from activation.ledger.file_plan import FilePlan
from activation.ledger.mirror_run import MirrorRun
from activation.ledger.progress import Attempts, Progress
from activation.ledger.split import RunSplit
from activation.ledger.tally import REFERENCES_KEPT, Tally
from activation.ledger.units import FIRST_ROWS_KEPT, LeftOut, Span, Unit
from activation.model import Cursor
from activation.platforms.publisher import Verdict
from activation.records import DamagedRecord, from_json, to_json, to_short_json
from activation.runs.split import piece_of
from hypothesis import given, settings
from hypothesis import strategies as st


def span(first: int, last: int, rejected: int = 0) -> Span:
    """Describe a span of rows."""
    reasons = {"no_identifier": rejected} if rejected else {}
    return Span(
        first,
        last,
        reasons,
        {"PHONE": {"too_short": LeftOut(1, (first,))}},
        Cursor(last, last * 10),
    )


def acknowledge(progress: Progress, unit: Unit, rows: int, refused: int = 0) -> None:
    """Acknowledge a unit as the platform's answer does."""
    progress.acknowledge(unit, cells={"EMAIL": rows}, handle=f"h{unit.first_row}", reference="r")
    progress.tally.count_rows(rows, {"bad": refused} if refused else {})


@given(data=st.data(), spans=st.lists(st.tuples(st.integers(1, 3), st.integers(0, 2)), min_size=1, max_size=6))
@settings(max_examples=100, deadline=None)
def test_the_cursor_moves_over_leading_spans_only_and_every_count_comes_once(
    data: st.DataObject, spans: list[tuple[int, int]]
) -> None:
    """Uploads may end in any order, and the record may be written and read between any two of them."""
    progress, known, row = Progress(), [], 1
    for uploads, rejected in spans:
        last = row + uploads * 2 + rejected - 1
        known.append((span(row, last, rejected), [str(key) for key in range(uploads)]))
        progress.begin(*known[-1])
        row = last + 1
    units = [Unit(one.first_row, one.last_row, key) for one, keys in known for key in keys]
    left = data.draw(st.permutations(units))
    crash = data.draw(st.integers(0, len(left)))
    for unit in left[:crash]:
        acknowledge(progress, unit, 2)
        progress.finish_upload(unit)
    progress = Progress.from_json(progress.to_json())
    resumed_at = progress.checkpoint.cursor.row
    for one, keys in known:
        if one.first_row > resumed_at:
            progress.begin(one, keys)
    for unit in left[crash:]:
        assert not progress.done(unit)
        acknowledge(progress, unit, 2)
        progress.finish_upload(unit)
    assert progress.checkpoint.cursor == known[-1][0].after
    assert progress.checkpoint.ahead == set()
    assert progress.tally.acknowledged == progress.tally.identifiers["EMAIL"] == 2 * len(units)
    assert progress.tally.rejected_by_us.total() == sum(rejected for _, rejected in spans)
    first_rows = tuple(one.first_row for one, _ in known)[:FIRST_ROWS_KEPT]
    assert progress.tally.left_out == {"PHONE": {"too_short": LeftOut(len(spans), first_rows)}}
    assert progress.tally.rows_settled == progress.checkpoint.cursor.row


def test_a_span_without_uploads_is_done_when_those_before_it_are() -> None:
    """Rows of which none is sent are counted in their turn."""
    progress = Progress()
    progress.begin(span(1, 2), ["0"])
    progress.begin(span(3, 5, rejected=3), [])
    assert progress.checkpoint.cursor == Cursor()
    unit = Unit(1, 2, "0")
    acknowledge(progress, unit, 2, refused=1)
    progress.finish_upload(unit)
    assert progress.checkpoint.cursor.row == 5
    assert (progress.tally.acknowledged, progress.tally.rejected_by_platform, progress.tally.rows_settled) == (
        1,
        {"bad": 1},
        5,
    )


def test_parts_are_remembered_until_their_upload_is_done() -> None:
    """An upload sent in halves is known as such after a crash, at every depth."""
    progress = Progress()
    progress.begin(span(1, 8), ["0"])
    whole = Unit(1, 8, "0")
    for part in ("0", "10"):
        acknowledge(progress, Unit(1, 8, "0", part), 2)
    progress = Progress.from_json(progress.to_json())
    assert progress.begun_parts(whole)
    assert progress.begun_parts(Unit(1, 8, "0", "1"))
    assert not progress.begun_parts(Unit(1, 8, "0", "0"))
    assert not progress.begun_parts(Unit(1, 8, "1"))
    progress.begin(span(1, 8), ["0"])
    acknowledge(progress, Unit(1, 8, "0", "11"), 2)
    progress.finish_upload(whole)
    assert (progress.checkpoint.ahead, progress.checkpoint.cursor.row, progress.tally.acknowledged) == (
        set(),
        8,
        6,
    )


def test_doubt_is_taken_on_in_order_and_ends_with_an_acknowledgement() -> None:
    """As many units as a dead worker may have sent are in doubt; a part's acknowledgement clears its whole."""
    progress = Progress(Checkpoint(suspects=2))
    first, second, third = (Unit(row, row, "0") for row in (1, 2, 3))
    assert [progress.doubt(one, begin=True) for one in (first, second, third)] == [True, True, False]
    assert Progress.from_json(progress.to_json()).checkpoint.in_doubt == {first, second}
    acknowledge(progress, Unit(1, 1, "0", "0"), 1)
    acknowledge(progress, second, 1)
    assert progress.checkpoint.in_doubt == set()
    progress.resolve(third, in_doubt=True)
    progress.resolve(second, in_doubt=True)
    assert progress.checkpoint.in_doubt == {third}
    progress.resolve(third, in_doubt=False)
    assert progress.checkpoint.in_doubt == set()


def test_the_record_stays_small() -> None:
    """Of references the newest are kept, whatever the number of batches."""
    progress = Progress()
    for row in range(1, 1001):
        progress.begin(span(row, row), ["0"])
        unit = Unit(row, row, "0")
        progress.acknowledge(unit, cells={}, handle="", reference=f"ref{row}")
        progress.finish_upload(unit)
    assert len(progress.tally.references) == REFERENCES_KEPT
    assert progress.tally.references[-1] == "ref1000"
    assert len(progress.to_json()) < 2_000


def test_a_verdict_moves_rows_once_and_a_later_one_replaces_it() -> None:
    """What a platform refuses afterwards is taken from the acknowledged rows, however often it says so."""
    progress = Progress(tally=Tally(acknowledged=10))
    for _ in range(2):
        progress.tally.judge([Verdict("h1", {"bad": 2}), Verdict("h2", {"old": 1})])
        assert (progress.tally.acknowledged, progress.tally.rejected_by_platform) == (7, {"bad": 2, "old": 1})
    progress = Progress.from_json(progress.to_json())
    progress.tally.judge([Verdict("h1", {"bad": 1})])
    assert (progress.tally.acknowledged, progress.tally.rejected_by_platform) == (8, {"bad": 1, "old": 1})
    progress.tally.judge([Verdict("h2", {"old": 100})])
    assert (progress.tally.acknowledged, progress.tally.rejected_by_platform) == (0, {"bad": 1, "old": 9})


def test_a_record_that_is_none_is_damaged() -> None:
    """Nothing of it is shown."""
    with pytest.raises(DamagedRecord, match="no Progress") as error:
        Progress.from_json('{"checkpoint": "person1@example.com"}')
    assert error.value.__cause__ is None
    assert error.value.__context__ is None


UNITS = st.sets(
    st.builds(Unit, st.integers(1, 9), st.integers(1, 9), st.sampled_from("01"), st.sampled_from(["", "01"]))
)
COUNTS = st.dictionaries(st.sampled_from(["EMAIL", "PHONE"]), st.integers(0, 3)).map(Counter)


@given(
    checkpoint=st.builds(
        Checkpoint,
        cursor=st.builds(Cursor, st.integers(0, 2), st.integers(0, 2)),
        ahead=UNITS,
        in_doubt=UNITS,
        suspects=st.integers(0, 2),
        read_whole=st.booleans(),
        handles=st.dictionaries(st.text(max_size=2), st.text(max_size=2)),
        numbered=st.integers(0, 2),
    ),
    tally=st.builds(
        Tally,
        acknowledged=st.integers(0, 2),
        identifiers=COUNTS,
        verdicts=st.dictionaries(st.text(max_size=2), st.just({"bad": 1})),
        left_out=st.just({"PHONE": {"too_short": LeftOut(0, (), ((0, 3),))}}) | st.just({}),
        references=st.lists(st.text(max_size=2)),
    ),
    starts_max=st.integers(0, 2),
    mirror=st.none() | st.builds(MirrorRun, rows=st.integers(0, 1)),
)
def test_a_short_record_reads_as_the_long_one(
    checkpoint: Checkpoint, tally: Tally, starts_max: int, mirror: MirrorRun | None
) -> None:
    """What has its default is left out at any depth, and nothing else is."""
    progress = Progress(checkpoint, tally, FilePlan(), Attempts(starts_max=starts_max), mirror=mirror)
    assert Progress.from_json(to_short_json(progress)) == Progress.from_json(to_json(progress)) == progress
    assert to_short_json(Progress()) == "{}"


def test_records_from_before_folders_are_read() -> None:
    """A cursor, a left-out cell and a piece of a file have none of what a folder's have."""
    text = to_json(Progress(Checkpoint(cursor=Cursor(3, 40))))
    for added in (',"file":0', ',"before":0', ',"first_places":[]', ',"listing":""', ',"begins_file":false'):
        text = text.replace(added, "")
    assert '"file"' not in text
    assert Progress.from_json(text).checkpoint.cursor == Cursor(3, 40)
    split = from_json('{"phase":"send","parts":1,"range_bytes":9,"since":0,"pieces":[[3,40,7]]}', RunSplit)
    assert piece_of(split, 0) == Piece(Cursor(3, 40), 7)
