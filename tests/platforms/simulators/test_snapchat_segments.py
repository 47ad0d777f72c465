"""The simulated Snapchat's segments over plain HTTP: what they hold, how they are shown and listed."""

import pytest

from sandbox.platforms.outside import Outside
from sandbox.platforms.snapchat.expected import EXPECTED
from tests.platforms.simulators.snapchat_client import EMAIL, PHONE, Client, people, refused


@pytest.fixture
def client(snapchat: Outside) -> Client:
    """Return a client with the default secret."""
    return Client.of(snapchat)


def test_created_segment(client: Client) -> None:
    """A new segment has an id, is PENDING and empty, is kept for life unless told otherwise, and reads ACTIVE."""
    said = client.create(description="people who bought").json()
    (one,) = said["segments"]
    assert (said["request_status"], one["sub_request_status"]) == ("success", "success")
    segment = one["segment"]
    assert (segment["status"], segment["approximate_number_users"], segment["retention_in_days"]) == (
        "PENDING",
        0,
        9999,
    )
    read = client.shown(segment["id"])
    assert {**read, **segment, "status": "ACTIVE"} == read
    assert (read["name"], read["description"], read["ad_account_id"]) == (
        "VIP",
        "people who bought",
        client.account,
    )


def test_names_are_not_unique(client: Client) -> None:
    """The same name twice makes two segments."""
    assert client.created() != client.created()
    listed = client.ask("GET", f"adaccounts/{client.account}/segments").json()["segments"]
    assert [one["segment"]["name"] for one in listed] == ["VIP", "VIP"]


def test_several_segments_in_one_call(client: Client) -> None:
    """A call makes all of its segments, or none where one is wrong."""
    good = {"name": "A", "source_type": "FIRST_PARTY", "ad_account_id": client.account}
    path = f"adaccounts/{client.account}/segments"
    refused(client.ask("POST", path, json={"segments": [good, {**good, "name": ""}]}))
    assert client.snapchat.state()["audiences"] == []
    said = client.ask("POST", path, json={"segments": [good, {**good, "name": "B"}]}).json()
    assert [one["segment"]["name"] for one in said["segments"]] == ["A", "B"]


def test_identifiers_are_held_once(client: Client) -> None:
    """Rows sent twice count as uploaded each time and are in the segment once."""
    segment = client.created()
    answers = [client.users(segment, people(3) + people(2)) for _ in range(2)]
    assert [one.json()["users"][0]["user"]["number_uploaded_users"] for one in answers] == [5, 5]
    assert client.snapchat.audience("VIP")["members"] == people(3)


def test_removal_with_a_body(client: Client) -> None:
    """DELETE takes the body of an upload, removes of its kind only, and ignores who is not there."""
    segment = client.created()
    client.users(segment, people(5))
    client.users(segment, people(2), [PHONE])
    answer = client.users(segment, people(2) + people(1, "other"), method="DELETE")
    assert answer.json()["users"] == [{"sub_request_status": "SUCCESS", "user": {"number_uploaded_users": 3}}]
    held = client.snapchat.audience("VIP")
    assert held["members"] == people(5)[2:] + people(2)


def test_removal_of_everyone(client: Client) -> None:
    """`all_users` needs no body, empties the segment of every kind and answers with the segment."""
    segment = client.created()
    client.users(segment, people(3))
    client.users(segment, people(3), [PHONE])
    said = client.ask("DELETE", f"segments/{segment}/all_users").json()
    assert (said["request_status"], said["segments"][0]["sub_request_status"]) == ("SUCCESS", "SUCCESS")
    assert said["segments"][0]["segment"]["id"] == segment
    assert "users" not in said
    held = client.snapchat.audience("VIP")
    assert (held["count"], held["schemas"], held["members"]) == (0, [], [])


def test_state_has_a_group_of_schemas_for_each_kind(client: Client) -> None:
    """Members come kind after kind, each a row of one cell, and the demo reads them so."""
    segment = client.created()
    client.users(segment, people(2))
    client.users(segment, people(1, "phone"), [PHONE])
    client.users(segment, people(1, "more"))
    held = client.snapchat.audience("VIP")
    assert (held["id"], held["count"]) == (segment, 4)
    assert held["schemas"] == [{"schema": [EMAIL], "count": 3}, {"schema": [PHONE], "count": 1}]
    emails, phones = people(2) + people(1, "more"), people(1, "phone")
    assert held["members"] == emails + phones
    expected = {frozenset({(EMAIL, one)}) for (one,) in emails} | {frozenset({(PHONE, one)}) for (one,) in phones}
    assert EXPECTED.held(held) == expected
    assert "members" not in client.snapchat.state(members=False)["audiences"][0]


