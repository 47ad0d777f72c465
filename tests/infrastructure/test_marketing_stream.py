"""The stacks of Amazon Marketing Stream, in the templates they become."""

from __future__ import annotations

import json
from typing import Any

import pytest
from activation.platforms.discovery import platforms

from amz_stream_cli.destinations import dataset_of
from stacks.marketing_stream import catalogue
from stacks.marketing_stream.catalogue import DATASETS, Realm
from stacks.marketing_stream.settings import StreamSettings
from stacks.settings import SettingsError, read_settings
from tests.infrastructure.stream_templates import Template, of_type

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


def test_a_deployment_of_the_example_stacks_can_be_upgraded(stream_templates: dict[str, Template]) -> None:
    """What live subscriptions know keeps its logical id: queues, topic, bucket, delivery stream, outputs."""
    template = stream_templates["AmzStream-NA-sp-traffic"]
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
    direct = stream_templates["AmzStream-NA-adsp-campaigns"]["Outputs"]
    assert {"FirehoseSubscriptionRoleInfraArn22E3DAAD", "FirehoseSubscriberRoleInfraArn3358A9BC"} <= set(direct)
    assert template["Description"] == (
        "Amazon Marketing Stream Consumer for Advertising region: NA Dataset: sp-traffic"
    )


def test_the_ingress_queue_takes_from_amazon_alone(stream_templates: dict[str, Template]) -> None:
    """SNS may send for the dataset's topics, the reviewer may look, plain HTTP may nothing."""
    policy = stream_templates["AmzStream-NA-sp-traffic"]["Resources"]["IngressQueuePolicy51A6E0B5"]["Properties"]
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


def test_queues_lose_nothing(stream_templates: dict[str, Template]) -> None:
    """14 days, encrypted, dead letters behind every queue a function reads, six timeouts of hiding."""
    for name, template in stream_templates.items():
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


def test_permissions_are_named_one_by_one(stream_templates: dict[str, Template]) -> None:
    """No wildcard in an action, none in a resource but the prefixes of a bucket and Amazon's topics."""
    for template in stream_templates.values():
        for role in of_type(template, "AWS::IAM::Role").values():
            assert all("Fn::ImportValue" in one for one in role.get("ManagedPolicyArns", ()))  # the app's own
            for policy in role.get("Policies", ()):
                for statement in policy["PolicyDocument"]["Statement"]:
                    actions = statement["Action"]
                    assert "*" not in json.dumps(actions)
    confirm = [
        statement
        for role in of_type(stream_templates["AmzStream-NA-sp-traffic"], "AWS::IAM::Role").values()
        for policy in role["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Action"] == "sns:ConfirmSubscription"
    ]
    assert [one["Resource"] for one in confirm] == [SOURCE]


def test_records_land_encrypted_and_by_the_hour(stream_templates: dict[str, Template]) -> None:
    """GZIP below year, month, day and hour; failures by their kind; bucket private, encrypted and logged."""
    template = stream_templates["AmzStream-NA-sp-traffic"]
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


def test_table_needs_no_crawler(stream_templates: dict[str, Template]) -> None:
    """One text column, partitions as a rule that fits the prefix, and queries that create the views."""
    template = stream_templates["AmzStream-NA-sp-traffic"]
    (table,) = of_type(template, "AWS::Glue::Table").values()
    described = table["TableInput"]
    assert described["Name"] == "sp_traffic"
    assert [one["Name"] for one in described["PartitionKeys"]] == ["year", "month", "day", "hour"]
    assert [one["Name"] for one in described["StorageDescriptor"]["Columns"]] == ["line"]
    location = json.dumps(described["Parameters"]["storage.location.template"])
    assert "/sp-traffic/year=${year}/month=${month}/day=${day}/hour=${hour}/" in location
    names = {one["Name"] for one in of_type(template, "AWS::Athena::NamedQuery").values()}
    assert names == {"sp_traffic_lines", "sp_traffic_unreadable", "sp_traffic_records", "sp_traffic_hourly"}


def test_deliveries_side_by_side(stream_templates: dict[str, Template]) -> None:
    """With both, queue and roles are in one stack, and only the delivery stream ends the lines."""
    template = stream_templates["AmzStream-EU-adsp-campaign-flights"]
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


def test_delivery_by_amazon_alone_has_no_queue(stream_templates: dict[str, Template]) -> None:
    """The other kind is roles and landing; names are made up, so that no two datasets share one."""
    template = stream_templates["AmzStream-NA-adsp-campaigns"]
    assert not of_type(template, "AWS::SQS::Queue")
    assert not of_type(template, "AWS::Lambda::Function")
    roles = of_type(template, "AWS::IAM::Role")
    assert all("RoleName" not in one for one in roles.values())
    trust = [json.dumps(one["AssumeRolePolicyDocument"]) for one in roles.values()]
    assert any(catalogue.REVIEWER_ROLE in one and "sns.amazonaws.com" in one for one in trust)
    assert any("arn:aws:iam::926844853897:root" in one and "sts:TagSession" in one for one in trust)


def test_v2_destination_is_the_published_one(stream_templates: dict[str, Template]) -> None:
    """Two keys, a bucket Amazon's publisher may write to, a queue it may name files in, and both as an output."""
    template = stream_templates["AmzStreamV2-NA-acme"]
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
