"""What every publisher must keep to, whatever its platform."""

from __future__ import annotations

import contextlib
import inspect
import json
from collections.abc import Mapping
from dataclasses import FrozenInstanceError
from pathlib import Path

import pyarrow as pa
import pytest
from activation.errors import ConfigError, Rejected, Retryable
from activation.identifiers.table import Digest, FieldTable
from activation.limits import Limits
from activation.model import Action, Audience
from activation.publisher import Answer, Batch, Kind, Opened, Outcome, Publisher, Request
from hypothesis import given
from hypothesis import strategies as st

from lambdas.meta.publisher import MetaPublisher
from lambdas.tiktok.publisher import TikTokPublisher

TOKEN = "tOkEn-0123456789"
ACCOUNT = "1234567890"

META = MetaPublisher.from_secret({"access_token": TOKEN, "ad_account_id": ACCOUNT, "app_secret": "sEcReT-987"})
TIKTOK = TikTokPublisher.from_secret({"ACCESS_TOKEN": TOKEN, "ADVERTISER_ID": ACCOUNT})
PUBLISHERS: Mapping[str, Publisher] = {"meta": META, "tiktok": TIKTOK}
CALLS = {
    "meta": ("", "find", "create", "users", "arrived"),
    "tiktok": ("", "upload", "list", "create", "update", "get"),
}

every_publisher = pytest.mark.parametrize("publisher", PUBLISHERS.values(), ids=PUBLISHERS)


def batch(publisher: Publisher, count: int, *, first_row: int = 1) -> Batch:
    """Give a batch that fills every field of the platform that has a digest, with digests of its length."""
    width = {Digest.SHA256_HEX: 64, Digest.MD5_HEX: 32}
    keys = [one for one in publisher.table.fields if one.digest in width][:4]
    columns = [
        pa.array([f"{row * 7 + place:0{width[one.digest]}x}" for row in range(count)])
        for place, one in enumerate(keys)
    ]
    names = [one.key for one in keys]
    rows = pa.array(range(first_row, first_row + count))
    return Batch("run-1", first_row, first_row + count - 1, 0, pa.record_batch(columns, names=names), rows)


def audience(action: Action = Action.ADD) -> Audience:
    """Give an audience whose name needs care on the wire."""
    return Audience("connector", 'Été & "VIP" 100% +1/2', action)


def opened(publisher: Publisher) -> Opened:
    """Give an audience that is open for the batches of this module."""
    state = {"calculate_type": "MULTIPLE_TYPES"} if publisher.platform == "tiktok" else {}
    return Opened("987654321", state=state)


def first_requests(publisher: Publisher) -> list[Request]:
    """Give the requests to be had without an answer: uploads, questions, what conversations begin with."""
    one, to, of = batch(publisher, 3), audience(), opened(publisher)
    requests = [publisher.encode(one, audience(action), of) for action in sorted(publisher.limits.actions)]
    requests += [question for question in [publisher.arrived(one, to, of)] if question is not None]
    begun = (
        next(publisher.open(to, ("EMAIL_SHA256",)), None),
        next(publisher.close(to, of, ["handle"]), None),
        next(publisher.follow(to, of), None),
    )
    return requests + [request for request in begun if request is not None]


def test_every_platform_folder_is_tested_here() -> None:
    """A new publisher cannot be forgotten."""
    folders = {path.parent.name for path in Path("lambdas").glob("*/publisher.py")}
    assert folders == set(PUBLISHERS)


@every_publisher
def test_signatures(publisher: Publisher) -> None:
    """Every method has the protocol's parameters, by name and in order."""
    for name, wanted in inspect.getmembers(Publisher, inspect.isfunction):
        if name.startswith("_"):
            continue
        has = inspect.signature(getattr(type(publisher), name))
        assert list(has.parameters.values()) == list(inspect.signature(wanted).parameters.values()), name
        assert has.return_annotation == inspect.signature(wanted).return_annotation, name


@every_publisher
def test_properties(publisher: Publisher) -> None:
    """What a publisher says of itself has the right types, and cannot be changed."""
    assert PUBLISHERS[publisher.platform] is publisher
    assert publisher.account == ACCOUNT
    assert isinstance(publisher.table, FieldTable)
    assert publisher.table.platform == publisher.platform
    assert isinstance(publisher.limits, Limits)
    assert Action.ADD in publisher.limits.actions
    assert min(publisher.limits.max_rows, publisher.limits.max_bytes, publisher.limits.in_flight) > 0
    assert 0 < publisher.limits.timeout_s <= 240  # a function's five minutes must have room for the last call
    with pytest.raises((FrozenInstanceError, AttributeError)):
        publisher.account = "other"  # type: ignore[misc]  # that it is an error is what is tested


