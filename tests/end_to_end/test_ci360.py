"""SAS CI360 end to end: a task calls the deployed webhook, its file lands, and an audience is filled from it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path

import pytest
from activation.model import Audience
from activation.report.receipts import stem
from rich.console import Console

from sandbox.demo import ci360
from sandbox.emulator.environment import client_environment
from tests.conftest import PLACE
from tests.end_to_end.driver import Sandbox, until
from tests.end_to_end.webhook import Webhook, body_of

HEADER = b"identity_id,email\n"
PEOPLE = "".join(f"id-{number},person{number}@example.net\n" for number in range(250))
MIB = 1024 * 1024
# Peak memory of a worker, whatever the file: what the process has in memory once, code included.
FLAT_BYTES = 128 * MIB


@pytest.fixture
def webhook(sandbox: Sandbox) -> Iterator[Webhook]:
    """Return the webhook, and a CI360 that remembers nothing; in the end no upload is open, no link logged."""
    sandbox.simulator_reset("ci360")
    hook = Webhook(sandbox)
    hook.dead_letters()
    yield hook
    until(lambda: hook.uploads() == [] or None, 30)
    log = PLACE.log("aws").read_text(errors="replace")
    own = [line for line in log.splitlines() if '"logger": "ci360"' in line]
    assert own
    assert not [line for line in own if "X-Amz-" in line or "@example.net" in line]


def crc32_of(content: bytes) -> str:
    """Return a CRC-32 as S3 writes it."""
    return base64.b64encode(zlib.crc32(content).to_bytes(4, "big")).decode()


def columns() -> list[str]:
    """Return the columns of the people's file."""
    return HEADER.decode().strip().split(",")


def test_a_task_fills_an_audience(sandbox: Sandbox, webhook: Webhook) -> None:
    """One task, one answer within a second, one drop with its facts, one receipt, and every member at Meta."""
    webhook.run_task("warm.csv", data="1\n", columns=["identity_id"])
    sandbox.simulator_reset("meta")
    name = f"From CI360 {time.time_ns()}"
    run = webhook.run_task(f"meta/{name}/raw/people.csv", data=PEOPLE, columns=columns())
    (call,) = run["calls"]
    assert call["status"] == 202
    assert call["seconds"] < 1.0
    answer = call["answer"]
    assert answer["upload_filename"] == f"meta/{name}/raw/people.csv"
    assert answer["bucket_name"] == sandbox.described["drops_bucket"]
    head = webhook.landed(answer["key"])
    content = HEADER + PEOPLE.encode()
    assert head["ContentLength"] == len(content)
    assert head["ChecksumCRC32"] == crc32_of(content)
    assert head["Metadata"] == {"columns": "2", "occurrence": run["occurrenceId"], "source": "ci360"}
    receipt = _receipt(sandbox, name, head["VersionId"], answer["key"])
    assert receipt["rows"] == {
        "in": 250,
        "read": 250,
        "acknowledged": 250,
        "rejected_by_us": 0,
        "rejected_by_platform": 0,
    }
    (audience,) = [one for one in sandbox.simulator_state("meta")["audiences"] if one["name"] == name]
    members = {cell for row in audience["members"] for cell in row}
    assert {hashlib.sha256(f"person{number}@example.net".encode()).hexdigest() for number in range(250)} <= members


def _receipt(sandbox: Sandbox, audience: str, version_id: str, key: str) -> dict[str, object]:
    from activation.model import Drop

    drop = Drop(sandbox.described["drops_bucket"], key, version_id, "", 0)
    return sandbox.receipt(f"{stem(Audience('meta', audience), drop.run_id('meta'))}.json", within_s=120)


