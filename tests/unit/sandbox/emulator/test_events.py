"""S3's events on their way through EventBridge: complete, archived, replayed, dead-lettered."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.unit.sandbox.emulator.driver import Emulator, until

BUS = "arn:aws:events:us-east-1:111122223333:event-bus/default"


def _archive(emulator: Emulator, bucket: str) -> str:
    pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": [bucket]}}}
    archive = {
        "Type": "AWS::Events::Archive",
        "Properties": {"SourceArn": BUS, "EventPattern": pattern, "RetentionDays": 3},
    }
    return emulator.stack({"A": archive}, {"Arn": {"Fn::GetAtt": ["A", "Arn"]}})["Arn"]


def _replay(emulator: Emulator, archive_arn: str, **destination: Any) -> str:
    name, now = f"r{uuid.uuid4().hex[:8]}", datetime.now(UTC)
    emulator.client("events").start_replay(
        ReplayName=name,
        EventSourceArn=archive_arn,
        EventStartTime=now - timedelta(hours=1),
        EventEndTime=now + timedelta(hours=1),
        Destination={"Arn": BUS, **destination},
    )
    return name


def test_event_names_the_version_and_keeps_the_key_as_it_is(emulator: Emulator) -> None:
    """The event of a new object carries its version id, its time in ISO form and the key not URL-encoded."""
    bucket, (url, arn) = emulator.bucket(), emulator.open_queue()
    emulator.rule(bucket, arn)
    key = "meta/VIP été 2026+a%20b/raw/people.csv"
    put = emulator.client("s3").put_object(Bucket=bucket, Key=key, Body=b"x")
    (message,) = emulator.receive(url)
    event = json.loads(message["Body"])
    assert event["detail"]["object"]["version-id"] == put["VersionId"]
    assert event["detail"]["object"]["key"] == key
    assert event["detail-type"] == "Object Created"
    age = datetime.now(UTC) - datetime.fromisoformat(event["time"])
    assert timedelta(seconds=-1) < age < timedelta(seconds=30)


def test_archived_event_is_replayed_once_with_the_name_of_the_replay(emulator: Emulator) -> None:
    """A replay sends the archived event again, the same but for the stamp, and archives it no second time."""
    bucket, (url, arn) = emulator.bucket(), emulator.open_queue()
    emulator.rule(bucket, arn)
    archive_arn = _archive(emulator, bucket)
    emulator.client("s3").put_object(Bucket=bucket, Key="a", Body=b"x")
    (live,) = emulator.receive(url)
    name = _replay(emulator, archive_arn)
    (again,) = emulator.receive(url)
    replayed = json.loads(again["Body"])
    assert replayed.pop("replay-name") == name
    assert replayed == json.loads(live["Body"])
    events = emulator.client("events")
    assert events.describe_archive(ArchiveName=archive_arn.split("/")[1])["EventCount"] == 1
    assert events.describe_replay(ReplayName=name)["EventLastReplayedTime"] == datetime.fromisoformat(
        json.loads(live["Body"])["time"]
    )


def test_replay_reaches_only_the_rules_it_names(emulator: Emulator) -> None:
    """A replay with FilterArns leaves the other rules alone."""
    bucket = emulator.bucket()
    (url, arn), (other_url, other_arn) = emulator.open_queue(), emulator.open_queue()
    rule = emulator.rule(bucket, arn)
    emulator.rule(bucket, other_arn)
    archive_arn = _archive(emulator, bucket)
    emulator.client("s3").put_object(Bucket=bucket, Key="a", Body=b"x")
    assert len(emulator.receive(url)) == len(emulator.receive(other_url)) == 1
    name = _replay(emulator, archive_arn, FilterArns=[rule])
    (again,) = emulator.receive(url)
    assert json.loads(again["Body"])["replay-name"] == name
    assert emulator.receive(other_url, within_s=0.3) == []


def test_event_for_a_missing_queue_goes_to_the_rules_dead_letters(emulator: Emulator) -> None:
    """An event whose target is gone is in the target's dead-letter queue with the reason as attributes."""
    bucket, (url, arn), (dead_url, dead_arn) = emulator.bucket(), emulator.open_queue(), emulator.open_queue()
    rule = emulator.rule(bucket, arn, DeadLetterConfig={"Arn": dead_arn})
    emulator.client("sqs").delete_queue(QueueUrl=url)
    emulator.client("s3").put_object(Bucket=bucket, Key="a", Body=b"x")
    (message,) = emulator.receive(dead_url)
    attributes = {name: one["StringValue"] for name, one in message["MessageAttributes"].items()}
    assert attributes["ERROR_CODE"] == "NO_RESOURCE"
    assert (attributes["RULE_ARN"], attributes["TARGET_ARN"]) == (rule, arn)
    assert json.loads(message["Body"])["detail"]["object"]["key"] == "a"


def test_queue_whose_policy_is_silent_gets_no_event(emulator: Emulator) -> None:
    """EventBridge may not send to a queue that does not let it, and says so in the dead letters."""
    bucket, (url, arn), (dead_url, dead_arn) = emulator.bucket(), emulator.queue(), emulator.open_queue()
    emulator.rule(bucket, arn, DeadLetterConfig={"Arn": dead_arn})
    emulator.client("s3").put_object(Bucket=bucket, Key="a", Body=b"x")
    (message,) = emulator.receive(dead_url)
    assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"
    assert emulator.receive(url, within_s=0.2) == []


def test_topic_gets_events_without_a_condition_only(emulator: Emulator) -> None:
    """A topic that lets EventBridge in by a Condition gets nothing, as on AWS; one without gets the event."""
    bucket, (dead_url, dead_arn) = emulator.bucket(), emulator.open_queue()
    account = {"StringEquals": {"aws:SourceAccount": "111122223333"}}
    (closed, closed_url), (opened, opened_url) = emulator.topic(**account), emulator.topic()
    for arn in (closed, opened):
        emulator.rule(bucket, arn, DeadLetterConfig={"Arn": dead_arn})
    emulator.client("s3").put_object(Bucket=bucket, Key="a", Body=b"x")
    assert len(emulator.receive(opened_url)) == 1
    (message,) = emulator.receive(dead_url)
    assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"
    assert message["MessageAttributes"]["TARGET_ARN"]["StringValue"] == closed
    assert emulator.receive(closed_url, within_s=0.2) == []


def test_archive_is_changed_and_removed_with_its_stack(emulator: Emulator) -> None:
    """An update of the stack changes the archive in place; deleting the stack removes it."""
    cloudformation, name = emulator.client("cloudformation"), f"s{uuid.uuid4().hex[:8]}"

    def template(days: int) -> str:
        archive = {"Type": "AWS::Events::Archive", "Properties": {"SourceArn": BUS, "RetentionDays": days}}
        return json.dumps({"Resources": {"A": archive}, "Outputs": {"Name": {"Value": {"Ref": "A"}}}})

    def outputs() -> dict[str, str]:
        (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
        return {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", ())}

    cloudformation.create_stack(StackName=name, TemplateBody=template(3))
    until(lambda: "Name" in outputs())
    archive_name, events = outputs()["Name"], emulator.client("events")
    cloudformation.update_stack(StackName=name, TemplateBody=template(9))
    until(lambda: events.describe_archive(ArchiveName=archive_name)["RetentionDays"] == 9)
    cloudformation.delete_stack(StackName=name)
    until(lambda: not events.list_archives(NamePrefix=archive_name)["Archives"])
