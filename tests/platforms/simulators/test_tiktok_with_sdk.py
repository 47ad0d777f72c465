"""The simulated TikTok driven by TikTok's own SDK, a client nobody here wrote."""

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
from business_api_client import (
    ApiClient,
    AudienceApi,
    Configuration,
    CustomAudienceCreateBody,
    CustomAudienceDeleteBody,
)
from business_api_client.tiktok_business.tiktok_exceptions import TiktokSDKError

from sandbox.platforms.outside import Outside


def hashes(count: int, prefix: str = "p") -> list[str]:
    """Make hashed identifiers."""
    return [hashlib.sha256(f"{prefix}{number}".encode()).hexdigest() for number in range(count)]


class Sdk:
    """The SDK's audience API with the advertiser and the token filled in."""

    def __init__(self, tiktok: Outside, folder: Path) -> None:
        secret = tiktok.secret()
        configuration = Configuration()
        configuration.host = secret["ENDPOINT"]
        self.api = AudienceApi(ApiClient(configuration))
        self.token = secret["ACCESS_TOKEN"]
        self.advertiser = secret["ADVERTISER_ID"]
        self.folder = folder

    def upload(self, lines: list[str], calculate_type: str = "EMAIL_SHA256", **more: Any) -> str:
        """Upload lines as a file and give its path at TikTok."""
        path = self.folder / more.pop("name", "people.csv")
        path.write_bytes("".join(f"{line}\n" for line in lines).encode())
        signature = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        wanted = {"file_signature": signature, "calculate_type": calculate_type, **more}
        answer = self.api.dmp_custom_audience_file_upload(
            self.token, advertiser_id=self.advertiser, file=str(path), **wanted
        )
        return str(answer["data"]["file_path"])

    def create(self, paths: list[str], name: str = "VIP", **more: Any) -> str:
        """Create an audience of files and give its id."""
        wanted = {"calculate_type": "EMAIL_SHA256", **more}
        body = CustomAudienceCreateBody(
            advertiser_id=self.advertiser, custom_audience_name=name, file_paths=paths, **wanted
        )
        answer = self.api.dmp_custom_audience_create(self.token, body=body)
        return str(answer["data"]["custom_audience_id"])

    def update(self, audience: str, paths: list[str] | None, **more: Any) -> None:
        """Change an audience."""
        body = {"advertiser_id": self.advertiser, "custom_audience_id": audience, "file_paths": paths, **more}
        body = {key: value for key, value in body.items() if value is not None}
        self.api.dmp_custom_audience_update(self.token, body=body)

    def list(self, **more: Any) -> Any:
        """List a page of audiences."""
        return self.api.dmp_custom_audience_list(self.advertiser, self.token, **more)["data"]

    def get(self, audience: str) -> Any:
        """Return an audience's details and history."""
        answer = self.api.dmp_custom_audience_get(self.advertiser, [audience], self.token)
        return answer["data"]["list"][0]

    def delete(self, audience: str) -> None:
        """Delete an audience."""
        body = CustomAudienceDeleteBody(advertiser_id=self.advertiser, custom_audience_ids=[audience])
        self.api.dmp_custom_audience_delete(self.token, body=body)


@pytest.fixture
def sdk(tiktok: Outside, tmp_path: Path) -> Sdk:
    """Point the SDK at the simulator."""
    return Sdk(tiktok, tmp_path)


def refusal(call: Any) -> int:
    """Return the code of the error the SDK raises for a call; it says so in its text only."""
    with pytest.raises(TiktokSDKError) as caught:
        call()
    said = re.match(r"Error Code: (\d+), message: .+, request_id: \w+", str(caught.value))
    assert said
    return int(said[1])


def processed(tiktok: Outside) -> None:
    """Let the work under way end."""
    tiktok.advance(3601)


def test_upload_create_and_read(tiktok: Outside, sdk: Sdk) -> None:
    """A file uploaded and used in a create is in the audience once it was processed, and not before."""
    people = hashes(1500)
    path = sdk.upload(people)
    assert len(path) == 16
    audience = sdk.create([path])
    assert int(audience) > 2**53
    assert tiktok.audience("VIP")["members"] == []
    before = sdk.get(audience)["audience_details"]
    assert (before["is_valid"], before["cover_num"], before["type"]) == (False, 0, "Customer File Audience")
    processed(tiktok)
    assert tiktok.audience("VIP")["members"] == people
    after = sdk.get(audience)
    assert (after["audience_details"]["is_valid"], after["audience_details"]["cover_num"]) == (True, 1500)
    assert after["audience_history"][0]["action"] == "create"


