"""The stack of exports: job, function, what feeds it, and what people hear of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stacks.limits import MAX_ENVIRONMENT_BYTES
from stacks.normalize.export_catalogue import file_format
from stacks.packaging import ROOT
from tests.infrastructure.conftest import host_wheels, synthesise
from tests.infrastructure.test_doctor import only
from tests.infrastructure.test_permissions import several, text

MAPPING = "tests/infrastructure/data/alpha.json"
PIPED = "tests/infrastructure/data/piped.json"  # says how its files are read
COLUMNS = {"email": "string", "zip": "string", "amount": "string"}
EXPORTS = [
    {"name": "vip", "prefix": "clean-rooms/vip/", "mapping": PIPED, "quiet_minutes": 15, "columns": COLUMNS},
    {"name": "all", "mapping": MAPPING, "takes": "all", "schedule": "rate(12 hours)"},
]
JOB = {"worker_type": "G.2X", "workers": 5, "flex": True, "timeout_minutes": 90, "glue_version": "5.1"}


@pytest.fixture(scope="module")
def outdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Synthesise an app with exports."""
    folder = tmp_path_factory.mktemp("normalize")
    given = {
        "alarms": "team@example.com",
        "wheels": host_wheels(),
        "connectors": [{"name": "alpha", "platform": "meta"}],
        "normalize": {"exports": EXPORTS, "job": JOB, "exports_days": 10},
    }
    synthesise(folder, given, root=ROOT)
    return folder


@pytest.fixture(scope="module")
def resources(outdir: Path) -> dict[str, Any]:
    """Return the resources of the stack by their logical ids."""
    found: dict[str, Any] = json.loads((outdir / "audience-activation-normalize.template.json").read_text())
    return dict(found["Resources"])


def variables(resources: dict[str, Any]) -> dict[str, Any]:
    """Return the function's environment."""
    found: dict[str, Any] = only(resources, "AWS::Lambda::Function")["Environment"]["Variables"]
    return found


def statements(resources: dict[str, Any], role: str) -> dict[str, Any]:
    """Return the statements of a role by their names."""
    (policy,) = only(resources, "AWS::IAM::Role", role)["Policies"]
    return {one["Sid"]: one for one in policy["PolicyDocument"]["Statement"]}


def test_the_job_is_as_the_settings_say(resources: dict[str, Any]) -> None:
    """Glue itself repeats nothing and remembers nothing: both are the function's."""
    job = only(resources, "AWS::Glue::Job")
    assert (job["WorkerType"], job["NumberOfWorkers"], job["ExecutionClass"]) == ("G.2X", 5, "FLEX")
    assert (job["Timeout"], job["GlueVersion"], job["MaxRetries"]) == (90, "5.1", 0)
    assert job["ExecutionProperty"] == {"MaxConcurrentRuns": 3}
    arguments = job["DefaultArguments"]
    assert arguments["--job-bookmark-option"] == "job-bookmark-disable"
    assert arguments["--python-modules-installer-option"] == "--no-index"
    assert text(arguments["--additional-python-modules"]).endswith(".gluewheels.zip")
    security = only(resources, "AWS::Glue::SecurityConfiguration")
    assert job["SecurityConfiguration"]["Ref"].startswith("NormalizeSecurity")
    encryption = security["EncryptionConfiguration"]
    assert encryption["CloudWatchEncryption"]["CloudWatchEncryptionMode"] == "SSE-KMS"
    assert encryption["JobBookmarksEncryption"]["JobBookmarksEncryptionMode"] == "CSE-KMS"
    assert encryption["S3Encryptions"][0]["S3EncryptionMode"] == "SSE-KMS"


