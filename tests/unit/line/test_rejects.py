"""The rejects list, put together from parts."""

from __future__ import annotations

import csv
import io

import pyarrow as pa
import pytest
from activation.pipeline.findings import FINDINGS
from activation.report.rejects import Rejects

from tests.unit.line.watched_aws import Aws
from tests.unit.line.world import NAMES


class Bench:
    """A run's rejects, and what is stored of them."""

    def __init__(self, aws: Aws) -> None:
        self.aws = aws
        self.stem = f"receipts/tiny/été+ %20/{next(NAMES)}"
        self.rejects = Rejects(aws.s3, "receipts", self.stem)

    def ours(self, first_row: int, *rows: int, code: str = "no_identifier") -> None:
        """Write our rejects of a span."""
        found = pa.table([list(rows), ["EMAIL"] * len(rows), [code] * len(rows)], schema=FINDINGS)
        self.rejects.write_ours(first_row, found)

    def whole(self) -> list[list[str]]:
        """Read the list."""
        body = self.aws.s3.get_object(Bucket="receipts", Key=self.rejects.key)["Body"].read().decode()
        return list(csv.reader(io.StringIO(body)))[1:]


@pytest.fixture
def bench(aws: Aws) -> Bench:
    """Return a fixture on fresh tables."""
    return Bench(aws)


def test_parts_come_in_row_order_ours_before_the_platforms(bench: Bench) -> None:
    """Every line of every part is in the list, whatever group or half it is of."""
    bench.rejects.write_platforms(1, "000000000010-0-", {4: "bad", 2: "bad"}, 0)
    bench.rejects.write_platforms(1, "000000000010-1-0", {9: "worse"}, 1)
    bench.ours(11, 12)
    bench.ours(1, 3, 3, 10)
    assert bench.rejects.put_together() == 8
    assert [(row, code) for row, _, code in bench.whole()] == [
        ("3", "no_identifier"),
        ("3", "no_identifier"),
        ("10", "no_identifier"),
        ("2", "bad"),
        ("4", "bad"),
        ("9", "worse"),
        ("", "refused_row_not_named"),
        ("12", "no_identifier"),
    ]


def test_a_part_written_again_is_there_once(bench: Bench) -> None:
    """After a crash the same rows give the same part."""
    for _ in range(2):
        bench.ours(1, 3)
        bench.rejects.write_platforms(1, "000000000010-0-", {4: "bad"}, 0)
    assert bench.rejects.put_together() == 2


def test_parts_of_spans_cut_elsewhere_list_no_row_twice(bench: Bench) -> None:
    """A release with other limits may have left parts that overlap those of the next one."""
    bench.ours(1, 2, 9)
    bench.ours(6, 9, 14)
    bench.ours(11, 14, 20)
    assert bench.rejects.put_together() == 4
    assert [row for row, _, _ in bench.whole()] == ["2", "9", "14", "20"]


def test_nothing_rejected_is_no_list(bench: Bench) -> None:
    """No part, no list; and empty findings are no part."""
    bench.ours(1)
    bench.rejects.write_platforms(1, "x", {}, 0)
    assert bench.rejects.put_together() == 0


def test_refusals_that_came_after_the_uploads_are_listed_without_a_row(bench: Bench) -> None:
    """Each has a line of its own after the others, and newer counts replace the earlier ones."""
    assert bench.rejects.put_together({"late": 3}) == 3
    assert bench.whole() == [["", "", "late"]] * 3
    bench.ours(1, 3)
    assert bench.rejects.put_together({"older": 10_001, "late": 1}) == 10_003
    assert bench.whole() == [["3", "EMAIL", "no_identifier"], ["", "", "late"], *[["", "", "older"]] * 10_001]
    assert bench.rejects.put_together({"late": 0}) == 1


def test_many_parts_are_put_together_and_removed(bench: Bench) -> None:
    """More than are read at once keep their order, and none is left behind."""
    for span in range(40):
        bench.ours(span * 10 + 1, span * 10 + 5)
    assert bench.rejects.put_together() == 40
    assert [row for row, _, _ in bench.whole()] == [str(span * 10 + 5) for span in range(40)]
    bench.rejects.remove_parts()
    assert bench.rejects.put_together() == 0
    assert len(bench.whole()) == 40


def test_removed_parts_are_forgotten_by_the_invocation_that_wrote_them(bench: Bench) -> None:
    """It asks S3 for no list, and puts together what it has written since."""
    rejects = Rejects(bench.aws.s3, "receipts", bench.stem, knows_parts=True)
    bench.rejects = rejects
    bench.ours(1, 5)
    rejects.remove_parts()
    assert rejects.put_together() == 0
    bench.ours(11, 15)
    assert rejects.put_together() == 1
    assert [row for row, _, _ in bench.whole()] == ["15"]


def test_the_list_is_uploaded_while_it_is_read(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """No part is fetched long before its lines are taken, so that neither memory nor disk holds the whole."""
    for span in range(60):
        bench.ours(span * 2_000 + 1, *range(span * 2_000 + 1, span * 2_000 + 2_001))
    fetched: list[str] = []
    bench.aws.before.append(lambda name, call: fetched.append(call["Key"]) if name == "get_object" else None)
    ahead: list[float] = []

    def upload(file: io.BufferedReader, *_: object, **__: object) -> None:
        taken = 0
        while piece := file.read(100_000):
            taken += piece.count(b"\n")
            ahead.append(len(fetched) - taken / 2_000)

    monkeypatch.setattr(bench.aws.s3._client, "upload_fileobj", upload)
    assert bench.rejects.put_together() == 120_000
    assert len(ahead) > 10
    assert max(ahead) < 60 / 2
