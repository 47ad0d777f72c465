"""TikTok's publisher: the file on the wire, the audience it opens, and what the answers mean."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import replace
from email import message_from_bytes
from email.message import Message
from email.policy import HTTP
from urllib.parse import parse_qs, urlsplit

import pyarrow as pa
import pytest
from activation.errors import ActivationError, ConfigError, Rejected, Retryable
from activation.model import Action, Audience
from activation.platforms.account import AdAccount
from activation.platforms.outcome import OutcomeKind
from activation.platforms.publisher import Opened
from activation.platforms.request import Answer, Request
from activation.platforms.upload import Batch

from lambdas.tiktok.platform import LIMITS, PLATFORM
from tests.platforms.conversation import LOST, answer, hold
from tests.platforms.signing import account_of, signer_of
from tests.platforms.tiktok_answers import (
    AUDIENCE,
    NAME,
    SECRET,
    STATE,
    digest,
    listed,
    page,
    publisher,
    reply,
)

KEYS = ("EMAIL_SHA256",)


def batch(columns: dict[str, list[str | None]]) -> Batch:
    """Return a batch of text columns."""
    table = pa.table({key: pa.array(values, pa.string()) for key, values in columns.items()})
    return Batch("run", 1, table.num_rows, table, pa.array(range(1, table.num_rows + 1)))


def form(request: Request) -> dict[str, Message]:
    """Read a multipart body with the standard library's parser, part by name."""
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    message = message_from_bytes(head + request.content, policy=HTTP)
    assert message.is_multipart()
    return {str(part.get_param("name", header="content-disposition")): part for part in message.iter_parts()}


def file_of(request: Request) -> bytes:
    """Return the exact bytes of the file in an upload."""
    found = re.search(
        rb"Content-Type: text/csv\r\n\r\n(.*)\r\n--activation-[0-9a-f]{32}--\r\n$", request.content, re.S
    )
    assert found is not None
    return found.group(1)


def upload(columns: dict[str, list[str | None]], kind: str = "EMAIL_SHA256") -> Request:
    """Build the one upload of a batch."""
    one = publisher()
    (only,) = one.uploads(batch(columns))
    return one.encode(only, AUDIENCE, Opened("", state={"calculate_type": kind}))


class TestSecret:
    """The secret keeps the key names of AWS's sample."""

    def test_missing_advertiser_is_named(self) -> None:
        """A secret without the advertiser stops with the key's name and no value."""
        with pytest.raises(ConfigError, match="ADVERTISER_ID") as caught:
            account_of(PLATFORM, {"ACCESS_TOKEN": "tok-123"})
        assert "tok-123" not in str(caught.value)

    def test_missing_token_is_named(self) -> None:
        """A secret without the token stops with the key's name and no value."""
        with pytest.raises(ConfigError, match="ACCESS_TOKEN") as caught:
            signer_of(PLATFORM, {"ADVERTISER_ID": SECRET["ADVERTISER_ID"]})
        assert SECRET["ADVERTISER_ID"] not in str(caught.value)

    def test_any_case_and_number(self) -> None:
        """Keys are taken in any case, the id as a number too, white space is no part of a value."""
        secret = {"access_token": "tok-123\n", "Advertiser_Id": 7000000000000000001}
        one = publisher()
        assert account_of(PLATFORM, secret) == one.account
        assert one.account == AdAccount(
            "7000000000000000001", "https://business-api.tiktok.com", {"access_tier": ""}
        )
        assert signer_of(PLATFORM, secret).sign(one.calls.page(1)).headers["Access-Token"] == "tok-123"

    def test_token_is_in_the_header_alone(self) -> None:
        """No URL, body or repr carries the token, and signing changes nothing else of a request."""
        one = publisher()
        for request in (
            one.calls.page(1),
            one.calls.get("1"),
            one.calls.create("n", "EMAIL_SHA256", ["p"]),
            one.calls.update("1", "APPEND", ["p"]),
            upload({"EMAIL_SHA256": [digest("a")]}),
        ):
            signed = signer_of(PLATFORM, SECRET).sign(request)
            assert signed == replace(request, headers={**request.headers, "Access-Token": "tok-123"})
            assert "tok-123" not in signed.url + repr(signed) + repr(one)
            assert b"tok-123" not in signed.content


