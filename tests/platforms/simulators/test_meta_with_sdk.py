"""The simulated Meta driven by Meta's own SDK, a client nobody here wrote."""

from typing import Any

import pytest
from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.adobjects.customaudience import CustomAudience
from facebook_business.api import FacebookAdsApi
from facebook_business.session import FacebookSession

from sandbox.platforms.meta.settings import OPEN
from sandbox.platforms.outside import Outside
from tests.platforms.simulators.meta_sdk import create, digest, refusal


def test_account_says_whether_the_terms_were_accepted(meta: Outside, account: Any) -> None:
    """Reading the ad account gives the terms as the SDK's own field types expect them."""
    read = account.api_get(fields=["name", "account_status", "tos_accepted"])
    assert (read["account_status"], read["tos_accepted"]["custom_audience_tos"]) == (1, 1)
    meta.configure(accounts=[{"terms_accepted": False}])
    assert not account.api_get(fields=["tos_accepted"])["tos_accepted"]


@pytest.mark.parametrize("version", OPEN)
def test_the_sdk_speaks_every_open_version(meta: Outside, api: Any, account: Any, version: str) -> None:
    """The SDK of another version than ours creates and fills an audience as long as Meta offers its version."""
    secret = meta.secret()
    session = FacebookSession("1", secret["app_secret"], secret["access_token"], timeout=10)
    older = FacebookAdsApi(session, api_version=version)
    audience = create(AdAccount(account.get_id(), api=older))
    audience.create_user(params={"payload": {"schema": ["EMAIL"], "is_raw": True, "data": [[digest("a")]]}})
    assert meta.audience("VIP")["count"] == 1
    assert {one["route"].split("/")[1] for one in meta.requests()} == {version}


def test_two_audiences_may_have_one_name(account: Any) -> None:
    """Creating the same name twice makes two audiences with numeric text ids, longer than a float holds."""
    first, second = create(account), create(account)
    assert first["id"] != second["id"]
    assert int(first["id"]) > 2**53


def test_fetch_or_create_gives_the_audience_back(account: Any) -> None:
    """`enable_fetch_or_create` gives an existing audience of the very same name."""
    first = create(account)
    assert create(account, enable_fetch_or_create=True)["id"] == first["id"]


def test_sdk_pages_through_all_audiences(account: Any) -> None:
    """The SDK's own cursor follows the pages to the end and meets every audience once."""
    made = {create(account, f"audience {number}")["id"] for number in range(45)}
    read = list(account.get_custom_audiences(fields=["name", "subtype"], params={"limit": 20}))
    assert len(read) == 45
    assert {one["id"] for one in read} == made


def test_an_empty_account_has_no_paging(account: Any) -> None:
    """An empty list ends the SDK's iteration at once."""
    assert list(account.get_custom_audiences()) == []


def test_filtering_by_name(account: Any) -> None:
    """EQUAL finds the exact name only, CONTAIN a part of it."""
    create(account, "VIP")
    create(account, "VIP 2026")

    def names(operator: str) -> list[str]:
        wanted = {"filtering": [{"field": "name", "operator": operator, "value": "VIP"}]}
        return sorted(one["name"] for one in account.get_custom_audiences(fields=["name"], params=wanted))

    assert names("EQUAL") == ["VIP"]
    assert names("CONTAIN") == ["VIP", "VIP 2026"]


def test_too_large_a_page_is_refused(account: Any) -> None:
    """A page beyond what Meta serves is the code 1 that asks for less."""
    error = refusal(lambda: list(account.get_custom_audiences(params={"limit": 5000})))
    assert error.api_error_code() == 1


def test_sdk_adds_and_removes_people(meta: Outside, account: Any) -> None:
    """What the SDK's own helper hashes and sends ends up in the audience, once, and can be taken out."""
    audience = create(account)
    keys = CustomAudience.Schema.MultiKeySchema
    schema, people = [keys.email, keys.country], [[f"p{number}@example.org", "fr"] for number in range(30)]
    answer = audience.add_users(schema, people, is_raw=True).json()
    assert (answer["num_received"], answer["num_invalid_entries"], answer["invalid_entry_samples"]) == (30, 0, {})
    audience.add_users(schema, people, is_raw=True)
    held = meta.audience("VIP")
    assert held["count"] == 30
    assert held["members"][0] == [digest("p0@example.org"), digest("fr")]
    audience.remove_users(schema, people[:10], is_raw=True)
    assert meta.audience("VIP")["count"] == 20
    sent = meta.requests("/users")
    assert sent[0]["digest"] == sent[1]["digest"] != sent[2]["digest"]


