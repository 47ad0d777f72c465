"""Telephone numbers of a sample that say no country, anywhere in their row."""

from __future__ import annotations

from importlib import import_module

import pytest
from activation.drops.columns import map_columns
from activation.drops.open import open_drop
from activation.drops.sampling import take_sample
from activation.drops.source import BytesSource
from activation.identifiers.column_map import parse
from activation.identifiers.table import Context, FieldTable
from activation.model import RAW


@pytest.mark.parametrize(
    ("platform", "text", "entries", "bare"),
    [
        ("meta", "phone,country\n0171 1234567,DE\n", [], 0),
        ("meta", "phone,country\n0171 1234567,Atlantis\n", [], 1),
        ("meta", "phone,country\n0171 1234567,X\n", [], 1),
        ("meta", "phone,country\n0171 1234567,D\n", [], 0),
        ("meta", "phone,note\n0171 1234567,x\n", ["country=DE"], 0),
        ("tiktok", "phone,country\n0171 1234567,DE\n", [], 0),
        ("snapchat", "phone,country\n0171 1234567,DE\n", [], 0),
        ("snapchat", "phone,country\n0171 1234567,\n", [], 1),
        ("tiktok", "phone,country\n0171 1234567,DE\n", ["country=ignore"], 1),
    ],
    ids=map(str, range(9)),
)
def test_a_number_is_bare_if_nothing_in_its_row_names_a_country(
    platform: str, text: str, entries: list[str], bare: int
) -> None:
    """The country is in a column, whether the platform has a field for it or not, or is said of all rows."""
    fields: FieldTable = import_module(f"lambdas.{platform}.fields").TABLE
    reader = open_drop(BytesSource(text.encode()), single=None, declared_encoding=None, declared_delimiter=None)
    mapped = map_columns(fields, reader.header, RAW, parse(entries))
    sample = take_sample(reader, mapped, RAW, fields, Context())
    assert (sample.phones, sample.bare) == (1, bare)