class TestUpload:
    """The file and the form around it."""

    def test_form(self) -> None:
        """The form has the four parts, the MD5 is that of exactly the file's bytes, the suffix is .csv."""
        request = upload({"EMAIL_SHA256": [digest("a"), digest("b")]})
        parts = form(request)
        assert set(parts) == {"advertiser_id", "calculate_type", "file_signature", "file"}
        assert parts["calculate_type"].get_payload() == "EMAIL_SHA256"
        assert parts["advertiser_id"].get_payload() == "7000000000000000001"
        expected = f"{digest('a')}\n{digest('b')}\n".encode()
        assert file_of(request) == expected
        assert parts["file_signature"].get_payload() == hashlib.md5(expected, usedforsecurity=False).hexdigest()
        assert str(parts["file"].get_filename()).endswith(".csv")
        assert request.url == "https://business-api.tiktok.com/open_api/v1.3/dmp/custom_audience/file/upload/"

    def test_no_line_twice(self) -> None:
        """A repeated identifier is one line; the rows still count as sent."""
        request = upload({"EMAIL_SHA256": [digest("a"), digest("a"), digest("b")]})
        assert file_of(request).decode().split() == [digest("a"), digest("b")]
        assert request.rows == 3

    def test_several_types(self) -> None:
        """Several identifier columns make a file with a header, an empty cell staying empty."""
        columns: dict[str, list[str | None]] = {
            "EMAIL_SHA256": [digest("a"), None],
            "PHONE_SHA256": [None, digest("p")],
            "GAID_SHA256": [digest("g"), digest("h")],
        }
        request = upload(columns, "MULTIPLE_TYPES")
        assert file_of(request).decode().splitlines() == [
            "email_SHA256,phone_SHA256,MAID_SHA256",
            f"{digest('a')},,{digest('g')}",
            f",{digest('p')},{digest('h')}",
        ]

    @pytest.mark.parametrize(
        ("key", "header"),
        [
            ("EMAIL_SHA256", "email_SHA256,phone_SHA256"),
            ("PHONE_SHA256", "phone_SHA256,email_SHA256"),
            ("FIRST_MD5", "MAID_MD5,email_SHA256"),
        ],
    )
    def test_one_kind_of_several_types(self, key: str, header: str) -> None:
        """A single column for an audience of several types has a header, and a blank column beside it."""
        request = upload({key: [digest("a"), digest("a"), digest("b")]}, "MULTIPLE_TYPES")
        assert file_of(request).decode().splitlines() == [header, f"{digest('a')},", f"{digest('b')},"]

    @pytest.mark.parametrize(
        "keys", [("EMAIL_SHA256",), ("GAID_MD5",), ("EMAIL_SHA256", "PHONE_SHA256", "IDFA_MD5")]
    )
    def test_full_file_is_nearly_as_large_as_it_may_be(self, keys: tuple[str, ...]) -> None:
        """As many rows as a request has room for in its longest form fill it, and do not go over."""
        limits = LIMITS.narrowed(max_bytes=200_000)
        fields = [PLATFORM.table.field(key) for key in keys]
        count = limits.rows_of(fields)
        columns: dict[str, list[str | None]] = {
            one.key: [f"{number:0{one.digest.width}x}" for number in range(count)] for one in fields
        }
        request = upload(columns, "MULTIPLE_TYPES")
        assert request.size_bytes == len(request.content)
        assert 0.97 * limits.max_bytes < request.size_bytes <= limits.max_bytes

    def test_file_path_is_the_handle(self) -> None:
        """What closing needs is the path the upload gave."""
        outcome = publisher().classify(
            upload({"EMAIL_SHA256": [digest("a")]}), reply({"file_path": "f19fa450136c460f"})
        )
        assert (outcome.kind, outcome.value, outcome.reference) == (OutcomeKind.OK, "f19fa450136c460f", "req-1")

    def test_no_file_path_is_no_success(self) -> None:
        """A good code without a path leaves nothing to go on with."""
        outcome = publisher().classify(upload({"EMAIL_SHA256": [digest("a")]}), reply({}))
        assert outcome.kind is OutcomeKind.RETRY

    def test_nothing_to_ask_after_a_lost_answer(self) -> None:
        """An upload is repeated without harm."""
        assert publisher().arrived(batch({"EMAIL_SHA256": [digest("a")]}).upload(), AUDIENCE, Opened("")) is None


