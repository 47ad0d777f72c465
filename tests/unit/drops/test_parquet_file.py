"""Parquet: flat columns as exact text, others refused by name, ranged reads, any cursor."""

from __future__ import annotations

import datetime as dt
import decimal
import gzip
import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from activation.drops.limits import MIB, ReadLimits
from activation.drops.open import open_drop
from activation.drops.parquet_file import open_parquet
from activation.drops.source import BytesSource
from activation.errors import Rejected, Retryable
from activation.model import Cursor

from tests.unit.drops.reading import read


def parquet(table: pa.Table, **options: Any) -> bytes:
    """Write a table as a Parquet file."""
    file = io.BytesIO()
    pq.write_table(table, file, **options)
    return file.getvalue()


def test_flat_columns_are_read_as_exact_text() -> None:
    """Texts, dictionaries, numbers, dates and times come out as they would be written by hand."""
    birth, noon = dt.date(1990, 5, 17), dt.datetime(2026, 11, 22, 12, 30)  # noqa: DTZ001 -- a column without a zone
    columns = {
        "text": pa.array(["é", None]),
        "large": pa.array(["x", None], pa.large_string()),
        "coded": pa.array(["FR", "FR"]).dictionary_encode(),
        "bytes": pa.array([b"abc", None], pa.binary()),
        "int64": pa.array([33612345678, None]),
        "uint64": pa.array([2**64 - 1, 0], pa.uint64()),
        "whole": pa.array([33612345678.0, None]),
        "fraction": pa.array([12.5, float("nan")]),
        "decimal": pa.array([decimal.Decimal("12.50"), None]),
        "yes": pa.array([True, False]),
        "date": pa.array([birth, None]),
        "time": pa.array([noon, None], pa.timestamp("s")),
        "zoned": pa.array([noon, None], pa.timestamp("s", "Europe/Paris")),
        "nothing": pa.nulls(2),
    }
    opened = open_drop(BytesSource(parquet(pa.table(columns))))
    assert (opened.format, opened.header) == ("parquet", tuple(columns))
    rows = read(opened).rows
    assert dict(zip(columns, rows[1], strict=True)) == {
        "text": "é", "large": "x", "coded": "FR", "bytes": "abc", "int64": "33612345678",
        "uint64": "18446744073709551615", "whole": "33612345678", "fraction": "12.5", "decimal": "12.50",
        "yes": "true", "date": "1990-05-17", "time": "2026-11-22T12:30:00", "zoned": "2026-11-22T12:30:00Z",
        "nothing": None,
    }  # fmt: skip
    assert [key for key, cell in zip(columns, rows[2], strict=True) if cell is not None] == [
        "coded", "uint64", "fraction", "yes"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("column", "code", "type_"),
    [
        (pa.array([dt.time(1, 2)]), "unreadable_parquet_column", "time64"),
        (pa.array([b"0123456789abcdef"], pa.binary(16)), "unreadable_parquet_column", "fixed_size_binary"),
    ],
)
def test_other_columns_are_refused_by_name(column: pa.Array, code: str, type_: str) -> None:
    """The refusal names the column and its type, and nothing that is in it."""
    with pytest.raises(Rejected) as refusal:
        open_drop(BytesSource(parquet(pa.table({"id": [1], "tags": column}))))
    assert refusal.value.code == code
    assert "'tags'" in refusal.value.sentence
    assert type_ in refusal.value.sentence
    assert "secret" not in refusal.value.sentence


@pytest.mark.parametrize("column", [pa.array([dt.time(1, 2)]), pa.array([["x"]])])
def test_a_column_called_like_a_person_is_refused_by_its_number(column: pa.Array) -> None:
    """A file made without names of columns has the first person's cells in their place."""
    with pytest.raises(Rejected) as refusal:
        open_drop(BytesSource(parquet(pa.table({"ada@example.com": column}))))
    assert "Column 1 " in refusal.value.sentence
    assert "ada" not in refusal.value.sentence


def test_structures_are_columns_by_their_paths_and_lists_are_left_out_and_named() -> None:
    """A nested column costs the file nothing but itself; null structures have null cells."""
    places = pa.array([{"city": "Ulm", "lines": ["1"], "geo": {"lat": 1.5}}, None])
    table = pa.table({"tags": [["x"], []], "address": places, "email": ["a@b.co", "c@d.co"]})
    opened = open_drop(BytesSource(parquet(table)))
    assert opened.header == ("address.city", "address.geo.lat", "email")
    assert opened.nested == ("tags", "address.lines")
    assert read(opened).rows == {1: ("Ulm", "1.5", "a@b.co"), 2: (None, None, "c@d.co")}
    with pytest.raises(Rejected, match="nested_parquet_column") as refusal:
        open_drop(BytesSource(parquet(pa.table({"tags": [["secret"]]}))))
    assert "secret" not in refusal.value.sentence


