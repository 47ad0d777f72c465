"""The line with IAM enforced: each function's role is enough for its work, and for nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from sandbox import lifecycle, state
from sandbox.emulator.environment import client_environment
from sandbox.place import ROOT, Place
from sandbox.processes import plain_environment
from tests.conftest import PLACE
from tests.end_to_end.declared import Sync, declared, running_database
from tests.end_to_end.driver import Sandbox, until
from tests.end_to_end.line import Line
from tests.end_to_end.people import as_csv, people

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "403", "AccessDeniedByResourcePolicy"}


@pytest.fixture(scope="module")
def enforced() -> Iterator[Line]:
    """Deploy the app once more, to an AWS that enforces IAM; SANDBOX_DEPLOYED=1 uses one that was left up."""
    place = Place(PLACE.directory.with_name(f"{PLACE.directory.name}-auth"))
    if os.environ.get("SANDBOX_DEPLOYED") == "1":
        yield Line(Sandbox(state.load(place).printed), "meta", "meta")
        return
    try:
        yield Line(Sandbox(lifecycle.up(place, auth=True)), "meta", "meta")
    finally:
        lifecycle.down(place)


def test_the_line_works_with_the_least_it_needs(enforced: Line) -> None:
    """A drop is delivered, rejects are listed, a blocked run is redriven: every call of it is allowed."""
    enforced.reset({"MAX_ROWS_PER_REQUEST": "250", "REQUESTS_IN_FLIGHT": "2"})
    assert enforced.sandbox.described["iam_enforced"]
    some = people(1_000, "enforced")
    put = enforced.put("Enforced", as_csv(some) + b"not an address,12\n" * 7)
    receipt = enforced.finish(put)
    assert (receipt["state"], receipt["rows"]["acknowledged"]) == ("applied", 1_000), receipt["reason"]
    assert len({row for row, _, _ in enforced.rejects(receipt)}) == 7
    assert enforced.held("Enforced") == enforced.members(some)
    enforced.sandbox.simulator_config("meta", accounts=[{"terms_accepted": False}])
    blocked = enforced.put("Enforced too", as_csv(some))
    assert enforced.finish(blocked)["state"] == "blocked"
    enforced.sandbox.simulator_config("meta", accounts=[{"terms_accepted": True}])
    enforced.redrive()
    assert enforced.finish_again(blocked)["state"] == "applied"
    assert enforced.held("Enforced too") == enforced.members(some)


def test_a_killed_worker_and_a_continuation_are_within_the_permissions(enforced: Line) -> None:
    """Coming back after a crash, asking the platform and sending oneself a message need nothing more."""
    enforced.reset({"MAX_ROWS_PER_REQUEST": "250", "REQUESTS_IN_FLIGHT": "1"})
    enforced.configure(84, {"MAX_ROWS_PER_REQUEST": "250", "REQUESTS_IN_FLIGHT": "1"})
    enforced.sandbox.simulator_config("meta", latency_s=0.6)
    some = people(2_000, "enforced-and-killed")
    put = enforced.put("Enforced and killed", as_csv(some))
    enforced.kill_in_flight()
    enforced.pass_time(1_800)
    receipt = enforced.finish(put)
    assert (receipt["state"], receipt["rows"]["acknowledged"]) == ("applied", 2_000), receipt["reason"]
    assert enforced.held("Enforced and killed") == enforced.members(some)
    assert enforced.sent().resent <= enforced.kills


def test_a_mirror_is_compared_and_committed(enforced: Line) -> None:
    """What an audience holds is written, read, replaced and deleted within the function's rights."""
    enforced.reset()
    some = people(300, "mirrored")
    for night, now in enumerate((some[:280], some[20:])):
        folder = f"meta/Mirrored/raw/mirror/{night}"
        enforced.put_key(f"{folder}/part-0", as_csv(now))
        receipt = enforced.finish(enforced.put_key(f"{folder}/_SUCCESS", b""))
        assert (receipt["state"], receipt["mirror"]["size"]) == ("applied", 280), receipt["reason"]
        assert enforced.held("Mirrored") == enforced.members(now)