def test_several_files_make_one_audience(tiktok: Outside, sdk: Sdk) -> None:
    """All paths of a create are one audience, each identifier in it once."""
    paths = [sdk.upload(hashes(900, "a")), sdk.upload(hashes(900, "b")), sdk.upload(hashes(900, "a"))]
    sdk.create(paths)
    processed(tiktok)
    assert tiktok.audience("VIP")["count"] == 1800


def test_two_audiences_may_have_one_name(sdk: Sdk) -> None:
    """Creating the same name twice makes two audiences."""
    path = sdk.upload(hashes(10))
    assert sdk.create([path]) != sdk.create([path])
    assert [one["name"] for one in sdk.list()["list"]] == ["VIP", "VIP"]


def test_lists_in_pages_of_ten(sdk: Sdk, tiktok: Outside) -> None:
    """Ten a page unless asked otherwise, every audience on one of them."""
    tiktok.configure(audiences=[{"name": f"audience {number}"} for number in range(25)])
    first = sdk.list()
    assert first["page_info"] == {"page": 1, "page_size": 10, "total_number": 25, "total_page": 3}
    pages = [sdk.list(page=page)["list"] for page in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [10, 10, 5, 0]
    assert len({one["audience_id"] for page in pages for one in page}) == 25
    assert len(sdk.list(page_size=100)["list"]) == 25
    assert refusal(lambda: sdk.list(page_size=101)) == 40002
    assert refusal(lambda: sdk.list(page=0)) == 40002


def test_list_by_ids(sdk: Sdk, tiktok: Outside) -> None:
    """The SDK's JSON array of ids narrows the list."""
    tiktok.configure(audiences=[{"name": "A"}, {"name": "B"}])
    wanted = tiktok.audience("B")["id"]
    assert [one["name"] for one in sdk.list(custom_audience_ids=[wanted])["list"]] == ["B"]


def test_append_remove_and_replace(tiktok: Outside, sdk: Sdk) -> None:
    """APPEND adds what is new, REMOVE takes out what overlaps, REPLACE, and no action, keep the files only."""
    audience = sdk.create([sdk.upload(hashes(1500))])
    processed(tiktok)
    for action, file, count in [
        ("APPEND", hashes(2000), 2000),
        ("REMOVE", hashes(500), 1500),
        ("REPLACE", hashes(1100, "new"), 1100),
        (None, hashes(1200, "newer"), 1200),
    ]:
        sdk.update(audience, [sdk.upload(file)], action=action)
        processed(tiktok)
        assert tiktok.audience("VIP")["count"] == count
    assert tiktok.audience("VIP")["members"] == hashes(1200, "newer")
    actions = [one["action"] for one in sdk.get(audience)["audience_history"]]
    assert actions == ["replace", "replace", "remove", "append", "create"]


def test_busy_while_processing(tiktok: Outside, sdk: Sdk) -> None:
    """While a create or update is processed the next update is 40002, and later it is taken."""
    audience = sdk.create([sdk.upload(hashes(1500))])
    more = sdk.upload(hashes(10, "more"))
    assert refusal(lambda: sdk.update(audience, [more], action="APPEND")) == 40002
    processed(tiktok)
    sdk.update(audience, [more], action="APPEND")
    assert refusal(lambda: sdk.update(audience, [more], action="REMOVE")) == 40002
    assert not sdk.get(audience)["audience_details"]["is_valid"]
    processed(tiktok)
    assert tiktok.audience("VIP")["count"] == 1510


def test_audience_below_a_thousand_matches_cannot_be_edited(tiktok: Outside, sdk: Sdk) -> None:
    """A small audience never becomes valid, says so in its details, and takes no update."""
    audience = sdk.create([sdk.upload(hashes(999))])
    processed(tiktok)
    details = sdk.get(audience)["audience_details"]
    assert (details["is_valid"], "1000" in details["error_msg"]) == (False, True)
    assert refusal(lambda: sdk.update(audience, [sdk.upload(hashes(5000))], action="APPEND")) == 40002


@pytest.mark.parametrize("action", ["REMOVE", "REPLACE"])
def test_update_must_leave_a_thousand(tiktok: Outside, sdk: Sdk, action: str) -> None:
    """An update that would leave fewer than 1,000 is refused and changes nothing."""
    audience = sdk.create([sdk.upload(hashes(1500))])
    processed(tiktok)
    few = sdk.upload(hashes(501))
    assert refusal(lambda: sdk.update(audience, [few], action=action)) == 40002
    assert tiktok.audience("VIP")["count"] == 1500


def test_rows_of_another_form_show_up_later(tiktok: Outside, sdk: Sdk) -> None:
    """A clear value, an MD5 and a header pass the upload; the history tells of them once it was processed."""
    md5 = hashlib.md5(b"x", usedforsecurity=False).hexdigest()
    audience = sdk.create([sdk.upload(["email", *hashes(1200), "plain@example.org", md5])])
    assert sdk.get(audience)["audience_history"][0]["msg"] == ""
    processed(tiktok)
    assert sdk.get(audience)["audience_history"][0]["msg"].startswith("3 of 1203 rows")
    assert tiktok.audience("VIP")["members"] == hashes(1200)


def test_no_valid_row_at_all(tiktok: Outside, sdk: Sdk) -> None:
    """A file of clear values makes an empty, invalid audience, without any error when it was sent."""
    audience = sdk.create([sdk.upload(["a@example.org"] * 2000)])
    processed(tiktok)
    details = sdk.get(audience)["audience_details"]
    assert (details["is_valid"], details["cover_num"]) == (False, 0)
    assert details["error_msg"]


def test_expired_audience(tiktok: Outside, sdk: Sdk) -> None:
    """After its retention an audience is empty and invalid; it can be deleted and nothing else."""
    audience = sdk.create([sdk.upload(hashes(1500))], retention_in_days=30)
    tiktok.advance(31 * 86_400)
    details = sdk.get(audience)["audience_details"]
    assert (details["is_valid"], details["cover_num"]) == (False, 0)
    again = sdk.upload(hashes(5))
    assert refusal(lambda: sdk.update(audience, [again], action="APPEND")) == 40002
    sdk.delete(audience)
    assert sdk.list()["list"] == []
    assert refusal(lambda: sdk.delete(audience)) == 40007


def test_multiple_types(tiktok: Outside, sdk: Sdk) -> None:
    """A file of several columns needs its header; ragged rows are told of later."""
    rows = [f"{one},{two}" for one, two in zip(hashes(1100), hashes(1100, "q"), strict=True)]
    path = sdk.upload(["Email_SHA256,phone_sha256", *rows, hashes(1)[0]], "MULTIPLE_TYPES")
    audience = sdk.create([path], calculate_type="MULTIPLE_TYPES")
    processed(tiktok)
    held = tiktok.audience("VIP")
    assert (held["count"], held["members"][0]) == (1100, rows[0].split(","))
    assert sdk.get(audience)["audience_history"][0]["msg"].startswith("1 of 1101 rows")
    assert refusal(lambda: sdk.upload(rows, "MULTIPLE_TYPES")) == 40915


def test_types_must_agree(tiktok: Outside, sdk: Sdk) -> None:
    """Files of another type than the audience's are refused; MAID_SHA256 is FIRST_SHA256, for uploads only."""
    phone = sdk.upload(hashes(1500), "PHONE_SHA256")
    assert refusal(lambda: sdk.create([phone])) == 40002
    audience = sdk.create([sdk.upload(hashes(1500))])
    processed(tiktok)
    assert refusal(lambda: sdk.update(audience, [phone], action="APPEND")) == 40002
    maid = sdk.upload(hashes(5), "MAID_SHA256")
    sdk.create([maid], calculate_type="FIRST_SHA256")
    assert refusal(lambda: sdk.create([maid], calculate_type="MAID_SHA256")) == 40002


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"file_signature": "0" * 32}, 40900),
        ({"calculate_type": "EMAIL_MD5"}, 40909),
        ({"name": "people.CSV"}, 40908),
        ({"name": "people.csv.gz"}, 40908),
        ({"name": "people.zip"}, 40908),
        ({"lines": []}, 40906),
    ],
)
def test_files_refused_at_once(sdk: Sdk, change: dict[str, Any], code: int) -> None:
    """Signature, type, suffix and emptiness are checked when the file comes."""
    wanted: dict[str, Any] = {"lines": hashes(3), **change}
    assert refusal(lambda: sdk.upload(**wanted)) == code


