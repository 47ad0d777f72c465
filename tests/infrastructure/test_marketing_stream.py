"""The stacks of Amazon Marketing Stream, in the templates they become."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from activation.platforms.discovery import platforms

from amz_stream_cli.destinations import dataset_of
from stacks.marketing_stream import catalogue
from stacks.marketing_stream.catalogue import DATASETS, Realm
from stacks.marketing_stream.queues import CONFIRM_TIMEOUT_S, FAN_OUT_TIMEOUT_S
from stacks.marketing_stream.settings import StreamSettings
from stacks.packaging import ROOT
from stacks.settings import SettingsError, read_settings
from tests.infrastructure.conftest import context, host_wheels

Template = Mapping[str, Any]
SOURCE = "arn:aws:sns:us-east-1:906013806264:*"


def settings_of(section: object, app: str = "", **flags: str) -> StreamSettings | None:
    """Read settings with this section for the stream, of an app with this name."""
    given: dict[str, Any] = {
        "connectors": [{"name": "meta", "platform": "meta"}],
        **({"name": app} if app else {}),
    }
    if section is not None:
        given["marketing_stream"] = section
    return read_settings({"audience_activation": given, **flags}.get, platforms()).marketing_stream


def synthesise(outdir: Path, stream: object, *, staging: bool = False, **flags: str) -> dict[str, Template]:
    """Synthesise the app with this section and these flags; returns the templates by stack name."""
    from app import build

    configured = json.loads((ROOT / "cdk.context.json").read_text())["audience_activation"]
    given = {**configured, "wheels": host_wheels(), "marketing_stream": stream}
    build(outdir=str(outdir), context=context(given, staging=staging) | flags).synth()
    return {
        path.name.removesuffix(".template.json"): json.loads(path.read_text())
        for path in outdir.glob("*.template.json")
    }


@pytest.fixture(scope="module")
def outdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder the templates are written to."""
    return tmp_path_factory.mktemp("stream")


@pytest.fixture(scope="module")
def templates(outdir: Path) -> dict[str, Template]:
    """Synthesise one dataset of each delivery, one of both, one of the user's own, and a v2 destination."""
    return synthesise(
        outdir,
        {
            "realms": ["NA"],
            "datasets": ["sp-traffic"],
            "overrides": [
                {"dataset": "adsp-campaigns", "delivery": ["firehose"]},
                {"dataset": "adsp-campaign-flights", "realms": ["EU"], "delivery": ["sqs", "firehose"]},
                {
                    "dataset": "ads-campaign-management-ads",
                    "source": "arn:aws:sns:us-east-1:123456789012:*",
                },
            ],
            "subscribers": ["arn:aws:iam::926844853897:root"],
            "alarm_email": "ops@example.com",
            "v2": [{"name": "acme", "realm": "NA"}],
        },
    )


def of_type(template: Template, type_: str) -> dict[str, Any]:
    """Return the properties of the resources of a type, by logical id."""
    return {id_: one.get("Properties", {}) for id_, one in template["Resources"].items() if one["Type"] == type_}


def test_the_stacks_are_the_reference_ones_by_default() -> None:
    """An empty section means the 15 datasets in three realms, under the names of Amazon's example stacks."""
    stream = settings_of({})
    assert stream is not None
    names = [one.stack_name for one in stream.datasets]
    assert len(names) == len(set(names)) == 45
    assert {"AmzStream-NA-sp-traffic", "AmzStream-FE-sponsored-ads-campaign-diagnostics-recommendations"} <= set(
        names
    )
    assert all(one.deliveries == ("sqs",) for one in stream.datasets)


