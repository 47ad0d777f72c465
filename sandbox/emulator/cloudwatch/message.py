"""What CloudWatch publishes to a topic when a metric alarm changes its state.

AWS keeps an example in
https://github.com/aws/aws-lambda-go/blob/main/events/testdata/cloudwatch-alarm-sns-payload-single-metric.json
(read 2026-11-30); notifications of 2024 and later also hold the lists of actions and the configuration's time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sandbox.emulator.environment import ACCOUNT, REGION

REGION_NAME = {"us-east-1": "US East (N. Virginia)"}[REGION]

_SUBJECT_CHARACTERS = 100  # SNS's limit


def subject(name: str, state: str) -> str:
    """Return the subject of the notification, in which a long name is cut."""
    left = _SUBJECT_CHARACTERS - len(f'{state}: "" in {REGION_NAME}')
    shown = name if len(name) <= left else f"{name[: left - 3]}..."
    return f'{state}: "{shown}" in {REGION_NAME}'


def body(alarm: Mapping[str, Any], before: str, after: str, reason: str, at: float) -> str:
    """Return the notification's JSON. `alarm` is as PutMetricAlarm names things, `at` in seconds since 1970."""
    return json.dumps(
        {
            "AlarmName": alarm["AlarmName"],
            "AlarmDescription": alarm.get("AlarmDescription") or None,
            "AWSAccountId": ACCOUNT,
            "AlarmConfigurationUpdatedTimestamp": _time(alarm["AlarmConfigurationUpdatedTimestamp"]),
            "NewStateValue": after,
            "NewStateReason": reason,
            "StateChangeTime": _time(at),
            "Region": REGION_NAME,
            "AlarmArn": alarm["AlarmArn"],
            "OldStateValue": before,
            **{name: alarm.get(name) or [] for name in ("OKActions", "AlarmActions", "InsufficientDataActions")},
            "Trigger": _trigger(alarm),
        }
    )


def _trigger(alarm: Mapping[str, Any]) -> dict[str, Any]:
    extended = alarm.get("ExtendedStatistic")
    statistic = (
        {"StatisticType": "ExtendedStatistic", "ExtendedStatistic": extended}
        if extended
        else {"StatisticType": "Statistic", "Statistic": _screaming(alarm["Statistic"])}
    )
    return {
        "MetricName": alarm["MetricName"],
        "Namespace": alarm["Namespace"],
        **statistic,
        "Unit": alarm.get("Unit"),
        "Dimensions": [{"value": one["Value"], "name": one["Name"]} for one in alarm.get("Dimensions") or ()],
        "Period": alarm["Period"],
        "EvaluationPeriods": alarm["EvaluationPeriods"],
        **({"DatapointsToAlarm": alarm["DatapointsToAlarm"]} if alarm.get("DatapointsToAlarm") else {}),
        "ComparisonOperator": alarm["ComparisonOperator"],
        "Threshold": alarm["Threshold"],
        "TreatMissingData": alarm.get("TreatMissingData") or "missing",
        "EvaluateLowSampleCountPercentile": alarm.get("EvaluateLowSampleCountPercentile") or "",
    }


def _screaming(statistic: str) -> str:
    """Return a statistic as the message spells it: SUM for Sum, SAMPLE_COUNT for SampleCount."""
    return "".join(f"_{one}" if one.isupper() and index else one for index, one in enumerate(statistic)).upper()


def _time(seconds: float) -> str:
    at = datetime.fromtimestamp(seconds, tz=UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}+0000"
