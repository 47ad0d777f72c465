"""Exports in the deployed sandbox, with IAM enforced: by signs and a schedule, each once, run by real Spark."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cli.athena.environment import interpreter
from sandbox import clean_rooms, lifecycle
from sandbox.demo.deployed_job import RUN_S, DeployedJob
from sandbox.demo.watch import Shown
from sandbox.emulator.environment import ACCOUNT
from sandbox.place import Place
from tests.conftest import PLACE
from tests.end_to_end.driver import Sandbox, until
from tests.end_to_end.people import people
from tests.end_to_end.test_alarms import ALARM, MINUTE_S, Alarms
from tests.end_to_end.test_clean_rooms import Room
from tests.end_to_end.test_commands import activation

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(sys.version_info >= (3, 12), reason="Spark 3.5.6 is installed for Python 3.11"),
]

APP = "audience-activation"
SHARED = {"SPLIT_ABOVE_BYTES": "100000", "MAX_PARTS": "3", "MAX_ROWS_PER_REQUEST": "1000"}


class Deployed:
    """The deployed stack of exports, and what is around it in the sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox, self.job = sandbox, DeployedJob.found(sandbox.client, APP)
        self.outputs, self.put = self.job.outputs, self.job.put
        self.runs, self.ended = self.job.runs, self.job.ended

    def send(self, key: str, version: str) -> None:
        """Send the event of an object once more."""
        bucket = self.outputs["ExportsBucket"]
        item = {"key": key, "size": 0, "version-id": version, "sequencer": "00"}
        detail = {"bucket": {"name": bucket}, "object": item}
        event = {"source": "aws.s3", "detail-type": "Object Created", "account": ACCOUNT, "detail": detail}
        self.sandbox.client("sqs").send_message(
            QueueUrl=self.outputs["NormalizeQueueUrl"], MessageBody=json.dumps(event)
        )

    def receipt(self, audience: str) -> dict[str, Any]:
        """Wait for the one final receipt of an audience."""
        s3, bucket = self.sandbox.client("s3"), self.sandbox.described["receipts_bucket"]

        def final() -> dict[str, Any] | None:
            listed = s3.list_objects_v2(Bucket=bucket, Prefix="receipts/meta/").get("Contents", [])
            keys = [one["Key"] for one in listed if one["Key"].endswith(".json")]
            documents = [json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in keys]
            (found,) = [one for one in documents if one["audience"]["name"] == audience] or [None]
            return found if found and found["final"] else None

        return until(final, RUN_S)

    def come_to_rest(self) -> None:
        """Let time pass until the function's queue has no message but delayed ones, which look at runs."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

        def at_rest() -> bool | None:
            self.sandbox.advance(MINUTE_S)
            answer = self.sandbox.client("sqs").get_queue_attributes(
                QueueUrl=self.outputs["NormalizeQueueUrl"], AttributeNames=names
            )
            return not any(int(answer["Attributes"][one]) for one in names) or None

        until(at_rest, RUN_S)


def mapping(folder: Path, audience: str, form: str = "csv", **parts: Any) -> str:
    """Write a mapping and return its path."""
    path = folder / f"{audience}.json"
    document = {
        "name": audience.lower(),
        "target": {"platform": "meta", "connector": "meta", "audience": audience},
        "output": {"identifiers": "hashed", "format": form, "rows_per_part": 2_000},
        **parts,
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """Deploy the app with exports that signs close, one on a schedule, and one that a Clean Rooms query fills."""
    folder = tmp_path_factory.mktemp("mappings")
    exports = [
        {"name": "signed", "prefix": "lake/signed/", "mapping": mapping(folder, "Signed")},
        {"name": "late", "mapping": mapping(folder, "Late")},
        {
            "name": "kept",
            "mapping": mapping(folder, "Kept", "parquet", input={"format": "csv", "delimiter": ","}),
            "columns": {"email": "string", "first_name": "string"},
        },
        {"name": "rooms", "prefix": "lake/rooms/", "mapping": mapping(folder, "Rooms")},
        {
            "name": "daily",
            "mapping": mapping(folder, "Daily"),
            "schedule": "cron(0/5 * ? * * *)",
            "time_zone": "Europe/Berlin",
        },
    ]
    (query,) = json.loads(clean_rooms.flag()["clean_rooms"])
    del query["source"]
    flags = {
        "normalize": json.dumps({"job": {"retries": 0}, "exports": exports}),
        "clean_rooms": json.dumps([{**query, "export": "rooms"}]),
    }
    place = Place(PLACE.directory.with_name(f"{PLACE.directory.name}-exports"))
    try:
        yield Deployed(Sandbox(lifecycle.up(place, auth=True, flags=flags)))
    finally:
        lifecycle.down(place)


@pytest.fixture(scope="module")
def sandbox(deployed: Deployed) -> Sandbox:
    """Return this module's sandbox in place of the shared one, which is not needed here."""
    return deployed.sandbox


