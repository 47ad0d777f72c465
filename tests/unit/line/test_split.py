"""Into how many parts a file is split, and what a run's record keeps of it."""

from __future__ import annotations

import gzip
import io
import json
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from activation.drops.messages import Work, read
from activation.drops.open import open_drop
from activation.drops.source import BytesSource
from activation.drops.sources import Origins
from activation.ledger.file_plan import FilePlan
from activation.ledger.progress import Progress
from activation.ledger.split import Ending, Phase, RunSplit, Sent
from activation.model import Drop
from activation.runs.settings import FunctionSettings
from activation.runs.split import plan

from tests.unit.line.test_settings import GOOD

CSV = b"email\n" + b"person@example.com\n" * 1_000


def planned(data: bytes, *, above_bytes: int = 4_000, most_parts: int = 8, scans: bool = False) -> RunSplit | None:
    """Plan a file that is above the size."""
    reader = open_drop(BytesSource(data))
    return plan(reader, len(data), above_bytes=above_bytes, most_parts=most_parts, scans=scans, now=5.0)


@pytest.mark.parametrize(("above_bytes", "most_parts", "parts"), [(4_000, 8, 8), (4_000, 3, 3), (18_000, 8, 5)])
def test_a_part_is_worth_its_start(above_bytes: int, most_parts: int, parts: int) -> None:
    """There are no more parts than allowed, and none is below a quarter of what is split at all."""
    split = planned(CSV, above_bytes=above_bytes, most_parts=most_parts)
    assert split is not None
    assert (split.phase, split.parts, split.since) == (Phase.SURVEY, parts, 5.0)


def test_a_part_can_be_surveyed_within_an_invocation(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file so long that its parts would be too long has more of them."""
    monkeypatch.setattr("activation.runs.split.LONGEST_RANGE_BYTES", 1_000)
    split = planned(CSV, most_parts=2)
    assert split is not None
    assert split.parts == 19


@pytest.mark.parametrize(("scans", "phase"), [(False, Phase.SEND), (True, Phase.SCAN)])
def test_parquet_is_cut_by_its_footer(scans: bool, phase: Phase) -> None:
    """Nobody surveys it; the pieces are known at once, unless there is one row group only."""
    file = io.BytesIO()
    pq.write_table(
        pa.table({"email": [f"person{row}@example.com" for row in range(500)]}), file, row_group_size=100
    )
    split = planned(file.getvalue(), above_bytes=2_000, scans=scans)
    assert split is not None
    assert (split.phase, split.parts) == (phase, len(split.pieces))
    assert sum(rows for _, _, rows in split.pieces) == 500
    file = io.BytesIO()
    pq.write_table(pa.table({"email": [f"person{row}@example.com" for row in range(500)]}), file)
    assert planned(file.getvalue(), above_bytes=2_000) is None


def test_what_has_no_ranges_is_not_planned() -> None:
    """Compressed or UTF-16 text is one stream."""
    assert planned(gzip.compress(CSV), above_bytes=10) is None
    assert planned(CSV.decode().encode("utf-16"), above_bytes=10) is None


def test_a_record_keeps_how_a_run_is_shared_out() -> None:
    """Everything comes back as it was."""
    split = RunSplit(
        Phase.SEND, 2, 100, 7.5, ((0, 6, 5), (5, 90, 4)), (1, 3), None, Sent(requests=2), (8.5, 9.5), (0, 1)
    )
    for one in (split, replace(split, ending=Ending("blocked", "terms", "sign them")), None):
        assert Progress.from_json(Progress(plan=FilePlan(split=one)).to_json()).plan.split == one


def test_a_message_names_its_part_and_so_does_its_continuation() -> None:
    """A run's own messages name none, as before."""
    work = Work(Drop("drops", "meta/a/raw/f", "1", "", 5), continuation=2, part=0)
    assert read(work.next_message(), origins=Origins("tiny", "drops"), account="") == replace(work, continuation=3)
    assert "part" not in json.loads(replace(work, part=None).next_message())


def test_a_message_holds_any_key_in_ascii() -> None:
    """SQS takes neither U+FFFF nor most control characters, and an S3 key may have them."""
    work = Work(Drop("drops", "meta/été/raw/\uffff\x01\U0001f600", "1", "0A", 5), again="x", ad_account="7")
    message = work.next_message()
    assert message.isascii()
    assert message.isprintable()
    assert read(message, origins=Origins("tiny", "drops"), account="") == replace(work, continuation=1)


def test_a_message_of_the_first_release_is_read() -> None:
    """It may still be queued, and has the number of its continuation under another name."""
    work = Work(Drop("drops", "meta/a/raw/f", "1", "", 5), continuation=2)
    message = json.loads(work.next_message())
    message["hop"] = message.pop("continuation")
    assert read(json.dumps(message), origins=Origins("tiny", "drops"), account="") == replace(work, continuation=3)


def test_the_size_and_the_number_of_parts_are_settings() -> None:
    """Where the environment is silent, files above 256 MiB are shared out among eight."""
    settings = FunctionSettings.from_environment(GOOD)
    assert (settings.split_above_bytes, settings.max_parts) == (268_435_456, 8)
    settings = FunctionSettings.from_environment(GOOD | {"SPLIT_ABOVE_BYTES": "0", "MAX_PARTS": "3"})
    assert (settings.split_above_bytes, settings.max_parts) == (0, 3)