@pytest.mark.parametrize(
    ("app", "names", "stack", "database"),
    [
        ("acme-eu", None, "acme-eu-AmzStream-NA-ads", "acme_eu_amazon_marketing_stream"),
        ("acme-eu", "example", "AmzStream-NA-ads", "amazon_marketing_stream"),
        ("", "app", "audience-activation-AmzStream-NA-ads", "audience_activation_amazon_marketing_stream"),
    ],
)
def test_a_second_copy_has_names_of_its_own(app: str, names: str | None, stack: str, database: str) -> None:
    """Whatever the app is called, its settings decide whether it has the names of Amazon's example."""
    section = {"realms": ["NA"], "datasets": ["ads"], "v2": [{"name": "brand"}], "delivery": ["firehose"]}
    stream = settings_of({**section, **({"names": names} if names else {})}, app)
    assert stream is not None
    (wanted,), (v2,) = stream.datasets, stream.v2
    assert (wanted.stack_name, stream.database) == (stack, database)
    assert dataset_of(wanted.stack_name) == ("ads", Realm.NA)
    assert wanted.example_roles == (names == "example")
    assert v2.stack_name.removesuffix("V2-NA-brand") == stack.removesuffix("-NA-ads")


def test_a_bucket_s_name_has_room_for_the_app_s() -> None:
    """The names of v2's buckets contain the app's, and S3 takes 63 characters."""
    section = {"datasets": ["ads"], "v2": [{"name": "a-brand-with-a-long-name"}]}
    assert settings_of(section) is not None
    with pytest.raises(SettingsError, match="35 letters of its bucket's name"):
        settings_of(section, "a-copy-with-a-long-name")


def test_without_the_section_there_is_no_stream() -> None:
    """Who only activates audiences deploys nothing of the stream; a flag asks for it all the same."""
    assert settings_of(None) is None
    assert settings_of({}, stream="none") is None
    asked = settings_of(None, stream="sp-traffic,adsp-traffic", stream_realms="EU,FE", delivery_type="firehose")
    assert asked is not None
    assert [(one.stack_name, one.deliveries) for one in asked.datasets] == [
        ("AmzStream-EU-sp-traffic", ("firehose",)),
        ("AmzStream-EU-adsp-traffic", ("firehose",)),
        ("AmzStream-FE-sp-traffic", ("firehose",)),
        ("AmzStream-FE-adsp-traffic", ("firehose",)),
    ]
    everything = settings_of(None, stream="all")
    assert everything is not None
    assert len(everything.datasets) == 45


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "dataset": ({"datasets": ["sp-trafic"]}, "sp-trafic unknown"),
    "realm": ({"realms": ["US"]}, "known: NA, EU, FE"),
    "delivery": ({"delivery": ["kinesis"]}, "known: sqs, firehose"),
    "no source": ({"datasets": ["ads-campaign-management-ads"]}, "Amazon publishes no source account"),
    "source elsewhere": (
        {"overrides": [{"dataset": "x", "realms": ["EU"], "source": SOURCE}]},
        "is in one region",
    ),
    "source for several": ({"overrides": [{"dataset": "x", "source": SOURCE}]}, "is in one region"),
    "principal": ({"reviewers": ["*"]}, "must be ARNs of IAM roles"),
    "key": ({"dataset": []}, "no such setting"),
    "v2": ({"v2": [{"name": "X"}]}, "3 to 24 lower-case letters"),
}


@pytest.mark.parametrize(("stream", "sentence"), WRONG.values(), ids=WRONG)
def test_mistakes_are_said_at_synth(stream: dict[str, Any], sentence: str) -> None:
    """A wrong setting stops the synth with what is wrong."""
    with pytest.raises(SettingsError, match=sentence):
        settings_of(stream)


def test_the_catalogue_is_sound() -> None:
    """27 datasets; every source account has twelve digits and belongs to one dataset and realm only."""
    assert len(DATASETS) == 27
    accounts = [account for one in DATASETS for _, account in one.accounts]
    assert len(accounts) == len(set(accounts)) == 69
    assert all(len(one) == 12 and one.isdigit() for one in accounts)


