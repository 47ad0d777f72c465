"""Ids that come twice in a drop are found, however it is cut into pieces, and no other."""

from __future__ import annotations

from functools import partial

import pyarrow as pa
import pytest
from activation.identifiers import event_repeats
from activation.identifiers.event_repeats import digests_of, piece_of, repeated
from activation.identifiers.event_rows import own_names
from activation.identifiers.refused import Refused, halves
from activation.platforms.discovery import platform_named
from hypothesis import given, settings
from hypothesis import strategies as st

KEY = "key"
IDS = st.lists(st.lists(st.sampled_from([*"abcdefghijklmnop", None]), max_size=12), max_size=12)


def held(piece: Refused) -> Refused:
    """Return a piece as it was kept."""
    return piece


def among(found: Refused, ids: list[str | None]) -> list[bool]:
    """Return which of the ids are in a set."""
    return [row is not None for row in found.rows_of(halves(pa.array(ids, pa.string()))).to_pylist()]


@pytest.mark.parametrize("at_once", [1, 8])
@settings(deadline=None)  # a hundred small sorts take their time on a busy machine
@given(pieces=IDS)
def test_an_id_that_comes_twice_is_found_in_one_piece_or_in_two(
    at_once: int, pieces: list[list[str | None]]
) -> None:
    """Events without an id of their own repeat nothing."""
    kept = [piece_of([digests_of(pa.array(ids, pa.string()))]) for ids in pieces]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(event_repeats, "PIECES_AT_ONCE", at_once)
        found = repeated([partial(held, piece) for piece in kept])
    every = [one for ids in pieces for one in ids]
    assert among(found, every) == [one is not None and every.count(one) > 1 for one in every]


def test_an_event_is_named_by_its_name_and_its_id_or_else_its_order() -> None:
    """A lead and a sale of one order are two events, and an id of its own comes before the order's."""
    rules = platform_named("meta_conversions").table.events
    assert rules is not None
    sent = {
        "event_name": pa.array(["Lead", "Purchase", "Purchase", "Purchase", None]),
        "event_id": pa.array([None, None, "e", None, "e"], pa.string()),
        "order_id": pa.array(["A-1", "A-1", "A-1", None, "A-1"]),
    }
    names = own_names(rules, sent, 5, KEY).to_pylist()
    assert names == ["keyLead\n\nA-1", "keyPurchase\n\nA-1", "keyPurchase\ne", None, None]


def test_events_of_one_name_are_named_as_those_of_several() -> None:
    """A column that says the same in every row is joined by itself; other chunks of the drop may say more."""
    rules = platform_named("meta_conversions").table.events
    assert rules is not None
    orders = ["A-1", None, "A-2"]
    one, several = (
        own_names(rules, {"event_name": pa.array(names), "order_id": pa.array(orders)}, 3, KEY).to_pylist()
        for names in (["Purchase"] * 3, ["Purchase", "Lead", "Purchase"])
    )
    assert one == several == ["keyPurchase\n\nA-1", None, "keyPurchase\n\nA-2"]
