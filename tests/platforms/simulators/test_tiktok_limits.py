"""The simulated TikTok where its own SDK cannot look: envelope, routes, bodies and faults, over plain HTTP."""

import hashlib
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from sandbox.platforms.outside import Outside
from sandbox.platforms.server import running
from sandbox.platforms.tiktok.app import build
from sandbox.platforms.tiktok.settings import TikTokSettings

LINES = b"".join(hashlib.sha256(b"%d" % number).hexdigest().encode() + b"\n" for number in range(1500))


@dataclass
class Client:
    """A bare client with the token in the header."""

    tiktok: Outside
    token: str
    advertiser: str

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        """Call `path` below the audiences' prefix."""
        headers = {"Access-Token": self.token, **options.pop("headers", {})}
        url = f"{self.tiktok.base_url}/open_api/v1.3/dmp/custom_audience/{path}"
        return requests.request(method, url, headers=headers, timeout=30, **options)

    def upload(self, data: bytes = LINES, **change: Any) -> requests.Response:
        """Upload a file."""
        form = {
            "advertiser_id": self.advertiser,
            "file_signature": hashlib.md5(data, usedforsecurity=False).hexdigest(),
            "calculate_type": "EMAIL_SHA256",
            **change,
        }
        form = {name: value for name, value in form.items() if value is not None}
        return self.ask("POST", "file/upload/", data=form, files={"file": ("people.csv", data)})

    def create(self, path: str, **change: Any) -> requests.Response:
        """Create an audience of one file."""
        body = {
            "advertiser_id": self.advertiser,
            "custom_audience_name": "VIP",
            "calculate_type": "EMAIL_SHA256",
            "file_paths": [path],
            **change,
        }
        return self.ask("POST", "create/", json=body)


@pytest.fixture
def client(tiktok: Outside) -> Client:
    """Return a client with the default secret."""
    secret = tiktok.secret()
    return Client(tiktok, secret["ACCESS_TOKEN"], secret["ADVERTISER_ID"])


def test_a_refusal_is_http_200(client: Client) -> None:
    """A refusal has status 200, a code, a message, empty data and the request id that a header repeats."""
    answer = client.create("f" * 16)
    said = answer.json()
    assert (answer.status_code, said["code"], said["data"]) == (200, 40905, {})
    assert said["request_id"] == answer.headers["X-TT-LOGID"]
    assert "Retry-After" not in answer.headers


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "list", 404), ("GET", "nothing/", 404), ("POST", "list/", 405), ("GET", "create/", 405)],
)
def test_wrong_routes_are_not_in_an_envelope(client: Client, method: str, path: str, status: int) -> None:
    """Without its trailing slash, or with another method, a route is plain text."""
    answer = client.ask(method, path, params={"advertiser_id": client.advertiser})
    assert answer.status_code == status
    assert not answer.text.startswith("{")


def test_token_belongs_in_its_header(client: Client) -> None:
    """Without `Access-Token` it is 40104, also with the token in the query; a wrong one is 40105."""
    url = f"{client.tiktok.base_url}/open_api/v1.3/dmp/custom_audience/list/"
    query = {"advertiser_id": client.advertiser, "access_token": client.token}
    assert requests.get(url, params=query, timeout=30).json()["code"] == 40104
    assert client.ask("GET", "list/", headers={"Access-Token": "x"}).json()["code"] == 40105


@pytest.mark.parametrize("left_out", ["advertiser_id", "file_signature", "calculate_type"])
def test_upload_names_what_is_missing(client: Client, left_out: str) -> None:
    """Each part of the form is required."""
    said = client.upload(LINES, **{left_out: None}).json()
    assert said["code"] == 40002
    assert left_out in said["message"]


def test_upload_without_a_file(client: Client) -> None:
    """A form without the file part is 40002."""
    form = {"advertiser_id": client.advertiser, "file_signature": "x", "calculate_type": "EMAIL_SHA256"}
    said = client.ask("POST", "file/upload/", files={name: (None, value) for name, value in form.items()}).json()
    assert (said["code"], "file" in said["message"]) == (40002, True)


def test_ids_are_texts(client: Client) -> None:
    """An advertiser id sent as a JSON number is refused: version 1.3 has texts."""
    path = client.upload().json()["data"]["file_path"]
    assert client.create(path, advertiser_id=int(client.advertiser)).json()["code"] == 40002


