"""The simulated Meta against the limits and oddities Meta publishes, over plain HTTP."""

import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from sandbox.platforms.meta.settings import NEWEST, OPEN
from sandbox.platforms.outside import Outside


def digest(text: object) -> str:
    """Hash as a careful client does."""
    return hashlib.sha256(str(text).encode()).hexdigest()


@dataclass
class Client:
    """A bare client with the token in the header."""

    meta: Outside
    token: str
    account: str

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        """Call `path` under the newest version, unless told otherwise."""
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        url = f"{self.meta.base_url}/{options.pop('version', NEWEST)}/{path}"
        return requests.request(method, url, headers=headers, timeout=30, **options)

    def create(self, **more: Any) -> str:
        """Create an audience and give its id."""
        wanted = {"name": "VIP", "subtype": "CUSTOM", "customer_file_source": "USER_PROVIDED_ONLY", **more}
        return str(self.ask("POST", f"{self.account}/customaudiences", json=wanted).json()["id"])

    def upload(
        self, audience: str, rows: list[Any], session: Any = None, *, edge: str = "users", **more: Any
    ) -> requests.Response:
        """Send rows with the schema `["EMAIL"]` unless told otherwise."""
        body: dict[str, Any] = {"payload": {"schema": more.pop("schema", ["EMAIL"]), "is_raw": True, "data": rows}}
        if session is not None:
            body["session"] = session
        return self.ask(more.pop("method", "POST"), f"{audience}/{edge}", json={**body, **more})


@pytest.fixture
def client(meta: Outside) -> Client:
    """Return a client with the default secret."""
    secret = meta.secret()
    return Client(meta, secret["access_token"], f"act_{secret['ad_account_id']}")


def people(count: int, prefix: str = "p") -> list[list[str]]:
    """Make rows of one hashed cell."""
    return [[digest(f"{prefix}{number}")] for number in range(count)]


def code_of(answer: requests.Response) -> tuple[int, int | None]:
    """Return code and subcode of a refusal."""
    error = answer.json()["error"]
    return error["code"], error.get("error_subcode")


def test_ten_thousand_rows_and_no_more(client: Client) -> None:
    """10,000 rows are taken; one more is code 105, and thirty thousand the unknown error that looks transient."""
    audience = client.create()
    assert client.upload(audience, people(10_000)).json()["num_received"] == 10_000
    assert code_of(client.upload(audience, people(10_001))) == (105, None)
    answer = client.upload(audience, people(30_000))
    assert (answer.status_code, code_of(answer)) == (500, (1, 99))
    assert client.meta.state(members=False)["audiences"][0]["count"] == 10_000


@pytest.mark.parametrize("encoding", ["json", "form", "multipart", "json with texts"])
def test_every_encoding_is_read(client: Client, encoding: str) -> None:
    """One JSON body, a form and a multipart form with JSON texts all say the same."""
    audience = client.create()
    payload = {"schema": ["EMAIL"], "data": people(3)}
    text = json.dumps(payload)
    by_encoding: dict[str, dict[str, Any]] = {
        "json": {"json": {"payload": payload}},
        "form": {"data": {"payload": text}},
        "multipart": {"files": {"payload": (None, text)}},
        "json with texts": {"json": {"payload": text}},
    }
    options = by_encoding[encoding]
    assert client.ask("POST", f"{audience}/users", **options).json()["num_received"] == 3
    assert client.meta.audience("VIP")["members"] == people(3)


@pytest.mark.parametrize("way", ["DELETE with a body", "POST with method=DELETE"])
def test_removal_with_a_body(client: Client, way: str) -> None:
    """Both documented ways to remove without putting people into the address work for an app older than v27.0."""
    client.meta.configure(new_app=False)
    audience = client.create()
    client.upload(audience, people(5))
    answer = (
        client.upload(audience, people(2), method="DELETE")
        if way.startswith("DELETE")
        else client.ask(
            "POST",
            f"{audience}/users",
            data={"method": "DELETE", "payload": json.dumps({"schema": ["EMAIL"], "data": people(2)})},
        )
    )
    assert answer.json()["num_received"] == 2
    assert client.meta.audience("VIP")["members"] == people(5)[2:]


