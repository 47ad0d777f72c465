"""Write files of invented people, the same for the same seed: `rows.py KIND ROWS PATH ...`.

The kinds are `easy` (the four identifiers of people.py), and with gender, the three parts of the date of birth, city,
state, postal code and country besides: `uniform` and `skewed`, which say how postal codes repeat, and `hard`.

- uniform: every code of five digits is as likely; skewed: half of the people have one of 3,500 of 33,000 codes, about
  as in the United States. One code in twenty is a ZIP+4.
- hard: people of six countries, their names in four alphabets and with accents, their postal codes as written there.
  No phone has a country code, and six in ten can be nobody's: too short, with an extension, or with letters.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bench.inside.people import SEED, SYLLABLES, tables, write

ZIP_CODES, ZIP_RANKS = 33_000, 5_000
CITIES = 20_000
STATES = ("CA", "TX", "FL", "NY", "PA", "IL", "Ohio", "Georgia", "North Carolina", "MI")
ALPHABETS = (
    ("a", "é", "ñ", "o'", "ü", "ra", "ło", "sé"),
    ("ка", "ри", "на", "со", "ла", "ди", "ва", "ни"),  # noqa: RUF001  letters of that alphabet, not of the Latin one
    ("αν", "δρ", "έα", "σο", "μα", "ρί", "νη", "κο"),  # noqa: RUF001  letters of that alphabet, not of the Latin one
    ("佐", "藤", "美", "李", "明", "田", "中", "子"),
)
COUNTRIES = ("US", "GB", "JP", "RU", "DE", "BR")
# A digit for each 9, a letter for each A.
POSTAL_CODES = ("99999-9999", "AA9 9AA", "999-9999", "999999", "D-99999", "99999-999")
PHONES = (
    "(999) 999-9999",
    "07999 999999",
    "090-9999-9999",
    "8 (999) 999-99-99",
    "0171 9999999",
    "(99) 99999-9999",
)
NOBODY = ("99999", "0999 9999 ext. 99", "9999-CALL-99", "999999999999999999", "99/99", "call 99999")
NOBODY_SHARE = 0.6


def rows_of(kind: str, rows: int) -> Iterator[pa.Table]:
    """Yield the rows of a kind in pieces."""
    chance = np.random.default_rng(SEED + 1)
    cities = _words(chance, SYLLABLES.split(), CITIES)
    for people in tables(rows):
        if kind == "easy":
            yield people
        elif kind == "hard":
            yield _hard(chance, people)
        else:
            yield _full(chance, people, cities, skewed=kind == "skewed")


def _full(chance: np.random.Generator, people: pa.Table, cities: pa.Array, *, skewed: bool) -> pa.Table:
    count = len(people)
    city = cities.take(pa.array(_skewed(chance, CITIES, CITIES // 8, count)))
    if skewed:
        codes = np.random.default_rng(SEED).permutation(100_000)[_skewed(chance, ZIP_CODES, ZIP_RANKS, count)]
    else:
        codes = chance.integers(0, 100_000, count)
    code = _padded(codes, 5)
    long = pc.binary_join_element_wise(code, _padded(chance.integers(1, 10_000, count), 4), "-")
    code = pc.if_else(pa.array(chance.random(count) < 0.05), long, code)
    country = pa.array(np.where(chance.random(count) < 0.9, "US", "usa"))
    return _with_more(chance, people, city=city, code=code, country=country)


def _hard(chance: np.random.Generator, people: pa.Table) -> pa.Table:
    count = len(people)
    words = pa.concat_arrays([_words(chance, alphabet, 20_000) for alphabet in ALPHABETS])
    first, last, city = (words.take(pa.array(chance.integers(0, len(words), count))) for _ in range(3))
    places = chance.integers(0, len(COUNTRIES), count)
    phones = _written(chance, PHONES, places)
    nobody = _written(chance, NOBODY, chance.integers(0, len(NOBODY), count))
    phones = pc.if_else(pa.array(chance.random(count) < NOBODY_SHARE), nobody, phones)
    people = pa.table([people["email"], phones, first, last], names=people.column_names)
    country = pa.array(COUNTRIES).take(pa.array(places))
    code = _written(chance, POSTAL_CODES, places)
    return _with_more(chance, people, city=city, code=code, country=country)


def _with_more(
    chance: np.random.Generator, people: pa.Table, *, city: pa.Array, code: pa.Array, country: pa.Array
) -> pa.Table:
    """Add the identifiers that are the same in every kind, and those that are given."""
    count = len(people)
    born = {"birth_year": (1930, 2008), "birth_month": (1, 13), "birth_day": (1, 29)}
    more = {
        "gender": _chosen(chance, ("F", "M", "female", "male"), count),
        **{name: _padded(chance.integers(*bounds, count), 2) for name, bounds in born.items()},
        "city": city,
        "state": _chosen(chance, STATES, count),
        "zip": code,
        "country": country,
    }
    return pa.table([*people.columns, *more.values()], names=[*people.column_names, *more])


def _skewed(chance: np.random.Generator, count: int, ranks: int, rows: int) -> np.ndarray:
    """Return ranks below `count`, each `ranks` ranks further down the list less likely by e."""
    weights = np.exp(-np.arange(count) / ranks)
    chosen: np.ndarray = chance.choice(count, rows, p=weights / weights.sum())
    return chosen


def _chosen(chance: np.random.Generator, texts: tuple[str, ...], count: int) -> pa.Array:
    return pa.array(texts).take(pa.array(chance.integers(0, len(texts), count)))


def _padded(numbers: np.ndarray, width: int) -> pa.Array:
    return pc.utf8_lpad(pa.array(numbers).cast(pa.string()), width, "0")


def _words(chance: np.random.Generator, parts: Sequence[str], count: int) -> pa.Array:
    made: dict[str, None] = {}
    while len(made) < count:
        made["".join(parts[place] for place in chance.integers(0, len(parts), chance.integers(3, 8))).title()] = (
            None
        )
    return pa.array(made)


def _written(chance: np.random.Generator, forms: tuple[str, ...], places: np.ndarray) -> pa.Array:
    """Return a text for each row, in the form of that place: a digit for each 9, a letter for each A."""
    texts = np.empty(len(places), dtype=object)
    for place, form in enumerate(forms):
        rows = np.flatnonzero(places == place)
        letters = np.tile(np.frombuffer(form.encode(), np.uint8), (len(rows), 1))
        for sign, first, count in ((b"9", b"0", 10), (b"A", b"A", 26)):
            mask = letters == ord(sign)
            letters[mask] = ord(first) + chance.integers(0, count, int(mask.sum()))
        texts[rows] = letters.view(f"S{len(form)}").ravel().astype(str)
    return pa.array(texts, pa.string())


if __name__ == "__main__":
    targets = [Path(text) for text in sys.argv[3:]]
    write(rows_of(sys.argv[1], int(sys.argv[2])), targets)
    print(json.dumps({"sizes_bytes": [target.stat().st_size for target in targets]}))
