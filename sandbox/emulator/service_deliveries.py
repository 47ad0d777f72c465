"""Deliveries from service to service ask the receiver's policy, as on AWS; the emulator delivers unasked.

SNS and S3 ask a queue's policy, S3 a topic's, SNS and API Gateway a function's. EventBridge's own are asked in
`target_dead_letters`. All hold with and without `--auth`, since a service's access does not depend on a caller's.
"""

from __future__ import annotations

from typing import Any

from ministack.services import apigateway_v1, lambda_svc, sns, sqs

from sandbox.emulator.hook import Function, Hook
from sandbox.emulator.service_access import admits

_QUEUE = Hook(
    "ministack.services.sqs", "queue_policy_allows", ("queue_arn", "service", "source_arn", "source_account")
)
_TOPIC = Hook(
    "ministack.services.sns", "topic_policy_allows", ("topic_arn", "service", "source_arn", "source_account")
)
_CALL = Hook(
    "ministack.services.apigateway_v1", "_call_lambda_raw", ("function_ref", "event", "account_id", "region")
)

_NOTIFY = Hook(
    "ministack.services.sns",
    "_deliver_to_lambda",
    ("endpoint", "envelope", "topic_arn", "sub_arn", "msg_id", "raw_message", "message_attributes"),
)

HOOKS = (
    _QUEUE,
    _TOPIC,
    _CALL,
    _NOTIFY,
    Hook("ministack.services.sqs", "_queue_by_arn", ("arn",)),
    Hook("ministack.services.sns", "_topic_by_arn_any_scope", ("topic_arn",)),
    Hook("ministack.services.lambda_svc", "_get_func_record_for_ref", ("function_ref",)),
)


def install() -> None:
    """Ask before each delivery."""
    _QUEUE.replace(lambda _original: _queue_admits)
    _TOPIC.replace(lambda _original: _topic_admits)
    _CALL.replace(_if_permitted)
    _NOTIFY.replace(_if_topic_permitted)


def function_admits(function: dict[str, Any], service: str, source_arn: str) -> bool:
    """Return whether a function's policy lets a service invoke it for a resource, such as a rule."""
    arn = str(function["config"]["FunctionArn"])
    return admits(function.get("policy"), service, "lambda:InvokeFunction", arn, source_arn)


def _queue_admits(queue_arn: str, service: str, source_arn: str, source_account: str) -> bool:
    policy = (sqs._queue_by_arn(queue_arn) or {"attributes": {}})["attributes"].get("Policy")
    return admits(policy, service, "sqs:SendMessage", queue_arn, source_arn, source_account=source_account)


def _topic_admits(topic_arn: str, service: str, source_arn: str, source_account: str) -> bool:
    policy = (sns._topic_by_arn_any_scope(topic_arn) or {"attributes": {}})["attributes"].get("Policy")
    return admits(policy, service, "sns:Publish", topic_arn, source_arn, source_account=source_account)


def _if_permitted(original: Function) -> Function:
    async def call(function_ref: str, event: Any, **scope: Any) -> Any:
        source_arn = _method_arn(event, scope)
        function, _, _ = lambda_svc._get_func_record_for_ref(function_ref)
        if source_arn and function and not function_admits(function, "apigateway.amazonaws.com", source_arn):
            apigateway_v1.logger.warning("API Gateway may not invoke %s: it lacks a permission", function_ref)
            return None, "Invalid permissions on Lambda function"
        return await original(function_ref, event, **scope)

    return call


def notifies(function_arn: str, topic_arn: str) -> bool:
    """Return whether a topic reaches a function: there is one, and its policy lets the topic invoke it."""
    function, _, _ = lambda_svc._get_func_record_for_ref(function_arn)
    return bool(function) and function_admits(function, "sns.amazonaws.com", topic_arn)


def _if_topic_permitted(original: Function) -> Function:
    def deliver(endpoint: str, envelope: str, topic_arn: str, *rest: Any) -> None:
        if notifies(endpoint, topic_arn):
            original(endpoint, envelope, topic_arn, *rest)
        else:
            sns.logger.warning("%s may not invoke %s, or there is no such function", topic_arn, endpoint)

    return deliver


def _method_arn(event: Any, scope: dict[str, Any]) -> str:
    """Return the ARN of the method that was called, "" for an integration that shapes its own event."""
    context = event.get("requestContext") if isinstance(event, dict) else None
    if not context:
        return ""
    where = f"{scope.get('region')}:{scope.get('account_id')}:{context['apiId']}/{context['stage']}"
    return f"arn:aws:execute-api:{where}/{context['httpMethod']}{context['resourcePath']}"
