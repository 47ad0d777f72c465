"""What AWS's sample for TikTok did wrong, and the whole line, with TikTok's own publisher, does not.

https://github.com/aws-samples/uploading-audiences-to-tiktok-ads (lambdas/tiktok/activation/lambda-handler.py and
lib/tiktok_activation_stack.py, read 2026-11-22). What the publisher's own tests show already is not repeated here.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from activation.ledger.runs import RunState
from activation.platforms.request import Answer
from activation.runs.connector import lambda_handler_for
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.tiktok.platform import LIMITS, PLATFORM
from tests.platforms.tiktok_line import Line, audience, said


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
assert 29_500_000 < request.size_bytes == sum(map(len, request.stream.pieces())) <= limits.max_bytes
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


def test_two_files_for_a_new_audience_make_one(line: Line) -> None:
    """Files were uploaded before the audience was looked up, and two at once made two audiences."""
    first, second = line.digests(3), line.digests(5, "tiktok/VIP/EMAIL_SHA256/b.csv")
    line.run(first, second, first)
    assert line.advertiser.calls[0] == "list"
    assert line.advertiser.calls.count("create") == 1
    assert line.advertiser.calls.count("update") == 1
    assert line.advertiser.calls.count("upload") == 2  # the event that came twice sent nothing


def test_the_secret_is_read_once(line: Line) -> None:
    """It was fetched up to three times for each event; warm, it is not fetched again."""
    reads: list[str] = []
    line.aws.before.append(lambda name, _: reads.append(name) if name == "get_secret_value" else None)
    line.run(line.digests(3))
    line.run(line.digests(4, "tiktok/Other/EMAIL_SHA256/a.csv"))
    assert len(line.advertiser.requests) > 8
    assert len(reads) == 1


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
