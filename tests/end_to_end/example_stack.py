"""Amazon's example stack as a template: the ids, names and behaviour that an upgrade meets, and no more.

What https://github.com/amzn/amazon-marketing-stream-examples synthesises: commit 349918e, read 2026-11-29.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

Resource = dict[str, Any]

REVIEWER = "arn:aws:iam::926844853897:role/ReviewerRole"
SUBSCRIBER = "arn:aws:iam::926844853897:role/SubscriberRole"
QUEUE, DEAD_LETTERS = "IngressQueue26236266", "IngressDlq69714C64"
CONFIRMATIONS = "FanoutSubsConfirmationQueue45DB7E45"
TOPIC, BUCKET, STREAM = "FanoutDataTopic0A0A60DE", "StorageLZ10F6C360", "StorageFirehoseEEA939E5"
SUBSCRIPTION_ROLE = "FirehoseSubscriptionRoleInfraFirehoseSubscriptionRoleF02F2291"
SUBSCRIBER_ROLE = "FirehoseSubscriberRoleInfraFirehoseSubscriberRole34E8AE0B"
_DESTINATION, _LOGS = "StorageFirehoseS3DestinationRole4A7F6E2A", "StorageFirehoseLogGroupB02AA959"
_TOPIC_ROLE = "StorageSnsSubsRoleCB7C113A"
_FANOUT_ROLE, _CONFIRM_ROLE = "FanoutLambdaServiceRoleCA70D9C8", "SubsConfirmationLambdaServiceRole446777D3"

# What the example's function does: data goes to the topic with a line end, in tens; anything that is no object
# fails the whole batch; the failures it returns are ignored, since its mapping does not ask for them.
_FAN_OUT = """
import json, os, boto3
def handler(event, context):
    bodies = [one["body"] for one in event["Records"]]
    asks = [one for one in bodies if json.loads(one).get("Type") == "SubscriptionConfirmation"]
    data = [one for one in bodies if one not in asks]
    sqs, sns = boto3.client("sqs"), boto3.client("sns")
    for one in asks:
        sqs.send_message(QueueUrl=os.environ["SUBSCRIPTION_CONFIRMATION_QUEUE_URL"], MessageBody=one)
    for first in range(0, len(data), 10):
        entries = [{"Id": str(n), "Message": one + "\\n"} for n, one in enumerate(data[first:first + 10])]
        sns.publish_batch(TopicArn=os.environ["DATA_FANOUT_TOPIC_ARN"], PublishBatchRequestEntries=entries)
"""
_CONFIRM = """
import json, boto3
def handler(event, context):
    for one in event["Records"]:
        asked = json.loads(one["body"])
        boto3.client("sns").confirm_subscription(TopicArn=asked["TopicArn"], Token=asked["Token"])