class TestOpen:
    """Finding the audience before anything is uploaded."""

    def open(self, *answers: Answer, audience: Audience = AUDIENCE, keys: tuple[str, ...] = KEYS) -> Opened:
        """Hold the conversation to its end."""
        one = publisher()
        return hold(one.open(audience, keys), one, answers)[0]

    def test_last_page_is_read(self) -> None:
        """Of three pages the third is read, and an audience on it is found."""
        one = publisher()
        pages = [
            page(listed("1", name="x"), pages=3),
            page(listed("2", name="y"), pages=3),
            page(listed("3"), pages=3),
        ]
        opened, asked = hold(one.open(AUDIENCE, KEYS), one, pages)
        assert opened.audience_id == "3"
        numbers = [parse_qs(urlsplit(request.url).query)["page"][0] for request in asked]
        assert numbers == ["1", "2", "3"]

    @pytest.mark.parametrize(
        "foreign",
        [
            {"audience_type": "Lookalike Audience"},
            {"audience_type": "Partner"},
            {"is_creator": False},
            {"shared": True},
        ],
    )
    def test_foreign_audiences_are_not_ours(self, foreign: dict[str, object]) -> None:
        """An audience of another kind, or of somebody else, is not the one that is meant."""
        assert self.open(page(listed("1", **foreign), listed("4"))).audience_id == "4"
        assert self.open(page(listed("1", **foreign))).audience_id == ""

    def test_two_of_a_name_stop(self) -> None:
        """Between two audiences a person decides, who is told both ids."""
        with pytest.raises(ConfigError, match=r"5.*6"):
            self.open(page(listed("5"), listed("6")))

    def test_a_name_that_looks_the_same_is_the_same(self) -> None:
        """Another Unicode form and spaces at the ends make no other audience, but the very name comes first."""
        alike = f"{unicodedata.normalize('NFD', NAME)} "
        assert self.open(page(listed("5", name=alike), listed("6", name=f"{NAME}s"))).audience_id == "5"
        assert self.open(page(listed("5", name=alike), listed("6"))).audience_id == "6"

    def test_one_listed_on_two_pages_is_one(self) -> None:
        """The order of pages may move while they are read."""
        assert self.open(page(listed("5"), pages=2), page(listed("5"), pages=2)).audience_id == "5"

    def test_failed_list_is_not_empty(self) -> None:
        """An error in place of a page says nothing of what is there."""
        for bad in (reply({}, 40100), answer({"code": 0, "message": "OK"}), LOST):
            with pytest.raises(ActivationError):
                self.open(bad)

    def test_other_type_is_refused(self) -> None:
        """Files of another type than the audience's are refused before they are uploaded."""
        with pytest.raises(Rejected, match="type_mismatch"):
            self.open(page(listed("1", calculate_type="PHONE_SHA256")))

    def test_one_kind_for_an_audience_of_several_is_of_several_types(self) -> None:
        """The audience accepts only files of its own type, in which a cell may be blank."""
        opened = self.open(page(listed("1", calculate_type="MULTIPLE_TYPES")))
        assert opened == Opened("1", state={"calculate_type": "MULTIPLE_TYPES"})

    def test_alias_is_the_same_type(self) -> None:
        """MAID and FIRST are two names of one type."""
        opened = self.open(page(listed("1", calculate_type="MAID_SHA256")), keys=("FIRST_SHA256",))
        assert opened == Opened("1", state={"calculate_type": "FIRST_SHA256"})

    def test_several_keys_are_multiple_types(self) -> None:
        """A drop that fills several identifiers makes an audience of several types."""
        opened = self.open(page(), keys=("EMAIL_SHA256", "PHONE_SHA256"))
        assert opened == Opened("", state={"calculate_type": "MULTIPLE_TYPES"})

    def test_ended_audience_is_refused(self) -> None:
        """An audience that has ended can only be deleted."""
        with pytest.raises(Rejected, match="audience_expired"):
            self.open(page(listed("8", is_valid=False, expired_time="2026-01-01 00:00:00")))

    @pytest.mark.parametrize("expires", ["2027-01-01 00:00:00", "", "soon", None])
    def test_audience_in_the_making_is_waited_for(self, expires: object) -> None:
        """Nothing is uploaded for an audience that cannot be changed yet."""
        with pytest.raises(Retryable, match="busy"):
            self.open(page(listed("8", is_valid=False, expired_time=expires)))

    @pytest.mark.parametrize(
        ("created", "expires", "after_s"),
        [
            ("2026-11-22 00:00:00", "2027-11-22 00:00:00", 5),
            ("2026-11-21 23:59:00", "2027-11-21 23:59:00", 60),
            ("2026-01-01 00:00:00", "2027-11-21 23:58:00", 120),
            ("2026-01-01 00:00:00", "2027-01-01 00:00:00", 900),
            ("2026-11-30 00:00:00", "2027-11-30 00:00:00", 5),
        ],
    )
    def test_wait_grows_with_the_age_of_the_change(self, created: str, expires: str, after_s: float) -> None:
        """What was changed just now is looked at soon again, what takes hours every quarter of an hour."""
        one = listed("8", is_valid=False, create_time=created, expired_time=expires)
        with pytest.raises(Retryable) as caught:
            self.open(page(one))
        assert caught.value.after_s == after_s

    def test_removal_from_nothing_is_rejected(self) -> None:
        """To remove members from an audience that is not there, none is created."""
        with pytest.raises(Rejected, match="audience_missing"):
            self.open(page(), audience=Audience("tiktok", NAME, Action.REMOVE))

    @pytest.mark.parametrize("name", ["", "x" * 129])
    def test_name_too_long_for_tiktok(self, name: str) -> None:
        """A name TikTok does not take is refused without asking."""
        with pytest.raises(Rejected, match="bad_name"):
            self.open(audience=Audience("tiktok", name))