def test_a_new_app_may_not_override_the_method(client: Client) -> None:
    """A POST that says method=DELETE is refused for an app made after v27.0, and removes nobody."""
    audience = client.create()
    client.upload(audience, people(2))
    fields = {"method": "DELETE", "payload": json.dumps({"schema": ["EMAIL"], "data": people(2)})}
    assert code_of(client.ask("POST", f"{audience}/users", data=fields))[0] == 100
    assert client.meta.audience("VIP")["count"] == 2


@pytest.mark.parametrize("version", OPEN)
def test_every_open_version_is_served(client: Client, version: str) -> None:
    """A call to a version that Meta still offers is answered as one to that version."""
    answer = client.ask("GET", client.account, version=version)
    assert (answer.status_code, answer.headers["facebook-api-version"]) == (200, version)


def test_a_version_that_has_ended_is_refused_or_upgraded(client: Client) -> None:
    """A retired version is code 2635 or, for an app that is upgraded, a newer version with a warning header."""
    assert code_of(client.ask("GET", client.account, version="v24.0"))[0] == 2635
    client.meta.configure(auto_upgrade=True)
    answer = client.ask("GET", client.account, version="v24.0")
    assert (answer.status_code, answer.headers["facebook-api-version"]) == (200, NEWEST)
    assert NEWEST in answer.headers["x-ad-api-version-warning"]


def test_a_version_that_is_not_released_is_no_path(client: Client) -> None:
    """A version newer than the newest is answered as an unknown path."""
    assert code_of(client.ask("GET", client.account, version="v99.0"))[0] == 2500


def test_removing_nobody_is_no_error(client: Client) -> None:
    """Removing someone who is not a member answers as if they were."""
    audience = client.create()
    client.upload(audience, people(3))
    assert client.upload(audience, people(1, "stranger"), method="DELETE").json()["num_received"] == 1
    assert client.meta.audience("VIP")["count"] == 3


def test_removal_with_other_columns(client: Client) -> None:
    """Meta matches people, not rows: one identifier alone takes out the person who has it."""
    audience = client.create()
    rows = [[digest(f"e{n}"), digest(f"p{n}"), digest("fr"), f"crm-{n}"] for n in range(5)]
    client.upload(audience, rows, schema=["EMAIL", "PHONE", "COUNTRY", "EXTERN_ID"])
    client.upload(audience, [[digest("e0")]], method="DELETE")
    client.upload(audience, [[digest("p1"), ""]], schema=["PHONE", "EMAIL"], method="DELETE")
    client.upload(audience, [["crm-2"]], schema=["EXTERN_ID"], method="DELETE")
    client.upload(audience, [[digest("fr")]], schema=["COUNTRY"], method="DELETE")
    assert client.meta.audience("VIP")["members"] == rows[3:]


def test_removing_everybody_is_refused(client: Client) -> None:
    """A removal that leaves nobody is 200/1870047 with status 400, and nobody is removed."""
    audience = client.create()
    client.upload(audience, people(3))
    answer = client.upload(audience, people(3), method="DELETE")
    assert (answer.status_code, code_of(answer)) == (400, (200, 1870047))
    assert client.meta.audience("VIP")["count"] == 3


def test_compressed_bodies_are_refused(client: Client) -> None:
    """Nothing public says Meta takes gzip, so neither does this one."""
    answer = client.ask("POST", f"{client.create()}/users", data=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})
    assert code_of(answer)[0] == 100


def test_invalid_rows_are_counted_not_refused(client: Client) -> None:
    """Cells that are no lower-case SHA-256 make their rows invalid; the others are applied."""
    audience = client.create()
    bad: list[list[Any]] = [["plain@example.org"], [digest(1).upper()], [digest(2)[:32]], [""], [None], [7]]
    answer = client.upload(audience, [*bad, [digest(3)]])
    assert answer.status_code == 200
    assert (answer.json()["num_received"], answer.json()["num_invalid_entries"]) == (7, 6)
    assert answer.json()["invalid_entry_samples"]['["plain@example.org"]'] == "invalid hash"
    assert client.meta.audience("VIP")["members"] == [[digest(3)]]


def test_at_most_a_hundred_samples(client: Client) -> None:
    """However many rows are invalid, a hundred are shown."""
    answer = client.upload(client.create(), [[f"row {number}"] for number in range(150)]).json()
    assert (answer["num_invalid_entries"], len(answer["invalid_entry_samples"])) == (150, 100)


