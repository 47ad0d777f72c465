"""The SDK that Lambda's runtime brings, checked at cold start for every call the functions make.

The runtime's SDK is not the one that the tests run with: which it is depends on the runtime and the region
(https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html, read 2026-11-30). In a layer, botocore would take
30 MB and, without compiled files, half a second of each cold start; to look up what is used takes a millisecond.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import botocore

from activation.errors import ConfigError

# By service and operation, the arguments that the functions pass; a test holds them against the sources.
NEEDED: Mapping[str, Mapping[str, frozenset[str]]] = {
    "athena": {
        "GetQueryExecution": frozenset({"QueryExecutionId"}),
        "StartQueryExecution": frozenset(
            {"QueryString", "ClientRequestToken", "QueryExecutionContext", "WorkGroup"}
        ),
    },
    "cleanrooms": {
        "GetProtectedQuery": frozenset({"membershipIdentifier", "protectedQueryIdentifier"}),
        "ListProtectedQueries": frozenset({"membershipIdentifier", "maxResults"}),
        "StartProtectedQuery": frozenset(
            {"type", "membershipIdentifier", "sqlParameters", "resultConfiguration", "computeConfiguration"}
        ),
    },
    "cloudformation": {
        "DescribeStacks": frozenset({"StackName"}),
        "ListStackResources": frozenset({"StackName"}),
    },
    "dynamodb": {
        "BatchGetItem": frozenset({"RequestItems"}),
        "GetItem": frozenset({"TableName", "Key", "ConsistentRead"}),
        "Scan": frozenset(
            {"TableName", "Select", "ProjectionExpression", "FilterExpression", "ExpressionAttributeValues"}
        ),
        "TransactWriteItems": frozenset({"TransactItems"}),
        "UpdateItem": frozenset(
            {
                "TableName", "Key", "UpdateExpression", "ConditionExpression", "ExpressionAttributeNames",
                "ExpressionAttributeValues", "ReturnValues", "ReturnValuesOnConditionCheckFailure",
            }
        ),
    },
    "events": {"DescribeRule": frozenset({"Name"}), "PutEvents": frozenset({"Entries"})},
    "firehose": {"PutRecordBatch": frozenset({"DeliveryStreamName", "Records"})},
    "glue": {
        "GetJobRun": frozenset({"JobName", "RunId"}),
        "GetJobRuns": frozenset({"JobName"}),
        "StartJobRun": frozenset({"JobName", "Arguments"}),
    },
    "lambda": {
        "GetAccountSettings": frozenset(),
        "GetFunctionConfiguration": frozenset({"FunctionName"}),
        "ListEventSourceMappings": frozenset({"FunctionName"}),
    },
    "s3": {
        "AbortMultipartUpload": frozenset({"Bucket", "Key", "UploadId"}),
        "CompleteMultipartUpload": frozenset(
            {
                "Bucket", "Key", "UploadId", "MultipartUpload", "ChecksumCRC32", "ChecksumType", "IfMatch",
                "IfNoneMatch",
            }
        ),
        "CreateMultipartUpload": frozenset(
            {"Bucket", "Key", "ContentType", "Metadata", "ChecksumAlgorithm", "ChecksumType"}
        ),
        "DeleteObjects": frozenset({"Bucket", "Delete"}),
        "GetBucketEncryption": frozenset({"Bucket"}),
        "GetBucketNotificationConfiguration": frozenset({"Bucket"}),
        "GetBucketPolicy": frozenset({"Bucket"}),
        "GetBucketVersioning": frozenset({"Bucket"}),
        "GetObject": frozenset({"Bucket", "Key", "Range", "VersionId", "IfMatch"}),
        "HeadBucket": frozenset({"Bucket"}),
        "HeadObject": frozenset({"Bucket", "Key", "VersionId", "IfMatch", "ChecksumMode"}),
        "ListObjectVersions": frozenset({"Bucket", "Prefix"}),
        "ListObjectsV2": frozenset({"Bucket", "Prefix", "MaxKeys", "Delimiter"}),
        "ListParts": frozenset({"Bucket", "Key", "UploadId", "PartNumberMarker", "MaxParts"}),
        "PutObject": frozenset(
            {
                "Bucket", "Key", "Body", "ContentType", "Metadata", "ChecksumAlgorithm", "ChecksumCRC32",
                "IfMatch", "IfNoneMatch",
            }
        ),
        "UploadPart": frozenset({"Bucket", "Key", "UploadId", "PartNumber", "Body", "ChecksumCRC32"}),
    },
    "secretsmanager": {
        "DescribeSecret": frozenset({"SecretId"}),
        "GetSecretValue": frozenset({"SecretId"}),
        "PutSecretValue": frozenset({"SecretId", "SecretString", "ClientRequestToken"}),
    },
    "sns": {
        "ConfirmSubscription": frozenset({"TopicArn", "Token"}),
        "ListSubscriptionsByTopic": frozenset({"TopicArn"}),
        "PublishBatch": frozenset({"TopicArn", "PublishBatchRequestEntries"}),
    },
    "ssm": {"GetParameter": frozenset({"Name", "WithDecryption"})},
    "sqs": {
        "GetQueueAttributes": frozenset({"QueueUrl", "AttributeNames"}),
        "ChangeMessageVisibilityBatch": frozenset({"QueueUrl", "Entries"}),
        "SendMessage": frozenset({"QueueUrl", "MessageBody", "MessageAttributes", "DelaySeconds"}),
        "SendMessageBatch": frozenset({"QueueUrl", "Entries"}),
    },
}  # fmt: skip


def checked(client: Any) -> Any:
    """Return a client of the SDK; raises ConfigError with old_sdk if it lacks a call that the functions make."""
    model = client.meta.service_model
    lacking = []
    for name, arguments in NEEDED.get(model.service_name, {}).items():
        if name not in model.operation_names:
            lacking.append(f"{model.service_name}:{name}")
            continue
        shape = model.operation_model(name).input_shape
        known = shape.members if shape else {}
        lacking += [f"{model.service_name}:{name} {one}" for one in sorted(arguments) if one not in known]
    if lacking:
        whose, remedy = _whose()
        raise ConfigError(
            "old_sdk", f"{whose} botocore {botocore.__version__} lacks {', '.join(lacking)}; {remedy}"
        )
    return client


def _whose() -> tuple[str, str]:
    """Return whose SDK this is, and what to do about it: the command checks its own by the same list.

    The variable is Lambda's: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html, read
    2026-11-30.
    """
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        return "the runtime's", "set wheels.python to a newer Python and deploy again"
    return "this computer's", "install the packages of requirements.txt again"
