"""Glue jobs in the sandbox: the script runs, its failures are failures, and our own job makes a drop."""

from __future__ import annotations

import hashlib
import io
import json
import sys
import uuid
from typing import Any

import pyarrow.parquet as pq
import pytest

from sandbox.place import ROOT
from stacks.glue_assets import glue_source
from tests.unit.sandbox.emulator.driver import ROLE, Emulator, until

SCRIPT = ROOT / "glue_scripts" / "normalize_audience.py"
needs_spark = pytest.mark.skipif(sys.version_info >= (3, 12), reason="Spark 3.5.6 is installed for Python 3.11")


@pytest.fixture(scope="module")
def bucket(emulator: Emulator) -> str:
    """Make a bucket."""
    name = f"glue-{uuid.uuid4().hex[:8]}"
    emulator.client("s3").create_bucket(Bucket=name)
    return name


def ran(emulator: Emulator, bucket: str, script: str | None, **arguments: str) -> dict[str, Any]:
    """Run a script as a job of Glue to its end, None for one that is not there; return the run."""
    glue, name = emulator.client("glue"), f"job-{uuid.uuid4().hex[:8]}"
    if script is not None:
        emulator.client("s3").put_object(Bucket=bucket, Key=f"{name}.py", Body=script.encode())
    command = {"Name": "glueetl", "ScriptLocation": f"s3://{bucket}/{name}.py"}
    glue.create_job(Name=name, Role=ROLE, GlueVersion="5.1", Command=command)
    given = {f"--{argument.replace('_', '-')}": value for argument, value in arguments.items()}
    run_id = glue.start_job_run(JobName=name, Arguments=given)["JobRunId"]

    def run() -> dict[str, Any]:
        found: dict[str, Any] = glue.get_job_run(JobName=name, RunId=run_id)["JobRun"]
        return found

    until(lambda: run()["JobRunState"] not in ("STARTING", "RUNNING"), within_s=240)
    return run()


@needs_spark
@pytest.mark.faults
def test_the_job_makes_a_drop_of_an_export_in_s3(emulator: Emulator, bucket: str) -> None:
    """Our own script, with its source archive, reads the export and writes parts and a manifest of them."""
    s3 = emulator.client("s3")
    mapping = {
        "name": "vip",
        "target": {"platform": "meta", "connector": "meta", "audience": "VIP"},
        "output": {"identifiers": "hashed"},
    }
    files = {
        "mapping.json": json.dumps(mapping).encode(),
        "source.zip": glue_source().read_bytes(),
        "export/000": b"email,first_name\nAnn@example.com,Ann\nnobody,Bob\n",
        "export/001": b"email,first_name\n ann@EXAMPLE.com,Ann\ncy@example.com,Cy\n",
    }
    for key, body in files.items():
        s3.put_object(Bucket=bucket, Key=key, Body=body)
    found = ran(
        emulator,
        bucket,
        SCRIPT.read_text(),
        mapping=f"s3://{bucket}/mapping.json",
        input=f"s3://{bucket}/export/",
        output=f"s3://{bucket}/drops",
        folder="run-1",
        extra_py_files=f"s3://{bucket}/source.zip",
    )
    assert (found["JobRunState"], found.get("ErrorMessage", "")) == ("SUCCEEDED", "")
    folder = "drops/meta/VIP/hashed/run-1/"
    manifest = json.loads(s3.get_object(Bucket=bucket, Key=f"{folder}_manifest.json")["Body"].read())
    keys = [one["url"].removeprefix(f"s3://{bucket}/") for one in manifest["entries"]]
    listed = [one["Key"] for one in s3.list_objects_v2(Bucket=bucket, Prefix=f"{folder}part-")["Contents"]]
    assert sorted(keys) == listed
    parts = [pq.read_table(io.BytesIO(s3.get_object(Bucket=bucket, Key=key)["Body"].read())) for key in keys]
    emails = [cell for part in parts for cell in part["EMAIL"].to_pylist()]
    assert sorted(emails) == sorted(
        hashlib.sha256(f"{one}@example.com".encode()).hexdigest() for one in ("ann", "cy")
    )
    report = json.loads(s3.get_object(Bucket=bucket, Key=f"{folder}_activation/report.json")["Body"].read())
    assert report["engine"] == "spark"
    rejected = {"not_an_email": 1}
    assert report["rows"] == {"read": 4, "rejected": rejected, "filtered": [], "duplicates": 1, "written": 2}


@needs_spark
def test_a_script_that_fails_is_a_run_that_failed(emulator: Emulator, bucket: str) -> None:
    """The last line of what the script said is the run's message."""
    found = ran(emulator, bucket, "import sys\nsys.exit('bad_mapping: 2 to correct')\n")
    assert found["JobRunState"] == "FAILED"
    assert found["ErrorMessage"] == "bad_mapping: 2 to correct"


@needs_spark
def test_a_script_gets_the_job_s_name_and_role(emulator: Emulator, bucket: str) -> None:
    """The arguments are those of Glue, and calls to AWS are made as the job's role."""
    script = (
        "import sys, boto3\n"
        "assert sys.argv[sys.argv.index('--JOB_NAME') + 1].startswith('job-'), sys.argv\n"
        "sys.exit(boto3.client('sts').get_caller_identity()['Arn'])\n"
    )
    found = ran(emulator, bucket, script)
    assert ":assumed-role/any/" in found["ErrorMessage"]


def test_a_script_that_is_not_there_is_a_run_that_failed(emulator: Emulator, bucket: str) -> None:
    """A job whose script was never uploaded does not succeed."""
    found = ran(emulator, bucket, None)
    assert found["JobRunState"] == "FAILED"
    assert "does not exist" in found["ErrorMessage"]


def test_a_run_s_end_is_an_event_and_runs_are_limited(emulator: Emulator, bucket: str) -> None:
    """A rule's target gets the end of a run; while it runs, a job for one run at a time refuses another."""
    glue, sqs, events = emulator.client("glue"), emulator.client("sqs"), emulator.client("events")
    name = f"job-{uuid.uuid4().hex[:8]}"
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["aws.glue"], "detail": {"jobName": [name], "state": ["FAILED"]}}
    rule = events.put_rule(Name=name, EventPattern=json.dumps(pattern))["RuleArn"]
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    script = b"import sys, time\ntime.sleep(3)\nsys.exit('no_rows_left: none')\n"
    emulator.client("s3").put_object(Bucket=bucket, Key=f"{name}.py", Body=script)
    command = {"Name": "glueetl", "ScriptLocation": f"s3://{bucket}/{name}.py"}
    glue.create_job(Name=name, Role=ROLE, GlueVersion="5.1", Command=command)
    run_id = glue.start_job_run(JobName=name)["JobRunId"]
    with pytest.raises(glue.exceptions.ConcurrentRunsExceededException):
        glue.start_job_run(JobName=name)
    got: list[dict[str, Any]] = []

    def received() -> bool:
        got.extend(sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages", []))
        return bool(got)

    until(received, within_s=60)
    event = json.loads(got[0]["Body"])
    assert event["detail-type"] == "Glue Job State Change"
    detail = event["detail"]
    told = {"jobName": name, "jobRunId": run_id, "state": "FAILED", "severity": "ERROR"}
    assert {key: detail[key] for key in told} == told
    second = glue.start_job_run(JobName=name)["JobRunId"]
    assert [one["Id"] for one in glue.get_job_runs(JobName=name)["JobRuns"]] == [second, run_id]