def rows(name: str, count: int) -> bytes:
    """Return a CSV file of people."""
    lines = (f"{name}-{number}@example.com,Ann" for number in range(count))
    return "\n".join(("email,first_name", *lines, "")).encode()


def test_twenty_events_start_one_job_whose_drop_several_workers_send(deployed: Deployed) -> None:
    """One _SUCCESS, twenty events, one run; the drop's parts are shared among workers, with one receipt."""
    sandbox = deployed.sandbox
    client, name = sandbox.client("lambda"), sandbox.connector("meta")["function_name"]
    variables = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    client.update_function_configuration(FunctionName=name, Environment={"Variables": {**variables, **SHARED}})
    for number in range(3):
        deployed.put(f"lake/signed/day-1/00{number}", rows(f"part{number}", 3_000) + b"nobody,Bob\n")
    version = deployed.put("lake/signed/day-1/_SUCCESS", b"")
    for _ in range(19):
        deployed.send("lake/signed/day-1/_SUCCESS", version)
    (run,) = deployed.ended("signed", 1)
    assert (run["JobRunState"], run["ErrorMessage"]) == ("SUCCEEDED", "")
    receipt = deployed.receipt("Signed")
    assert receipt["state"] == "applied"
    assert receipt["rows"]["in"] == receipt["rows"]["acknowledged"] == 9_000
    assert receipt["parts"] == 3
    deployed.come_to_rest()
    assert len(deployed.runs("signed")) == 1
    client.update_function_configuration(FunctionName=name, Environment={"Variables": variables})


def test_a_growing_folder_is_sent_by_what_is_new(deployed: Deployed) -> None:
    """A schedule takes what has come since its last time, and starts nothing where nothing has."""
    deployed.put("daily/000", rows("first", 100))

    def runs(count: int) -> list[dict[str, Any]]:
        def started() -> bool | None:
            deployed.sandbox.advance(MINUTE_S)
            return len(deployed.runs("daily")) >= count or None

        until(started, RUN_S)
        return deployed.ended("daily", count)

    (first,) = runs(1)
    assert first["JobRunState"] == "SUCCEEDED"
    assert first["Arguments"]["--slot"].startswith("at-")
    for _ in range(12):
        deployed.sandbox.advance(MINUTE_S)
    deployed.come_to_rest()
    assert len(deployed.runs("daily")) == 1
    deployed.put("daily/001", rows("second", 50))
    second, _ = runs(2)
    assert second["JobRunState"] == "SUCCEEDED"
    written = deployed.sandbox.client("s3").get_object(
        Bucket=deployed.sandbox.described["drops_bucket"],
        Key=f"meta/Daily/hashed/daily-{second['Arguments']['--slot']}/_activation/report.json",
    )
    assert json.loads(written["Body"].read())["rows"]["read"] == 50