@every_publisher
def test_encode_is_deterministic(publisher: Publisher) -> None:
    """The same batch gives the same request, byte for byte: a retry is the same call."""
    one = publisher.encode(batch(publisher, 50), audience(), opened(publisher))
    again = publisher.encode(batch(publisher, 50), audience(), opened(publisher))
    assert one == again
    other = publisher.encode(batch(publisher, 50, first_row=2), audience(), opened(publisher))
    assert one.rows == other.rows == 50


@every_publisher
def test_encode_leaves_its_arguments_alone(publisher: Publisher) -> None:
    """Building a request changes neither the batch nor the audience."""
    given_batch, to, of = batch(publisher, 5), audience(), opened(publisher)
    before = given_batch.columns.to_pydict(), given_batch.rows.to_pylist(), repr(to), repr(of)
    publisher.encode(given_batch, to, of)
    assert (given_batch.columns.to_pydict(), given_batch.rows.to_pylist(), repr(to), repr(of)) == before


@every_publisher
def test_every_member_is_in_the_body(publisher: Publisher) -> None:
    """No cell of a batch is lost on its way into the request."""
    one = batch(publisher, 20)
    body = publisher.encode(one, audience(), opened(publisher)).content.decode()
    for column in one.columns.columns:
        assert all(cell in body for cell in column.to_pylist())


@every_publisher
def test_members_are_in_bodies_only(publisher: Publisher) -> None:
    """A member is never in a URL or a header, where logs would keep it, nor in a repr."""
    one = batch(publisher, 3)
    cells = {cell for column in one.columns.columns for cell in column.to_pylist()}
    for action in publisher.limits.actions:
        request = publisher.encode(one, audience(action), opened(publisher))
        seen = request.url + json.dumps(dict(request.headers)) + repr(request)
        assert not any(cell in seen for cell in cells)


@every_publisher
def test_token_is_in_headers_only(publisher: Publisher) -> None:
    """Every request has a header with the token; no URL, body or repr has it or the app secret."""
    requests = first_requests(publisher)
    assert len(requests) >= 3
    for request in requests:
        assert any(TOKEN in value for value in request.headers.values())
        seen = request.url + request.content.decode() + repr(request) + repr(publisher) + str(publisher)
        assert TOKEN not in seen
        assert "sEcReT" not in seen


@every_publisher
def test_requests_can_be_sent(publisher: Publisher) -> None:
    """Every request goes to the platform by https, in ASCII, with headers a server takes."""
    for request in first_requests(publisher):
        assert request.url.startswith("https://")
        assert request.url.isascii()
        assert " " not in request.url
        assert request.method in {"GET", "POST", "DELETE"}
        assert ("Content-Type" in request.headers) == bool(request.content)
        assert all(value.isascii() and value.isprintable() for value in request.headers.values())
        assert request.call in CALLS[publisher.platform]


@every_publisher
def test_groups_part_the_rows(publisher: Publisher) -> None:
    """Every row is in exactly one group, and no group is empty."""
    columns = batch(publisher, 9).columns
    extras = [one.key for one in publisher.table.fields if not one.blank_with_others]
    for key in extras:
        values = pa.array(["x" if row % 3 else None for row in range(9)], pa.string())
        columns = pa.record_batch([*columns.columns, values], names=[*columns.schema.names, key])
    masks = [mask.to_pylist() for mask in publisher.groups(columns)]
    assert [sum(row) for row in zip(*masks, strict=True)] == [1] * 9
    assert all(any(mask) for mask in masks)
    assert len(masks) == (2 if extras else 1)


@every_publisher
def test_full_batches_are_within_the_byte_limit(publisher: Publisher) -> None:
    """The usual file of one identifier fills a request with as many rows as it is given, and none too many."""
    limits = publisher.limits.narrowed(max_bytes=1_000_000)
    field = next(one for one in publisher.table.fields if one.digest is Digest.SHA256_HEX)
    full = batch(publisher, limits.rows_of([field]))
    first = full.whole.select([field.key])
    one = Batch(full.run_id, full.first_row, full.last_row, full.group, first, full.rows)
    of = Opened("1", state={"calculate_type": field.key})
    assert publisher.encode(one, audience(), of).size_bytes <= limits.max_bytes


@every_publisher
def test_chunks_are_no_matter(publisher: Publisher) -> None:
    """Columns in several chunks, as a file is read, give the request that they give in one piece."""
    whole = batch(publisher, 30)
    parts = [whole.whole.slice(0, 7), whole.whole.slice(7, 0), whole.whole.slice(7)]
    pieces = Batch(whole.run_id, 1, 30, 0, pa.Table.from_batches(parts), whole.rows)
    of = opened(publisher)
    assert publisher.encode(pieces, audience(), of).content == publisher.encode(whole, audience(), of).content


