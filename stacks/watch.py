"""Alarms, as every stack makes them."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_events as events
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

CHECKED_EVERY = Duration.minutes(5)
# A single throttle or returned message is a retry's work; for so many periods in a row it is somebody's.
LASTING = 3

# EventBridge's own defaults for a target, written out because an update that leaves them out may keep what was
# there: three attempts. Those suit a function, since Lambda itself retries; a queue may be away for longer.
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html, read 2026-11-29.
RETRY_ATTEMPTS = 185
MAX_EVENT_AGE = Duration.hours(24)

NEAR_TIMEOUT_S = 5

# Counts what a function gave back, whole batches and parts of them; off unless asked for:
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html, read 2026-11-29
COUNT_EVENTS = lambda_.MetricsConfig(metrics=[lambda_.MetricType.EVENT_COUNT])


class Watch:
    """Makes alarms within `scope`. `subject` begins each sentence, as in "Connector meta " or "CI360: "."""

    def __init__(self, scope: Construct, topic: sns.ITopic, subject: str) -> None:
        self._scope, self._subject = scope, subject
        self._tell = actions.SnsAction(topic)

    def depth(self, id_: str, queue: sqs.Queue, sentence: str) -> None:
        """Alarm on any message in a queue that no function reads."""
        metric = queue.metric_approximate_number_of_messages_visible(period=CHECKED_EVERY, statistic="Maximum")
        self.alarm(id_, metric, 1, sentence)

    def age(self, id_: str, queue: sqs.Queue, limit: Duration, sentence: str) -> None:
        """Alarm on a message that has waited for too long."""
        metric = queue.metric_approximate_age_of_oldest_message(period=CHECKED_EVERY, statistic="Maximum")
        self.alarm(id_, metric, limit.to_seconds(), sentence)

    def function(
        self,
        prefix: str,
        function: lambda_.Function,
        name: str,
        mapping: lambda_.EventSourceMapping | None = None,
    ) -> None:
        """Alarm on a function's errors, throttles and duration, and on messages that it keeps giving back.

        `prefix` begins the alarms' ids, `name` is what the sentences call the function.
        """
        look = "its log group says why"
        errors = function.metric_errors(period=CHECKED_EVERY, statistic="Sum")
        self.alarm(f"{prefix}Errors", errors, 1, f"{name} failed: {look}")
        throttles = function.metric_throttles(period=CHECKED_EVERY, statistic="Sum")
        self.alarm(
            f"{prefix}Throttles",
            throttles,
            1,
            f"{name} has been throttled for a quarter of an hour: raise the account's concurrency of Lambda",
            periods=LASTING,
        )
        assert function.timeout is not None
        near_ms = function.timeout.to_milliseconds() - 1000 * NEAR_TIMEOUT_S
        duration = function.metric_duration(period=CHECKED_EVERY, statistic="Maximum")
        self.alarm(
            f"{prefix}Slow", duration, near_ms, f"{name} ran until {NEAR_TIMEOUT_S} s before its timeout: {look}"
        )
        if mapping is not None:
            returned = cloudwatch.Metric(
                namespace="AWS/Lambda",
                metric_name="FailedInvokeEventCount",
                dimensions_map={"EventSourceMappingUUID": mapping.event_source_mapping_id},
                period=CHECKED_EVERY,
                statistic="Sum",
            )
            self.alarm(
                f"{prefix}Returned",
                returned,
                1,
                f"{name} has given messages back for a quarter of an hour: {look}",
                periods=LASTING,
            )

    def rule(self, prefix: str, rule: events.Rule, kept: str, bus: events.IEventBus | None = None) -> None:
        """Alarm on events that a rule could not deliver, and on those that not even its dead-letter queue has.

        `bus` is None for the default one, whose metrics name the rule alone:
        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html, read 2026-11-29. `kept` says
        where undelivered events are.
        """
        failed = "EventBridge could not deliver an event"
        metric = _of_rule("FailedInvocations", rule, bus)
        self.alarm(f"{prefix}FailedInvocations", metric, 1, f"{failed}: it is in {kept}")
        metric = _of_rule("InvocationsFailedToBeSentToDlq", rule, bus)
        self.alarm(
            f"{prefix}LostEvents",
            metric,
            1,
            f"{failed}, nor keep it: `activation status` and `activation status --missing` list what it was about",
        )

    def alarm(
        self,
        id_: str,
        metric: cloudwatch.IMetric,
        threshold: float,
        sentence: str,
        *,
        periods: int = 1,
        lasts: bool = False,
    ) -> None:
        """Alarm when a metric has reached the threshold for so many periods, and notify when it falls below it.

        With `lasts`, an alarm stays as it is until the metric is written again.
        """
        alarm = cloudwatch.Alarm(
            self._scope,
            id_,
            alarm_description=f"{self._subject}{sentence}.",
            metric=metric,
            threshold=threshold,
            evaluation_periods=periods,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            # An unused queue or stream reports no data; what is counted once a day has none in between.
            treat_missing_data=cloudwatch.TreatMissingData.IGNORE
            if lasts
            else cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(self._tell)
        alarm.add_ok_action(self._tell)


def _of_rule(name: str, rule: events.Rule, bus: events.IEventBus | None) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace="AWS/Events",
        metric_name=name,
        dimensions_map={**({"EventBusName": bus.event_bus_name} if bus else {}), "RuleName": rule.rule_name},
        period=CHECKED_EVERY,
        statistic="Sum",
    )
