"""Rows that are read as bytes are checked like those that are read cell by cell."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.platforms.journal import digest_of_rows
from sandbox.platforms.meta.errors import GraphError
from sandbox.platforms.meta.hashed_rows import HashedRows, loads
from sandbox.platforms.meta.members import Members
from sandbox.platforms.meta.payload import Payload

SHA = "0123456789abcdef" * 4
OTHER = "f" * 64
GOOD = st.sampled_from([SHA, OTHER, ""])
ODD = st.sampled_from([SHA.upper(), SHA[:-1], SHA + "0", "x" * 64, 7, None, [SHA], 'a"],["b', "é", " " + SHA[1:]])
CELLS = st.integers(1, 3).flatmap(
    lambda width: st.lists(st.lists(GOOD, min_size=width, max_size=width), min_size=1, max_size=5)
)
ROWS = CELLS | st.lists(st.lists(GOOD | ODD, max_size=4), min_size=1, max_size=5)
SCHEMAS = st.lists(
    st.sampled_from(["EMAIL", "PHONE", "LN", "FN", "EXTERN_ID"]), min_size=1, max_size=3, unique=True
)


def judged(payload: Any) -> tuple[Any, ...]:
    """Return what is made of an upload: its people and its refusals, or why it is refused as a whole."""
    try:
        found = Payload.of(payload).checked()
    except GraphError as error:
        return (error.envelope()["error"]["message"],)
    members = Members()
    members.add(found.schema, found.valid)
    return [*members.rows()], found.received, found.invalid, found.samples


@given(ROWS, SCHEMAS)
def test_rows_as_bytes_are_judged_like_rows_as_json(rows: list[list[Any]], schema: list[str]) -> None:
    """People, refusals, samples and the digest are the same, whatever the cells are."""
    body = orjson.dumps({"payload": {"schema": schema, "is_raw": True, "data": rows}, "session": {"batch_seq": 1}})
    fast = loads(body)
    assert judged(fast["payload"]) == judged(orjson.loads(body)["payload"])
    data = fast["payload"]["data"]
    if isinstance(data, HashedRows):
        assert [*data] == rows
        assert (len(data), data.digest) == (len(rows), digest_of_rows(rows))
        assert all(cell == "" or len(cell) == 64 for row in rows for cell in row)
    else:
        assert data == rows


def test_rows_of_hashes_are_read_as_bytes() -> None:
    """A body as a connector writes it is, also with cells that are empty."""
    for rows in ([[SHA]], [[SHA, ""], ["", OTHER], [SHA, OTHER]], [["", SHA, OTHER]] * 3):
        body = orjson.dumps({"payload": {"schema": ["EMAIL", "PHONE", "FN"][: len(rows[0])], "data": rows}})
        assert isinstance(loads(body)["payload"]["data"], HashedRows)


@pytest.mark.parametrize(
    "body",
    [
        b'{"payload":{"schema":["EMAIL"],"data":[["%b"]],"data":null}}',
        b'{"payload":{"schema":["EMAIL"],"data":null},"other":{"data":[["%b"]]}}',
        b'{"data":[["%b"]],"payload":{"schema":["EMAIL"]}}',
        b'{"payload":"[]","text":"\\"data\\":[[","data":[["%b"]]}',
        b'{"payload":{"schema":["EMAIL"],"data":[["%b"],["%b"]],"x":[[1]]}}',
        b'[{"data":[["%b"]]}]',
    ],
)
def test_a_body_that_means_something_else_is_read_as_json(body: bytes) -> None:
    """Only the one `data` of the payload is taken for the rows."""
    text = body.replace(b"%b", SHA.encode())
    assert loads(text) == json.loads(text)


def test_a_body_that_is_no_json_is_none() -> None:
    """It is refused like any other."""
    for body in (b'{"payload":{"data":[["', b'{"payload":{"data":[["' + SHA.encode() + b'"]]', b""):
        with pytest.raises(orjson.JSONDecodeError):
            loads(body)