def test_a_file_in_another_owners_bucket_becomes_people(enforced: Line) -> None:
    """A file below a source's prefix is sent as the settings say; one beside the prefix is not."""
    enforced.reset()
    source, s3 = enforced.sandbox.described["source"], enforced.sandbox.client("s3")
    some, others = people(600, "partner"), people(40, "not-for-us")
    s3.put_object(Bucket=source["bucket"], Key="other people/people.csv", Body=as_csv(others))
    s3.put_object(Bucket=source["bucket"], Key=source["prefix"], Body=b"")
    s3.put_object(Bucket=source["bucket"], Key=f"{source['prefix']}people 1+1.csv", Body=as_csv(some))
    (receipt,) = _final_receipts(enforced, source["audience"], 1)
    assert (receipt["state"], receipt["rows"]["acknowledged"]) == ("applied", 600), receipt["reason"]
    assert receipt["drop"]["version_id"] == "null"
    assert enforced.held(source["audience"]) == enforced.members(some)
    assert {one["name"] for one in enforced.audiences()} == {source["audience"]}
    s3.put_object(Bucket=source["bucket"], Key=f"{source['prefix']}people 1+1.csv", Body=as_csv(others))
    _final_receipts(enforced, source["audience"], 2)
    assert enforced.held(source["audience"]) == enforced.members([*some, *others])


def test_a_folder_in_another_owners_bucket_is_one_drop(enforced: Line) -> None:
    """Three parts and Spark's sign are one run with one receipt, within the rights to a source."""
    enforced.reset()
    source, s3 = enforced.sandbox.described["source"], enforced.sandbox.client("s3")
    some = people(600, "partner-folder")
    for at in range(3):
        key = f"{source['prefix']}run-7/part-{at:05d}-9f.c000.csv"
        s3.put_object(Bucket=source["bucket"], Key=key, Body=as_csv(some[at * 200 : (at + 1) * 200]))
    s3.put_object(Bucket=source["bucket"], Key=f"{source['prefix']}run-7/_SUCCESS", Body=b"")
    (receipt,) = _final_receipts(enforced, source["audience"], 1)
    assert (receipt["state"], receipt["rows"]["acknowledged"]) == ("applied", 600), receipt["reason"]
    assert receipt["folder"]["files"] == 3
    assert enforced.held(source["audience"]) == enforced.members(some)


def test_a_person_is_forgotten_with_two_policies_and_no_other_right(enforced: Line, tmp_path: Path) -> None:
    """Reader and forgetter remove somebody everywhere and suppress them; nobody can be added with them."""
    enforced.reset({"DELETE_FINAL_DROPS": "0"})
    leaver, *stay = people(600, "enforced-leaver")
    for audience in ("Forgotten one", "Forgotten two"):
        assert enforced.finish(enforced.put(audience, as_csv([leaver, *stay])))["state"] == "applied"
    file = tmp_path / "one.csv"
    file.write_bytes(as_csv([leaver]))
    with _person(enforced, ("ReaderPolicyArn", "ForgetterPolicyArn")) as keys:
        own = {**plain_environment(), **client_environment(enforced.sandbox.described["aws_endpoint_url"]), **keys}
        command = [sys.executable, "-m", "cli", "forget", "--file", str(file), "--yes", "--json", "--within", "90"]
        done = subprocess.run(command, cwd=ROOT, env=own, capture_output=True, text=True, check=False, timeout=150)
        assert done.returncode == 0, done.stderr
        s3 = boto3.client(
            "s3",
            endpoint_url=enforced.sandbox.described["aws_endpoint_url"],
            region_name=enforced.sandbox.described["region"],
            aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        )
        bucket = enforced.sandbox.described["drops_bucket"]
        for key in (
            "meta/Forgotten one/raw/people.csv",
            "meta/Forgotten one/raw/add/raw/remove/forget-1/people.csv",
            "suppressions/forgotten/raw/remove/forget-1.csv",
        ):
            assert _is_denied(partial(s3.put_object, Bucket=bucket, Key=key, Body=b""))
    told = json.loads(done.stdout)
    print(f"\n{json.dumps(told, indent=1)}")
    assert told["suppression_list"] == "added"
    receipts = {one["audience"]: one["receipt"] for one in told["platforms"]["meta"]}
    assert receipts.keys() == {"Forgotten one", "Forgotten two"}
    for audience, key in receipts.items():
        assert enforced.sandbox.receipt(key)["action"] == "remove"
        assert enforced.held(audience) == enforced.members(stay)
    put = enforced.put("Forgotten one", as_csv([leaver, *stay]), file="again.csv")
    assert enforced.finish(put)["rejected_by_us"] == {"suppressed": 1}
    assert enforced.held("Forgotten one") == enforced.members(stay)
    enforced.pass_time(1_000)

    def left() -> list[str]:
        found = enforced.sandbox.client("s3").list_object_versions(Bucket=bucket)["Versions"]
        return [one["Key"] for one in found if "forget-" in one["Key"] and not one["Key"].endswith("/manifest")]

    with suppress(AssertionError):
        until(lambda: not left() or None, 60)
    assert left() == []


