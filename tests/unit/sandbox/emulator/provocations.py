"""What makes each service of the emulator publish: by metric, a call that returns the dimensions' values."""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Callable, Mapping

import requests
from botocore.exceptions import ClientError

from sandbox.emulator.cloudwatch import metric_names as names
from sandbox.emulator.environment import ACCOUNT, REGION
from tests.unit.sandbox.emulator.driver import ROLE, Emulator

Provocation = Callable[[Emulator], tuple[str, ...]]

RAISES = "def handler(event, context):\n    raise RuntimeError('on purpose')\n"
RETURNS = "def handler(event, context):\n    return {}\n"


def unique() -> str:
    """Return a name that nothing else has."""
    return f"t{uuid.uuid4().hex[:12]}"


def queue_name(url: str) -> str:
    """Return the name in a queue's URL."""
    return url.rpartition("/")[2]


def waiting_message(emulator: Emulator, **message: int) -> tuple[str, ...]:
    """Send a message that nobody takes."""
    url, _ = emulator.queue(VisibilityTimeout="1800")
    emulator.client("sqs").send_message(QueueUrl=url, MessageBody="m", **message)
    return (queue_name(url),)


def message_in_flight(emulator: Emulator) -> tuple[str, ...]:
    """Take a message and keep it."""
    (name,) = waiting_message(emulator)
    sqs = emulator.client("sqs")
    sqs.receive_message(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"])
    return (name,)


def good_call(emulator: Emulator) -> tuple[str, ...]:
    """Call a function that returns."""
    name = emulator.function(RETURNS)
    emulator.invoke(name)
    return (name,)


def failing_call(emulator: Emulator) -> tuple[str, ...]:
    """Call a function that raises."""
    name = emulator.function(RAISES)
    emulator.client("lambda").invoke(FunctionName=name)
    return (name,)


def throttled_call(emulator: Emulator) -> tuple[str, ...]:
    """Call a function that may not run."""
    client, name = emulator.client("lambda"), emulator.function(RETURNS)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    with contextlib.suppress(ClientError):
        client.invoke(FunctionName=name)
    return (name,)


def returned_message(emulator: Emulator) -> tuple[str, ...]:
    """Let a mapping give a function a message that it fails on."""
    url, arn = emulator.queue(VisibilityTimeout="1800")
    mapping = emulator.client("lambda").create_event_source_mapping(
        FunctionName=emulator.function(RAISES), EventSourceArn=arn
    )
    emulator.client("sqs").send_message(QueueUrl=url, MessageBody="m")
    return (mapping["UUID"],)


def undeliverable_event(emulator: Emulator, bus: str = "", **target: object) -> tuple[str, ...]:
    """Send an event to a queue that does not exist; the default bus is not among the dimensions."""
    events, rule = emulator.client("events"), unique()
    of_bus = {}
    if bus:
        events.create_event_bus(Name=bus)
        of_bus = {"EventBusName": bus}
    events.put_rule(Name=rule, EventPattern=json.dumps({"source": [rule]}), **of_bus)
    events.put_targets(Rule=rule, Targets=[{"Id": "q", "Arn": gone_queue(), **target}], **of_bus)
    events.put_events(Entries=[{"Source": rule, "DetailType": "d", "Detail": "{}", **of_bus}])
    return (bus, rule) if bus else (rule,)


def gone_queue() -> str:
    """Return the ARN of a queue that does not exist."""
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{unique()}"


def undeliverable_notification(emulator: Emulator) -> tuple[str, ...]:
    """Publish to a topic whose subscriber is gone."""
    sns, (url, arn), name = emulator.client("sns"), emulator.queue(), unique()
    topic = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    emulator.client("sqs").delete_queue(QueueUrl=url)
    sns.publish(TopicArn=topic, Message="m")
    return (name,)


def delivery_stream(emulator: Emulator, bucket: str) -> str:
    """Make a delivery stream into a bucket; return its name."""
    name = unique()
    emulator.client("firehose").create_delivery_stream(
        DeliveryStreamName=name,
        ExtendedS3DestinationConfiguration={"RoleARN": ROLE, "BucketARN": f"arn:aws:s3:::{bucket}"},
    )
    return name


def undeliverable_record(emulator: Emulator) -> tuple[str, ...]:
    """Put a record into a stream whose bucket is gone."""
    bucket = emulator.bucket()
    name = delivery_stream(emulator, bucket)
    emulator.client("s3").delete_bucket(Bucket=bucket)
    emulator.client("firehose").put_record(DeliveryStreamName=name, Record={"Data": b"r"})
    return (name,)


def refused_records(emulator: Emulator) -> tuple[str, ...]:
    """Put records into a stream that is told to refuse them."""
    name = delivery_stream(emulator, emulator.bucket())
    fault = {"service": "firehose", "status": 503, "code": "ServiceUnavailableException"}
    requests.post(f"{emulator.url}/_faults", json=[fault], timeout=5).raise_for_status()
    try:
        with contextlib.suppress(ClientError):
            emulator.client("firehose").put_record_batch(
                DeliveryStreamName=name, Records=[{"Data": b"r"}, {"Data": b"r"}]
            )
    finally:
        requests.delete(f"{emulator.url}/_faults", timeout=5).raise_for_status()
    return (name,)


def api_call(emulator: Emulator, method: str) -> tuple[str, ...]:
    """Call an API of which GET is answered, POST has no integration and anything else does not exist."""
    gateway, name = emulator.client("apigateway"), unique()
    api = gateway.create_rest_api(name=name)["id"]
    (root,) = gateway.get_resources(restApiId=api)["items"]
    for one in ("GET", "POST"):
        gateway.put_method(restApiId=api, resourceId=root["id"], httpMethod=one, authorizationType="NONE")
    gateway.put_integration(
        restApiId=api,
        resourceId=root["id"],
        httpMethod="GET",
        type="MOCK",
        requestTemplates={"application/json": '{"statusCode": 200}'},
    )
    gateway.create_deployment(restApiId=api, stageName="live")
    requests.request(method, f"{emulator.url}/_aws/execute-api/{api}/live/", timeout=10)
    return (name,)


PROVOCATIONS: Mapping[names.Metric, Provocation] = {
    names.MESSAGES_VISIBLE: waiting_message,
    names.MESSAGES_DELAYED: lambda emulator: waiting_message(emulator, DelaySeconds=900),
    names.MESSAGES_NOT_VISIBLE: message_in_flight,
    names.AGE_OF_OLDEST: waiting_message,
    names.INVOCATIONS: good_call,
    names.ERRORS: failing_call,
    names.THROTTLES: throttled_call,
    names.DURATION: good_call,
    names.FAILED_EVENTS: returned_message,
    names.FAILED_INVOCATIONS[0]: undeliverable_event,
    names.FAILED_INVOCATIONS[1]: lambda emulator: undeliverable_event(emulator, unique()),
    names.UNKEPT_EVENTS[0]: lambda emulator: undeliverable_event(emulator, DeadLetterConfig={"Arn": gone_queue()}),
    names.UNKEPT_EVENTS[1]: lambda emulator: undeliverable_event(
        emulator, unique(), DeadLetterConfig={"Arn": gone_queue()}
    ),
    names.NOTIFICATIONS_FAILED: undeliverable_notification,
    names.FRESHNESS: undeliverable_record,
    names.THROTTLED_RECORDS: refused_records,
    names.API_CALLS: lambda emulator: api_call(emulator, "GET"),
    names.API_CLIENT_ERRORS: lambda emulator: api_call(emulator, "DELETE"),
    names.API_SERVER_ERRORS: lambda emulator: api_call(emulator, "POST"),
}