def test_the_demo_s_task_is_accounted_for(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `make ci360` shows: every row of the task's file in the receipt, exactly its people at Meta."""
    for name, text in client_environment(sandbox.described["aws_endpoint_url"]).items():
        monkeypatch.setenv(name, text)
    shown = ci360.deliver(sandbox.described, Console(quiet=True))
    rows = shown.receipt["rows"]
    assert (rows["in"], rows["rejected_by_us"]) == (shown.rows, shown.rejects_expected)
    assert (shown.missing, shown.unexpected) == (0, 0)
    assert shown.held == rows["acknowledged"] > 0


def test_a_task_delivered_twice_is_one_file(webhook: Webhook) -> None:
    """Both calls have the same answer, and one object comes of them."""
    run = webhook.run_task("twice.csv", data=PEOPLE, columns=columns(), calls=2)
    first, second = run["calls"]
    assert first["status"] == second["status"] == 202
    assert first["answer"] == second["answer"]
    webhook.landed(first["answer"]["key"])
    versions = webhook.sandbox.client("s3").list_object_versions(
        Bucket=webhook.sandbox.described["drops_bucket"], Prefix=first["answer"]["key"]
    )["Versions"]
    assert len(versions) == 1


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        ('{"presignedUrls":{},"sendParameters":{}}', {"x-api-key": ""}, 403, "FORBIDDEN"),
        ('{"presignedUrls":{},"sendParameters":{}}', {"x-api-key": "of-somebody-else"}, 403, "FORBIDDEN"),
        ("", {}, 400, "VALIDATION_ERROR"),
        ("{", {}, 400, "VALIDATION_ERROR"),
        ("[]", {}, 400, "VALIDATION_ERROR"),
        ('{"presignedUrls":{},"sendParameters":{}}', {}, 400, "VALIDATION_ERROR"),
        ('{"presignedUrls":{},"sendParameters":{"a":"' + "x" * 70_000 + '"}}', {}, 413, "PAYLOAD_TOO_LARGE"),
    ],
)
def test_bad_calls_are_refused_in_one_form(
    webhook: Webhook, body: str, headers: dict[str, str], status: int, code: str
) -> None:
    """Whether the gateway or the function refuses, the answer is the guideline's, with a request id."""
    response = webhook.post(body, **headers)
    error = body_of(response)["error"]
    assert (response.status_code, error["code"]) == (status, code)
    assert error["requestId"]
    assert response.headers["X-Request-ID"] == error["requestId"]


def test_hosts_inside_and_outside_are_refused(webhook: Webhook) -> None:
    """Neither the machine itself nor a stranger's bucket is fetched, whichever of the links it is."""
    good = webhook.run_task("a.csv", data=PEOPLE, columns=columns())["body"]
    for link, status in (
        ("http://127.0.0.1:9001/2018-06-01/runtime/invocation/next", 400),
        ("https://localhost:9001/", 400),
        ("https://localhost/", 403),
        ("https://169.254.169.254/latest/meta-data/", 400),
        ("https://stranger.s3.us-east-1.amazonaws.com/data.csv", 403),
    ):
        for name in ("dataFile", "metadataFile"):
            links = {**good["presignedUrls"], name: link}
            response = webhook.post(json.dumps({**good, "occurrenceId": "hostile", "presignedUrls": links}))
            assert response.status_code == status, link


def test_too_many_calls_are_told_to_wait(webhook: Webhook) -> None:
    """A burst above the plan's is answered with 429 and when to come again."""
    # A body that the gateway refuses by itself, so that calls come faster than the five a second which the plan
    # allows after a burst. A busy machine needs more of them until the burst is used up.
    with ThreadPoolExecutor(32) as pool:
        answered = (one for _ in range(6) for one in pool.map(lambda _: webhook.post("[]"), range(96)))
        throttled = list(islice((one for one in answered if one.status_code == 429), 1))
    assert throttled
    assert body_of(throttled[0])["error"]["code"] == "TOO_MANY_REQUESTS"
    assert int(throttled[0].headers["Retry-After"]) > 0
    time.sleep(5)  # the bucket of calls fills up again for the next test


def test_an_expired_link_ends_with_a_reason(webhook: Webhook) -> None:
    """Nothing is visible, the record and a dead letter say why, and no retry is spent on it."""
    webhook.sandbox.simulator_config("ci360", link_lifetime_s=-10)
    key = webhook.run_task("late.csv", data=PEOPLE, columns=columns())["calls"][0]["answer"]["key"]
    assert webhook.failed(key)["code"] == "link_expired"
    assert webhook.head(key) is None
    (letter,) = until(lambda: webhook.dead_letters() or None, 10)
    assert letter["MessageAttributes"]["code"]["StringValue"] == "link_expired"
    fetched = [one["route"] for one in webhook.sandbox.simulator_requests("ci360") if "/staging/" in one["route"]]
    assert [route.rpartition("/")[2] for route in fetched] == ["metadata.json"]


def test_a_row_too_narrow_far_down_leaves_nothing(webhook: Webhook) -> None:
    """Parts that were uploaded already go when the last row does not fit."""
    data = "".join(f"id-{number:07d},person{number}@example.net\n" for number in range(800_000)) + "short\n"
    key = webhook.run_task("narrow.csv", data=data, columns=columns())["calls"][0]["answer"]["key"]
    record = webhook.failed(key)
    assert record["code"] == "column_count"
    assert "row 800001" in record["sentence"]
    assert webhook.head(key) is None


def write_rows(path: Path, size_bytes: int) -> int:
    """Write a file of five columns, of about that size; returns its rows."""
    rows = written = 0
    with path.open("wb") as file:
        while written < size_bytes:
            lines = (b"00000000-member-%09d,M,40-45,%d,IL\n" % (row, row) for row in range(rows, rows + 200_000))
            written += file.write(b"".join(lines))
            rows += 200_000
    return rows