def test_upload_is_processed(client: Client) -> None:
    """Users show in the size once processing has ended; until then the size is that of before."""
    segment = client.created()
    assert states(client, segment) == ("NO_UPLOAD", "NOT_READY", 0)
    client.users(segment, people(1500))
    assert states(client, segment) == ("PROCESSING", "NOT_READY", 0)
    client.snapchat.advance(601)
    assert states(client, segment) == ("COMPLETE", "READY", 1500)
    client.users(segment, people(1000), method="DELETE")
    assert states(client, segment) == ("PROCESSING", "READY", 1500)
    client.snapchat.advance(601)
    assert states(client, segment) == ("COMPLETE", "TOO_FEW_USERS", 500)


def states(client: Client, segment: str) -> tuple[str, str, int]:
    """Read a segment's upload status, targetable status and size."""
    shown = client.shown(segment)
    return shown["upload_status"], shown["targetable_status"], shown["approximate_number_users"]


@pytest.mark.parametrize(("sent", "status", "size"), [(1998, "TOO_FEW_USERS", 999), (2000, "READY", 1000)])
def test_thousand_matched_users_are_needed(client: Client, sent: int, status: str, size: int) -> None:
    """It is the matched people that have to be 1,000, not the identifiers sent."""
    client.snapchat.configure(match_rate=0.5, processing_s=0)
    segment = client.created()
    client.users(segment, people(sent))
    assert states(client, segment) == ("COMPLETE", status, size)


def test_retention_ends(client: Client) -> None:
    """An identifier leaves when it was last sent that many days ago; lifetime never ends."""
    short, for_life = client.created(name="Short", retention_in_days=2), client.created()
    for segment in (short, for_life):
        client.users(segment, people(3))
    client.snapchat.advance(86_400)
    renewed = Client.of(client.snapchat)
    renewed.users(short, people(1))
    client.snapchat.advance(86_400)
    assert client.snapchat.audience("Short")["members"] == people(1)
    client.snapchat.advance(86_400)
    assert client.snapchat.audience("Short")["members"] == []
    client.snapchat.advance(86_400 * 9_999)
    assert client.snapchat.audience("VIP")["members"] == people(3)


@pytest.mark.parametrize(("segments", "pages"), [(50, [50]), (51, [50, 1]), (100, [50, 50])])
def test_pages(client: Client, segments: int, pages: list[int]) -> None:
    """With `limit` the list comes in pages in the order of creation, each but the last with the next's address."""
    wanted = [client.created(name=f"N{number}") for number in range(segments)]
    found, sizes = [], []
    link = f"adaccounts/{client.account}/segments?limit=50"
    while link:
        said = client.ask("GET", link).json()
        found += [one["segment"]["id"] for one in said["segments"]]
        sizes.append(len(said["segments"]))
        link = said.get("paging", {}).get("next_link", "")
    assert (found, sizes) == (wanted, pages)


def test_list_without_a_limit(client: Client) -> None:
    """Without `limit` the list is whole, has no page after it and is in no order."""
    wanted = [client.created(name=f"N{number}") for number in range(60)]
    said = client.ask("GET", f"adaccounts/{client.account}/segments").json()
    found = [one["segment"]["id"] for one in said["segments"]]
    assert sorted(found) == wanted
    assert found != wanted
    assert "paging" not in said


@pytest.mark.parametrize("query", ["", "?limit=50"])
def test_pages_can_be_made_small(client: Client, query: str) -> None:
    """`page_size` makes a few segments fill several pages, whatever the client asked for."""
    client.snapchat.configure(page_size=2)
    wanted = [client.created(name=f"N{number}") for number in range(3)]
    first = client.ask("GET", f"adaccounts/{client.account}/segments{query}").json()
    second = client.ask("GET", first["paging"]["next_link"]).json()
    assert [one["segment"]["id"] for one in first["segments"] + second["segments"]] == wanted
    assert "paging" not in second


@pytest.mark.parametrize(
    "query", ["limit=49", "limit=1001", "limit=x", "limit=", "limit=50&cursor=x", "limit=50&cursor=MQ"]
)
def test_pages_that_are_refused(client: Client, query: str) -> None:
    """A page has 50 to 1,000 segments, and a cursor is one that the list gave."""
    client.created()
    name = "cursor" if "cursor" in query else "limit"
    assert name in refused(client.ask("GET", f"adaccounts/{client.account}/segments?{query}"))


@pytest.mark.parametrize("limit", [50, 1000])
def test_pages_at_their_limits(client: Client, limit: int) -> None:
    """The smallest and the largest page are accepted."""
    answer = client.ask("GET", f"adaccounts/{client.account}/segments?limit={limit}")
    assert (answer.status_code, answer.json()["segments"]) == (200, [])