def test_a_deployment_of_the_example_stacks_can_be_upgraded(templates: dict[str, Template]) -> None:
    """What live subscriptions know keeps its logical id: queues, topic, bucket, delivery stream, outputs."""
    template = templates["AmzStream-NA-sp-traffic"]
    kept = {
        "IngressQueue26236266": "AWS::SQS::Queue",
        "IngressDlq69714C64": "AWS::SQS::Queue",
        "IngressQueuePolicy51A6E0B5": "AWS::SQS::QueuePolicy",
        "FanoutDataTopic0A0A60DE": "AWS::SNS::Topic",
        "FanoutSubsConfirmationQueue45DB7E45": "AWS::SQS::Queue",
        "FanoutSubsConfirmationDlq1E3A7822": "AWS::SQS::Queue",
        "StorageLZ10F6C360": "AWS::S3::Bucket",
        "StorageFirehoseEEA939E5": "AWS::KinesisFirehose::DeliveryStream",
    }
    assert {id_: template["Resources"][id_]["Type"] for id_ in kept} == kept
    assert template["Outputs"]["IngressIngressQueue91B67342"]["Value"] == {
        "Fn::GetAtt": ["IngressQueue26236266", "Arn"]
    }
    assert {"StorageLandingZoneBucketFE2101CB", "StorageDeliveryStreamArnBB2306AC"} <= set(template["Outputs"])
    direct = templates["AmzStream-NA-adsp-campaigns"]["Outputs"]
    assert {"FirehoseSubscriptionRoleInfraArn22E3DAAD", "FirehoseSubscriberRoleInfraArn3358A9BC"} <= set(direct)
    assert template["Description"] == (
        "Amazon Marketing Stream Consumer for Advertising region: NA Dataset: sp-traffic"
    )


def test_the_ingress_queue_takes_from_amazon_alone(templates: dict[str, Template]) -> None:
    """SNS may send for the dataset's topics, the reviewer may look, plain HTTP may nothing."""
    policy = templates["AmzStream-NA-sp-traffic"]["Resources"]["IngressQueuePolicy51A6E0B5"]["Properties"]
    statements = {one.get("Sid", one["Effect"]): one for one in policy["PolicyDocument"]["Statement"]}
    sends = statements["AmazonSendsTheDataset"]
    assert (sends["Principal"], sends["Action"]) == ({"Service": "sns.amazonaws.com"}, "sqs:SendMessage")
    assert sends["Condition"] == {"ArnLike": {"aws:SourceArn": SOURCE}}
    reviews = statements["AmazonReviewsTheQueue"]
    assert (reviews["Principal"], reviews["Action"]) == (
        {"AWS": catalogue.REVIEWER_ROLE},
        "sqs:GetQueueAttributes",
    )
    assert statements["Deny"]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_queues_lose_nothing(templates: dict[str, Template]) -> None:
    """14 days, encrypted, dead letters behind every queue a function reads, six timeouts of hiding."""
    for name, template in templates.items():
        if not name.startswith("AmzStream-"):
            continue
        queues = of_type(template, "AWS::SQS::Queue")
        functions = of_type(template, "AWS::Lambda::Function")
        for queue in queues.values():
            assert queue["SqsManagedSseEnabled"] is True
            assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600
        for mapping in of_type(template, "AWS::Lambda::EventSourceMapping").values():
            assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
            assert mapping["ScalingConfig"]["MaximumConcurrency"] >= 2
            queue = queues[mapping["EventSourceArn"]["Fn::GetAtt"][0]]
            function = functions[mapping["FunctionName"]["Ref"]]
            assert queue["VisibilityTimeout"] >= 6 * function["Timeout"]
            assert queue["RedrivePolicy"]["maxReceiveCount"] >= 5


def test_permissions_are_named_one_by_one(templates: dict[str, Template]) -> None:
    """No wildcard in an action, none in a resource but the prefixes of a bucket and Amazon's topics."""
    for template in templates.values():
        for role in of_type(template, "AWS::IAM::Role").values():
            assert "ManagedPolicyArns" not in role
            for policy in role.get("Policies", ()):
                for statement in policy["PolicyDocument"]["Statement"]:
                    actions = statement["Action"]
                    assert "*" not in json.dumps(actions)
    confirm = [
        statement
        for role in of_type(templates["AmzStream-NA-sp-traffic"], "AWS::IAM::Role").values()
        for policy in role["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Action"] == "sns:ConfirmSubscription"
    ]
    assert [one["Resource"] for one in confirm] == [SOURCE]


