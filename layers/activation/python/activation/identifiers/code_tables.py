"""The tables of the valid numbers of every country code, generated ahead: `python -m` this module writes them.

They depend on libphonenumber's release alone. To build them takes seconds, to read them a millisecond.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import pyarrow as pa

NO_CODE = 0  # stands for digits that begin with no country code
NAME = "code_tables.arrow"
RELEASE = b"phonenumbers"  # in the schema's metadata: the release of the library
_SCHEMA = pa.schema(
    {
        "code": pa.int32(),
        "lengths": pa.int64(),
        "reach": pa.int32(),
        "start": pa.int32(),
        "rows": pa.list_(pa.int32()),
    }
)


@dataclass(frozen=True, eq=False)
class CodeTables:
    """What is known of each country code, by its place.

    `lengths` are those of valid numbers without the code, a bit each; `reaches` are how many digits may be removed
    after the code at most, None where the plan may replace digits. `rows` are the codes' tables, joined, and
    `starts` the states in which their texts start; a table tells what is valid, and what may be.
    """

    places: dict[int, int]
    lengths: list[int]
    reaches: list[int | None]
    starts: list[int]
    rows: pa.Array

    @classmethod
    def of(cls, table: pa.Table) -> CodeTables:
        """Return those of a table as `built` returns it."""
        codes, lengths, reaches, starts = (table[name].to_pylist() for name in _SCHEMA.names[:-1])
        places = {code: place for place, code in enumerate(codes)}
        return cls(places, lengths, reaches, starts, table["rows"].combine_chunks().flatten())


@cache
def code_tables() -> CodeTables:
    """Return the tables of the file."""
    return CodeTables.of(stored())


def stored() -> pa.Table:
    """Return the file's table."""
    with pa.ipc.open_file((files(__package__) / NAME).read_bytes()) as reader:  # Glue has the layer in a ZIP
        return reader.read_all()


def built() -> pa.Table:
    """Build the tables from the library's data: a row for each country code, the first for `NO_CODE`.

    The first row holds the rows of all tables.
    """
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, __version__

    from activation.identifiers.digit_patterns import one_of
    from activation.identifiers.digit_tables import DigitTable, joined, merged
    from activation.identifiers.number_patterns import reach_abroad, valid_and_maybe, valid_lengths

    codes = sorted(COUNTRY_CODE_TO_REGION_CODE)
    tables = [DigitTable((one_of(), one_of())), *(DigitTable(valid_and_maybe(code)) for code in codes)]
    rows, starts = merged(*joined(tuple(tables)))
    columns = {
        "code": [NO_CODE, *codes],
        "lengths": [0, *map(valid_lengths, codes)],
        "reach": [None, *map(reach_abroad, codes)],
        "start": starts.to_pylist(),
        "rows": [rows.to_pylist(), *([] for _ in codes)],
    }
    return pa.Table.from_pydict(columns, _SCHEMA.with_metadata({RELEASE: __version__}))


def write(table: pa.Table, file: Path) -> None:
    """Write a table as `stored` reads it."""
    options = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", compression_level=19))
    with pa.ipc.new_file(file, table.schema, options=options) as writer:
        writer.write_table(table)


if __name__ == "__main__":
    write(built(), Path(__file__).with_name(NAME))
