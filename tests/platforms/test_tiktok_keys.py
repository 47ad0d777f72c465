"""TikTok drops whose key, name or content is not as the sample took it to be: refused or sent right."""

from __future__ import annotations

import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from activation.drops.locate import locate
from activation.drops.places import Role, role_of
from activation.errors import Rejected
from activation.ledger.runs import RunState

from lambdas.tiktok.calls import Calls
from lambdas.tiktok.fields import TABLE as FIELDS
from lambdas.tiktok.platform import LIMITS, PLATFORM
from tests.platforms.signing import account_of
from tests.platforms.tiktok_line import LIST, SECRET, Line
from tests.unit.line.platform import hashed
from tests.unit.line.world import people

# calculate_type: https://github.com/tiktok/tiktok-business-api-sdk (yml_files, read 2026-11-22)
TYPES = [
    "EMAIL_SHA256",
    "PHONE_SHA256",
    "IDFA_SHA256",
    "GAID_SHA256",
    "FIRST_SHA256",
    "IDFA_MD5",
    "GAID_MD5",
    "FIRST_MD5",
]


def test_an_object_that_is_gone_is_told_by_its_code(line: Line) -> None:
    """A missing object ended in an AttributeError that nobody saw."""
    body = line.digests(3)
    item = json.loads(body)["detail"]["object"]
    line.aws.s3.delete_object(Bucket="drops", Key=item["key"], VersionId=item["version-id"])
    line.run(body)
    assert line.receipt()["reason"]["code"] == "object_gone"
    assert (line.dead_codes(), line.wrong_codes()) == ([], ["object_gone"])


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("tiktokfoo/VIP/EMAIL_SHA256/a.csv", "other_connector"),
        ("tiktok/VIP/EMAIL_SHA256/add/deleted/a.csv", "unknown_action"),
        ("tiktok/VIP/EMAIL_SHA256/delete/a.csv", "unknown_action"),
        ("tiktok/VIP/a.csv", "wrong_depth"),
        ("tiktok/VIP/AAID_SHA256/a.csv", "unknown_identifiers"),
    ],
)
def test_a_key_of_another_shape_is_refused_with_the_layout(key: str, code: str) -> None:
    """The root was never checked, and a folder that asks for the opposite was ignored."""
    with pytest.raises(Rejected) as caught:
        locate(key, connector="tiktok", table=FIELDS, actions=LIMITS.actions)
    assert caught.value.code == code
    assert "<audience>" in caught.value.sentence


def test_an_identifier_of_another_api_is_answered_with_the_right_one() -> None:
    """AAID is what TikTok's streaming calls an advertising id that the file API calls GAID."""
    with pytest.raises(Rejected, match="gaid_sha256 meant"):
        locate("tiktok/VIP/AAID_SHA256/a.csv", connector="tiktok", table=FIELDS, actions=LIMITS.actions)


def test_a_folder_uploads_nothing(line: Line) -> None:
    """An object of no bytes that stands for a folder was uploaded as a file."""
    assert role_of("tiktok/VIP/EMAIL_SHA256/") is Role.SIDECAR
    line.run(line.event(line.put("", "tiktok/VIP/EMAIL_SHA256/")))
    assert line.advertiser.requests == []


@pytest.mark.parametrize("name", ["spring+sale 50%", "a%2Bb", "VIP été", "a&b=c?d#e", "100%25"])
def test_a_name_is_the_key_s_own_letter_by_letter(line: Line, name: str) -> None:
    """Keys were URL-decoded, which EventBridge's are not: a plus became a space."""
    line.run(line.digests(3, f"tiktok/{name}/EMAIL_SHA256/a.csv"))
    (create,) = [request for request in line.advertiser.requests if request.call == "create"]
    assert json.loads(create.body)["custom_audience_name"] == name


@pytest.mark.parametrize(
    ("text", "code"),
    [("jane@example.com\n", "clear_text"), ("PK\x03\x04zip", "zip_file"), ("<html>no</html>", "html_page")],
)
def test_what_is_no_list_of_hashes_stops_before_anything_is_sent(line: Line, text: str, code: str) -> None:
    """Nothing of a file was looked at: TikTok said days later, and elsewhere, what was wrong with it."""
    good = "".join(f"{hashed(one)}\n" for one in people(3))
    line.run(line.event(line.put((good if code == "clear_text" else "") + text, LIST)))
    assert line.receipt()["reason"]["code"] == code
    assert "upload" not in line.advertiser.calls


def test_an_empty_file_is_no_call(line: Line) -> None:
    """An empty file was uploaded, too."""
    line.run(line.event(line.put("", LIST)))
    assert line.receipt()["state"] == RunState.EMPTY
    assert line.advertiser.requests == []


def test_queries_are_encoded(line: Line) -> None:
    """Queries were put together by hand; what is in one comes out of it again."""
    asked = Calls(account_of(PLATFORM, SECRET)).get('1"&page=2')
    assert parse_qs(urlsplit(asked.url).query)["custom_audience_ids"] == [json.dumps(['1"&page=2'])]


@pytest.mark.parametrize("type_", TYPES)
def test_every_type_of_the_file_api_may_be_named_in_any_case(type_: str) -> None:
    """A list of supported types was split at its commas alone, and half of the types were not in it."""
    for segment in (type_, type_.lower(), type_.title()):
        located = locate(f"tiktok/VIP/{segment}/a.csv", connector="tiktok", table=FIELDS, actions=LIMITS.actions)
        assert located.kind.single == type_


def test_the_host_is_the_secret_s_to_say() -> None:
    """The host was fixed, so nothing could be tried against a server of one's own."""
    account = account_of(PLATFORM, {**SECRET, "ENDPOINT": "http://127.0.0.1:8080/"})
    assert Calls(account).page(1).url.startswith("http://127.0.0.1:8080/open_api/v1.3/")


def test_hashes_that_repeat_are_one_line(line: Line) -> None:
    """The sample's own file was one hash twice, which no minimum counts as two people."""
    digest = hashed("a@example.com")
    line.run(line.event(line.put(f"{digest}\n{digest.upper()}\n", LIST)))
    (upload,) = [request for request in line.advertiser.requests if request.call == "upload"]
    assert len(re.findall(digest.encode(), upload.content, re.IGNORECASE)) == 1
    assert line.receipt()["rows"]["acknowledged"] == 2
