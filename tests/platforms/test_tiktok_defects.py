"""What AWS's sample for TikTok did wrong, and the whole line, with TikTok's own publisher, does not.

https://github.com/aws-samples/uploading-audiences-to-tiktok-ads (lambdas/tiktok/activation/lambda-handler.py and
lib/tiktok_activation_stack.py, read 2026-11-22). What the publisher's own tests show already is not repeated here.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest
from activation.aws.clients import Clients
from activation.aws.table import ConditionalTable
from activation.drops.locate import locate
from activation.drops.places import Role, role_of
from activation.errors import Rejected
from activation.ledger.runs import RunState
from activation.platforms.options import complete
from activation.platforms.request import Answer, Request
from activation.runs.cold_start import Connector
from activation.runs.connector import lambda_handler_for
from activation.runs.dispatch import Dispatcher
from activation.runs.secret import ConnectorSecret
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.tiktok.calls import Calls
from lambdas.tiktok.fields import TABLE as FIELDS
from lambdas.tiktok.platform import LIMITS, PLATFORM
from tests.platforms.signing import account_of
from tests.unit.line.platform import hashed
from tests.unit.line.world import Aws, World, people

SECRET = {"ACCESS_TOKEN": "tok-123", "ADVERTISER_ID": 7000000000000000001}
LIST = "tiktok/VIP/EMAIL_SHA256/a.csv"
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


@dataclass
class Advertiser:
    """TikTok as far as a drop needs it: an account's audiences, in pages, and what was called.

    `answers` is a script for the calls it names, each answer used once; what is not in it goes well.
    """

    audiences: list[dict[str, Any]] = field(default_factory=list)
    pages: int = 1
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    timeouts_s: set[float] = field(default_factory=set)

    def send(self, request: Request, *, timeout_s: float) -> Answer:
        """Answer a request."""
        self.requests.append(request)
        self.timeouts_s.add(timeout_s)
        if self.answers.get(request.call):
            return self.answers[request.call].pop(0)
        data: dict[str, Any] = {}
        if request.call == "list":
            number = int(parse_qs(urlsplit(request.url).query)["page"][0])
            data = {
                "list": self.audiences if number == self.pages else [],
                "page_info": {"total_page": self.pages},
            }
        elif request.call == "upload":
            data = {"file_path": f"path-{len(self.requests)}"}
        elif request.call == "create":
            data = {"custom_audience_id": "42"}
            self.audiences.append(audience(json.loads(request.body)["custom_audience_name"]))
        elif request.call == "get":
            data = {"list": [{"audience_details": {"is_valid": True, "cover_num": 5000}}]}
        return said(data)

    @property
    def calls(self) -> list[str]:
        """The calls, in order."""
        return [request.call for request in self.requests]


def said(data: object, code: int = 0, message: str = "OK") -> Answer:
    """Return an answer in TikTok's envelope."""
    body = {"code": code, "message": message, "request_id": "req-1", "data": data}
    return Answer(200, {}, json.dumps(body).encode())


def audience(name: str = "VIP") -> dict[str, Any]:
    """Return an audience as the list shows it, ready to be changed."""
    return {
        "audience_id": "42",
        "name": name,
        "audience_type": "Customer File Audience",
        "calculate_type": "EMAIL_SHA256",
        "is_creator": True,
        "shared": False,
        "is_valid": True,
    }


class Line(World):
    """The line, from message to receipt, with TikTok's publisher and an advertiser at its end."""

    def __init__(self, **more: Any) -> None:
        self.advertiser = Advertiser()
        super().__init__(Aws.in_memory(), **more)
        self.aws.secrets.put_secret_value(SecretId=self.secret, SecretString=json.dumps(SECRET))
        self.name = "tiktok"
        self.settings = replace(self.settings, connector="tiktok")
        self.restart()

    def process(self) -> Dispatcher:
        """Start the function anew, with TikTok's platform."""
        clients = Clients(
            s3=self.aws.s3,
            sqs=self.aws.sqs,
            events=self.aws.events,
            table=ConditionalTable(self.aws.dynamodb, "ledger"),
        )
        secret = ConnectorSecret(
            PLATFORM,
            self.aws.secrets,
            self.secret,
            table=clients.table,
            http=self.advertiser,
            options=complete(PLATFORM.options, self.settings.options),
            any_endpoint=True,
            clock=self.clock,
        )
        return Dispatcher(
            Connector(
                PLATFORM,
                self.settings,
                clients,
                secret,
                self.advertiser,
                clock=self.clock,
                sleep=self.clock.pass_s,
            )
        )

    def digests(self, count: int, key: str = LIST) -> str:
        """Put a list of hashed addresses; returns its message."""
        return self.event(self.put("".join(f"{hashed(one)}\n" for one in people(count)), key))