def test_blank_external_id_is_invalid_and_blank_hash_is_not(client: Client) -> None:
    """A blank under EXTERN_ID makes the row invalid with Meta's reason; under a hashed key it does not."""
    audience = client.create()
    rows = [[digest(1), "", ""], [digest(1), "", "crm-7"], ["", digest(2), "crm-8"]]
    answer = client.upload(audience, rows, schema=["EMAIL", "PHONE", "EXTERN_ID"]).json()
    assert answer["invalid_entry_samples"] == {json.dumps(rows[0], separators=(",", ":")): "empty external ID"}
    assert client.meta.audience("VIP")["members"] == rows[1:]


def test_rows_come_back_as_sent(client: Client) -> None:
    """State shows each schema's rows in the sender's own order of keys, numbers and lists included."""
    audience = client.create(is_value_based=True)
    first = [digest("fr"), digest("e"), 12.5, "0a1b-22", ["LDU"]]
    keys = ["COUNTRY", "EMAIL", "LOOKALIKE_VALUE", "MADID", "DATA_PROCESSING_OPTIONS"]
    client.upload(audience, [first], schema=keys)
    client.upload(audience, [[digest("g"), "3"]], schema=["EMAIL", "LOOKALIKE_VALUE"])
    held = client.meta.audience("VIP")
    assert held["members"] == [first, [digest("g"), "3"]]
    assert held["schemas"] == [
        {"schema": keys, "count": 1},
        {"schema": ["EMAIL", "LOOKALIKE_VALUE"], "count": 1},
    ]


@pytest.mark.parametrize("blank", [False, True])
def test_hashed_rows_come_back_in_any_order_of_keys(client: Client, blank: bool) -> None:
    """Rows of hashed keys alone, full or with blank cells, come back as sent."""
    keys = ["COUNTRY", "FN", "PHONE", "EMAIL", "LN"]
    rows = [["" if blank and (n + m) % 3 == 0 else digest(f"{n}.{m}") for m in range(5)] for n in range(9)]
    assert client.upload(client.create(), rows, schema=keys).json()["num_invalid_entries"] == 0
    assert client.meta.audience("VIP")["members"] == rows


def test_order_of_keys_makes_no_other_person(client: Client) -> None:
    """The same person sent with the keys in another order is one member."""
    audience = client.create()
    client.upload(audience, [[digest("e"), digest("p")]], schema=["EMAIL", "PHONE"])
    client.upload(audience, [[digest("p"), digest("e")]], schema=["PHONE", "EMAIL"])
    assert client.meta.audience("VIP")["count"] == 1


def test_value_based_audience_needs_its_value(client: Client) -> None:
    """Every upload to a value-based audience carries LOOKALIKE_VALUE, removals too."""
    audience = client.create(is_value_based=True)
    assert code_of(client.upload(audience, people(1)))[0] == 100
    rows = [[digest(1), 5], [digest(2), -1], [digest(3), 2]]
    assert client.upload(audience, rows, schema=["EMAIL", "LOOKALIKE_VALUE"]).json()["num_invalid_entries"] == 1
    assert code_of(client.upload(audience, people(1), method="DELETE"))[0] == 100
    client.upload(audience, [[digest(1), 0]], schema=["EMAIL", "LOOKALIKE_VALUE"], method="DELETE")
    assert client.meta.audience("VIP")["members"] == [[digest(3), 2]]


@pytest.mark.parametrize(
    "change",
    [
        {"schema": ["E-MAIL"]},
        {"schema": []},
        {"schema": ["EMAIL", "EMAIL"]},
        {"data": []},
        {"data": [[digest(1), digest(2)]]},
        {"data": [digest(1)]},
    ],
)
def test_malformed_payloads(client: Client, change: dict[str, Any]) -> None:
    """What is no upload at all is code 100 and changes nothing."""
    payload = {"schema": ["EMAIL"], "data": people(1), **change}
    answer = client.ask("POST", f"{client.create()}/users", json={"payload": payload})
    assert (answer.status_code, code_of(answer)[0]) == (400, 100)
    assert not client.meta.requests("/users")[0]["applied"]


@pytest.mark.parametrize(
    "session",
    [
        {"session_id": 0, "batch_seq": 1},
        {"session_id": 2**63, "batch_seq": 1},
        {"session_id": 5, "batch_seq": 0},
        {"session_id": 5},
        {"session_id": "x", "batch_seq": 1},
    ],
)
def test_malformed_sessions(client: Client, session: dict[str, Any]) -> None:
    """A session number is a positive 64-bit integer and batches count from 1."""
    assert code_of(client.upload(client.create(), people(1), session))[0] == 100


