"""Exports and mappings for the tests of the Glue job's steps, and what a connector makes of the same rows."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from activation.drops.columns import map_columns
from activation.drops.folder_files import FolderFiles, FolderMember
from activation.drops.folder_header import common_header
from activation.drops.folder_reader import FolderReader
from activation.drops.source import FileSource
from activation.identifiers.table import Context
from activation.model import HASHED, RAW, Cursor, Kind
from activation.pipeline.batching import Batcher
from activation.platforms.discovery import fields_of

from glue_scripts.normalize.report import Report
from glue_scripts.normalize.run import normalize

TARGET = {"platform": "meta", "connector": "meta", "audience": "VIP customers"}
HEADER = (
    "customer",
    "email",
    "phone",
    "first_name",
    "last_name",
    "city",
    "zip",
    "country",
    "opt_in",
    "amount",
    "day",
)
Row = tuple[str, ...]


def mapping(path: Path, **parts: Any) -> str:
    """Write a mapping file that needs nothing but the given parts, and return its path.

    Without `consent` it says that `opt_in` is not about consent: otherwise an export with it would be refused.
    """
    document = {"name": "test", "target": TARGET, "output": {"identifiers": "hashed"}, **parts}
    if "consent" not in parts:
        document["columns"] = {"opt_in": "ignore", **parts.get("columns", {})}
    path.write_text(json.dumps(document))
    return str(path)


def write_csv(path: Path, rows: Sequence[Sequence[str]], header: Sequence[str] = HEADER) -> None:
    """Write a CSV file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


def messy_people(count: int, seed: int = 7) -> list[Row]:
    """Return rows whose cells are as exports have them: good, odd, broken, blank, repeated."""
    draw = random.Random(seed)
    names = ["Ann", " bob ", "José", "Zoë-Ann", "李", "O'Brien", "", "null", "Анна", "x" * 300, '"quoted"', "a\nb"]
    mails = ["{n}@example.com", " {N}@Example.COM ", "{n}@example", "", "none", "a{n}@b.example; c{n}@d.example"]
    phones = ["+1 415 555 {p}", "0041 44 668 {p}", "(415) 555-{p}", "", "123", "+1415555{p}x12"]
    rows: list[Row] = []
    for number in range(count):
        n = draw.randrange(count // 2)
        filled = {"n": f"user{n}", "N": f"USER{n}", "p": f"{n % 10_000:04}"}
        rows.append(
            (
                f"c{draw.randrange(count // 3)}" if draw.random() > 0.02 else " ",
                draw.choice(mails).format_map(filled),
                draw.choice(phones).format_map(filled),
                draw.choice(names),
                draw.choice(names),
                draw.choice(["San José", "Austin", "", "8th of May"]),
                draw.choice(["95112", "95112-1234", "SW1A 1AA", "1", ""]),
                draw.choice(["US", "us", "Germany", "", "Atlantis"]),
                draw.choice(["yes", "true", "no", "", "YES"]),
                draw.choice(["10.50", "0.1", "0.2", "", "1e3", "-5"]) if number % 97 else "oops",
                draw.choice(["2026-11-01", "2026-11-30T10:00:00Z", "2026-12-01", ""]),
            )
        )
    return rows


@dataclass(frozen=True)
class Dropped:
    """A drop that was written: its rows by column, sorted, and its rejects."""

    columns: tuple[str, ...]
    rows: list[Row]
    rejects: list[Row]
    folder: Path


def dropped(report: Report, output: Path) -> Dropped:
    """Read what a run has written."""
    folder = output / report.document["key"]
    rows: list[Row] = []
    for one in report.parts:
        if one.name.endswith(".parquet"):
            table = pq.read_table(folder / one.name)
            assert table.column_names == report.document["output"]
            rows += [tuple(cell or "" for cell in row.values()) for row in table.to_pylist()]
        else:
            with (folder / one.name).open(newline="", encoding="utf-8") as file:
                header, *found = list(csv.reader(file))
            assert header == report.document["output"]
            rows += map(tuple, found)
    rejects: list[Row] = []
    for name in report.document["rejects"]:
        with (folder / name).open(newline="", encoding="utf-8") as file:
            rejects += map(tuple, list(csv.reader(file))[1:])
    return Dropped(tuple(report.document["output"]), sorted(rows), sorted(rejects), folder)


def sent_by_connector(
    files: Sequence[Path], platform: str, kind: Kind = RAW, said: Mapping[str, str] | None = None
) -> list[tuple[tuple[str, str], ...]]:
    """Return what a connector would send for a drop: of each accepted row the filled fields, further lines too."""
    table = fields_of(platform).table
    members = FolderFiles([FolderMember(one.name, FileSource(one)) for one in sorted(files)])
    reader = FolderReader(common_header(members), members)
    entries = tuple((said or {}).items())
    mapped = map_columns(table, reader.header, kind, entries)
    batcher = Batcher(
        table=table,
        fields=mapped.fields,
        context=Context(),
        hashed=kind is HASHED,
        max_rows=1_000,
        several=mapped.several,
        ignored=mapped.told_ignored,
    )
    found = []
    for prepared in batcher.spans(reader.chunks(Cursor()), Cursor(), ()):
        for lines in (prepared.columns, *(one.columns for one in prepared.further)):
            found += [tuple((key, cell) for key, cell in row.items() if cell) for row in lines.to_pylist()]
    return sorted(found)


def filled(found: Dropped, table_keys: Sequence[str]) -> list[tuple[tuple[str, str], ...]]:
    """Return the filled cells of a hashed drop's rows under these keys, which are those of first values."""
    return sorted(
        tuple((name, cell) for name, cell in zip(found.columns, row, strict=True) if cell and name in table_keys)
        for row in found.rows
    )


PERSON = ("1", "ann@example.com", "+14155550101", "Ann", "Lee", "Austin", "73301", "US", "yes", "10", "2026-11-01")
EVERY_ROW = {"identifiers": "hashed", "deduplicate": False}


def person(**cells: str) -> tuple[str, ...]:
    """Return a row with other cells than usual."""
    return tuple(cells.get(name, usual) for name, usual in zip(HEADER, PERSON, strict=True))


def run(tmp_path: Path, source: Path, **parts: Any) -> Any:
    """Run a mapping over an export in this process."""
    return normalize(mapping(tmp_path / "mapping.json", **parts), str(source), str(tmp_path / "out"), folder="f")


def run_rows(tmp_path: Path, rows: list[tuple[str, ...]], **parts: Any) -> Any:
    """Run a mapping over one file with these rows."""
    write_csv(tmp_path / "people.csv", rows)
    return run(tmp_path, tmp_path / "people.csv", **parts)
