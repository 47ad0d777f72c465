"""Meta's publisher: how audiences are found, what is put on the wire, and what the answers mean."""

from __future__ import annotations

import hashlib
import hmac
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyarrow as pa
import pytest
from activation.errors import ConfigError, Rejected, Retryable
from activation.model import Action, Audience
from activation.platforms.account import AdAccount
from activation.platforms.outcome import Outcome, OutcomeKind
from activation.platforms.publisher import Opened, Publisher
from activation.platforms.request import Answer, Request
from activation.platforms.upload import Batch, Upload

from lambdas.meta import usage
from lambdas.meta.meanings import meaning
from lambdas.meta.platform import LIMITS, PLATFORM
from lambdas.meta.publisher import MetaPublisher, session_id
from tests.platforms.conversation import LOST, answer, hold, sent
from tests.platforms.signing import account_of, signer_of

AUDIENCE = Audience("meta", "VIP été 2026")
OPENED = Opened("238491")
SECRET = {"access_token": "tok-123", "ad_account_id": "act_55501"}


def account(**more: object) -> AdAccount:
    """Read the ad account of a good secret, some keys of it replaced."""
    return account_of(PLATFORM, {**SECRET, **more})


def publisher() -> Publisher:
    """Return the publisher of the account."""
    return PLATFORM.publisher(account())


def signed(request: Request, **more: object) -> Request:
    """Sign a request with a good secret, some keys of it replaced."""
    return signer_of(PLATFORM, {**SECRET, **more}).sign(request)


def digest(text: str) -> str:
    """Hash a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def batch(columns: dict[str, list[str | None]], *, first_row: int = 1) -> Batch:
    """Return a batch of text columns, its rows numbered from `first_row`."""
    table = pa.table({key: pa.array(values, pa.string()) for key, values in columns.items()})
    last_row = first_row + table.num_rows - 1
    return Batch("run", first_row, last_row, table, pa.array(range(first_row, last_row + 1)))


def upload(columns: dict[str, list[str | None]], *, first_row: int = 1, part: str = "") -> Upload:
    """Return the upload of all of a batch of text columns, or a part of it by name."""
    return replace(batch(columns, first_row=first_row).upload(), part=part)


def page(*audiences: tuple[str, str, str], after: str = "") -> Answer:
    """Return a page of audiences (id, name, subtype), with a next one behind the cursor `after`."""
    body: dict[str, object] = {"data": [{"id": i, "name": n, "subtype": s} for i, n, s in audiences]}
    if after:
        body["paging"] = {"cursors": {"after": after}, "next": "https://graph.example/?access_token=leak"}
    return answer(body)


def users(body: Mapping[str, object], request: Request | None = None, **headers: str) -> Outcome:
    """Classify an answer to an upload of two rows, or to `request`."""
    one = publisher()
    asked = request or one.encode(upload({"EMAIL": [digest("a"), digest("b")]}), AUDIENCE, OPENED)
    return one.classify(asked, answer(body, headers={k.replace("_", "-"): v for k, v in headers.items()}))


class TestSecret:
    """What the secret says, and what is wrong with it by name."""

    def test_missing_account_is_named(self) -> None:
        """A secret without the ad account stops with the key's name and no value."""
        with pytest.raises(ConfigError, match="ad_account_id") as caught:
            account_of(PLATFORM, {"access_token": "tok-123"})
        assert "tok-123" not in str(caught.value)

    def test_missing_token_is_named(self) -> None:
        """A secret without the token stops with the key's name and no value."""
        with pytest.raises(ConfigError, match="access_token") as caught:
            signer_of(PLATFORM, {"ad_account_id": "55501", "app_secret": "sec-9"})
        assert "sec-9" not in str(caught.value)

    @pytest.mark.parametrize("given", ["act_55501", "55501", 55501, " 55501\n"])
    def test_account_with_or_without_prefix(self, given: object) -> None:
        """An ad account's id is taken with or without act_, as text or number."""
        assert account(ad_account_id=given).account_id == "55501"

    @pytest.mark.parametrize(
        "wrong",
        [
            {"ad_account_id": "act_x"},
            {"ad_account_id": "act_"},
            {"endpoint": "http://graph.facebook.com"},
            {"endpoint": "https://user:pw@graph.facebook.com"},
            {"endpoint": "ftp://localhost"},
            {"endpoint": "https://[bad"},
        ],
    )
    def test_unusable_account_is_refused(self, wrong: dict[str, object]) -> None:
        """A value that could not be used as it is stops before anything is sent."""
        with pytest.raises(ConfigError, match=next(iter(wrong))):
            account(**wrong)

    @pytest.mark.parametrize("token", ["two\nlines", ["list"], "", None])
    def test_unusable_token_is_refused(self, token: object) -> None:
        """A token that no header can carry stops before anything is sent."""
        with pytest.raises(ConfigError, match="access_token"):
            signed(Request("find", "GET", "https://graph.facebook.com/"), access_token=token)

    def test_token_is_in_the_header_alone(self) -> None:
        """Neither the URL nor the body nor a repr carries the token or the app secret."""
        one = publisher()
        request = signed(one.encode(upload({"EMAIL": [digest("a")]}), AUDIENCE, OPENED), app_secret="sec-9")
        assert request.headers["Authorization"] == "Bearer tok-123"
        for text in (request.url, request.body.decode(), repr(request), repr(one)):
            assert "tok-123" not in text
            assert "sec-9" not in text

    def test_proof_signs_every_call(self) -> None:
        """With an app secret each call carries the HMAC of the token under it, once, beside its own query."""
        one = publisher()
        proof = hmac.new(b"sec-9", b"tok-123", hashlib.sha256).hexdigest()
        members = one.encode(upload({"EMAIL": [digest("a")]}), AUDIENCE, OPENED)
        question = one.arrived(upload({"EMAIL": [digest("a")]}), AUDIENCE, OPENED)
        assert question is not None
        script = [page(), page(), answer({"id": "1"})]
        _, (find, every, create) = hold(one.open(AUDIENCE, ("EMAIL",)), one, script)
        for request in (find, every, create, members, question):
            asked = parse_qs(urlsplit(signed(request, app_secret="sec-9").url).query)
            assert asked == parse_qs(urlsplit(request.url).query) | {"appsecret_proof": [proof]}
            assert signed(request, app_secret="sec-9").body == request.body
            assert signed(request).url == request.url