"""


def example(dataset: str, realm: str, source: str, delivery: str) -> dict[str, Any]:
    """Return the template of one dataset in one realm, delivered by "sqs" or by "firehose"."""
    landing = _landing(dataset)
    other = _queue_mode(dataset, realm, source) if delivery == "sqs" else _firehose_mode(dataset, realm, source)
    outputs = {
        "StorageLandingZoneBucketFE2101CB": {"Value": _arn(BUCKET)},
        "StorageDeliveryStreamArnBB2306AC": {"Value": _arn(STREAM)},
    }
    if delivery == "sqs":
        outputs["IngressIngressQueue91B67342"] = {"Value": _arn(QUEUE)}
    return {"Resources": landing | other, "Outputs": outputs}


def _landing(dataset: str) -> dict[str, Resource]:
    destination = {
        "BucketARN": _arn(BUCKET),
        "RoleARN": _arn(_DESTINATION),
        "CloudWatchLoggingOptions": {
            "Enabled": True,
            "LogGroupName": {"Ref": _LOGS},
            "LogStreamName": {"Ref": "StorageFirehoseLogGroupS3DestinationD24DA600"},
        },
        "Prefix": f"{dataset}/year=!{{timestamp:yyyy}}/month=!{{timestamp:MM}}/day=!{{timestamp:dd}}/"
        "hour=!{timestamp:HH}/",
        "ErrorOutputPrefix": f"errors/{dataset}/",
    }
    objects = {"Fn::Join": ["", [_arn(BUCKET), "/*"]]}
    return {
        BUCKET: _of("AWS::S3::Bucket", retain=True),
        _LOGS: _of("AWS::Logs::LogGroup", retain=True, RetentionInDays=731),
        "StorageFirehoseLogGroupS3DestinationD24DA600": _of(
            "AWS::Logs::LogStream", retain=True, LogGroupName={"Ref": _LOGS}
        ),
        _DESTINATION: _role("firehose.amazonaws.com"),
        "StorageFirehoseS3DestinationRoleDefaultPolicyF7CF78FB": _policy(
            _DESTINATION, ("s3:*", [_arn(BUCKET), objects]), ("logs:PutLogEvents", _arn(_LOGS))
        ),
        STREAM: _of(
            "AWS::KinesisFirehose::DeliveryStream",
            DeliveryStreamType="DirectPut",
            ExtendedS3DestinationConfiguration=destination,
        ),
    }


def _queue_mode(dataset: str, realm: str, source: str) -> dict[str, Resource]:
    stack = f"AmzStream-{realm}-{dataset}"
    receives = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"]
    sends = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": ["sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SendMessage"],
        "Resource": _arn(QUEUE),
        "Condition": {"ArnLike": {"aws:SourceArn": source}},
    }
    reviews = {
        "Effect": "Allow",
        "Principal": {"AWS": REVIEWER},
        "Action": "sqs:GetQueueAttributes",
        "Resource": _arn(QUEUE),
    }
    confirm_dead = "FanoutSubsConfirmationDlq1E3A7822"
    return {
        DEAD_LETTERS: _of("AWS::SQS::Queue", VisibilityTimeout=60, MessageRetentionPeriod=1209600),
        QUEUE: _queue(DEAD_LETTERS, ReceiveMessageWaitTimeSeconds=20),
        "IngressQueuePolicy51A6E0B5": _of(
            "AWS::SQS::QueuePolicy",
            Queues=[{"Ref": QUEUE}],
            PolicyDocument={"Version": "2012-10-17", "Statement": [reviews, sends]},
        ),
        TOPIC: _of("AWS::SNS::Topic"),
        confirm_dead: _of("AWS::SQS::Queue", VisibilityTimeout=60),
        CONFIRMATIONS: _queue(confirm_dead),
        _FANOUT_ROLE: _role("lambda.amazonaws.com"),
        "FanoutLambdaServiceRoleDefaultPolicyF13F0C47": _policy(
            _FANOUT_ROLE,
            ("sns:Publish", {"Ref": TOPIC}),
            ("sqs:SendMessage", _arn(CONFIRMATIONS)),
            (receives, _arn(QUEUE)),
        ),
        "FanoutLambdaD65A4B4B": _function(
            _FANOUT_ROLE,
            _FAN_OUT,
            DATA_FANOUT_TOPIC_ARN={"Ref": TOPIC},
            SUBSCRIPTION_CONFIRMATION_QUEUE_URL={"Ref": CONFIRMATIONS},
        ),
        _mapping_id("Fanout", stack, "Ingress/Queue"): _mapping(QUEUE, "FanoutLambdaD65A4B4B"),
        _CONFIRM_ROLE: _role("lambda.amazonaws.com"),
        "SubsConfirmationLambdaServiceRoleDefaultPolicy4FF9E466": _policy(
            _CONFIRM_ROLE, ("sns:ConfirmSubscription", "*"), (receives, _arn(CONFIRMATIONS))
        ),
        "SubsConfirmationLambdaF7F08F50": _function(_CONFIRM_ROLE, _CONFIRM),
        _mapping_id("SubsConfirmation", stack, "Fanout/SubsConfirmationQueue"): _mapping(
            CONFIRMATIONS, "SubsConfirmationLambdaF7F08F50"
        ),
        _TOPIC_ROLE: _role("sns.amazonaws.com"),
        "StorageSnsSubsRoleDefaultPolicy127F3C9D": _policy(
            _TOPIC_ROLE, (["firehose:PutRecord", "firehose:PutRecordBatch"], _arn(STREAM))
        ),
        "StorageFirehoseSubA3A71188": _of(
            "AWS::SNS::Subscription",
            Protocol="firehose",
            RawMessageDelivery=True,
            TopicArn={"Ref": TOPIC},
            Endpoint=_arn(STREAM),
            SubscriptionRoleArn=_arn(_TOPIC_ROLE),
        ),
    }


def _firehose_mode(dataset: str, realm: str, source: str) -> dict[str, Resource]:
    begins = f"{dataset[:8]}-{realm}"
    puts = ["firehose:DescribeDeliveryStream", "firehose:PutRecord", "firehose:PutRecordBatch"]
    return {
        SUBSCRIPTION_ROLE: _role("sns.amazonaws.com", REVIEWER, RoleName=f"{begins}-subscription"),
        "FirehoseSubscriptionRoleInfraFirehoseSubscriptionRoleDefaultPolicyEB34C2E2": _policy(
            SUBSCRIPTION_ROLE, (puts, _arn(STREAM))
        ),
        SUBSCRIBER_ROLE: _role("", SUBSCRIBER, RoleName=f"{begins}-subscriber"),
        "FirehoseSubscriberRoleInfraFirehoseSubscriberRoleDefaultPolicy7DEA0CB6": _policy(
            SUBSCRIBER_ROLE,
            (["sns:Subscribe", "sns:Unsubscribe"], source),
            ("iam:PassRole", _arn(SUBSCRIPTION_ROLE)),
        ),
    }


def _of(type_: str, *, retain: bool = False, **properties: Any) -> Resource:
    kept = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"} if retain else {}
    return {"Type": type_, **kept, "Properties": properties}


def _arn(logical_id: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [logical_id, "Arn"]}


def _queue(dead_letters: str, **properties: Any) -> Resource:
    redrive = {"deadLetterTargetArn": _arn(dead_letters), "maxReceiveCount": 10}
    return _of("AWS::SQS::Queue", VisibilityTimeout=60, RedrivePolicy=redrive, **properties)


def _role(service: str, principal: str = "", **properties: Any) -> Resource:
    trusted = {"Service": service} if service else {}
    trusted |= {"AWS": principal} if principal else {}
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": trusted}
    return _of(
        "AWS::IAM::Role",
        AssumeRolePolicyDocument={"Version": "2012-10-17", "Statement": [statement]},
        **properties,
    )


def _policy(role: str, *allowed: tuple[Any, Any]) -> Resource:
    statements = [{"Effect": "Allow", "Action": action, "Resource": resource} for action, resource in allowed]
    return _of(
        "AWS::IAM::Policy",
        PolicyName=f"{role}DefaultPolicy",
        Roles=[{"Ref": role}],
        PolicyDocument={"Version": "2012-10-17", "Statement": statements},
    )


def _function(role: str, code: str, **variables: Any) -> Resource:
    return _of(
        "AWS::Lambda::Function",
        Role=_arn(role),
        Runtime="python3.9",
        Handler="index.handler",
        Code={"ZipFile": code},
        Environment={"Variables": variables},
    )


def _mapping(queue: str, function: str) -> Resource:
    return _of("AWS::Lambda::EventSourceMapping", EventSourceArn=_arn(queue), FunctionName={"Ref": function})


def _mapping_id(function: str, stack: str, queue: str) -> str:
    source = re.sub(r"\W", "", f"{stack}{queue}") + _digest(f"{stack}/{queue}")
    made = _digest(f"{function}/Lambda/SqsEventSource:{source}/Resource")
    return f"{function}LambdaSqsEventSource{source}{made}"


def _digest(path: str) -> str:
    return hashlib.md5(path.encode(), usedforsecurity=False).hexdigest()[:8].upper()