@pytest.fixture
def line() -> Iterator[Line]:
    """Return the line; no test may leave a message that nobody takes up."""
    one = Line()
    yield one
    assert one.queue == []


def test_an_audience_on_the_last_of_two_pages_is_found_and_not_made_again(line: Line) -> None:
    """The last page was never read, so a second audience of the name was made."""
    line.advertiser.audiences, line.advertiser.pages = [audience()], 2
    line.run(line.digests(3))
    assert line.receipt()["state"] == RunState.APPLIED
    assert "create" not in line.advertiser.calls
    assert line.advertiser.calls[:2] == ["list", "list"]


@pytest.mark.parametrize("bad", [said({}, 40100), said({}), said(None, 50000), Answer(200, {}, b"<html>")])
def test_a_list_that_failed_makes_no_audience(line: Line, bad: Answer) -> None:
    """A list whose code nobody looked at was an empty one."""
    line.advertiser.answers["list"] = [bad] * 50
    with pytest.raises(AssertionError, match="still"):  # it keeps coming back, and that is right
        line.run(line.digests(3), most=5)
    assert set(line.advertiser.calls) == {"list"}
    line.advertiser.answers.clear()
    line.run()
    assert line.advertiser.calls.count("create") == 1


def test_an_outage_is_no_success(line: Line) -> None:
    """Every error was a normal return value, so SQS deleted the message; here the drop waits and then arrives."""
    line.advertiser.answers["upload"] = [Answer(503, {}, b"Service Unavailable")] * 8
    line.run(line.digests(3))
    assert line.receipt()["state"] == RunState.APPLIED
    assert line.receipt()["rows"]["acknowledged"] == 3
    assert line.handled > 1


def test_every_message_of_a_batch_that_fails_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the first message was looked at, and none reported; a function without its settings reports both."""
    for name in ("CONNECTOR", "SECRET_ARN", "QUEUE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "test")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "tiktok")
    records = [
        {
            "messageId": one,
            "receiptHandle": one,
            "body": "{}",
            "attributes": {"ApproximateReceiveCount": "1"},
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-west-1:1:q",
        }
        for one in ("m1", "m2")
    ]
    entry = lambda_handler_for(PLATFORM)
    answer = entry({"Records": records}, cast("LambdaContext", _Invocation()))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}, {"itemIdentifier": "m2"}]}


class _Invocation:
    """What Lambda tells a function about its invocation."""

    function_name = "tiktok"
    memory_limit_in_mb = 256
    invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:tiktok"
    aws_request_id = "1"

    def get_remaining_time_in_millis(self) -> int:
        """Return the time left."""
        return 300_000


def test_every_call_has_a_timeout(line: Line) -> None:
    """A call could hang until Lambda's own end; now each has the platform's limit, far below it."""
    line.run(line.digests(3))
    assert set(line.advertiser.calls) == {"list", "upload", "create", "get"}
    assert line.advertiser.timeouts_s == {LIMITS.timeout_s}
    assert LIMITS.timeout_s <= 120


def test_a_full_file_fits_a_small_function() -> None:
    """The file was read whole for its checksum and again for the form; a function of 256 MB ran out of memory."""
    script = """
import hashlib
import pyarrow as pa
from activation.model import Audience
from activation.platforms.upload import Batch
from lambdas.tiktok.platform import LIMITS, PLATFORM
one = PLATFORM.rehearsal()
limits = LIMITS.narrowed()
count = limits.rows_of([PLATFORM.table.field("EMAIL_SHA256")])
def digests(numbers):
    return pa.array([hashlib.sha256(b"%d" % number).hexdigest() for number in numbers])