def test_the_job_s_logs_are_kept_as_long_as_the_others(resources: dict[str, Any]) -> None:
    """The groups that Glue names after prefix, security configuration and role exist; the role may write there."""
    job = only(resources, "AWS::Glue::Job")
    prefix = job["DefaultArguments"]["--custom-logGroup-prefix"]
    security = only(resources, "AWS::Glue::SecurityConfiguration")["Name"]
    role = {"Ref": job["Role"]["Fn::GetAtt"][0]}
    groups = [one["Properties"] for one in resources.values() if one["Type"] == "AWS::Logs::LogGroup"]
    named = [one["LogGroupName"]["Fn::Join"][1] for one in groups if "LogGroupName" in one]
    folder = f"{prefix}/{security}-role/"
    assert named == [[folder, role, "/error"], [folder, role, "/output"]]
    assert all(one["RetentionInDays"] == 90 and one["KmsKeyId"] for one in groups)
    written = statements(resources, "NormalizeRole")["OwnLogs"]["Resource"]
    assert text(written).endswith(f":log-group:{folder}*")


def test_the_archives_are_uploaded_under_names_that_glue_knows(outdir: Path, resources: dict[str, Any]) -> None:
    """Each file that the job is told of is an asset of the stack, and the role may read it and no other."""
    manifest = json.loads((outdir / "audience-activation-normalize.assets.json").read_text())
    uploaded = {
        destination["objectKey"]: Path(asset["source"]["path"])
        for asset in manifest["files"].values()
        for destination in asset["destinations"].values()
    }
    readable = [
        text(one).rpartition("/")[2]
        for one in several(statements(resources, "NormalizeRole")["ReadCode"]["Resource"])
    ]
    assert set(readable) <= uploaded.keys()
    ends = sorted("".join(Path(one).suffixes) for one in readable)
    assert ends == [".gluewheels.zip", ".json", ".json", ".py", ".zip"]
    assert all(uploaded[one].is_file() for one in readable)