def test_size_limit(tiktok: Outside, sdk: Sdk) -> None:
    """A file above the limit is 40907."""
    tiktok.configure(max_file_bytes=650)
    sdk.upload(hashes(10))
    assert refusal(lambda: sdk.upload(hashes(11))) == 40907


def test_file_paths(tiktok: Outside, sdk: Sdk) -> None:
    """A path is the uploading advertiser's alone, has 16 characters, and does not live for ever."""
    path = sdk.upload(hashes(3))
    assert refusal(lambda: sdk.create(["f" * 16])) == 40905
    assert refusal(lambda: sdk.create(["f" * 15])) == 40002
    assert refusal(lambda: sdk.create([path] * 501)) == 40002
    tiktok.configure(advertisers=[{"id": "8"}])
    mine, sdk.advertiser = sdk.advertiser, "8"
    assert refusal(lambda: sdk.create([path])) == 40905
    sdk.advertiser = mine
    tiktok.advance(90_000)
    assert refusal(lambda: sdk.create([path])) == 40910


@pytest.mark.parametrize(
    "change",
    [
        {"name": "x" * 129},
        {"retention_in_days": 366},
        {"audience_sub_type": "REACH"},
        {"calculate_type": "email_sha256"},
    ],
)
def test_create_checks_its_fields(sdk: Sdk, change: dict[str, Any]) -> None:
    """Lengths, ranges and enumerations are checked, case included."""
    path = sdk.upload(hashes(3))
    assert refusal(lambda: sdk.create([path], **change)) == 40002


