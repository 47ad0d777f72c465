"""What every publisher must keep to, whatever its platform."""

from __future__ import annotations

import contextlib
import inspect
import json
from collections.abc import Callable, Sequence
from dataclasses import FrozenInstanceError, replace

import pytest
from activation.errors import ConfigError, Rejected, Retryable
from activation.identifiers.table import Digest
from activation.platforms.discovery import platforms
from activation.platforms.outcome import Outcome, OutcomeKind
from activation.platforms.platform import Platform
from activation.platforms.publisher import Publisher
from activation.platforms.request import Answer, Request
from activation.platforms.upload import Batch, Upload
from hypothesis import given
from hypothesis import strategies as st

from tests.platforms.conformance import (
    audience,
    batch,
    encoded,
    in_chunks,
    keys_of,
    requests_of,
    sent_actions,
    uploads_of,
    with_gaps,
)

every_platform = pytest.mark.parametrize("platform", platforms().values(), ids=platforms())
MakeBatch = Callable[[Platform, int], Batch]
any_batch = pytest.mark.parametrize("make", [batch, with_gaps])

Cells = set[tuple[int, str, str]]  # source row, wire key, value


def cells_of(one: Batch) -> Cells:
    """Return the cells of a batch."""
    rows = one.rows.to_pylist()
    return {
        (row, key, cell)
        for key, cells in one.columns.to_pydict().items()
        for row, cell in zip(rows, cells, strict=True)
        if cell is not None
    }


def carried(uploads: Sequence[Upload]) -> Cells:
    """Return the cells that uploads carry, each for every source row of its line."""
    return {
        (row, key, cell)
        for one in uploads
        for key, cells in one.columns.to_pydict().items()
        for line, cell in enumerate(cells)
        if cell is not None
        for row in one.rows_of(line)
    }


def spelt_out(uploads: Sequence[Upload]) -> list[tuple[object, ...]]:
    """Return uploads as values, however their columns are chunked."""
    return [(one.identity, one.after, one.columns.to_pydict(), one.rows.to_pylist()) for one in uploads]


def per_call(name: str) -> list[Request]:
    """Return one request for each of a platform's calls, and one for a call that its publisher does not know."""
    of_call = {request.call: request for request in requests_of(name)}
    return [Request("", "POST", "https://example.com"), *of_call.values()]


@every_platform
def test_signatures(platform: Platform) -> None:
    """Every method has the protocol's parameters, by name and in order; mypy sees to what they return."""
    made = type(platform.rehearsal())
    for name, wanted in inspect.getmembers(Publisher, inspect.isfunction):
        if not name.startswith("_"):
            has = inspect.signature(getattr(made, name))
            assert list(has.parameters.values()) == list(inspect.signature(wanted).parameters.values()), name


@every_platform
def test_a_publisher_is_its_account(platform: Platform) -> None:
    """Two publishers of one ad account are equal, and none can be given another."""
    one = platform.rehearsal()
    assert one == platform.publisher(one.account)
    other = replace(one.account, account_id="1")
    assert platform.publisher(other).account == other
    with pytest.raises((FrozenInstanceError, AttributeError)):
        one.account = other  # type: ignore[misc]  # that it is an error is what is tested


@every_platform
@any_batch
def test_uploads_carry_every_row_and_every_cell(platform: Platform, make: MakeBatch) -> None:
    """No row of a batch is left behind, no cell of it either, and none comes with a row that does not have it."""
    one = make(platform, 24)
    uploads = platform.rehearsal().uploads(one)
    assert {row for upload in uploads for row in upload.source_rows.to_pylist()} == set(one.rows.to_pylist())
    assert carried(uploads) == cells_of(one)


@every_platform
@any_batch
def test_uploads_have_names_of_their_own(platform: Platform, make: MakeBatch) -> None:
    """Keys are unique in a batch and no slash is in them: the ledger and the rejects go by them."""
    one = make(platform, 24)
    uploads = platform.rehearsal().uploads(one)
    keys = [upload.key for upload in uploads]
    assert len(keys) == len(set(keys))
    assert all(key and "/" not in key for key in keys)
    for upload in uploads:
        assert (upload.run_id, upload.first_row, upload.last_row) == (one.run_id, one.first_row, one.last_row)
        assert (upload.part, upload.round, upload.earlier) == ("", 0, ())
        assert upload.lines > 0