def test_columns_of_one_name_are_read_each() -> None:
    """Parquet files may have them, and what lies between is left out of neither."""
    table = pa.Table.from_arrays(
        [pa.array(["a@b.co"]), pa.array([["x"]]), pa.array(["c@d.co"])], names=["email", "email", "email"]
    )
    opened = open_drop(BytesSource(parquet(table)))
    assert (opened.header, opened.nested) == (("email", "email"), ("email",))
    assert read(opened).rows == {1: ("a@b.co", "c@d.co")}


def grouped(rows: int = 5_000) -> bytes:
    """Write a file of many row groups."""
    table = pa.table({"id": range(1, rows + 1), "email": [f"a{row}@example.com" for row in range(1, rows + 1)]})
    return parquet(table, row_group_size=700)


def test_reading_goes_on_from_any_row() -> None:
    """A cursor holds the row group of the next row; rows and numbers are those of the first read."""
    opened = open_drop(BytesSource(grouped()), limits=ReadLimits(slice_rows=100))
    whole = read(opened)
    assert whole.rows[5_000] == ("5000", "a5000@example.com")
    assert max(whole.sizes) <= 1_024
    assert whole.cursors[699] == Cursor(699, 0)
    assert whole.cursors[700] == Cursor(700, 1)
    assert whole.cursors[5_000] == Cursor(5_000, 8)
    for row in (1, 699, 700, 701, 4_999, 5_000):
        rest = read(opened, whole.cursors[row])
        assert rest.rows == {number: cells for number, cells in whole.rows.items() if number > row}


def watched(data: bytes) -> tuple[BytesSource, list[int]]:
    """Return bytes, and the offsets that they are read from."""
    offsets: list[int] = []

    class Watched(BytesSource):
        def read(self, offset: int, length: int) -> bytes:
            offsets.append(offset)
            return super().read(offset, length)

    return Watched(data), offsets


def test_only_what_is_needed_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening a large file reads its footer, and reading its last row group reads no page of the others."""
    monkeypatch.setattr("activation.drops.parquet_file._WHOLE_BYTES", 0)
    stored = grouped(50_000)
    source, offsets = watched(stored)
    opened = open_parquet(source, ReadLimits(), "", None)
    last_group = pq.ParquetFile(io.BytesIO(stored)).metadata.row_group(71)
    assert min(offsets) >= len(stored) - 64 * 1024
    assert read(opened, Cursor(49_700, 71)).count == 300
    assert min(offsets) >= min(last_group.column(0).dictionary_page_offset or len(stored), len(stored) - 64 * 1024)


def test_a_small_file_is_opened_by_its_footer_and_its_rows_are_one_read() -> None:
    """A folder's files are all opened for their columns, and not all of them are read thereafter."""
    stored = grouped(50_000)
    source, offsets = watched(stored)
    opened = open_parquet(source, ReadLimits(), "", None)
    assert min(offsets) >= len(stored) - 64 * 1024 > 0
    offsets.clear()
    assert read(opened).count == 50_000
    assert offsets == [0]


def test_a_file_hardly_larger_than_its_footer_is_one_read() -> None:
    """What opens it has read all of it."""
    source, offsets = watched(grouped(500))
    assert read(open_parquet(source, ReadLimits(), "", None)).count == 500
    assert offsets == [0]


def test_cells_that_are_no_text_spoil_their_row() -> None:
    """Bytes that are not UTF-8 and NULs are the row's fault, and the others are read."""
    column = pa.array([b"a", b"\xe9", b"b\0", b"c"], pa.binary())
    result = read(open_drop(BytesSource(parquet(pa.table({"name": column})))))
    assert result.rows == {1: ("a",), 4: ("c",)}
    assert result.malformed == {2: "not_utf8", 3: "nul_in_cell"}


@pytest.mark.parametrize("at", ["footer", "page"])
def test_a_damaged_file_is_refused(at: str) -> None:
    """A missing footer is found when the file is opened, a damaged page when it is read."""
    stored = grouped()
    if at == "footer":
        with pytest.raises(Rejected, match="corrupt_parquet"):
            open_drop(BytesSource(stored[:-100]))
        return
    broken = stored[:40] + bytes(len(stored[40:4_000])) + stored[4_000:]
    result = read(open_drop(BytesSource(broken)))
    assert result.refusal is not None
    assert result.refusal.code == "corrupt_parquet"


