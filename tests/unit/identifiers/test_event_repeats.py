"""Ids that come twice in a drop are found, however it is cut into pieces, and no other."""

from __future__ import annotations

from functools import partial

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from activation.identifiers import event_repeats
from activation.identifiers.event_repeats import digests_of, piece_of, repeated
from activation.identifiers.refused import Refused, keyed
from hypothesis import given
from hypothesis import strategies as st

KEY = "key"
IDS = st.lists(st.lists(st.sampled_from([*"abcdefghijklmnop", None]), max_size=12), max_size=12)


def held(piece: Refused) -> Refused:
    """Return a piece as it was kept."""
    return piece


def among(found: Refused, ids: list[str | None]) -> list[bool]:
    """Return which of the ids are in a set."""
    names = pa.array(["Purchase"] * len(ids), pa.string())
    texts = pc.binary_join_element_wise(names, pa.array(ids, pa.string()), "\n")
    return [row is not None for row in found.rows_of(keyed(KEY, texts)).to_pylist()]


@pytest.mark.parametrize("at_once", [1, 8])
@given(pieces=IDS)
def test_an_id_that_comes_twice_is_found_in_one_piece_or_in_two(
    at_once: int, pieces: list[list[str | None]]
) -> None:
    """Events without an id of their own repeat nothing."""
    kept = []
    for ids in pieces:
        names = pa.array(["Purchase"] * len(ids), pa.string())
        kept.append(piece_of([digests_of(KEY, names, pa.array(ids, pa.string()))]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(event_repeats, "PIECES_AT_ONCE", at_once)
        found = repeated([partial(held, piece) for piece in kept])
    every = [one for ids in pieces for one in ids]
    assert among(found, every) == [one is not None and every.count(one) > 1 for one in every]


def test_the_same_id_of_another_event_is_no_repeat() -> None:
    """A lead and a sale of one order are two events."""
    table = digests_of(KEY, pa.array(["Lead", "Purchase"]), pa.array(["A-1", "A-1"]))
    assert len(repeated([partial(held, piece_of([table]))])) == 0
