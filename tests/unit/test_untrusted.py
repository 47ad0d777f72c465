"""Values from outside, read without trust."""

from __future__ import annotations

import pytest
from activation.untrusted import identifier, json_object, mapping, number, sequence, whole
from hypothesis import given
from hypothesis import strategies as st

ANYTHING = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers()) | st.binary()
)


@given(ANYTHING)
def test_nothing_raises(value: object) -> None:
    """Every reader gives its own type or says that there is nothing to read."""
    assert isinstance(whole(value), int | None)
    assert isinstance(number(value), float | None)
    assert isinstance(identifier(value), str | None)
    assert isinstance(mapping(value), dict)
    assert isinstance(sequence(value), list)


@given(st.binary() | st.text())
def test_no_body_raises(body: bytes | str) -> None:
    """A body is a JSON object or it is not."""
    assert isinstance(json_object(body), dict | None)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(7, 7), ("7", 7), ("-7", -7), (7.0, 7), (7.5, None), (True, None), ("7.0", None), ("²", None), ("", None)],
)
def test_whole_numbers(value: object, expected: int | None) -> None:
    """Platforms send one field as a number here and as text there; a truth value is neither."""
    assert whole(value) == expected


def test_large_ids_stay_exact() -> None:
    """An id beyond what a float can hold is kept digit by digit."""
    body = json_object('{"id": 7301234567890123457}')
    assert body is not None
    assert identifier(body["id"]) == "7301234567890123457"


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"\xff", b"[" * 100_000, b"1" * 5000, b'{"a": 1'])
def test_what_is_no_object(body: bytes) -> None:
    """Anything but an object is nothing."""
    assert json_object(body) is None