def test_records_land_encrypted_and_by_the_hour(templates: dict[str, Template]) -> None:
    """GZIP below year, month, day and hour; failures by their kind; bucket private, encrypted and logged."""
    template = templates["AmzStream-NA-sp-traffic"]
    (stream,) = of_type(template, "AWS::KinesisFirehose::DeliveryStream").values()
    target = stream["ExtendedS3DestinationConfiguration"]
    by_hour = "year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/hour=!{timestamp:HH}/"
    assert target["Prefix"] == f"sp-traffic/{by_hour}"
    assert target["ErrorOutputPrefix"].startswith("errors/sp-traffic/!{firehose:error-output-type}/")
    assert target["CompressionFormat"] == "GZIP"
    assert "ProcessingConfiguration" not in target
    assert stream["DeliveryStreamEncryptionConfigurationInput"] == {"KeyType": "AWS_OWNED_CMK"}
    (bucket,) = of_type(template, "AWS::S3::Bucket").values()
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert "LoggingConfiguration" in bucket
    assert "ServerSideEncryptionConfiguration" in json.dumps(bucket)


def test_table_needs_no_crawler(templates: dict[str, Template]) -> None:
    """One text column, partitions as a rule that fits the prefix, and queries that create the views."""
    template = templates["AmzStream-NA-sp-traffic"]
    (table,) = of_type(template, "AWS::Glue::Table").values()
    described = table["TableInput"]
    assert described["Name"] == "sp_traffic"
    assert [one["Name"] for one in described["PartitionKeys"]] == ["year", "month", "day", "hour"]
    assert [one["Name"] for one in described["StorageDescriptor"]["Columns"]] == ["line"]
    location = json.dumps(described["Parameters"]["storage.location.template"])
    assert "/sp-traffic/year=${year}/month=${month}/day=${day}/hour=${hour}/" in location
    names = {one["Name"] for one in of_type(template, "AWS::Athena::NamedQuery").values()}
    assert names == {"sp_traffic_lines", "sp_traffic_unreadable", "sp_traffic_records", "sp_traffic_hourly"}


ALARMED = {
    "ApproximateAgeOfOldestMessage",
    "ApproximateNumberOfMessagesVisible",
    "DeliveryToS3.DataFreshness",
    "ThrottledRecords",
    "Errors",
    "Throttles",
    "Duration",
    "FailedInvokeEventCount",
    "NumberOfNotificationsFailed",
}


def test_every_trouble_has_an_alarm(templates: dict[str, Template]) -> None:
    """Lag, dead letters, confirmations, freshness, throttles and errors, all told to the realm's topic."""
    template = templates["AmzStream-NA-sp-traffic"]
    alarms = of_type(template, "AWS::CloudWatch::Alarm")
    assert {one["MetricName"] for one in alarms.values()} == ALARMED
    watched = json.dumps(list(alarms.values()))
    for queue in of_type(template, "AWS::SQS::Queue"):
        assert queue in watched
    assert all(one["AlarmActions"] and one["OKActions"] for one in alarms.values())
    region = templates["audience-activation-stream-na"]
    assert of_type(region, "AWS::SNS::Subscription")


def test_functions_are_watched_as_those_of_connectors_are(templates: dict[str, Template]) -> None:
    """Each has errors, throttles, time near its timeout, and messages that it keeps giving back."""
    template = templates["AmzStream-NA-sp-traffic"]
    alarms = of_type(template, "AWS::CloudWatch::Alarm")
    for function, timeout_s in (("FanOut", FAN_OUT_TIMEOUT_S), ("Confirm", CONFIRM_TIMEOUT_S)):
        found = {
            kind: one
            for kind in ("Errors", "Throttles", "Slow", "Returned")
            for id_, one in alarms.items()
            if id_.startswith(f"Alarms{function}{kind}")
        }
        assert set(found) == {"Errors", "Throttles", "Slow", "Returned"}
        assert found["Slow"]["Threshold"] == 1000 * (timeout_s - 5)
        assert found["Throttles"]["EvaluationPeriods"] == found["Returned"]["EvaluationPeriods"] == 3
    for mapping in of_type(template, "AWS::Lambda::EventSourceMapping").values():
        assert mapping["MetricsConfig"] == {"Metrics": ["EventCount"]}