class TestOpen:
    """Finding and creating."""

    def test_finds_by_exact_name_and_subtype(self) -> None:
        """Of what the filter lets through, only a customer file of exactly the name is taken."""
        one = publisher()
        listed = page(
            ("1", "VIP été 2026 ", "CUSTOM"),
            ("2", "VIP été 2026", "LOOKALIKE"),
            ("3", "vip été 2026", "CUSTOM"),
            ("40", "VIP été 2026", "CUSTOM"),
        )
        opened, (request,) = hold(one.open(AUDIENCE, ("EMAIL",)), one, [listed])
        assert opened == Opened("40")
        query = parse_qs(urlsplit(request.url).query)
        assert json.loads(query["filtering"][0]) == [
            {"field": "name", "operator": "EQUAL", "value": "VIP été 2026"}
        ]
        assert urlsplit(request.url).path == "/v27.0/act_55501/customaudiences"

    def test_reads_every_page_by_its_own_cursor(self) -> None:
        """The last page is read too, by the cursor, never by the link that carries the token."""
        one = publisher()
        pages = [
            page(("1", "other", "CUSTOM"), after="c1"),
            page(("2", "another", "CUSTOM"), after="c2"),
            page(("3", AUDIENCE.name, "CUSTOM")),
        ]
        opened, asked = hold(one.open(AUDIENCE, ("EMAIL",)), one, pages)
        assert opened.audience_id == "3"
        assert [parse_qs(urlsplit(r.url).query).get("after") for r in asked] == [None, ["c1"], ["c2"]]
        assert all(r.url.startswith("https://graph.facebook.com/") for r in asked)

    def test_a_name_that_looks_the_same_is_the_same(self) -> None:
        """Another Unicode form and spaces at the ends make no other audience, even if Meta's filter does."""
        one = publisher()
        alike = f" {unicodedata.normalize('NFD', AUDIENCE.name)} "
        script = [
            page(),
            page(("1", f"{AUDIENCE.name}s", "CUSTOM"), ("2", alike, "LOOKALIKE"), after="c1"),
            page(("30", alike, "CUSTOM")),
        ]
        opened, asked = hold(one.open(AUDIENCE, ("EMAIL",)), one, script)
        assert opened == Opened("30")
        assert ["filtering" in parse_qs(urlsplit(r.url).query) for r in asked] == [True, False, False]

    def test_cursor_that_does_not_move_ends_the_search(self) -> None:
        """A page that points at itself is read once more and no further."""
        one = publisher()
        stuck = page(("3", AUDIENCE.name, "CUSTOM"), after="same")
        opened, _ = hold(one.open(AUDIENCE, ("EMAIL",)), one, [stuck, stuck])
        assert opened.audience_id == "3"

    def test_smallest_id_of_duplicates_with_a_note(self) -> None:
        """Of two audiences of one name the older is taken and the receipt says so."""
        one = publisher()
        both = page(("100", AUDIENCE.name, "CUSTOM"), ("99", AUDIENCE.name, "CUSTOM"))
        opened, _ = hold(one.open(AUDIENCE, ("EMAIL",)), one, [both])
        assert opened.audience_id == "99"
        assert "duplicate_audiences" in opened.notes

    def test_creates_what_is_not_there(self) -> None:
        """An audience that no page has is created, once, with what Meta asks for."""
        one = publisher()
        big_id = "23849182047670582"
        script = [page(), page(), answer({"id": big_id})]
        opened, (_, _, create) = hold(one.open(AUDIENCE, ("EMAIL",)), one, script)
        assert opened == Opened(big_id, created=True)
        assert not create.repeatable
        assert sent(create)["name"] == AUDIENCE.name
        assert sent(create)["subtype"] == "CUSTOM"
        assert sent(create)["customer_file_source"] == "USER_PROVIDED_ONLY"

    @pytest.mark.parametrize(
        "lost",
        [
            LOST,
            answer("<html>502</html>", 502),
            answer({"error": {"code": 2, "is_transient": True}}, 500),
            answer({}, 200),
        ],
    )
    def test_lost_creation_is_looked_up_before_it_is_repeated(self, lost: Answer) -> None:
        """After an answer that leaves open whether it was created, what was created is found, not doubled."""
        one = publisher()
        script = [page(), page(), lost, page(("7", AUDIENCE.name, "CUSTOM"))]
        opened, asked = hold(one.open(AUDIENCE, ("EMAIL",)), one, script)
        assert opened.audience_id == "7"
        assert [r.call for r in asked] == ["find", "find", "create", "find"]

    def test_lost_creation_that_did_nothing_is_repeated(self) -> None:
        """When a lost creation shows nothing, it is made again, in words that give back what is only unseen."""
        one = publisher()
        script = [page(), page(), LOST, page(), answer({"id": "8"})]
        opened, (_, _, first, _, second) = hold(one.open(AUDIENCE, ("EMAIL",)), one, script)
        assert opened == Opened("8", created=True)
        assert "enable_fetch_or_create" not in sent(first)
        assert sent(second) == sent(first) | {"enable_fetch_or_create": True}

    @pytest.mark.parametrize("code", [1, 2, 5000, 21009])
    def test_creation_met_by_a_passing_fault_is_not_repeated_blindly(self, code: int) -> None:
        """An error that says "try again" may come after the creation: the account is looked through first."""
        one = publisher()
        refused = answer({"error": {"code": code}}, 400)
        script = [page(), page(), refused, page(("7", AUDIENCE.name, "CUSTOM"))]
        opened, asked = hold(one.open(AUDIENCE, ("EMAIL",)), one, script)
        assert opened.audience_id == "7"
        assert [r.call for r in asked] == ["find", "find", "create", "find"]

    def test_retired_version_is_noted(self) -> None:
        """Meta's warning that the pinned version is retired reaches the receipt, with the other notes."""
        one = publisher()
        warned = answer({"data": []}, 200, {"x-ad-api-version-warning": "upgraded"})
        opened, _ = hold(one.open(AUDIENCE, ("EMAIL",)), one, [warned, warned, answer({"id": "8"})])
        assert list(opened.notes) == ["version_upgraded"]

    def test_creation_lost_for_good_comes_back_later(self) -> None:
        """Creations are not repeated without end."""
        one = publisher()
        with pytest.raises(Retryable):
            hold(one.open(AUDIENCE, ("EMAIL",)), one, [page(), page(), LOST, page(), LOST, page()])

    def test_failed_look_up_creates_nothing(self) -> None:
        """A look-up without a good answer is not "not found"."""
        one = publisher()
        with pytest.raises(Retryable):
            hold(one.open(AUDIENCE, ("EMAIL",)), one, [answer({"error": {"code": 4}}, 403)])

    def test_removal_from_nothing_is_rejected(self) -> None:
        """To remove members from an audience that is not there, none is created."""
        one = publisher()
        audience = Audience("meta", AUDIENCE.name, Action.REMOVE)
        with pytest.raises(Rejected, match="audience_missing"):
            hold(one.open(audience, ("EMAIL",)), one, [page(), page()])


