"""What one service sends to another arrives only if the receiver's policy lets it in."""

from __future__ import annotations

import json
import uuid
from typing import Any

import requests

from sandbox.emulator.environment import ACCOUNT, REGION
from tests.unit.sandbox.emulator.driver import Emulator


def _topic(emulator: Emulator, queue_arn: str) -> Any:
    sns = emulator.client("sns")
    arn = sns.create_topic(Name=f"t{uuid.uuid4().hex[:12]}")["TopicArn"]
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue_arn, Attributes={"RawMessageDelivery": "true"})
    return arn


def test_a_topic_sends_only_to_a_queue_that_lets_it(emulator: Emulator) -> None:
    """A queue without a policy, or with one for another topic, gets nothing; one that names the topic does."""
    sqs, sns = emulator.client("sqs"), emulator.client("sns")
    url, arn = emulator.queue()
    topic = _topic(emulator, arn)
    for allowed, wanted in (("", []), (f"{topic}-other", []), (topic, ["hello"])):
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": allowed}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy if allowed else ""})
        sns.publish(TopicArn=topic, Message="hello")
        assert [one["Body"] for one in emulator.receive(url, within_s=3 if wanted else 0.5)] == wanted


def test_a_rule_invokes_only_a_function_that_lets_it(emulator: Emulator) -> None:
    """Without a permission for the rule the event is a dead letter; with it the function runs."""
    seen_url, _ = emulator.queue()
    dead_url, dead_arn = emulator.open_queue()
    code = (
        "import boto3\ndef handler(event, context):\n    key = event['detail']['object']['key']\n"
        f"    boto3.client('sqs').send_message(QueueUrl={seen_url!r}, MessageBody=key)\n"
    )
    name, bucket = emulator.function(code), emulator.bucket()
    functions, s3 = emulator.client("lambda"), emulator.client("s3")
    arn = functions.get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    rule = emulator.rule(bucket, arn, DeadLetterConfig={"Arn": dead_arn})
    s3.put_object(Bucket=bucket, Key="refused", Body=b"")
    (dead,) = emulator.receive(dead_url)
    assert dead["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"
    functions.add_permission(
        FunctionName=name,
        StatementId="rule",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule,
    )
    s3.put_object(Bucket=bucket, Key="let in", Body=b"")
    assert [one["Body"] for one in emulator.receive(seen_url, within_s=20)] == ["let in"]
    assert emulator.receive(dead_url, within_s=0) == []


def test_an_api_calls_only_a_function_that_lets_it(emulator: Emulator) -> None:
    """Without a permission for the method the caller gets 500, as from API Gateway; with it the answer."""
    gateway, functions = emulator.client("apigateway"), emulator.client("lambda")
    name = emulator.function("def handler(event, context):\n    return {'statusCode': 200, 'body': 'hi'}\n")
    arn = functions.get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    api = gateway.create_rest_api(name=name)["id"]
    (root,) = gateway.get_resources(restApiId=api)["items"]
    at = {"restApiId": api, "resourceId": root["id"], "httpMethod": "POST"}
    gateway.put_method(**at, authorizationType="NONE")
    uri = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{arn}/invocations"
    gateway.put_integration(**at, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)
    gateway.create_deployment(restApiId=api, stageName="live")
    url = f"{emulator.url}/_aws/execute-api/{api}/live/"
    assert requests.post(url, timeout=20).status_code == 500
    for number, (method, wanted) in enumerate((("GET", 500), ("POST", 200))):
        functions.add_permission(
            FunctionName=name,
            StatementId=f"api{number}",
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn=f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api}/*/{method}/",
        )
        assert requests.post(url, timeout=20).status_code == wanted


def test_a_topic_invokes_only_a_function_that_lets_it(emulator: Emulator) -> None:
    """Without a permission, or with one for another topic, the function does not run; with its own it does."""
    sns, functions = emulator.client("sns"), emulator.client("lambda")
    seen_url, _ = emulator.queue()
    code = (
        "import boto3\ndef handler(event, context):\n    text = event['Records'][0]['Sns']['Message']\n"
        f"    boto3.client('sqs').send_message(QueueUrl={seen_url!r}, MessageBody=text)\n"
    )
    name = emulator.function(code)
    arn = functions.get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    topic = sns.create_topic(Name=f"t{uuid.uuid4().hex[:12]}")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn)
    sns.publish(TopicArn=topic, Message="no permission")
    for source in (f"{topic}-other", topic):
        functions.add_permission(
            FunctionName=name,
            StatementId=source.rpartition(":")[2],
            Action="lambda:InvokeFunction",
            Principal="sns.amazonaws.com",
            SourceArn=source,
        )
        sns.publish(TopicArn=topic, Message=source)
    assert [one["Body"] for one in emulator.receive(seen_url, within_s=20)] == [topic]
    assert emulator.receive(seen_url, within_s=1) == []