chunks = [
    pa.record_batch([digests(range(at, min(count, at + 32_000)))], ["EMAIL_SHA256"])
    for at in range(0, count, 32_000)
]
batch = Batch("r", 1, count, pa.Table.from_batches(chunks), pa.arange(1, count + 1))
(upload,) = one.uploads(batch)
request = one.encode(upload, Audience("tiktok", "VIP"), one.planned(("EMAIL_SHA256",)))
assert 49_900_000 < request.size_bytes == sum(map(len, request.stream.pieces())) <= limits.max_bytes
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
"""
    if not Path("/proc/self/status").exists():
        pytest.skip("this system does not tell a process's peak memory")
    paths = os.pathsep.join([".", "layers/activation/python"])
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert int(done.stdout) / 1024 <= 256


def test_nothing_is_left_on_the_disk(line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of the same name shared a path under /tmp and stayed there after a failure."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    line.advertiser.answers["upload"] = [said({}, 40909)]
    line.run(line.digests(3), line.digests(4, "tiktok/Other/EMAIL_SHA256/a.csv"))
    assert {one["state"] for one in line.receipts()} == {RunState.FAILED, RunState.APPLIED}
    assert list(tmp_path.iterdir()) == []


def test_an_object_that_is_gone_is_told_by_its_code(line: Line) -> None:
    """A missing object ended in an AttributeError that nobody saw."""
    body = line.digests(3)
    item = json.loads(body)["detail"]["object"]
    line.aws.s3.delete_object(Bucket="drops", Key=item["key"], VersionId=item["version-id"])
    line.run(body)
    assert line.receipt()["reason"]["code"] == "object_gone"
    assert line.dead_codes() == ["object_gone"]


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


def test_two_files_for_a_new_audience_make_one(line: Line) -> None:
    """Files were uploaded before the audience was looked up, and two at once made two audiences."""
    first, second = line.digests(3), line.digests(5, "tiktok/VIP/EMAIL_SHA256/b.csv")
    line.run(first, second, first)
    assert line.advertiser.calls[0] == "list"
    assert line.advertiser.calls.count("create") == 1
    assert line.advertiser.calls.count("update") == 1
    assert line.advertiser.calls.count("upload") == 2  # the event that came twice sent nothing


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


def test_the_secret_is_read_once(line: Line) -> None:
    """It was fetched up to three times for each event; warm, it is not fetched again."""
    reads: list[str] = []
    line.aws.before.append(lambda name, _: reads.append(name) if name == "get_secret_value" else None)
    line.run(line.digests(3))
    line.run(line.digests(4, "tiktok/Other/EMAIL_SHA256/a.csv"))
    assert len(line.advertiser.requests) > 8
    assert len(reads) == 1


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


@pytest.mark.parametrize("refusal", [said({}, 40300), Answer(200, {}, b'{"message": "no code"}')])
def test_an_error_s_number_is_not_the_function_s_answer(line: Line, refusal: Answer) -> None:
    """TikTok's return code was given back as an HTTP status; the receipt says what it means, and what to do."""
    line.advertiser.answers["list"] = [refusal] * 400
    line.settings = replace(line.settings, deadline_s=3600)
    line.restart()
    line.run(line.digests(3))
    receipt = line.receipt()
    assert receipt["state"] in (RunState.BLOCKED, RunState.FAILED)
    assert receipt["reason"]["code"] in ("account_missing", "deadline", "unreadable_answer")
    assert len(receipt["reason"]["sentence"].split()) > 3


def test_support_finds_tiktok_s_own_number_in_the_receipt(line: Line) -> None:
    """The request id was logged nowhere, and the whole event was."""
    line.run(line.digests(3))
    assert line.receipt()["platform_notes"]["request_id"] == "req-1"
    assert "req-1" in line.receipt()["platform_references"]


def test_hashes_that_repeat_are_one_line(line: Line) -> None:
    """The sample's own file was one hash twice, which no minimum counts as two people."""
    digest = hashed("a@example.com")
    line.run(line.event(line.put(f"{digest}\n{digest.upper()}\n", LIST)))
    (upload,) = [request for request in line.advertiser.requests if request.call == "upload"]
    assert len(re.findall(digest.encode(), upload.content, re.IGNORECASE)) == 1
    assert line.receipt()["rows"]["acknowledged"] == 2