class TestEncode:
    """What is put on the wire."""

    def test_rows_as_lists_in_schema_order(self) -> None:
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
    def test_texts_survive(self, text: str) -> None:
        """Any text in a plain field arrives as it was, next to ones that need no escape."""
        one = publisher()
        values: list[str | None] = ["plain", text, f"x{text}{text}y", None, "last"]
        request = one.encode(upload({"EXTERN_ID": values}), AUDIENCE, OPENED)
        assert [row[0] for row in sent(request)["payload"]["data"]] == [v or "" for v in values]

    def test_sliced_columns(self) -> None:
        """A batch cut out of a larger one carries its own rows only, escaped ones included."""
        one = publisher()
        whole = batch({"EXTERN_ID": ['a"', "b", 'c"', "d"], "EMAIL": [digest(c) for c in "abcd"]})
        cut = Batch("run", 2, 3, whole.columns.slice(1, 2), whole.rows.slice(1, 2))
        data = sent(one.encode(cut.upload(), AUDIENCE, OPENED))["payload"]["data"]
        assert data == [["b", digest("b")], ['c"', digest("c")]]

    def test_dictionary_encoded_columns(self) -> None:
        """A column of few distinct values arrives like any other."""
        one = publisher()
        column = pa.array([digest("us"), None, digest("us")]).dictionary_encode()
        one_batch = Batch("run", 1, 3, pa.table({"COUNTRY": column}), pa.array([1, 2, 3]))
        data = sent(one.encode(one_batch.upload(), AUDIENCE, OPENED))["payload"]["data"]
        assert data == [[digest("us")], [""], [digest("us")]]

    def test_column_without_a_value_is_left_out(self) -> None:
        """A column that nothing fills is in neither schema nor rows."""
        one = publisher()
        columns: dict[str, list[str | None]] = {"EMAIL": [digest("a")], "EXTERN_ID": [None]}
        assert sent(one.encode(upload(columns), AUDIENCE, OPENED))["payload"]["schema"] == ["EMAIL"]

    def test_a_session_per_request(self) -> None:
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

    def test_removal_carries_members_in_the_body(self) -> None:
        """No member is ever in a URL, where access logs would keep it."""
        request = publisher().encode(
            upload({"EMAIL": [digest("a")]}), Audience("meta", "x", Action.REMOVE), OPENED
        )
        assert request.method == "DELETE"
        assert request.url == "https://graph.facebook.com/v27.0/238491/users"
        assert sent(request)["payload"]["data"] == [[digest("a")]]

    def test_external_ids_keep_to_themselves(self) -> None:
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
    def test_rows_alike_share_a_request(self, ids: list[str | None] | None) -> None:
        """Where all rows have an external id, or none, there is one upload of the whole batch."""
        people: dict[str, list[str | None]] = {"EMAIL": [digest("a"), digest("b")]}
        one = batch(people if ids is None else people | {"EXTERN_ID": ids})
        (only,) = publisher().uploads(one)
        assert only == one.upload()

    def test_full_batch_is_within_the_limits(self) -> None:
        """Ten thousand rows of the usual seven hashes fit into one request."""
        hashes: list[str | None] = [digest(str(i)) for i in range(LIMITS.max_rows)]
        request = publisher().encode(
            upload(dict.fromkeys(("EMAIL", "PHONE", "FN", "LN", "CT"), hashes)), AUDIENCE, OPENED
        )
        assert request.rows == LIMITS.max_rows
        assert len(request.body) <= LIMITS.max_bytes