def test_logs_are_encrypted_with_the_realm_s_key(templates: dict[str, Template]) -> None:
    """Those of delivery and functions, by a key that CloudWatch Logs may use for the realm's groups alone.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html, read 2026-11-22
    """
    groups = [
        (f"{name}-{id_}-generated", one)
        for name in ("AmzStream-NA-sp-traffic", "audience-activation-stream-na")
        for id_, one in of_type(templates[name], "AWS::Logs::LogGroup").items()
    ]
    assert len(groups) == 4
    assert all("LogsKey" in json.dumps(one["KmsKeyId"]) for _, one in groups)
    keys = of_type(templates["audience-activation-stream-na"], "AWS::KMS::Key")
    (key,) = (one for id_, one in keys.items() if id_.startswith("LogsKey"))
    assert key["EnableKeyRotation"] is True
    (own,) = (one for one in key["KeyPolicy"]["Statement"] if "Service" in one["Principal"])
    (arns,) = own["Condition"]["ArnLike"].values()
    patterns = [one["Fn::Join"][1][-1].rpartition(":log-group:")[2] for one in arns]
    assert patterns == ["AmzStream*-NA-*", "audience-activation-stream-na-*"]
    # A group that no pattern covers cannot be made, and the deployment fails.
    assert all(any(fnmatchcase(name, pattern) for pattern in patterns) for name, _ in groups)


