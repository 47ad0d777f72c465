"""What a topic could not deliver, and how an API answered.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html (read
2026-11-30), and an older text of https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html
(https://github.com/awsdocs/amazon-sns-developer-guide, read 2026-11-30; today's page was not opened): a message
for a queue counts as failed once SNS stops trying, whatever the number of attempts.
A topic fails here at a queue or function that is gone, or whose policy refuses it.
"""

from __future__ import annotations

from typing import Any

from ministack.services import apigateway_v1, sqs

from sandbox.emulator.cloudwatch.metric_names import (
    API_CALLS,
    API_CLIENT_ERRORS,
    API_SERVER_ERRORS,
    NOTIFICATIONS_FAILED,
)
from sandbox.emulator.cloudwatch.metrics import record
from sandbox.emulator.environment import ACCOUNT
from sandbox.emulator.hook import Function, Hook
from sandbox.emulator.service_deliveries import notifies

_SNS = "ministack.services.sns"
_TO_QUEUE = Hook(
    _SNS,
    "_deliver_to_sqs",
    (
        "endpoint",
        "envelope",
        "raw",
        "raw_message",
        "message_group_id",
        "message_dedup_id",
        "message_attributes",
        "topic_arn",
    ),
)
_TO_FUNCTION = Hook(
    _SNS,
    "_deliver_to_lambda",
    ("endpoint", "envelope", "topic_arn", "sub_arn", "msg_id", "raw_message", "message_attributes"),
)
_ANSWER = Hook(
    "ministack.services.apigateway_v1",
    "_handle_execute_in_scope",
    (
        "api_id",
        "stage_name",
        "method",
        "path",
        "headers",
        "body",
        "query_params",
        "owner_account_id",
        "owner_region",
    ),
)

HOOKS = (
    _TO_QUEUE,
    _TO_FUNCTION,
    _ANSWER,
    Hook("ministack.services.sqs", "_queue_by_arn", ("arn",)),
    Hook(
        "ministack.services.sqs", "queue_policy_allows", ("queue_arn", "service", "source_arn", "source_account")
    ),
)


def install() -> None:
    """Count at each subscriber, and at each answer."""
    _TO_QUEUE.replace(_counting_at_queues)
    _TO_FUNCTION.replace(_counting_at_functions)
    _ANSWER.replace(_counting_answers)


def _counting_at_queues(original: Function) -> Function:
    def deliver(endpoint: str, *message: Any, topic_arn: str = "", **named: Any) -> None:
        admitted = sqs._queue_by_arn(endpoint) is not None and sqs.queue_policy_allows(
            endpoint, "sns.amazonaws.com", topic_arn, ACCOUNT
        )
        if not admitted:
            _failed(topic_arn)
        original(endpoint, *message, topic_arn=topic_arn, **named)

    return deliver


def _counting_at_functions(original: Function) -> Function:
    def deliver(endpoint: str, envelope: str, topic_arn: str, *rest: Any) -> None:
        if not notifies(endpoint, topic_arn):
            _failed(topic_arn)
        original(endpoint, envelope, topic_arn, *rest)

    return deliver


def _failed(topic_arn: str) -> None:
    record(NOTIFICATIONS_FAILED, 1, topic_arn.rpartition(":")[2])


def _counting_answers(original: Function) -> Function:
    async def execute(api_id: str, *request: Any) -> Any:
        answer = await original(api_id, *request)
        api = apigateway_v1._rest_apis.get(api_id)
        if api:
            status = int(answer[0])
            record(API_CALLS, 1, api["name"])
            record(API_CLIENT_ERRORS, int(400 <= status < 500), api["name"])
            record(API_SERVER_ERRORS, int(status >= 500), api["name"])
        return answer

    return execute