class TestArrived:
    """After a lost answer the batch's own session tells whether it arrived."""

    def ask(self, body: object, status: int = 200) -> Outcome:
        """Classify an answer to the question."""
        one = publisher()
        question = one.arrived(upload({"EMAIL": [digest("a")]}), AUDIENCE, OPENED)
        assert question is not None
        assert question.method == "GET"
        return one.classify(question, answer(body, status))

    def session(self, **more: object) -> dict[str, object]:
        """Return the session of the batch that is asked for, as Meta shows it."""
        own = str(session_id(upload({"EMAIL": [digest("a")]})))
        return {"session_id": own, "num_received": "1", "num_invalid_entries": "0", **more}

    def test_session_that_received_rows(self) -> None:
        """A session with rows means that the batch is in."""
        outcome = self.ask({"data": [self.session()]})
        assert (outcome.kind, outcome.value) == (OutcomeKind.OK, True)

    def test_invalid_rows_are_not_forgotten(self) -> None:
        """What the lost answer would have said of invalid rows is read from the session."""
        outcome = self.ask({"data": [self.session(num_received="5", num_invalid_entries="2")]})
        assert (outcome.kind, outcome.refused_count, outcome.value) == (OutcomeKind.PARTIAL, 2, True)

    def test_rows_that_are_missing_are_refused(self) -> None:
        """A session that received fewer rows than the batch has did not get the others."""
        one, three = publisher(), upload({"EMAIL": [digest("a"), digest("b"), digest("c")]})
        question = one.arrived(three, AUDIENCE, OPENED)
        assert question is not None
        outcome = one.classify(
            question, answer({"data": [{"session_id": str(session_id(three)), "num_received": "1"}]})
        )
        assert (outcome.kind, outcome.refused_count, outcome.value) == (OutcomeKind.PARTIAL, 2, True)

    @pytest.mark.parametrize(
        ("body", "status", "value"),
        [
            ({"data": []}, 200, False),
            ({"data": [{"session_id": "1", "num_received": "9"}]}, 200, None),
            ({"error": {"code": 100}}, 400, None),
        ],
    )
    def test_no_session_and_no_telling(self, body: object, status: int, value: object) -> None:
        """No session means that it did not arrive; another's, or a refusal, means nothing."""
        assert self.ask(body, status).value is value

    def test_empty_session(self) -> None:
        """A session that was opened and received nothing did not take the batch."""
        assert self.ask({"data": [self.session(num_received="0")]}).value is False


