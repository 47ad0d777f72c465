"""An alarm's notifications: to the topics of its new state, in AWS's form, if the topic lets CloudWatch in."""

from __future__ import annotations

import json
from typing import Any

from ministack.core.responses import new_uuid
from ministack.services import cloudwatch, sns

from sandbox.emulator.cloudwatch import message
from sandbox.emulator.environment import ACCOUNT
from sandbox.emulator.hook import Function, Hook
from sandbox.emulator.service_access import admits
from sandbox.emulator.sns_hooks import FANOUT, FIND_TOPIC

_DISPATCH = Hook(
    "ministack.services.cloudwatch", "_dispatch_alarm_actions", ("alarm", "old_state", "new_state", "reason")
)

HOOKS = (
    _DISPATCH,
    FIND_TOPIC,
    FANOUT,
)

_CLOUDWATCH = "cloudwatch.amazonaws.com"
_OF_OWNER = {"StringEquals": {"AWS:SourceOwner": ACCOUNT}}
_ACTIONS = {"ALARM": "AlarmActions", "OK": "OKActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}


def install() -> None:
    """Replace the notifications of metric alarms."""
    _DISPATCH.replace(_notifying)


def _notifying(original: Function) -> Function:
    def dispatch(alarm: dict[str, Any], old_state: str, new_state: str, reason: str) -> None:
        if "MetricName" not in alarm:  # a composite alarm, whose notification has another form
            original(alarm, old_state, new_state, reason)
            return
        if not alarm.get("ActionsEnabled", True):
            return
        at = float(alarm["StateUpdatedTimestamp"])
        text = message.body(alarm, old_state, new_state, reason, at)
        subject = message.subject(alarm["AlarmName"], new_state)
        for arn in alarm.get(_ACTIONS[new_state]) or ():
            if _may_publish(arn, alarm["AlarmArn"]):
                sns._fanout(arn, new_uuid(), text, subject)
            else:
                cloudwatch.logger.warning("CloudWatch: alarms may not publish to %s", arn)

    return dispatch


def _may_publish(topic_arn: str, alarm_arn: str) -> bool:
    """Return whether the topic's policy lets an alarm of this account publish, as its default policy does.

    That one allows whoever acts for the topic's owner, by a condition on `AWS:SourceOwner`, and an alarm does.
    """
    topic = sns._topic_by_arn_any_scope(topic_arn)
    if topic is None:
        return False
    policy = json.loads(topic["attributes"].get("Policy") or "{}")
    for_owner = [one for one in policy.get("Statement", ()) if one.get("Condition") == _OF_OWNER]
    opened = [{**one, "Principal": {"Service": _CLOUDWATCH}, "Condition": {}} for one in for_owner]
    asked = {**policy, "Statement": [*policy.get("Statement", ()), *opened]}
    return admits(asked, _CLOUDWATCH, "sns:Publish", topic_arn, alarm_arn)
