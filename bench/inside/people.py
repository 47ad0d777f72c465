"""Invented people, the same for the same seed, and files of them.

Columns: e-mail, phone, first name, last name. Names repeat as they do among people: how often the n-th most
frequent one occurs follows a Zipf-Mandelbrot law, with the heads and tails that the US Census Bureau found for 1990
and 2010 (the most frequent family name about 0.8 % of people, the hundred most frequent about a sixth; far fewer first
names). One address in ten has capitals or spaces around it, one phone number in ten is written with brackets and
hyphens, a twentieth of the phones is missing, one name in fifty has an accent, a hyphen or an apostrophe.
https://www.census.gov/topics/population/genealogy/data.html (read 2026-11-22)
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

SEED = 20261122
PIECE_ROWS = 250_000
FIRST_NAMES, LAST_NAMES = 5_000, 90_000
SYLLABLES = "an ar be ca da de el fa ga ha in jo ka la le li lo ma me mi mo na ne ni no or pa ra re ri ro sa se si so ta te to va wi"
ODD = ("é", "ü", "-Ana", "'neil", " de la Sol")
DOMAINS = (
    "gmail.com",
    "yahoo.com",
    "hotmail.com",
    "outlook.com",
    "icloud.com",
    "aol.com",
    "example.org",
    "web.de",
)
DOMAIN_SHARES = (0.45, 0.16, 0.12, 0.10, 0.08, 0.03, 0.03, 0.03)


def tables(rows: int) -> Iterator[pa.Table]:
    """Yield the rows in pieces."""
    chance = np.random.default_rng(SEED)
    firsts, lasts = _names(chance, FIRST_NAMES), _names(chance, LAST_NAMES)
    first_shares, last_shares = _shares(FIRST_NAMES, 1.0, 4.0), _shares(LAST_NAMES, 0.95, 25.0)
    for begin in range(0, rows, PIECE_ROWS):
        count = min(PIECE_ROWS, rows - begin)
        first = firsts.take(pa.array(chance.choice(FIRST_NAMES, count, p=first_shares)))
        last = lasts.take(pa.array(chance.choice(LAST_NAMES, count, p=last_shares)))
        yield pa.table(
            {
                "email": _emails(chance, first, last, begin),
                "phone": _phones(chance, count),
                "first_name": first,
                "last_name": last,
            }
        )


def _shares(count: int, exponent: float, offset: float) -> np.ndarray:
    weights = 1.0 / (np.arange(1, count + 1) + offset) ** exponent
    shares: np.ndarray = weights / weights.sum()
    return shares


def _names(chance: np.random.Generator, count: int) -> pa.Array:
    syllables = SYLLABLES.split()
    made: dict[str, None] = {}
    while len(made) < count:
        length = int(chance.integers(2, 5))
        name = "".join(syllables[place] for place in chance.integers(0, len(syllables), length)).capitalize()
        if chance.random() < 0.02:
            name += ODD[int(chance.integers(0, len(ODD)))]
        made[name] = None
    return pa.array(made)


def _emails(chance: np.random.Generator, first: pa.Array, last: pa.Array, begin: int) -> pa.Array:
    count = len(first)
    plain = [pc.replace_substring_regex(pc.ascii_lower(names), "[^a-z]", "") for names in (first, last)]
    number = pa.array(np.arange(begin, begin + count)).cast(pa.string())
    domain = pa.array(DOMAINS).take(pa.array(chance.choice(len(DOMAINS), count, p=DOMAIN_SHARES)))
    local = pc.binary_join_element_wise(*plain, ".")
    address = pc.binary_join_element_wise(pc.binary_join_element_wise(local, number, ""), domain, "@")
    written = chance.random(count)
    address = pc.if_else(pa.array(written < 0.07), pc.ascii_capitalize(address), address)
    return pc.if_else(pa.array(written > 0.97), pc.binary_join_element_wise(" ", address, ""), address)


def _phones(chance: np.random.Generator, count: int) -> pa.Array:
    area = pa.array(chance.integers(201, 990, count)).cast(pa.string())
    exchange = pa.array(chance.integers(200, 1000, count)).cast(pa.string())
    line = pa.array(chance.integers(1000, 10_000, count)).cast(pa.string())
    plain = pc.binary_join_element_wise("+1", area, exchange, line, "")
    typed = pc.binary_join_element_wise("+1 (", area, ") ", exchange, "-", line, "")
    written = chance.random(count)
    phones = pc.if_else(pa.array(written < 0.1), typed, plain)
    return pc.if_else(pa.array(written > 0.95), "", phones)


class _Csv:
    """A CSV file with a header and no quotes, which no cell needs; gzip if the path ends in .gz."""

    def __init__(self, path: Path) -> None:
        self._file = gzip.open(path, "wb", compresslevel=1) if path.suffix == ".gz" else path.open("wb")  # noqa: SIM115  closed by `close`
        self._header = True

    def write_table(self, table: pa.Table) -> None:
        text = io.BytesIO()
        pa.csv.write_csv(
            table,
            text,
            pa.csv.WriteOptions(include_header=self._header, quoting_style="none", quoting_header="none"),
        )
        self._file.write(text.getbuffer())
        self._header = False

    def close(self) -> None:
        self._file.close()


def write(pieces: Iterable[pa.Table], paths: Sequence[Path]) -> None:
    """Write the same rows as CSV, gzip CSV or Parquet, by each path's suffix."""
    writers: list[_Csv | pq.ParquetWriter] = []
    for table in pieces:
        if not writers:
            writers = [
                pq.ParquetWriter(path, table.schema, compression="snappy")
                if path.suffix == ".parquet"
                else _Csv(path)
                for path in paths
            ]
        for writer in writers:
            writer.write_table(table)
    for writer in writers:
        writer.close()