class TestUploadAnswers:
    """What the answer to an upload means."""

    def test_all_taken(self) -> None:
        """Every row received and none invalid is ok."""
        assert (
            users({"num_received": 2, "num_invalid_entries": 0, "invalid_entry_samples": {}}).kind
            is OutcomeKind.OK
        )

    def test_invalid_rows_are_named_by_their_place(self) -> None:
        """Rows that Meta quotes back are found again in the request, and the quote goes no further."""
        cells = [digest("a"), digest("b"), digest("c")]
        request = publisher().encode(upload({"EMAIL": list(cells), "FN": ["", 'x"', ""]}), AUDIENCE, OPENED)
        samples = {json.dumps([cells[1], 'x"']): "some reason"}
        body = {"num_received": 3, "num_invalid_entries": 1, "invalid_entry_samples": samples}
        outcome = users(body, request)
        assert outcome.kind is OutcomeKind.PARTIAL
        assert outcome.refused == {1: "invalid_entry"}
        assert outcome.refused_count == 1
        assert cells[1] not in repr(outcome)

    @pytest.mark.parametrize("samples", [[], ["not json"], {"[1": "x"}, {"{}": "x"}, [None], "text", None])
    def test_unnamed_invalid_rows_are_counted(self, samples: object) -> None:
        """Where Meta does not say which rows, it still says how many."""
        body = {"num_received": 2, "num_invalid_entries": 1, "invalid_entry_samples": samples}
        outcome = users(body)
        assert (outcome.kind, outcome.refused, outcome.refused_count) == (OutcomeKind.PARTIAL, {}, 1)

    def test_never_more_refused_than_sent(self) -> None:
        """The count is no exact number at Meta; the receipt's sums must still add up."""
        assert users({"num_received": 2, "num_invalid_entries": 900}).refused_count == 2

    def test_fewer_received_than_sent(self) -> None:
        """Rows Meta did not count are not reported as taken."""
        outcome = users({"num_received": 1, "num_invalid_entries": 0})
        assert (outcome.kind, outcome.refused_count) == (OutcomeKind.PARTIAL, 1)

    @pytest.mark.parametrize("body", [{"num_received": 0, "num_invalid_entries": 0}, {"success": True}])
    def test_nothing_counted_is_not_ok(self, body: dict[str, object]) -> None:
        """An answer that counts no row leaves open whether the batch is in."""
        assert users(body).kind is OutcomeKind.UNKNOWN

    @pytest.mark.parametrize(
        ("status", "kind"), [(200, "unknown"), (502, "unknown"), (400, "retry"), (413, "too_large")]
    )
    def test_page_of_something_else(self, status: int, kind: str) -> None:
        """HTML is not Meta: after a gateway's 5xx or a 200 the upload may have happened."""
        one = publisher()
        request = one.encode(upload({"EMAIL": [digest("a"), digest("b")]}), AUDIENCE, OPENED)
        assert one.classify(request, answer("<html>", status)).kind == kind

    @pytest.mark.parametrize(
        ("error", "status", "kind", "code"),
        [
            ({"code": 100}, 400, OutcomeKind.REFUSED, "refused_by_platform"),
            ({"code": 105}, 400, OutcomeKind.TOO_LARGE, "too_large"),
            ({"code": 1, "error_subcode": 99}, 500, OutcomeKind.TOO_LARGE, "too_large"),
            ({"code": 100, "error_subcode": 33}, 400, OutcomeKind.STOP, "audience_missing"),
            ({"code": 100, "error_subcode": 1713230}, 400, OutcomeKind.STOP, "audience_flagged"),
            ({"code": 190}, 401, OutcomeKind.REFRESH_AUTH, "token_refused"),
            ({"code": 200, "error_subcode": 1870047}, 400, OutcomeKind.REJECTED, "audience_would_be_too_small"),
            ({"code": 200, "error_subcode": 5}, 400, OutcomeKind.STOP, "no_permission"),
            ({"code": 285}, 400, OutcomeKind.STOP, "no_permission"),
            ({"code": 803}, 400, OutcomeKind.RETRY, "not_visible_yet"),
            ({"code": 80012}, 400, OutcomeKind.RETRY, "throttled"),
            ({"code": 613}, 400, OutcomeKind.RETRY, "throttled"),
            ({"code": 2635}, 400, OutcomeKind.STOP, "version_retired"),
            ({"code": 987654}, 400, OutcomeKind.STOP, "unknown_error"),
            ({"code": 987654}, 503, OutcomeKind.RETRY, "transient"),
            ({"code": 987654, "is_transient": True}, 400, OutcomeKind.RETRY, "transient"),
            ({"code": "190"}, 400, OutcomeKind.REFRESH_AUTH, "token_refused"),
        ],
    )
    def test_errors(self, error: dict[str, object], status: int, kind: OutcomeKind, code: str) -> None:
        """Code and subcode decide, whatever the status."""
        one = publisher()
        request = one.encode(upload({"EMAIL": [digest("a"), digest("b")]}), AUDIENCE, OPENED)
        outcome = one.classify(request, answer({"error": error}, status))
        assert (outcome.kind, outcome.code) == (kind, code)

    def test_one_row_that_is_too_large_is_refused(self) -> None:
        """A single row has no halves."""
        one = publisher()
        request = one.encode(upload({"EMAIL": [digest("a")]}), AUDIENCE, OPENED)
        assert one.classify(request, answer({"error": {"code": 105}}, 400)).kind is OutcomeKind.REFUSED

    def test_terms_tell_the_operator_where_to_go(self) -> None:
        """The terms can be accepted at a link that names the ad account."""
        outcome = users({"error": {"code": 200, "error_subcode": 1870090, "fbtrace_id": "AbC"}})
        assert outcome.kind is OutcomeKind.STOP
        assert "https://business.facebook.com/ads/manage/customaudiences/tos/?act=55501" in outcome.reason
        assert (outcome.platform_code, outcome.reference) == ("200/1870090", "AbC")

    def test_newer_version_is_noticed(self) -> None:
        """Meta's warning that the pinned version is retired is heard, and is no code for refused rows."""
        good = {"num_received": 2, "num_invalid_entries": 0}
        assert users(good, x_ad_api_version_warning="upgraded").code == "version_upgraded"
        outcome = users(good | {"num_invalid_entries": 1}, x_ad_api_version_warning="upgraded")
        assert (outcome.kind, outcome.code, outcome.refused_count) == (OutcomeKind.PARTIAL, "invalid_entries", 1)

    def test_platforms_words_stay_out(self) -> None:
        """What Meta writes may quote what was sent, so none of it is in an outcome."""
        error = {"code": 100, "message": "jane@example.com is wrong", "error_user_msg": "jane@example.com"}
        assert "jane" not in repr(users({"error": error}))