def test_received_counts_the_session_so_far(client: Client) -> None:
    """`num_received` grows with the session; a batch sent again is received again but changes no member."""
    audience = client.create()
    seen = [
        client.upload(audience, people(4), {"session_id": 2**63 - 1, "batch_seq": batch}).json()
        for batch in (1, 1, 2)
    ]
    assert [one["num_received"] for one in seen] == [4, 8, 12]
    assert seen[0]["session_id"] == str(2**63 - 1)
    assert client.meta.audience("VIP")["count"] == 4


def test_reading_a_session_back_by_field(client: Client) -> None:
    """The sessions edge gives the fields asked for, as texts; an unknown session is an empty list."""
    audience = client.create()
    client.upload(audience, people(4), {"session_id": 5, "batch_seq": 1})
    wanted = {"session_id": 5, "fields": "stage,num_received"}
    read = client.ask("GET", f"{audience}/sessions", params=wanted).json()
    assert read == {"data": [{"stage": "uploading", "num_received": "4"}]}
    assert client.ask("GET", f"{audience}/sessions", params={"session_id": 6}).json() == {"data": []}
    assert code_of(client.ask("GET", f"{audience}/sessions", params={"fields": "batches"}))[0] == 100


@pytest.mark.parametrize("end", ["last batch", "ninety minutes"])
def test_batches_after_the_end_are_thrown_away(client: Client, end: str) -> None:
    """After its last batch, or ninety minutes, a session answers 200 and takes nothing."""
    audience = client.create()
    client.upload(audience, people(2), {"session_id": 5, "batch_seq": 1, "last_batch_flag": end == "last batch"})
    if end == "ninety minutes":
        client.meta.advance(90 * 60)
    answer = client.upload(audience, people(9), {"session_id": 5, "batch_seq": 2})
    assert (answer.status_code, answer.json()["num_received"]) == (200, 2)
    assert client.meta.audience("VIP")["count"] == 2
    assert [one["applied"] for one in client.meta.requests("/users")] == [True, False]


def test_a_session_belongs_to_one_audience(client: Client) -> None:
    """A session number is unique in the ad account."""
    client.upload(client.create(name="A"), people(1), {"session_id": 5, "batch_seq": 1})
    answer = client.upload(client.create(name="B"), people(1), {"session_id": 5, "batch_seq": 1})
    assert code_of(answer)[0] == 100


def test_meta_s_own_session_identifies_nothing(client: Client) -> None:
    """Without a session Meta makes one up: the same for every request of a schema and verb, in every audience."""
    first, second = client.create(), client.create()
    ids = {client.upload(one, people(1, one)).json()["session_id"] for one in (first, first, second)}
    assert len(ids) == 1
    assert client.upload(first, people(1), schema=["PHONE"]).json()["session_id"] not in ids


def replaced(client: Client, audience: str, session: int, batch: int, *, last: bool = False) -> requests.Response:
    """Send one batch of a replace."""
    numbers = {"session_id": session, "batch_seq": batch, "last_batch_flag": last}
    return client.upload(audience, people(2, f"{session}/{batch}/"), numbers, edge="usersreplace")


def test_replace_needs_its_first_batch(client: Client) -> None:
    """A batch 2 without a batch 1 is 2650/1870147, and no session at all is code 100."""
    audience = client.create()
    assert code_of(replaced(client, audience, 5, 2)) == (2650, 1870147)
    assert code_of(client.upload(audience, people(1), edge="usersreplace"))[0] == 100


def test_one_replace_at_a_time_and_nothing_beside_it(client: Client) -> None:
    """While a replace runs, a second one, its own first batch again, adds and removals are all 2650/1870145."""
    audience = client.create()
    assert replaced(client, audience, 5, 1).status_code == 200
    busy = [
        replaced(client, audience, 5, 1),
        replaced(client, audience, 6, 1),
        client.upload(audience, people(1)),
        client.upload(audience, people(1), method="DELETE"),
    ]
    assert {code_of(one) for one in busy} == {(2650, 1870145)}