@contextmanager
def _person(line: Line, policies: Sequence[str]) -> Iterator[dict[str, str]]:
    """Make a user who may do what these policies of the app say; yield the variables of its keys."""
    iam, stacks = line.sandbox.client("iam"), line.sandbox.client("cloudformation")
    listed = [one for stack in stacks.describe_stacks()["Stacks"] for one in stack.get("Outputs", [])]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in listed}
    iam.create_user(UserName="forgetter")
    key = iam.create_access_key(UserName="forgetter")["AccessKey"]
    try:
        for one in policies:
            iam.attach_user_policy(UserName="forgetter", PolicyArn=outputs[one])
        yield {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    finally:
        for one in policies:
            iam.detach_user_policy(UserName="forgetter", PolicyArn=outputs[one])
        iam.delete_access_key(UserName="forgetter", AccessKeyId=key["AccessKeyId"])
        iam.delete_user(UserName="forgetter")


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="reads a process's credentials from /proc")
def test_the_role_reaches_nothing_of_anybody_else(enforced: Line) -> None:
    """With the function's own credentials its own things open, and another's prefix, secret or queue do not."""
    enforced.reset()
    enforced.finish(enforced.put("Own", as_csv(people(5, "own"))))
    client, addresses = _as_function(enforced), enforced.addresses
    other = enforced.sandbox.connector("tiktok")
    drops, receipts = (enforced.sandbox.described[name] for name in ("drops_bucket", "receipts_bucket"))
    enforced.sandbox.drop("tiktok/Theirs/raw/people.csv", b"email\n")
    table, mirrors = enforced.variables["LEDGER_TABLE"], enforced.sandbox.described["mirrors_bucket"]
    partner, prefix = (enforced.sandbox.described["source"][name] for name in ("bucket", "prefix"))
    for key in (f"{prefix}people.csv", "other people/people.csv"):
        enforced.sandbox.client("s3").put_object(Bucket=partner, Key=key, Body=b"")
    own_url, other_url = addresses["queue_url"], other["queue_url"]

    s3, sqs, secrets, database = (client(name) for name in ("s3", "sqs", "secretsmanager", "dynamodb"))
    allowed: list[Callable[[], Any]] = [
        lambda: s3.get_object(Bucket=drops, Key="meta/Own/raw/people.csv"),
        lambda: s3.put_object(Bucket=receipts, Key="receipts/meta/Own/test.json", Body=b"{}"),
        lambda: s3.put_object(Bucket=receipts, Key="listings/meta/test.json", Body=b"{}"),
        lambda: s3.put_object(Bucket=mirrors, Key="meta/1/0/test.keys", Body=b""),
        lambda: s3.get_object(Bucket=mirrors, Key="meta/1/0/test.keys"),
        lambda: s3.delete_object(Bucket=mirrors, Key="meta/1/0/test.keys"),
        lambda: s3.list_objects_v2(Bucket=mirrors, Prefix="meta/"),
        lambda: s3.list_object_versions(Bucket=drops, Prefix="meta/Own/"),
        lambda: secrets.get_secret_value(SecretId=addresses["secret_arn"]),
        lambda: sqs.get_queue_attributes(QueueUrl=own_url, AttributeNames=["QueueArn"]),
        lambda: database.get_item(TableName=table, Key={"pk": {"S": "meta#run#none"}}),
        lambda: s3.get_object(Bucket=partner, Key=f"{prefix}people.csv"),
        lambda: s3.list_objects_v2(Bucket=partner, Prefix=prefix),
    ]
    for call in allowed:
        call()
    denied: dict[str, Callable[[], Any]] = {
        "read a mirror of another platform": lambda: s3.get_object(Bucket=mirrors, Key="tiktok/1/0/test.keys"),
        "another connector's drop": lambda: s3.get_object(Bucket=drops, Key="tiktok/Theirs/raw/people.csv"),
        "writing a drop": lambda: s3.put_object(Bucket=drops, Key="meta/Own/raw/more.csv", Body=b""),
        "deleting a drop": lambda: s3.delete_object(Bucket=drops, Key="meta/Own/raw/people.csv"),
        "another connector's receipt": lambda: s3.put_object(
            Bucket=receipts, Key="receipts/tiktok/Theirs/test.json", Body=b"{}"
        ),
        "another connector's listing": lambda: s3.put_object(
            Bucket=receipts, Key="listings/tiktok/test.json", Body=b"{}"
        ),
        "another connector's folders": lambda: s3.list_object_versions(Bucket=drops, Prefix="tiktok/"),
        "a source beside its prefix": lambda: s3.get_object(Bucket=partner, Key="other people/people.csv"),
        "the list of a source": lambda: s3.list_objects_v2(Bucket=partner),
        "writing to a source": lambda: s3.put_object(Bucket=partner, Key=f"{prefix}more.csv", Body=b""),
        "deleting from a source": lambda: s3.delete_object(Bucket=partner, Key=f"{prefix}people.csv"),
        "another connector's secret": lambda: secrets.get_secret_value(SecretId=other["secret_arn"]),
        "writing its own secret": lambda: secrets.put_secret_value(
            SecretId=addresses["secret_arn"], SecretString="{}"
        ),
        "another connector's queue": lambda: sqs.send_message(QueueUrl=other_url, MessageBody="x"),
        "reading another connector's queue": lambda: sqs.receive_message(QueueUrl=other_url),
        "reading its dead letters": lambda: sqs.receive_message(QueueUrl=addresses["dead_letter_queue_url"]),
        "the whole ledger": lambda: database.scan(TableName=table),
        "another bus": lambda: client("events").put_events(
            Entries=[{"Source": "x", "DetailType": "x", "Detail": "{}", "EventBusName": "default"}]
        ),
        "a function": lambda: client("lambda").invoke(FunctionName=addresses["function_name"], Payload=b"{}"),
        "its role": lambda: client("iam").list_roles(),
        "stacks": lambda: client("cloudformation").list_stacks(),
    }
    # Another connector's ledger records are denied by a condition on leading keys, which the emulator does not
    # evaluate; tests/infrastructure asserts it on the template.
    reached = [what for what, call in denied.items() if not _is_denied(call)]
    assert reached == []


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="reads a process's credentials from /proc")
def test_the_sync_works_with_the_least_it_needs(enforced: Line, tmp_path: Path) -> None:
    """The schedule's role calls it; its own is enough for a tick, a slot and a run's end, and no more opens."""
    enforced.reset()
    with running_database() as database:
        sync = declared(enforced, database, tmp_path)
        sync.command("apply", "--file", str(sync.file), "--yes")
        enforced.sandbox.advance(300)  # the schedule's next tick
        first = sync.extracted()
        assert (first["state"], first["rows"], first["code"]) == ("applied", 38, "")
        assert sync.receipt(first["slot"])["state"] == "applied"
        assert sync.is_in_step()
        until(lambda: sync.objects() == [] or None, 60)
        _assert_alone(enforced, sync)