FIVE = ["identity_id", "gender", "age_range", "external_id", "state_cd"]


def _has_parts(webhook: Webhook, key: str, parts: int) -> bool | None:
    return int(webhook.record(key)["part"]) >= parts or None


def _show(line: str) -> None:
    """Print a figure that a reader of `pytest -s` is to see."""
    sys.stdout.write(f"\n{line}\n")


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_a_run_killed_twice_ends_with_one_whole_object(webhook: Webhook, tmp_path: Path) -> None:
    """Two workers die in the middle; the third goes on, and the object is the file, to the last byte."""
    path = tmp_path / "data.csv"
    rows = write_rows(path, 90 * MIB)
    webhook.sandbox.simulator_config("ci360", bytes_per_s=4 * MIB)
    key = webhook.run_task("killed.csv", data_path=str(path), columns=FIVE)["calls"][0]["answer"]["key"]
    killed, places = [], []
    for parts in (2, 4):
        until(partial(_has_parts, webhook, key, parts), 240)
        killed.append(webhook.kill_worker())
        places.append(int(webhook.record(key)["offset"]))
        assert webhook.head(key) is None
    head = webhook.landed(key, within_s=400)
    record = webhook.landed_record(key)
    content = (",".join(FIVE) + "\n").encode() + path.read_bytes()
    assert (head["ContentLength"], head["ChecksumCRC32"]) == (len(content), crc32_of(content))
    assert int(record["rows"]) == rows
    assert len(set(killed)) == 2
    notes = [one["note"] for one in webhook.sandbox.simulator_requests("ci360")]
    ranges = [note["range"] for note in notes if "range" in note]
    _show(
        f"killed at offsets {places} of {path.stat().st_size}; went on with {ranges};"
        f" {record['turns']} turns; CRC-32 {crc32_of(content)} as it should be"
    )
    assert len(ranges) == 2


def _processor_s(webhook: Webhook) -> float:
    """Return the processor time the transfer function's processes have used, 0 where the system does not tell."""
    total = 0
    for worker in webhook.workers():
        path = Path(f"/proc/{worker['pid']}/stat")
        if path.exists():
            total += sum(map(int, path.read_text().rpartition(")")[2].split()[11:13]))
    return total / os.sysconf("SC_CLK_TCK")


@pytest.mark.faults
@pytest.mark.timeout(1800)
def test_two_gibibytes_in_flat_memory(webhook: Webhook, tmp_path: Path) -> None:
    """A large file takes the memory of a small one; its pace is shown beside that of curl with the same link."""
    size = int(os.environ.get("CI360_SIZE_MIB", "2048")) * MIB
    path = tmp_path / "data.csv"
    rows = write_rows(path, size)
    webhook.landed(webhook.run_task("warm.csv", data="1\n", columns=["identity_id"])["calls"][0]["answer"]["key"])
    before_s = _processor_s(webhook)
    run = webhook.run_task("large.csv", data_path=str(path), columns=FIVE)
    began = time.monotonic()
    head = webhook.landed(run["calls"][0]["answer"]["key"], within_s=1200)
    seconds = time.monotonic() - began
    worked_s = _processor_s(webhook) - before_s
    peak = max(one["peak_memory_bytes"] for one in webhook.workers())
    assert int(webhook.landed_record(run["calls"][0]["answer"]["key"])["rows"]) == rows
    assert head["ContentLength"] == path.stat().st_size + len(",".join(FIVE)) + 1
    authority, copy = tmp_path / "authority.pem", tmp_path / "copy.csv"
    authority.write_text(webhook.authority())
    began = time.monotonic()
    link = run["body"]["presignedUrls"]["dataFile"]
    subprocess.run(["curl", "--silent", "--fail", "--cacert", authority, "--output", copy, link], check=True)
    curl_s = time.monotonic() - began
    megabytes = path.stat().st_size / 1e6
    _show(
        f"{megabytes:,.0f} MB, {rows:,} rows: landed in {seconds:.1f} s ({megabytes / seconds:.0f} MB/s),"
        f" curl to a file {curl_s:.1f} s ({megabytes / curl_s:.0f} MB/s), ratio {curl_s / seconds:.2f};"
        f" peak memory {peak / MIB:.0f} MiB; the function's own processor time was {worked_s:.1f} s, the rest went"
        " to the simulator that sends the file and the emulator that stores it"
    )
    webhook.sandbox.client("s3").delete_object(
        Bucket=webhook.sandbox.described["drops_bucket"],
        Key=run["calls"][0]["answer"]["key"],
        VersionId=head["VersionId"],
    )
    assert peak < FLAT_BYTES
