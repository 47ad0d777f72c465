"""The set of refused identifiers: who is in it, by which row, and what a stored one gives away."""

from __future__ import annotations

import io
import os
import random

import pyarrow as pa
import pytest
from activation.identifiers.refused import EVERY_ROW, DamagedSet, Refused, keyed, new_key, with_rows

KEY = new_key()


def texts(*values: str | None) -> pa.Array:
    """Return a string array."""
    return pa.array(values, pa.string())


def stored(one: Refused) -> bytes:
    """Return what is written of a set."""
    file = io.BytesIO()
    one.write(file)
    return file.getvalue()


def refused(found: dict[str, int]) -> Refused:
    """Return a set of values with their rows."""
    return Refused.of([with_rows(keyed(KEY, texts(*found)), pa.array(list(found.values()), pa.int64()))])


@pytest.mark.parametrize("seed", range(20))
def test_a_set_says_what_a_dictionary_says(seed: int) -> None:
    """Of a value in several pieces the last row counts; a null is in no set, and others are not either."""
    chance = random.Random(seed)
    known: dict[str, int] = {}
    whole = Refused()
    for _ in range(chance.randrange(4)):
        rows = [
            (f"value {chance.randrange(60)}", chance.choice([chance.randrange(99), EVERY_ROW])) for _ in range(30)
        ]
        for value, row in rows:
            known[value] = max(row, known.get(value, -1))
        columns = texts(*(value for value, _ in rows), None), pa.array([*(row for _, row in rows), 5], pa.int64())
        whole = whole.joined([Refused.of([with_rows(keyed(KEY, columns[0]), columns[1])])])
    asked = [None if chance.random() < 0.1 else f"value {chance.randrange(90)}" for _ in range(200)]
    found = Refused.from_bytes(stored(whole)).rows_of(keyed(KEY, texts(*asked)))
    assert found.to_pylist() == [known.get(one) if one else None for one in asked]
    assert len(whole) == len(known)


def test_an_empty_set_and_an_empty_column() -> None:
    """Nobody is refused."""
    assert Refused().rows_of(keyed(KEY, texts("a", None))).to_pylist() == [None, None]
    assert len(refused({"a": 1}).rows_of(keyed(KEY, texts()))) == 0
    assert len(Refused.from_bytes(stored(Refused()))) == 0


def test_digests_with_the_same_first_half_are_told_apart() -> None:
    """Both halves count, in the order of the file as in any other."""
    halves = pa.table(
        {"high": [7, 7, 9], "low": [1, 2, 1], "row": [10, 20, 30]},
        schema=pa.schema([("high", pa.uint64()), ("low", pa.uint64()), ("row", pa.int64())]),
    )
    asked = pa.table(
        {"high": pa.array([7, 7, 7, 9, 9, 0], pa.uint64()), "low": pa.array([1, 2, 3, 1, 2, 1], pa.uint64())}
    )
    assert Refused.of([halves.take([2, 1, 0])]).rows_of(asked).to_pylist() == [10, 20, None, 30, None, None]


def test_another_key_finds_nobody() -> None:
    """A stored set matches no other list: the same value under another key is another digest."""
    assert new_key() != KEY
    assert refused({"a": 1}).rows_of(keyed(new_key(), texts("a"))).to_pylist() == [None]


@pytest.mark.parametrize("data", [b"", b"nothing", os.urandom(500), stored(Refused())[:-9]])
def test_bytes_that_are_no_set_are_refused(data: bytes) -> None:
    """A damaged set is not taken for one without anybody."""
    with pytest.raises(DamagedSet):
        Refused.from_bytes(data)


def test_a_table_of_another_form_is_no_set() -> None:
    """Its columns are checked."""
    sink = pa.BufferOutputStream()
    table = pa.table({"high": [1]})
    with pa.ipc.new_file(sink, table.schema) as file:
        file.write_table(table)
    with pytest.raises(DamagedSet):
        Refused.from_bytes(sink.getvalue().to_pybytes())