def test_sdk_sends_one_key_in_the_old_form(meta: Outside, account: Any) -> None:
    """A single key as text takes a flat list; the audience then refuses a list of keys with code 2650."""
    audience = create(account)
    audience.add_users(CustomAudience.Schema.email_hash, ["p@example.org"])
    assert meta.audience("VIP")["members"] == [[digest("p@example.org")]]
    error = refusal(lambda: audience.add_users(["EMAIL"], [["p@example.org"]], is_raw=True))
    assert error.api_error_code() == 2650
    assert "MULTI_HASHES" in error.api_error_message()


def test_generated_methods_upload_in_a_session_and_read_it_back(account: Any) -> None:
    """`create_user` and `get_sessions` of the SDK work with a session of the sender's own number."""
    audience = create(account)
    for number in (1, 2):
        payload = {"schema": ["EMAIL"], "is_raw": True, "data": [[digest(f"{number} {row}")] for row in range(5)]}
        session = {"session_id": 9778993, "batch_seq": number, "last_batch_flag": number == 2}
        audience.create_user(params={"payload": payload, "session": session})
    read = audience.get_sessions(params={"session_id": 9778993})
    assert len(read) == 1
    assert (read[0]["num_received"], read[0]["stage"], read[0]["session_id"]) == ("10", "finished", "9778993")


def test_replace_through_the_sdk(meta: Outside, account: Any) -> None:
    """`create_users_replace` leaves the audience with what the session brought and nothing else."""
    audience = create(account)
    audience.add_users(["EMAIL"], [["old@example.org"]], is_raw=True)
    for number in (1, 2):
        payload = {"schema": ["EMAIL"], "data": [[digest(f"new {number}")]]}
        session = {"session_id": 7, "batch_seq": number, "last_batch_flag": number == 2}
        audience.create_users_replace(params={"payload": payload, "session": session})
        status = audience.api_get(fields=["operation_status"])["operation_status"]["code"]
        assert status == (414 if number == 1 else 200)
    assert meta.audience("VIP")["members"] == [[digest("new 1")], [digest("new 2")]]


def test_erasing_people_from_every_audience(meta: Outside, account: Any) -> None:
    """`usersofanyaudience` takes a person out of each audience of the account."""
    for name in ("A", "B"):
        create(account, name).add_users(["EMAIL"], [["x@example.org"], ["y@example.org"]], is_raw=True)
    payload = {"schema": ["EMAIL"], "is_raw": True, "data": [[digest("x@example.org")]]}
    account.delete_users_of_any_audience(params={"payload": payload})
    assert [one["members"] for one in meta.state()["audiences"]] == [[[digest("y@example.org")]]] * 2


def test_deleting_an_audience(account: Any) -> None:
    """A deleted audience is gone from the list and is answered with a code of its own."""
    audience = create(account)
    audience.api_delete()
    assert list(account.get_custom_audiences()) == []
    assert refusal(lambda: audience.api_get(fields=["name"])).api_error_code() == 1487366


@pytest.mark.parametrize(
    ("left_out", "words"),
    [("customer_file_source", "Missing parameter(s): customer_file_source"), ("name", "name")],
)
def test_create_names_what_is_missing(account: Any, left_out: str, words: str) -> None:
    """Leaving out a required field is code 100, naming it."""
    wanted = {"name": "VIP", "subtype": "CUSTOM", "customer_file_source": "USER_PROVIDED_ONLY"}
    del wanted[left_out]
    error = refusal(lambda: account.create_custom_audience(params=wanted))
    assert (error.http_status(), error.api_error_code()) == (400, 100)
    assert words in error.api_error_message()


