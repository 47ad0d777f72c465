"""The storage stack: encryption, access, lifecycle, archive and ledger, as the template says them."""

from __future__ import annotations

from typing import Any

import pytest

from app import build
from stacks.storage import StorageStack
from tests.infrastructure.conftest import Templates, context

BUCKETS = ("AccessLogs", "Drops", "Receipts", "Mirrors")


def lifecycle(templates: Templates, bucket: str) -> dict[str, Any]:
    """Return the one lifecycle rule of a bucket that holds for all of its objects."""
    rules = templates.resource("AWS::S3::Bucket", bucket)["LifecycleConfiguration"]["Rules"]
    (rule,) = (one for one in rules if "Prefix" not in one)
    assert rule["Status"] == "Enabled"
    return dict(rule)


def test_the_key_rotates(templates: Templates) -> None:
    """Two customer keys, for data and for notices, rotated by KMS."""
    keys = templates.resources("AWS::KMS::Key").values()
    assert [one["EnableKeyRotation"] for one in keys] == [True, True]


def test_only_logs_of_this_app_may_use_the_key_by_itself(templates: Templates) -> None:
    """Besides the account, the key's policy names CloudWatch Logs, for this app's log groups."""
    (data,) = (key for id_, key in templates.resources("AWS::KMS::Key").items() if not id_.startswith("Notices"))
    account, logs = data["KeyPolicy"]["Statement"]
    assert list(account["Principal"]) == ["AWS"]
    assert "logs." in str(logs["Principal"]["Service"])
    assert "log-group:audience-activation-*" in str(logs["Condition"]["ArnLike"])
    assert not any("*" in action for action in logs["Action"])


@pytest.mark.parametrize("bucket", BUCKETS)
def test_buckets_are_private(templates: Templates, bucket: str) -> None:
    """Nothing is public, nothing is read without TLS, and nobody else owns an object."""
    properties = templates.resource("AWS::S3::Bucket", bucket)
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    assert properties["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    policy = templates.resource("AWS::S3::BucketPolicy", bucket)["PolicyDocument"]["Statement"]
    assert any(
        statement["Effect"] == "Deny" and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
        for statement in policy
    )


@pytest.mark.parametrize("bucket", ["Drops", "Receipts", "Mirrors"])
def test_data_is_encrypted_with_the_customer_key(templates: Templates, bucket: str) -> None:
    """Drops, receipts and mirrors use the customer key, through a bucket key, and log who read them."""
    properties = templates.resource("AWS::S3::Bucket", bucket)
    (rule,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["BucketKeyEnabled"] is True
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"]["Fn::GetAtt"][0].startswith("Key")
    assert properties["LoggingConfiguration"]["DestinationBucketName"]["Ref"].startswith("AccessLogs")


def test_drops_are_versioned_and_raise_events(templates: Templates) -> None:
    """A run is of one version of an object, and EventBridge hears of it without a helper function."""
    properties = templates.resource("AWS::S3::Bucket", "Drops")
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    assert properties["NotificationConfiguration"] == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    assert not templates.resources("Custom::S3BucketNotifications")


def test_drops_expire_in_every_form(templates: Templates) -> None:
    """Current versions, old versions and uploads that were never finished all go."""
    rule = lifecycle(templates, "Drops")
    assert rule["ExpirationInDays"] == 30
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 7}
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}


def test_receipts_raise_no_events(templates: Templates) -> None:
    """A receipt cannot be taken for a drop."""
    assert "NotificationConfiguration" not in templates.resource("AWS::S3::Bucket", "Receipts")


def test_receipts_are_versioned_and_expire(templates: Templates) -> None:
    """An overwritten or deleted receipt is there for another while, then all of them go.

    On a versioned bucket ExpirationInDays adds a delete marker, and NoncurrentVersionExpiration alone deletes what
    is below it; S3 then removes the marker by itself. Source, read 2026-11-29:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-expire-general-considerations.html
    """
    assert templates.resource("AWS::S3::Bucket", "Receipts")["VersioningConfiguration"] == {"Status": "Enabled"}
    rule = lifecycle(templates, "Receipts")
    assert rule["ExpirationInDays"] == 400
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 90}


def test_results_of_queries_are_kept_for_a_day(templates: Templates) -> None:
    """What Athena writes goes after a day, and so do earlier versions of the table of receipts."""
    rules = templates.resource("AWS::S3::Bucket", "Receipts")["LifecycleConfiguration"]["Rules"]
    day = {"NoncurrentVersionExpiration": {"NoncurrentDays": 1}, "Status": "Enabled"}
    assert [one for one in rules if "Prefix" in one] == [
        {"Prefix": "queries/", "ExpirationInDays": 1, **day},
        {"Prefix": "queries-of-parts/", "ExpirationInDays": 1, **day},
        {"Prefix": "queries-of-exports/", "ExpirationInDays": 1, **day},
        {"Prefix": "catalogue/receipts/", **day},
    ]


def test_queries_over_receipts_are_bounded(templates: Templates) -> None:
    """The workgroup's own limit, location and encryption hold for whoever queries."""
    found = templates.resource("AWS::Athena::WorkGroup")["WorkGroupConfiguration"]
    assert found["EnforceWorkGroupConfiguration"] is True
    assert found["BytesScannedCutoffPerQuery"] == 1_000_000_000
    result = found["ResultConfiguration"]
    assert result["OutputLocation"]["Fn::Join"][1][-1] == "/queries/"
    assert result["EncryptionConfiguration"]["EncryptionOption"] == "SSE_KMS"
    assert result["EncryptionConfiguration"]["KmsKey"]["Fn::GetAtt"][0].startswith("Key")


