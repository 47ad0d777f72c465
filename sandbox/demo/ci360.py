"""A CI360 task fills a Meta audience, in a sandbox that is up: `python -m sandbox.demo.ci360`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import requests

from sandbox import connectors, state
from sandbox.errors import SandboxError
from sandbox.place import DEFAULT, Place

PEOPLE = 1000
_WITHIN_S = 120.0


def main(place: Place = DEFAULT) -> int:
    """Run a task, wait for the receipt, and show both ends; 1 when they do not fit."""
    try:
        return _run(place)
    except SandboxError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _run(place: Place) -> int:
    described = state.load(place).printed
    if "ci360_url" not in described:
        raise SandboxError("there is no sandbox with CI360 in it: `activation sandbox up` first")
    audience = f"CI360 {int(time.time())}"
    _say("task     ", f"s3_filename = meta/{audience}/raw/people.csv, {PEOPLE} people")
    run = requests.post(
        f"{described['simulators']['ci360']}/tasks",
        json={
            "webhook": described["ci360_url"],
            "api_key": described["ci360_api_key"],
            "s3_filename": f"meta/{audience}/raw/people.csv",
            "columns": ["identity_id", "email"],
            "data": "".join(f"id-{number},Person.{number}@Example.com\n" for number in range(PEOPLE)),
        },
        timeout=90,
    ).json()
    (call,) = run["calls"]
    _say("webhook  ", f"{call['status']} after {call['seconds']} s: {json.dumps(call['answer'])}")
    if call["status"] != requests.codes.accepted:
        return 1
    s3 = connectors.client(described["aws_endpoint_url"], "s3")
    head = _until(lambda: _head(s3, described["drops_bucket"], call["answer"]["key"]))
    _say("drop     ", f"{head['ContentLength']} bytes, {json.dumps(head['Metadata'])}")
    receipt = _until(lambda: _receipt(s3, described["receipts_bucket"], f"receipts/meta/{audience}/"))
    _say("receipt  ", f"{receipt['state']}, {json.dumps(receipt['rows'])}")
    held = _until(lambda: _members(described["simulators"]["meta"], audience))
    _say("audience ", f"«{audience}» holds {held} members at Meta")
    return 0 if held == receipt["rows"]["acknowledged"] == PEOPLE else 1


def _head(s3: Any, bucket: str, key: str) -> Any:
    try:
        return s3.head_object(Bucket=bucket, Key=key)
    except s3.exceptions.ClientError:
        return None


def _receipt(s3: Any, bucket: str, prefix: str) -> Any:
    for one in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", []):
        if one["Key"].endswith(".json"):
            receipt = json.loads(s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read())
            return receipt if receipt["final"] else None
    return None


def _members(simulator: str, audience: str) -> int | None:
    listed = requests.get(f"{simulator}/_sim/state?members=0", timeout=10).json()["audiences"]
    return next((int(one["count"]) for one in listed if one["name"] == audience), None)


def _until(look: Callable[[], Any]) -> Any:
    end = time.monotonic() + _WITHIN_S
    while time.monotonic() < end:
        found = look()
        if found is not None:
            return found
        time.sleep(0.2)
    raise SandboxError(f"nothing after {_WITHIN_S:.0f} s; the sandbox's logs say more")


def _say(what: str, text: str) -> None:
    sys.stdout.write(f"{what} {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
