"""`drop --first`: the first rows of a file as a file of its own."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from activation.drops.chunk import DropReader
from activation.drops.open import open_drop
from activation.drops.source import BytesSource
from activation.errors import Rejected
from activation.model import Cursor
from moto import mock_aws
from typer.testing import CliRunner, Result

from cli import deployment
from cli.__main__ import app
from cli.deployment import Deployment
from cli.first_rows import first_name, first_rows

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

COUNT = 25
FIRST = 10
# Cells with everything that a cutter by lines would trip over.
ROWS = [
    [f"one.{place}@example.com", f'A "quoted"\nname, {place}' if place % 3 else "Zo\u00eb", "x;y"]
    for place in range(COUNT)
]
HEADER = ["email", "first_name", "note"]


def delimited(delimiter: str = ",", end: str = "\n") -> str:
    """Write the rows as a delimited text."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=end).writerows([HEADER, *ROWS])
    return text.getvalue()


def json_lines() -> str:
    """Write the rows as JSON Lines, an empty line among them."""
    lines = [json.dumps(dict(zip(HEADER, row, strict=True)), ensure_ascii=False) for row in ROWS]
    return "\n".join([*lines[:3], "", *lines[3:]]) + "\n"


def parquet(row_group_size: int) -> bytes:
    """Write the rows as Parquet."""
    file = io.BytesIO()
    columns = {name: [row[place] for row in ROWS] for place, name in enumerate(HEADER)}
    pq.write_table(pa.table(columns), file, row_group_size=row_group_size)
    return file.getvalue()


def zstd(body: bytes) -> bytes:
    """Compress with zstd."""
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(body)
    return bytes(sink.getvalue())


FILES: dict[str, Callable[[], bytes]] = {
    "quotes and line ends in cells": lambda: delimited().encode(),
    "CRLF and semicolons": lambda: delimited(";", "\r\n").encode(),
    "tabs": lambda: delimited("\t").encode(),
    "UTF-8 with a mark": lambda: delimited().encode("utf-8-sig"),
    "UTF-16, little end first": lambda: b"\xff\xfe" + delimited("\t").encode("utf-16-le"),
    "UTF-16, big end first": lambda: b"\xfe\xff" + delimited("\t").encode("utf-16-be"),
    "gzip": lambda: gzip.compress(delimited().encode()),
    "UTF-16 in gzip": lambda: gzip.compress(b"\xff\xfe" + delimited().encode("utf-16-le")),
    "zstd": lambda: zstd(delimited().encode()),
    "JSON Lines": lambda: json_lines().encode(),
    "JSON Lines in gzip": lambda: gzip.compress(json_lines().encode()),
    "Parquet": lambda: parquet(7),
    "Parquet in gzip": lambda: gzip.compress(parquet(100)),
}


def rows_of(reader: DropReader) -> list[tuple[str | None, ...]]:
    """Return the cells of all rows."""
    found: list[tuple[str | None, ...]] = []
    for chunk in reader.chunks(Cursor()):
        found += zip(*(column.to_pylist() for column in chunk.columns.columns), strict=True)
    return found


@pytest.mark.parametrize("name", FILES)
def test_the_first_rows_are_a_file_like_the_whole(name: str) -> None:
    """The same format, columns and cells, and nothing of the rows behind."""
    whole = open_drop(BytesSource(FILES[name]()))
    body = first_rows(whole, FIRST)
    cut = open_drop(BytesSource(body))
    assert (cut.format, cut.header) == (whole.format, whole.header)
    assert rows_of(cut) == rows_of(whole)[:FIRST]
    assert len(rows_of(cut)) == FIRST


@pytest.mark.parametrize("name", [name for name in FILES if "Parquet" not in name])
def test_a_text_is_cut_and_not_written_anew(name: str) -> None:
    """Byte order, mark, quotes and line ends are the file's own."""

    def bare(data: bytes) -> bytes:
        if name == "zstd":
            return bytes(pa.CompressedInputStream(pa.BufferReader(data), "zstd").read())
        return gzip.decompress(data) if "gzip" in name else data

    whole = FILES[name]()
    body = bare(first_rows(open_drop(BytesSource(whole)), FIRST))
    assert len(body) < len(bare(whole))
    assert bare(whole).startswith(body)


def test_a_declared_encoding_is_kept() -> None:
    """Windows-1252 stays so."""
    body = delimited().encode("windows-1252")
    reader = open_drop(BytesSource(body), declared_encoding="windows-1252")
    cut = first_rows(reader, 1)
    assert body.startswith(cut)
    assert "Zo\u00eb".encode("windows-1252") in cut


def test_a_list_without_a_header_is_cut_by_its_values() -> None:
    """One value a line."""
    body = "".join(f"{row[0]}\n" for row in ROWS).encode()
    cut = first_rows(open_drop(BytesSource(body), single="EMAIL"), 2)
    assert cut == b"one.0@example.com\none.1@example.com\n"