class TestUsage:
    """Three headers, three units."""

    def test_minutes(self) -> None:
        """The business header speaks minutes."""
        header = {"1": [{"type": "custom_audience", "call_count": 100, "estimated_time_to_regain_access": 19}]}
        assert usage.from_headers({usage.BUSINESS: json.dumps(header)}, throttled=True).wait_s == 19 * 60

    def test_seconds(self) -> None:
        """The ad account's header speaks seconds, and only a throttled call waits for the reset."""
        header = {usage.AD_ACCOUNT: json.dumps({"acc_id_util_pct": 100, "reset_time_duration": 100})}
        assert usage.from_headers(header, throttled=True).wait_s == 100
        assert usage.from_headers(header, throttled=False).wait_s == 0
        assert usage.from_headers(header, throttled=False).pause_s == usage.PAUSE_FULL_S

    def test_other_use_cases_do_not_slow_us(self) -> None:
        """A full quota of another kind of call is no reason to wait as long as ours go well."""
        header = {"1": [{"type": "ads_insights", "call_count": 100, "estimated_time_to_regain_access": 9}]}
        read = usage.from_headers({usage.BUSINESS: json.dumps(header)}, throttled=False)
        assert read.pause_s == 0

    def test_zero_is_no_leave_to_go_on(self) -> None:
        """A throttled call waits even when the header estimates no time."""
        header = {"1": [{"type": "custom_audience", "estimated_time_to_regain_access": 0}]}
        outcome = users({"error": {"code": 80003}}, x_business_use_case_usage=json.dumps(header))
        assert outcome.after_s == 60

    @pytest.mark.parametrize(("tier", "wait_s"), [("development_access", 300), ("standard_access", 60)])
    def test_tier_sets_the_wait(self, tier: str, wait_s: int) -> None:
        """The limited tier is blocked five times as long as the full one."""
        header = json.dumps({"acc_id_util_pct": 90, "ads_api_access_tier": tier})
        assert users({"error": {"code": 17}}, x_ad_account_usage=header).after_s == wait_s

    @pytest.mark.parametrize("text", ["", "{", "[]", '{"a": 1}', '{"a": [1]}', '{"a": [{"call_count": "x"}]}'])
    def test_headers_that_are_not_as_documented(self, text: str) -> None:
        """A header that cannot be read asks for nothing."""
        headers = {usage.BUSINESS: text, usage.AD_ACCOUNT: text, usage.APP: text}
        assert usage.from_headers(headers, throttled=True).wait_s == 0


