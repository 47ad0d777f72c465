"""Events for EventBridge targets that cannot be reached go to the target's dead-letter queue, as on AWS."""

from __future__ import annotations

import json
from typing import Any

from ministack.core.arn import ArnParseError, parse_arn
from ministack.services import eventbridge, lambda_svc, sns, sqs

from sandbox.emulator.cloudwatch.metric_names import FAILED_INVOCATIONS, UNKEPT_EVENTS, Metric
from sandbox.emulator.cloudwatch.metrics import record
from sandbox.emulator.hook import Function, Hook
from sandbox.emulator.service_access import admits
from sandbox.emulator.service_deliveries import function_admits
from sandbox.emulator.sns_hooks import FIND_TOPIC

_TARGET = Hook("ministack.services.eventbridge", "_invoke_target", ("target", "event", "rule", "view"))

HOOKS = (
    _TARGET,
    Hook("ministack.services.eventbridge", "_pattern_event_view", ("event",)),
    Hook("ministack.services.sqs", "_queue_by_arn", ("arn",)),
    Hook("ministack.services.sqs", "_act_send_message", ("data", "qurl")),
    FIND_TOPIC,
    Hook("ministack.services.lambda_svc", "_get_func_record_for_ref", ("function_ref",)),
)

# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html (read 2026-11-22): there is no retry if
# a target is gone or refuses the caller.
_GONE = ("NO_RESOURCE", "The target does not exist.")
_REFUSED = ("NO_PERMISSIONS", "The target's resource policy does not let EventBridge send to it.")

_PRINCIPAL = "events.amazonaws.com"


def install() -> None:
    """Check each target before it is invoked."""
    _TARGET.replace(_or_dead_letter)


def _or_dead_letter(original: Function) -> Function:
    def invoke(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None) -> None:
        obstacle = _obstacle(target.get("Arn", ""), rule.get("Arn", ""))
        if obstacle is None:
            original(target, event, rule, view)
            return
        eventbridge.logger.warning("EventBridge: %s (%s)", obstacle[1], target.get("Arn"))
        _count(FAILED_INVOCATIONS, rule)
        queue_arn = (target.get("DeadLetterConfig") or {}).get("Arn")
        if not queue_arn:
            return
        if _obstacle(queue_arn, rule.get("Arn", "")) is None:
            _send(queue_arn, target["Arn"], event, rule, obstacle)
        else:
            _count(UNKEPT_EVENTS, rule)

    return invoke


def _count(metrics: tuple[Metric, ...], rule: dict[str, Any]) -> None:
    """Publish a metric of a rule: of the default bus by the rule's name alone, of any other by the bus's too."""
    of_default, of_other = metrics
    bus = rule.get("EventBusName") or "default"
    if bus == "default":
        record(of_default, 1, rule["Name"])
    else:
        record(of_other, 1, bus, rule["Name"])


def _obstacle(target_arn: str, rule_arn: str) -> tuple[str, str] | None:
    """Return why a target cannot be reached, None if it can."""
    try:
        service = parse_arn(target_arn).service
    except ArnParseError:
        return _GONE
    if service == "lambda":
        function = lambda_svc._get_func_record_for_ref(target_arn)[0]
        if not function:
            return _GONE
        return None if function_admits(function, _PRINCIPAL, rule_arn) else _REFUSED
    if service == "sqs":
        # A queue's policy may name the rule; AWS checks that, and the emulator does not.
        return _closed(sqs._queue_by_arn(target_arn), "sqs:SendMessage", target_arn, rule_arn)
    if service == "sns":
        # A Condition cannot be met: EventBridge tells topics neither rule nor account.
        # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html (read 2026-11-29)
        return _closed(sns._topic_by_arn_any_scope(target_arn), "sns:Publish", target_arn, "")
    return None


def _closed(resource: dict[str, Any] | None, action: str, arn: str, source_arn: str) -> tuple[str, str] | None:
    """Return why a queue or a topic, None for one that is gone, cannot be sent to."""
    if resource is None:
        return _GONE
    policy = resource["attributes"].get("Policy")
    return None if admits(policy, _PRINCIPAL, action, arn, source_arn) else _REFUSED


def _send(
    queue_arn: str, target_arn: str, event: dict[str, Any], rule: dict[str, Any], why: tuple[str, str]
) -> None:
    texts = {
        "RULE_ARN": rule.get("Arn", ""),
        "TARGET_ARN": target_arn,
        "ERROR_CODE": why[0],
        "ERROR_MESSAGE": why[1],
        "EXHAUSTED_RETRY_CONDITION": "NonRetryable",
        "RETRY_ATTEMPTS": "0",
    }
    queue = sqs._queue_by_arn(queue_arn)
    url = sqs._queue_url(queue_arn.rsplit(":", 1)[-1]) if queue else ""
    sqs._act_send_message(
        {
            "QueueUrl": url,
            "MessageBody": json.dumps(eventbridge._pattern_event_view(event).event_with_detail()),
            "MessageAttributes": {
                name: {"DataType": "String", "StringValue": text} for name, text in texts.items()
            },
        },
        url,
    )