def _assert_alone(line: Line, sync: Sync) -> None:
    """Assert that the sync's own credentials open what is its own, and nothing else."""
    described, own = line.sandbox.described, sync.outputs
    drops, receipts, mirrors = (described[f"{name}_bucket"] for name in ("drops", "receipts", "mirrors"))
    table, theirs = line.variables["LEDGER_TABLE"], line.addresses
    line.sandbox.drop("meta/Theirs/raw/people.csv", b"email\n")
    line.sandbox.client("s3").put_object(Bucket=mirrors, Key="meta/1/0/test.keys", Body=b"")
    client = _as_process(line, own["FunctionName"])
    s3, sqs, secrets, database = (client(name) for name in ("s3", "sqs", "secretsmanager", "dynamodb"))
    part = "meta/Declared/raw/mirror/slot-0123456789ab-20261201T100000Z/test"
    allowed: list[Callable[[], Any]] = [
        lambda: s3.get_object(Bucket=mirrors, Key="_declarations/audiences.json"),
        lambda: s3.put_object(Bucket=drops, Key=part, Body=b""),
        lambda: s3.get_object(Bucket=drops, Key=part),
        lambda: s3.list_object_versions(Bucket=drops, Prefix="meta/Declared/"),
        lambda: secrets.get_secret_value(SecretId=own["CdpSecretArn"]),
        lambda: sqs.get_queue_attributes(QueueUrl=own["QueueUrl"], AttributeNames=["QueueArn"]),
        lambda: database.get_item(TableName=table, Key={"pk": {"S": "sync#run#none"}}),
    ]
    for call in allowed:
        call()
    denied: dict[str, Callable[[], Any]] = {
        "declaring": lambda: s3.put_object(Bucket=mirrors, Key="_declarations/audiences.json", Body=b"{}"),
        "a mirror": lambda: s3.get_object(Bucket=mirrors, Key="meta/1/0/test.keys"),
        "a drop of somebody else": lambda: s3.get_object(Bucket=drops, Key="meta/Theirs/raw/people.csv"),
        "writing a drop": lambda: s3.put_object(Bucket=drops, Key="meta/Theirs/raw/mirror/1/part", Body=b""),
        "a drop's deletion": lambda: s3.delete_object(Bucket=drops, Key="meta/Theirs/raw/people.csv"),
        "a receipt": lambda: s3.put_object(Bucket=receipts, Key="receipts/meta/Theirs/test.json", Body=b"{}"),
        "a connector's secret": lambda: secrets.get_secret_value(SecretId=theirs["secret_arn"]),
        "writing the login": lambda: secrets.put_secret_value(SecretId=own["CdpSecretArn"], SecretString="{}"),
        "a connector's queue": lambda: sqs.send_message(QueueUrl=theirs["queue_url"], MessageBody="x"),
        "its dead letters": lambda: sqs.receive_message(QueueUrl=own["DeadLetterQueueUrl"]),
        "the whole ledger": lambda: database.scan(TableName=table),
        "a function": lambda: client("lambda").invoke(FunctionName=theirs["function_name"], Payload=b"{}"),
        "a query of Athena": lambda: client("athena").start_query_execution(QueryString="select 1"),
        "stacks": lambda: client("cloudformation").list_stacks(),
    }
    assert [what for what, call in denied.items() if not _is_denied(call)] == []


