"""The demo's task of the simulated CI360: it calls the deployed webhook, lands as a drop and fills an audience."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import boto3
import requests
from activation.model import Audience, Drop
from activation.report.receipts import stem

from sandbox.demo.watch import WITHIN_S, Delivered, await_receipt, shown
from sandbox.errors import SandboxError
from sandbox.platforms.expectation import expectations

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from rich.console import Console

PEOPLE = 1000
_WITHOUT_EMAIL = 25  # every so many people, one whom no platform could know


def deliver(described: dict[str, Any], console: Console) -> Delivered:
    """Run the task and follow its file until the run ends; raises SandboxError if it does not end.

    The file goes to the first connector in the settings that the demo can check.
    """
    connector = next(iter(shown(described)), None)
    if connector is None:
        raise SandboxError("no connector in the settings has a platform whose members the demo can check")
    audience = Audience(connector.name, f"CI360 task of {time.strftime('%H.%M.%S')}")
    asked = f"{audience.connector}/{audience.name}/raw/people.csv"
    emails = ["" if number % _WITHOUT_EMAIL == 0 else f"Person.{number}@Example.com" for number in range(PEOPLE)]
    console.print(f"   the task   s3_filename = {asked}, {PEOPLE:,} people", highlight=False, soft_wrap=True)
    run = requests.post(
        f"{described['simulators']['ci360']}/tasks",
        json={
            "webhook": described["ci360_url"],
            "api_key": described["ci360_api_key"],
            "s3_filename": asked,
            "columns": ["identity_id", "email"],
            "data": "".join(f"id-{number},{email}\n" for number, email in enumerate(emails)),
        },
        timeout=90,
    ).json()
    (call,) = run["calls"]
    console.print(
        f"   the answer {call['status']} after {call['seconds']:.2f} s: {json.dumps(call['answer'])}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    if call["status"] != requests.codes.accepted:
        raise SandboxError("the webhook did not accept the task")
    client, bucket = boto3.client("s3"), described["drops_bucket"]
    landed = _await_landing(client, bucket, call["answer"]["key"])
    console.print(
        f"   the drop   {landed['ContentLength']:,} bytes, {landed['Metadata']}", highlight=False, soft_wrap=True
    )
    drop = Drop(bucket, call["answer"]["key"], landed["VersionId"], "", landed["ContentLength"])
    receipt = await_receipt(
        client,
        described["receipts_bucket"],
        f"{stem(audience, drop.run_id(audience.connector))}.json",
        rows=PEOPLE,
        what=f"rows to {connector.name}",
        console=console,
    )
    members = expectations()[connector.platform].members
    expected = {member for email in emails for member in members({"EMAIL": email.lower()})}
    held = connector.held(audience.name)
    return Delivered(
        connector=connector.name,
        audience=audience.name,
        receipt=receipt,
        rows=PEOPLE,
        held=len(held),
        missing=len(expected - held),
        unexpected=len(held - expected),
        rejects_expected=emails.count(""),
    )


def _await_landing(client: S3Client, bucket: str, key: str) -> Any:
    ends = time.monotonic() + WITHIN_S
    while time.monotonic() < ends:
        try:
            return client.head_object(Bucket=bucket, Key=key)
        except client.exceptions.ClientError:
            time.sleep(0.1)
    raise SandboxError(f"the file has not landed after {WITHIN_S:.0f} s; the functions' log is in .sandbox/logs")
