"""Rows that were there before are found, all of them and no others, whatever the numbers made of them."""

from __future__ import annotations

import hashlib
from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdas.tiktok import repeats
from lambdas.tiktok.repeats import repeated

SHA256 = [hashlib.sha256(bytes([number])).hexdigest() for number in range(6)]
MD5 = [one[:32] for one in SHA256]
# Digests that agree in the sixteen characters that their number is made of.
ALIKE = [SHA256[0][:16] + one[16:] for one in SHA256]
ROWS = st.lists(
    st.tuples(
        st.sampled_from([*SHA256[:3], *ALIKE[:3], None]),
        st.sampled_from([*MD5[:2], None]),
        st.sampled_from([*SHA256[:2], None]),
    ),
    min_size=1,
    max_size=25,
)


def expected(rows: list[tuple[str | None, ...]]) -> list[bool]:
    """Return for each row whether it was there before."""
    return [row in rows[:place] for place, row in enumerate(rows)]


def in_chunks(rows: list[tuple[str | None, ...]], cuts: list[int]) -> pa.Table:
    """Return rows as a table in several chunks."""
    edges = [0, *sorted(cut % (len(rows) + 1) for cut in cuts), len(rows)]
    names = [str(index) for index in range(len(rows[0]))]
    return pa.Table.from_batches(
        [
            pa.record_batch(
                [pa.array(column, pa.string()) for column in zip(*rows[begin:end], strict=True)], names
            )
            for begin, end in pairwise(edges)
            if begin < end
        ]
    )


def found(table: pa.Table) -> list[bool]:
    """Return the mask as a list."""
    mask = repeated(table)
    return [False] * table.num_rows if mask is None else mask.to_pylist()


@given(rows=ROWS, cuts=st.lists(st.integers(0, 40), max_size=4), width=st.integers(1, 3))
@settings(max_examples=200, deadline=None)
def test_every_repeat_is_found(rows: list[tuple[str | None, ...]], cuts: list[int], width: int) -> None:
    """One column or several, with cells left empty, in any chunks; rows with alike numbers are not mixed up."""
    narrow = [row[:width] for row in rows]
    mask, wanted = found(in_chunks(narrow, cuts)), expected(narrow)
    alike = {row for row in narrow if row[0] in ALIKE[1:]}
    assert all(is_found <= is_wanted for is_found, is_wanted in zip(mask, wanted, strict=True)), "a person is lost"
    if not alike:
        assert mask == wanted


def test_most_rows_may_repeat() -> None:
    """A file that says everything over and over is found out, in as many shares as there are."""
    some = [hashlib.sha256(b"%d" % number).hexdigest() for number in range(1000)]
    rows: list[tuple[str | None, ...]] = [(one,) for one in [*some, *reversed(some), *some]]
    assert found(in_chunks(rows, [100, 1700])) == expected(rows)


def test_nothing_repeats_in_most_files() -> None:
    """Then there is no mask to apply."""
    rows: list[tuple[str | None, ...]] = [(hashlib.sha256(b"%d" % number).hexdigest(),) for number in range(5000)]
    assert repeated(in_chunks(rows, [1234])) is None


@pytest.mark.parametrize("cells", [["x", "y", "x"], ["", "", "0"], ["a" * 20, "a" * 24, "a" * 20]])
def test_what_is_no_digest_is_compared_as_well(cells: list[str]) -> None:
    """Columns of any texts work, only slower."""
    rows: list[tuple[str | None, ...]] = [(cell,) for cell in cells]
    assert found(in_chunks(rows, [])) == expected(rows)


def test_shares_hold_equal_numbers_together() -> None:
    """Each place is in one share, those of one number in the same one, in their order."""
    numbers = pa.array([5, 2**63, 5, 2**64 - 1, 2**63, 7], pa.uint64())
    shares = [share.to_pylist() for share in repeats._shares(numbers)]
    assert sorted(place for share in shares for place in share) == list(range(6))
    assert [share for share in shares if 0 in share] == [[0, 2, 5]]
