"""What Meta's answers to uploads mean, and those to the question whether one has arrived."""

from __future__ import annotations

import json

import pytest
from activation.platforms.outcome import Outcome, OutcomeKind

from lambdas.meta.publisher import session_id
from tests.platforms.conversation import answer
from tests.platforms.meta_publisher import AUDIENCE, OPENED, digest, publisher, upload, users


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


def test_all_taken() -> None:
    """Every row received and none invalid is ok."""
    assert users({"num_received": 2, "num_invalid_entries": 0, "invalid_entry_samples": {}}).kind is OutcomeKind.OK


def test_invalid_rows_are_named_by_their_place() -> None:
    """Rows that Meta quotes back are found again in the request, and the quote goes no further."""
    cells = [digest("a"), digest("b"), digest("c")]
    request = publisher().encode(upload({"EMAIL": list(cells), "EXTERN_ID": ["u", 'x"', "v"]}), AUDIENCE, OPENED)
    samples = {json.dumps([cells[1], 'x"']): "some reason"}
    body = {"num_received": 3, "num_invalid_entries": 1, "invalid_entry_samples": samples}
    outcome = users(body, request)
    assert outcome.kind is OutcomeKind.PARTIAL
    assert outcome.refused == {1: "invalid_entry"}
    assert outcome.refused_count == 1
    assert cells[1] not in repr(outcome)


@pytest.mark.parametrize("samples", [[], ["not json"], {"[1": "x"}, {"{}": "x"}, [None], "text", None])
def test_unnamed_invalid_rows_are_counted(samples: object) -> None:
    """Where Meta does not say which rows, it still says how many."""
    body = {"num_received": 2, "num_invalid_entries": 1, "invalid_entry_samples": samples}
    outcome = users(body)
    assert (outcome.kind, outcome.refused, outcome.refused_count) == (OutcomeKind.PARTIAL, {}, 1)


def test_never_more_refused_than_sent() -> None:
    """The count is no exact number at Meta; the receipt's sums must still add up."""
    assert users({"num_received": 2, "num_invalid_entries": 900}).refused_count == 2


def test_fewer_received_than_sent() -> None:
    """Rows Meta did not count are not reported as taken."""
    outcome = users({"num_received": 1, "num_invalid_entries": 0})
    assert (outcome.kind, outcome.refused_count) == (OutcomeKind.PARTIAL, 1)


@pytest.mark.parametrize("body", [{"num_received": 0, "num_invalid_entries": 0}, {"success": True}])
def test_nothing_counted_is_not_ok(body: dict[str, object]) -> None:
    """An answer that counts no row leaves open whether the batch is in."""
    assert users(body).kind is OutcomeKind.UNKNOWN


@pytest.mark.parametrize(
    ("status", "kind"), [(200, "unknown"), (502, "unknown"), (400, "retry"), (413, "too_large")]
)
def test_page_of_something_else(status: int, kind: str) -> None:
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
def test_errors(error: dict[str, object], status: int, kind: OutcomeKind, code: str) -> None:
    """Code and subcode decide, whatever the status."""
    one = publisher()
    request = one.encode(upload({"EMAIL": [digest("a"), digest("b")]}), AUDIENCE, OPENED)
    outcome = one.classify(request, answer({"error": error}, status))
    assert (outcome.kind, outcome.code) == (kind, code)


def test_one_row_that_is_too_large_is_refused() -> None:
    """A single row has no halves."""
    one = publisher()
    request = one.encode(upload({"EMAIL": [digest("a")]}), AUDIENCE, OPENED)
    assert one.classify(request, answer({"error": {"code": 105}}, 400)).kind is OutcomeKind.REFUSED


def test_terms_tell_the_operator_where_to_go() -> None:
    """The terms can be accepted at a link that names the ad account."""
    outcome = users({"error": {"code": 200, "error_subcode": 1870090, "fbtrace_id": "AbC"}})
    assert outcome.kind is OutcomeKind.STOP
    assert "https://business.facebook.com/ads/manage/customaudiences/tos/?act=55501" in outcome.reason
    assert (outcome.platform_code, outcome.reference) == ("200/1870090", "AbC")


def test_newer_version_is_noticed() -> None:
    """Meta's warning that the pinned version is retired is heard, and is no code for refused rows."""
    good = {"num_received": 2, "num_invalid_entries": 0}
    assert users(good, x_ad_api_version_warning="upgraded").code == "version_upgraded"
    outcome = users(good | {"num_invalid_entries": 1}, x_ad_api_version_warning="upgraded")
    assert (outcome.kind, outcome.code, outcome.refused_count) == (OutcomeKind.PARTIAL, "invalid_entries", 1)


def test_platforms_words_stay_out() -> None:
    """What Meta writes may quote what was sent, so none of it is in an outcome."""
    error = {"code": 100, "message": "jane@example.com is wrong", "error_user_msg": "jane@example.com"}
    assert "jane" not in repr(users({"error": error}))
