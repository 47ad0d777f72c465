"""The metrics that the emulated services publish.

A test compares them with the alarms of the templates, since an alarm on a metric that is never published cannot
fire, and another provokes each of them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """A metric of an AWS service: namespace, name, the names of its dimensions, and the unit."""

    namespace: str
    name: str
    dimensions: tuple[str, ...]
    unit: str = "Count"


# Read 2026-11-30:
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html
# Of Lambda the invocation metrics; the section on event source mappings was not opened, see functions.py:
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
# Of SNS and Firehose not the pages of today but older texts of them in AWS's repositories:
# https://github.com/awsdocs/amazon-sns-developer-guide doc_source/sns-monitoring-using-cloudwatch.md
# https://github.com/awsdocs/amazon-kinesis-data-firehose-developer-guide
#   doc_source/monitoring-with-cloudwatch-metrics.md
# ThrottledRecords is not in the latter. Today's page recommends an alarm on it, without its unit and dimension:
# https://docs.aws.amazon.com/firehose/latest/dev/firehose-cloudwatch-metrics-best-practices.html
_QUEUE = ("QueueName",)
MESSAGES_VISIBLE = Metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", _QUEUE)
MESSAGES_NOT_VISIBLE = Metric("AWS/SQS", "ApproximateNumberOfMessagesNotVisible", _QUEUE)
MESSAGES_DELAYED = Metric("AWS/SQS", "ApproximateNumberOfMessagesDelayed", _QUEUE)
AGE_OF_OLDEST = Metric("AWS/SQS", "ApproximateAgeOfOldestMessage", _QUEUE, "Seconds")

_FUNCTION = ("FunctionName",)
INVOCATIONS = Metric("AWS/Lambda", "Invocations", _FUNCTION)
ERRORS = Metric("AWS/Lambda", "Errors", _FUNCTION)
THROTTLES = Metric("AWS/Lambda", "Throttles", _FUNCTION)
DURATION = Metric("AWS/Lambda", "Duration", _FUNCTION, "Milliseconds")
FAILED_EVENTS = Metric("AWS/Lambda", "FailedInvokeEventCount", ("EventSourceMappingUUID",))

# The default bus is not among the dimensions of its rules' metrics, any other is.
_RULES = (("RuleName",), ("EventBusName", "RuleName"))
FAILED_INVOCATIONS, UNKEPT_EVENTS = (
    tuple(Metric("AWS/Events", name, dimensions) for dimensions in _RULES)
    for name in ("FailedInvocations", "InvocationsFailedToBeSentToDlq")
)

NOTIFICATIONS_FAILED = Metric("AWS/SNS", "NumberOfNotificationsFailed", ("TopicName",))

_STREAM = ("DeliveryStreamName",)
FRESHNESS = Metric("AWS/Firehose", "DeliveryToS3.DataFreshness", _STREAM, "Seconds")
THROTTLED_RECORDS = Metric("AWS/Firehose", "ThrottledRecords", _STREAM)

_API = ("ApiName",)
API_CALLS = Metric("AWS/ApiGateway", "Count", _API)
API_CLIENT_ERRORS = Metric("AWS/ApiGateway", "4XXError", _API)
API_SERVER_ERRORS = Metric("AWS/ApiGateway", "5XXError", _API)

PUBLISHED = (
    MESSAGES_VISIBLE,
    MESSAGES_NOT_VISIBLE,
    MESSAGES_DELAYED,
    AGE_OF_OLDEST,
    INVOCATIONS,
    ERRORS,
    THROTTLES,
    DURATION,
    FAILED_EVENTS,
    *FAILED_INVOCATIONS,
    *UNKEPT_EVENTS,
    NOTIFICATIONS_FAILED,
    FRESHNESS,
    THROTTLED_RECORDS,
    API_CALLS,
    API_CLIENT_ERRORS,
    API_SERVER_ERRORS,
)