@every_publisher
@pytest.mark.parametrize("junk", [{}, {"access_token": TOKEN}, {"ACCESS_TOKEN": {}, "ADVERTISER_ID": TOKEN}])
def test_bad_secret_names_keys_only(publisher: Publisher, junk: dict[str, object]) -> None:
    """A secret that cannot be used is a ConfigError that names a key and shows no value."""
    make = type(publisher).from_secret  # type: ignore[attr-defined]  # not of the protocol: handlers know the class
    with pytest.raises(ConfigError) as caught:
        make(junk)
    assert TOKEN not in str(caught.value)


UPLOADS = {name: one.encode(batch(one, 3), audience(), opened(one)) for name, one in PUBLISHERS.items()}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
# Bodies that get past the envelope: the keys platforms use, with anything in them.
KEYS = [
    *("error", "code", "error_subcode", "is_transient", "message", "data", "list", "page_info", "total_page"),
    *("paging", "cursors", "next", "after", "id", "name", "num_received", "num_invalid_entries"),
    *("invalid_entry_samples", "session_id", "file_path", "custom_audience_id", "request_id"),
    *("audience_details", "audience_history", "is_valid", "cover_num"),
]
LIKELY = st.recursive(
    JSON | st.sampled_from([0, 1, 100, 190, 40002, 20001, -1, "0", "17", 1e308, 10**30]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=15,
)
BODIES = (
    st.binary(max_size=200)
    | JSON.map(lambda one: json.dumps(one).encode())
    | LIKELY.map(lambda one: json.dumps(one).encode())
)
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "x-app-usage",
            "x-ad-account-usage",
            "x-business-use-case-usage",
            "x-ad-api-version-warning",
            "retry-after",
        ]
    )
    | st.text(max_size=10),
    st.text(max_size=30) | JSON.map(json.dumps),
    max_size=4,
)


@every_publisher
@given(data=st.data(), status=st.integers(-1, 999), headers=HEADERS, body=BODIES)
def test_classify_takes_anything(
    publisher: Publisher, data: st.DataObject, status: int, headers: dict[str, str], body: bytes
) -> None:
    """No status, header or body raises, and each outcome is one the core can act on."""
    call = data.draw(st.sampled_from(CALLS[publisher.platform]))
    rows = 3 if call in ("users", "upload") else 0
    sent = UPLOADS[publisher.platform].body
    request = Request(call, "POST", "https://example.com", {}, sent, rows, repeatable=call != "create")
    outcome = publisher.classify(request, Answer(status, headers, body))
    assert isinstance(outcome, Outcome)
    assert outcome == publisher.classify(request, Answer(status, headers, body))
    assert 0 <= outcome.after_s <= 86_400
    assert outcome.refused_count >= len(outcome.refused)
    assert outcome.kind in (Kind.OK, Kind.PARTIAL) or (outcome.code and outcome.reason)
    assert rows == 0 or outcome.refused_count <= rows
    assert not (call == "create" and outcome.code in ("transient", "unreadable_answer") and outcome.retryable)


@every_publisher
@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"[" * 100_000, b'{"error":' * 50_000, b"1" * 5000, b"null"])
def test_classify_survives_hostile_bodies(publisher: Publisher, body: bytes) -> None:
    """Broken encodings, endless nesting and endless numbers are unreadable answers like any other."""
    for call in CALLS[publisher.platform]:
        outcome = publisher.classify(Request(call, "POST", ""), Answer(200, {"x-app-usage": "[" * 100_000}, body))
        assert outcome.kind in (Kind.RETRY, Kind.UNKNOWN)


@every_publisher
@given(status=st.integers(200, 599), body=LIKELY)
def test_conversations_end(publisher: Publisher, status: int, body: object) -> None:
    """Whatever a platform keeps answering, a conversation comes to an end, by itself or by one of three errors."""
    said = Answer(status, {}, json.dumps(body).encode())
    for conversation in (
        publisher.open(audience(), ("EMAIL_SHA256",)),
        publisher.close(audience(), opened(publisher), ["handle"]),
        publisher.follow(audience(), opened(publisher)),
    ):
        with contextlib.suppress(StopIteration, Retryable, Rejected, ConfigError):
            request = next(conversation)
            for _ in range(1000):
                request = conversation.send(publisher.classify(request, said))
            pytest.fail("the conversation goes on for ever")