def test_the_topic_s_key_is_for_the_realm_s_alarms(templates: dict[str, Template]) -> None:
    """CloudWatch may use it for the realm's alarms; EventBridge, which tells nothing there, may not.

    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html, read 2026-11-30
    """
    keys = of_type(templates["audience-activation-stream-na"], "AWS::KMS::Key")
    (key,) = (one for id_, one in keys.items() if id_.startswith("NoticesKey"))
    (own,) = (one for one in key["KeyPolicy"]["Statement"] if "Service" in one["Principal"])
    assert own["Principal"]["Service"] == "cloudwatch.amazonaws.com"
    assert own["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    assert own["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Join"][1][-1].endswith(":alarm:AmzStream*-NA-*")


def test_deliveries_side_by_side(templates: dict[str, Template]) -> None:
    """With both, queue and roles are in one stack, and only the delivery stream ends the lines."""
    template = templates["AmzStream-EU-adsp-campaign-flights"]
    assert {"IngressQueue26236266", "StorageFirehoseEEA939E5"} <= set(template["Resources"])
    assert {"IngressIngressQueue91B67342", "FirehoseSubscriberRoleInfraArn3358A9BC"} <= set(template["Outputs"])
    (stream,) = of_type(template, "AWS::KinesisFirehose::DeliveryStream").values()
    processing = stream["ExtendedS3DestinationConfiguration"]["ProcessingConfiguration"]
    assert [one["Type"] for one in processing["Processors"]] == ["AppendDelimiterToRecord"]
    told = [
        one["Environment"]["Variables"]["ENDS_LINES"]
        for one in of_type(template, "AWS::Lambda::Function").values()
        if "ENDS_LINES" in one["Environment"]["Variables"]
    ]
    assert told == ["false"]


def test_delivery_by_amazon_alone_has_no_queue(templates: dict[str, Template]) -> None:
    """The other kind is roles and landing; names are made up, so that no two datasets share one."""
    template = templates["AmzStream-NA-adsp-campaigns"]
    assert not of_type(template, "AWS::SQS::Queue")
    assert not of_type(template, "AWS::Lambda::Function")
    roles = of_type(template, "AWS::IAM::Role")
    assert all("RoleName" not in one for one in roles.values())
    trust = [json.dumps(one["AssumeRolePolicyDocument"]) for one in roles.values()]
    assert any(catalogue.REVIEWER_ROLE in one and "sns.amazonaws.com" in one for one in trust)
    assert any("arn:aws:iam::926844853897:root" in one and "sts:TagSession" in one for one in trust)


def test_every_resource_says_its_dataset(templates: dict[str, Template]) -> None:
    """The tag of Amazon's example stacks is on all that takes tags."""
    template = templates["AmzStream-NA-sp-traffic"]
    for type_ in ("AWS::SQS::Queue", "AWS::S3::Bucket", "AWS::Lambda::Function", "AWS::IAM::Role"):
        for one in of_type(template, type_).values():
            assert {"Key": "data_set_id", "Value": "sp-traffic"} in one["Tags"]


def test_v2_destination_is_the_published_one(templates: dict[str, Template]) -> None:
    """Two keys, a bucket Amazon's publisher may write to, a queue it may name files in, and both as an output."""
    template = templates["AmzStreamV2-NA-acme"]
    assert len(of_type(template, "AWS::KMS::Key")) == 2
    policies = json.dumps(of_type(template, "AWS::S3::BucketPolicy")) + json.dumps(
        of_type(template, "AWS::SQS::QueuePolicy")
    )
    assert policies.count(catalogue.PUBLISHER_ROLE) == 2
    assert policies.count(catalogue.REVIEWER_ROLE) == 2
    (bucket,) = of_type(template, "AWS::S3::Bucket").values()
    assert "acme-" in json.dumps(bucket["BucketName"])
    assert "notification" in json.dumps(template["Outputs"]["Destination"])
    alarms = of_type(template, "AWS::CloudWatch::Alarm").values()
    assert len(alarms) == 2
    assert all(one["AlarmActions"] == one["OKActions"] for one in alarms)


def test_functions_bring_the_library_and_no_wheels(templates: dict[str, Template]) -> None:
    """The one layer of both functions is our own: with the others a cold start would be many times as long."""
    template = templates["AmzStream-NA-sp-traffic"]
    (layer,) = of_type(template, "AWS::Lambda::LayerVersion")
    functions = of_type(template, "AWS::Lambda::Function").values()
    assert [one["Layers"] for one in functions] == [[{"Ref": layer}]] * 2


def test_end_of_v1_is_said_at_synth(outdir: Path, templates: dict[str, Template]) -> None:
    """Whoever synthesises the stacks reads when Amazon switches this version off."""
    assert templates
    assert catalogue.V1_ENDS in (outdir / "audience-activation-stream-na.metadata.json").read_text()


def test_cdk_nag_has_nothing_to_say(outdir: Path, templates: dict[str, Template]) -> None:
    """No finding is open, and each acknowledgement answers one that is there."""
    assert templates
    plugins = json.loads((outdir / "validation-report.json").read_text())["pluginReports"]
    (nag,) = [one for one in plugins if one["pluginName"] == "AwsSolutions"]
    assert nag["violations"] == []
    acknowledged = {
        (path.strip("/"), rule)
        for file in outdir.glob("*.metadata.json")
        for path, entries in json.loads(file.read_text()).items()
        for entry in entries
        if entry["type"] == "aws:cdk:acknowledged-rules"
        for rule in entry["data"]
    }
    assert acknowledged == {(one["acknowledgedAt"], one["acknowledgedId"]) for one in nag["suppressedViolations"]}


def test_cfn_lint_has_nothing_to_say(outdir: Path, templates: dict[str, Template]) -> None:
    """The templates are valid CloudFormation."""
    import subprocess
    import sys

    assert templates
    files = [str(path) for path in outdir.glob("*.template.json")]
    done = subprocess.run(
        [Path(sys.executable).parent / "cfn-lint", "--config-file", ROOT / ".cfnlintrc", "--template", *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.faults
def test_all_stacks_are_synthesised_in_time(tmp_path: Path) -> None:
    """All 45, cdk-nag included and assets staged, take less than 90 seconds, and each is in its realm's region."""
    begun = time.monotonic()
    made = synthesise(tmp_path, {}, staging=True)
    took_s = time.monotonic() - begun
    assert sum(name.startswith("AmzStream-") for name in made) == 45
    manifest = json.loads((tmp_path / "manifest.json").read_text())["artifacts"]
    for realm in Realm:
        stack = manifest[f"AmzStream-{realm}-sp-traffic"]
        assert stack["environment"] == f"aws://unknown-account/{realm.region}"
    assert took_s < 90