@pytest.mark.parametrize(
    ("code", "kind", "name"),
    [
        (40016, OutcomeKind.RETRY, "throttled"),
        (40133, OutcomeKind.RETRY, "throttled"),
        (50002, OutcomeKind.RETRY, "transient"),
        (51305, OutcomeKind.RETRY, "transient"),
        (52001, OutcomeKind.RETRY, "transient"),
        (69999, OutcomeKind.RETRY, "transient"),
        (40101, OutcomeKind.REFRESH_AUTH, "token_refused"),
        (40102, OutcomeKind.REFRESH_AUTH, "token_refused"),
        (40105, OutcomeKind.REFRESH_AUTH, "token_refused"),
        (40001, OutcomeKind.STOP, "no_permission"),
        (40113, OutcomeKind.STOP, "app_not_allowed"),
        (40300, OutcomeKind.STOP, "account_missing"),
        (40008, OutcomeKind.STOP, "sandbox_refused"),
        (40062, OutcomeKind.REJECTED, "not_hashed"),
        (40900, OutcomeKind.RETRY, "file_damaged"),
        (40907, OutcomeKind.TOO_LARGE, "too_large"),
        (40915, OutcomeKind.REJECTED, "file_refused"),
        (40050, OutcomeKind.UNKNOWN, "duplicate_request"),
        (49999, OutcomeKind.STOP, "unknown_error"),
    ],
)
def test_codes(code: int, kind: OutcomeKind, name: str) -> None:
    """The code decides, whatever the status and the text."""
    request = upload({"EMAIL_SHA256": [digest("a"), digest("b")]})
    outcome = publisher().classify(request, reply({}, code, "Please retry. jane@example.com"))
    assert (outcome.kind, outcome.code, outcome.platform_code) == (kind, name, str(code))
    assert "jane" not in repr(outcome)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (502, OutcomeKind.RETRY),
        (404, OutcomeKind.STOP),
        (413, OutcomeKind.TOO_LARGE),
        (429, OutcomeKind.RETRY),
        (0, OutcomeKind.UNKNOWN),
    ],
)
def test_answers_without_an_envelope(status: int, kind: OutcomeKind) -> None:
    """Where the API did not answer, the status is all there is."""
    request = upload({"EMAIL_SHA256": [digest("a"), digest("b")]})
    assert publisher().classify(request, Answer(status, {}, b"<html>")).kind is kind


def test_code_as_text() -> None:
    """A code given as text is a code."""
    request = upload({"EMAIL_SHA256": [digest("a")]})
    body = {"code": "0", "message": "OK", "data": {"file_path": "f19fa450136c460f"}}
    assert publisher().classify(request, answer(body)).kind is OutcomeKind.OK


def test_call_names() -> None:
    """A call is known by our word for it, or by its method and path."""
    assert PLATFORM.call_of("upload") == "upload"
    assert PLATFORM.call_of("POST /dmp/custom_audience/file/upload/") == "upload"
    assert PLATFORM.call_of("GET /dmp/custom_audience/list/?page=1&page_size=100") == "list"
    assert PLATFORM.call_of("POST /segment/audience/") == ""


def test_the_type_is_that_of_the_columns() -> None:
    """In a plan, where nothing is asked, the audience takes files of the drop's columns."""
    assert publisher().planned(KEYS).state == STATE
    assert publisher().planned(("EMAIL_SHA256", "PHONE_SHA256")).state == {"calculate_type": "MULTIPLE_TYPES"}