def test_a_failed_job_is_an_alarm_and_a_redrive_starts_it_again(deployed: Deployed) -> None:
    """Without its script the run fails: people hear of it, and the redriven dead letter makes the drop."""
    sandbox = deployed.sandbox
    s3, sqs = sandbox.client("s3"), sandbox.client("sqs")
    alarms = Alarms(sandbox)
    alarms.mailed("")
    alarms.heard.clear()
    ours = alarms.on("ExportsFailed")
    job = sandbox.client("glue").get_job(JobName=deployed.outputs["NormalizeJobName"])["Job"]
    bucket, _, key = job["Command"]["ScriptLocation"].removeprefix("s3://").partition("/")
    script = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    s3.put_object(Bucket=bucket, Key=key, Body=b"import sys\nsys.exit('executor lost')\n")
    deployed.put("late/000", rows("late", 100))
    deployed.put("late/_SUCCESS", b"")
    (failed,) = deployed.ended("late", 1)
    assert failed["JobRunState"] == "FAILED"
    alarms.wait(ours, ALARM)
    assert alarms.mailed(ours) == [ALARM]
    s3.put_object(Bucket=bucket, Key=key, Body=script)
    dead = deployed.outputs["NormalizeDeadLetterQueueUrl"]
    arns = [
        sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        for url in (dead, deployed.outputs["NormalizeQueueUrl"])
    ]
    sqs.start_message_move_task(SourceArn=arns[0], DestinationArn=arns[1])
    second, first = deployed.ended("late", 2)
    assert (first["Id"], second["JobRunState"]) == (failed["Id"], "SUCCEEDED")
    assert first["Arguments"]["--listing"] == second["Arguments"]["--listing"]
    assert deployed.receipt("Late")["rows"]["acknowledged"] == 100


def test_a_drop_that_is_kept_is_queried_by_its_folder(deployed: Deployed) -> None:
    """The rows of the table are those that the receipt counts; the export's own table has all of its rows."""
    sandbox = deployed.sandbox
    client, name = sandbox.client("lambda"), sandbox.connector("meta")["function_name"]
    variables = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    kept = {key: value for key, value in variables.items() if key != "DELETE_FINAL_DROPS"}
    client.update_function_configuration(FunctionName=name, Environment={"Variables": kept})
    deployed.put("kept/000", rows("kept", 100) + b"kept-0@example.com,Ann\n")
    deployed.put("kept/_SUCCESS", b"")
    (run,) = deployed.ended("kept", 1)
    assert deployed.receipt("Kept")["rows"]["acknowledged"] == 100
    interpreter()
    folder = run["Arguments"]["--folder"]
    counted = "select folder, count(distinct email) as people from kept where folder in"
    query = f"{counted} ('{folder}', 'none') group by folder"
    line: Any = SimpleNamespace(sandbox=sandbox)
    done = activation(line, "receipts", "query", "--parts", "--json", query)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"folder": folder, "people": 100}
    query = "select count(*) as n, count(distinct email) as people, min(first_name) as name from kept"
    done = activation(line, "receipts", "query", "--exports", "--json", query)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"n": 101, "people": 100, "name": "Ann"}
    client.update_function_configuration(FunctionName=name, Environment={"Variables": variables})


def test_a_clean_rooms_query_fills_an_audience_through_the_job(deployed: Deployed) -> None:
    """Its results land in the app's own bucket; the manifest over them starts one job, and its people are sent."""
    room = Room(deployed.sandbox)
    spend = {person: 100 * number for number, person in enumerate(people(40, "rooms"))}
    room.share(spend)
    room.due("2026-12-07T06:00:00Z", times=3)
    (run,) = deployed.ended("rooms", 1)
    assert (run["JobRunState"], run["ErrorMessage"]) == ("SUCCEEDED", "")
    assert run["Arguments"]["--input"].startswith(
        f"s3://{deployed.outputs['ExportsBucket']}/lake/rooms/query={APP}.{clean_rooms.QUERY}/"
    )
    expected = [one for one, value in spend.items() if value >= int(clean_rooms.PARAMETERS["least"])]
    receipt = deployed.receipt("Rooms")
    assert receipt["state"] == "applied"
    assert receipt["rows"]["in"] == receipt["rows"]["acknowledged"] == len(expected)
    meta = Shown("meta", "meta", deployed.sandbox.described["simulators"]["meta"])
    assert len(meta.held("Rooms")) == len(expected)
    deployed.come_to_rest()
    assert (len(room.started("2026-12-07")), len(deployed.runs("rooms"))) == (1, 1)
    assert room.dead_letters() == []