def _final_receipts(line: Line, audience: str, count: int) -> list[dict[str, Any]]:
    """Wait for the receipts of an audience's runs: without versions, a run's id is not known beforehand."""
    bucket, s3 = line.sandbox.described["receipts_bucket"], line.sandbox.client("s3")
    listed = {"Bucket": bucket, "Prefix": f"receipts/{line.connector}/{audience}/"}

    def there() -> list[dict[str, Any]] | None:
        keys = [one["Key"] for one in s3.list_objects_v2(**listed).get("Contents", [])]
        found = [line.sandbox.receipt_so_far(key) for key in keys if key.endswith(".json")]
        final = [one for one in found if one is not None and one["final"]]
        return final if len(final) == count else None

    return until(there, 60)


def _as_function(line: Line) -> Callable[[str], Any]:
    """Return clients with the credentials of the connector's function, as its process has them."""
    return _as_process(line, line.addresses["function_name"])


def _as_process(line: Line, function: str) -> Callable[[str], Any]:
    """Return clients with the credentials of a function's process."""
    worker = next(one for one in line.sandbox.all_workers() if one["function"] == function)
    lines = Path(f"/proc/{worker['pid']}/environ").read_bytes().split(b"\0")
    environment = dict(one.decode().split("=", 1) for one in lines if b"=" in one)

    def client(service: str) -> Any:
        return boto3.client(  # type: ignore[call-overload]  # the service is not a literal here
            service,
            endpoint_url=line.sandbox.described["aws_endpoint_url"],
            region_name=line.sandbox.described["region"],
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=environment["AWS_SESSION_TOKEN"],
        )

    return client


def _is_denied(call: Callable[[], Any]) -> bool:
    """Whether a call is refused for want of a permission; any other refusal proves nothing."""
    try:
        answer = call()
    except ClientError as error:
        return error.response["Error"]["Code"] in DENIED
    entries = answer.get("Entries", [])
    return bool(entries) and all(one.get("ErrorCode") in DENIED for one in entries)