@pytest.mark.parametrize("name", ["quotes and line ends in cells", "Parquet"])
def test_a_short_file_is_taken_whole(name: str) -> None:
    """More rows than there are is all of them."""
    whole = open_drop(BytesSource(FILES[name]()))
    assert rows_of(open_drop(BytesSource(first_rows(whole, 1_000)))) == rows_of(whole)


def test_a_file_without_rows_has_no_first() -> None:
    """There is nothing to send."""
    with pytest.raises(Rejected, match="no_rows"):
        first_rows(open_drop(BytesSource(b"email,first_name\n")), FIRST)


@pytest.mark.parametrize(
    ("name", "cut"),
    [
        ("people.csv", "people.first-10-rows.csv"),
        ("people.csv.gz", "people.first-10-rows.csv.gz"),
        ("vip.v2.PARQUET", "vip.v2.first-10-rows.PARQUET"),
        ("people", "people.first-10-rows"),
        (".csv", ".csv.first-10-rows"),
    ],
)
def test_the_name_says_that_it_is_a_part(name: str, cut: str) -> None:
    """Nobody takes it for the whole file, and its endings stay."""
    assert first_name(name, FIRST) == cut


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[S3Client]:
    """Return S3 with the drops bucket of an app whose stacks' outputs need not be read."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(deployment, "find", lambda: Deployment("drops", "receipts", "ledger", "archive", {}))
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="drops")
        yield client


def dropped(path: Path, *arguments: str, connector: str = "meta") -> Result:
    """Run the command in this process."""
    command = ["drop", str(path), "--connector", connector, "--audience", "VIP", *arguments]
    return CliRunner().invoke(app, command)


def keys(s3: S3Client) -> list[str]:
    """Return the keys of the drops bucket."""
    return [one["Key"] for one in s3.list_objects_v2(Bucket="drops").get("Contents", [])]


def test_ten_people_are_dropped_under_a_name_of_their_own(s3: S3Client, tmp_path: Path) -> None:
    """The key is not the file's, so that the whole drop is another run."""
    path = tmp_path / "people.csv"
    path.write_text(delimited(), encoding="utf-8")
    assert dropped(path, "--first", "10", "--json").exit_code == 0
    assert keys(s3) == ["meta/VIP/raw/people.first-10-rows.csv"]
    body = s3.get_object(Bucket="drops", Key=keys(s3)[0])["Body"].read()
    assert len(rows_of(open_drop(BytesSource(body)))) == 10


def test_that_few_rows_are_few_is_no_warning_of_them(s3: S3Client, tmp_path: Path) -> None:
    """Ten people are what was asked for; what else is wrong with them stops the drop as it does the whole file."""
    path = tmp_path / "people.csv"
    path.write_text(delimited(), encoding="utf-8")
    assert dropped(path, "--strict").exit_code == 1
    assert dropped(path, "--first", "10", "--strict").exit_code == 0
    assert keys(s3) == ["meta/VIP/raw/people.first-10-rows.csv"]
    path.write_text("email\n" + "a@example.com\n" * 10, encoding="utf-8")
    result = dropped(path, "--first", "10", "--strict")
    assert (result.exit_code, "rows_repeat" in result.output) == (1, True)


def test_the_whole_file_is_dropped_as_it_is(s3: S3Client, tmp_path: Path) -> None:
    """Without --first the bytes are the file's."""
    path = tmp_path / "people.csv"
    path.write_text(delimited(), encoding="utf-8")
    assert dropped(path).exit_code == 0
    assert s3.get_object(Bucket="drops", Key="meta/VIP/raw/people.csv")["Body"].read() == path.read_bytes()


def test_a_part_replaces_nothing(s3: S3Client, tmp_path: Path) -> None:
    """It would take everybody else out of the audience."""
    path = tmp_path / "people.csv"
    path.write_text(delimited(), encoding="utf-8")
    assert dropped(path, "--first", "10", "--action", "replace", connector="tiktok").exit_code == 2
    assert keys(s3) == []


def test_strict_uploads_nothing_that_warns(s3: S3Client, tmp_path: Path) -> None:
    """The warnings are said, and the exit code is 1; a file without any is uploaded."""
    path = tmp_path / "people.csv"
    path.write_text(delimited(), encoding="utf-8")
    refused = dropped(path, "--strict")
    assert refused.exit_code == 1
    assert "audience_small" in refused.output
    assert keys(s3) == []
    path.write_text("email\n" + "".join(f"one.{n}@example.com\n" for n in range(200)), encoding="utf-8")
    assert dropped(path, "--strict").exit_code == 0
    assert keys(s3) == ["meta/VIP/raw/people.csv"]