def test_call_names() -> None:
    """A call is known by our word for it, or by its method and path."""
    assert PLATFORM.call_of("users") == "users"
    assert PLATFORM.call_of("POST /v27.0/1/users") == "users"
    assert PLATFORM.call_of("DELETE /1/users") == "users"
    assert PLATFORM.call_of("GET /v27.0/act_1/customaudiences?limit=20") == "find"
    assert PLATFORM.call_of("POST /act_1/customaudiences") == "create"
    assert PLATFORM.call_of("GET /v27.0/1/sessions?session_id=1") == "arrived"
    assert PLATFORM.call_of("nothing we know") == ""


class TestReplace:
    """A replace is one session: how it begins, and what is read of it after something was lost."""

    AUDIENCE = Audience("meta", "VIP", Action.REPLACE)

    def one(self) -> Publisher:
        """Return a publisher whose sessions have a known id."""
        return MetaPublisher(account(), new_session=lambda: 77)

    def opened(self, **more: Any) -> Opened:
        """Return an audience in a session."""
        return replace(Opened("238491", by_upload=True, state={"session": "77"}, interim="begun"), **more)

    def status(self, code: int) -> Answer:
        """Return an operation status."""
        return answer({"id": "238491", "operation_status": {"code": code}})

    def session(self, received: int | None, **more: str) -> Answer:
        """Return a session with so many rows, no session at all for None."""
        found = {"session_id": "77", "num_received": str(received), **more}
        return answer({"data": [] if received is None else [found]})

    def look(self, opened: Opened, *answers: Answer) -> Opened:
        """Look at the audience again."""
        found, requests = hold(self.one().reopen(self.AUDIENCE, opened, ("EMAIL",)), self.one(), answers)
        assert [request.call for request in requests] == ["status", "arrived"]
        return found

    def test_it_begins_once_the_audience_is_normal(self) -> None:
        """The session's id is kept before anything is sent; a busy audience is waited for."""
        found = page(("238491", "VIP", "CUSTOM"))
        opening = self.one().open(self.AUDIENCE, ("EMAIL",))
        opened, _ = hold(opening, self.one(), [found, self.status(200)])
        assert (opened.audience_id, opened.by_upload, opened.state) == ("238491", True, {"session": "77"})
        for busy in (414, 441):
            with pytest.raises(Retryable, match="busy"):
                hold(self.one().open(self.AUDIENCE, ("EMAIL",)), self.one(), [found, self.status(busy)])

    def test_extern_ids_beside_others_are_refused(self) -> None:
        """Meta refuses a blank EXTERN_ID and another schema within a session, so nothing is sent."""
        with pytest.raises(Rejected, match="replace_with_extern_id"):
            next(self.one().open(self.AUDIENCE, ("EMAIL", "EXTERN_ID")))

    def test_batches_are_numbered_in_one_session(self) -> None:
        """The first is batch 1 and must not be repeated; the others have numbers, and one says it is last."""
        two = upload({"EMAIL": [digest("a")], "PHONE": [None]})
        first = self.one().encode(replace(two, number=1), self.AUDIENCE, self.opened())
        later = replace(two, number=4, last=True)
        last = self.one().encode(later, self.AUDIENCE, self.opened(by_upload=False))
        assert [sent(one)["session"] for one in (first, last)] == [
            {"session_id": 77, "batch_seq": 1, "last_batch_flag": False},
            {"session_id": 77, "batch_seq": 4, "last_batch_flag": True},
        ]
        assert [one.repeatable for one in (first, last)] == [False, True]
        assert sent(first)["payload"]["schema"] == ["EMAIL", "PHONE"]
        assert self.one().arrived(two, self.AUDIENCE, self.opened(by_upload=False)) is None

    @pytest.mark.parametrize(
        ("status", "received", "arrived"), [(414, 3, True), (200, 3, True), (200, 0, False), (200, None, False)]
    )
    def test_a_first_batch_has_arrived_if_its_session_has_rows(
        self, status: int, received: int | None, arrived: bool
    ) -> None:
        """The session decides, whatever the status says meanwhile."""
        found = self.look(self.opened(), self.status(status), self.session(received))
        assert found.by_upload is not arrived

    def test_a_first_batch_is_not_sent_while_a_replace_is_in_progress(self) -> None:
        """A replace that is not known to be ours is waited for; one of an unreadable session is ours."""
        with pytest.raises(Retryable, match="busy"):
            self.look(self.opened(), self.status(414), self.session(None))
        unreadable = answer({"data": [{"what": "is this"}]})
        assert not self.look(self.opened(), self.status(414), unreadable).by_upload

    def test_a_session_that_has_ended_is_gone_on_with_by_adding(self) -> None:
        """While Meta replaces, the audience is looked at again later; then the rest goes to `/users`."""
        begun = self.opened(by_upload=False)
        waiting = self.look(begun, self.status(414), self.session(20, end_time="1800000000"))
        assert waiting.after_s > 0
        assert "2027-01-15T08:00:00+00:00" in waiting.notes["replace_interrupted"]
        adding = self.look(waiting, self.status(200), self.session(20))
        assert adding.after_s == 0
        one = upload({"EMAIL": [digest("a")]})
        request = self.one().encode(one, self.AUDIENCE, adding)
        assert (request.call, request.method) == ("users", "POST")
        assert self.one().arrived(one, self.AUDIENCE, adding) is not None

    @pytest.mark.parametrize(
        ("subcode", "kind"),
        [
            (1870145, OutcomeKind.RETRY),
            (1870158, OutcomeKind.REOPEN),
            (1870159, OutcomeKind.REOPEN),
            (1870147, OutcomeKind.GONE),
            (1870148, OutcomeKind.GONE),
            (1870144, OutcomeKind.REJECTED),
        ],
    )
    def test_refusals_of_a_batch(self, subcode: int, kind: OutcomeKind) -> None:
        """Meta's subcodes of 2650 say what has become of the session."""
        batch_of_it = replace(upload({"EMAIL": [digest("a")]}), number=3)
        request = self.one().encode(batch_of_it, self.AUDIENCE, self.opened(by_upload=False))
        refused = answer({"error": {"code": 2650, "error_subcode": subcode}}, 400)
        assert self.one().classify(request, refused).kind is kind

    def test_a_last_batch_sent_again_has_ended_the_session(self) -> None:
        """Meta answers "already finished" to a repetition of the very batch that has finished it."""
        last = replace(upload({"EMAIL": [digest("a")]}), number=3, last=True)
        request = self.one().encode(last, self.AUDIENCE, self.opened(by_upload=False))
        refused = answer({"error": {"code": 2650, "error_subcode": 1870159}}, 400)
        assert self.one().classify(request, refused).kind is OutcomeKind.OK

    @pytest.mark.parametrize(
        ("status", "pending", "gone"), [(414, True, False), (415, False, True), (200, False, False)]
    )
    def test_it_is_followed_to_its_end(self, status: int, pending: bool, gone: bool) -> None:
        """The run is accepted while Meta replaces, and starts over if Meta has failed."""
        closing = self.one().close(self.AUDIENCE, self.opened(by_upload=False), [])
        closed, _ = hold(closing, self.one(), [self.status(status)])
        assert (closed.pending, closed.gone is not None) == (pending, gone)


@pytest.mark.parametrize(
    ("subcode", "why"),
    [(458, "no longer installed"), (460, "password"), (463, "it has expired"), (464, "not confirmed")],
)
def test_a_dead_token_is_told_by_its_subcode(subcode: int, why: str) -> None:
    """Each way a token dies has a sentence of its own, with the cure in it."""
    known = meaning("users", 190, subcode)
    assert known is not None
    assert why in known.reason
    assert "Write a new token" in known.reason