def test_what_an_audience_holds_never_expires(templates: Templates) -> None:
    """Mirrors keep one version, which only a run deletes; nothing but unfinished uploads goes by itself."""
    assert "VersioningConfiguration" not in templates.resource("AWS::S3::Bucket", "Mirrors")
    rule = lifecycle(templates, "Mirrors")
    assert rule == {"Status": "Enabled", "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}}


def test_the_archive_keeps_this_bucket_s_events_only(templates: Templates) -> None:
    """The default bus carries the whole account's events; the archive takes new objects of the drops bucket."""
    archive = templates.resource("AWS::Events::Archive")
    (drops,) = templates.resources("AWS::S3::Bucket", "Drops")
    assert archive["EventPattern"] == {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": [{"Ref": drops}]}},
    }
    assert archive["RetentionDays"] == 365
    assert str(archive["SourceArn"]).count("event-bus/default") == 1


def test_runs_are_indexed_by_what_every_record_has(templates: Templates) -> None:
    """The index needs no attribute that an older run lacks, and has none that changes with every batch."""
    (index,) = templates.resource("AWS::DynamoDB::Table")["GlobalSecondaryIndexes"]
    assert index["KeySchema"] == [
        {"AttributeName": "action", "KeyType": "HASH"},
        {"AttributeName": "started_at", "KeyType": "RANGE"},
    ]
    projected = set(index["Projection"]["NonKeyAttributes"])
    assert projected == {"audience", "state", "object_key", "code", "sentence", "not_before", "counted"}
    assert not projected & {"progress", "updated_at", "rows_acknowledged", "lease_until", "expires_at"}


def test_the_ledger_survives_mistakes(templates: Templates) -> None:
    """The ledger is on demand, encrypted, restorable to a point in time, and forgets by `expires_at`."""
    table = templates.resource("AWS::DynamoDB::Table")
    assert table["KeySchema"] == [{"AttributeName": "pk", "KeyType": "HASH"}]
    assert {"AttributeName": "pk", "AttributeType": "S"} in table["AttributeDefinitions"]
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["PointInTimeRecoverySpecification"] == {
        "PointInTimeRecoveryEnabled": True,
        "RecoveryPeriodInDays": 35,
    }
    assert table["SSESpecification"]["SSEType"] == "KMS"
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert table["DeletionProtectionEnabled"] is True


def test_what_holds_data_is_kept_when_a_stack_goes(templates: Templates) -> None:
    """Deleting a stack, or a connector from it, deletes no drop, receipt, ledger, key, secret or event."""
    kept = {
        "AWS::S3::Bucket",
        "AWS::DynamoDB::Table",
        "AWS::KMS::Key",
        "AWS::SecretsManager::Secret",
        "AWS::Events::Archive",
    }
    for template in (templates.storage, templates.activation):
        for id_, resource in template["Resources"].items():
            if resource["Type"] in kept:
                assert (id_, resource["DeletionPolicy"]) == (id_, "Retain")


def test_a_removed_connector_leaves_its_dead_letters(templates: Templates) -> None:
    """Dead letters and undelivered events outlive their connector; its queue of new work does not."""
    policies = {
        id_: resource.get("DeletionPolicy")
        for id_, resource in templates.activation["Resources"].items()
        if resource["Type"] == "AWS::SQS::Queue"
    }
    assert {policies[id_] for id_ in policies if "DeadLetters" in id_ or "Undelivered" in id_} == {"Retain"}
    assert {policies[id_] for id_ in policies if id_.startswith(("AlphaQueue", "BetaEuQueue"))} == {"Delete"}


def test_the_storage_stack_is_not_deleted_by_mistake(templates: Templates, settings: dict[str, Any]) -> None:
    """It has termination protection, unless the settings say that data goes with its stack.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-protect-stacks.html, read 2026-11-29
    """
    for removal, protected in (("retain", True), ("destroy", False)):
        app = build(context=context({**settings, "removal": removal}, staging=False))
        stack = app.node.find_child("audience-activation-storage")
        assert isinstance(stack, StorageStack)
        assert stack.termination_protection is protected


def test_nothing_has_a_name_of_its_own(templates: Templates) -> None:
    """Names are generated, and the bus's carries the app's own: an account can hold several copies."""
    names = {
        "AWS::S3::Bucket": "BucketName",
        "AWS::SQS::Queue": "QueueName",
        "AWS::SNS::Topic": "TopicName",
        "AWS::Lambda::Function": "FunctionName",
        "AWS::IAM::Role": "RoleName",
        "AWS::DynamoDB::Table": "TableName",
        "AWS::Events::Rule": "Name",
        "AWS::Events::Archive": "ArchiveName",
        "AWS::Logs::LogGroup": "LogGroupName",
        "AWS::SecretsManager::Secret": "Name",
        "AWS::CloudWatch::Alarm": "AlarmName",
        "AWS::KMS::Key": "KeyId",
    }
    for type_, name in names.items():
        found = templates.resources(type_)
        assert found
        assert not [id_ for id_, properties in found.items() if name in properties]
    assert templates.resource("AWS::Events::EventBus")["Name"].startswith("audienceactivationstorage")


def test_the_outputs_say_where_things_are(templates: Templates) -> None:
    """The command line finds the app by the outputs of its stacks."""
    outputs = templates.storage["Outputs"]
    assert {"DropsBucket", "ReceiptsBucket", "MirrorsBucket", "LedgerTable", "EventBusName", "ArchiveArn"} <= set(
        outputs
    )