@pytest.mark.parametrize(
    ("state", "subcode"),
    [("invalid", None), ("password_changed", 460), ("expired", 463), ("app_removed", 458)],
)
def test_dead_tokens(meta: Outside, account: Any, state: str, subcode: int | None) -> None:
    """A dead token is code 190 with the subcode of its cause."""
    meta.configure(tokens=[{"state": state}])
    error = refusal(lambda: account.api_get(fields=["name"]))
    assert (error.api_error_code(), error.api_error_subcode()) == (190, subcode)
    assert error.api_error_type() == "OAuthException"


def test_wrong_app_secret_is_not_a_token_error(
    meta: Outside, account: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proof made with another secret is code 100, not 190."""
    meta.configure(app_secret="another")
    error = refusal(lambda: account.api_get(fields=["name"]))
    assert (error.http_status(), error.api_error_code()) == (400, 100)
    assert error.api_error_type() == "GraphMethodException"


def test_terms_not_accepted(meta: Outside, account: Any) -> None:
    """Without the terms every write is 200/1870090, and reading still works."""
    meta.configure(accounts=[{"terms_accepted": False}])
    error = refusal(lambda: create(account))
    assert (error.api_error_code(), error.api_error_subcode()) == (200, 1870090)
    assert not error.api_transient_error()
    assert list(account.get_custom_audiences()) == []


def test_unknown_objects(api: Any) -> None:
    """Another's account and an unknown audience are 100/33, whether reading or writing."""
    stranger = AdAccount("act_1", api=api)
    ghost = CustomAudience("123456789", api=api)
    for call in (
        lambda: stranger.api_get(fields=["name"]),
        lambda: create(stranger),
        lambda: ghost.api_get(fields=["name"]),
        lambda: ghost.add_users(["EMAIL"], [["x@example.org"]], is_raw=True),
    ):
        error = refusal(call)
        assert (error.api_error_code(), error.api_error_subcode()) == (100, 33)


def test_unknown_field(account: Any) -> None:
    """Asking for a field the node does not have is code 100, naming it."""
    error = refusal(lambda: create(account).api_get(fields=["approximate_count"]))
    assert error.api_error_code() == 100
    assert "approximate_count" in error.api_error_message()


def test_flagged_audience(meta: Outside, account: Any) -> None:
    """A flagged audience shows 471 and takes no upload: 100/1713230 without type or trace id."""
    audience = create(account)
    meta.configure(audiences=[{"name": "VIP", "operation_status": 471}])
    assert audience.api_get(fields=["operation_status"])["operation_status"]["code"] == 471
    error = refusal(lambda: audience.add_users(["EMAIL"], [["x@example.org"]], is_raw=True))
    assert (error.api_error_code(), error.api_error_subcode()) == (100, 1713230)
    assert error.api_error_type() is None


def test_retired_version(meta: Outside, account: Any) -> None:
    """A version past its end is upgraded with a warning; for an app that opted out it is code 2635."""
    secret = meta.secret()
    old = FacebookAdsApi(FacebookSession(access_token=secret["access_token"]), api_version="v24.0")
    answer = old.call("GET", (account["id"],))
    assert "v24.0 has been deprecated" in answer.headers()["X-Ad-Api-Version-Warning"]
    meta.configure(auto_upgrade=False)
    error = refusal(lambda: AdAccount(account["id"], api=old).api_get(fields=["name"]))
    assert error.api_error_code() == 2635


def test_limited_tier_stops_after_twenty_writes(meta: Outside, account: Any) -> None:
    """On Limited twenty writes in five minutes fill the score; after the block they work again."""
    meta.configure(tier="limited")
    for number in range(20):
        create(account, f"audience {number}")
    error = refusal(lambda: create(account))
    assert (error.api_error_code(), error.api_error_subcode()) == (17, 2446079)
    meta.advance(301)
    create(account)


def test_service_unavailable_in_a_200(meta: Outside, account: Any) -> None:
    """A scripted body of two words with status 200 is an error to the SDK too."""
    meta.fail({"route": "/customaudiences", "status": 200, "body": "Service Unavailable"})
    assert refusal(lambda: create(account)).api_error_code() is None
    assert create(account)["id"]