@pytest.mark.parametrize("body", [b"{", b"[]", b""])
def test_bodies_that_are_no_object(client: Client, body: bytes) -> None:
    """A body that is not a JSON object is a bad request, in HTTP 200."""
    answer = client.ask("POST", "create/", data=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (200, 40000)


@pytest.mark.parametrize(
    ("data", "good", "bad"),
    [
        (LINES.rstrip(b"\n"), 1500, 0),
        (LINES.upper(), 1500, 0),
        (LINES + LINES, 1500, 0),
        (b"\xef\xbb\xbf" + LINES, 1499, 1),
        (LINES + b"\n\n", 1500, 2),
        (LINES.replace(b"\n", b"\r\n"), 1500, 0),
        (LINES[:65].replace(b"a", b" ") + LINES[65:], 1499, 1),
        (b'"' + LINES[:64] + b'"\n' + LINES[65:], 1499, 1),
        (b"x" * 64 + b"\n" + LINES, 1500, 1),
    ],
    ids=["no last LF", "upper case", "twice", "BOM", "blank lines", "CRLF", "spaces", "quotes", "no hex"],
)
def test_what_a_line_may_be(client: Client, data: bytes, good: int, bad: int) -> None:
    """Only 64 hexadecimal digits and LF or CRLF have the form; each identifier counts once, in either case."""
    client.create(client.upload(data).json()["data"]["file_path"])
    client.tiktok.advance(3601)
    held = client.tiktok.audience("VIP")
    assert held["count"] == good
    message = held["history"][0]["msg"]
    assert message.startswith(f"{bad} of ") if bad else message == ""


def test_journal_counts_lines_and_digests_files(client: Client) -> None:
    """An upload's digest is that of its file; a create's rows are its files' lines."""
    first, second = (client.upload().json()["data"]["file_path"] for _ in range(2))
    client.create(first)
    client.create(second)
    uploads, creates = client.tiktok.requests("/upload/"), client.tiktok.requests("/create/")
    assert {one["digest"] for one in uploads} == {hashlib.sha256(LINES).hexdigest()}
    assert [one["rows"] for one in uploads + creates] == [1500] * 4
    assert creates[0]["digest"] == creates[1]["digest"]
    assert all(one["applied"] for one in uploads + creates)


def test_create_whose_answer_was_lost(client: Client) -> None:
    """The audience is there although nobody was told: a client has to list before it creates again."""
    path = client.upload().json()["data"]["file_path"]
    client.tiktok.fail({"route": "/create/", "drop": "after"})
    with pytest.raises(requests.ConnectionError):
        client.create(path)
    listed = client.ask("GET", "list/", params={"advertiser_id": client.advertiser}).json()["data"]["list"]
    assert [one["name"] for one in listed] == ["VIP"]


def test_upload_cut_off(client: Client) -> None:
    """An upload dropped before leaves nothing; its row in the journal knows what was sent."""
    client.tiktok.fail({"route": "/upload/", "drop": "before"})
    with pytest.raises(requests.ConnectionError):
        client.upload()
    (row,) = client.tiktok.requests("/upload/")
    assert (row["applied"], row["rows"]) == (False, 1500)
    assert client.tiktok.state()["files"] == 0


def test_state_of_a_running_update(client: Client) -> None:
    """While an update is processed the state shows what the audience still holds, and that work is under way."""
    audience = client.create(client.upload().json()["data"]["file_path"]).json()["data"]["custom_audience_id"]
    client.tiktok.advance(3601)
    path = client.upload(LINES[: 65 * 1200]).json()["data"]["file_path"]
    body = {"advertiser_id": client.advertiser, "custom_audience_id": audience, "file_paths": [path]}
    assert client.ask("POST", "update/", json=body).json()["code"] == 0
    held = client.tiktok.audience("VIP")
    assert (held["count"], held["processing"]) == (1500, True)
    client.tiktok.advance(3601)
    held = client.tiktok.audience("VIP")
    assert (held["count"], held["processing"]) == (1200, False)


def test_processing_takes_hours_unless_the_start_says_otherwise(client: Client) -> None:
    """By default an audience is busy for a day; settings of the start hold after a reset, too."""
    assert TikTokSettings().processing_s == 24 * 3600
    app = build()
    app.state.face.begin_with({"processing_s": 1})
    with running(app) as url:
        outside = Outside(url)
        outside.configure(processing_s=600)
        outside.reset()
        assert requests.get(f"{url}/_sim/config", timeout=5).json()["processing_s"] == 1
    client.tiktok.reset()
    client.tiktok.configure(tier="unlimited", match_rate=1.0)
    client.create(client.upload().json()["data"]["file_path"])
    for hours, busy in ((23, True), (2, False)):
        client.tiktok.advance(hours * 3600)
        assert client.tiktok.audience("VIP")["processing"] is busy