@every_platform
@any_batch
def test_what_an_upload_depends_on_comes_before_it(platform: Platform, make: MakeBatch) -> None:
    """The upload that another one is `after` is of the same batch, and is sent first."""
    before: list[str] = [""]
    for upload in platform.rehearsal().uploads(make(platform, 24)):
        assert upload.after in before
        before.append(upload.key)


@every_platform
@any_batch
def test_uploads_are_deterministic(platform: Platform, make: MakeBatch) -> None:
    """The same batch gives the same uploads, in one piece or in chunks: a redelivery finds what it did before."""
    publisher = platform.rehearsal()
    once = spelt_out(publisher.uploads(make(platform, 40)))
    assert spelt_out(publisher.uploads(make(platform, 40))) == once
    assert spelt_out(publisher.uploads(in_chunks(make(platform, 40)))) == once


@every_platform
def test_columns_that_may_not_be_blank_are_not(platform: Platform) -> None:
    """Where a platform refuses a blank cell among filled ones, an upload's lines fill the column or none does."""
    extra = {one.key for one in platform.table.fields if not one.blank_with_others}
    one = with_gaps(platform, 12)
    assert all(one.columns.column(key).null_count for key in extra & set(keys_of(one)))
    for upload in platform.rehearsal().uploads(one):
        for key in extra & set(upload.columns.schema.names):
            assert upload.cells[key] in (0, upload.lines)


@every_platform
def test_encode_is_deterministic(platform: Platform) -> None:
    """The same batch gives the same requests, byte for byte, in chunks as well: a retry is the same call."""
    publisher = platform.rehearsal()
    once = encoded(publisher, batch(platform, 50))
    for again in (encoded(publisher, batch(platform, 50)), encoded(publisher, in_chunks(batch(platform, 50)))):
        assert again == once
        assert [request.content for request in again] == [request.content for request in once]


@every_platform
def test_a_body_has_the_size_it_says(platform: Platform) -> None:
    """A streamed body is as long as announced, and the same each time it is read."""
    for request in requests_of(platform.name):
        assert request.size_bytes == len(request.content)
        assert request.content == request.content


@every_platform
@any_batch
def test_encode_leaves_its_arguments_alone(platform: Platform, make: MakeBatch) -> None:
    """Building requests changes neither the batch nor the audience."""
    one, publisher, to = make(platform, 5), platform.rehearsal(), audience()
    opened = publisher.planned(keys_of(one))

    def state() -> list[object]:
        return [one.columns.to_pydict(), one.rows.to_pylist(), repr(to), repr(opened)]

    before = state()
    for upload in uploads_of(publisher, one):
        publisher.encode(upload, to, opened)
        publisher.arrived(upload, to, opened)
    assert state() == before


@every_platform
@any_batch
def test_every_member_is_in_a_body(platform: Platform, make: MakeBatch) -> None:
    """No cell of a batch is lost on its way into the requests, whatever the drop does."""
    one = make(platform, 20)
    for action in sent_actions(platform):
        bodies = b"".join(request.content for request in encoded(platform.rehearsal(), one, action)).decode()
        assert all(cell in bodies for _, _, cell in cells_of(one))


@every_platform
def test_halves_carry_what_the_whole_does(platform: Platform) -> None:
    """An upload that is too large is sent in halves: requests of their own, which between them have each line."""
    publisher, one = platform.rehearsal(), batch(platform, 9)
    opened = publisher.planned(keys_of(one))
    for upload in uploads_of(publisher, one):
        whole = publisher.encode(upload, audience(), opened)
        halves = [publisher.encode(half, audience(), opened) for half in upload.halves()]
        assert whole.rows == upload.lines == sum(half.rows for half in halves)
        assert len({whole.content, *(half.content for half in halves)}) == 3
        bodies = b"".join(half.content for half in halves).decode()
        assert all(cell in bodies for _, _, cell in carried([upload]))


@every_platform
def test_members_are_in_bodies_only(platform: Platform) -> None:
    """A member is never in a URL or a header, where logs would keep it, nor in a repr."""
    cells = {cell for _, _, cell in cells_of(batch(platform, 3))}  # those of `requests_of`
    for request in requests_of(platform.name):
        seen = request.url + json.dumps(dict(request.headers)) + request.context + repr(request)
        assert not any(cell in seen for cell in cells)
        assert (request.rows > 0) == any(cell in request.content.decode() for cell in cells)