def test_later_batches_come_in_any_order_and_again(client: Client) -> None:
    """After batch 1 the others may be shuffled and repeated; the audience holds each person once."""
    audience = client.create()
    client.upload(audience, people(9, "old"))
    for batch in (1, 3, 2, 3):
        assert replaced(client, audience, 5, batch).status_code == 200
    assert client.meta.audience("VIP")["count"] == 9
    replaced(client, audience, 5, 4, last=True)
    assert client.meta.audience("VIP")["count"] == 8
    assert code_of(replaced(client, audience, 5, 5)) == (2650, 1870159)


def test_replace_keeps_one_schema(client: Client) -> None:
    """Another schema within a replace session is 2650."""
    audience = client.create()
    replaced(client, audience, 5, 1)
    session = {"session_id": 5, "batch_seq": 2}
    answer = client.upload(audience, people(1), session, edge="usersreplace", schema=["PHONE"])
    assert code_of(answer)[0] == 2650


def test_replace_that_runs_out_of_time(client: Client) -> None:
    """After ninety minutes the session is 2650/1870158 and the audience holds what had arrived."""
    audience = client.create()
    client.upload(audience, people(9, "old"))
    replaced(client, audience, 5, 1)
    client.meta.advance(90 * 60)
    assert code_of(replaced(client, audience, 5, 2)) == (2650, 1870158)
    assert client.meta.audience("VIP")["members"] == people(2, "5/1/")
    assert client.upload(audience, people(1)).status_code == 200


def test_replace_goes_on_after_the_last_batch(client: Client) -> None:
    """With `replacing_s` set the audience stays 414 for a while, and the clock ends it."""
    client.meta.configure(replacing_s=600)
    audience = client.create()
    replaced(client, audience, 5, 1, last=True)
    assert code_of(client.upload(audience, people(1))) == (2650, 1870145)
    client.meta.advance(601)
    assert client.upload(audience, people(1)).status_code == 200


def test_a_hundred_million_people_are_not_replaced(client: Client) -> None:
    """An audience of that size is 2650/1870144."""
    audience = client.create()
    client.meta.configure(audiences=[{"name": "VIP", "size": 100_000_000}])
    assert code_of(replaced(client, audience, 5, 1)) == (2650, 1870144)


def test_filling_audience_takes_no_replace(client: Client) -> None:
    """With `matching_s` set an upload leaves the audience at 441, usable for adds and not for a replace."""
    client.meta.configure(matching_s=60)
    audience = client.create()
    client.upload(audience, people(1))
    status = client.ask("GET", audience, params={"fields": "operation_status"}).json()["operation_status"]
    assert status["code"] == 441
    assert client.upload(audience, people(2)).status_code == 200
    assert code_of(replaced(client, audience, 5, 1)) == (2650, 1870145)
    client.meta.advance(61)
    assert replaced(client, audience, 5, 1).status_code == 200


def test_new_audience_not_known_everywhere(client: Client) -> None:
    """With `early_calls` the first uploads after create are code 803, then they work."""
    client.meta.configure(early_calls=2)
    audience = client.create()
    answers = [client.upload(audience, people(1)) for _ in range(3)]
    assert [one.status_code == 200 for one in answers] == [False, False, True]
    assert code_of(answers[0])[0] == 803


def test_usage_headers_differ_by_call(client: Client) -> None:
    """Uploads carry the account's and the app's usage, all else the business one with minutes."""
    audience = client.create()
    upload = client.upload(audience, people(1))
    assert "X-Ad-Account-Usage" in upload.headers
    assert "X-App-Usage" in upload.headers
    assert "X-Business-Use-Case-Usage" not in upload.headers
    read = client.ask("GET", f"{client.account}/customaudiences")
    usage = json.loads(read.headers["X-Business-Use-Case-Usage"])[client.account.removeprefix("act_")][0]
    assert usage["type"] == "custom_audience"


def test_blocked_calls_lengthen_the_block(client: Client) -> None:
    """On Limited the block lasts 300 s from the last call made while blocked, as the seconds header says."""
    client.meta.configure(tier="limited")
    audience = client.create()
    for number in range(19):
        client.upload(audience, people(1, str(number)))
    answer = client.upload(audience, people(1))
    assert code_of(answer) == (17, 2446079)
    usage = json.loads(answer.headers["X-Ad-Account-Usage"])
    assert (usage["acc_id_util_pct"], usage["reset_time_duration"]) == (100, 300)
    client.meta.advance(200)
    assert code_of(client.upload(audience, people(1)))[0] == 17
    client.meta.advance(200)
    assert code_of(client.upload(audience, people(1)))[0] == 17
    client.meta.advance(301)
    assert client.upload(audience, people(1)).status_code == 200