def test_a_failing_storage_is_not_taken_for_a_damaged_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the source raises comes through Arrow as it is, both at the footer and at a page."""
    monkeypatch.setattr("activation.drops.parquet_file._WHOLE_BYTES", 0)

    class Failing(BytesSource):
        def read(self, offset: int, length: int) -> bytes:
            if offset < allowed_from:
                raise Retryable("storage_busy", "S3 is busy.")
            return super().read(offset, length)

    source = Failing(grouped(50_000))
    allowed_from = source.size_bytes + 1
    with pytest.raises(Retryable):
        open_parquet(source, ReadLimits(), "", None)
    allowed_from = source.size_bytes // 2
    opened = open_parquet(source, ReadLimits(), "", None)
    with pytest.raises(Retryable):
        list(opened.chunks(Cursor()))


def test_a_file_without_rows_gives_its_header() -> None:
    """No rows is no error."""
    opened = open_drop(BytesSource(parquet(pa.table({"email": pa.array([], pa.string())}))))
    assert opened.header == ("email",)
    assert read(opened).count == 0


def test_parquet_inside_gzip_is_unpacked_up_to_a_size() -> None:
    """A stream cannot be read from its end: a small one is held in memory, a large one refused."""
    packed = gzip.compress(grouped())
    opened = open_drop(BytesSource(packed))
    assert opened.format == "parquet+gzip"
    assert read(opened).count == 5_000
    with pytest.raises(Rejected, match="compressed_parquet_too_large"):
        open_drop(BytesSource(packed), limits=ReadLimits(buffered_parquet_bytes=10_000))


def test_a_parquet_bomb_is_refused_by_its_footer() -> None:
    """Pages that would unpack to hundreds of times the file are not unpacked."""
    table = pa.table({"a": ["x" * 1_000_000 + str(row) for row in range(40)]})
    stored = parquet(table, compression="zstd", use_dictionary=False)
    with pytest.raises(Rejected, match="decompression_bomb"):
        open_drop(BytesSource(stored), limits=ReadLimits(ratio_free_bytes=MIB))


def test_a_single_column_list_has_one_column() -> None:
    """The list's column is called by its identifier type; a second column is refused."""
    assert open_drop(BytesSource(parquet(pa.table({"h": ["x"]}))), single="EMAIL_SHA256").header == (
        "EMAIL_SHA256",
    )
    with pytest.raises(Rejected, match="header_unusable"):
        open_drop(BytesSource(grouped()), single="EMAIL_SHA256")


@pytest.mark.parametrize("plaintext_footer", [True, False])
def test_an_encrypted_file_is_refused_as_such(plaintext_footer: bool) -> None:
    """Encryption is named, whether the footer can be read or not."""
    encryption = pytest.importorskip("pyarrow.parquet.encryption")

    class InTheClear(encryption.KmsClient):  # type: ignore[misc, name-defined] # not typed
        """Keys that are not wrapped at all."""

        def __init__(self, _connection: Any) -> None:
            super().__init__()

        def wrap_key(self, key_bytes: bytes, _name: str) -> bytes:
            return key_bytes.hex().encode()

        def unwrap_key(self, wrapped: bytes, _name: str) -> bytes:
            return bytes.fromhex(wrapped.decode())

    keys = encryption.EncryptionConfiguration(
        footer_key="f", column_keys={"c": ["email"]}, plaintext_footer=plaintext_footer
    )
    properties = encryption.CryptoFactory(InTheClear).file_encryption_properties(
        encryption.KmsConnectionConfig(), keys
    )
    file = io.BytesIO()
    table = pa.table({"email": ["a@example.com"]})
    with pq.ParquetWriter(file, table.schema, encryption_properties=properties) as writer:
        writer.write_table(table)
    try:
        refusal = read(open_drop(BytesSource(file.getvalue()))).refusal
    except Rejected as at_open:
        refusal = at_open
    assert refusal is not None
    assert refusal.code == "encrypted_parquet"


@pytest.mark.parametrize(("columns", "rows"), [(4, 32_768), (12, 10_922), (150, 1_024)])
def test_many_columns_are_decoded_in_fewer_rows(columns: int, rows: int) -> None:
    """A slice is bounded by its cells, which become digests of one size, not by what the file takes for them."""
    column = pa.repeat(pa.scalar("x"), 33_000)
    opened = open_drop(BytesSource(parquet(pa.table({f"column {number}": column for number in range(columns)}))))
    sizes = [chunk.row_count for chunk in opened.chunks(Cursor())]
    assert max(sizes) == rows
    assert sum(sizes) == 33_000