def test_the_roles_reach_their_own_and_nothing_else(resources: dict[str, Any]) -> None:
    """The job writes below the connectors of its mappings; the function starts this job alone."""
    job, start = statements(resources, "NormalizeRole"), statements(resources, "StartRole")
    assert text(job["WriteDrops"]["Resource"]).endswith("/alpha/*")
    read = sorted(text(one).partition(">/")[2] for one in job["ReadExports"]["Resource"])
    assert read == ["all/*", "clean-rooms/vip/*"]
    assert text(start["Start"]["Resource"]).endswith("job/audience-activation-normalize")
    keys = start["Records"]["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    assert keys == ["_#start#normalize#*", "_#folder#*"]
    assert not {"s3:DeleteObject", "iam:PassRole"} & {
        action for one in start.values() for action in several(one["Action"])
    }


def test_only_exports_without_a_schedule_are_started_by_files(resources: dict[str, Any]) -> None:
    """Files below the other prefixes, and runs of other jobs, are no events for the function."""
    files = only(resources, "AWS::Events::Rule", "StartFiles")["EventPattern"]
    assert files["detail"]["object"]["key"] == [{"prefix": "clean-rooms/vip/"}]
    runs = only(resources, "AWS::Events::Rule", "StartRuns")["EventPattern"]
    assert runs["detail-type"] == ["Glue Job State Change"]
    assert runs["detail"]["jobName"] == ["audience-activation-normalize"]
    told = json.loads(text(variables(resources)["EXPORTS"]))
    assert [{key: one.get(key) for key in ("name", "quiet_s", "takes_all", "scheduled")} for one in told] == [
        {"name": "vip", "quiet_s": 900, "takes_all": None, "scheduled": None},
        {"name": "all", "quiet_s": None, "takes_all": True, "scheduled": True},
    ]


def test_a_schedule_tells_its_time_and_keeps_what_is_undelivered(resources: dict[str, Any]) -> None:
    """The message names the export and the time that Scheduler puts in, in the zone of the settings."""
    schedule = only(resources, "AWS::Scheduler::Schedule")
    assert (schedule["ScheduleExpression"], schedule["ScheduleExpressionTimezone"]) == ("rate(12 hours)", "UTC")
    target = schedule["Target"]
    assert json.loads(target["Input"]) == {
        "detail-type": "Export Scheduled",
        "export": "all",
        "time": "<aws.scheduler.scheduled-time>",
    }
    dead_letters = only(resources, "AWS::SQS::Queue", "StartQueue")["RedrivePolicy"]["deadLetterTargetArn"]
    assert target["DeadLetterConfig"]["Arn"] == dead_letters


def test_people_hear_of_a_failed_job_and_of_dead_letters(resources: dict[str, Any]) -> None:
    """Both alarms notify the app's topic, and say what to run."""
    found = [one["Properties"] for one in resources.values() if one["Type"] == "AWS::CloudWatch::Alarm"]
    assert all(one["AlarmActions"] == one["OKActions"] != [] for one in found)
    (failed,) = [one for one in found if one["MetricName"] == "ExportsFailed"]
    told = variables(resources)
    assert failed["Namespace"] == told["POWERTOOLS_METRICS_NAMESPACE"]
    assert failed["Dimensions"] == [{"Name": "service", "Value": told["POWERTOOLS_SERVICE_NAME"]}]
    assert "activation redrive --exports" in failed["AlarmDescription"]


def test_the_app_s_bucket_of_exports_expires_and_is_versioned(outdir: Path) -> None:
    """Exports hold people in clear: they are encrypted with the app's key and kept for days."""
    storage = json.loads((outdir / "audience-activation-storage.template.json").read_text())["Resources"]
    bucket = only(storage, "AWS::S3::Bucket", "Exports")
    (rule,) = bucket["LifecycleConfiguration"]["Rules"]
    assert rule["ExpirationInDays"] == 10
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["NotificationConfiguration"]["EventBridgeConfiguration"] == {"EventBridgeEnabled": True}
    (encryption,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"


def test_ten_exports_fit_into_the_function_s_variables(tmp_path: Path) -> None:
    """The most that the settings take, with long prefixes, are fewer bytes than Lambda takes."""
    exports = [
        {"name": f"export-number-{number}", "prefix": f"{'p' * 60}/{number}/", "mapping": MAPPING, "takes": "all"}
        for number in range(10)
    ]
    given = {
        "alarms": "none",
        "wheels": host_wheels(),
        "connectors": [{"name": "alpha", "platform": "meta"}],
        "normalize": {"exports": exports, "bucket": "a-lake", "key_arn": KEY},
    }
    synthesise(tmp_path, given, root=ROOT)
    template = json.loads((tmp_path / "audience-activation-normalize.template.json").read_text())
    told = variables(template["Resources"])
    assert sum(len(name) + len(text(value)) for name, value in told.items()) < MAX_ENVIRONMENT_BYTES
    reads = statements(template["Resources"], "StartRole")
    assert reads["KeyOfExports"]["Resource"] == KEY
    assert reads["ReadExports"]["Condition"]["StringEquals"]["s3:ResourceAccount"] == {"Ref": "AWS::AccountId"}


KEY = "arn:aws:kms:eu-west-1:123456789012:key/0a1b2c3d"


def tables(resources: dict[str, Any], database: str) -> dict[str, Any]:
    """Return the tables of a database by their names."""
    found = [one["Properties"] for one in resources.values() if one["Type"] == "AWS::Glue::Table"]
    return {one["TableInput"]["Name"]: one["TableInput"] for one in found if one["DatabaseName"] == database}


def people(resources: dict[str, Any], catalogue: str) -> dict[str, Any]:
    """Return the statements of the policy of people who query a catalogue, by their names."""
    policy = only(resources, "AWS::IAM::ManagedPolicy", catalogue)
    return {one["Sid"]: one for one in policy["PolicyDocument"]["Statement"]}


def test_each_export_s_drops_are_a_table_by_folder(resources: dict[str, Any]) -> None:
    """Athena takes the folder from the query; the columns are those of the platform, in lower case."""
    found = tables(resources, "audience_activation_normalize")
    assert set(found) == {"vip", "all"}
    table = found["vip"]
    assert table["PartitionKeys"] == [
        {"Comment": "the drop's folder, which each query has to name", "Name": "folder", "Type": "string"}
    ]
    parameters = table["Parameters"]
    assert (parameters["projection.enabled"], parameters["projection.folder.type"]) == ("true", "injected")
    assert text(parameters["storage.location.template"]).endswith("/alpha/VIP/hashed/${folder}/")
    names = [one["Name"] for one in table["StorageDescriptor"]["Columns"]]
    assert {"email", "email_2", "phone", "fn"} <= set(names)
    assert names == [one.lower() for one in dict.fromkeys(names)]


def test_who_queries_drops_reaches_these_audiences_alone(resources: dict[str, Any]) -> None:
    """Neither other drops nor receipts are readable, and nothing can be changed but results."""
    allowed = people(resources, "Parts")
    assert text(allowed["ReadData"]["Resource"]).endswith("/alpha/VIP/hashed/*")
    assert allowed["SeeData"]["Condition"] == {"StringLike": {"s3:prefix": ["alpha/VIP/hashed/*"]}}
    assert text(allowed["Results"]["Resource"]).endswith("/queries-of-parts/*")
    assert not {action for one in allowed.values() for action in several(one["Action"])} & {
        "glue:CreateTable", "glue:UpdateTable", "s3:DeleteObject",
    }  # fmt: skip
    group = only(resources, "AWS::Athena::WorkGroup", "Parts")
    configuration = group["WorkGroupConfiguration"]
    assert configuration["EnforceWorkGroupConfiguration"] is True
    assert text(configuration["ResultConfiguration"]["OutputLocation"]).endswith("/queries-of-parts/")


def test_an_export_with_columns_is_a_table_of_its_files(resources: dict[str, Any]) -> None:
    """Without columns there is none; the delimiter and the escapes are the mapping's, the header is no row.

    https://docs.aws.amazon.com/athena/latest/ug/csv-serde.html, read 2026-11-30
    """
    found = tables(resources, "audience_activation_exports")
    assert set(found) == {"vip"}
    table = found["vip"]
    assert "PartitionKeys" not in table
    assert table["Parameters"] == {"classification": "csv", "EXTERNAL": "TRUE", "skip.header.line.count": "1"}
    storage = table["StorageDescriptor"]
    assert text(storage["Location"]).endswith("/clean-rooms/vip/")
    assert [(one["Name"], one["Type"]) for one in storage["Columns"]] == list(COLUMNS.items())
    assert storage["InputFormat"] == "org.apache.hadoop.mapred.TextInputFormat"
    assert storage["SerdeInfo"] == {
        "SerializationLibrary": "org.apache.hadoop.hive.serde2.OpenCSVSerde",
        "Parameters": {"separatorChar": "|", "quoteChar": '"', "escapeChar": "\\"},
    }


@pytest.mark.parametrize(
    ("given", "serde", "parameters"),
    [
        ({"format": "parquet"}, "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe", {}),
        ({"format": "jsonl"}, "org.apache.hive.hcatalog.data.JsonSerDe", {}),
        (
            {"format": "tsv"},
            "org.apache.hadoop.hive.serde2.OpenCSVSerde",
            {"separatorChar": "\t", "quoteChar": '"'},
        ),
        (
            {"format": "csv", "delimiter": ";", "escape": "doubled"},
            "org.apache.hadoop.hive.serde2.OpenCSVSerde",
            {"separatorChar": ";", "quoteChar": '"'},
        ),
    ],
)
def test_each_format_has_the_serde_of_aws_s_page(
    given: dict[str, str], serde: str, parameters: dict[str, str]
) -> None:
    """https://docs.aws.amazon.com/athena/latest/ug/supported-serdes.html, read 2026-11-30."""
    found = file_format(given)
    assert (found.serde, found.serde_parameters) == (serde, parameters)


def test_who_queries_exports_reaches_those_with_a_table_alone(resources: dict[str, Any]) -> None:
    """Results have a prefix of their own, since others may read what is asked of drops."""
    allowed = people(resources, "ExportTables")
    assert text(allowed["ReadData"]["Resource"]).endswith("/clean-rooms/vip/*")
    assert allowed["SeeData"]["Condition"] == {"StringLike": {"s3:prefix": ["clean-rooms/vip/*"]}}
    assert text(allowed["Results"]["Resource"]).endswith("/queries-of-exports/*")
    group = only(resources, "AWS::Athena::WorkGroup", "ExportTables")["WorkGroupConfiguration"]
    assert group["EnforceWorkGroupConfiguration"] is True
    assert text(group["ResultConfiguration"]["OutputLocation"]).endswith("/queries-of-exports/")
