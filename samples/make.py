"""Write the sample files: `python samples/make.py`. Ten people who do not exist, for every platform.

Platforms of events get a sale to each of them. Platforms refuse events that are weeks old: `python samples/make.py
2027-01-15` writes sales of that day.

The addresses are below names that nobody can register (RFC 2606, https://www.rfc-editor.org/rfc/rfc2606), and the
phone numbers in ranges that regulators keep free for fiction: +1 202 555 01xx, +44 20 7946 0xxx, +61 2 5550 xxxx
and +33 1 99 00 xx xx.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from activation.identifiers.identify import identify_value
from activation.identifiers.table import Context
from activation.platforms.discovery import platforms
from activation.platforms.platform import Platform

HERE = Path(__file__).resolve().parent

Table = tuple[Sequence[str], Sequence[Sequence[str]]]

HEADER = ("email", "phone", "first_name", "last_name", "city", "state", "zip", "country")
PEOPLE = (
    ("Ada.Example@example.com", "+1 (202) 555-0101", "Ada", "Example", "Washington", "DC", "20001", "US"),
    ("bo@example.org", "+1 202-555-0102", "Bo", "O'Sample", "St. Louis", "MO", "63101", "US"),
    ("carla.test@example.net", "+44 20 7946 0103", "Carla", "Test", "London", "", "SW1A 1AA", "GB"),
    ("daniel@example.com", "+44 20 7946 0104", "Daniel", "Sample-Jones", "London", "", "EC1A 1BB", "GB"),
    ("elise@example.org", "+33 1 99 00 01 05", "Élise", "Exemple", "Paris", "", "75001", "FR"),
    ("felix@example.net", "+33 1 99 00 01 06", "Félix", "de la Démo", "Paris", "", "75011", "FR"),
    ("grace@example.com", "+61 2 5550 0107", "Grace", "Placeholder", "Sydney", "NSW", "2000", "AU"),
    ("hiro@example.org", "+61 2 5550 0108", "Hiro", "Mock", "Sydney", "NSW", "2010", "AU"),
    ("ines@example.net", "+1 202 555 0109", "Inés", "Ficticia", "Washington", "DC", "20002", "US"),
    ("jo+news@example.com", "+1.202.555.0110", "Jo", "Nobody", "Washington", "DC", "20003", "US"),
)


SOLD_ON = date(2026, 11, 28)
SALE = ("event_name", "event_time", "action_source", "order_id", "value", "currency")


def sales_on(day: date) -> Table:
    """Return a sale to each of the people, hour after hour of a day, with no two values alike."""
    rows = [
        (
            "purchase",
            f"{day}T{8 + number:02}:30:00Z",
            "store",
            f"S-{1000 + number}",
            f"{19 + number}.90",
            "EUR",
            *one,
        )
        for number, one in enumerate(PEOPLE)
    ]
    return (*SALE, *HEADER), rows


def raw_of(platform: Platform) -> Table:
    """Return the people with the columns that a platform has fields for, and their country."""
    kept = [index for index, name in enumerate(HEADER) if name == "country" or platform.table.find(name)]
    return [HEADER[index] for index in kept], [[person[index] for index in kept] for person in PEOPLE]


def hashed_of(platform: Platform) -> Table:
    """Return the people's e-mail addresses and phone numbers as the platform's own digests."""
    header, columns = ["email", "phone"], []
    for name in header:
        field = platform.table.named(name)[0]
        index = HEADER.index(name)
        cells = [identify_value(field, person[index], Context(), hashed=False) for person in PEOPLE]
        columns.append([cell.sent or "" for cell in cells])
    return header, list(zip(*columns, strict=True))


def delimited(table: Table, delimiter: str) -> bytes:
    """Return a table as CSV or TSV with a header."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerows([table[0], *table[1]])
    return text.getvalue().encode()


def json_lines(table: Table) -> bytes:
    """Return a table as one JSON object a line."""
    rows = (dict(zip(table[0], row, strict=True)) for row in table[1])
    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows).encode()


def parquet(table: Table) -> bytes:
    """Return a table as Parquet."""
    columns = {name: [row[index] for row in table[1]] for index, name in enumerate(table[0])}
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, compression="zstd")
    return sink.getvalue()


def listed(values: Iterable[str]) -> bytes:
    """Return values one a line, without a header."""
    return "".join(f"{value}\n" for value in values).encode()


FILES: dict[str, Callable[[Platform], bytes]] = {
    "people.csv": lambda platform: delimited(raw_of(platform), ","),
    "people.tsv": lambda platform: delimited(raw_of(platform), "\t"),
    "people.jsonl": lambda platform: json_lines(raw_of(platform)),
    "people.parquet": lambda platform: parquet(raw_of(platform)),
    "people.csv.gz": lambda platform: gzip.compress(delimited(raw_of(platform), ","), mtime=0),
    "hashed.csv": lambda platform: delimited(hashed_of(platform), ","),
    "email.txt": lambda _: listed(person[0] for person in PEOPLE),
    "email_sha256.txt": lambda platform: listed(row[0] for row in hashed_of(platform)[1]),
}


SALES: dict[str, Callable[[date], bytes]] = {
    "sales.csv": lambda day: delimited(sales_on(day), ","),
    "sales.jsonl": lambda day: json_lines(sales_on(day)),
    "sales.parquet": lambda day: parquet(sales_on(day)),
}


def of_people() -> dict[str, Platform]:
    """Return the platforms that are sent people."""
    return {name: one for name, one in platforms().items() if one.table.events is None}


def of_events() -> list[str]:
    """Return the names of the platforms that are sent events."""
    return [name for name, one in platforms().items() if one.table.events is not None]


def main() -> None:
    """Write every file, the sales on the day that is given."""
    day = date.fromisoformat(sys.argv[1]) if sys.argv[1:] else SOLD_ON
    for name in of_events():
        (HERE / name).mkdir(exist_ok=True)
        for file, of_day in SALES.items():
            (HERE / name / file).write_bytes(of_day(day))
    for name, platform in of_people().items():
        (HERE / name).mkdir(exist_ok=True)
        for file, content in FILES.items():
            (HERE / name / file).write_bytes(content(platform))


if __name__ == "__main__":
    main()