def test_foreign_audiences_are_listed_and_cannot_be_updated(tiktok: Outside, sdk: Sdk) -> None:
    """Shared, lookalike and partner audiences are in the list; an update of one is refused."""
    tiktok.configure(
        audiences=[
            {"name": "shared", "shared": True, "is_creator": False, "size": 5000},
            {"name": "lookalike", "audience_type": "Lookalike Audience", "size": 5000},
        ]
    )
    listed = sdk.list()["list"]
    assert {(one["name"], one["shared"], one["audience_type"]) for one in listed} == {
        ("shared", True, "Customer File Audience"),
        ("lookalike", False, "Lookalike Audience"),
    }
    path = sdk.upload(hashes(3))
    for one in listed:
        assert refusal(lambda one=one: sdk.update(one["audience_id"], [path], action="APPEND")) == 40002


def test_four_hundred_audiences(tiktok: Outside, sdk: Sdk) -> None:
    """An advertiser holds 400 audiences."""
    tiktok.configure(audiences=[{"name": f"audience {number}"} for number in range(400)])
    path = sdk.upload(hashes(3))
    assert refusal(lambda: sdk.create([path])) == 40002


def test_rename_and_sub_type(tiktok: Outside, sdk: Sdk) -> None:
    """A name alone can be changed; with a sub type everything else is ignored, and there is no way back."""
    audience = sdk.create([sdk.upload(hashes(1500))])
    processed(tiktok)
    sdk.update(audience, None, custom_audience_name="renamed")
    sdk.update(audience, None, custom_audience_name="ignored", audience_sub_type="REACH_FREQUENCY")
    held = tiktok.audience("renamed")
    assert (held["count"], held["audience_sub_type"]) == (1500, "REACH_FREQUENCY")
    assert refusal(lambda: sdk.update(audience, None, audience_sub_type="NORMAL")) == 40002
    assert refusal(lambda: sdk.update(audience, None)) == 40002


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"tokens": [{"state": "expired"}]}, 40102),
        ({"tokens": [{"state": "revoked"}]}, 40105),
        ({"tokens": [{"scopes": [30]}]}, 40130),
        ({"tokens": [{"advertisers": []}]}, 40001),
    ],
)
def test_dead_tokens_and_missing_rights(tiktok: Outside, sdk: Sdk, settings: Any, code: int) -> None:
    """Expired is 40102, revoked 40105, and each missing right has its code, all in HTTP 200."""
    tiktok.configure(**settings)
    assert refusal(lambda: sdk.upload(hashes(3))) == code


def test_unknown_advertiser_and_audience(sdk: Sdk) -> None:
    """An advertiser that is not there is 40300, an audience that is not there 40002."""
    path = sdk.upload(hashes(3))
    assert refusal(lambda: sdk.update("7301234567890123456", [path], action="APPEND")) == 40002
    sdk.advertiser = "1"
    assert refusal(sdk.list) == 40300


def test_sandbox_tier_takes_one_call_a_second(tiktok: Outside, sdk: Sdk) -> None:
    """A second call within the second is 40100, a second later it is taken; thirty a minute block for five."""
    tiktok.configure(tier="sandbox")
    sdk.list()
    assert refusal(sdk.list) == 40100
    for _ in range(29):
        tiktok.advance(1.01)
        sdk.list()
    tiktok.advance(1.01)
    assert refusal(sdk.list) == 40100
    tiktok.advance(200)
    assert refusal(sdk.list) == 40100
    tiktok.advance(101)
    sdk.list()


def test_partial_success_is_an_error_to_the_sdk(tiktok: Outside, sdk: Sdk) -> None:
    """A scripted 20001 comes through as it is: TikTok's own SDK raises for every code but 0."""
    answer = {"code": 20001, "message": "Partially successful.", "request_id": "1", "data": {}}
    tiktok.fail({"route": "/list/", "status": 200, "body": answer})
    assert refusal(sdk.list) == 20001