def test_hourly_quota(client: Client) -> None:
    """Beyond the hour's calls it is 80003, with the minutes to wait in the business header."""
    client.meta.configure(hourly_quota=2)
    audience = client.create()
    client.upload(audience, people(1))
    answer = client.upload(audience, people(1))
    assert code_of(answer) == (80003, 2446079)
    usage = json.loads(answer.headers["X-Business-Use-Case-Usage"])
    (one,) = next(iter(usage.values()))
    assert one["estimated_time_to_regain_access"] == 60
    client.meta.advance(3601)
    assert client.upload(audience, people(1)).status_code == 200


def test_next_page_carries_the_token(client: Client) -> None:
    """As Meta's does, `paging.next` holds the token; the last page has cursors and no next."""
    for number in range(3):
        client.create(name=f"audience {number}")
    page = client.ask("GET", f"{client.account}/customaudiences", params={"limit": 2, "fields": "id,name"}).json()
    assert client.token in page["paging"]["next"]
    last = requests.get(page["paging"]["next"], timeout=30).json()
    assert [one["name"] for one in page["data"] + last["data"]] == ["audience 2", "audience 1", "audience 0"]
    assert set(last["paging"]) == {"cursors"}


def test_five_hundred_audiences(client: Client) -> None:
    """An ad account holds 500 customer-file audiences; a 501st is refused."""
    client.meta.configure(audiences=[{"name": f"audience {number}"} for number in range(500)])
    wanted = {"name": "one more", "subtype": "CUSTOM", "customer_file_source": "USER_PROVIDED_ONLY"}
    assert code_of(client.ask("POST", f"{client.account}/customaudiences", json=wanted))[0] == 2654


def test_tokens_in_every_place_and_none(client: Client) -> None:
    """A token works in the header or as a parameter; without one it is code 104."""
    url = f"{client.meta.base_url}/v27.0/{client.account}"
    assert requests.get(url, params={"access_token": client.token}, timeout=30).status_code == 200
    assert code_of(requests.get(url, timeout=30)) == (104, None)


def test_app_secret_proof(client: Client) -> None:
    """A right proof passes, with or without a time; none is refused when the app requires one."""
    client.meta.configure(require_appsecret_proof=True)
    secret = client.meta.secret()["app_secret"].encode()

    def proof(message: str) -> str:
        return hmac.new(secret, message.encode(), hashlib.sha256).hexdigest()

    plain = {"appsecret_proof": proof(client.token)}
    timed = {"appsecret_proof": proof(f"{client.token}|1700000000"), "appsecret_time": "1700000000"}
    assert client.ask("GET", client.account, params=plain).status_code == 200
    assert client.ask("GET", client.account, params=timed).status_code == 200
    assert code_of(client.ask("GET", client.account)) == (100, None)


def test_rights(client: Client) -> None:
    """A token without the account is 100/33, without the permission 294; a disabled account is not written to."""
    wanted = {"name": "VIP", "subtype": "CUSTOM", "customer_file_source": "USER_PROVIDED_ONLY"}

    def write() -> tuple[int, int | None]:
        return code_of(client.ask("POST", f"{client.account}/customaudiences", json=wanted))

    client.meta.configure(tokens=[{"accounts": []}])
    assert write() == (100, 33)
    client.meta.configure(tokens=[{"accounts": None, "permissions": ["ads_read"]}])
    assert write()[0] == 294
    client.meta.configure(tokens=[{"permissions": ["ads_management"]}], accounts=[{"account_status": 2}])
    assert write() == (2654, 1713092)


def test_second_account_and_token(client: Client) -> None:
    """Accounts and tokens added by a test live beside the default ones, each with its own audiences."""
    client.meta.configure(accounts=[{"id": "77"}], tokens=[{"token": "second", "accounts": ["77"]}])
    second = Client(client.meta, "second", "act_77")
    second.create(name="theirs")
    assert client.ask("GET", f"{client.account}/customaudiences").json() == {"data": []}
    assert len(second.ask("GET", "act_77/customaudiences").json()["data"]) == 1
    assert code_of(second.ask("GET", client.account)) == (100, 33)
