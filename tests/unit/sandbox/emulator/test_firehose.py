"""Messages of a topic in a bucket, by way of Firehose."""

from __future__ import annotations

import gzip
import uuid

import pytest

from tests.unit.sandbox.emulator.driver import ROLE, Emulator, until


@pytest.mark.parametrize("raw", ["true", "false"])
def test_published_message_is_compressed_in_the_bucket(emulator: Emulator, raw: str) -> None:
    """A subscribed stream puts the message into the bucket, in GZIP where it says so."""
    bucket, name = emulator.bucket(), f"d{uuid.uuid4().hex[:8]}"
    stream = emulator.client("firehose").create_delivery_stream(
        DeliveryStreamName=name,
        ExtendedS3DestinationConfiguration={
            "RoleARN": ROLE,
            "BucketARN": f"arn:aws:s3:::{bucket}",
            "Prefix": "stream/",
            "CompressionFormat": "GZIP",
        },
    )
    sns = emulator.client("sns")
    topic = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(
        TopicArn=topic,
        Protocol="firehose",
        Endpoint=stream["DeliveryStreamARN"],
        Attributes={"SubscriptionRoleArn": ROLE, "RawMessageDelivery": raw},
    )
    sns.publish(TopicArn=topic, Message='{"clicks": 1}')
    s3 = emulator.client("s3")
    until(lambda: s3.list_objects_v2(Bucket=bucket, Prefix="stream/")["KeyCount"] == 1)
    (found,) = s3.list_objects_v2(Bucket=bucket, Prefix="stream/")["Contents"]
    assert found["Key"].endswith(".gz")
    text = gzip.decompress(s3.get_object(Bucket=bucket, Key=found["Key"])["Body"].read()).decode()
    assert (text == '{"clicks": 1}') is (raw == "true")
    assert "clicks" in text


def test_delimiter_is_appended_where_the_stream_says_so(emulator: Emulator) -> None:
    """A record without a line end lands with one if the stream's processor appends it, and only then."""
    bucket, firehose, s3 = emulator.bucket(), emulator.client("firehose"), emulator.client("s3")
    appends = {
        "Enabled": True,
        "Processors": [
            {
                "Type": "AppendDelimiterToRecord",
                "Parameters": [{"ParameterName": "Delimiter", "ParameterValue": "\\n"}],
            }
        ],
    }
    for prefix, processing in (("with/", {"ProcessingConfiguration": appends}), ("without/", {})):
        name = f"d{uuid.uuid4().hex[:8]}"
        firehose.create_delivery_stream(
            DeliveryStreamName=name,
            ExtendedS3DestinationConfiguration={
                "RoleARN": ROLE,
                "BucketARN": f"arn:aws:s3:::{bucket}",
                "Prefix": prefix,
                **processing,
            },
        )
        firehose.put_record(DeliveryStreamName=name, Record={"Data": b"{}"})
    until(lambda: s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 2)
    found = {
        one["Key"].split("/")[0]: s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read()
        for one in s3.list_objects_v2(Bucket=bucket)["Contents"]
    }
    assert found == {"with": b"{}\n", "without": b"{}"}
