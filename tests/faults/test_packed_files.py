"""Files in gzip, in Parquet, or in something that nobody reads."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.end_to_end.people import as_csv
from tests.faults.files import MIB, deliver, judge
from tests.faults.scenario import Scenario


@pytest.mark.case("F46")
def test_a_gzip_bomb_is_left_alone(scenario: Scenario) -> None:
    """50 MB of nothing much in 50 kB are not unpacked to the end."""
    header = b"email,phone\n"
    bomb = gzip.compress(header + b"," * 50 * MIB)
    lines = gzip.compress(header + (b"x" * 1000 + b",\n") * 50_000)
    files = {"one line": ("raw", bomb, "record_too_long"), "many lines": ("raw", lines, "decompression_bomb")}
    judge(scenario, files)


@pytest.mark.case("F47")
def test_a_damaged_gzip_file_is_reported_with_how_far_it_was_read(scenario: Scenario) -> None:
    """What could be read was sent, the run failed, and its receipt says after which row."""
    line, some = scenario.line, scenario.people(4_000)
    whole = gzip.compress(as_csv(some))
    flipped = bytearray(whole)
    flipped[-30] ^= 0x10
    for name, body, codes in (
        ("cut off", whole[: len(whole) // 2], {"truncated_gzip"}),
        ("flipped", bytes(flipped), {"corrupt_gzip", "truncated_gzip"}),
    ):
        receipt = line.finish(line.put(f"{scenario.audience} {name}", body, file="people.csv.gz"))
        assert receipt["state"] == "failed", name
        assert receipt["reason"]["code"] in codes
        rows = receipt["rows"]
        assert rows["in"] is None
        assert rows["read"] == rows["acknowledged"] + rows["rejected_by_us"] + rows["rejected_by_platform"]
        scenario.hold(f"{scenario.audience} {name}", some[: rows["acknowledged"]])
    scenario.bound()


@pytest.mark.case("F50", what="invalid Parquet: nested, unreadable types, cut off")
def test_parquet_that_cannot_be_read_is_refused(scenario: Scenario) -> None:
    """The column that cannot be read is named; a file without its footer is damaged."""
    emails = [person.email for person in scenario.people(10)]
    good = _parquet(pa.table({"email": emails}))
    files = {
        "nested": ("raw", _parquet(pa.table({"email": [[one] for one in emails]})), "nested_parquet_column"),
        "spans of time": (
            "raw",
            _parquet(pa.table({"email": pa.array(range(10), pa.duration("s"))})),
            "unreadable_parquet_column",
        ),
        "cut off": ("raw", good[:-20], "corrupt_parquet"),
        "no table": ("raw", b"PAR1" + b"\x00" * 200 + b"PAR1", "corrupt_parquet"),
    }
    judge(scenario, files)


@pytest.mark.case("F50", what="valid Parquet: dictionaries, numbers for phones, row groups")
def test_parquet_of_every_honest_kind_is_read(scenario: Scenario) -> None:
    """A phone stored as a number is the same phone, and a row group ends nowhere that matters."""
    some = scenario.people(300)
    emails, phones = [person.email for person in some], [person.phone for person in some]
    table = pa.table({"email": emails, "phone": [f"+{phone}" for phone in phones]})
    encoded = table.set_column(0, "email", table["email"].dictionary_encode())
    bodies = {"plain": _parquet(table), "dictionary": _parquet(encoded), "row groups": _parquet(table, rows=70)}
    deliver(scenario, bodies, some)


@pytest.mark.case("F51")
def test_a_file_is_what_its_bytes_say_and_not_its_name(scenario: Scenario) -> None:
    """Archives, sheets, pages and documents that call themselves .csv are each refused by name."""
    files = {
        "archive.csv": ("raw", _zipped({"people.csv": "email\n"}), "zip_file"),
        "sheet.csv": ("raw", _zipped({"[Content_Types].xml": "<x/>", "xl/workbook.xml": "<x/>"}), "xlsx_file"),
        "page.csv": ("raw", b"<!DOCTYPE html><html><body>Sign in</body></html>", "html_page"),
        "answer.csv": ("raw", b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "xml_document"),
        "document.csv": ("raw", b'[{"email": "a@b.example"}]', "json_document"),
        "report.csv": ("raw", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", "unknown_format"),
        "bzip2.csv": ("raw", b"BZh91AY&SY\x00\x01\x02\x03", "unknown_format"),
        "utf-32.csv": ("raw", "email\n".encode("utf-32"), "utf32_file"),
    }
    judge(scenario, files)


def _parquet(table: pa.Table, rows: int | None = None) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, row_group_size=rows)
    return sink.getvalue()


def _zipped(files: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()
