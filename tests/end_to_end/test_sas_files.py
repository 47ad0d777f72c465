"""SAS's own connector replaced: a task's file under its exact name, with IAM enforced, beside our own landing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import lifecycle, state
from sandbox.place import Place
from tests.conftest import PLACE
from tests.end_to_end.driver import Sandbox, until
from tests.end_to_end.webhook import Webhook

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

FLAGS = {"ci360_sas_files": json.dumps({"landing": "beside"})}
COLUMNS = ["identity_id", "email"]
DATA = "\ufeffid-1,anna@example.net\r\nid-2,ben@example.net"
PART_BYTES = 12 * 1024 * 1024


@pytest.fixture(scope="module")
def hook() -> Iterator[Webhook]:
    """Deploy the app with the bucket of SAS's files, to an AWS that enforces IAM."""
    place = Place(PLACE.directory.with_name(f"{PLACE.directory.name}-sas"))
    try:
        yield Webhook(Sandbox(lifecycle.up(place, auth=True, flags=FLAGS)))
    finally:
        lifecycle.down(place)


def outputs(hook: Webhook) -> dict[str, str]:
    """Return the outputs of the CI360 stack."""
    described = hook.sandbox.client("cloudformation").describe_stacks(StackName="audience-activation-ci360")
    return {one["OutputKey"]: one["OutputValue"] for one in described["Stacks"][0]["Outputs"]}


def read(hook: Webhook, key: str, *, unless: str = "") -> dict[str, Any] | None:
    """Return an object's content and version, None while there is none or only that of a run before."""
    s3 = hook.sandbox.client("s3")
    try:
        found = s3.get_object(Bucket=outputs(hook)["Ci360SasFilesBucket"], Key=key)
    except s3.exceptions.ClientError:
        return None
    if found["VersionId"] == unless:
        return None
    return {"content": found["Body"].read(), "version": found["VersionId"]}


def test_a_task_of_sas_s_connector_goes_on_unchanged(hook: Webhook) -> None:
    """Its status and keys, its key, its bytes; the next run takes the name, and our own landing is beside it."""
    assert hook.sandbox.described["iam_enforced"]
    run = hook.run_task("Daily audience.csv", data=DATA, columns=COLUMNS)
    (call,) = run["calls"]
    bucket = outputs(hook)["Ci360SasFilesBucket"]
    answer = {"status": "OK", "upload_filename": "Daily audience.csv", "bucket_name": bucket}
    assert (call["status"], call["answer"]) == (200, answer)
    first = until(lambda: read(hook, "Daily audience.csv"), 60)
    assert first["content"] == DATA.encode()
    landed = hook.landed(f"ci360/Daily_audience_{run['occurrenceId']}.csv")
    assert landed["Metadata"]["columns"] == "2"
    again = hook.run_task("Daily audience.csv", data="id-3,cleo@example.net\n", columns=COLUMNS)
    second = until(lambda: read(hook, "Daily audience.csv", unless=first["version"]), 60)
    assert second["content"] == b"id-3,cleo@example.net\n"
    assert again["calls"][0]["answer"] == answer
    assert hook.dead_letters() == []


def test_a_file_in_parts_takes_the_name_of_one_before(hook: Webhook, tmp_path: Path) -> None:
    """The end of an upload in parts replaces the object that was looked at, to the last byte."""
    before = hook.run_task("large.csv", data="id-1,anna@example.net\n", columns=COLUMNS)
    first = until(lambda: read(hook, "large.csv"), 60)
    path = tmp_path / "data.csv"
    with path.open("wb") as file:
        for start in range(0, 900_000, 100_000):
            file.write(b"".join(b"id-%09d,person%d@example.net\n" % (n, n) for n in range(start, start + 100_000)))
    assert path.stat().st_size > 2 * PART_BYTES
    hook.run_task("large.csv", data_path=str(path), columns=COLUMNS)
    second = until(lambda: read(hook, "large.csv", unless=first["version"]), 120)
    assert second["content"] == path.read_bytes()
    assert before["calls"][0]["status"] == 200


def test_a_triggered_task_is_told_what_it_is(hook: Webhook) -> None:
    """Its body passes API Gateway's model, and the function says which kind of task the endpoint takes."""
    body = {"guid": "1", "eventName": "e", "identityId": "2", "contactResponse": {"responseTrackingCode": "3"}}
    response = hook.post(json.dumps(body))
    assert (response.status_code, response.json()["error"]["code"]) == (400, "TRIGGERED_TASK")


def test_no_signed_link_is_in_a_log(hook: Webhook) -> None:
    """Neither CI360's links nor one to the file, as SAS's connector writes into its log."""
    place = Place(PLACE.directory.with_name(f"{PLACE.directory.name}-sas"))
    assert state.load(place).runs()
    own = [
        line for line in place.log("aws").read_text(errors="replace").splitlines() if '"logger": "ci360"' in line
    ]
    assert own
    assert not [line for line in own if "X-Amz-" in line or "@example.net" in line]
    assert hook.uploads() == []
