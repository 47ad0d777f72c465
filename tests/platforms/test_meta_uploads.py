"""What Meta's publisher puts on the wire."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest
from activation.model import Action, Audience
from activation.platforms.upload import Batch

from lambdas.meta.platform import LIMITS, PLATFORM
from lambdas.meta.publisher import session_id
from tests.platforms.conversation import sent
from tests.platforms.meta_publisher import AUDIENCE, OPENED, batch, digest, publisher, upload


def test_rows_as_lists_in_schema_order() -> None:
    """Rows are arrays under a list schema, a null cell is an empty text, one key is a list too."""
    one = publisher()
    columns: dict[str, list[str | None]] = {"EMAIL": [digest("a"), None], "FN": [None, digest("b")]}
    assert sent(one.encode(upload(columns), AUDIENCE, OPENED))["payload"] == {
        "schema": ["EMAIL", "FN"],
        "is_raw": True,
        "data": [[digest("a"), ""], ["", digest("b")]],
    }
    single = one.encode(upload({"EMAIL": [digest("a")]}), AUDIENCE, OPENED)
    assert sent(single)["payload"]["schema"] == ["EMAIL"]
    assert sent(single)["payload"]["data"] == [[digest("a")]]


@pytest.mark.parametrize("text", ['"', "\\", "a\nb", "\x00", "\x1f", "\x7f", "é", "正", "😀", "\u2028", "</"])
def test_texts_survive(text: str) -> None:
    """Any text in a plain field arrives as it was, next to ones that need no escape."""
    one = publisher()
    values: list[str | None] = ["plain", text, f"x{text}{text}y", None, "last"]
    request = one.encode(upload({"EXTERN_ID": values}), AUDIENCE, OPENED)
    assert [row[0] for row in sent(request)["payload"]["data"]] == [v or "" for v in values]


def test_sliced_columns() -> None:
    """A batch cut out of a larger one carries its own rows only, escaped ones included."""
    one = publisher()
    whole = batch({"EXTERN_ID": ['a"', "b", 'c"', "d"], "EMAIL": [digest(c) for c in "abcd"]})
    cut = Batch("run", 2, 3, whole.columns.slice(1, 2), whole.rows.slice(1, 2))
    data = sent(one.encode(cut.upload(), AUDIENCE, OPENED))["payload"]["data"]
    assert data == [["b", digest("b")], ['c"', digest("c")]]


def test_dictionary_encoded_columns() -> None:
    """A column of few distinct values arrives like any other."""
    one = publisher()
    column = pa.array([digest("us"), None, digest("us")]).dictionary_encode()
    one_batch = Batch("run", 1, 3, pa.table({"COUNTRY": column}), pa.array([1, 2, 3]))
    data = sent(one.encode(one_batch.upload(), AUDIENCE, OPENED))["payload"]["data"]
    assert data == [[digest("us")], [""], [digest("us")]]


def test_column_without_a_value_is_left_out() -> None:
    """A column that nothing fills is in neither schema nor rows."""
    one = publisher()
    columns: dict[str, list[str | None]] = {"EMAIL": [digest("a")], "EXTERN_ID": [None]}
    assert sent(one.encode(upload(columns), AUDIENCE, OPENED))["payload"]["schema"] == ["EMAIL"]


def test_a_session_per_request() -> None:
    """An upload is a session of its own: the same on every retry, another for other rows or another half."""
    one = publisher()
    first, again = (upload({"EMAIL": [digest("a")]}) for _ in range(2))
    assert session_id(first) == session_id(again)
    others = [
        upload({"EMAIL": [digest("a")]}, first_row=2),
        upload({"EMAIL": [digest("a")]}, part="0"),
        replace(first, key="1"),
        first.without([])[0],
    ]
    assert len({session_id(first), *map(session_id, others)}) == 5
    assert 0 < session_id(first) < 2**63
    assert sent(one.encode(first, AUDIENCE, OPENED))["session"] == {
        "session_id": session_id(first),
        "batch_seq": 1,
        "last_batch_flag": True,
        "estimated_num_total": 1,
    }


def test_removal_carries_members_in_the_body() -> None:
    """No member is ever in a URL, where access logs would keep it."""
    request = publisher().encode(upload({"EMAIL": [digest("a")]}), Audience("meta", "x", Action.REMOVE), OPENED)
    assert request.method == "DELETE"
    assert request.url == "https://graph.facebook.com/v27.0/238491/users"
    assert sent(request)["payload"]["data"] == [[digest("a")]]


def test_external_ids_keep_to_themselves() -> None:
    """Rows with and without an external id never share a request, and no row is in two."""
    one = publisher()
    people: dict[str, list[str | None]] = {"EMAIL": [digest(c) for c in "abc"], "EXTERN_ID": ["1", None, "3"]}
    first, second = one.uploads(batch(people))
    assert (first.key, first.rows.to_pylist()) == ("0", [1, 3])
    assert (second.key, second.rows.to_pylist()) == ("1", [2])
    assert sent(one.encode(first, AUDIENCE, OPENED))["payload"]["data"] == [
        [digest("a"), "1"],
        [digest("c"), "3"],
    ]
    without = sent(one.encode(second, AUDIENCE, OPENED))["payload"]
    assert (without["schema"], without["data"]) == (["EMAIL"], [[digest("b")]])


@pytest.mark.parametrize("ids", [["1", "2"], [None, None], None])
def test_rows_alike_share_a_request(ids: list[str | None] | None) -> None:
    """Where all rows have an external id, or none, there is one upload of the whole batch."""
    people: dict[str, list[str | None]] = {"EMAIL": [digest("a"), digest("b")]}
    one = batch(people if ids is None else people | {"EXTERN_ID": ids})
    (only,) = publisher().uploads(one)
    assert only == one.upload()


def test_full_batch_is_within_the_limits() -> None:
    """Ten thousand rows of the usual seven hashes fit into one request."""
    hashes: list[str | None] = [digest(str(i)) for i in range(LIMITS.max_rows)]
    request = publisher().encode(
        upload(dict.fromkeys(("EMAIL", "PHONE", "FN", "LN", "CT"), hashes)), AUDIENCE, OPENED
    )
    assert request.rows == LIMITS.max_rows
    assert request.size_bytes <= LIMITS.max_bytes


def test_call_names() -> None:
    """A call is known by our word for it, or by its method and path."""
    assert PLATFORM.call_of("users") == "users"
    assert PLATFORM.call_of("POST /v27.0/1/users") == "users"
    assert PLATFORM.call_of("DELETE /1/users") == "users"
    assert PLATFORM.call_of("GET /v27.0/act_1/customaudiences?limit=20") == "find"
    assert PLATFORM.call_of("POST /act_1/customaudiences") == "create"
    assert PLATFORM.call_of("GET /v27.0/1/sessions?session_id=1") == "arrived"
    assert PLATFORM.call_of("nothing we know") == ""
