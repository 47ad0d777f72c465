"""The simulated CI360: links as S3 signs them, tasks as CI360 runs them, events as its gateway takes them."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import urllib3

from sandbox.platforms.ci360.app import build
from sandbox.platforms.outside import Outside
from sandbox.platforms.server import running

DATA = "1,a@b.example\n" * 1000


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Serve the simulated CI360."""
    with running(build()) as served:
        yield served


@pytest.fixture
def ci360(url: str) -> Outside:
    """Return it with nothing in it."""
    outside = Outside(url)
    outside.reset()
    return outside


def task(ci360: Outside, **changes: Any) -> Any:
    """Run a task that calls nobody, unless it says whom."""
    given = {"webhook": "", "api_key": "key", "s3_filename": "a.csv", "data": DATA, "calls": 0, **changes}
    return urllib3.request("POST", f"{ci360.base_url}/tasks", json=given).json()


def get(ci360: Outside, link: str, **headers: str) -> urllib3.BaseHTTPResponse:
    """Fetch a link, trusting the simulator's authority."""
    context = ssl.create_default_context(cadata=ci360.state()["authority"])
    return urllib3.PoolManager(ssl_context=context, retries=False).request("GET", link, headers=headers)


def test_a_link_fetches_its_file_over_tls(ci360: Outside) -> None:
    """Data and metadata, each behind a link of its own, whole or by range."""
    links = task(ci360, columns=["identity_id", "email"])["body"]["presignedUrls"]
    data = get(ci360, links["dataFile"])
    assert (data.status, data.data) == (200, DATA.encode())
    part = get(ci360, links["dataFile"], Range="bytes=10-19")
    assert (part.status, part.data) == (206, DATA.encode()[10:20])
    assert part.headers["Content-Range"] == f"bytes 10-19/{len(DATA)}"
    assert json.loads(get(ci360, links["metadataFile"]).data)[1]["columnName"] == "email"


def test_a_link_is_good_for_its_time_and_its_path(ci360: Outside) -> None:
    """Changed or too old it is refused in S3's words."""
    link = task(ci360)["body"]["presignedUrls"]["dataFile"]
    assert get(ci360, link.replace("data.csv", "metadata.json")).status == 403
    assert get(ci360, link.replace("X-Amz-Expires=3600", "X-Amz-Expires=9999")).status == 403
    ci360.advance(3601)
    late = get(ci360, link)
    assert late.status == 403
    assert b"Request has expired" in late.data


@pytest.mark.parametrize(
    ("settings", "seen"),
    [
        ({"redirect_to": "http://127.0.0.1:1/"}, {"status": 302}),
        ({"no_length": True}, {"length": None}),
        ({"encoding": "gzip"}, {"encoding": "gzip"}),
        ({"ignore_ranges": True}, {"status": 200}),
    ],
)
def test_answers_go_wrong_on_demand(ci360: Outside, settings: Mapping[str, Any], seen: Mapping[str, Any]) -> None:
    """Each setting does what it says, and a reset ends it."""
    link = task(ci360)["body"]["presignedUrls"]["dataFile"]
    ci360.configure(**settings)
    context = ssl.create_default_context(cadata=ci360.state()["authority"])
    answer = urllib3.PoolManager(ssl_context=context, retries=False).request(
        "GET", link, headers={"Range": "bytes=5-"}, redirect=False, preload_content=False
    )
    found = {
        "status": answer.status,
        "length": answer.headers.get("Content-Length"),
        "encoding": answer.headers.get("Content-Encoding"),
    }
    answer.close()
    assert seen.items() <= found.items()


def test_a_task_calls_as_ci360_does(ci360: Outside) -> None:
    """One POST with the key in its header and the body's keys in SAS's order, as often as it is told to."""
    run = task(ci360, webhook=f"{ci360.base_url}/marketingGateway/events", calls=2)
    assert list(run["body"]) == [
        "occurrenceId", "taskId", "taskVersionId", "outboundEventName", "externalTenantId", "tenantMoniker",
        "responseTrackingCode", "presignedUrls", "taskCode", "sendParameters", "taskName",
    ]  # fmt: skip
    assert [call["status"] for call in run["calls"]] == [401, 401]
    assert ci360.state()["tasks"][0]["occurrenceId"] == run["occurrenceId"]


def test_events_need_a_token_a_name_and_an_identity(ci360: Outside) -> None:
    """Nothing is taken in that SAS would refuse."""

    def post(token: str, body: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return urllib3.request(
            "POST", f"{ci360.base_url}/marketingGateway/events", body=body, headers=headers
        ).status

    assert post("", "{}") == 401
    assert post("a.b.c", "{}") == 401
    assert ci360.state()["events"] == []


def test_a_task_that_cannot_be_run_says_why(ci360: Outside) -> None:
    """A key nobody knows and a file that is not there are the caller's mistakes."""
    assert "error" in task(ci360, colour="red")
    assert "no file" in task(ci360, data_path="/nowhere/data.csv")["error"]