@every_platform
def test_requests_can_be_sent(platform: Platform) -> None:
    """Every request goes to the platform by https, in ASCII, with headers a server takes."""
    for request in requests_of(platform.name):
        assert request.url.startswith(f"{platform.account.endpoint}/")
        assert request.url.startswith("https://")
        assert request.url.isascii()
        assert " " not in request.url
        assert request.method in {"GET", "POST", "PUT", "PATCH", "DELETE"}
        assert ("Content-Type" in request.headers) == bool(request.content)
        assert all(value.isascii() and value.isprintable() for value in request.headers.values())


@every_platform
def test_full_batches_are_within_the_byte_limit(platform: Platform) -> None:
    """The usual file of one identifier fills a request with as many rows as it is given, and none too many."""
    # Where a platform's own limits say how many rows fit, a smaller request says it as well as a large one.
    limits = platform.limits.narrowed(max_bytes=1_000_000 if platform.limits.cell_bytes else 0)
    field = next(one for one in platform.table.fields if one.digest is not Digest.PLAIN)
    full = batch(platform, limits.rows_of([field]), fields=[field])
    for request in encoded(platform.rehearsal(), full):
        assert request.size_bytes <= limits.max_bytes


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


@every_platform
@given(data=st.data(), status=st.integers(-1, 999), headers=HEADERS, body=BODIES)
def test_classify_takes_anything(
    platform: Platform, data: st.DataObject, status: int, headers: dict[str, str], body: bytes
) -> None:
    """No status, header or body raises, and each outcome is one the core can act on."""
    publisher = platform.rehearsal()
    request = data.draw(st.sampled_from(per_call(platform.name)))
    outcome = publisher.classify(request, Answer(status, headers, body))
    assert isinstance(outcome, Outcome)
    assert outcome == publisher.classify(request, Answer(status, headers, body))
    assert 0 <= outcome.after_s <= 86_400
    assert outcome.refused_count >= len(outcome.refused)
    assert outcome.kind in (OutcomeKind.OK, OutcomeKind.PARTIAL) or (outcome.code and outcome.reason)
    assert request.rows == 0 or outcome.refused_count <= request.rows
    assert all(0 <= line < request.rows for line in outcome.refused)
    # What must not be done twice is not repeated after an answer that leaves open whether it was done.
    vague = outcome.code in ("transient", "unreadable_answer")
    assert request.repeatable or not (vague and outcome.retryable)


@every_platform
def test_a_lost_answer_is_unknown(platform: Platform) -> None:
    """After no answer at all nobody knows what was done, whatever was asked."""
    for request in requests_of(platform.name):
        outcome = platform.rehearsal().classify(request, Answer(0, {}, b""))
        assert outcome.kind is OutcomeKind.UNKNOWN
        assert outcome.code


@every_platform
@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"[" * 100_000, b'{"error":' * 50_000, b"1" * 5000, b"null"])
def test_classify_survives_hostile_bodies(platform: Platform, body: bytes) -> None:
    """Broken encodings, endless nesting and endless numbers are unreadable answers like any other."""
    for request in per_call(platform.name):
        outcome = platform.rehearsal().classify(request, Answer(200, {"x-app-usage": "[" * 100_000}, body))
        assert outcome.kind in (OutcomeKind.RETRY, OutcomeKind.UNKNOWN)


@every_platform
@given(status=st.integers(200, 599), body=LIKELY)
def test_conversations_end(platform: Platform, status: int, body: object) -> None:
    """Whatever a platform keeps answering, a conversation comes to an end, by itself or by one of three errors."""
    publisher, to = platform.rehearsal(), audience()
    keys = keys_of(batch(platform, 1))
    opened = publisher.planned(keys)
    said = Answer(status, {}, json.dumps(body).encode())
    for conversation in (
        publisher.open(to, keys),
        publisher.reopen(to, opened, keys),
        publisher.close(to, opened, ["handle"]),
        publisher.follow(to, opened, ["handle"]),
    ):
        with contextlib.suppress(StopIteration, Retryable, Rejected, ConfigError):
            request = next(conversation)
            for _ in range(1000):
                request = conversation.send(publisher.classify(request, said))
            pytest.fail("the conversation goes on for ever")
