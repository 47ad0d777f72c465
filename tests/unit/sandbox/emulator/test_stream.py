"""What the stacks of Amazon Marketing Stream need of the emulator: large batches, whole objects, saved queries."""

from __future__ import annotations

import uuid

from tests.unit.sandbox.emulator.driver import ROLE, Emulator, until

_COUNTS = """
import boto3, os
def handler(event, context):
    boto3.client("sqs").send_message(
        QueueUrl=os.environ["ANSWERS"], MessageBody=str(len(event["Records"])))
"""


def test_function_gets_as_many_messages_as_its_mapping_says(emulator: Emulator) -> None:
    """A batch of 40 is one invocation, and the rest of 50 another."""
    url, arn = emulator.queue(VisibilityTimeout="60")
    answers, _ = emulator.queue()
    for first in range(0, 50, 10):
        entries = [{"Id": str(number), "MessageBody": str(number)} for number in range(first, first + 10)]
        emulator.client("sqs").send_message_batch(QueueUrl=url, Entries=entries)
    name = emulator.function(_COUNTS, Environment={"Variables": {"ANSWERS": answers}})
    emulator.client("lambda").create_event_source_mapping(
        EventSourceArn=arn, FunctionName=name, BatchSize=40, MaximumBatchingWindowInSeconds=1
    )
    sizes: list[int] = []

    def both() -> bool:
        sizes.extend(int(one["Body"]) for one in emulator.receive(answers, within_s=0.5))
        return sum(sizes) == 50

    until(both, 20)
    assert sorted(sizes) == [10, 40]


def test_records_of_one_call_are_one_object(emulator: Emulator) -> None:
    """Firehose writes many records into an object, in the order they were put."""
    bucket, name = emulator.bucket(), f"d{uuid.uuid4().hex[:8]}"
    firehose, s3 = emulator.client("firehose"), emulator.client("s3")
    firehose.create_delivery_stream(
        DeliveryStreamName=name,
        ExtendedS3DestinationConfiguration={
            "RoleARN": ROLE,
            "BucketARN": f"arn:aws:s3:::{bucket}",
            "Prefix": "p/",
        },
    )
    put = firehose.put_record_batch(
        DeliveryStreamName=name, Records=[{"Data": f"{number}\n".encode()} for number in range(3)]
    )
    assert put["FailedPutCount"] == 0

    until(lambda: s3.list_objects_v2(Bucket=bucket)["KeyCount"] > 0)
    (entry,) = s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read() == b"0\n1\n2\n"


def test_saved_query_is_deployed(emulator: Emulator) -> None:
    """A template's saved query can be read back from Athena."""
    outputs = emulator.stack(
        {
            "Query": {
                "Type": "AWS::Athena::NamedQuery",
                "Properties": {"Database": "one", "Name": "two", "QueryString": "select 1"},
            }
        },
        {"Id": {"Ref": "Query"}},
    )
    found = emulator.client("athena").get_named_query(NamedQueryId=outputs["Id"])["NamedQuery"]
    assert (found["Name"], found["QueryString"]) == ("two", "select 1")
